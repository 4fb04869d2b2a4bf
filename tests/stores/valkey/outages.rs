//! What happens when the server stands still, ends, has lost its data, or does not take changes.

use super::{Valkey, address};
use crate::conformance::{Fixture, all_entries, name, now, run, sid, token, user};
use crate::support::valkey::cluster::Cluster;
use crate::support::valkey::{Program, Server, when_it_is_back};
use crate::support::waiting::is_in_time;
use samehand::check::identifiers::Revision;
use samehand::check::revocation::ID_BYTES;
use samehand::store::{self, Access, Bucket, Revocation, Store, StoreError};
use std::time::{Duration, Instant};

/// No call takes longer than this.
const SECONDS: Duration = Duration::from_secs(5);

const BUCKET: Bucket = Bucket { key: [7; ID_BYTES], burst: 3, interval_ms: 1000 };

/// Every kind of call: those that only read, those that change, and those on connections of their own.
async fn every_call(store: &dyn Store) -> Vec<(&'static str, Result<(), StoreError>)> {
    vec![
        ("prepare", store.prepare().await),
        ("revision", store.revision().await.map(drop)),
        ("changes", store.changes(Revision::NONE, 10).await.map(drop)),
        ("user", store.user(&name("bob")).await.map(drop)),
        ("add_users", store.add_users(&[user("carol")]).await),
        ("session", store.session(&sid(1)).await.map(drop)),
        ("revoke", store.revoke(&[Revocation::Everything]).await.map(drop)),
        ("take_attempt", store.take_attempt(&[BUCKET]).await.map(drop)),
        ("subscribe", store.subscribe().await.map(drop)),
    ]
}

#[test]
fn a_server_that_stands_still_is_away_within_seconds_and_works_again_by_itself() {
    run(async {
        let fixture = Valkey::new().await;
        let store = fixture.open().await;
        store.add_users(&[user("bob")]).await.unwrap();
        fixture.0.pause();
        let mut before = Instant::now();
        // One after the other: each has to find out for itself, and none may hang.
        for call in 0..3 {
            let answer = match call {
                0 => store.revision().await.map(drop),
                1 => store.revoke(&[Revocation::Everything]).await.map(drop),
                _ => store.subscribe().await.map(drop),
            };
            let refused = answer.expect_err("it stands still");
            assert!(refused.is_passing(), "{refused}");
            let took = before.elapsed();
            assert!(is_in_time(took, SECONDS), "{call} took {took:?}");
            before = Instant::now();
        }
        fixture.0.resume();
        assert_eq!(when_it_is_back(async || store.user(&name("bob")).await).await, Some(user("bob")));
        for (call, answer) in every_call(&*store).await {
            answer.unwrap_or_else(|error| panic!("{call}: {error}"));
        }
    });
}

#[test]
fn nobody_queues_before_a_server_that_stands_still() {
    run(async {
        let fixture = Valkey::new().await;
        let store = fixture.open().await;
        fixture.0.pause();
        let before = Instant::now();
        let calls = (0..50).map(|_| {
            let store = store.clone();
            async move { store.revision().await }
        });
        for answer in crate::conformance::together(calls).await {
            assert!(answer.expect_err("it stands still").is_passing());
        }
        let took = before.elapsed();
        assert!(is_in_time(took, SECONDS), "{took:?}");
        fixture.0.resume();
    });
}

#[test]
fn a_store_that_was_away_from_the_first_is_prepared_when_it_is_there() {
    run(async {
        let mut server = Server::start(Program::Valkey);
        server.kill_hard();
        let store = store::at(&address(&server.url()), Access::Create).expect("it connects later");
        for (call, answer) in every_call(&*store).await {
            let refused = answer.expect_err(call);
            assert!(refused.is_passing(), "{call}: {refused}");
        }
        server.start_again();
        when_it_is_back(async || store.prepare().await).await;
        store.add_users(&[user("bob")]).await.unwrap();
    });
}

#[test]
fn a_subscription_that_is_lost_is_an_error() {
    run(async {
        let mut fixture = Valkey::new().await;
        let store = fixture.open().await;
        let now = now(&*store).await;
        let mut news = store.subscribe().await.unwrap();
        fixture.0.kill_hard();
        assert!(news.next().await.expect_err("it has ended").is_passing());
        fixture.0.start_again();
        let mut news = when_it_is_back(async || store.subscribe().await).await;
        store.revoke(&[token("x", now)]).await.unwrap();
        news.next().await.unwrap();
    });
}

#[test]
fn a_store_that_has_lost_everything_says_so_until_it_is_prepared() {
    run(async {
        let fixture = Valkey::new().await;
        let store = fixture.open().await;
        let existing = store::open(&fixture.address(), Access::Existing).await.unwrap();
        store.revoke(&[Revocation::Everything]).await.unwrap();
        fixture.0.ask::<()>(&["FLUSHALL"]);
        let refused = store.changes(Revision::NONE, 10).await.expect_err("it has lost everything");
        assert!(refused.is_passing() && refused.to_string().contains("lost everything"), "{refused}");
        assert!(matches!(existing.prepare().await, Err(StoreError::Missing { .. })));
        store.prepare().await.unwrap();
        assert!(all_entries(&*store).await.is_empty());
        existing.prepare().await.unwrap();
    });
}

#[test]
fn a_primary_that_became_a_replica_is_away_for_who_changes_something() {
    run(async {
        let fixture = Valkey::new().await;
        let store = fixture.open().await;
        fixture.0.ask::<()>(&["REPLICAOF", "127.0.0.1", "1"]);
        let refused = store.revoke(&[Revocation::Everything]).await.expect_err("it is a replica");
        assert!(refused.is_passing(), "{refused}");
        fixture.0.ask::<()>(&["REPLICAOF", "NO", "ONE"]);
        store.revoke(&[Revocation::Everything]).await.unwrap();
    });
}

#[test]
fn scripts_that_the_server_has_forgotten_are_given_to_it_again() {
    run(async {
        let fixture = Valkey::new().await;
        let store = fixture.open().await;
        store.revoke(&[Revocation::Everything]).await.unwrap();
        fixture.0.ask::<()>(&["SCRIPT", "FLUSH"]);
        assert_eq!(store.revoke(&[Revocation::Everything]).await.unwrap().entries.len(), 1);
    });
}

#[test]
fn a_full_memory_is_refused_with_the_setting_and_changes_nothing() {
    run(async {
        let fixture = Valkey::new().await;
        let store = fixture.open().await;
        let now = now(&*store).await;
        store.add_users(&[user("bob")]).await.unwrap();
        fixture.0.ask::<()>(&["CONFIG", "SET", "maxmemory", "1"]);
        let refused = [
            store.revoke(&[token("x", now)]).await.err(),
            store.add_users(&[user("carol")]).await.err(),
            store.remove_user(&name("bob")).await.err(),
        ];
        for refused in refused {
            let refused = refused.expect("there is no memory");
            assert!(matches!(refused, StoreError::Refused { .. }), "{refused}");
            assert!(refused.to_string().contains("raise maxmemory"), "{refused}");
        }
        fixture.0.ask::<()>(&["CONFIG", "SET", "maxmemory", "0"]);
        assert!(all_entries(&*store).await.is_empty());
        assert_eq!(store.users_after(None, 9).await.unwrap(), [user("bob")]);
        assert_eq!(store.password_schemes().await.unwrap(), ["$scheme$"]);
    });
}

#[test]
fn a_newer_format_is_refused_with_both_versions() {
    run(async {
        let fixture = Valkey::new().await;
        let store = fixture.open().await;
        fixture.0.ask::<()>(&["SET", "{samehand}:format", "7"]);
        for access in [Access::Create, Access::Existing] {
            let refused = store::open(&fixture.address(), access).await.err().expect("it is newer");
            assert!(matches!(refused, StoreError::Newer { found: 7, known: 2, .. }), "{refused}");
        }
        assert!(matches!(store.prepare().await, Err(StoreError::Newer { .. })), "it was upgraded meanwhile");
        fixture.0.ask::<()>(&["SET", "{samehand}:format", "new"]);
        assert!(matches!(store.prepare().await, Err(StoreError::Damaged { .. })));
    });
}

#[test]
fn damaged_sessions_and_revocations_are_named() {
    run(async {
        let fixture = Valkey::new().await;
        let store = fixture.open().await;
        let now = now(&*store).await;
        store.open_session(&crate::conformance::session(1, "bob", now)).await.unwrap();
        fixture.0.ask::<()>(&["HSET", "{samehand}:sessions", sid(1).as_str(), "0000000000000001 bob\n[]"]);
        let refused = store.session(&sid(1)).await.expect_err("the row is damaged");
        assert!(matches!(refused, StoreError::Damaged { .. }), "{refused}");
        assert!(refused.to_string().contains(sid(1).as_str()), "{refused}");
        fixture.0.ask::<()>(&["ZADD", "{samehand}:revocations", "1", "short"]);
        let refused = store.changes(Revision::NONE, 10).await.expect_err("the entry is damaged");
        assert!(refused.to_string().contains("5 bytes"), "{refused}");
    });
}

#[test]
fn a_cluster_that_misses_a_node_is_away_and_works_again_by_itself() {
    run(async {
        let mut cluster = Cluster::start();
        let store = store::open(&address(&cluster.url()), Access::Create).await.unwrap();
        let home = cluster.home().address();
        let other = cluster.nodes.iter().position(|node| node.address() != home).unwrap();
        cluster.notices_soon();
        // The keys are where they were, but a cluster that is not whole answers nobody.
        cluster.nodes[other].kill_hard();
        cluster.wait_for_state("fail", &[other]);
        let before = Instant::now();
        let refused = store.revoke(&[Revocation::Everything]).await.expect_err("it misses a node");
        assert!(refused.is_passing(), "{refused}");
        let took = before.elapsed();
        assert!(is_in_time(took, SECONDS), "{took:?}");
        cluster.nodes[other].start_again();
        when_it_is_back(async || store.revoke(&[Revocation::Everything]).await).await;
        assert_eq!(all_entries(&*store).await.len(), 1);
    });
}

#[test]
fn a_node_of_a_cluster_that_is_taken_for_a_server_is_refused_with_what_to_write() {
    run(async {
        let cluster = Cluster::start();
        let home = cluster.home().address();
        let other = cluster.nodes.iter().find(|node| node.address() != home).unwrap();
        let refused = store::open(&address(&other.url()), Access::Create).await.err().expect("it is a node");
        assert!(matches!(refused, StoreError::Refused { .. }), "{refused}");
        assert!(refused.to_string().contains("redis-cluster://"), "{refused}");
    });
}
