//! Somebody with a browser or a script: signs in, asks, renews, signs out, as the client of the recipe does. What was not
//! given to it, it cannot send.

use std::{net::IpAddr, rc::Rc};

use serde_json::json;

use super::{
    recipe::Client,
    world::{APP, AUTH, COOKIE, Outcome, Road, World},
};
use crate::support::{
    client::{Reply, Request},
    prover::{Draft, Prover},
    samehand::PASSWORD,
    token::Token,
};

/// The proof cookie.
pub(crate) const PROOF_COOKIE: &str = "samehand-proof";

/// What a client keeps.
#[derive(Clone, Default)]
pub(crate) struct Kept {
    pub(crate) token: Option<String>,
    /// The secret in the proof cookie.
    pub(crate) proof_cookie: Option<String>,
    /// What it signs proofs with.
    pub(crate) key: Option<Rc<Prover>>,
    /// What the service wants to find in the next proof.
    pub(crate) nonce: Option<String>,
}

/// A user at a place.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) user: &'static str,
    pub(crate) client: Client,
    pub(crate) address: IpAddr,
    pub(crate) agent: String,
    pub(crate) road: Road,
    pub(crate) kept: Kept,
}

impl Person {
    /// Who has signed in from this address with this browser.
    #[track_caller]
    pub(crate) fn signed_in(world: &World, user: &'static str, road: Road, address: &str, agent: &str) -> Self {
        let address = address.parse().expect("an address");
        let (client, agent, kept) = (world.recipe.client(), agent.to_owned(), Kept::default());
        let mut person = Self { user, client, address, agent, road, kept };
        person.sign_in(world);
        person
    }

    /// Signs in with what it has, and keeps what it gets.
    #[track_caller]
    pub(crate) fn sign_in(&mut self, world: &World) {
        match self.client {
            Client::Browser => self.sign_in_with_page(world),
            Client::Script | Client::ScriptWithCookie | Client::ScriptWithKey => self.sign_in_with_script(world),
        }
    }

    #[track_caller]
    fn sign_in_with_page(&mut self, world: &World) {
        let page = self.send(world, self.with_cookies(navigation(Request::get("/login")).host(AUTH)));
        assert_eq!(page.status, 200, "{page:?}");
        let form = hidden_field(&page, "form");
        let body = format!("username={}&password={}&form={form}", self.user, PASSWORD.replace(' ', "+"));
        let request = navigation(Request::post("/login", body)).host(AUTH);
        let request = request
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Origin", format!("http://{AUTH}"))
            .header("Sec-Fetch-Site", "same-origin");
        let reply = self.send(world, self.with_cookies(request));
        assert_eq!(reply.status, 303, "{reply:?}");
        self.kept.token = Some(cookie(&reply, COOKIE).unwrap_or_else(|| panic!("no token: {reply:?}")));
    }

    #[track_caller]
    fn sign_in_with_script(&mut self, world: &World) {
        if self.client == Client::ScriptWithKey && self.kept.key.is_none() {
            self.kept.key = Some(Rc::new(Prover::new()));
        }
        let body = json!({ "username": self.user, "password": PASSWORD }).to_string();
        let reply = self.call(world, "/login", None, |path| {
            Request::post(path, body.as_str()).host(APP).header("Content-Type", "application/json")
        });
        self.keep_token(&reply);
    }

    /// Asks the application for something new.
    #[track_caller]
    pub(crate) fn ask(&mut self, world: &World) -> Outcome {
        let path = world.new_path();
        let outcome = self.ask_for(world, &path);
        // A client that uses DPoP does so by itself, RFC 9449 section 8: nobody notices.
        let outcome = if self.has_to_use_a_nonce(&outcome.reply) { self.ask_for(world, &path) } else { outcome };
        if let Some(seen) = &outcome.seen {
            assert_eq!(seen.all("Remote-User"), [self.user]);
        }
        outcome
    }

    #[track_caller]
    fn ask_for(&mut self, world: &World, path: &str) -> Outcome {
        let outcome = world.ask(self.road, self.address, path, self.request(path));
        self.note_nonce(&outcome.reply);
        outcome
    }

    /// What it sends to ask the application for this path.
    pub(crate) fn request(&self, path: &str) -> Request {
        let request = Request::get(path).host(APP).header("User-Agent", self.agent.as_str());
        match self.client {
            Client::Browser => self.with_cookies(navigation(request)),
            Client::Script | Client::ScriptWithCookie | Client::ScriptWithKey => {
                let request = request.header("Accept", "application/json").header("Sec-Fetch-Mode", "cors");
                self.with_token(self.with_cookies(request), "GET", path, self.kept.token.as_deref())
            }
        }
    }

    /// Exchanges the token for a fresh one. Nothing renews article tokens.
    #[track_caller]
    pub(crate) fn renew(&mut self, world: &World) {
        let request = |path: &str| Request::post(path, "").host(APP);
        match self.client {
            Client::Script => {}
            Client::Browser => {
                let request = request("/renew").header("Origin", format!("http://{APP}"));
                let reply = self.send(world, self.with_cookies(request));
                assert_eq!(reply.status, 204, "{reply:?}");
                self.kept.token = Some(cookie(&reply, COOKIE).unwrap_or_else(|| panic!("no token: {reply:?}")));
            }
            Client::ScriptWithCookie | Client::ScriptWithKey => {
                let token = self.kept.token.clone();
                let reply = self.call(world, "/renew", token.as_deref(), request);
                self.keep_token(&reply);
            }
        }
    }

    /// Ends the session.
    #[track_caller]
    pub(crate) fn sign_out(&mut self, world: &World) {
        let request = |path: &str| Request::post(path, "").host(APP);
        let reply = match self.client {
            Client::Browser => {
                let request = request("/logout").header("Origin", format!("http://{APP}"));
                self.send(world, self.with_cookies(request))
            }
            Client::Script | Client::ScriptWithCookie | Client::ScriptWithKey => {
                let token = self.kept.token.clone();
                self.call(world, "/logout", token.as_deref(), request)
            }
        };
        assert_eq!(reply.status, 204, "{reply:?}");
    }

    /// The session of its token; article tokens have none.
    pub(crate) fn session(&self) -> Option<String> {
        let token = Token::parse(self.kept.token.as_deref()?);
        token.claims["sid"].as_str().map(str::to_owned)
    }

    /// A script posts to an endpoint of samehand, with a token or without one.
    #[track_caller]
    fn call(&mut self, world: &World, path: &str, token: Option<&str>, request: impl Fn(&str) -> Request) -> Reply {
        let mut call = || {
            let request = self.with_token(self.with_cookies(request(path)), "POST", path, token);
            let reply = self.send(world, request);
            self.note_nonce(&reply);
            reply
        };
        let reply = call();
        if reply.status != 200 && reply.all("DPoP-Nonce").len() == 1 { call() } else { reply }
    }

    #[track_caller]
    fn send(&self, world: &World, request: Request) -> Reply {
        world.send(self.road, self.address, request.header("User-Agent", self.agent.as_str()))
    }

    #[track_caller]
    fn keep_token(&mut self, reply: &Reply) {
        assert_eq!(reply.status, 200, "{reply:?}");
        let token = reply.json()["token"].as_str().map(str::to_owned);
        self.kept.token = Some(token.unwrap_or_else(|| panic!("no token: {reply:?}")));
        if let Some(secret) = cookie(reply, PROOF_COOKIE) {
            self.kept.proof_cookie = Some(secret);
        }
    }

    fn note_nonce(&mut self, reply: &Reply) {
        if let Some(nonce) = reply.header("DPoP-Nonce") {
            self.kept.nonce = Some(nonce.to_owned());
        }
    }

    fn has_to_use_a_nonce(&self, reply: &Reply) -> bool {
        let challenge = reply.header("WWW-Authenticate").unwrap_or_default();
        reply.status == 401 && self.kept.key.is_some() && challenge.contains("use_dpop_nonce")
    }

    /// The token, and a proof where there is a key.
    fn with_token(&self, request: Request, method: &str, path: &str, token: Option<&str>) -> Request {
        let Some(key) = &self.kept.key else {
            return token.iter().fold(request, |request, token| request.bearer(token));
        };
        let draft = draft(key, method, path, token, self.kept.nonce.as_deref());
        let request = request.header("DPoP", key.sign(&draft));
        token.iter().fold(request, |request, token| request.header("Authorization", format!("DPoP {token}")))
    }

    /// What a browser adds by itself.
    fn with_cookies(&self, request: Request) -> Request {
        let session = self.kept.token.as_deref().filter(|_| self.client == Client::Browser);
        with_cookies(request, session, self.kept.proof_cookie.as_deref())
    }
}

/// A proof of a request to the application's host, with this token and this nonce.
pub(crate) fn draft(key: &Prover, method: &str, path: &str, token: Option<&str>, nonce: Option<&str>) -> Draft {
    let draft = key.draft(method, &format!("http://{APP}{path}"));
    let draft = token.iter().fold(draft, |draft, token| draft.with_token(token));
    nonce.iter().fold(draft, |draft, nonce| draft.with("nonce", *nonce))
}

/// A request with these cookies in one line, if there are any.
pub(crate) fn with_cookies(request: Request, session: Option<&str>, proof: Option<&str>) -> Request {
    let session = session.map(|token| format!("{COOKIE}={token}"));
    let proof = proof.map(|secret| format!("{PROOF_COOKIE}={secret}"));
    let cookies: Vec<String> = session.into_iter().chain(proof).collect();
    if cookies.is_empty() { request } else { request.header("Cookie", cookies.join("; ")) }
}

/// A browser goes to a page.
pub(crate) fn navigation(request: Request) -> Request {
    request.header("Sec-Fetch-Mode", "navigate").header("Accept", "text/html")
}

/// The value of a cookie that an answer sets.
fn cookie(reply: &Reply, name: &str) -> Option<String> {
    let pairs = reply.all("Set-Cookie").into_iter().filter_map(|line| line.split(';').next()?.split_once('='));
    pairs.into_iter().find(|(own, _)| *own == name).map(|(_, value)| value.to_owned())
}

/// The value of a hidden field on a page.
#[track_caller]
fn hidden_field(page: &Reply, name: &str) -> String {
    let (text, start) = (String::from_utf8_lossy(&page.body).into_owned(), format!("name=\"{name}\" value=\""));
    let value = text.split_once(&start).and_then(|(_, rest)| rest.split_once('"'));
    value.unwrap_or_else(|| panic!("no field {name}: {text}")).0.to_owned()
}
