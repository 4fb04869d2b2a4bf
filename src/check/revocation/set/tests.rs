//! The set against the simplest thing that could hold the same: a list of all entries.

use super::*;
use proptest::prelude::*;

fn token(number: u64) -> RevokedId {
    RevokedId::token(&number.to_string())
}

fn ended(number: u64, expires_at: u64) -> Entry {
    Entry { id: token(number), reach: Reach::Itself, revision: Revision::new(number), expires_at }
}

fn earlier(id: RevokedId, revision: u64) -> Entry {
    let revision = Revision::new(revision);
    Entry { id, reach: Reach::Earlier(revision), revision, expires_at: revision.seconds() + LONGEST_LIFETIME }
}

#[test]
fn an_entry_is_found_however_many_there_are_and_in_whatever_layer() {
    let mut set = RevocationSet::default();
    for page in 0..40 {
        let entries: Vec<_> = (page * 500..(page + 1) * 500).map(|number| ended(number, 1000 + number)).collect();
        set = set.with(&entries);
    }
    assert_eq!(set.len(), 20_000);
    assert!((0..20_000).all(|number| set.has_ended(token(number))));
    assert!((20_000..40_000).all(|number| !set.has_ended(token(number))));
    assert_eq!(set.revision(), Revision::new(19_999));
    let later = set.without_expired(11_000);
    assert!((0..=10_000).all(|number| !later.has_ended(token(number))));
    assert!((10_001..20_000).all(|number| later.has_ended(token(number))));
    assert_eq!(later.len(), 9_999);
    assert!(set.has_ended(token(5)), "a set that somebody holds does not change");
}

#[test]
fn of_two_revocations_of_a_user_the_later_one_holds() {
    let id = RevokedId::of_subject("alice");
    let set = RevocationSet::default().with(&[earlier(id, 9), earlier(id, 7)]).with(&[earlier(id, 8)]);
    assert_eq!(set.user(id), Some(Revision::new(9)));
    assert_eq!(set.len(), 1);
    let everything = set.with(&[earlier(RevokedId::EVERYTHING, 20), earlier(RevokedId::EVERYTHING, 11)]);
    assert_eq!(everything.everything(), Some(Revision::new(20)));
    assert!(everything.without_expired(LONGEST_LIFETIME + 1).is_empty());
}

#[test]
fn what_is_lost_is_what_is_not_held_as_far_and_still_concerns_something() {
    let bob = RevokedId::of_subject("bob");
    let everything = earlier(RevokedId::EVERYTHING, 5);
    let own = RevocationSet::default().with(&[ended(1, 100), ended(2, 100), ended(3, 10), earlier(bob, 9), everything]);
    let other = RevocationSet::default().with(&[ended(1, 100), earlier(bob, 8), ended(4, 100)]);
    let lost: Vec<_> = own.lacking_in(&other, 10).into_iter().map(|entry| entry.id).collect();
    assert_eq!(lost, [token(2), bob, RevokedId::EVERYTHING]);
    assert!(own.lacking_in(&other.with(&[ended(2, 100), earlier(bob, 10), everything]), 10).is_empty());
}

proptest! {
    #[test]
    fn it_holds_what_a_list_would_hold(
        pages in proptest::collection::vec(
            proptest::collection::vec((0_u64..3000, 1_u64..50, any::<bool>()), 0..400), 0..12),
        now in 0_u64..60,
    ) {
        let mut set = RevocationSet::default();
        let (mut tokens, mut users) = (HashMap::new(), HashMap::new());
        for page in &pages {
            let entries: Vec<_> = page.iter().map(|(number, value, is_user)| {
                let (id, list) = match is_user {
                    true => (RevokedId::of_subject(&number.to_string()), &mut users),
                    false => (token(*number), &mut tokens),
                };
                let own = list.entry(id).or_insert(*value);
                *own = (*own).max(*value);
                match is_user {
                    true => earlier(id, *value),
                    false => Entry { expires_at: *value, ..ended(*number, 0) },
                }
            }).collect();
            set = set.with(&entries);
        }
        prop_assert_eq!(set.len(), tokens.len() + users.len());
        let kept = set.without_expired(now);
        for (id, expires_at) in &tokens {
            prop_assert!(set.has_ended(*id));
            prop_assert_eq!(kept.has_ended(*id), *expires_at > now);
        }
        for (id, revision) in &users {
            prop_assert_eq!(set.user(*id), Some(Revision::new(*revision)));
        }
        let rebuilt = RevocationSet::default().with(&set.lacking_in(&RevocationSet::default(), 0));
        prop_assert_eq!(rebuilt.len(), set.len());
        prop_assert!(tokens.keys().all(|id| rebuilt.has_ended(*id)));
        prop_assert!(set.lacking_in(&rebuilt, 0).is_empty());
    }
}
