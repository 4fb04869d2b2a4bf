//! The suite that all stores pass. A test is generic over [`Fixture`] and knows nothing about the store but the trait.
//!
//! `conformance!(Fixture)` makes a test of every function for a store. A function that is missing in its list is dead
//! code, which the lints refuse.

pub(crate) mod attempts;
pub(crate) mod keys;
pub(crate) mod news;
pub(crate) mod opening;
pub(crate) mod revocations;
pub(crate) mod sessions;
pub(crate) mod trail;
pub(crate) mod users;

use samehand::check::identifiers::{Revision, SessionId};
use samehand::check::names::{DisplayName, Email, GroupName, Groups, UserName};
use samehand::check::revocation::{Entry, RevokedId};
use samehand::store::{self, Access, Revocation, Session, SignedInBy, Store, StoreAddress, StoredPassword, User};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

/// A place of its own for one test, in which no store is yet. What it holds is gone when it is dropped.
pub(crate) trait Fixture: Send + Sync + Sized {
    /// A fresh place.
    fn new() -> impl Future<Output = Self> + Send;

    /// The address of the place.
    fn address(&self) -> StoreAddress;

    /// Passwords in the addresses of this fixture, which no message may show.
    fn passwords(&self) -> Vec<String>;

    /// Addresses at which no store can be opened, because nobody answers or who answers refuses; with [`passwords`].
    ///
    /// [`passwords`]: Fixture::passwords
    fn hopeless(&self) -> Vec<StoreAddress>;

    /// Writes `email` as the e-mail address of a user into the store, past samehand.
    fn write_email(&self, user: &UserName, email: &str) -> impl Future<Output = ()> + Send;

    /// The store, created if there is none; a handle of its own, as another process would have it.
    fn open(&self) -> impl Future<Output = Arc<dyn Store>> + Send {
        async { store::open(&self.address(), Access::Create).await.unwrap_or_else(|error| panic!("{error}")) }
    }

    /// So many handles on the same store.
    fn handles(&self, count: usize) -> impl Future<Output = Vec<Arc<dyn Store>>> + Send {
        async move {
            let mut handles = Vec::new();
            for _ in 0..count {
                handles.push(self.open().await);
            }
            handles
        }
    }
}

macro_rules! conformance {
    ($fixture:ident) => {
        conformance! { $fixture:
            trail {
                the_trail_is_read_whole_and_in_its_order
                whoever_follows_the_trail_misses_nothing
                the_trail_forgets_what_is_old_and_what_is_too_much
            }
            opening {
                several_processes_create_an_empty_store_at_once
                only_who_may_create_a_store_does
                a_store_is_prepared_any_number_of_times
                what_one_process_wrote_another_reads_at_once
                a_row_that_samehand_cannot_have_written_is_named
                no_message_shows_a_password
            }
            users {
                a_user_is_read_back_as_it_was_added
                users_are_added_all_or_none
                of_several_who_add_one_user_one_succeeds
                users_are_read_by_name_in_pages
                a_change_leaves_what_it_does_not_name
                changes_of_different_things_at_once_are_both_kept
                a_change_for_a_password_that_is_no_more_is_none
                a_change_revokes_when_it_says_so
                whoever_reads_the_revision_first_sees_no_user_that_a_later_one_covers
                a_removed_user_is_gone_with_all_that_was_issued_to_it
                a_missing_user_is_an_error_and_revokes_nothing
                a_hash_is_replaced_only_while_the_password_is_the_same
                schemes_are_named_once_each
                users_of_another_store_are_put_in_the_place_of_those_here
            }
            sessions {
                a_session_is_read_back_as_it_was_opened
                sessions_are_read_by_name_in_pages
                sessions_of_a_user_are_read_by_name_in_pages
                the_later_time_wins_and_unknown_sessions_are_passed_over
                sessions_of_another_store_are_put_in_the_place_of_those_here
            }
            revocations {
                an_empty_store_has_no_changes
                a_revoked_token_is_an_entry_until_it_expires
                a_revoked_session_is_gone_and_an_entry_until_it_would_have_ended
                an_unknown_session_is_revoked_for_a_year
                a_revoked_user_loses_the_sessions_and_what_was_issued_before
                revoking_everything_ends_every_session
                several_are_revoked_together_each_under_a_revision_of_its_own
                revoking_nothing_changes_nothing
                what_is_revoked_twice_is_one_entry_that_lasts_longer
                revisions_follow_the_clock_of_the_store
                revisions_grow_whoever_revokes
                changes_are_read_in_pages
                a_reader_who_follows_misses_nothing
                entries_of_another_store_get_revisions_of_this_one
                of_two_entries_about_the_same_the_one_that_reaches_farther_holds
                what_has_expired_is_purged_and_nothing_else
            }
            news {
                a_revocation_is_news_for_another_process
                a_key_ring_is_news_for_another_process
                a_removed_user_is_news_for_another_process
                entries_of_another_store_are_news_for_another_process
                what_changed_before_anybody_listened_for_it_is_news
            }
            attempts {
                a_burst_is_taken_and_then_there_is_a_wait
                whoever_waits_as_told_gets_an_attempt
                attempts_are_taken_out_of_all_buckets_or_none
                takers_at_once_never_exceed_the_burst
                an_attempt_that_is_put_back_can_be_taken_again
                a_full_bucket_does_not_overflow
                a_bucket_that_is_forgotten_is_full
                purging_forgets_no_bucket_that_is_not_full
                a_digest_is_remembered_for_a_time
                a_digest_is_not_forgotten_by_a_clock_that_its_mark_does_not_explain
                of_several_who_remember_a_digest_one_is_the_first
            }
            keys {
                a_key_ring_is_kept_with_its_version
                a_key_ring_is_put_only_in_the_place_of_the_one_that_was_read
                of_two_writers_of_a_key_ring_one_wins
                the_version_of_the_key_ring_is_told_with_changes
                replicas_hear_what_the_others_said
            }
        }
    };
    ($fixture:ident: $($module:ident { $($test:ident)* })*) => {
        $(mod $module {
            $(
                #[test]
                fn $test() {
                    use $crate::conformance::{Fixture, $module, run};
                    run(async { $module::$test(&super::$fixture::new().await).await });
                }
            )*
        })*
    };
}

/// Far longer than any test takes. A store that hangs fails its test.
const PATIENCE: Duration = Duration::from_secs(300);

/// Runs a test on several threads.
pub(crate) fn run(test: impl Future<Output = ()>) {
    let runtime = Builder::new_multi_thread().worker_threads(4).enable_all().build().expect("a runtime");
    runtime.block_on(async { tokio::time::timeout(PATIENCE, test).await.expect("the store hangs") });
}

/// What all of these tasks return, in any order.
pub(crate) async fn together<T: Send + 'static>(
    tasks: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    tasks.into_iter().collect::<JoinSet<_>>().join_all().await
}

pub(crate) fn name(text: &str) -> UserName {
    UserName::enter(text).unwrap()
}

pub(crate) fn group(text: &str) -> GroupName {
    GroupName::enter(text).unwrap()
}

/// A user of whom everything is known.
pub(crate) fn user(text: &str) -> User {
    User {
        name: name(text),
        display_name: Some(DisplayName::read("Zoë, the “First”").unwrap()),
        email: Some(Email::read("zoe@example.com").unwrap()),
        groups: Groups::new(["ops", "admins"].map(group)).unwrap(),
        password: StoredPassword::new("$scheme$hash-of-a-password".to_owned(), "$scheme$".to_owned()),
        disabled: false,
        created_at: 100,
        updated_at: 100,
    }
}

pub(crate) fn sid(number: u8) -> SessionId {
    // The first byte differs most, so that the names are in no order in which they are made.
    SessionId::new([number.wrapping_mul(167); 16])
}

/// A session that lasts an hour from `now`.
pub(crate) fn session(number: u8, user: &str, now: u64) -> Session {
    Session {
        id: sid(number),
        user: name(user),
        signed_in_by: SignedInBy::Password,
        created_at: now,
        last_seen_at: now,
        ends_at: now + 3600,
        device: "Firefox on “Linux”".to_owned(),
        network: "203.0.113.0/24".to_owned(),
    }
}

/// The time by the store's clock, in seconds since 1970.
pub(crate) async fn now(store: &dyn Store) -> u64 {
    store.changes(Revision::NONE, 1).await.unwrap().clock_ms / 1000
}

pub(crate) async fn all_entries(store: &dyn Store) -> Vec<Entry> {
    store.changes(Revision::NONE, 100_000).await.unwrap().entries
}

/// The revocation of a token that is known by this text only, for an hour from `now`.
pub(crate) fn token(jti: &str, now: u64) -> Revocation {
    Revocation::Token { id: RevokedId::token(jti), expires_at: now + 3600 }
}
