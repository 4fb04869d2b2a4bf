//! Users: added, read, changed, removed, and what is revoked with that.

use super::{Fixture, all_entries, group, name, now, session, sid, together, user};
use samehand::check::names::{DisplayName, Email, Groups};
use samehand::check::revocation::{LONGEST_LIFETIME, Reach, RevokedId};
use samehand::store::{Revoked, StoreError, StoredPassword, User, UserChange, all_users};

pub(crate) async fn a_user_is_read_back_as_it_was_added(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let bare = User { display_name: None, email: None, groups: Groups::default(), disabled: true, ..user("bare") };
    store.add_users(&[user("zoe"), bare.clone()]).await.unwrap();
    assert_eq!(store.user(&name("zoe")).await.unwrap(), Some(user("zoe")));
    assert_eq!(store.user(&name("bare")).await.unwrap(), Some(bare.clone()));
    assert_eq!(store.user(&name("nobody")).await.unwrap(), None);
    assert_eq!(all_users(&*store).await.unwrap(), [bare, user("zoe")]);
}

pub(crate) async fn users_are_added_all_or_none(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.add_users(&[user("bob")]).await.unwrap();
    let refused = store.add_users(&[user("alice"), user("bob"), user("carol")]).await.unwrap_err();
    assert!(matches!(&refused, StoreError::UserExists(exists) if *exists == name("bob")), "{refused}");
    assert_eq!(all_users(&*store).await.unwrap(), [user("bob")]);
    store.add_users(&[]).await.unwrap();
}

pub(crate) async fn of_several_who_add_one_user_one_succeeds(fixture: &impl Fixture) {
    let adders = fixture.handles(4).await.into_iter().enumerate().map(|(number, store)| async move {
        let own = user(&format!("own{number}"));
        store.add_users(&[own, user("shared")]).await
    });
    let outcomes = together(adders).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    for refused in outcomes.into_iter().filter_map(Result::err) {
        assert!(matches!(&refused, StoreError::UserExists(exists) if *exists == name("shared")), "{refused}");
    }
    assert_eq!(all_users(&*fixture.open().await).await.unwrap().len(), 2);
}

pub(crate) async fn users_are_read_by_name_in_pages(fixture: &impl Fixture) {
    let store = fixture.open().await;
    assert!(store.users_after(None, 2).await.unwrap().is_empty());
    // In the order of bytes, which is not the order of any language.
    let names = ["a-b", "a.b", "a0", "a@b", "a_b", "ab", "abc"];
    store.add_users(&["ab", "a_b", "abc", "a@b", "a-b", "a0", "a.b"].map(user)).await.unwrap();
    let mut read: Vec<User> = Vec::new();
    for expected in [3, 3, 1, 0] {
        let page = store.users_after(read.last().map(|user| &user.name), 3).await.unwrap();
        assert_eq!(page.len(), expected);
        read.extend(page);
    }
    assert_eq!(read, names.map(user));
    assert_eq!(store.users_after(Some(&name("a_a")), 1).await.unwrap(), [user("a_b")], "it need not be a user's");
}

pub(crate) async fn a_change_leaves_what_it_does_not_name(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.add_users(&[user("bob"), user("carol")]).await.unwrap();
    let mut expected = User { updated_at: 200, ..user("bob") };
    let check = async |change: UserChange, expected: &User| {
        let (changed, revoked) = store.change_user(&name("bob"), &change, 200).await.unwrap();
        assert_eq!(revoked, Revoked::default(), "{change:?}");
        assert_eq!(&changed, expected);
        assert_eq!(store.user(&name("bob")).await.unwrap().as_ref(), Some(expected));
    };
    check(UserChange::default(), &expected).await;
    expected.display_name = Some(DisplayName::read("Bob").unwrap());
    check(UserChange { display_name: Some(expected.display_name.clone()), ..UserChange::default() }, &expected).await;
    expected.display_name = None;
    check(UserChange { display_name: Some(None), ..UserChange::default() }, &expected).await;
    expected.email = None;
    check(UserChange { email: Some(None), ..UserChange::default() }, &expected).await;
    expected.groups = Groups::new([group("staff")]).unwrap();
    check(UserChange { groups: Some(expected.groups.clone()), ..UserChange::default() }, &expected).await;
    expected.password = StoredPassword::new("$other$hash".to_owned(), "$other$".to_owned());
    check(UserChange { password: Some(expected.password.clone()), ..UserChange::default() }, &expected).await;
    expected.disabled = true;
    check(UserChange { disabled: Some(true), ..UserChange::default() }, &expected).await;
    assert_eq!(store.user(&name("carol")).await.unwrap(), Some(user("carol")));
    assert!(all_entries(&*store).await.is_empty());
}

pub(crate) async fn changes_of_different_things_at_once_are_both_kept(fixture: &impl Fixture) {
    let stores = fixture.handles(2).await;
    stores[0].add_users(&[user("bob")]).await.unwrap();
    let (display_name, email) = (DisplayName::read("Bob").unwrap(), Email::read("bob@example.org").unwrap());
    for round in 0..20 {
        let changes = [
            UserChange { display_name: Some((round % 2 == 0).then(|| display_name.clone())), ..UserChange::default() },
            UserChange { email: Some((round % 2 == 0).then(|| email.clone())), ..UserChange::default() },
        ];
        let changers = stores.clone().into_iter().zip(changes).map(|(store, change)| async move {
            store.change_user(&name("bob"), &change, 200).await.unwrap();
        });
        together(changers).await;
        let bob = stores[0].user(&name("bob")).await.unwrap().unwrap();
        assert_eq!((bob.display_name.is_some(), bob.email.is_some()), (round % 2 == 0, round % 2 == 0));
    }
}

pub(crate) async fn a_change_for_a_password_that_is_no_more_is_none(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.add_users(&[user("bob")]).await.unwrap();
    let password = |hash: &str| StoredPassword::new(hash.to_owned(), "$other$".to_owned());
    let change = |from: StoredPassword, to: StoredPassword| UserChange {
        password: Some(to),
        if_password: Some(from),
        revokes: true,
        ..UserChange::default()
    };
    let first = change(user("bob").password, password("$other$first"));
    let (bob, revoked) = store.change_user(&name("bob"), &first, 200).await.unwrap();
    assert_eq!((bob.password, revoked.entries.len()), (password("$other$first"), 1));
    let before = store.user(&name("bob")).await.unwrap();
    let late = store.change_user(&name("bob"), &change(user("bob").password, password("$other$late")), 300).await;
    assert!(matches!(late, Err(StoreError::PasswordChanged(whose)) if whose == name("bob")));
    assert_eq!(store.user(&name("bob")).await.unwrap(), before);
    assert_eq!(all_entries(&*store).await.len(), 1, "nothing is revoked either");
}

pub(crate) async fn a_change_revokes_when_it_says_so(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let now = now(&*store).await;
    store.add_users(&[user("bob"), user("carol")]).await.unwrap();
    for (number, user) in [(1, "bob"), (2, "bob"), (3, "carol")] {
        store.open_session(&session(number, user, now)).await.unwrap();
    }
    let before = store.revision().await.unwrap();
    let change = UserChange { disabled: Some(true), revokes: true, ..UserChange::default() };
    let (bob, revoked) = store.change_user(&name("bob"), &change, 200).await.unwrap();
    assert!(bob.disabled);
    assert_eq!(revoked.sessions, 2);
    let [entry] = revoked.entries[..] else { panic!("{revoked:?}") };
    assert_eq!(entry.id, RevokedId::user(&name("bob")));
    let Reach::Earlier(than) = entry.reach else { panic!("{entry:?}") };
    assert!(before < than, "it covers what was issued before");
    assert!(than <= store.revision().await.unwrap(), "and nothing that is issued later");
    assert!(entry.expires_at >= now + LONGEST_LIFETIME);
    assert_eq!(all_entries(&*store).await, [entry]);
    assert_eq!(store.session(&sid(1)).await.unwrap(), None);
    assert_eq!(store.session(&sid(3)).await.unwrap(), Some(session(3, "carol", now)));
}

pub(crate) async fn whoever_reads_the_revision_first_sees_no_user_that_a_later_one_covers(fixture: &impl Fixture) {
    let stores = fixture.handles(3).await;
    for round in 0..20 {
        let name = name(&format!("user{round}"));
        stores[0].add_users(&[user(name.as_str())]).await.unwrap();
        let readers = stores[1..].iter().cloned().map(|store| {
            let name = name.clone();
            tokio::spawn(async move {
                let mut issued_under = Vec::new();
                loop {
                    let revision = store.revision().await.unwrap();
                    if store.user(&name).await.unwrap().unwrap().disabled {
                        return issued_under;
                    }
                    issued_under.push(revision);
                }
            })
        });
        let readers: Vec<_> = readers.collect();
        let change = UserChange { disabled: Some(true), revokes: true, ..UserChange::default() };
        let (_, revoked) = stores[0].change_user(&name, &change, 200).await.unwrap();
        let Reach::Earlier(than) = revoked.entries[0].reach else { panic!("{revoked:?}") };
        for reader in readers {
            for revision in reader.await.unwrap() {
                assert!(revision < than, "a token was issued to {name} that no revocation covers");
            }
        }
    }
}

pub(crate) async fn a_removed_user_is_gone_with_all_that_was_issued_to_it(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let now = now(&*store).await;
    store.add_users(&[user("bob"), user("carol")]).await.unwrap();
    store.open_session(&session(1, "bob", now)).await.unwrap();
    store.open_session(&session(2, "carol", now)).await.unwrap();
    let revoked = store.remove_user(&name("bob")).await.unwrap();
    assert_eq!(revoked.sessions, 1);
    assert_eq!(revoked.entries[0].id, RevokedId::user(&name("bob")));
    assert_eq!(all_entries(&*store).await, revoked.entries);
    assert_eq!(all_users(&*store).await.unwrap(), [user("carol")]);
    assert_eq!(store.sessions_after(None, None, 10).await.unwrap(), [session(2, "carol", now)]);
}

pub(crate) async fn a_missing_user_is_an_error_and_revokes_nothing(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let change = UserChange { disabled: Some(true), revokes: true, ..UserChange::default() };
    for refused in [
        store.change_user(&name("bob"), &change, 200).await.unwrap_err(),
        store.remove_user(&name("bob")).await.unwrap_err(),
    ] {
        assert!(matches!(&refused, StoreError::NoSuchUser(missing) if *missing == name("bob")), "{refused}");
    }
    assert!(all_entries(&*store).await.is_empty());
    assert!(all_users(&*store).await.unwrap().is_empty());
}

pub(crate) async fn a_hash_is_replaced_only_while_the_password_is_the_same(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.add_users(&[user("bob"), user("carol")]).await.unwrap();
    let old = user("bob").password;
    let new = StoredPassword::new("$better$hash".to_owned(), "$better$".to_owned());
    store.rehash(&name("bob"), &old, &new, 300).await.unwrap();
    let rehashed = User { password: new, updated_at: 300, ..user("bob") };
    assert_eq!(store.user(&name("bob")).await.unwrap().as_ref(), Some(&rehashed));
    assert_eq!(store.user(&name("carol")).await.unwrap(), Some(user("carol")), "who had the same hash");
    let late = StoredPassword::new("$late$hash".to_owned(), "$late$".to_owned());
    store.rehash(&name("bob"), &old, &late, 400).await.unwrap();
    assert_eq!(store.user(&name("bob")).await.unwrap(), Some(rehashed));
    store.rehash(&name("nobody"), &old, &late, 400).await.unwrap();
    assert_eq!(store.user(&name("nobody")).await.unwrap(), None);
}

pub(crate) async fn schemes_are_named_once_each(fixture: &impl Fixture) {
    let store = fixture.open().await;
    let schemes = async || {
        let mut schemes = store.password_schemes().await.unwrap();
        schemes.sort();
        schemes
    };
    assert!(schemes().await.is_empty());
    store.add_users(&[user("alice"), user("bob"), user("carol")]).await.unwrap();
    assert_eq!(schemes().await, ["$scheme$"]);
    let better = StoredPassword::new("$better$hash".to_owned(), "$better$".to_owned());
    store.rehash(&name("bob"), &user("bob").password, &better, 200).await.unwrap();
    assert_eq!(schemes().await, ["$better$", "$scheme$"]);
    store.remove_user(&name("bob")).await.unwrap();
    assert_eq!(schemes().await, ["$scheme$"]);
    let changed = UserChange { password: Some(better), ..UserChange::default() };
    store.change_user(&name("alice"), &changed, 200).await.unwrap();
    store.put_users(&[User { password: changed.password.clone().unwrap(), ..user("carol") }]).await.unwrap();
    assert_eq!(schemes().await, ["$better$"]);
}

pub(crate) async fn users_of_another_store_are_put_in_the_place_of_those_here(fixture: &impl Fixture) {
    let store = fixture.open().await;
    store.add_users(&[user("bob"), user("carol")]).await.unwrap();
    let other = User { disabled: true, email: None, created_at: 50, ..user("bob") };
    store.put_users(&[user("alice"), other.clone()]).await.unwrap();
    assert_eq!(all_users(&*store).await.unwrap(), [user("alice"), other, user("carol")]);
    assert!(all_entries(&*store).await.is_empty());
    store.put_users(&[]).await.unwrap();
}
