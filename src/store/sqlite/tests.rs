//! What [`super`] promises, on real files. It tests no passwords: hashes are texts here.

use super::opening::NEWEST;
use super::*;
use crate::check::names::{DisplayName, Email, GroupName, Groups};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Barrier;
use std::thread;
use tempfile::TempDir;

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn name(text: &str) -> UserName {
    UserName::enter(text).unwrap()
}

fn user(text: &str) -> User {
    User {
        name: name(text),
        display_name: Some(DisplayName::read("Zoë, the First").unwrap()),
        email: Some(Email::read("zoe@example.com").unwrap()),
        groups: Groups::new(["ops", "admins"].map(|group| GroupName::enter(group).unwrap())).unwrap(),
        password: StoredPassword::new("$scheme$hash".to_owned(), "$scheme$".to_owned()),
        disabled: false,
        created_at: 100,
        updated_at: 100,
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_user_is_read_back_as_it_was_added() {
    let directory = directory();
    let store = Store::create(&directory.path().join("samehand.db")).unwrap();
    let bare = User { display_name: None, email: None, groups: Groups::default(), ..user("bare") };
    store.add_users(&[user("zoe"), bare.clone()]).unwrap();
    assert_eq!(store.user(&name("zoe")).unwrap(), Some(user("zoe")));
    assert_eq!(store.user(&name("nobody")).unwrap(), None);
    assert_eq!(store.users().unwrap(), [bare, user("zoe")]);
    assert_eq!(store.count_users().unwrap(), 2);
}

#[test]
fn users_are_added_all_or_none() {
    let directory = directory();
    let store = Store::create(&directory.path().join("samehand.db")).unwrap();
    store.add_users(&[user("bob")]).unwrap();
    let refused = store.add_users(&[user("alice"), user("bob"), user("carol")]).unwrap_err();
    assert!(matches!(refused, StoreError::UserExists(exists) if exists == name("bob")));
    assert_eq!(store.users().unwrap(), [user("bob")]);
}

#[test]
fn a_change_keeps_the_name_and_the_day_of_creation() {
    let directory = directory();
    let store = Store::create(&directory.path().join("samehand.db")).unwrap();
    store.add_users(&[user("bob")]).unwrap();
    let changed = store.change_user(&name("bob"), 200, |user| {
        user.name = name("mallory");
        user.created_at = 7;
        user.disabled = true;
        user.email = None;
    });
    let expected = User { disabled: true, email: None, updated_at: 200, ..user("bob") };
    assert_eq!(changed.unwrap(), expected);
    assert_eq!(store.users().unwrap(), [expected]);
    let refused = store.change_user(&name("alice"), 200, |_| {}).unwrap_err();
    assert!(matches!(refused, StoreError::NoSuchUser(missing) if missing == name("alice")));
}

#[test]
fn a_removed_user_is_gone_and_a_missing_one_is_an_error() {
    let directory = directory();
    let store = Store::create(&directory.path().join("samehand.db")).unwrap();
    store.add_users(&[user("bob")]).unwrap();
    store.remove_user(&name("bob")).unwrap();
    assert_eq!(store.count_users().unwrap(), 0);
    assert!(matches!(store.remove_user(&name("bob")), Err(StoreError::NoSuchUser(_))));
}

#[test]
fn a_hash_is_replaced_only_while_the_password_is_the_same() {
    let directory = directory();
    let store = Store::create(&directory.path().join("samehand.db")).unwrap();
    store.add_users(&[user("bob")]).unwrap();
    let old = user("bob").password;
    let new = StoredPassword::new("$better$hash".to_owned(), "$better$".to_owned());
    store.rehash(&name("bob"), &old, &new, 300).unwrap();
    assert_eq!(store.user(&name("bob")).unwrap().unwrap().password, new);
    assert_eq!(store.password_schemes().unwrap(), ["$better$"]);
    let late = StoredPassword::new("$late$hash".to_owned(), "$late$".to_owned());
    store.rehash(&name("bob"), &old, &late, 400).unwrap();
    assert_eq!(store.user(&name("bob")).unwrap().unwrap().password, new);
}

#[test]
fn schemes_are_named_once_each() {
    let directory = directory();
    let store = Store::create(&directory.path().join("samehand.db")).unwrap();
    assert!(store.password_schemes().unwrap().is_empty());
    store.add_users(&[user("alice"), user("bob")]).unwrap();
    assert_eq!(store.password_schemes().unwrap(), ["$scheme$"]);
}

#[test]
fn only_the_owner_may_read_what_is_created() {
    let directory = directory();
    let path = directory.path().join("deep/data/samehand.db");
    let store = Store::create(&path).unwrap();
    store.add_users(&[user("bob")]).unwrap();
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    let files = fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.collect();
    assert!(files.len() >= 2, "the write-ahead log stands beside the store: {files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

#[test]
fn a_file_that_others_may_read_is_refused_with_the_remedy() {
    let directory = directory();
    let path = directory.path().join("samehand.db");
    drop(Store::create(&path).unwrap());
    for exposed in [0o640, 0o604, 0o620] {
        fs::set_permissions(&path, fs::Permissions::from_mode(exposed)).unwrap();
        for refused in [Store::open(&path), Store::create(&path)] {
            let message = refused.err().unwrap().to_string();
            assert!(message.contains(&format!("chmod 600 {}", path.display())), "{message}");
        }
    }
}

#[test]
fn opening_says_where_it_looked_and_creates_nothing() {
    let directory = directory();
    let path = directory.path().join("data/samehand.db");
    let message = Store::open(&path).err().unwrap().to_string();
    assert!(message.contains(&path.display().to_string()), "{message}");
    assert!(message.contains("samehand user add"), "{message}");
    assert!(!path.parent().unwrap().exists());
}

#[test]
fn a_store_in_the_place_of_a_directory_says_what_it_needs() {
    let directory = directory();
    let file = directory.path().join("data");
    fs::write(&file, "").unwrap();
    let message = Store::create(&file.join("samehand.db")).err().unwrap().to_string();
    assert!(message.contains("SAMEHAND_DATA"), "{message}");
}

#[test]
fn a_store_newer_than_the_program_is_refused_with_both_versions() {
    let directory = directory();
    let path = directory.path().join("samehand.db");
    drop(Store::create(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", NEWEST + 6).unwrap();
    let message = Store::open(&path).err().unwrap().to_string();
    assert!(message.contains("format version 7"), "{message}");
    assert!(message.contains("up to 1"), "{message}");
    assert!(message.contains(env!("CARGO_PKG_VERSION")), "{message}");
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let directory = directory();
    let path = directory.path().join("samehand.db");
    fs::write(&path, "alice:$2y$10$not a database at all, and long enough to be read as a header of one, really")
        .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::Database { .. })));
}

#[test]
fn a_row_that_samehand_cannot_have_written_is_named() {
    let directory = directory();
    let path = directory.path().join("samehand.db");
    let store = Store::create(&path).unwrap();
    store.add_users(&[user("bob")]).unwrap();
    Connection::open(&path).unwrap().execute("UPDATE users SET email = 'a,b@c'", []).unwrap();
    let message = store.user(&name("bob")).unwrap_err().to_string();
    assert!(message.contains("damaged") && message.contains("bob"), "{message}");
}

#[test]
fn two_connections_see_each_other_at_once() {
    let directory = directory();
    let path = directory.path().join("samehand.db");
    let service = Store::create(&path).unwrap();
    let command_line = Store::open(&path).unwrap();
    assert_eq!(service.user(&name("bob")).unwrap(), None);
    command_line.add_users(&[user("bob")]).unwrap();
    assert_eq!(service.user(&name("bob")).unwrap(), Some(user("bob")));
    service.change_user(&name("bob"), 200, |user| user.disabled = true).unwrap();
    assert!(command_line.user(&name("bob")).unwrap().unwrap().disabled);
}

#[test]
fn writers_on_two_connections_wait_for_each_other() {
    let directory = directory();
    let path = directory.path().join("samehand.db");
    let start = Barrier::new(4);
    thread::scope(|scope| {
        for writer in 0..4 {
            let (path, start) = (&path, &start);
            scope.spawn(move || {
                start.wait();
                // All four create at once: one migrates and switches the mode of the file, the others find it done.
                let store = Store::create(path).unwrap();
                for number in 0..10 {
                    store.add_users(&[user(&format!("writer{writer}.{number}"))]).unwrap();
                }
            });
        }
    });
    assert_eq!(Store::open(&path).unwrap().count_users().unwrap(), 40);
}

#[test]
fn a_hash_does_not_show_in_debug_output() {
    let shown = format!("{:?}", user("bob"));
    assert!(shown.contains("$scheme$") && !shown.contains("$scheme$hash"), "{shown}");
}
