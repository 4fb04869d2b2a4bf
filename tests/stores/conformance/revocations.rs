//! Revocations: what each kind does, in which order they are seen, and how they are read.

use super::{Fixture, all_entries, name, now, session, sid, together, token, user};
use samehand::check::identifiers::Revision;
use samehand::check::revocation::{CLOCKS_APART, Entry, Forgotten, LONGEST_LIFETIME, Reach, RevokedId};
use samehand::store::{Revocation, Revoked, Session, Store};
use std::collections::BTreeSet;
use tokio::task::JoinHandle;

/// What a revocation reaches to.
#[track_caller]
fn earlier_than(entry: &Entry) -> Revision {
    match entry.reach {
        Reach::Earlier(than) => than,
        Reach::Itself => panic!("{entry:?} is about itself only"),
    }
}

#[track_caller]
fn only_entry(revoked: &Revoked) -> Entry {
    let [entry] = revoked.entries[..] else { panic!("{revoked:?}") };
    entry
}

pub(crate) async fn an_empty_store_has_no_changes(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let changes = store.changes(Revision::NONE, 10).await.unwrap();
    assert!(changes.entries.is_empty());
    assert_eq!(changes.revision, store.revision().await.unwrap());
    assert_eq!(changes.keys_version, None);
    assert!(changes.clock_ms > 1_700_000_000_000, "{}", changes.clock_ms);
}

pub(crate) async fn a_revoked_token_is_an_entry_until_it_expires(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let now = now(&*store).await;
    let before = store.revision().await.unwrap();
    let revoked = store.revoke(&[token("x", now)]).await.unwrap();
    assert_eq!(revoked.sessions, 0);
    let entry = only_entry(&revoked);
    assert_eq!((entry.id, entry.reach, entry.expires_at), (RevokedId::token("x"), Reach::Itself, now + 3600));
    assert!(entry.revision > before);
    assert_eq!(store.revision().await.unwrap(), entry.revision);
    let changes = fixture.open().await.changes(before, 10).await.unwrap();
    assert_eq!((changes.entries, changes.revision), (vec![entry], entry.revision));
}

pub(crate) async fn a_revoked_session_is_gone_and_an_entry_until_it_would_have_ended(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let now = now(&*store).await;
    store.put_sessions(&[session(1, "bob", now), session(2, "bob", now)]).await.unwrap();
    let revoked = store.revoke(&[Revocation::Session(sid(1))]).await.unwrap();
    assert_eq!(revoked.sessions, 1);
    let entry = only_entry(&revoked);
    assert_eq!((entry.id, entry.reach, entry.expires_at), (RevokedId::session(&sid(1)), Reach::Itself, now + 3600));
    assert_eq!(store.session(&sid(1)).await.unwrap(), None);
    assert_eq!(store.sessions_after(Some(&name("bob")), None, 9).await.unwrap(), [session(2, "bob", now)]);
    assert_eq!(store.sessions_after(None, None, 9).await.unwrap(), [session(2, "bob", now)]);
    store.note_seen(&[(sid(1), now + 60)]).await.unwrap();
    assert_eq!(store.session(&sid(1)).await.unwrap(), None, "being seen does not bring it back");
}

pub(crate) async fn an_unknown_session_is_revoked_for_a_year(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let now = now(&*store).await;
    let revoked = store.revoke(&[Revocation::Session(sid(1))]).await.unwrap();
    assert_eq!(revoked.sessions, 0);
    let entry = only_entry(&revoked);
    assert_eq!((entry.id, entry.reach), (RevokedId::session(&sid(1)), Reach::Itself));
    assert!(entry.expires_at >= now + LONGEST_LIFETIME, "{entry:?}");
    assert_eq!(all_entries(&*store).await, [entry]);
}

pub(crate) async fn a_revoked_user_loses_the_sessions_and_what_was_issued_before(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let now = now(&*store).await;
    store.add_users(&[user("bob")]).await.unwrap();
    let sessions = [session(1, "bob", now), session(2, "carol", now), session(3, "bob", now)];
    store.put_sessions(&sessions).await.unwrap();
    let issued_before = store.revision().await.unwrap();
    let revoked = store.revoke(&[Revocation::User(name("bob"))]).await.unwrap();
    assert_eq!(revoked.sessions, 2);
    let entry = only_entry(&revoked);
    assert_eq!(entry.id, RevokedId::user(&name("bob")));
    assert!(issued_before < earlier_than(&entry));
    assert!(store.revision().await.unwrap() >= earlier_than(&entry), "what is issued now is good");
    assert!(entry.expires_at >= now + LONGEST_LIFETIME);
    assert_eq!(store.sessions_after(None, None, 9).await.unwrap(), [session(2, "carol", now)]);
    assert_eq!(store.user(&name("bob")).await.unwrap(), Some(user("bob")));
    let again = only_entry(&store.revoke(&[Revocation::User(name("bob"))]).await.unwrap());
    assert!(earlier_than(&again) > earlier_than(&entry));
    assert_eq!(all_entries(&*store).await, [again]);
    assert_eq!(store.revoke(&[Revocation::User(name("nobody"))]).await.unwrap().entries.len(), 1, "a name never seen");
}

pub(crate) async fn revoking_everything_ends_every_session(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let now = now(&*store).await;
    store.add_users(&[user("bob")]).await.unwrap();
    let sessions: Vec<_> = (1..=5).map(|number| session(number, &format!("user{number}"), now)).collect();
    store.put_sessions(&sessions).await.unwrap();
    let issued_before = store.revision().await.unwrap();
    let revoked = store.revoke(&[Revocation::Everything]).await.unwrap();
    assert_eq!(revoked.sessions, 5);
    let entry = only_entry(&revoked);
    assert_eq!(entry.id, RevokedId::EVERYTHING);
    assert!(issued_before < earlier_than(&entry));
    assert!(store.revision().await.unwrap() >= earlier_than(&entry));
    assert!(store.sessions_after(None, None, 9).await.unwrap().is_empty());
    assert!(store.sessions_after(Some(&name("user1")), None, 9).await.unwrap().is_empty());
    assert_eq!(store.user(&name("bob")).await.unwrap(), Some(user("bob")));
}

pub(crate) async fn several_are_revoked_together_each_under_a_revision_of_its_own(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let now = now(&*store).await;
    store.put_sessions(&[session(1, "bob", now), session(2, "bob", now), session(3, "carol", now)]).await.unwrap();
    let revocations = [
        token("x", now),
        Revocation::Session(sid(1)),
        Revocation::User(name("bob")),
        Revocation::Everything,
        token("y", now),
    ];
    let revoked = store.revoke(&revocations).await.unwrap();
    assert_eq!(revoked.sessions, 3, "each is counted once");
    let ids: Vec<_> = revoked.entries.iter().map(|entry| entry.id).collect();
    let expected = [
        RevokedId::token("x"),
        RevokedId::session(&sid(1)),
        RevokedId::user(&name("bob")),
        RevokedId::EVERYTHING,
        RevokedId::token("y"),
    ];
    assert_eq!(ids, expected);
    assert!(revoked.entries.is_sorted_by(|one, next| one.revision < next.revision), "{revoked:?}");
    assert_eq!(all_entries(&*store).await, revoked.entries);
    assert_eq!(store.revision().await.unwrap(), revoked.entries[4].revision);
}

pub(crate) async fn revoking_nothing_changes_nothing(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let now = now(&*store).await;
    store.revoke(&[token("x", now)]).await.unwrap();
    let before = store.revision().await.unwrap();
    assert_eq!(store.revoke(&[]).await.unwrap(), Revoked::default());
    store.put_revocations(&[]).await.unwrap();
    assert_eq!(store.revision().await.unwrap(), before);
}

pub(crate) async fn what_is_revoked_twice_is_one_entry_that_lasts_longer(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let now = now(&*store).await;
    let id = RevokedId::token("x");
    store.revoke(&[Revocation::Token { id, expires_at: now + 900 }]).await.unwrap();
    store.revoke(&[token("y", now)]).await.unwrap();
    let between = store.revision().await.unwrap();
    store.revoke(&[Revocation::Token { id, expires_at: now + 300 }]).await.unwrap();
    let changes = store.changes(between, 10).await.unwrap();
    let [entry] = changes.entries[..] else { panic!("{changes:?}") };
    assert_eq!((entry.id, entry.expires_at, entry.revision), (id, now + 900, changes.revision));
    assert_eq!(all_entries(&*store).await.len(), 2);
}

pub(crate) async fn revisions_follow_the_clock_of_the_store(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let before = store.changes(Revision::NONE, 1).await.unwrap().clock_ms;
    let entry = only_entry(&store.revoke(&[token("x", before / 1000)]).await.unwrap());
    let after = store.changes(Revision::NONE, 1).await.unwrap().clock_ms;
    assert!((before..=after).contains(&entry.revision.number()), "{before} {entry:?} {after}");
}

/// So many that they overlap, and so few that on a slow disk nobody waits for all others for longer than a call may.
const ROUNDS: usize = 10;

pub(crate) async fn revisions_grow_whoever_revokes(fixture: &impl Fixture) {
    let stores = fixture.handles(4).await;
    let now = now(&*stores[0]).await;
    let revokers = stores.clone().into_iter().enumerate().map(|(number, store)| async move {
        let mut own = Vec::new();
        for round in 0..ROUNDS {
            let revocations = [token(&format!("{number}/{round}"), now), Revocation::User(name(&format!("u{number}")))];
            own.extend(store.revoke(&revocations).await.unwrap().entries);
        }
        own
    });
    let by_revoker = together(revokers).await;
    let mut all = BTreeSet::new();
    for own in by_revoker {
        assert!(own.is_sorted_by(|one, next| one.revision < next.revision));
        all.extend(own.into_iter().map(|entry| entry.revision));
    }
    assert_eq!(all.len(), 4 * ROUNDS * 2, "no revision is given twice");
    assert_eq!(stores[0].revision().await.unwrap(), *all.last().unwrap());
    let entries = all_entries(&*stores[0]).await;
    assert_eq!(entries.len(), 4 * ROUNDS + 4);
    assert!(entries.is_sorted_by(|one, next| one.revision < next.revision));
}

pub(crate) async fn changes_are_read_in_pages(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let now = now(&*store).await;
    let revocations: Vec<_> = (0..10).map(|number| token(&number.to_string(), now)).collect();
    let revoked = store.revoke(&revocations).await.unwrap();
    let mut cursor = Revision::NONE;
    let mut read = Vec::new();
    for expected in [4, 4, 2] {
        let changes = store.changes(cursor, 4).await.unwrap();
        assert_eq!(changes.entries.len(), expected);
        assert_eq!(changes.revision, revoked.entries[9].revision, "the present one, whatever was read");
        read.extend(changes.entries);
        cursor = read.last().unwrap().revision;
    }
    assert_eq!(read, revoked.entries);
    let nothing = store.changes(cursor, 4).await.unwrap();
    assert!(nothing.entries.is_empty() && nothing.clock_ms > 0);
    assert_eq!(nothing.revision, cursor);
    let later = Revision::new(cursor.number() + 1_000_000);
    assert!(store.changes(later, 4).await.unwrap().entries.is_empty(), "somebody knows more than the store");
}

/// Whoever writes waits for all others, and each of them for the disk: for no longer than a call may.
const WRITERS: usize = 4;

pub(crate) async fn a_reader_who_follows_misses_nothing(fixture: &impl Fixture) {
    let stores = fixture.handles(WRITERS + 1).await;
    let now = now(&*stores[0]).await;
    let writers = stores[1..].iter().cloned().enumerate().map(|(writer, store)| {
        tokio::spawn(async move {
            let mut own = BTreeSet::new();
            for round in 0..ROUNDS {
                // One to three at a time: a transaction of several must not be seen in part.
                let batch: Vec<_> = (0..=round % 3).map(|at| token(&format!("{writer}/{round}/{at}"), now)).collect();
                own.extend(store.revoke(&batch).await.unwrap().entries.iter().map(|entry| entry.id));
            }
            own
        })
    });
    let writers: Vec<_> = writers.collect();
    let mut seen = BTreeSet::new();
    let mut cursor = Revision::NONE;
    loop {
        let is_over = writers.iter().all(JoinHandle::is_finished);
        cursor = follow(&*stores[0], cursor, &mut seen).await;
        if is_over {
            break;
        }
    }
    let mut written = BTreeSet::new();
    for writer in writers {
        written.extend(writer.await.unwrap());
    }
    let missed: Vec<_> = written.difference(&seen).collect();
    assert!(missed.is_empty(), "{} of {} were missed", missed.len(), written.len());
}

/// Reads what came after a revision, as [`Store::changes`] says; returns up to which everything is known.
async fn follow(store: &dyn Store, mut cursor: Revision, seen: &mut BTreeSet<RevokedId>) -> Revision {
    const LIMIT: usize = 7;
    loop {
        let changes = store.changes(cursor, LIMIT).await.unwrap();
        assert!(changes.entries.iter().all(|entry| cursor < entry.revision && entry.revision <= changes.revision));
        assert!(changes.entries.is_sorted_by(|one, next| one.revision < next.revision));
        seen.extend(changes.entries.iter().map(|entry| entry.id));
        match changes.entries.last() {
            Some(last) if changes.entries.len() == LIMIT => cursor = last.revision,
            Some(_) | None => return changes.revision,
        }
    }
}

pub(crate) async fn entries_of_another_store_get_revisions_of_this_one(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let now = now(&*store).await;
    let here = only_entry(&store.revoke(&[token("here", now)]).await.unwrap());
    // The other store's clock was an hour ahead.
    let ahead = Revision::new((now + 3600) * 1000);
    let put = [
        Entry { id: RevokedId::token("x"), reach: Reach::Itself, revision: Revision::new(5), expires_at: now + 60 },
        Entry {
            id: RevokedId::user(&name("bob")),
            reach: Reach::Earlier(ahead),
            revision: ahead,
            expires_at: now + LONGEST_LIFETIME,
        },
        Entry {
            id: RevokedId::EVERYTHING,
            reach: Reach::Earlier(Revision::new(7)),
            revision: Revision::new(7),
            expires_at: now + LONGEST_LIFETIME,
        },
    ];
    store.put_revocations(&put).await.unwrap();
    let changes = store.changes(here.revision, 10).await.unwrap();
    let kept = |entry: &Entry| (entry.id, entry.reach, entry.expires_at);
    assert_eq!(changes.entries.iter().map(kept).collect::<Vec<_>>(), put.iter().map(kept).collect::<Vec<_>>());
    assert!(changes.entries.is_sorted_by(|one, next| one.revision < next.revision));
    assert!(changes.entries[0].revision > here.revision);
    assert_eq!(changes.revision, changes.entries[2].revision);
    assert!(changes.revision > ahead, "what is issued from now on is not covered");
}

pub(crate) async fn of_two_entries_about_the_same_the_one_that_reaches_farther_holds(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let now = now(&*store).await;
    let bob = RevokedId::user(&name("bob"));
    let far = Revision::new(now * 1000);
    let entry = |than: u64, expires_at| Entry {
        id: bob,
        reach: Reach::Earlier(Revision::new(than)),
        revision: Revision::new(than),
        expires_at,
    };
    store.put_revocations(&[entry(far.number(), now + 100)]).await.unwrap();
    let between = store.revision().await.unwrap();
    store.put_revocations(&[entry(far.number() - 50, now + 900)]).await.unwrap();
    let [held] = store.changes(between, 10).await.unwrap().entries[..] else { panic!("one entry") };
    assert_eq!((held.reach, held.expires_at), (Reach::Earlier(far), now + 900));
    let beyond = Revision::new(far.number() + 50);
    store.put_revocations(&[entry(beyond.number(), now + 200)]).await.unwrap();
    let [held] = all_entries(&*store).await[..] else { panic!("one entry") };
    assert_eq!((held.reach, held.expires_at), (Reach::Earlier(beyond), now + 900));
}

pub(crate) async fn what_has_expired_is_purged_and_nothing_else(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let now = now(&*store).await;
    let over = Session { ends_at: now - 1, ..session(1, "bob", now - 7200) };
    store.put_sessions(&[over, session(2, "bob", now)]).await.unwrap();
    let expired = Revocation::Token { id: RevokedId::token("old"), expires_at: now - CLOCKS_APART - 1 };
    // `token` is good for an hour: by a clock that is behind this one still is, too.
    let revoked = store.revoke(&[token("x", now - 3602), Revocation::User(name("bob2")), expired]).await.unwrap();
    store.add_users(&[user("bob")]).await.unwrap();
    store.put_keys(b"sealed", 0).await.unwrap();
    store.purge(now).await.unwrap();
    assert_eq!(store.sessions_after(None, None, 9).await.unwrap(), [session(2, "bob", now)]);
    assert_eq!(store.sessions_after(Some(&name("bob")), None, 9).await.unwrap(), [session(2, "bob", now)]);
    assert_eq!(store.session(&sid(1)).await.unwrap(), None);
    assert_eq!(all_entries(&*store).await, revoked.entries[..2]);
    assert_eq!(store.revision().await.unwrap(), revoked.entries[2].revision, "a revision is never taken back");
    let forgotten = store.changes(Revision::NONE, 1).await.unwrap().noted.forgotten;
    let under = revoked.entries[2].revision;
    assert_eq!(forgotten, Forgotten { until: now - CLOCKS_APART - 1, under }, "and what was removed is noted");
    store.put_forgotten(Forgotten { until: now, under: Revision::new(1) }).await.unwrap();
    let forgotten = store.changes(Revision::NONE, 1).await.unwrap().noted.forgotten;
    assert_eq!(forgotten, Forgotten { until: now, under }, "of two the larger holds");
    assert_eq!(store.user(&name("bob")).await.unwrap(), Some(user("bob")));
    assert!(store.keys().await.unwrap().is_some());
}
