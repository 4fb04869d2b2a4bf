//! Copies between real files, with changes in the source at the moment of each step, and targets that do not do what they
//! are told. What a person sees of it is tested with the program.

use super::*;
use crate::check::identifiers::{Revision, SessionId};
use crate::check::revocation::{Entry, Reach};
use crate::store::{
    Access, Revocation, Revoked, SignedInBy, StoreAddress, StoredPassword, UserChange, all_users, open, open_sessions,
};
use rusqlite::Connection;
use std::path::PathBuf;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// Two stores, and the time by their clock.
struct World {
    directory: TempDir,
    runtime: Runtime,
    from: Arc<dyn Store>,
    to: Arc<dyn Store>,
    now: u64,
}

fn world() -> World {
    let directory = tempfile::tempdir().unwrap();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let store = |name: &str| {
        let address = StoreAddress::Sqlite(directory.path().join(name));
        runtime.block_on(open(&address, Access::Create)).unwrap()
    };
    let (from, to) = (store("from"), store("to"));
    let now = runtime.block_on(from.changes(Revision::NONE, 1)).unwrap().clock_ms / 1000;
    World { directory, runtime, from, to, now }
}

fn name(text: &str) -> UserName {
    UserName::enter(text).unwrap()
}

impl World {
    fn path(&self, store: &str) -> PathBuf {
        self.directory.path().join(store)
    }

    fn user(&self, text: &str) -> User {
        User {
            name: name(text),
            display_name: None,
            email: None,
            groups: crate::check::names::Groups::default(),
            password: StoredPassword::new("$argon2id$hash".into(), "argon2id".into()),
            disabled: false,
            created_at: self.now - 500,
            updated_at: self.now - 500,
        }
    }

    fn session(&self, number: u8, user: &str) -> Session {
        Session {
            id: SessionId::new([number; 16]),
            user: name(user),
            signed_in_by: SignedInBy::Password,
            created_at: self.now - 400,
            last_seen_at: self.now - 300,
            ends_at: self.now + 3600,
            device: "Firefox".into(),
            network: "192.0.2.0/24".into(),
        }
    }

    fn wait<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> T {
        self.runtime.block_on(call).unwrap()
    }

    fn put(&self, store: &dyn Store, users: &[User], sessions: &[Session]) {
        self.wait(store.put_users(users));
        self.wait(store.put_sessions(sessions));
    }

    fn copy(&self) -> Result<Copied, CopyError> {
        self.runtime.block_on(copy(&*self.from, &*self.to, &mut |_| {}))
    }

    /// Copies, and does something with the source when this stage is told of for the first time.
    fn copy_with(&self, stage: &str, change: impl AsyncFn(&dyn Store) + Sync) -> Result<Copied, CopyError> {
        let address = StoreAddress::Sqlite(self.path("from"));
        let mut is_done = false;
        let mut tell = |progress: Progress| {
            if progress.stage != stage || is_done {
                return;
            }
            is_done = true;
            // As another process would: the runtime that copies stands still meanwhile.
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                    runtime.block_on(async { change(&*open(&address, Access::Existing).await.unwrap()).await });
                });
            });
        };
        let copied = self.runtime.block_on(copy(&*self.from, &*self.to, &mut tell));
        assert!(is_done, "there is no stage {stage}");
        copied
    }

    fn users(&self, store: &dyn Store) -> Vec<User> {
        self.wait(all_users(store))
    }

    fn sessions(&self, store: &dyn Store) -> Vec<Session> {
        self.wait(open_sessions(store, None, self.now))
    }

    fn ledger(&self, store: &dyn Store) -> Ledger {
        let mut ledger = Ledger::default();
        self.wait(ledger.catch_up(store));
        ledger
    }

    /// Both stores hold the same, and the target says nothing is left to be heard from the source.
    #[track_caller]
    fn agree(&self) {
        assert_eq!(self.users(&*self.to), self.users(&*self.from));
        assert_eq!(self.sessions(&*self.to), self.sessions(&*self.from));
        let lacking = self.ledger(&*self.from).lacking(&self.ledger(&*self.to), self.now);
        assert!(lacking.is_empty(), "{lacking:?}");
    }
}

#[test]
fn the_audit_trail_goes_along_and_no_entry_twice() {
    let world = world();
    let entry = |subject: &str| TrailEntry { subject: subject.into(), count: 1, ..TrailEntry::default() };
    let note = |store: &Arc<dyn Store>, subject: &str| {
        world.runtime.block_on(store.note_trail(&[entry(subject)])).unwrap();
    };
    note(&world.from, "first");
    note(&world.to, "the target's own");
    world.runtime.block_on(copy(&*world.from, &*world.to, &mut |_| {})).unwrap();
    note(&world.from, "second");
    world.runtime.block_on(copy(&*world.from, &*world.to, &mut |_| {})).unwrap();
    let rows = world.runtime.block_on(world.to.trail_after(0, 10)).unwrap();
    let subjects: Vec<_> = rows.iter().map(|row| row.entry.subject.as_str()).collect();
    assert_eq!(subjects, ["the target's own", "first", "second"]);
}

#[test]
fn what_changes_in_the_source_meanwhile_arrives_too() {
    for stage in ["users", "sessions", "comparing users", "comparing sessions", "revocations"] {
        let world = world();
        let users: Vec<_> = ["alice", "bob", "carol"].map(|name| world.user(name)).into();
        let sessions = [world.session(1, "alice"), world.session(2, "alice"), world.session(3, "bob")];
        world.put(&*world.from, &users, &sessions);
        // So that there is a stage of revocations in which to change something.
        world.wait(world.from.revoke(&[Revocation::Session(SessionId::new([9; 16]))]));
        let (newcomer, sign_in) = (world.user("newcomer"), world.session(4, "newcomer"));
        let ended = sessions[0].id.clone();
        let copied = world.copy_with(stage, async |store| {
            store.revoke(&[Revocation::Session(ended.clone())]).await.unwrap();
            store.remove_user(&name("bob")).await.unwrap();
            let change = UserChange { disabled: Some(true), revokes: true, ..UserChange::default() };
            store.change_user(&name("carol"), &change, 1_900_000_000).await.unwrap();
            store.add_users(std::slice::from_ref(&newcomer)).await.unwrap();
            store.open_session(&sign_in).await.unwrap();
        });
        let copied = copied.unwrap_or_else(|error| panic!("{stage}: {error}"));
        assert_eq!((copied.sessions, copied.own_sessions), (2, 0), "{stage}");
        world.agree();
    }
}

#[test]
fn a_revocation_of_the_last_moment_is_copied() {
    let world = world();
    world.put(&*world.from, &[world.user("alice")], &[world.session(1, "alice")]);
    let copied = world.copy_with("comparing revocations", async |_| {}).unwrap();
    assert_eq!(copied.revocations, 0);
    let copied = world.copy_with("comparing sessions", async |store| {
        store.revoke(&[Revocation::Everything]).await.unwrap();
    });
    assert_eq!(copied.unwrap().revocations, 1);
    assert_eq!(world.sessions(&*world.to), []);
    world.agree();
}

#[test]
fn a_second_run_follows_the_source_and_writes_nothing_that_is_there() {
    let world = world();
    world.put(&*world.from, &[world.user("alice")], &[world.session(1, "alice"), world.session(2, "alice")]);
    world.wait(world.from.revoke(&[Revocation::User(name("somebody"))]));
    let first = world.copy().unwrap();
    let revision = world.wait(world.to.revision());
    assert_eq!(world.copy().unwrap(), first);
    assert_eq!(world.wait(world.to.revision()), revision, "services would read everything again");
    world.wait(world.from.revoke(&[Revocation::Session(SessionId::new([1; 16]))]));
    world.wait(world.from.note_seen(&[(SessionId::new([2; 16]), world.now)]));
    assert_eq!(world.copy().unwrap().sessions, 1);
    world.agree();
}

#[test]
fn what_the_target_has_of_its_own_stays() {
    let world = world();
    world.put(&*world.from, &[world.user("alice")], &[world.session(1, "alice"), world.session(2, "alice")]);
    world.copy().unwrap();
    // The services have been switched: somebody signs in, is seen, signs out.
    world.wait(world.to.open_session(&world.session(3, "alice")));
    world.wait(world.to.note_seen(&[(SessionId::new([1; 16]), world.now)]));
    world.wait(world.to.revoke(&[Revocation::Session(SessionId::new([2; 16]))]));
    let copied = world.copy().unwrap();
    assert_eq!((copied.sessions, copied.own_sessions), (1, 1));
    let left = world.sessions(&*world.to);
    assert_eq!(
        left.iter().map(|session| session.id.clone()).collect::<Vec<_>>(),
        [[1; 16], [3; 16]].map(SessionId::new)
    );
    assert_eq!(left[0].last_seen_at, world.now, "the later time holds");
}

#[test]
fn a_revocation_in_the_target_covers_what_was_issued_before_however_far_the_source_was_ahead() {
    let hour_ahead = |world: &World| Revision::new((world.now + 3600) * 1000);
    for has_entries in [true, false] {
        let world = world();
        world.put(&*world.from, &[world.user("alice")], &[]);
        // The clock of the source was an hour ahead when this was written; the entry may be gone since.
        let expires_at = if has_entries { world.now + 9000 } else { world.now - 1 };
        let ahead = Entry {
            id: RevokedId::user(&name("bob")),
            reach: Reach::Earlier(hour_ahead(&world)),
            revision: hour_ahead(&world),
            expires_at,
        };
        world.wait(world.from.put_revocations(&[ahead]));
        world.wait(world.from.purge(world.now));
        assert_eq!(world.ledger(&*world.from).count(world.now), u64::from(has_entries));
        let issued_under = world.wait(world.from.revision());
        assert!(issued_under > hour_ahead(&world));
        world.copy().unwrap();
        let Revoked { entries, .. } = world.wait(world.to.revoke(&[Revocation::User(name("alice"))]));
        let Reach::Earlier(than) = entries[0].reach else { panic!("{entries:?}") };
        assert!(than > issued_under, "a token that was issued before the copy is not covered");
        world.wait(world.to.purge(world.now));
        assert!(world.wait(world.to.revision()) >= than, "it is not forgotten either");
    }
}

#[test]
fn users_of_somebody_else_are_found_before_anything_is_written() {
    let world = world();
    world.put(&*world.from, &[world.user("alice"), world.user("bob")], &[world.session(1, "alice")]);
    let another = User { created_at: world.now - 499, ..world.user("bob") };
    let newer = User { updated_at: world.now, ..world.user("bob") };
    let same_second = User { disabled: true, ..world.user("bob") };
    for (user, is_in_source) in [(another, true), (newer, true), (same_second, true), (world.user("zoe"), false)] {
        world.wait(world.to.put_users(std::slice::from_ref(&user)));
        match world.copy() {
            Err(CopyError::OtherUser { name, is_in_source: told, .. }) => {
                assert_eq!((name, told), (user.name.clone(), is_in_source));
            }
            other => panic!("{user:?}: {other:?}"),
        }
        assert_eq!(world.users(&*world.to), std::slice::from_ref(&user));
        assert_eq!(world.sessions(&*world.to), []);
        world.wait(world.to.remove_user(&user.name));
    }
    world.copy().unwrap();
    world.agree();
}

#[test]
fn a_key_ring_is_copied_once_and_no_other_overwritten() {
    let world = world();
    assert!(!world.copy().unwrap().keys);
    assert!(world.wait(world.from.put_keys(b"first", 0)));
    assert!(world.wait(world.from.put_keys(b"sealed", 1)));
    assert!(world.copy().unwrap().keys);
    assert_eq!(world.wait(world.to.keys()).unwrap().sealed, b"sealed");
    assert!(world.copy().unwrap().keys);
    assert!(world.wait(world.to.put_keys(b"of the target", 1)));
    assert!(matches!(world.copy(), Err(CopyError::OtherKeys { .. })));
    assert_eq!(world.wait(world.to.keys()).unwrap().sealed, b"of the target");
}

#[test]
fn a_target_that_loses_a_row_is_found_out() {
    for (table, condition, said) in [
        ("users", "NEW.name = 'user-7'", "the user user-7"),
        ("sessions", "NEW.user_name = 'user-7'", "the session BwcHBwcHBwcHBwcHBwcHBw"),
        ("revocations", "NEW.earlier_than IS NULL", "the revocation "),
    ] {
        let world = world();
        let users: Vec<_> = (0..10).map(|number| world.user(&format!("user-{number}"))).collect();
        let sessions: Vec<_> = (0..10).map(|number| world.session(number, &format!("user-{number}"))).collect();
        world.put(&*world.from, &users, &sessions);
        world.wait(world.from.revoke(&[Revocation::Session(SessionId::new([99; 16]))]));
        let trigger =
            format!("CREATE TRIGGER lossy BEFORE INSERT ON {table} WHEN {condition} BEGIN SELECT RAISE(IGNORE); END");
        let database = Connection::open(world.path("to")).unwrap();
        database.execute_batch(&trigger).unwrap();
        let error = world.copy().unwrap_err();
        assert!(matches!(error, CopyError::Different { .. }), "{table}: {error}");
        assert!(error.to_string().starts_with(said), "{error}");
        // Mended, the same run goes on.
        database.execute_batch("DROP TRIGGER lossy").unwrap();
        world.copy().unwrap();
        world.agree();
    }
}

#[test]
fn two_ways_to_one_store_are_found_out() {
    let world = world();
    let again = StoreAddress::Sqlite(world.path("from"));
    let again = world.wait(open(&again, Access::Existing));
    let refused = world.runtime.block_on(copy(&*world.from, &*again, &mut |_| {}));
    assert!(matches!(refused, Err(CopyError::Same)));
}
