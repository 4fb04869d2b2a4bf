//! Article tokens between samehand and real Node.js: the Express service of `examples/node` and samehand stand behind
//! the same proxy, are asked with the same bytes, and must agree about every token.
//!
//! The proxy is 127.0.0.9 and writes `X-Forwarded-For`; both believe it and nobody else.

#[path = "../support/mod.rs"]
mod support;

mod both_ways;
mod clients;
mod explained;
mod migration;
mod node;
mod own_page;
mod same_bytes;
mod statuses;

use std::net::Ipv4Addr;

use clients::Client;
use node::Service;
use support::{
    FRONT_HOP,
    client::{Reply, Request, ask},
    samehand::{Decision, PASSWORD, SECRET, Samehand},
};

/// The trusted proxy.
const PROXY: Ipv4Addr = FRONT_HOP;
/// The salt that both sides share.
const SALT: &str = "both sides know this salt, 5tYbQ2w";
/// The cookie that a token may travel in.
const COOKIE: &str = "session";

/// samehand and the Express service, with one secret and one salt.
struct World {
    samehand: Samehand,
    service: Service,
}

impl World {
    /// With this `FINGERPRINT`.
    #[track_caller]
    fn start(fingerprint: &str) -> Self {
        Self { samehand: start_samehand(&[("FINGERPRINT", fingerprint)]), service: Service::start("127.0.0.1") }
    }
}

/// A samehand that trusts the proxy, with these settings on top, and the user alice.
#[track_caller]
fn start_samehand(settings: &[(&str, &str)]) -> Samehand {
    let own = [("TRUSTED_PROXIES", "127.0.0.9"), ("SALT", SALT), ("COOKIE_NAME", COOKIE)];
    let samehand = Samehand::start(&[&own[..], settings].concat());
    samehand.add_user("alice", &[]);
    samehand
}

/// The proxy's question about a request of this client, before any token is added.
fn question(kind: &str, client: &Client) -> Request {
    let request = Request::get(&format!("/auth/{kind}"));
    let request = [
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Proto", "https"),
        ("X-Forwarded-Host", "app.example.com"),
        ("X-Forwarded-Uri", "/page"),
    ]
    .into_iter()
    .fold(request, |request, (name, value)| request.header(name, value));
    client.describe(request)
}

/// samehand's answer to the client with this token, and why.
#[track_caller]
fn decided(samehand: &Samehand, client: &Client, token: &str) -> (u16, String) {
    let (reply, decision) = decide(samehand, question("nginx", client).bearer(token));
    (reply.status, decision.field("reason").to_owned())
}

/// Puts a question under a name of its own, so that its log line is found.
#[track_caller]
fn decide(samehand: &Samehand, question: Request) -> (Reply, Decision) {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let name = format!("article-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let reply = ask(PROXY, &samehand.tcp, &question.header("X-Request-Id", name.as_str()));
    (reply, samehand.decision(&name))
}

/// The token that samehand gives to alice when she signs in from this client.
#[track_caller]
fn sign_in(samehand: &Samehand, client: &Client) -> String {
    let body = format!(r#"{{"username":"alice","password":"{PASSWORD}"}}"#);
    let request = Request::post("/login", body).header("Content-Type", "application/json");
    let reply = ask(PROXY, &samehand.tcp, &client.describe(request));
    assert_eq!(reply.status, 200, "{client:?}: {reply:?}");
    reply.json()["token"].as_str().expect("a token").to_owned()
}
