//! What was acknowledged is kept, and a set-up in which it might not be is said.

use super::address;
use crate::conformance::{all_entries, name, now, run, session, token, user};
use crate::support::valkey::{DURABLE, Program, Server};
use samehand::check::identifiers::Revision;
use samehand::check::revocation::{Entry, ID_BYTES};
use samehand::store::{self, Access, Bucket, Replica, Revocation, Store};
use std::collections::BTreeMap;
use std::sync::Arc;

const EVERY_SECOND: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "everysec"];

async fn open(server: &Server) -> Arc<dyn Store> {
    store::open(&address(&server.url()), Access::Create).await.unwrap_or_else(|error| panic!("{error}"))
}

/// Several revoke until the server is killed, each noting what was acknowledged.
async fn acknowledged_until_killed(server: &mut Server) -> Vec<Entry> {
    let mut revokers = Vec::new();
    let (tell, mut told) = tokio::sync::mpsc::channel(1);
    for revoker in 0..4 {
        let (store, tell) = (open(server).await, tell.clone());
        let now = now(&*store).await;
        revokers.push(tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            while let Ok(revoked) = store.revoke(&[token(&format!("{revoker}/{}", acknowledged.len()), now)]).await {
                acknowledged.extend(revoked.entries);
                // Where a word is waiting to be heard, another says nothing more.
                let _ = tell.try_send(());
            }
            acknowledged
        }));
    }
    for _ in 0..3 {
        told.recv().await.expect("somebody revokes");
    }
    server.kill_hard();
    let mut all = Vec::new();
    for revoker in revokers {
        all.extend(revoker.await.unwrap());
    }
    all
}

async fn keeps_what_it_acknowledged(program: Program, settings: &[&str]) {
    let mut server = Server::start_with(program, settings);
    let acknowledged = acknowledged_until_killed(&mut server).await;
    server.start_again();
    let store = open(&server).await;
    let kept = all_entries(&*store).await;
    assert!(acknowledged.len() >= 3, "{acknowledged:?}");
    let lost: Vec<_> = acknowledged.iter().filter(|entry| !kept.contains(entry)).collect();
    assert!(lost.is_empty(), "{} of {} were lost", lost.len(), acknowledged.len());
    let next = store.revoke(&[Revocation::Everything]).await.unwrap();
    assert!(kept.iter().all(|entry| entry.revision < next.entries[0].revision));
}

#[test]
fn what_was_acknowledged_is_there_after_the_server_was_killed() {
    run(keeps_what_it_acknowledged(Program::Valkey, &DURABLE));
}

#[test]
fn what_was_acknowledged_is_there_after_a_redis_was_killed() {
    run(keeps_what_it_acknowledged(Program::Redis, &DURABLE));
}

#[test]
fn what_was_acknowledged_is_there_where_the_disk_is_written_every_second() {
    run(keeps_what_it_acknowledged(Program::Valkey, &EVERY_SECOND));
}

/// How often a command was called, by what the server counts.
fn calls(server: &Server, command: &str) -> u64 {
    let counts: String = server.ask(&["INFO", "commandstats"]);
    let start = format!("cmdstat_{command}:calls=");
    let line = counts.lines().find_map(|line| line.strip_prefix(&start));
    line.map_or(0, |line| line.split(',').next().expect("a number").parse().expect("a number"))
}

#[test]
fn a_change_waits_for_the_disk_that_is_written_every_second_and_a_session_does_not() {
    run(async {
        let server = Server::start_with(Program::Valkey, &EVERY_SECOND);
        let store = open(&server).await;
        let now = now(&*store).await;
        // Whether the server can wait is asked once.
        let before = calls(&server, "waitaof");
        store.open_session(&session(1, "bob", now)).await.unwrap();
        store.take_attempt(&[Bucket { key: [1; ID_BYTES], burst: 1, interval_ms: 1000 }]).await.unwrap();
        assert_eq!(calls(&server, "waitaof"), before);
        store.revoke(&[token("x", now)]).await.unwrap();
        store.add_users(&[user("bob")]).await.unwrap();
        store.remove_user(&name("bob")).await.unwrap();
        store.put_keys(b"sealed", 0).await.unwrap();
        assert_eq!(calls(&server, "waitaof"), before + 4);
    });
}

#[test]
fn many_changes_wait_for_the_disk_together() {
    run(async {
        let server = Server::start_with(Program::Valkey, &EVERY_SECOND);
        let store = open(&server).await;
        let now = now(&*store).await;
        let started = std::time::Instant::now();
        let revokers = (0..40).map(|number| {
            let store = store.clone();
            async move { store.revoke(&[token(&number.to_string(), now)]).await.unwrap() }
        });
        crate::conformance::together(revokers).await;
        // One after the other they would take forty seconds.
        assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    });
}

#[test]
fn a_set_up_that_could_bring_revocations_back_is_said() {
    run(async {
        for (program, settings, expected) in [
            (Program::Valkey, &DURABLE[..], None),
            (Program::Valkey, &EVERY_SECOND[..], None),
            (Program::Redis, &EVERY_SECOND[..], Some("the server has no WAITAOF")),
            (Program::Valkey, &["--appendonly", "yes", "--appendfsync", "no"][..], Some("appendfsync is no")),
            (Program::Valkey, &["--appendonly", "no"][..], Some("set appendonly yes")),
            (
                Program::Valkey,
                &[&DURABLE[..], &["--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"]].concat(),
                Some("maxmemory-policy is allkeys-lru: when memory runs short the server forgets revocations"),
            ),
            (
                Program::Redis,
                &[&DURABLE[..], &["--maxmemory-policy", "volatile-ttl"]].concat(),
                Some("maxmemory-policy is volatile-ttl: when memory runs short the server forgets attempts"),
            ),
        ] {
            let server = Server::start_with(program, settings);
            let warning = open(&server).await.changes(Revision::NONE, 1).await.unwrap().warning;
            let fits = match (&warning, expected) {
                (Some(warning), Some(expected)) => warning.contains(expected),
                (None, None) => true,
                (_, _) => false,
            };
            assert!(fits, "{settings:?}: {warning:?}");
        }
    });
}

#[test]
fn the_set_up_is_not_asked_for_at_every_call_but_after_every_outage() {
    run(async {
        let mut server = Server::start(Program::Valkey);
        let store = open(&server).await;
        assert_eq!(store.changes(Revision::NONE, 1).await.unwrap().warning, None);
        let asked = calls(&server, "config|get");
        for _ in 0..20 {
            assert_eq!(store.changes(Revision::NONE, 1).await.unwrap().warning, None);
        }
        assert_eq!(calls(&server, "config|get"), asked);
        server.kill_hard();
        server.start_again();
        server.ask::<()>(&["CONFIG", "SET", "maxmemory-policy", "allkeys-random"]);
        let warning = store.changes(Revision::NONE, 1).await.unwrap().warning;
        assert!(warning.is_some_and(|warning| warning.contains("allkeys-random")));
    });
}

/// The access rules that docs/settings.md gives.
fn documented_rules() -> Vec<String> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/settings.md")).unwrap();
    let line = page.lines().find(|line| line.starts_with("ACL SETUSER samehand")).expect("the page gives the rules");
    line.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn the_access_rules_of_the_page_are_enough_and_without_config_it_is_said() {
    run(async {
        let server = Server::start(Program::Valkey);
        let rules = documented_rules();
        server.ask::<()>(&rules.iter().map(String::as_str).collect::<Vec<_>>());
        let url = format!("redis://samehand:PASSWORD@{}", server.address());
        let store = store::open(&address(&url), Access::Create).await.unwrap();
        let now = now(&*store).await;
        store.add_users(&[user("bob")]).await.unwrap();
        store.open_session(&session(1, "bob", now)).await.unwrap();
        store.users_after(None, 10).await.unwrap();
        store.sessions_after(None, None, 10).await.unwrap();
        let mut news = store.subscribe().await.unwrap();
        assert_eq!(store.remove_user(&name("bob")).await.unwrap().sessions, 1);
        news.next().await.unwrap();
        store.revoke(&[Revocation::Everything]).await.unwrap();
        let bucket = Bucket { key: [1; ID_BYTES], burst: 1, interval_ms: 1000 };
        assert_eq!(store.take_attempt(&[bucket]).await.unwrap(), None);
        store.give_attempt_back(&[bucket]).await.unwrap();
        store.forget_attempts(&[bucket.key]).await.unwrap();
        assert!(store.remember([1; ID_BYTES], 10).await.unwrap());
        assert!(store.put_keys(b"sealed", 0).await.unwrap());
        let replica = Replica { name: "one".into(), settings: BTreeMap::new() };
        assert_eq!(store.announce(&replica, 10).await.unwrap(), []);
        store.note_time(1, None).await.unwrap();
        store.purge(now).await.unwrap();
        assert_eq!(store.changes(Revision::NONE, 10).await.unwrap().warning, None);
        assert_eq!(
            server.ask::<Vec<String>>(&["KEYS", "*"]).iter().filter(|key| !key.starts_with("{samehand}:")).count(),
            0
        );

        server.ask::<()>(&["ACL", "SETUSER", "samehand", "-config|get"]);
        let store = store::open(&address(&url), Access::Create).await.unwrap();
        let warning = store.changes(Revision::NONE, 10).await.unwrap().warning.expect("it cannot be checked");
        assert!(warning.contains("could not be checked") && warning.contains("+config|get"), "{warning}");
        store.revoke(&[Revocation::Everything]).await.unwrap();
        server.ask::<()>(&["ACL", "SETUSER", "samehand", "-publish"]);
        let before = all_entries(&*store).await;
        let refused = store.revoke(&[token("x", now)]).await.expect_err("it may not publish");
        assert!(!refused.is_passing() && refused.to_string().contains("docs/settings.md"), "{refused}");
        assert_eq!(all_entries(&*store).await, before, "nothing is half written");
    });
}
