//! News: what changes after a subscription makes it return, whoever changed it.

use super::{Fixture, name, now, token, user};
use samehand::check::identifiers::Revision;
use samehand::check::revocation::{Entry, Reach, RevokedId};
use samehand::store::Store;
use std::time::Duration;
use tokio::time::timeout;

/// News that do not come are given up after so long. How soon they come is measured in `tests/outages/delays.rs`, where no
/// other test runs at the same time.
const PATIENCE: Duration = Duration::from_secs(120);

/// Another process makes this change; a subscriber hears of it.
async fn is_news(fixture: &impl Fixture, change: impl AsyncFnOnce(&dyn Store)) {
    let (subscriber, other) = (fixture.open().await, fixture.open().await);
    let mut news = subscriber.subscribe().await.unwrap();
    change(&*other).await;
    timeout(PATIENCE, news.next()).await.expect("nothing was heard").unwrap();
}

pub(crate) async fn a_revocation_is_news_for_another_process(fixture: &impl Fixture) {
    is_news(fixture, async |store| {
        let now = now(store).await;
        store.revoke(&[token("x", now)]).await.unwrap();
    })
    .await;
}

pub(crate) async fn a_key_ring_is_news_for_another_process(fixture: &impl Fixture) {
    is_news(fixture, async |store| assert!(store.put_keys(b"sealed", 0).await.unwrap())).await;
}

pub(crate) async fn a_removed_user_is_news_for_another_process(fixture: &impl Fixture) {
    is_news(fixture, async |store| {
        store.add_users(&[user("bob")]).await.unwrap();
        store.remove_user(&name("bob")).await.unwrap();
    })
    .await;
}

pub(crate) async fn entries_of_another_store_are_news_for_another_process(fixture: &impl Fixture) {
    is_news(fixture, async |store| {
        let expires_at = now(store).await + 60;
        let entry = Entry { id: RevokedId::token("x"), reach: Reach::Itself, revision: Revision::new(1), expires_at };
        store.put_revocations(&[entry]).await.unwrap();
    })
    .await;
}

pub(crate) async fn what_changed_before_anybody_listened_for_it_is_news(fixture: &impl Fixture) {
    let (subscriber, other) = (fixture.open().await, fixture.open().await);
    let now = now(&*other).await;
    let mut news = subscriber.subscribe().await.unwrap();
    for round in 0..3 {
        // The change is over before `next` is called, as it is while a follower reads.
        let revoked = other.revoke(&[token(&round.to_string(), now)]).await.unwrap();
        timeout(PATIENCE, news.next()).await.expect("nothing was heard").unwrap();
        assert_eq!(subscriber.revision().await.unwrap(), revoked.entries[0].revision);
    }
}
