//! The store stands still, or is gone: for a while decisions go on, then nothing is decided; nobody is signed out, nothing
//! is half done, everybody is told at once, and it ends by itself.

use crate::support::waiting::{as_promised, is_in_time};
use crate::support::{
    CLIENT,
    client::{Request, ask},
    samehand::Samehand,
    store_server::StoreServer,
};
use crate::{
    BOUNDED, FIREFOX, PROMISED, PROXY, assert_undecided, decided, metric, mint, minting, readiness, replica,
    revocation, revoke, sign_in, status, times_said, token_in, turn,
};
use serde_json::json;
use std::{
    thread,
    time::{Duration, Instant},
};

const MAX_STALE: Duration = Duration::from_secs(5);
/// So long before the store stopped it may have been asked for the last time: it is asked once a second, and a call may take
/// two.
const BEFORE_STOP: Duration = Duration::from_secs(3);

/// Whoever wants something that needs the store is told at once that it cannot be had. Whether it is done all the same
/// when the store goes on is the store's to say: Valkey does what stands in its buffers.
#[track_caller]
fn assert_refused_at_once(samehand: &Samehand, session: &str) {
    let renew = Request::post("/renew", "").header("User-Agent", FIREFOX).bearer(session);
    let log_out = Request::post("/logout", "").header("User-Agent", FIREFOX).bearer(session);
    thread::scope(|scope| {
        for (what, from, to, request) in [
            ("sign-in", CLIENT, &samehand.tcp, sign_in()),
            ("renewing", CLIENT, &samehand.tcp, renew),
            ("signing out", CLIENT, &samehand.tcp, log_out),
            ("revoking", PROXY, &samehand.admin, revocation(&json!({ "user": "nobody" }))),
            ("minting", PROXY, &samehand.admin, minting("alice")),
        ] {
            scope.spawn(move || {
                let asked_at = Instant::now();
                let reply = ask(from, to, &request);
                let took = asked_at.elapsed();
                assert_eq!(reply.status, 503, "{what}: {reply:?}");
                assert!(reply.header("Retry-After").is_some(), "{what}: {reply:?}");
                assert!(reply.all("Set-Cookie").is_empty(), "{what}: {reply:?}");
                assert!(is_in_time(took, BOUNDED), "{what}: {took:?}");
            });
        }
    });
}

#[track_caller]
fn survive(mut server: StoreServer, stop: fn(&mut StoreServer), go_on: fn(&mut StoreServer)) {
    let stale = format!("{}s", MAX_STALE.as_secs());
    let replicas = [(); 2].map(|()| replica(&server.url(), &[("STORE_MAX_STALE", &stale)]));
    replicas[0].add_user("alice", &[]);
    let [session, other] = [(); 2].map(|()| token_in(&ask(CLIENT, &replicas[0].tcp, &sign_in())));
    let (good, revoked) = (mint(&replicas[0], "bob"), mint(&replicas[0], "bob"));
    revoke(&replicas[0], &json!({ "token": revoked }));
    as_promised(Instant::now(), PROMISED, "the other replica refuses", || status(&replicas[1], &revoked) == 401);
    assert_eq!(readiness(&replicas[1]).0, 200);

    stop(&mut server);
    let stopped_at = Instant::now();
    for replica in &replicas {
        assert_eq!((status(replica, &good), status(replica, &session), status(replica, &revoked)), (200, 200, 401));
    }
    thread::scope(|scope| {
        for replica in &replicas {
            scope.spawn(|| assert_refused_at_once(replica, &other));
        }
    });
    for replica in &replicas {
        let away = as_promised(stopped_at, BOUNDED + PROMISED, "it is noticed", || {
            readiness(replica).1["status"] == "degraded"
        });
        println!("noticed after {away:.1?}");
        assert!(metric(replica, "samehand_store_up").abs() < f64::EPSILON);
        replica.process.wait_for("that the store is away", |line| line.contains("nobody can sign in").then_some(()));
    }
    let mut became_stale = [None; 2];
    while became_stale.iter().any(Option::is_none) {
        for (replica, became) in replicas.iter().zip(&mut became_stale) {
            // When it was asked: the answer may take a moment.
            let (since, reply) = (stopped_at.elapsed(), decided(replica, &good).0);
            match reply.status {
                503 => became.get_or_insert(since),
                // Not signed out, and not believed longer than was allowed.
                status => {
                    assert_eq!((status, *became), (200, None), "after {since:?}: {reply:?}");
                    assert!(since < MAX_STALE + Duration::from_millis(200), "still believed after {since:?}");
                    continue;
                }
            };
            assert_eq!(status(replica, &revoked), 401, "what is known to be revoked stays so");
        }
    }
    println!("undecided after {became_stale:.1?}");
    for (replica, became) in replicas.iter().zip(became_stale) {
        let became = became.expect("it did");
        assert!(became > MAX_STALE - BEFORE_STOP, "given up too early: {became:?}");
        assert_undecided(replica, &good);
        assert_undecided(replica, &session);
        let (code, body) = readiness(replica);
        assert_eq!((code, &body["status"], &body["store"]["answers"]), (503, &"store-stale".into(), &false.into()));
        let age = body["store"]["last_sync_age_seconds"].as_u64().expect("a number");
        assert!((2..60).contains(&age), "{body}");
        assert!(metric(replica, "samehand_store_last_sync_timestamp_seconds") > 1_700_000_000.0);
        replica.process.wait_for("that it is too long", |line| line.contains("SAMEHAND_STORE_MAX_STALE").then_some(()));
        assert_eq!(ask(PROXY, &replica.admin, &Request::get("/healthz")).status, 200);
    }

    go_on(&mut server);
    let back_at = Instant::now();
    let mut back = Vec::new();
    for replica in &replicas {
        back.push(as_promised(back_at, PROMISED, "it is back by itself", || {
            assert_ne!(status(replica, &revoked), 200, "a revoked token is believed after the outage");
            readiness(replica).1["status"] == "ready"
        }));
    }
    println!("back after {back:.1?}");
    for replica in &replicas {
        assert_eq!((status(replica, &good), status(replica, &session), status(replica, &revoked)), (200, 200, 401));
        assert!((metric(replica, "samehand_store_up") - 1.0).abs() < f64::EPSILON);
        assert_eq!(times_said(replica, "nobody can sign in or renew"), 1, "{}", replica.process.log());
        assert_eq!(times_said(replica, "SAMEHAND_STORE_MAX_STALE"), 1);
        token_in(&ask(CLIENT, &replica.tcp, &sign_in()));
    }
    revoke(&replicas[1], &json!({ "token": good }));
    as_promised(Instant::now(), PROMISED, "news come again", || status(&replicas[0], &good) == 401);
}

#[test]
fn a_postgresql_that_stands_still_signs_nobody_out() {
    let _turn = turn();
    survive(StoreServer::postgres(), |server| server.pause(), |server| server.resume());
}

#[test]
fn a_valkey_that_stands_still_signs_nobody_out() {
    let _turn = turn();
    survive(StoreServer::valkey(), |server| server.pause(), |server| server.resume());
}

#[test]
fn a_postgresql_that_is_gone_signs_nobody_out() {
    let _turn = turn();
    survive(StoreServer::postgres(), StoreServer::kill_hard, StoreServer::start_again);
}

#[test]
fn a_valkey_that_is_gone_signs_nobody_out() {
    let _turn = turn();
    survive(StoreServer::valkey(), StoreServer::kill_hard, StoreServer::start_again);
}
