//! How long a session lives: `SESSION_TTL` from the sign-in on, `SESSION_IDLE` without use.

use std::time::{Duration, Instant};

use crate::support::{installation::Installation, waiting::until};
use crate::{
    PATIENCE, call, cookie, decided, is, mint, outcome, page, post, sessions, sid, signed_in, start, time, token_in,
    wait_for_expiry,
};
use serde_json::json;

/// Moves the times of all sessions into the past, as if that time had passed.
#[track_caller]
fn age(installation: &Installation, seconds: i64) {
    let connection = rusqlite::Connection::open(installation.data().join("samehand.sqlite")).expect("the store");
    connection.busy_timeout(Duration::from_secs(5)).expect("a time");
    let sql =
        "UPDATE sessions SET created_at = created_at - ?1, last_seen_at = last_seen_at - ?1, ends_at = ends_at - ?1";
    connection.execute(sql, [seconds]).expect("older sessions");
}

#[test]
fn no_token_outlives_its_session() {
    let samehand = start(&[("TOKEN_TTL", "8s"), ("SESSION_TTL", "10s")]);
    let first = signed_in(&samehand);
    let end = time(&first, "iat") + 10;
    let mut token = first.clone();
    let refused = || {
        let reply = call(&samehand, &post("/renew").bearer(&token));
        // Asked so often it is told to wait, for as long as the session lives.
        if reply.status == 429 {
            return false;
        }
        if reply.status != 200 {
            assert_eq!((reply.status, &reply.json()["error"]), (401, &"invalid_token".into()), "{reply:?}");
            return true;
        }
        token = token_in(&reply.json());
        assert!(time(&token, "exp") <= end, "a token lives on after its session");
        false
    };
    until(Instant::now(), PATIENCE, "the session ends", refused);
    assert_eq!(outcome(&samehand, page(&cookie(&token))), is(401, "token-expired"));
    assert!(time(&token, "exp") > time(&first, "exp"), "it was renewed before");
}

#[test]
fn a_cookie_lives_no_longer_than_what_is_left_of_the_session() {
    let samehand = start(&[("TOKEN_TTL", "1h"), ("SESSION_TTL", "2h")]);
    let token = signed_in(&samehand);
    age(&samehand, 90 * 60);
    let reply = call(&samehand, &post("/renew").header("Cookie", cookie(&token)));
    let set = crate::SetCookie::of(&reply);
    assert!((29 * 60..=30 * 60).contains(&set.attributes().1), "{reply:?}");
    assert!(time(&set.value, "exp") - time(&set.value, "iat") <= 30 * 60);
}

#[test]
fn a_shorter_limit_counts_for_sessions_that_are_open_already() {
    let samehand = start(&[("TOKEN_TTL", "1h"), ("SESSION_TTL", "10d")]);
    let token = signed_in(&samehand);
    age(&samehand, 2 * 60 * 60);
    assert_eq!(call(&samehand, &post("/renew").bearer(&token)).status, 200);
    let samehand = samehand.restart(&[("SESSION_TTL", "1h")]);
    assert_eq!(call(&samehand, &post("/renew").bearer(&token)).status, 401);
}

#[test]
fn who_was_idle_for_too_long_signs_in_again() {
    let samehand = start(&[("SESSION_IDLE", "30m")]);
    let token = signed_in(&samehand);
    assert_eq!(time(&token, "exp") - time(&token, "iat"), 30 * 60, "a token that nobody uses ends with its session");
    age(&samehand, 29 * 60);
    let renewed = call(&samehand, &post("/renew").bearer(&token));
    assert_eq!(renewed.status, 200, "{renewed:?}");
    // That was a use, and is written down.
    let seen = || sessions(&samehand)[0].last_seen_at >= time(&token, "iat");
    until(Instant::now(), PATIENCE, "when it was used is in the store", seen);
    age(&samehand, 31 * 60);
    assert_eq!(call(&samehand, &post("/renew").bearer(&token)).status, 401);
}

#[test]
fn using_a_session_keeps_it_from_being_idle() {
    let samehand = start(&[("SESSION_IDLE", "30m")]);
    let token = signed_in(&samehand);
    age(&samehand, 29 * 60);
    let aged = sessions(&samehand)[0].last_seen_at;
    // An answer to the proxy is a use.
    assert_eq!(outcome(&samehand, crate::question().bearer(&token)), is(200, "ok"));
    until(Instant::now(), PATIENCE, "the use is in the store", || sessions(&samehand)[0].last_seen_at > aged);
    age(&samehand, 29 * 60);
    assert_eq!(call(&samehand, &post("/renew").bearer(&token)).status, 200);
}

#[test]
fn a_back_end_cannot_mint_past_the_idle_limit() {
    let samehand = start(&[("SESSION_IDLE", "30m")]);
    let token = mint(&samehand, &json!({ "ttl": "8h" }));
    assert_eq!(time(&token, "exp") - time(&token, "iat"), 30 * 60);
}

#[test]
fn the_last_stretch_of_a_session_brings_no_cookies() {
    // A token of 1 s in a session of 2 s: when it is due the second time, there is nothing left to win.
    let samehand = start(&[("TOKEN_TTL", "1s"), ("SESSION_TTL", "2s")]);
    let token = signed_in(&samehand);
    wait_for_expiry(&samehand, &token);
    let (reply, decision) = decided(&samehand, page(&cookie(&token)));
    if decision.field("reason") == "ok" {
        let fresh = crate::SetCookie::of(&reply).value;
        assert_eq!(sid(&fresh), sid(&token));
        assert!(time(&fresh, "exp") <= time(&token, "iat") + 2);
    }
    let ended = || outcome(&samehand, page(&cookie(&token))) == is(401, "token-expired");
    until(Instant::now(), PATIENCE, "the session ends", ended);
}

#[test]
fn who_signs_in_without_end_keeps_what_is_in_use() {
    let samehand = start(&[]);
    let (unused, in_use) = (signed_in(&samehand), signed_in(&samehand));
    let of_back_end = mint(&samehand, &json!({}));
    age(&samehand, 60 * 60);
    // As many more as there may be, each of them used after the first two.
    let connection = rusqlite::Connection::open(samehand.data().join("samehand.sqlite")).expect("the store");
    connection.busy_timeout(Duration::from_secs(5)).expect("a time");
    let copies = "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < CAST(?2 AS INTEGER))
         INSERT INTO sessions SELECT printf('%021d', n) || 'A', user_name, signed_in_by, created_at, last_seen_at + 60, ends_at,
         device, network FROM sessions, number WHERE id = ?1";
    let more = samehand::sessions::MOST - 2;
    let made = connection.execute(copies, (sid(&unused), more.to_string())).expect("copies");
    assert_eq!(made, more);
    connection
        .execute("UPDATE sessions SET last_seen_at = last_seen_at + 120 WHERE id = ?1", [sid(&in_use)])
        .expect("use");
    let new = signed_in(&samehand);
    assert_eq!(crate::with_token(&samehand, &unused), is(401, "session-ended"));
    for token in [&in_use, &of_back_end, &new] {
        assert_eq!(crate::with_token(&samehand, token), is(200, "ok"));
    }
    assert_eq!(sessions(&samehand).len(), samehand::sessions::MOST + 1, "and that of the back end");
    let log = samehand.process.log();
    let said: Vec<&str> = log.lines().filter(|line| line.contains("event=session-limit")).collect();
    assert!(matches!(said[..], [line] if line.contains("username=alice sessions=1")), "{said:?}");
}
