//! Attempts to sign in, and digests that are remembered for a time.

use super::{Fixture, now, together};
use samehand::check::identifiers::Revision;
use samehand::store::{Bucket, Store};
use std::time::Duration;

const HOUR_MS: u64 = 60 * 60 * 1000;

/// A bucket that regains nothing while a test runs.
fn bucket(number: u8, burst: u32) -> Bucket {
    Bucket { key: [number; 16], burst, interval_ms: HOUR_MS }
}

async fn is_granted(store: &dyn Store, buckets: &[Bucket]) -> bool {
    store.take_attempt(buckets).await.unwrap().is_none()
}

/// How many attempts there are in a bucket; none are left.
async fn drain(store: &dyn Store, bucket: Bucket) -> u32 {
    let mut taken = 0;
    while is_granted(store, &[bucket]).await {
        taken += 1;
    }
    taken
}

pub(crate) async fn a_burst_is_taken_and_then_there_is_a_wait(fixture: &impl Fixture) {
    let (store, other) = (fixture.open().await, fixture.open().await);
    for _ in 0..3 {
        assert_eq!(store.take_attempt(&[bucket(1, 3)]).await.unwrap(), None);
    }
    for store in [store, other] {
        let wait = store.take_attempt(&[bucket(1, 3)]).await.unwrap().expect("the bucket is empty");
        assert!((HOUR_MS - 60_000..=HOUR_MS).contains(&wait), "{wait}");
    }
}

pub(crate) async fn whoever_waits_as_told_gets_an_attempt(fixture: &impl Fixture) {
    let store = fixture.open().await;
    // Where asking twice takes longer than the interval nobody has to wait: on such a machine a longer one shows it.
    for (number, interval_ms) in [300, 1200, 4800, 19_200, 76_800].into_iter().enumerate() {
        let bucket = Bucket { key: [u8::try_from(number).unwrap(); 16], burst: 1, interval_ms };
        let (start, mut told, mut waits) = (tokio::time::Instant::now(), interval_ms, 0);
        assert!(is_granted(&*store, &[bucket]).await);
        while let Some(wait) = store.take_attempt(&[bucket]).await.unwrap() {
            assert!((1..=told).contains(&wait), "{wait} after {told}");
            told = wait;
            waits += 1;
        }
        // The store's clock is another one than that of this test.
        assert!(start.elapsed().as_millis() >= u128::from(interval_ms * 2 / 3), "after {:?}", start.elapsed());
        if waits > 0 {
            return;
        }
    }
    panic!("nobody has to wait");
}

pub(crate) async fn attempts_are_taken_out_of_all_buckets_or_none(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let (narrow, wide) = (bucket(1, 1), bucket(2, 5));
    assert!(is_granted(&*store, &[narrow, wide]).await);
    assert!(!is_granted(&*store, &[narrow, wide]).await);
    assert!(!is_granted(&*store, &[wide, narrow]).await);
    assert_eq!(drain(&*store, wide).await, 4, "a refusal takes nothing");
    assert!(is_granted(&*store, &[]).await);
}

pub(crate) async fn takers_at_once_never_exceed_the_burst(fixture: &impl Fixture) {
    let (narrow, wide) = (bucket(1, 20), bucket(2, 1000));
    let takers = fixture.handles(8).await.into_iter().enumerate().map(|(number, store)| async move {
        // In two orders: neither may wait for the other for ever.
        let buckets = if number % 2 == 0 { [narrow, wide] } else { [wide, narrow] };
        let mut granted = 0;
        for _ in 0..10 {
            granted += usize::from(is_granted(&*store, &buckets).await);
        }
        granted
    });
    assert_eq!(together(takers).await.into_iter().sum::<usize>(), 20);
}

pub(crate) async fn an_attempt_that_is_put_back_can_be_taken_again(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let buckets = [bucket(1, 2), bucket(2, 4)];
    assert!(is_granted(&*store, &buckets).await);
    store.give_attempt_back(&buckets).await.unwrap();
    assert_eq!(drain(&*store, buckets[0]).await, 2);
    store.give_attempt_back(&[buckets[0]]).await.unwrap();
    assert_eq!(drain(&*store, buckets[0]).await, 1);
    assert_eq!(drain(&*store, buckets[1]).await, 4);
}

pub(crate) async fn a_full_bucket_does_not_overflow(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.give_attempt_back(&[bucket(1, 3)]).await.unwrap();
    assert!(is_granted(&*store, &[bucket(2, 3)]).await);
    for _ in 0..5 {
        store.give_attempt_back(&[bucket(2, 3)]).await.unwrap();
    }
    assert_eq!((drain(&*store, bucket(1, 3)).await, drain(&*store, bucket(2, 3)).await), (3, 3));
}

pub(crate) async fn a_bucket_that_is_forgotten_is_full(fixture: &impl Fixture) {
    let store = fixture.open().await;
    for number in 1..=3 {
        assert_eq!(drain(&*store, bucket(number, 3)).await, 3);
    }
    store.forget_attempts(&[[1; 16], [2; 16], [9; 16]]).await.unwrap();
    assert_eq!(drain(&*store, bucket(1, 3)).await, 3);
    assert_eq!(drain(&*store, bucket(2, 3)).await, 3);
    assert_eq!(drain(&*store, bucket(3, 3)).await, 0);
    store.forget_attempts(&[]).await.unwrap();
}

pub(crate) async fn purging_forgets_no_bucket_that_is_not_full(fixture: &impl Fixture) {
    let store = fixture.open().await;
    assert_eq!(drain(&*store, bucket(1, 3)).await, 3);
    assert!(store.remember([1; 16], 3600).await.unwrap());
    store.purge(now(&*store).await).await.unwrap();
    assert_eq!(drain(&*store, bucket(1, 3)).await, 0);
    assert!(store.remembers([1; 16]).await.unwrap());
}

pub(crate) async fn a_digest_is_remembered_for_a_time(fixture: &impl Fixture) {
    let (store, other) = (fixture.open().await, fixture.open().await);
    assert!(!store.remembers([1; 16]).await.unwrap());
    assert!(store.remember([1; 16], 3600).await.unwrap());
    assert!(other.remembers([1; 16]).await.unwrap());
    assert!(!other.remember([1; 16], 3600).await.unwrap(), "it was remembered already");
    assert!(!store.remembers([2; 16]).await.unwrap());
    assert!(!store.remember([1; 16], 0).await.unwrap());
    assert!(!store.remembers([1; 16]).await.unwrap(), "no longer, from now on");
    assert!(store.remember([1; 16], 3600).await.unwrap(), "its time is over");
}

pub(crate) async fn of_several_who_remember_a_digest_one_is_the_first(fixture: &impl Fixture) {
    let stores = fixture.handles(8).await;
    for round in 0..10 {
        let tries = stores.clone().into_iter().map(|store| async move { store.remember([round; 16], 3600).await });
        let first = together(tries).await.into_iter().filter(|outcome| *outcome.as_ref().unwrap()).count();
        assert_eq!(first, 1);
    }
}

pub(crate) async fn a_digest_is_not_forgotten_by_a_clock_that_its_mark_does_not_explain(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let now_ms = now(&*store).await * 1000;
    for (number, mark_ms, is_remembered) in [(1, now_ms - 36_000_000, true), (2, now_ms, false)] {
        store.note_time(7, Some(mark_ms)).await.unwrap();
        let noted = store.changes(Revision::NONE, 1).await.unwrap().noted;
        assert_eq!((noted.mark_ms, noted.said_by), (mark_ms, 7));
        assert!((now_ms..now_ms + 60_000).contains(&noted.said_ms), "{noted:?}");
        assert!(store.remember([number; 16], 1).await.unwrap());
        let start = tokio::time::Instant::now();
        // It is over after a second, by the clock.
        while start.elapsed() < Duration::from_secs(3) && store.remembers([number; 16]).await.unwrap() {
            tokio::task::yield_now().await;
        }
        assert_eq!(store.remembers([number; 16]).await.unwrap(), is_remembered, "{number}");
        assert_eq!(!store.remember([number; 16], 1).await.unwrap(), is_remembered, "{number}");
    }
    store.note_time(8, None).await.unwrap();
    let noted = store.changes(Revision::NONE, 1).await.unwrap().noted;
    assert_eq!((noted.mark_ms, noted.said_by), (now_ms, 8), "the mark stays");
}
