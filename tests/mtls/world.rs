//! A samehand that wants certificates, a proxy that asks clients for them, and the application behind both.

use crate::authority;
use crate::support::{
    CLIENT,
    authority::{Authority, Client},
    backend::Backend,
    caddy,
    client::{Address, Reply, Request, ask},
    nginx,
    samehand::{PASSWORD, Samehand},
    shipped::{Kind, Proxy, tcp},
    token::Token,
    traefik,
};
use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) const BROWSER: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
pub(crate) const ADMIN_TOKEN: &str = "q8m2Zt7yVb4Kx1Rw9Lp6Ns3Jd5Hf0GcA";

pub(crate) struct World {
    pub(crate) authority: Authority,
    pub(crate) samehand: Samehand,
    pub(crate) application: Backend,
    pub(crate) proxy: Proxy,
    requests: AtomicU64,
}

/// An answer, and why samehand decided so; empty where it did not decide.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) reply: Reply,
    pub(crate) reason: String,
    pub(crate) reached: bool,
}

impl World {
    #[track_caller]
    pub(crate) fn start(kind: Kind, settings: &[(&str, &str)]) -> Self {
        let header = match kind {
            Kind::Nginx | Kind::Caddy => "X-Client-Cert",
            Kind::Traefik => "X-Forwarded-Tls-Client-Cert",
        };
        let usual = [("CLIENT_CERT_HEADER", header), ("ADMIN_TOKEN", ADMIN_TOKEN)];
        let samehand = Samehand::start(&[&usual[..], settings].concat());
        samehand.add_user("alice", &[]);
        let (authority, application) = (authority(), Backend::start());
        let proxy = match kind {
            Kind::Nginx => nginx::start_mtls(&authority, &samehand.unix, application.address),
            Kind::Traefik => traefik::start_mtls(&authority, &samehand.tcp, application.address),
            Kind::Caddy => caddy::start_mtls(&authority, &samehand.tcp, application.address),
        };
        Self { authority, samehand, application, proxy, requests: AtomicU64::new(0) }
    }

    /// Sends a request with this certificate, over a connection of its own.
    #[track_caller]
    pub(crate) fn send(&self, client: Option<&Client>, request: Request) -> Reply {
        let address = Address::Tls(tcp(&self.proxy.address), self.authority.greeting(client));
        ask(CLIENT, &address, &request.header("User-Agent", BROWSER))
    }

    /// Asks for a page of the application.
    #[track_caller]
    pub(crate) fn page(&self, client: Option<&Client>, token: &str, claims: &[(&str, &str)]) -> Outcome {
        let name = format!("request-{}", self.requests.fetch_add(1, Ordering::Relaxed));
        let before = self.application.seen().requests;
        let request = Request::get("/page").header("X-Request-Id", name.as_str()).bearer(token);
        let request = claims.iter().fold(request, |request, (header, value)| request.header(header, *value));
        let reply = self.send(client, request);
        let reason = self.samehand.decision(&name).field("reason").to_owned();
        Outcome { reply, reason, reached: self.application.seen().requests > before }
    }

    #[track_caller]
    pub(crate) fn sign_in(&self, client: Option<&Client>, claims: &[(&str, &str)]) -> Reply {
        let body = format!(r#"{{"username":"alice","password":"{PASSWORD}"}}"#);
        let request = Request::post("/login", body).header("Content-Type", "application/json");
        let request = claims.iter().fold(request, |request, (header, value)| request.header(header, *value));
        self.send(client, request)
    }
}

impl Outcome {
    #[track_caller]
    pub(crate) fn is_alice(&self, row: &str) {
        assert_eq!((self.reply.status, self.reason.as_str(), self.reached), (200, "ok", true), "{row}: {self:?}");
    }

    /// RFC 6750 section 3.1: the token is not good in this way.
    #[track_caller]
    pub(crate) fn is_refused(&self, row: &str, reason: &str) {
        assert_eq!((self.reply.status, self.reason.as_str(), self.reached), (401, reason, false), "{row}: {self:?}");
        let challenge = self.reply.header("WWW-Authenticate").unwrap_or_default();
        assert!(challenge.starts_with("Bearer ") && challenge.contains(r#"error="invalid_token""#), "{row}: {self:?}");
    }
}

/// The token that an answer brings.
#[track_caller]
pub(crate) fn token_of(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["token"].as_str().expect("a token").to_owned()
}

/// `cnf["x5t#S256"]` of a token, with nothing else in `cnf`.
#[track_caller]
pub(crate) fn confirmed(token: &str) -> Option<String> {
    let cnf = Token::parse(token).claims.get("cnf")?.clone();
    let members = cnf.as_object().expect("an object");
    assert_eq!(members.len(), 1, "{cnf}");
    Some(members["x5t#S256"].as_str().expect("a thumbprint").to_owned())
}

/// The certificate as headers have it: base64 without armour.
pub(crate) fn base64(client: &Client) -> String {
    client.pem().lines().filter(|line| !line.starts_with('-')).collect()
}
