//! Whatever is killed in the middle of revoking: what was acknowledged stays revoked, for replicas that were there and for
//! one that comes later.

use crate::support::waiting::{as_promised, until};
use crate::support::{client::try_to_ask, samehand::Samehand, store_server::StoreServer};
use crate::{PATIENCE, PROMISED, PROXY, mint, readiness, replica, revocation, status, turn};
use serde_json::json;
use std::{sync::mpsc, thread, time::Instant};

const TOKENS: usize = 120;
/// So many are acknowledged when the blow falls, while the next ones are on their way.
const BEFORE: usize = 30;

/// Revokes one token after the other while `blow` falls; returns those whose revocation was acknowledged.
#[track_caller]
fn revoke_during(on: &Samehand, tokens: &[String], blow: impl FnOnce()) -> Vec<String> {
    // Who revokes waits for who counts, and is not done before the blow has fallen, however long that takes.
    let (acknowledge, acknowledged) = mpsc::sync_channel(TOKENS - 2 * BEFORE);
    thread::scope(|scope| {
        scope.spawn(move || {
            for token in tokens {
                let reply = try_to_ask(PROXY, &on.admin, &revocation(&json!({ "token": token })));
                if reply.is_ok_and(|reply| reply.status == 204) {
                    acknowledge.send(token.clone()).expect("somebody listens");
                }
            }
        });
        let mut revoked: Vec<String> = acknowledged.iter().take(BEFORE).collect();
        assert_eq!(revoked.len(), BEFORE);
        blow();
        revoked.extend(acknowledged.iter());
        println!("{} of {} were acknowledged", revoked.len(), tokens.len());
        revoked
    })
}

#[track_caller]
fn tokens(on: &Samehand) -> Vec<String> {
    (0..TOKENS).map(|_| mint(on, "bob")).collect()
}

/// All of these are refused, by a replica that was there all the time within the time that was promised.
#[track_caller]
fn assert_refused(at: &Samehand, revoked: &[String], since: Instant) {
    as_promised(since, PROMISED, "it is ready", || readiness(at).1["status"] == "ready");
    for token in revoked {
        as_promised(since.max(Instant::now() - PROMISED / 2), PROMISED, "it is refused", || status(at, token) == 401);
    }
}

/// Kills the server in the middle; then nothing is lost.
#[track_caller]
fn survive_a_crash_of(mut server: StoreServer) {
    let url = server.url();
    let (on, at) = (replica(&url, &[]), replica(&url, &[]));
    let (tokens, good) = (tokens(&on), mint(&on, "alice"));
    let revoked = revoke_during(&on, &tokens, || server.kill_hard());
    assert!(revoked.len() < TOKENS, "the server was killed too late");
    assert_eq!((status(&on, &good), status(&at, &good)), (200, 200), "an outage signs nobody out");
    server.start_again();
    let back_at = Instant::now();
    for known in [&on, &at] {
        assert_refused(known, &revoked, back_at);
        assert_eq!(status(known, &good), 200);
    }
    let late = replica(&url, &[]);
    assert_refused(&late, &revoked, Instant::now());
    assert_eq!(status(&late, &good), 200);
}

#[test]
fn a_postmaster_that_is_killed_loses_no_acknowledged_revocation() {
    let _turn = turn();
    survive_a_crash_of(StoreServer::postgres());
}

#[test]
fn a_valkey_with_an_append_only_file_that_is_killed_loses_no_acknowledged_revocation() {
    let _turn = turn();
    survive_a_crash_of(StoreServer::valkey());
}

#[test]
fn connections_that_postgresql_ends_lose_no_acknowledged_revocation() {
    let _turn = turn();
    let server = StoreServer::postgres();
    let StoreServer::Postgres(postgres, database) = &server else { panic!("it is PostgreSQL") };
    let (on, at) = (replica(&server.url(), &[]), replica(&server.url(), &[]));
    let tokens = tokens(&on);
    let revoked = revoke_during(&on, &tokens, || {
        for _ in 0..3 {
            let count = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'samehand'";
            until(Instant::now(), PATIENCE, "they connect again", || postgres.sql("postgres", count).trim() != "0");
            postgres.terminate_backends(database);
        }
    });
    assert!(revoked.len() > TOKENS / 2, "it goes on by itself");
    let ended_at = Instant::now();
    assert_refused(&at, &revoked, ended_at);
    assert_refused(&on, &revoked, ended_at);
    assert_refused(&replica(&server.url(), &[]), &revoked, Instant::now());
}

/// Kills the replica on which is revoked; what it acknowledged is known to the other, and to itself when it is back.
#[track_caller]
fn survive_a_crash_of_samehand(on: Samehand, at: &Samehand, store: &str, settings: &[(&str, &str)]) {
    let tokens = tokens(&on);
    let revoked = revoke_during(&on, &tokens, || on.process.signal("KILL"));
    assert!(revoked.len() < TOKENS, "it was killed too late");
    assert_refused(at, &revoked, Instant::now());
    let again = replica(store, settings);
    for token in &revoked {
        assert_eq!(status(&again, token), 401, "from its first answer on");
    }
    assert_eq!(status(&again, &mint(&again, "alice")), 200);
}

#[test]
fn a_samehand_that_is_killed_has_kept_what_it_acknowledged_in_sqlite() {
    let _turn = turn();
    let at = replica("sqlite", &[]);
    let data = at.data().display().to_string();
    let settings = [("DATA", data.as_str())];
    survive_a_crash_of_samehand(replica("sqlite", &settings), &at, "sqlite", &settings);
}

#[test]
fn a_samehand_that_is_killed_has_kept_what_it_acknowledged_in_a_server() {
    let _turn = turn();
    for server in [StoreServer::postgres(), StoreServer::valkey()] {
        let url = server.url();
        survive_a_crash_of_samehand(replica(&url, &[]), &replica(&url, &[]), &url, &[]);
    }
}
