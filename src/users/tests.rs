//! Signing in against a real store. It tests no rules for new passwords.

use super::own_password::{self, ChangeError};
use super::password::PasswordHash;
use super::rules::{NewPassword, Person};
use super::*;
use crate::check::revocation::Reach;
use crate::store::{self, Access, Revocation, StoreAddress, StoredPassword, UserChange};
use std::sync::Arc;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const PASSWORD: &str = "trousers marmalade lighthouse";

struct Installation {
    runtime: Runtime,
    store: Arc<dyn Store>,
    hasher: Hasher,
    _directory: TempDir,
}

fn argon2id() -> StoredPassword {
    let password = NewPassword::choose(Secret::new(PASSWORD.as_bytes().to_vec()), &Person::default());
    PasswordHash::of(&password.unwrap()).unwrap().stored()
}

fn bcrypt_of(password: &str, cost: u32) -> StoredPassword {
    PasswordHash::read(&bcrypt::hash(password, cost).unwrap()).unwrap().stored()
}

fn user(name: &str, password: StoredPassword, disabled: bool) -> User {
    User {
        name: UserName::enter(name).unwrap(),
        display_name: Some(DisplayName::read("Zoë").unwrap()),
        email: Some(Email::read("zoe@example.com").unwrap()),
        groups: Groups::default(),
        password,
        disabled,
        created_at: 100,
        updated_at: 100,
    }
}

fn installation(users: &[User]) -> Installation {
    let directory = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let address = StoreAddress::Sqlite(directory.path().join("samehand.db"));
    let store = runtime.block_on(store::open(&address, Access::Create)).unwrap();
    runtime.block_on(store.add_users(users)).unwrap();
    Installation { runtime, store, hasher: Hasher::new(2, 8), _directory: directory }
}

impl Installation {
    /// The outcome, and how many hashes it took.
    fn sign_in(&self, name: &str, password: &str) -> (Result<SignedIn, SignInError>, u64) {
        let before = self.hasher.runs();
        let password = Secret::new(password.as_bytes().to_vec());
        let outcome = self.runtime.block_on(sign_in(&*self.store, &self.hasher, name, password, 200));
        (outcome, self.hasher.runs() - before)
    }

    fn stored(&self, name: &str) -> User {
        self.runtime.block_on(self.store.user(&UserName::enter(name).unwrap())).unwrap().unwrap()
    }

    #[track_caller]
    fn refuses(&self, name: &str, password: &str, expected: RefusalReason, expected_runs: u64) {
        let (outcome, runs) = self.sign_in(name, password);
        match outcome {
            Err(SignInError::Refused(reason)) => assert_eq!(reason, expected),
            other => panic!("{other:?}"),
        }
        assert_eq!(runs, expected_runs, "hashes computed");
    }

    #[track_caller]
    fn accepts(&self, name: &str, password: &str, expected_runs: u64) -> SignedIn {
        let (outcome, runs) = self.sign_in(name, password);
        assert_eq!(runs, expected_runs, "hashes computed");
        outcome.unwrap()
    }
}

#[test]
fn the_right_password_signs_in_and_the_name_is_folded() {
    let installation = installation(&[user("zoe", argon2id(), false)]);
    for typed in ["zoe", "ZOE", "Zoe"] {
        let signed_in = installation.accepts(typed, PASSWORD, 1);
        assert_eq!(signed_in.name().as_str(), "zoe");
        assert_eq!(signed_in.email().unwrap().as_str(), "zoe@example.com");
        assert_eq!(signed_in.display_name().unwrap().as_str(), "Zoë");
        assert!(signed_in.groups().is_empty());
    }
    assert_eq!(installation.stored("zoe").updated_at, 100, "signing in changes nothing");
}

#[test]
fn unknown_wrong_and_disabled_are_one_error_after_one_real_hash() {
    let installation = installation(&[user("zoe", argon2id(), false), user("off", argon2id(), true)]);
    installation.refuses("nobody", PASSWORD, RefusalReason::UnknownUser, 1);
    installation.refuses("no name at all", PASSWORD, RefusalReason::UnknownUser, 1);
    installation.refuses("", PASSWORD, RefusalReason::UnknownUser, 1);
    installation.refuses("zoe", "another password of somebody", RefusalReason::WrongPassword, 1);
    installation.refuses("zoe", "", RefusalReason::WrongPassword, 1);
    installation.refuses("zoe", &"x".repeat(4096), RefusalReason::WrongPassword, 1);
    installation.refuses("off", PASSWORD, RefusalReason::Disabled, 1);
    installation.refuses("off", "another password of somebody", RefusalReason::WrongPassword, 1);
}

/// As most systems send it, as macOS may, and with a space that looks like one.
const COMPOSED: &str = "gr\u{fc}ner Wecker, nasser Igel";
const OTHERWISE: [&str; 2] = ["gru\u{308}ner Wecker, nasser Igel", "gr\u{fc}ner\u{a0}Wecker, nasser Igel"];

#[test]
fn a_password_is_the_same_from_every_keyboard_and_counts_as_one_attempt() {
    let chosen = NewPassword::choose(Secret::new(COMPOSED.as_bytes().to_vec()), &Person::default());
    let hash = PasswordHash::of(&chosen.unwrap()).unwrap().stored();
    let installation = installation(&[user("zoe", hash.clone(), false), user("off", hash, true)]);
    for typed in [COMPOSED, OTHERWISE[0], OTHERWISE[1]] {
        installation.accepts(" Zoe ", typed, 1);
    }
    assert_eq!(installation.stored("zoe").updated_at, 100, "signing in changes nothing");
    // A text with two spellings costs twice, whoever is asked for and whatever is wrong.
    let wrong = "u\u{308}ber another password of somebody";
    installation.refuses("zoe", wrong, RefusalReason::WrongPassword, 2);
    installation.refuses("nobody", wrong, RefusalReason::UnknownUser, 2);
    installation.refuses("off", OTHERWISE[0], RefusalReason::Disabled, 2);
    installation.refuses("off", wrong, RefusalReason::WrongPassword, 2);
}

#[test]
fn a_hash_of_the_password_as_it_was_typed_still_works_and_becomes_one_for_all_keyboards() {
    for typed in OTHERWISE {
        let installation = installation(&[user("zoe", bcrypt_of(typed, 4), false)]);
        installation.refuses("zoe", COMPOSED, RefusalReason::WrongPassword, 2);
        // The current scheme is no user's yet, so it is spent on after a failure only; the new hash is the third.
        installation.accepts("zoe", typed, 3);
        assert_eq!(installation.stored("zoe").password.scheme(), PasswordHash::current_scheme());
        installation.accepts("zoe", COMPOSED, 1);
        installation.accepts("zoe", typed, 1);
    }
}

#[test]
fn the_present_password_is_known_however_it_is_typed() {
    let installation = installation(&[user("zoe", bcrypt_of(OTHERWISE[0], 4), false)]);
    let name = UserName::enter("zoe").unwrap();
    let change = |present: &str, chosen: &str| {
        let (present, chosen) = (present.as_bytes().to_vec(), chosen.as_bytes().to_vec());
        let (present, chosen) = (Secret::new(present), Secret::new(chosen));
        let change = own_password::change(&*installation.store, &installation.hasher, &name, present, chosen, 200);
        installation.runtime.block_on(change)
    };
    assert!(matches!(change(COMPOSED, PASSWORD), Err(ChangeError::NotTheirs)), "the hash is of another text");
    change(OTHERWISE[0], OTHERWISE[1]).unwrap();
    installation.accepts("zoe", COMPOSED, 1);
}

#[test]
fn a_store_without_users_hashes_too() {
    installation(&[]).refuses("nobody", PASSWORD, RefusalReason::UnknownUser, 1);
}

#[test]
fn imported_hashes_do_not_tell_by_their_cost_who_has_one() {
    let users = [
        user("zoe", argon2id(), false),
        user("four", bcrypt_of(PASSWORD, 4), false),
        user("five", bcrypt_of(PASSWORD, 5), true),
    ];
    let installation = installation(&users);
    installation.refuses("nobody", PASSWORD, RefusalReason::UnknownUser, 3);
    installation.refuses("zoe", "another password of somebody", RefusalReason::WrongPassword, 3);
    installation.refuses("four", "another password of somebody", RefusalReason::WrongPassword, 3);
    installation.refuses("five", PASSWORD, RefusalReason::Disabled, 3);
}

#[test]
fn an_imported_hash_is_replaced_when_its_user_signs_in() {
    let installation = installation(&[user("zoe", bcrypt_of(PASSWORD, 4), false)]);
    installation.refuses("zoe", "another password of somebody", RefusalReason::WrongPassword, 2);
    assert_eq!(installation.stored("zoe").password.scheme(), "$2b$04$", "not by a wrong password");
    installation.accepts("zoe", PASSWORD, 2);
    assert_eq!(installation.stored("zoe").password.scheme(), PasswordHash::current_scheme());
    assert_eq!(installation.stored("zoe").updated_at, 200);
    installation.accepts("zoe", PASSWORD, 1);
    installation.refuses("nobody", PASSWORD, RefusalReason::UnknownUser, 1);
}

#[test]
fn a_disabled_user_keeps_the_imported_hash() {
    let installation = installation(&[user("zoe", bcrypt_of(PASSWORD, 4), true)]);
    installation.refuses("zoe", PASSWORD, RefusalReason::Disabled, 2);
    assert_eq!(installation.stored("zoe").password.scheme(), "$2b$04$");
}

#[test]
fn a_user_who_is_disabled_or_removed_by_the_command_line_is_refused_at_once() {
    let installation = installation(&[user("zoe", argon2id(), false)]);
    installation.accepts("zoe", PASSWORD, 1);
    let name = UserName::enter("zoe").unwrap();
    let disabled = UserChange { disabled: Some(true), ..UserChange::default() };
    installation.runtime.block_on(installation.store.change_user(&name, &disabled, 300)).unwrap();
    installation.refuses("zoe", PASSWORD, RefusalReason::Disabled, 1);
    installation.runtime.block_on(installation.store.remove_user(&name)).unwrap();
    installation.refuses("zoe", PASSWORD, RefusalReason::UnknownUser, 1);
}

#[test]
fn a_full_queue_is_busy_before_anything_is_hashed() {
    let installation = installation(&[user("zoe", argon2id(), false)]);
    let hasher = Hasher::new(1, 0);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let (end, wait_for_end) = std::sync::mpsc::channel::<()>();
        let (say_started, started) = std::sync::mpsc::channel();
        let holder = hasher.clone();
        let held = tokio::spawn(async move {
            let job = move |_: &Bench| {
                say_started.send(()).unwrap();
                wait_for_end.recv()
            };
            holder.admit()?.run(job).await
        });
        tokio::task::yield_now().await;
        started.recv().unwrap();
        let password = Secret::new(PASSWORD.as_bytes().to_vec());
        let refused = sign_in(&*installation.store, &hasher, "zoe", password, 200).await;
        assert!(matches!(refused, Err(SignInError::Busy)));
        assert_eq!(hasher.runs(), 0);
        end.send(()).unwrap();
        held.await.unwrap().unwrap().unwrap();
    });
}

#[test]
fn a_revocation_after_the_sign_in_covers_what_is_issued_for_it_and_one_before_does_not() {
    let installation = installation(&[user("zoe", argon2id(), false)]);
    let revoke = || {
        let revocation = Revocation::User(UserName::enter("zoe").unwrap());
        let revoked = installation.runtime.block_on(installation.store.revoke(&[revocation])).unwrap();
        match revoked.entries[0].reach {
            Reach::Earlier(than) => than,
            Reach::Itself => panic!("{revoked:?}"),
        }
    };
    let before = revoke();
    let issued_under = installation.accepts("zoe", PASSWORD, 1).issued_under();
    let after = revoke();
    assert!(before <= issued_under && issued_under < after, "{before:?} {issued_under:?} {after:?}");
}

#[test]
fn the_reasons_have_the_names_of_the_log() {
    let names =
        [RefusalReason::UnknownUser, RefusalReason::WrongPassword, RefusalReason::Disabled].map(RefusalReason::name);
    assert_eq!(names, ["unknown-user", "wrong-password", "disabled"]);
}

const NEW: &str = "seven lighthouses count quietly";

impl Installation {
    fn change(&self, name: &str, present: &str, chosen: &str) -> Result<(SignedIn, store::Revoked), ChangeError> {
        let secret = |text: &str| Secret::new(text.as_bytes().to_vec());
        let name = UserName::enter(name).unwrap();
        self.runtime.block_on(own_password::change(
            &*self.store,
            &self.hasher,
            &name,
            secret(present),
            secret(chosen),
            300,
        ))
    }
}

#[test]
fn who_knows_the_present_password_sets_another_and_everything_before_is_revoked() {
    let installation = installation(&[user("zoe", argon2id(), false)]);
    let (before, _) = installation.sign_in("zoe", PASSWORD);
    let before = before.unwrap().issued_under();
    let (signed_in, revoked) = installation.change("zoe", PASSWORD, NEW).unwrap();
    let Reach::Earlier(revision) = revoked.entries[0].reach else { panic!("{revoked:?}") };
    assert!(before < revision && signed_in.issued_under() >= revision);
    assert!(matches!(installation.sign_in("zoe", PASSWORD).0, Err(SignInError::Refused(_))));
    assert!(installation.sign_in("zoe", NEW).0.is_ok());
}

#[test]
fn a_password_is_not_changed_without_the_present_one_or_against_the_rules() {
    let installation = installation(&[user("zoe", argon2id(), false), user("ben", argon2id(), true)]);
    for (name, present, chosen) in [("zoe", NEW, NEW), ("zoe", "", NEW), ("ben", PASSWORD, NEW), ("nobody", "", NEW)] {
        let outcome = installation.change(name, present, chosen);
        assert!(matches!(outcome, Err(ChangeError::NotTheirs)), "{name} {present}: {outcome:?}");
    }
    // What is wrong with it is no secret to who may set it, and nobody's business else.
    assert!(matches!(installation.change("zoe", NEW, "short"), Err(ChangeError::NotTheirs)));
    assert!(matches!(installation.change("zoe", PASSWORD, "short"), Err(ChangeError::Refused(_))));
    assert!(matches!(installation.change("zoe", PASSWORD, "zoe@example.comzoe"), Err(ChangeError::Refused(_))));
    assert!(installation.sign_in("zoe", PASSWORD).0.is_ok());
}
