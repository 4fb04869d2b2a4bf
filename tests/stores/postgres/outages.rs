//! A server that stops, cuts, dies, or takes no writes; and what is on its disk afterwards.

use super::super::conformance::{all_entries, name, now, run, token, user};
use crate::support::postgres::{Database, Postgres, address};
use crate::support::process::free_address;
use crate::support::waiting::is_in_time;
use samehand::check::identifiers::Revision;
use samehand::check::revocation::RevokedId;
use samehand::store::{self, Access, Revocation, Store, StoreAddress, StoreError};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// No call takes longer.
const SOON: Duration = Duration::from_secs(4);
/// What is promised to nobody is waited for so long, which is far longer than it takes.
const PATIENCE: Duration = Duration::from_secs(120);

async fn open(address: &StoreAddress) -> Arc<dyn Store> {
    store::open(address, Access::Create).await.unwrap_or_else(|error| panic!("{error}"))
}

/// The call fails soon, and says that the store is away.
async fn is_away<T>(call: impl Future<Output = Result<T, StoreError>>) {
    let asked = Instant::now();
    let refused = call.await.err().expect("the server cannot have answered");
    assert!(refused.is_passing(), "{refused}");
    let took = asked.elapsed();
    assert!(is_in_time(took, SOON), "after {took:?}");
}

/// Tries until the store answers again.
async fn is_back(store: &dyn Store) {
    let asked = Instant::now();
    while let Err(error) = store.revision().await {
        assert!(error.is_passing(), "{error}");
        assert!(asked.elapsed() < PATIENCE, "it does not come back: {error}");
    }
}

#[test]
fn a_server_that_stops_in_the_middle_is_away_within_seconds_and_comes_back() {
    run(async {
        let server = Postgres::start(|_| Vec::new());
        let store = open(&server.database().store()).await;
        let now = now(&*store).await;
        // All connections that are kept are in use, so that each of them is found to be silent.
        for _ in 0..8 {
            store.revoke(&[token("before", now)]).await.unwrap();
        }
        server.pause();
        for _ in 0..3 {
            is_away(store.revision()).await;
        }
        is_away(store.revoke(&[token("while", now)])).await;
        is_away(async { store.subscribe().await.map(drop) }).await;
        is_away(store.prepare()).await;
        is_away(store.add_users(&[user("bob")])).await;
        server.resume();
        is_back(&*store).await;
        store.revoke(&[token("after", now)]).await.unwrap();
        let ids: Vec<_> = all_entries(&*store).await.iter().map(|entry| entry.id).collect();
        assert!(ids.contains(&RevokedId::token("before")) && ids.contains(&RevokedId::token("after")));
    });
}

#[test]
fn whoever_stops_in_the_middle_of_a_revocation_does_not_keep_all_others_waiting() {
    run(async {
        let database = Postgres::shared().database();
        let store = open(&database.store()).await;
        let now = now(&*store).await;
        let (holder, driver) =
            tokio_postgres::connect(&database.url("?sslmode=disable"), tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(async move { drop(driver.await) });
        holder.batch_execute("BEGIN; SELECT FROM samehand.latest_revision FOR UPDATE").await.unwrap();
        is_away(store.revoke(&[token("x", now)])).await;
        // As samehand's own connections have it from the first, with another number. From now on it is idle.
        holder.batch_execute("SET idle_in_transaction_session_timeout = '1s'").await.unwrap();
        let asked = Instant::now();
        while store.revoke(&[token("x", now)]).await.is_err() {
            assert!(asked.elapsed() < PATIENCE, "the lock is held for ever");
        }
    });
}

#[test]
fn cut_connections_end_the_news_and_are_replaced() {
    run(async {
        let database = Postgres::shared().database();
        let store = open(&database.store()).await;
        let now = now(&*store).await;
        let mut news = store.subscribe().await.unwrap();
        Postgres::shared().terminate_backends(&database);
        let lost = tokio::time::timeout(PATIENCE, news.next()).await.expect("it waits for nothing");
        let lost = lost.unwrap_err();
        assert!(lost.is_passing() && lost.to_string().contains("terminating connection"), "{lost}");
        assert!(news.next().await.is_err(), "it stays lost");
        store.revoke(&[token("x", now)]).await.expect("the next call works again");
        let mut news = store.subscribe().await.unwrap();
        store.revoke(&[token("y", now)]).await.unwrap();
        tokio::time::timeout(PATIENCE, news.next()).await.expect("nothing was heard").unwrap();
    });
}

#[test]
fn what_was_acknowledged_is_there_after_the_server_was_killed() {
    run(async {
        // As a database does whose owner has no fear, as far as a connection may choose for itself.
        let server = Postgres::start(|_| vec!["synchronous_commit=off".to_owned()]);
        let database = server.database();
        let store = open(&database.store()).await;
        let now = now(&*store).await;
        let mut news = store.subscribe().await.unwrap();
        let mut acknowledged = Vec::new();
        for number in 0..50 {
            acknowledged.extend(store.revoke(&[token(&number.to_string(), now)]).await.unwrap().entries);
        }
        server.kill_hard();
        is_away(store.revision()).await;
        is_away(store.revoke(&[token("while", now)])).await;
        loop {
            if let Err(lost) = news.next().await {
                break assert!(lost.is_passing(), "{lost}");
            }
        }
        server.start_again();
        is_back(&*store).await;
        assert_eq!(all_entries(&*store).await, acknowledged);
    });
}

#[test]
fn a_server_that_takes_no_writes_is_away() {
    run(async {
        let database = Postgres::shared().database();
        let store = open(&database.store()).await;
        let now = now(&*store).await;
        let name = database.name();
        Postgres::shared().sql("postgres", &format!("ALTER DATABASE {name} SET default_transaction_read_only = on"));
        Postgres::shared().terminate_backends(&database);
        is_away(store.revoke(&[token("x", now)])).await;
        is_away(store.revision()).await;
        Postgres::shared().sql("postgres", &format!("ALTER DATABASE {name} RESET default_transaction_read_only"));
        is_back(&*store).await;
        store.revoke(&[token("x", now)]).await.unwrap();
    });
}

#[test]
fn of_several_hosts_the_one_that_takes_writes_is_used() {
    run(async {
        let (follower, leader) = (Postgres::start(|_| Vec::new()), Postgres::start(|_| Vec::new()));
        let (lagging, leading) = (follower.database(), leader.database());
        follower.set("default_transaction_read_only", "on");
        let port = |database: &Database| format!("127.0.0.1:{}", database.port());
        let hosts = [free_address().to_string(), port(&lagging), port(&leading)].join(",");
        let store = open(&address(&leading.url_of(&hosts, ""))).await;
        store.revoke(&[Revocation::User(name("bob"))]).await.unwrap();
        assert_eq!(leader.sql(leading.name(), "SELECT count(*) FROM samehand.revocations").trim(), "1");
    });
}

#[test]
fn a_server_that_may_forget_revocations_is_warned_about() {
    run(async {
        let server = Postgres::start(|_| Vec::new());
        let store = open(&server.database().store()).await;
        let warning = async || store.changes(Revision::NONE, 1).await.unwrap().warning;
        assert_eq!(warning().await, None);
        server.set("fsync", "off");
        server.set("full_page_writes", "off");
        let said = loop {
            // Every process of the server reads the settings when it next has something to do.
            if let Some(said) = warning().await.filter(|said| said.contains("full_page_writes")) {
                break said;
            }
        };
        assert!(said.contains("fsync, full_page_writes off"), "{said}");
        server.set("fsync", "on");
        server.set("full_page_writes", "on");
        while warning().await.is_some() {}
        server.set("synchronous_commit", "off");
        let later = open(&server.database().store()).await;
        assert_eq!(later.changes(Revision::NONE, 1).await.unwrap().warning, None, "our connections switch it on");
        later.revoke(&[Revocation::User(name("bob"))]).await.unwrap();
    });
}
