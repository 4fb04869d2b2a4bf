//! One samehand, one application, one proxy, and a client with a key, signed in.

use std::{
    net::SocketAddr,
    sync::atomic::{AtomicU64, Ordering},
};

use serde_json::json;

use crate::support::{
    CLIENT,
    backend::Backend,
    client::{Reply, Request, ask},
    prover::{Draft, Prover},
    samehand::{Decision, PASSWORD, Samehand, field},
    shipped::Proxy,
};

/// The client's program.
pub(crate) const PROGRAM: &str = "payroll/2.1";
/// Where the client finds the application.
pub(crate) const SITE: &str = "http://app.example.com";

/// Everything that one proxy needs to be tried.
pub(crate) struct World {
    pub(crate) samehand: Samehand,
    pub(crate) application: Backend,
    pub(crate) proxy: Proxy,
    pub(crate) prover: Prover,
    /// Bound to the prover's key.
    pub(crate) token: String,
    /// The one that came with it.
    pub(crate) nonce: String,
    requests: AtomicU64,
}

/// What became of one request.
pub(crate) struct Outcome {
    pub(crate) reply: Reply,
    pub(crate) reached_application: bool,
    pub(crate) decision: Decision,
}

impl World {
    #[track_caller]
    pub(crate) fn start(proxy: impl FnOnce(&Samehand, SocketAddr) -> Proxy) -> Self {
        let samehand = Samehand::start(&[
            ("REQUIRE_SAME", "dpop"),
            ("WATCH", "ip,user-agent"),
            ("COOKIE_NAME", "__Secure-samehand"),
        ]);
        samehand.add_user("alice", &["--group", "staff"]);
        let application = Backend::start();
        let proxy = proxy(&samehand, application.address);
        let prover = Prover::new();
        let proof = prover.sign(&prover.draft("POST", &format!("{SITE}/login")));
        let reply = ask(CLIENT, &proxy.address, &login(&proof));
        let (token, nonce) = signed_in(&reply);
        Self { samehand, application, proxy, prover, token, nonce, requests: AtomicU64::new(0) }
    }

    /// A path that nobody has asked for.
    pub(crate) fn path(&self) -> String {
        format!("/page/{}", self.requests.fetch_add(1, Ordering::Relaxed))
    }

    /// The proof of a request with the token.
    pub(crate) fn draft(&self, method: &str, url: &str) -> Draft {
        self.prover.draft(method, url).with_token(&self.token).with("nonce", self.nonce.as_str())
    }

    /// Asks for a page with a proof that is changed in some way.
    #[track_caller]
    pub(crate) fn page_with(&self, change: impl FnOnce(Draft) -> Draft) -> Outcome {
        let path = self.path();
        let proof = self.prover.sign(&change(self.draft("GET", &format!("{SITE}{path}"))));
        self.ask(&path, Request::get(&path).dpop(&self.token, &proof))
    }

    /// Sends a request through the proxy, and waits for the decision about this path.
    #[track_caller]
    pub(crate) fn ask(&self, path: &str, request: Request) -> Outcome {
        let before = self.application.seen().requests;
        let reply = ask(CLIENT, &self.proxy.address, &request.header("User-Agent", PROGRAM));
        let reached_application = self.application.seen().requests > before;
        Outcome { reply, reached_application, decision: self.samehand.decision_about_path(path) }
    }

    #[track_caller]
    pub(crate) fn nothing_broke(&mut self) {
        assert!(self.samehand.process.is_alive(), "samehand ended:\n{}", self.samehand.process.log());
        assert!(self.proxy.process.is_alive(), "the proxy ended:\n{}", self.proxy.process.log());
    }
}

impl Request {
    /// With a token that is bound to a key, and a proof.
    pub(crate) fn dpop(self, token: &str, proof: &str) -> Self {
        self.header("Authorization", format!("DPoP {token}")).header("DPoP", proof)
    }
}

impl Samehand {
    /// The decision about the one request for this path.
    #[track_caller]
    pub(crate) fn decision_about_path(&self, path: &str) -> Decision {
        let id = self.process.wait_for(&format!("a decision about {path}"), |line| {
            let is_it = field(line, "path") == Some(path) && field(line, "decision").is_some();
            is_it.then(|| field(line, "request_id").unwrap_or_default().to_owned())
        });
        self.decision(&id)
    }
}

impl Outcome {
    #[track_caller]
    pub(crate) fn is_allowed(&self, row: &str) {
        assert_eq!(self.reply.status, 200, "{row}: {:?}\n{:?}", self.reply, self.decision);
        assert!(self.reached_application, "{row}");
        assert_eq!((self.decision.field("decision"), self.decision.field("reason")), ("allow", "ok"), "{row}");
    }

    /// Refused for this reason, with this flaw of the proof in the log, and this error in the challenge.
    #[track_caller]
    pub(crate) fn is_refused(&self, row: &str, reason: &str, flaw: &str, error: &str) {
        assert_eq!(self.reply.status, 401, "{row}: {:?}\n{:?}", self.reply, self.decision);
        assert!(!self.reached_application, "{row}: refused, and yet the application saw it");
        let told = ["decision", "reason", "proof"].map(|name| self.decision.field(name));
        assert_eq!(told, ["challenge", reason, flaw], "{row}");
        let challenge = format!(r#"DPoP realm="samehand", error="{error}", algs="ES256 EdDSA RS256 PS256""#);
        assert_eq!(self.reply.all("WWW-Authenticate"), [challenge.as_str()], "{row}");
    }
}

/// A sign-in of alice with a proof.
pub(crate) fn login(proof: &str) -> Request {
    let credentials = json!({ "username": "alice", "password": PASSWORD }).to_string();
    let request = Request::post("/login", credentials).header("Content-Type", "application/json");
    request.header("User-Agent", PROGRAM).header("DPoP", proof)
}

/// The token and the nonce that a sign-in gave.
#[track_caller]
pub(crate) fn signed_in(reply: &Reply) -> (String, String) {
    assert_eq!(reply.status, 200, "{reply:?}");
    let answer = reply.json();
    assert_eq!(answer["token_type"], "DPoP", "{reply:?}");
    let token = answer["token"].as_str().expect("a token").to_owned();
    (token, reply.header("DPoP-Nonce").expect("a nonce").to_owned())
}
