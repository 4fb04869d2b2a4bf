//! What is special to the file of the embedded store. That it keeps the promises of every store is held in `tests/stores`.

use super::opening::NEWEST;
use super::*;
use crate::check::names::Groups;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use tempfile::TempDir;
use tokio::runtime::Builder;

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn name(text: &str) -> UserName {
    UserName::enter(text).unwrap()
}

fn user(text: &str) -> User {
    User {
        name: name(text),
        display_name: None,
        email: None,
        groups: Groups::default(),
        password: StoredPassword::new("$scheme$hash".to_owned(), "$scheme$".to_owned()),
        disabled: false,
        created_at: 100,
        updated_at: 100,
    }
}

fn create(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(path, Access::Create)
}

fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(path, Access::Existing)
}

fn wait<T>(call: impl Future<Output = T>) -> T {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(call)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn only_the_owner_may_read_what_is_created() {
    let directory = directory();
    let path = directory.path().join("deep/data/samehand.db");
    let store = create(&path).unwrap();
    wait(store.add_users(&[user("bob")])).unwrap();
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
    drop(create(&path).unwrap());
    for exposed in [0o640, 0o604, 0o620] {
        fs::set_permissions(&path, fs::Permissions::from_mode(exposed)).unwrap();
        for refused in [open(&path), create(&path)] {
            let message = refused.err().unwrap().to_string();
            assert!(message.contains(&format!("chmod 600 {}", path.display())), "{message}");
        }
    }
}

#[test]
fn opening_says_where_it_looked_and_creates_nothing() {
    let directory = directory();
    let path = directory.path().join("data/samehand.db");
    let message = open(&path).err().unwrap().to_string();
    assert!(message.contains(&path.display().to_string()), "{message}");
    assert!(message.contains("samehand user add"), "{message}");
    assert!(!path.parent().unwrap().exists());
}

#[test]
fn a_store_in_the_place_of_a_directory_says_what_it_needs() {
    let directory = directory();
    let file = directory.path().join("data");
    fs::write(&file, "").unwrap();
    let message = create(&file.join("samehand.db")).err().unwrap().to_string();
    assert!(message.contains("SAMEHAND_DATA"), "{message}");
}

#[test]
fn a_store_newer_than_the_program_is_refused_with_both_versions() {
    let directory = directory();
    let path = directory.path().join("samehand.db");
    drop(create(&path).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", NEWEST + 6).unwrap();
    let message = open(&path).err().unwrap().to_string();
    assert!(message.contains(&format!("format version {}", NEWEST + 6)), "{message}");
    assert!(message.contains(&format!("up to {NEWEST}")), "{message}");
    assert!(message.contains(env!("CARGO_PKG_VERSION")), "{message}");
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let directory = directory();
    let path = directory.path().join("samehand.db");
    fs::write(&path, "alice:$2y$10$not a database at all, and long enough to be read as a header of one, really")
        .unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(matches!(open(&path), Err(StoreError::Refused { .. })));
}

/// What samehand 0.1.0 wrote before there were sessions: its table, and a user in it.
const VERSION_1: &str = "
    CREATE TABLE users (
        name TEXT NOT NULL PRIMARY KEY,
        display_name TEXT,
        email TEXT,
        group_names TEXT NOT NULL,
        password_hash TEXT NOT NULL,
        password_scheme TEXT NOT NULL,
        disabled INTEGER NOT NULL CHECK (disabled IN (0, 1)),
        created_at INTEGER NOT NULL,
        updated_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX users_by_password_scheme ON users (password_scheme);
    INSERT INTO users VALUES ('bob', NULL, NULL, '', '$scheme$hash', '$scheme$', 0, 100, 100);
    PRAGMA user_version = 1;
    PRAGMA journal_mode = wal;";

#[test]
fn a_store_of_format_version_1_is_upgraded_with_what_it_holds() {
    let directory = directory();
    let path = directory.path().join("samehand.db");
    Connection::open(&path).unwrap().execute_batch(VERSION_1).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let store = open(&path).unwrap();
    assert_eq!(wait(store.user(&name("bob"))).unwrap(), Some(user("bob")));
    let revoked = wait(store.remove_user(&name("bob"))).unwrap();
    assert_eq!(wait(store.changes(Revision::NONE, 10)).unwrap().entries, revoked.entries);
    let version: i64 =
        Connection::open(&path).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, NEWEST);
}

/// Set in a process that [`processes_that_create_a_store_at_once_wait_for_each_other`] starts: which store to write to.
const CREATED_AT: &str = "SAMEHAND_TEST_CREATED_AT";

#[test]
fn processes_that_create_a_store_at_once_wait_for_each_other() {
    #[expect(clippy::disallowed_methods, reason = "how a test tells its own child what to do")]
    if let Some(path) = std::env::var_os(CREATED_AT) {
        let store = create(Path::new(&path)).unwrap();
        for number in 0..10 {
            wait(store.add_users(&[user(&format!("process{}.{number}", std::process::id()))])).unwrap();
        }
        return;
    }
    let directory = directory();
    let path = directory.path().join("samehand.db");
    let own_name = "store::sqlite::tests::processes_that_create_a_store_at_once_wait_for_each_other";
    let start = || {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", own_name, "--nocapture"]).env(CREATED_AT, &path).spawn().unwrap()
    };
    // One migrates and switches the file to its write-ahead log, the others find it done.
    let processes: Vec<_> = (0..4).map(|_| start()).collect();
    for mut process in processes {
        assert!(process.wait().unwrap().success());
    }
    assert_eq!(wait(open(&path).unwrap().users_after(None, 100)).unwrap().len(), 40);
}

#[test]
fn a_hash_does_not_show_in_debug_output() {
    let shown = format!("{:?}", user("bob"));
    assert!(shown.contains("$scheme$") && !shown.contains("$scheme$hash"), "{shown}");
}
