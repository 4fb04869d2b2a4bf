//! The sealed key ring, and what replicas say about themselves.

use super::{Fixture, now, together, token};
use samehand::check::identifiers::Revision;
use samehand::store::Replica;
use std::collections::BTreeMap;

pub(crate) async fn a_key_ring_is_kept_with_its_version(fixture: &impl Fixture) {
    let store = fixture.open().await;
    assert!(store.keys().await.unwrap().is_none());
    let every_byte: Vec<u8> = (0..=255).collect();
    assert!(store.put_keys(&every_byte, 0).await.unwrap());
    let kept = fixture.open().await.keys().await.unwrap().unwrap();
    assert_eq!((kept.version, kept.sealed), (1, every_byte));
}

pub(crate) async fn a_key_ring_is_put_only_in_the_place_of_the_one_that_was_read(fixture: &impl Fixture) {
    let store = fixture.open().await;
    assert!(!store.put_keys(b"none", 1).await.unwrap(), "there is no version 1 to replace");
    assert!(store.keys().await.unwrap().is_none());
    assert!(store.put_keys(b"first", 0).await.unwrap());
    assert!(!store.put_keys(b"other", 0).await.unwrap());
    assert!(!store.put_keys(b"other", 2).await.unwrap());
    assert!(store.put_keys(b"second", 1).await.unwrap());
    let kept = store.keys().await.unwrap().unwrap();
    assert_eq!((kept.version, &kept.sealed[..]), (2, &b"second"[..]));
}

pub(crate) async fn of_two_writers_of_a_key_ring_one_wins(fixture: &impl Fixture) {
    let stores = fixture.handles(4).await;
    for version in 0..10 {
        let writers =
            stores.clone().into_iter().zip(0_u8..).map(|(store, number)| async move {
                store.put_keys(&[number], version).await.unwrap().then_some(number)
            });
        let winners: Vec<u8> = together(writers).await.into_iter().flatten().collect();
        assert_eq!(winners.len(), 1, "at version {version}");
        let kept = stores[0].keys().await.unwrap().unwrap();
        assert_eq!((kept.version, kept.sealed), (version + 1, winners));
    }
}

pub(crate) async fn the_version_of_the_key_ring_is_told_with_changes(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let now = now(&*store).await;
    assert_eq!(store.changes(Revision::NONE, 9).await.unwrap().keys_version, None);
    store.put_keys(b"first", 0).await.unwrap();
    let changes = store.changes(Revision::NONE, 9).await.unwrap();
    assert_eq!(changes.keys_version, Some(1));
    store.revoke(&[token("x", now)]).await.unwrap();
    store.put_keys(b"second", 1).await.unwrap();
    assert_eq!(store.changes(changes.revision, 9).await.unwrap().keys_version, Some(2));
}

fn replica(name: &str, salt: &str) -> Replica {
    let settings = [("SALT", salt), ("REQUIRE_SAME", "ip,user-agent")];
    let settings: BTreeMap<_, _> = settings.map(|(setting, value)| (setting.to_owned(), value.to_owned())).into();
    Replica { name: name.to_owned(), settings }
}

pub(crate) async fn replicas_hear_what_the_others_said(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let announce = async |replica| {
        let mut others = store.announce(&replica, 3600).await.unwrap();
        others.sort_by(|one, other| one.name.cmp(&other.name));
        others
    };
    assert_eq!(announce(replica("a/1", "digest1")).await, []);
    assert_eq!(announce(replica("b/2", "digest2")).await, [replica("a/1", "digest1")]);
    assert_eq!(announce(replica("a/1", "digest2")).await, [replica("b/2", "digest2")]);
    store.purge(now(&*store).await).await.unwrap();
    assert_eq!(announce(replica("c/3", "")).await, [replica("a/1", "digest2"), replica("b/2", "digest2")]);
}
