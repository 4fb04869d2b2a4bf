//! Clocks of replicas that are not the store's: said by name, and no revoked token is accepted by any of them. libfaketime
//! gives a replica another clock, and leaves alone the one that measures how long something takes.

use crate::support::waiting::{as_promised, until};
use crate::support::{CLIENT, installation::Installation, samehand::Samehand, store_server::StoreServer};
use crate::{ADMIN_TOKEN, FIREFOX, PATIENCE, PROMISED, SALT, decided, mint, readiness, replica, revoke, status, turn};
use serde_json::{Value, json};
use std::time::Instant;

/// A replica whose clock is so many seconds ahead.
#[track_caller]
fn replica_ahead(store: &str, seconds: i32) -> Samehand {
    let mut installation = Installation::new(&[("STORE", store), ("SALT", SALT), ("ADMIN_TOKEN", ADMIN_TOKEN)]);
    if seconds != 0 {
        installation.set_clock(seconds.into());
    }
    Samehand::serve(installation)
}

#[track_caller]
fn assert_says(samehand: &Samehand, seconds: i32) {
    let (code, body) = readiness(samehand);
    assert_eq!(code, 200, "{body}");
    let ahead = body["store"]["clock_ahead_seconds"].as_f64().expect("a number");
    // As well as the way to the store and back lets it be known, which is a second on a machine that is very busy.
    let is_near = |told: f64, truth: i32| (told - f64::from(truth)).abs() < 0.9;
    assert!(is_near(ahead, seconds), "{body}");
    assert_eq!(body["store"]["clock_is_off"], seconds != 0, "{body}");
    let direction = if seconds > 0 { "ahead of" } else { "behind" };
    let said = samehand.process.log();
    let line = said.lines().find(|line| line.contains("this machine's clock is"));
    match seconds {
        0 => assert_eq!(line, None),
        _ => {
            let line = line.expect("it is said at the start");
            let said = line.split_once("this machine's clock is ").and_then(|(_, rest)| rest.split_once(' '));
            let (number, rest) = said.expect("a number and what is meant by it");
            let is_right = is_near(number.parse().expect("a number"), seconds.abs());
            assert!(is_right && rest.starts_with(&format!("s {direction} the store's")), "{line}");
            assert!(line.contains("NTP"), "{line}");
        }
    }
}

#[test]
fn a_clock_that_is_off_is_said_at_the_start_and_on_the_page_of_readiness() {
    let _turn = turn();
    for server in [StoreServer::postgres(), StoreServer::valkey()] {
        for seconds in [2, 60, -2, -60, 0] {
            assert_says(&replica_ahead(&server.url(), seconds), seconds);
        }
    }
}

/// Accepted, or refused because it comes from the future.
#[track_caller]
fn is_accepted(at: &Samehand, token: &str) -> bool {
    let (reply, decision) = decided(at, token);
    match (reply.status, decision.field("reason")) {
        (200, "ok") => true,
        (401, "token-not-yet-valid") => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn whoever_mints_and_whoever_revokes_a_revoked_token_is_accepted_by_nobody() {
    let _turn = turn();
    for (server, apart) in [(StoreServer::postgres(), 60), (StoreServer::postgres(), 2), (StoreServer::valkey(), 60)] {
        let replicas = [-apart, 0, apart].map(|seconds| replica_ahead(&server.url(), seconds));
        for minter in &replicas {
            for revoker in &replicas {
                for what in ["token", "session", "user", "all"] {
                    let token = mint(minter, "alice");
                    assert!(is_accepted(minter, &token), "its own tokens are good");
                    for replica in &replicas {
                        let is_accepted = is_accepted(replica, &token);
                        assert!(is_accepted || apart > 30, "2 s are within what is allowed for");
                    }
                    revoke(revoker, &named(what, &token));
                    let acknowledged = Instant::now();
                    for replica in &replicas {
                        as_promised(acknowledged, PROMISED, what, || status(replica, &token) == 401);
                    }
                    // What is issued later is good, however late or early the clocks say that was.
                    let later = mint(minter, "alice");
                    assert!(is_accepted(minter, &later), "{what}: a later one is good");
                    assert_eq!(status(minter, &token), 401);
                }
            }
        }
    }
}

/// The body that revokes this token in one of four ways.
fn named(what: &str, token: &str) -> Value {
    match what {
        "token" => json!({ "token": token }),
        "session" => json!({ "session": crate::support::token::Token::parse(token).claims["sid"] }),
        "user" => json!({ "user": "alice" }),
        "all" => json!({ "all": true }),
        other => panic!("{other} is none of the four"),
    }
}

/// By the store's clock the token has expired long ago, and everything about it could be forgotten; by the clock of the
/// replica that is behind it is good for some minutes more.
#[test]
fn a_revocation_outlives_its_token_by_every_clock() {
    let _turn = turn();
    let server = StoreServer::postgres();
    let StoreServer::Postgres(postgres, database) = &server else { panic!("it is PostgreSQL") };
    let behind = replica_ahead(&server.url(), -600);
    // Without a session, whose end would be remembered for longer.
    let ip = CLIENT.to_string();
    let mint = ["token", "mint", "--user", "alice", "--ip", &ip, "--user-agent", FIREFOX, "--ttl", "9m"];
    let token = behind.succeed(&mint, "");
    assert_eq!(status(&behind, &token), 200);
    revoke(&behind, &json!({ "token": token }));
    // What has expired by every clock tells when the store was tidied up.
    let expired =
        "INSERT INTO samehand.revocations (id, revision, expires_at) VALUES (decode(repeat('ab', 16), 'hex'), 1, 1)";
    postgres.sql(database.name(), expired);
    let _tidies_up = replica(&server.url(), &[]);
    let is_gone = || postgres.sql(database.name(), "SELECT count(*) FROM samehand.revocations WHERE expires_at = 1");
    until(Instant::now(), PATIENCE, "what has expired is removed", || is_gone().trim() == "0");
    let again = replica_ahead(&server.url(), -600);
    for replica in [&behind, &again] {
        assert_eq!(decided(replica, &token).1.field("reason"), "token-revoked");
    }
}
