//! The service as its operators and callers meet it: the real process with its listeners, files and signals, without a
//! proxy in between. What a proxy makes of its answers is tested with the real proxies.
//!
//! The trusted proxy of these tests is 127.0.0.1; [`CLIENT`] is whom tokens are issued to.

#[path = "../support/mod.rs"]
mod support;

mod admin_names;
mod asymmetric;
mod command_line;
mod credentials;
mod crossing;
mod flood;
mod keys;
mod lifecycle;
mod logs;
mod memory;
mod minting;
mod misconfigured;
mod pages;
mod policy;
mod reloading;
mod secrecy;
mod sign_in;
mod starting;
mod timing;
mod trail;

use std::{
    net::Ipv4Addr,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use support::{
    CLIENT,
    client::{Reply, Request, ask},
    samehand::{Decision, Samehand},
    waiting::until,
};

const PROXY: Ipv4Addr = Ipv4Addr::LOCALHOST;
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
const FIREFOX_UPDATED: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";
const CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

/// What a well-configured nginx asks about a request of this client; the token is still missing.
fn question(ip: impl ToString, user_agent: &str) -> Request {
    Request::about_page(ip, user_agent)
}

/// The question about a request of [`CLIENT`] with Firefox and this token.
fn question_of_client(token: &str) -> Request {
    question(CLIENT, FIREFOX).bearer(token)
}

/// Asks as the proxy.
#[track_caller]
fn ask_as_proxy(samehand: &Samehand, request: &Request) -> Reply {
    ask(PROXY, &samehand.tcp, request)
}

/// Asks as the proxy, and says what the log says was decided.
#[track_caller]
fn decided(samehand: &Samehand, request: Request) -> (Reply, Decision) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let id = format!("question-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let reply = ask_as_proxy(samehand, &request.header("X-Request-Id", id.as_str()));
    (reply, samehand.decision(&id))
}

/// Status, and reason from the log.
#[track_caller]
fn outcome(samehand: &Samehand, request: Request) -> (u16, String) {
    let (reply, decision) = decided(samehand, request);
    (reply.status, decision.field("reason").to_owned())
}

/// A sign-in with a body of JSON.
fn sign_in(body: impl Into<Vec<u8>>) -> Request {
    Request::post("/login", body).header("Content-Type", "application/json").header("User-Agent", FIREFOX)
}

/// A sign-in with name and password.
fn sign_in_as(name: &str, password: &str) -> Request {
    sign_in(serde_json::json!({ "username": name, "password": password }).to_string())
}

/// Asks again and again until the answer is as wanted. How soon that is shows elsewhere, where a test has the machine to
/// itself; here it is given up when it will never be.
#[track_caller]
fn eventually(what: &str, holds: impl FnMut() -> bool) {
    until(Instant::now(), Duration::from_secs(120), what, holds);
}
