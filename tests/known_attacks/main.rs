//! What broke in other forward-auth systems, put to the real samehand. `docs/known-attacks.md` lists every case with the
//! tests that show it; here are those that no other test binary has.
//!
//! samehand runs with its own defaults but for addresses and the signing secret, and logs everything it can.

#[path = "../support/mod.rs"]
mod support;

mod leaks;
mod mixed_up;
mod spoofed;
mod starting;

use std::net::Ipv4Addr;

use support::{
    CLIENT,
    client::{Reply, Request, ask},
    samehand::Samehand,
};

/// The proxy that samehand trusts without any setting.
const PROXY: Ipv4Addr = Ipv4Addr::LOCALHOST;
const KINDS: [&str; 3] = ["nginx", "traefik", "caddy"];
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
const IDENTITY: [&str; 4] = ["Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email"];

/// The proxy's question about a request of [`CLIENT`] with [`BROWSER`], without any token.
fn question(kind: &str) -> Request {
    question_about(kind, "/page", CLIENT)
}

fn question_about(kind: &str, uri: &str, client: Ipv4Addr) -> Request {
    Request::get(&format!("/auth/{kind}"))
        .header("X-Forwarded-For", client.to_string())
        .header("X-Forwarded-Method", "GET")
        .header("X-Forwarded-Proto", "https")
        .header("X-Forwarded-Host", "app.example.com")
        .header("X-Forwarded-Uri", uri)
        .header("User-Agent", BROWSER)
}

fn login(password: &str) -> Request {
    let body = serde_json::json!({ "username": "alice", "password": password }).to_string();
    Request::post("/login", body)
        .header("Content-Type", "application/json")
        .header("X-Forwarded-For", CLIENT.to_string())
        .header("User-Agent", BROWSER)
}

/// Asks, and holds that the answer is this refusal and says who nobody is.
#[track_caller]
fn refused(samehand: &Samehand, row: &str, request: &Request, status: u16) -> Reply {
    let reply = ask(PROXY, &samehand.tcp, request);
    assert_eq!(reply.status, status, "{row}: {reply:?}");
    for name in IDENTITY {
        assert!(reply.all(name).is_empty(), "{row}: a refusal says who somebody is: {reply:?}");
    }
    reply
}

/// Asks, and holds that it is allowed as alice.
#[track_caller]
fn allowed(samehand: &Samehand, row: &str, request: &Request) {
    let reply = ask(PROXY, &samehand.tcp, request);
    assert_eq!((reply.status, reply.header("Remote-User")), (200, Some("alice")), "{row}: {reply:?}");
}
