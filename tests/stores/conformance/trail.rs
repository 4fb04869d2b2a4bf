//! The audit trail: in order, bounded, and nothing of it is missed.

use super::{Fixture, together};
use samehand::store::{Store, TrailEntry, trail::MOST};

fn entry(time: u64, subject: &str) -> TrailEntry {
    TrailEntry {
        time,
        action: "user-add".into(),
        actor: "cli:root".into(),
        subject: subject.into(),
        remote_ip: "2001:db8::7".into(),
        result: "ok".into(),
        sid: "a \"session\"".into(),
        request_id: "request-1".into(),
        count: 3,
    }
}

async fn subjects_after(store: &dyn Store, position: u64) -> Vec<String> {
    store.trail_after(position, 1000).await.unwrap().into_iter().map(|row| row.entry.subject).collect()
}

pub(crate) async fn the_trail_is_read_whole_and_in_its_order(fixture: &impl Fixture) {
    let stores = fixture.handles(2).await;
    assert_eq!((stores[0].latest_of_trail().await.unwrap(), subjects_after(&*stores[1], 0).await.len()), (0, 0));
    // The order is that in which they came, whatever their clocks say.
    stores[0].note_trail(&[entry(200, "first"), entry(100, "second")]).await.unwrap();
    stores[1].note_trail(&[entry(150, "third")]).await.unwrap();
    let rows = stores[1].trail_after(0, 1000).await.unwrap();
    assert_eq!(
        rows.iter().map(|row| row.entry.clone()).collect::<Vec<_>>(),
        [entry(200, "first"), entry(100, "second"), entry(150, "third")]
    );
    assert_eq!(rows.last().map(|row| row.position), Some(stores[0].latest_of_trail().await.unwrap()));
    assert_eq!(subjects_after(&*stores[0], rows[0].position).await, ["second", "third"]);
    assert_eq!(stores[0].trail_after(0, 2).await.unwrap().len(), 2);
}

pub(crate) async fn whoever_follows_the_trail_misses_nothing(fixture: &impl Fixture) {
    let stores = fixture.handles(4).await;
    let writers = stores.iter().cloned().enumerate().map(|(number, store)| async move {
        for count in 0..10 {
            store.note_trail(&[entry(100, &format!("{number}-{count}"))]).await.unwrap();
        }
    });
    let reader = fixture.open().await;
    let follow = async move {
        let (mut read, mut position) = (Vec::new(), 0);
        while read.len() < 40 {
            for row in reader.trail_after(position, 7).await.unwrap() {
                assert!(row.position > position);
                position = row.position;
                read.push(row.entry.subject);
            }
        }
        read
    };
    let (_, mut read) = tokio::join!(together(writers), follow);
    read.sort();
    read.dedup();
    assert_eq!(read.len(), 40);
}

pub(crate) async fn the_trail_forgets_what_is_old_and_what_is_too_much(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.note_trail(&[entry(100, "old"), entry(199, "old too"), entry(200, "kept")]).await.unwrap();
    store.forget_trail(200).await.unwrap();
    assert_eq!(subjects_after(&*store, 0).await, ["kept"]);
    let many = vec![entry(300, "one of many"); 1000];
    for _ in 0..MOST / 1000 {
        store.note_trail(&many).await.unwrap();
    }
    let first = store.trail_after(0, 1).await.unwrap().remove(0);
    assert_eq!(first.entry.subject, "one of many");
    assert_eq!(store.latest_of_trail().await.unwrap() - first.position, MOST - 1);
}
