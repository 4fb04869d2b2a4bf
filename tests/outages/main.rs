//! Replicas on one store, and what happens to them when the store or the way to it fails: the real samehand processes, the
//! real servers, and a [wire](support::wire) of our own between them that misbehaves on command.
//!
//! Tests of time-outs and of delays take turns: each has the machine to itself.

#[path = "../support/mod.rs"]
mod support;

mod clocks;
mod crashes;
mod delays;
mod full;
mod jumps;
mod keys;
mod standstill;
mod starting;
mod wires;

use serde_json::{Value, json};
use std::{
    net::Ipv4Addr,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use support::{
    CLIENT,
    client::{Reply, Request, ask},
    samehand::{Decision, PASSWORD, Samehand},
};

const PROXY: Ipv4Addr = Ipv4Addr::LOCALHOST;
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
const SALT: &str = "the replicas share this one, 4Kd92m";
const STORE_KEY: &str = "only the store's own key 7vQz2mW9xLp4Rt6Y";
const ADMIN_TOKEN: &str = "a-back-end-knows-this-one-h7Gk2LmQ9x";

/// What the service promises: a change is in force, and an outage is over, within this time.
const PROMISED: Duration = Duration::from_secs(1);
/// What is promised to nobody is waited for so long, which is far longer than it takes.
const PATIENCE: Duration = Duration::from_secs(120);
/// Nobody waits longer for an answer that cannot be given.
const BOUNDED: Duration = Duration::from_secs(3);

/// Waits until no other test of this program runs.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    // A test that failed leaves nothing behind that another could stumble over.
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A replica on this store, with these settings over what all have in common.
#[track_caller]
fn replica(store: &str, settings: &[(&str, &str)]) -> Samehand {
    let common = [("STORE", store), ("SALT", SALT), ("ADMIN_TOKEN", ADMIN_TOKEN)];
    Samehand::start(&[&common, settings].concat())
}

/// What a proxy asks about a request of [`CLIENT`] with this token.
fn question(token: &str) -> Request {
    Request::about_page(CLIENT, FIREFOX).bearer(token)
}

#[track_caller]
fn status(samehand: &Samehand, token: &str) -> u16 {
    ask(PROXY, &samehand.tcp, &question(token)).status
}

/// The answer, and what the log says was decided.
#[track_caller]
fn decided(samehand: &Samehand, token: &str) -> (Reply, Decision) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let id = format!("question-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let reply = ask(PROXY, &samehand.tcp, &question(token).header("X-Request-Id", id.as_str()));
    (reply, samehand.decision(&id))
}

/// Nothing can be decided about this token, and nobody is signed out for it.
#[track_caller]
fn assert_undecided(samehand: &Samehand, token: &str) {
    let (reply, decision) = decided(samehand, token);
    assert_eq!(reply.status, 503, "{reply:?}");
    assert!(reply.header("Retry-After").is_some(), "{reply:?}");
    assert!(reply.all("Set-Cookie").is_empty(), "{reply:?}");
    assert_eq!((decision.field("decision"), decision.field("reason")), ("undecided", "store-stale"));
}

fn administrative(path: &str, body: &Value) -> Request {
    Request::post(path, body.to_string()).header("Content-Type", "application/json").bearer(ADMIN_TOKEN)
}

fn revocation(what: &Value) -> Request {
    administrative("/revoke", what)
}

/// Revokes, and waits for the acknowledgement.
#[track_caller]
fn revoke(samehand: &Samehand, what: &Value) {
    let reply = ask(PROXY, &samehand.admin, &revocation(what));
    assert_eq!(reply.status, 204, "{what}: {reply:?}");
}

fn minting(user: &str) -> Request {
    administrative("/mint", &json!({ "sub": user, "ip": CLIENT.to_string(), "user_agent": FIREFOX }))
}

#[track_caller]
fn mint(samehand: &Samehand, user: &str) -> String {
    token_in(&ask(PROXY, &samehand.admin, &minting(user)))
}

fn sign_in() -> Request {
    let body = json!({ "username": "alice", "password": PASSWORD }).to_string();
    Request::post("/login", body).header("Content-Type", "application/json").header("User-Agent", FIREFOX)
}

#[track_caller]
fn token_in(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["token"].as_str().expect("a token").to_owned()
}

#[track_caller]
fn readiness(samehand: &Samehand) -> (u16, Value) {
    let reply = ask(PROXY, &samehand.admin, &Request::get("/readyz"));
    (reply.status, reply.json())
}

#[track_caller]
fn metric(samehand: &Samehand, name: &str) -> f64 {
    let reply = ask(PROXY, &samehand.admin, &Request::get("/metrics"));
    let page = String::from_utf8(reply.body).expect("text");
    let value = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.parse().ok());
    value.unwrap_or_else(|| panic!("no {name} in:\n{page}"))
}

/// How many lines of the log say this.
fn times_said(samehand: &Samehand, words: &str) -> usize {
    samehand.process.log().lines().filter(|line| line.contains(words)).count()
}
