//! A replica that starts while the store is away: it lives, decides nothing, tells nobody that a token is bad, and is ready
//! by itself when the store comes.

use crate::support::waiting::as_promised;
use crate::support::{
    client::{Request, ask},
    store_server::StoreServer,
    wire::Wire,
};
use crate::{PROMISED, PROXY, STORE_KEY, assert_undecided, mint, minting, readiness, replica, status, turn};
use std::time::Instant;

#[track_caller]
fn start_without_the_store(settings: &[(&str, &str)], break_it: fn(&Wire)) {
    for server in [StoreServer::postgres(), StoreServer::valkey()] {
        let early = replica(&server.url(), settings);
        let token = mint(&early, "alice");
        let wire = Wire::to(server.address());
        break_it(&wire);
        let late = replica(&server.url_by_way_of(wire.address()), settings);
        for _ in 0..3 {
            let (code, body) = readiness(&late);
            assert_eq!((code, &body["status"], &body["store"]["answers"]), (503, &"starting".into(), &false.into()));
            assert_eq!(ask(PROXY, &late.admin, &Request::get("/healthz")).status, 200, "it lives");
            assert_undecided(&late, &token);
        }
        let reply = ask(PROXY, &late.admin, &minting("alice"));
        assert_eq!(reply.status, 503, "{reply:?}");
        assert!(reply.header("Retry-After").is_some(), "{reply:?}");
        wire.mend();
        let mended_at = Instant::now();
        let ready = as_promised(mended_at, PROMISED, "it is ready by itself", || readiness(&late).0 == 200);
        println!("ready after {ready:.1?}");
        assert_eq!(status(&late, &token), 200);
        assert_eq!(status(&early, &mint(&late, "alice")), 200);
    }
}

#[test]
fn a_replica_that_starts_before_its_store_is_not_ready_and_becomes_it() {
    let _turn = turn();
    start_without_the_store(&[], Wire::cut);
}

#[test]
fn a_replica_whose_store_does_not_answer_at_the_start_becomes_ready() {
    let _turn = turn();
    start_without_the_store(&[], Wire::swallow);
}

#[test]
fn a_replica_that_gets_its_keys_from_the_store_waits_for_them() {
    let _turn = turn();
    start_without_the_store(&[("SECRET", ""), ("SALT", ""), ("STORE_KEY", STORE_KEY)], Wire::cut);
}
