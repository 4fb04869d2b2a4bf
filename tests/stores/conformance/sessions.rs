//! Sessions: opened, read, seen. How they end is told in [`revocations`](super::revocations).

use super::{Fixture, name, now, session, sid, together};
use samehand::check::identifiers::SessionId;
use samehand::check::names::UserName;
use samehand::store::{Session, SignedInBy, Store, open_sessions};

pub(crate) async fn a_session_is_read_back_as_it_was_opened(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let now = now(&*store).await;
    let vouched = Session { signed_in_by: SignedInBy::BackEnd, device: String::new(), ..session(2, "bob", now) };
    store.open_session(&session(1, "bob", now)).await.unwrap();
    store.open_session(&vouched).await.unwrap();
    assert_eq!(store.session(&sid(1)).await.unwrap(), Some(session(1, "bob", now)), "whose user is in no store");
    assert_eq!(store.session(&sid(2)).await.unwrap(), Some(vouched));
    assert_eq!(store.session(&sid(3)).await.unwrap(), None);
}

/// Reads in pages of three; the last one holds one.
async fn read_in_pages(store: &dyn Store, user: Option<&UserName>) -> Vec<Session> {
    let mut read: Vec<Session> = Vec::new();
    for expected in [3, 3, 1, 0] {
        let page = store.sessions_after(user, read.last().map(|session| &session.id), 3).await.unwrap();
        assert_eq!(page.len(), expected);
        read.extend(page);
    }
    read
}

fn in_order(mut sessions: Vec<Session>) -> Vec<Session> {
    sessions.sort_by(|one, other| one.id.cmp(&other.id));
    sessions
}

pub(crate) async fn sessions_are_read_by_name_in_pages(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let now = now(&*store).await;
    let users = ["alice", "bob", "carol"].into_iter().cycle();
    let sessions: Vec<_> = (1..=7).zip(users).map(|(number, user)| session(number, user, now)).collect();
    store.put_sessions(&sessions).await.unwrap();
    assert_eq!(read_in_pages(&*store, None).await, in_order(sessions.clone()));
    assert_eq!(open_sessions(&*store, None, now).await.unwrap(), in_order(sessions));
}

pub(crate) async fn sessions_of_a_user_are_read_by_name_in_pages(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let now = now(&*store).await;
    let of_bob: Vec<_> = (1..=7).map(|number| session(number, "bob", now)).collect();
    let of_others: Vec<_> = (8..=20).map(|number| session(number, "bobby", now)).collect();
    store.put_sessions(&of_others).await.unwrap();
    store.put_sessions(&of_bob).await.unwrap();
    assert_eq!(read_in_pages(&*store, Some(&name("bob"))).await, in_order(of_bob));
    assert!(store.sessions_after(Some(&name("carol")), None, 3).await.unwrap().is_empty());
}

pub(crate) async fn the_later_time_wins_and_unknown_sessions_are_passed_over(fixture: &impl Fixture) {
    let stores = fixture.handles(4).await;
    let store = &stores[0];
    let now = now(&**store).await;
    store.put_sessions(&[session(1, "bob", now), session(2, "bob", now)]).await.unwrap();
    store.note_seen(&[(sid(9), now + 5), (sid(1), now + 10), (sid(2), now - 10)]).await.unwrap();
    store.note_seen(&[(sid(1), now + 9)]).await.unwrap();
    let last_seen = async |id: SessionId| store.session(&id).await.unwrap().unwrap().last_seen_at;
    assert_eq!((last_seen(sid(1)).await, last_seen(sid(2)).await), (now + 10, now));
    assert_eq!(store.session(&sid(9)).await.unwrap(), None);
    let expected = Session { last_seen_at: now + 10, ..session(1, "bob", now) };
    assert_eq!(store.session(&sid(1)).await.unwrap(), Some(expected), "nothing else has changed");
    // Replicas note the same sessions at the same time, each in an order of its own.
    let noters = stores.clone().into_iter().zip(0_u64..).map(|(store, number)| async move {
        let mut seen = [(sid(1), now + 20 + number), (sid(2), now + 20 + number)];
        seen.rotate_left((number % 2) as usize);
        store.note_seen(&seen).await.unwrap();
    });
    together(noters).await;
    assert_eq!((last_seen(sid(1)).await, last_seen(sid(2)).await), (now + 23, now + 23));
    store.note_seen(&[]).await.unwrap();
    // A clock that was ahead has seen them, too.
    store.note_seen(&[(sid(1), now + 40 * 86_400)]).await.unwrap();
    store.note_seen(&[(sid(1), now + 60)]).await.unwrap();
    assert_eq!(last_seen(sid(1)).await, now + 60, "that is not believed for longer than its clock is");
}

pub(crate) async fn sessions_of_another_store_are_put_in_the_place_of_those_here(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let now = now(&*store).await;
    store.open_session(&session(1, "bob", now)).await.unwrap();
    let other = Session { last_seen_at: now + 7, ends_at: now + 7200, ..session(1, "carol", now) };
    store.put_sessions(&[session(2, "bob", now), other.clone()]).await.unwrap();
    assert_eq!(store.session(&sid(1)).await.unwrap(), Some(other.clone()));
    assert_eq!(store.sessions_after(Some(&name("bob")), None, 9).await.unwrap(), [session(2, "bob", now)]);
    assert_eq!(store.sessions_after(Some(&name("carol")), None, 9).await.unwrap(), [other]);
    store.put_sessions(&[]).await.unwrap();
}
