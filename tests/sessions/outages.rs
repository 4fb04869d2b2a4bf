//! A store that fails in the middle of things: nobody is signed out, nobody is let in, and everything comes back by itself.

use std::time::{Duration, Instant};

use crate::support::{
    client::{Reply, Request},
    samehand::{PASSWORD, Samehand},
    valkey::{Program, Server},
    waiting::{as_promised, is_in_time, until},
};
use crate::{
    FIREFOX, PATIENCE, call, cookie, decided, fetch, is, issued_earlier, now, page, post, question, revoke, signed_in,
    start, time, wait_for_expiry, with_token,
};
use serde_json::json;

/// For [`CLIENT`](crate::support::CLIENT).
const MINT_FOR_A_SECOND: [&str; 10] =
    ["token", "mint", "--user", "alice", "--ip", "127.0.0.7", "--user-agent", FIREFOX, "--ttl", "1s"];

/// Takes a table away from the store, or gives it back: every statement about it fails at once.
#[track_caller]
fn rename(samehand: &Samehand, from: &str, to: &str) {
    let connection = rusqlite::Connection::open(samehand.data().join("samehand.sqlite")).expect("the store");
    connection.busy_timeout(Duration::from_secs(5)).expect("a time");
    connection.execute(&format!("ALTER TABLE {from} RENAME TO {to}"), []).expect("another name");
}

#[track_caller]
fn is_unavailable(reply: &Reply) {
    assert_eq!((reply.status, &reply.json()["error"]), (503, &"unavailable".into()), "{reply:?}");
    assert!(reply.header("Retry-After").is_some(), "{reply:?}");
    assert!(reply.all("Set-Cookie").is_empty(), "the cookie is kept: {reply:?}");
}

#[test]
fn while_sessions_cannot_be_read_good_tokens_are_good_and_pages_are_undecided() {
    let samehand = start(&[("TOKEN_TTL", "3s")]);
    let (expired, good) = (signed_in(&samehand), crate::mint(&samehand, &json!({ "ttl": "2h" })));
    wait_for_expiry(&samehand, &expired);
    rename(&samehand, "sessions", "sessions_gone");

    assert_eq!(with_token(&samehand, &good), is(200, "ok"));
    let (reply, decision) = decided(&samehand, page(&cookie(&expired)));
    assert_eq!((decision.field("decision"), decision.field("reason")), ("undecided", "store-stale"));
    assert_eq!((reply.status, reply.header("Retry-After"), reply.body.len()), (503, Some("5"), 0), "{reply:?}");
    assert!(reply.all("Set-Cookie").is_empty() && reply.all("Remote-User").is_empty(), "{reply:?}");
    // Who is no page is told what to do, as ever.
    assert_eq!(crate::outcome(&samehand, fetch(&cookie(&expired))), is(401, "token-expired"));
    is_unavailable(&call(&samehand, &post("/renew").bearer(&good)));
    is_unavailable(&call(&samehand, &post("/renew").header("Cookie", cookie(&expired))));
    is_unavailable(&call(&samehand, &post("/logout").header("Cookie", cookie(&good))));
    is_unavailable(&revoke(&samehand, &json!({ "user": "alice" })));
    let body = json!({ "username": "alice", "password": PASSWORD }).to_string();
    let sign_in = Request::post("/login", body).header("Content-Type", "application/json");
    is_unavailable(&call(&samehand, &sign_in.header("User-Agent", FIREFOX)));
    assert_eq!(with_token(&samehand, &good), is(200, "ok"), "what failed has changed nothing");

    rename(&samehand, "sessions_gone", "sessions");
    assert_eq!(decided(&samehand, page(&cookie(&expired))).0.status, 200, "back by itself");
    assert_eq!(call(&samehand, &post("/logout").bearer(&good)).status, 204);
}

#[test]
fn a_store_that_hangs_holds_no_good_request_up_and_no_page_for_longer_than_proxies_wait() {
    let server = Server::start(Program::Redis);
    let settings = [("TOKEN_TTL", "3h"), ("STORE", &*server.url()), ("SALT", "a salt for two, 7gK2pQ")];
    let samehand = start(&settings);
    let new = signed_in(&samehand);
    let (token, expired) = (issued_earlier(&new, 150 * 60), issued_earlier(&new, 190 * 60));
    server.pause();
    for _ in 0..3 {
        let asked_at = Instant::now();
        let (reply, decision) = decided(&samehand, page(&cookie(&token)));
        assert_eq!((reply.status, decision.field("reason")), (200, "ok"), "{reply:?}");
        assert!(reply.all("Set-Cookie").is_empty(), "{reply:?}");
        let took = asked_at.elapsed();
        assert!(is_in_time(took, Duration::from_secs(1)), "{took:?}");
    }
    let asked_at = Instant::now();
    assert_eq!(crate::outcome(&samehand, page(&cookie(&expired))), is(503, "store-stale"));
    let took = asked_at.elapsed();
    assert!(is_in_time(took, Duration::from_secs(5)), "{took:?}");
    server.resume();
    let back = || decided(&samehand, page(&cookie(&expired))).0.status == 200;
    until(Instant::now(), PATIENCE, "the page is served again", back);
}

#[test]
fn a_cookie_that_cannot_be_renewed_is_good_until_it_ends() {
    let samehand = start(&[("TOKEN_TTL", "6s")]);
    let token = signed_in(&samehand);
    rename(&samehand, "sessions", "sessions_gone");
    let asked = || {
        let (reply, decision) = decided(&samehand, page(&cookie(&token)));
        assert!(reply.all("Set-Cookie").is_empty(), "{reply:?}");
        match decision.field("reason") {
            "ok" => assert_eq!(reply.status, 200, "{reply:?}"),
            reason => assert_eq!((reply.status, reason), (503, "store-stale"), "{reply:?}"),
        }
        reply.status == 503
    };
    until(Instant::now(), PATIENCE, "the token ends", asked);
    assert_eq!(with_token(&samehand, &token), is(401, "token-expired"), "not before");
}

#[test]
fn what_was_not_confirmed_for_too_long_is_undecided_and_a_revoked_token_stays_refused() {
    let samehand = start(&[("STORE_MAX_STALE", "5s")]);
    let (good, revoked) = (signed_in(&samehand), signed_in(&samehand));
    crate::revoked(&samehand, &json!({ "token": revoked }));
    rename(&samehand, "revocations", "revocations_gone");
    // With nothing new there is nothing to read; a revocation elsewhere makes the failure show.
    let connection = rusqlite::Connection::open(samehand.data().join("samehand.sqlite")).expect("the store");
    connection.execute("UPDATE latest_revision SET revision = revision + 1", []).expect("a later revision");
    drop(connection);
    let undecided = || with_token(&samehand, &good) == is(503, "store-stale");
    until(Instant::now(), PATIENCE, "the set is too old", undecided);
    let (reply, _) = decided(&samehand, question().bearer(&good));
    assert_eq!(reply.header("Retry-After"), Some("5"), "{reply:?}");
    assert_eq!(with_token(&samehand, &revoked), is(401, "token-revoked"), "this is known for sure");
    is_unavailable(&call(&samehand, &post("/renew").bearer(&good)));
    is_unavailable(&call(&samehand, &Request::get("/whoami").header("User-Agent", FIREFOX).bearer(&good)));
    let ready = call(&samehand, &Request::get("/readyz"));
    assert_eq!((ready.status, &ready.json()["status"]), (503, &"store-stale".into()), "{ready:?}");

    rename(&samehand, "revocations_gone", "revocations");
    until(Instant::now(), PATIENCE, "back by itself", || with_token(&samehand, &good) == is(200, "ok"));
    assert_eq!(with_token(&samehand, &revoked), is(401, "token-revoked"));
    let ready = call(&samehand, &Request::get("/readyz"));
    assert_eq!((ready.status, &ready.json()["status"]), (200, &"ready".into()), "{ready:?}");
}

#[test]
fn an_expired_cookie_of_a_session_is_undecided_when_the_store_was_away_for_too_long() {
    let samehand = start(&[("STORE_MAX_STALE", "5s"), ("TOKEN_TTL", "1s")]);
    let (token, without_session) = (signed_in(&samehand), samehand.succeed(&MINT_FOR_A_SECOND, ""));
    wait_for_expiry(&samehand, &token);
    rename(&samehand, "latest_revision", "latest_revision_gone");
    let is_stale = || call(&samehand, &Request::get("/readyz")).json()["status"] == "store-stale";
    until(Instant::now(), PATIENCE, "the set is too old", is_stale);
    let (reply, decision) = decided(&samehand, page(&cookie(&token)));
    assert_eq!((reply.status, decision.field("reason")), (503, "store-stale"), "nobody is signed out: {reply:?}");
    assert_eq!(reply.header("Retry-After"), Some("5"), "{reply:?}");
    assert!(reply.all("Set-Cookie").is_empty(), "{reply:?}");
    let expired = is(401, "token-expired");
    assert_eq!(crate::outcome(&samehand, page(&cookie(without_session.trim()))), expired, "the store has no say");
    assert_eq!(crate::outcome(&samehand, fetch(&cookie(&token))), expired);

    rename(&samehand, "latest_revision_gone", "latest_revision");
    let served = || decided(&samehand, page(&cookie(&token))).0.status == 200;
    until(Instant::now(), PATIENCE, "back by itself", served);
}

#[test]
fn what_a_store_has_lost_is_given_back_although_it_was_told_something_since() {
    let samehand = start(&[]);
    let token = signed_in(&samehand);
    crate::revoked(&samehand, &json!({ "session": crate::sid(&token) }));
    rename(&samehand, "latest_revision", "latest_revision_gone");
    let is_away = || call(&samehand, &Request::get("/readyz")).json()["status"] == "degraded";
    until(Instant::now(), PATIENCE, "the store is away", is_away);
    // Another one comes back, which was behind, and has been used before this replica met it.
    let connection = rusqlite::Connection::open(samehand.data().join("samehand.sqlite")).expect("the store");
    connection.execute("DELETE FROM revocations", []).expect("nothing");
    connection.execute("UPDATE latest_revision_gone SET revision = revision + 1000", []).expect("a later revision");
    rename(&samehand, "latest_revision_gone", "latest_revision");
    samehand.process.wait_for("that something was lost", |line| line.contains("gets 1 revocations back").then_some(()));
    let other = crate::replica_of(&samehand);
    let is_refused = || with_token(&other, &token) == is(401, "session-ended");
    until(Instant::now(), PATIENCE, "a replica that never heard of it knows", is_refused);
}

#[test]
fn a_server_that_takes_no_writes_for_a_while_is_followed_and_said_once() {
    let server = Server::start(Program::Redis);
    let samehand = start(&[("STORE", &*server.url()), ("SALT", "a salt for two, 7gK2pQ")]);
    let token = signed_in(&samehand);
    let allow = |replicas: &str| server.ask::<()>(&["CONFIG", "SET", "min-replicas-to-write", replicas]);
    allow("1");
    until(Instant::now(), PATIENCE, "there is a later use to write", || now() > time(&token, "iat"));
    assert_eq!(with_token(&samehand, &token), is(200, "ok"));
    let is_said = |line: &str| line.contains("nothing can be written").then_some(());
    samehand.process.wait_for("that it cannot be written", is_said);
    let ready = call(&samehand, &Request::get("/readyz"));
    assert_eq!(ready.json()["status"], "ready", "what decisions need can be read: {ready:?}");
    is_unavailable(&revoke(&samehand, &json!({ "token": token })));
    allow("0");
    crate::revoked(&samehand, &json!({ "token": token }));
    assert_eq!(with_token(&samehand, &token), is(401, "token-revoked"));
    let log = samehand.process.log();
    let said = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    assert_eq!((said("the store answers"), said("nothing can be written")), (1, 1), "{log}");
}

#[test]
fn before_the_keys_are_read_no_token_is_said_to_be_none_of_ours() {
    let mut server = Server::start(Program::Redis);
    let url = server.url();
    server.kill_hard();
    let settings =
        [("ADMIN_TOKEN", crate::ADMIN_TOKEN), ("STORE", &*url), ("STORE_KEY", "for all replicas: 7gK2pQ0xVb9Lm4")];
    let samehand = Samehand::start(&settings);
    is_unavailable(&revoke(&samehand, &json!({ "token": "a.b.c" })));
}

#[test]
fn a_store_that_can_only_be_read_is_followed_and_said_once() {
    let samehand = start(&[]);
    let (used, other) = (signed_in(&samehand), signed_in(&samehand));
    let connection = rusqlite::Connection::open(samehand.data().join("samehand.sqlite")).expect("the store");
    let full = "CREATE TRIGGER full BEFORE UPDATE ON sessions BEGIN SELECT RAISE(ABORT, 'no space is left'); END";
    connection.execute(full, []).expect("a trigger");
    assert_eq!(with_token(&samehand, &used), is(200, "ok"));
    samehand.process.wait_for("that it cannot be written", |line| line.contains("no space is left").then_some(()));
    // Still followed: what another process revokes is heard of.
    let replica = crate::replica_of(&samehand);
    for token in [&used, &other] {
        crate::revoked(&replica, &json!({ "session": crate::sid(token) }));
        let heard = || with_token(&samehand, token) == is(401, "session-ended");
        as_promised(Instant::now(), crate::PROMISED, "the revocation is heard of", heard);
    }
    let log = samehand.process.log();
    assert_eq!(log.lines().filter(|line| line.contains("no space is left")).count(), 1, "{log}");
    assert_eq!(log.lines().filter(|line| line.contains("the store answers")).count(), 1, "{log}");
}
