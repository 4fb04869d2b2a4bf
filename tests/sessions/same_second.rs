//! A revocation of all that a user has, and a sign-in in the same second: what was issued before is over, what is issued
//! after is good, although the times in the tokens are the same.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::support::{
    CLIENT,
    client::{Request, ask},
    waiting::{as_promised, until},
};
use crate::{
    ADMIN_TOKEN, FIREFOX, PATIENCE, PROMISED, PROXY, call, is, mint, post, replica_of, revoked, signed_in, start, time,
    token_in, with_token,
};
use serde_json::json;

#[test]
fn a_hundred_times_nothing_is_lost_and_nothing_kept() {
    let samehand = start(&[]);
    let (mut in_the_same_second, mut turn) = (0, 0);
    // What spans two seconds shows nothing; on a slow disk that is a good part of them.
    while in_the_same_second < 100 {
        let old = mint(&samehand, &json!({}));
        revoked(&samehand, &json!({ "user": "alice" }));
        let new = mint(&samehand, &json!({}));
        assert_eq!(with_token(&samehand, &old), is(401, "token-revoked"), "turn {turn}: kept");
        assert_eq!(with_token(&samehand, &new), is(200, "ok"), "turn {turn}: lost");
        in_the_same_second += u32::from(time(&old, "iat") == time(&new, "iat"));
        turn += 1;
        assert!(turn < 2000, "only {in_the_same_second} of {turn} show anything");
    }
}

#[test]
fn the_same_with_passwords_and_with_tokens_by_hand_and_for_everybody() {
    let samehand = start(&[]);
    let by_hand = || samehand.mint("alice", CLIENT, FIREFOX);
    let signed_in = || signed_in(&samehand);
    let ways: [&dyn Fn() -> String; 2] = [&signed_in, &by_hand];
    for turn in 0..20 {
        let body = if turn % 3 == 0 { json!({ "all": true }) } else { json!({ "user": "alice" }) };
        let old = ways[turn % 2]();
        revoked(&samehand, &body);
        let new = ways[turn / 2 % 2]();
        assert_eq!(with_token(&samehand, &old), is(401, "token-revoked"), "turn {turn}: kept");
        assert_eq!(with_token(&samehand, &new), is(200, "ok"), "turn {turn}: lost");
    }
}

#[test]
fn the_same_on_a_replica_that_hears_of_it_later() {
    let first = start(&[]);
    let second = replica_of(&first);
    for turn in 0..20 {
        let old = mint(&first, &json!({}));
        revoked(&first, &json!({ "user": "alice" }));
        let acknowledged = Instant::now();
        // Signed in over there, which need not have heard of the revocation.
        let new = mint(&second, &json!({}));
        as_promised(acknowledged, PROMISED, "the old token is refused", || {
            assert_eq!(with_token(&second, &new), is(200, "ok"), "turn {turn}: lost");
            with_token(&second, &old) == is(401, "token-revoked")
        });
        assert_eq!(with_token(&first, &new), is(200, "ok"), "turn {turn}: lost at the first");
        assert_eq!(with_token(&second, &new), is(200, "ok"), "turn {turn}: lost");
    }
}

#[test]
fn article_tokens_that_samehand_mints_are_neither_lost_nor_kept() {
    let samehand = start(&[("FINGERPRINT", "article")]);
    // Each sign-in waits until the second of the revocation is over, because the token tells no more than that.
    for turn in 0..6 {
        let old = mint(&samehand, &json!({}));
        revoked(&samehand, &json!({ "user": "alice" }));
        let new = mint(&samehand, &json!({}));
        assert_eq!(with_token(&samehand, &old), is(403, "token-revoked"), "turn {turn}: kept");
        assert_eq!(with_token(&samehand, &new), is(200, "ok"), "turn {turn}: lost");
    }
}

#[test]
fn many_sign_ins_at_the_same_time_as_revocations_on_two_replicas() {
    let first = start(&[]);
    let second = replica_of(&first);
    let replicas = [&first, &second];
    let began = Instant::now();
    let is_over = AtomicBool::new(false);
    // When each was asked for and when it was there; all times from the same moment on.
    let issued: Mutex<Vec<(Duration, Duration, String)>> = Mutex::default();
    let revocations: Vec<(Duration, Duration)> = thread::scope(|scope| {
        for replica in replicas {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let asked_at = began.elapsed();
                    let body = json!({ "sub": "alice", "ip": CLIENT.to_string(), "user_agent": FIREFOX }).to_string();
                    let request = Request::post("/mint", body).header("Content-Type", "application/json");
                    let reply = ask(PROXY, &replica.admin, &request.bearer(ADMIN_TOKEN));
                    // A sign-in that a revocation overtook is told to come again.
                    assert!([200, 503].contains(&reply.status), "{reply:?}");
                    if reply.status == 200 {
                        let token = token_in(&reply.json());
                        issued.lock().expect("no thread panics").push((asked_at, began.elapsed(), token));
                    }
                }
            });
        }
        let revocations = (0..40)
            .map(|turn| {
                // Two more in between, however slow the machine: no turn is without sign-ins before it.
                let enough = 2 * (turn + 1);
                let are_there = || issued.lock().expect("no thread panics").len() >= enough;
                until(Instant::now(), PATIENCE, "sign-ins before the next revocation", are_there);
                let asked_at = began.elapsed();
                revoked(replicas[turn % 2], &json!({ "user": "alice" }));
                (asked_at, began.elapsed())
            })
            .collect();
        is_over.store(true, Ordering::Relaxed);
        revocations
    });
    let issued = issued.into_inner().expect("no thread panics");
    let (last_asked_at, last_acknowledged_at) = *revocations.last().expect("a revocation");
    let fresh = mint(&first, &json!({}));
    // Revocations are heard of in their order: whoever knows of this one knows of all before it.
    let marker = mint(&first, &json!({ "sub": "bob" }));
    revoked(&second, &json!({ "user": "bob" }));
    let known = || replicas.iter().all(|replica| with_token(replica, &marker).0 == 401);
    as_promised(Instant::now(), PROMISED, "both have heard of the last one", known);
    let mut over = 0;
    for (asked_at, there_at, token) in &issued {
        let answers = replicas.map(|replica| with_token(replica, token));
        assert_eq!(answers[0], answers[1], "the replicas disagree");
        let is_good = answers[0] == is(200, "ok");
        if *there_at < last_asked_at {
            assert_eq!(answers[0], is(401, "token-revoked"), "kept");
        }
        assert!(is_good || *asked_at < last_acknowledged_at, "lost");
        for replica in replicas {
            let renewed = call(replica, &post("/renew").bearer(token)).status;
            assert_eq!(renewed, if is_good { 200 } else { 401 }, "renewing brings it back to life");
        }
        over += usize::from(!is_good);
    }
    assert!(over >= 80, "only {over} of {} were issued before the last revocation", issued.len());
    assert_eq!(with_token(&second, &fresh), is(200, "ok"));
}
