//! How long after the acknowledgement of a revocation on one replica another one refuses: on every kind of store.

use crate::support::samehand::Samehand;
use crate::support::waiting::is_in_time;
use crate::support::{client::Connection, store_server::StoreServer};
use crate::{PROMISED, PROXY, mint, question, replica, revoke, turn};
use serde_json::json;
use std::time::{Duration, Instant};

const TRIES: u32 = 200;

/// Revokes so many tokens, one after the other, and says how long each was still accepted: when the last question was asked
/// that was answered so. Between the tries some time
/// goes by, each time another part of a period in which a replica may look.
#[track_caller]
fn measure(what: &str, on: &Samehand, at: &Samehand, period: Duration, revoke: impl Fn(&str)) {
    let mut asked = Connection::open(PROXY, &at.tcp);
    let mut delays: Vec<Duration> = (0..TRIES)
        .map(|number| {
            let token = mint(on, "alice");
            let question = question(&token);
            let (minted, pause) = (Instant::now(), period * (number * 37 % 100) / 100);
            loop {
                assert_eq!(asked.ask(&question).status, 200, "it was not revoked yet");
                if minted.elapsed() >= pause {
                    break;
                }
            }
            revoke(&token);
            let (acknowledged, mut accepted) = (Instant::now(), Duration::ZERO);
            loop {
                // When it was asked counts: an answer may take its time on the way.
                let asked_at = acknowledged.elapsed();
                match asked.ask(&question).status {
                    401 => return accepted,
                    status => assert_eq!(status, 200),
                }
                accepted = asked_at;
                assert!(is_in_time(accepted, PROMISED), "{what}: accepted {accepted:.1?} after it was revoked");
            }
        })
        .collect();
    delays.sort();
    let at = |part: usize| delays[part * (delays.len() - 1) / 100];
    println!(
        "{what}: {TRIES} tries, min {:.1?}, median {:.1?}, p95 {:.1?}, max {:.1?}",
        at(0),
        at(50),
        at(95),
        at(100)
    );
}

#[track_caller]
fn over_a_server(what: &str, server: &StoreServer) {
    let (on, at) = (replica(&server.url(), &[]), replica(&server.url(), &[]));
    measure(what, &on, &at, Duration::from_millis(20), |token| revoke(&on, &json!({ "token": token })));
}

#[test]
fn what_one_replica_revokes_another_refuses_within_a_second_on_postgresql() {
    let _turn = turn();
    over_a_server("PostgreSQL, replica to replica", &StoreServer::postgres());
}

#[test]
fn what_one_replica_revokes_another_refuses_within_a_second_on_valkey() {
    let _turn = turn();
    over_a_server("Valkey, replica to replica", &StoreServer::valkey());
}

#[test]
fn what_one_process_revokes_another_refuses_within_a_second_on_one_sqlite_file() {
    let _turn = turn();
    let on = replica("sqlite", &[]);
    let data = on.data().display().to_string();
    let at = replica("sqlite", &[("DATA", &data)]);
    let period = Duration::from_millis(200);
    measure("SQLite, process to process", &on, &at, period, |token| revoke(&on, &json!({ "token": token })));
}

#[test]
fn what_the_command_line_revokes_the_service_refuses_within_a_second() {
    let _turn = turn();
    let service = replica("sqlite", &[]);
    let period = Duration::from_millis(200);
    measure("SQLite, command line to service", &service, &service, period, |token| {
        service.succeed(&["token", "revoke", token], "");
    });
}
