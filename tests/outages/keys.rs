//! Replicas that share a store and `STORE_KEY`, and nothing else: one key ring, from the first moment on and through every
//! change of it; and what they say where they do not fit together.

use crate::support::waiting::{as_promised, until};
use crate::support::{samehand::Samehand, store_server::StoreServer};
use crate::{PATIENCE, PROMISED, STORE_KEY, assert_undecided, mint, readiness, replica, status, times_said, turn};
use serde_json::Value;
use std::{
    sync::{
        Barrier,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
    time::Instant,
};
use tempfile::TempDir;

/// Ends what others do meanwhile, also when something fails.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Nothing in common but the store and its key.
const ALONE: [(&str, &str); 3] = [("SECRET", ""), ("SALT", ""), ("STORE_KEY", STORE_KEY)];

/// Starts two replicas in the same moment.
#[track_caller]
fn start_two(store: &str, settings: &[(&str, &str)]) -> [Samehand; 2] {
    let settings = [&ALONE, settings].concat();
    let barrier = Barrier::new(2);
    thread::scope(|scope| {
        let start = || {
            scope.spawn(|| {
                barrier.wait();
                replica(store, &settings)
            })
        };
        [start(), start()].map(|starting| starting.join().expect("it starts"))
    })
}

/// What either mints the other accepts.
#[track_caller]
fn assert_one_ring(replicas: &[Samehand; 2]) {
    for minter in replicas {
        let token = mint(minter, "alice");
        for replica in replicas {
            assert_eq!(status(replica, &token), 200);
        }
    }
}

#[track_caller]
fn kid_of_state(samehand: &Samehand, state: &str) -> String {
    let keys: Value = serde_json::from_str(&samehand.succeed(&["keys", "list", "--json"], "")).expect("JSON");
    let of_state = keys.as_array().expect("a list").iter().find(|key| key["state"] == state);
    of_state.and_then(|key| key["kid"].as_str()).unwrap_or_else(|| panic!("no {state} key in {keys}")).to_owned()
}

#[track_caller]
fn share_one_ring(store: &str, settings: &[(&str, &str)]) {
    let mut replicas = start_two(store, settings);
    assert_one_ring(&replicas);
    let first = mint(&replicas[0], "alice");
    replicas = replicas.map(|replica| replica.restart(&[]));
    assert_one_ring(&replicas);
    assert_eq!((status(&replicas[0], &first), status(&replicas[1], &first)), (200, 200), "a restart signs nobody out");

    // In the very moment of a rotation, and before and after it, every token is good everywhere.
    for _ in 0..2 {
        let (is_over, next) = (AtomicBool::new(false), kid_of_state(&replicas[0], "next"));
        let minted = AtomicU32::new(0);
        thread::scope(|scope| {
            let uses: Vec<_> = replicas
                .iter()
                .map(|minter| {
                    let (is_over, minted, replicas) = (&is_over, &minted, &replicas);
                    scope.spawn(move || {
                        while !is_over.load(Ordering::Relaxed) {
                            let token = mint(minter, "alice");
                            for replica in replicas {
                                assert_eq!(status(replica, &token), 200, "refused while the key is changed");
                            }
                            minted.fetch_add(1, Ordering::Relaxed);
                        }
                    })
                })
                .collect();
            let over = Over(&is_over);
            let some_more = || {
                let enough = minted.load(Ordering::Relaxed) + 6;
                until(Instant::now(), PATIENCE, "tokens", || minted.load(Ordering::Relaxed) >= enough);
            };
            some_more();
            let rotated = replicas[0].succeed(&["keys", "rotate"], "");
            let rotated_at = Instant::now();
            assert_eq!(rotated, next, "what was published signs");
            for replica in &replicas {
                as_promised(rotated_at, PROMISED, "the new key signs", || {
                    crate::support::token::Token::parse(&mint(replica, "alice")).header["kid"] == next.as_str()
                });
            }
            some_more();
            drop(over);
            uses.into_iter().for_each(|uses| uses.join().expect("no token is refused"));
        });
        println!("{} tokens during a rotation", minted.into_inner());
    }

    let old = crate::support::token::Token::parse(&first).header["kid"].as_str().expect("a kid").to_owned();
    assert_eq!((status(&replicas[0], &first), status(&replicas[1], &first)), (200, 200), "an old key is accepted");
    replicas[1].succeed(&["keys", "retire", &old], "");
    let retired_at = Instant::now();
    for replica in &replicas {
        as_promised(retired_at, PROMISED, "a retired key is accepted no longer", || status(replica, &first) == 401);
    }
    assert_one_ring(&replicas);
}

#[test]
fn two_that_start_at_once_on_an_empty_postgresql_share_one_key_ring() {
    let _turn = turn();
    share_one_ring(&StoreServer::postgres().url(), &[]);
}

#[test]
fn two_that_start_at_once_on_an_empty_valkey_share_one_key_ring() {
    let _turn = turn();
    share_one_ring(&StoreServer::valkey().url(), &[]);
}

#[test]
fn two_that_start_at_once_on_an_empty_directory_share_one_key_ring() {
    let _turn = turn();
    let directory = TempDir::new().expect("a temporary directory");
    let data = directory.path().join("data").display().to_string();
    share_one_ring("sqlite", &[("DATA", &data)]);
}

#[test]
fn a_replica_with_another_store_key_says_so_and_refuses_nobody() {
    let _turn = turn();
    for server in [StoreServer::postgres(), StoreServer::valkey()] {
        let right = replica(&server.url(), &ALONE);
        let token = mint(&right, "alice");
        let other = replica(
            &server.url(),
            &[("SECRET", ""), ("SALT", ""), ("STORE_KEY", "another store key 7vQz2mW9xLp4Rt6Y")],
        );
        other.process.wait_for("which setting is wrong", |line| {
            (line.contains("ERROR") || line.contains("level=error"))
                .then(|| line.contains("SAMEHAND_STORE_KEY").then_some(()))?
        });
        assert_eq!(readiness(&other).0, 503);
        assert_undecided(&other, &token);
        assert_eq!(status(&right, &token), 200);
        assert_eq!(readiness(&right).0, 200, "the other one changes nothing for this one");
    }
}

#[test]
fn what_replicas_do_not_have_in_common_is_said_by_name() {
    let _turn = turn();
    for server in [StoreServer::postgres(), StoreServer::valkey()] {
        let _first = replica(&server.url(), &[]);
        for (setting, value) in [
            ("SALT", "some other salt, 8Lq2Vx5"),
            ("SECRET", "some other secret of forty-odd bytes, 5Yd8Nw3Q"),
            ("REQUIRE_SAME", "user-agent"),
            ("IPV4_PREFIX", "24"),
            ("ISSUER", "somebody else"),
        ] {
            let other = replica(&server.url(), &[(setting, value)]);
            let name = format!("SAMEHAND_{setting}");
            other.process.wait_for(&name, |line| (line.contains("the replica ") && line.contains(&name)).then_some(()));
            let says_the_secret = ["SALT", "SECRET"].contains(&setting) && times_said(&other, value) > 0;
            assert!(!says_the_secret, "the log shows {name}");
            other.stop();
        }
    }
}
