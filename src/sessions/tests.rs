//! Sign-ins that a revocation overtakes, against a real store. That nothing is lost or kept otherwise is tested with the
//! running service.

use super::*;
use crate::check::identifiers::SessionId;
use crate::store::{self, Access, StoreAddress};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::runtime::Runtime;

struct World {
    runtime: Runtime,
    store: Arc<dyn Store>,
    _directory: TempDir,
}

impl World {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let address = StoreAddress::Sqlite(directory.path().join("samehand.sqlite"));
        let store = runtime.block_on(store::open(&address, Access::Create)).unwrap();
        Self { runtime, store, _directory: directory }
    }

    fn revoke(&self, revocation: Revocation) {
        self.runtime.block_on(self.store.revoke(&[revocation])).unwrap();
    }

    fn revision(&self) -> Revision {
        self.runtime.block_on(self.store.revision()).unwrap()
    }

    /// Whether the session is kept, and whether the store has it then.
    fn keep(&self, session: &Session, issued_under: Revision) -> (bool, bool) {
        let kept = match self.runtime.block_on(keep(&*self.store, session, issued_under)) {
            Ok(()) => true,
            Err(SessionError::Ended) => false,
            Err(error) => panic!("{error}"),
        };
        (kept, self.runtime.block_on(self.store.session(&session.id)).unwrap().is_some())
    }
}

fn alice() -> UserName {
    UserName::enter("alice").unwrap()
}

fn session(number: u8) -> Session {
    Session {
        id: SessionId::new([number; 16]),
        user: alice(),
        signed_in_by: SignedInBy::Password,
        created_at: 1_900_000_000,
        last_seen_at: 1_900_000_000,
        ends_at: 2_000_000_000,
        device: "Firefox on Linux".into(),
        network: "203.0.113.0/24".into(),
    }
}

#[test]
fn a_sign_in_that_a_revocation_overtook_leaves_no_session() {
    let world = World::new();
    for (number, overtakes) in [(1, Revocation::User(alice())), (2, Revocation::Everything)] {
        // Its password was read and is being hashed ...
        let issued_under = world.revision();
        // ... and is changed now, which ends every session there is: this one is not there yet.
        world.revoke(overtakes);
        assert_eq!(world.keep(&session(number), issued_under), (false, false));
        // The next one knows of it.
        assert_eq!(world.keep(&session(number + 10), world.revision()), (true, true));
    }
}

#[test]
fn beyond_the_limit_the_longest_unused_session_ends_and_no_other() {
    let world = World::new();
    let number = |number: usize| {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        Session { id: SessionId::new(id), last_seen_at: 1_900_000_000 + u64::try_from(number).unwrap(), ..session(0) }
    };
    let open = |session: &Session| world.runtime.block_on(world.store.open_session(session)).unwrap();
    let surplus = |new: &Session| world.runtime.block_on(end_surplus(&*world.store, new)).unwrap().sessions;
    // What is not counted: a session that is over, a back end's, another user's.
    let before = 1_000_000_000;
    open(&Session { ends_at: 1_900_000_000, last_seen_at: before, ..number(MOST + 100) });
    open(&Session { signed_in_by: SignedInBy::BackEnd, last_seen_at: before, ..number(MOST + 101) });
    open(&Session { user: UserName::enter("bob").unwrap(), last_seen_at: before, ..number(MOST + 102) });
    for used in 1..=MOST {
        open(&number(used));
        assert_eq!(surplus(&number(used)), 0, "{used}");
    }
    // The first one was used again, so the second is the longest unused one; the new one has not been used at all.
    world.runtime.block_on(world.store.note_seen(&[(number(1).id, 1_950_000_000)])).unwrap();
    let new = Session { last_seen_at: before, ..number(MOST + 1) };
    open(&new);
    assert_eq!(surplus(&new), 1);
    let is_open = |session: &Session| world.runtime.block_on(world.store.session(&session.id)).unwrap().is_some();
    let gone: Vec<usize> = (1..=MOST + 1).filter(|used| !is_open(&number(*used))).collect();
    assert_eq!(gone, [2]);
    assert!([MOST + 101, MOST + 102].iter().all(|other| is_open(&number(*other))));
    assert_eq!(surplus(&new), 0, "once more ends nothing more");
}

#[test]
fn what_else_is_revoked_meanwhile_is_no_reason() {
    let world = World::new();
    let issued_under = world.revision();
    world.revoke(Revocation::User(UserName::enter("bob").unwrap()));
    world.revoke(Revocation::Session(SessionId::new([9; 16])));
    world.revoke(Revocation::Token { id: RevokedId::token("x"), expires_at: 2_000_000_000 });
    assert_eq!(world.keep(&session(1), issued_under), (true, true));
}

#[test]
fn many_revocations_meanwhile_are_all_looked_at() {
    let world = World::new();
    let issued_under = world.revision();
    let many = (0..PAGE + 5)
        .map(|number| Revocation::Token { id: RevokedId::token(&number.to_string()), expires_at: 2_000_000_000 });
    let many: Vec<_> = many.chain([Revocation::User(alice())]).collect();
    world.runtime.block_on(world.store.revoke(&many)).unwrap();
    assert_eq!(world.keep(&session(1), issued_under), (false, false));
}

#[test]
fn an_article_token_is_issued_in_a_later_second_than_the_revocation_before_it() {
    let world = World::new();
    for _ in 0..2 {
        world.revoke(Revocation::User(alice()));
        let issued_under = world.revision();
        let issued_at = world.runtime.block_on(issue_time(&*world.store, &alice(), issued_under)).unwrap();
        assert!(issued_at > issued_under.seconds(), "else the revocation would cover it");
        world.revoke(Revocation::User(alice()));
        assert!(issued_at <= world.revision().seconds(), "else the next one would not");
        let too_late = world.runtime.block_on(issue_time(&*world.store, &alice(), issued_under));
        assert!(matches!(too_late, Err(SessionError::Ended)), "the user was read before it");
    }
}
