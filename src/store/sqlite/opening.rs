//! Getting hold of the store's file: creating it, refusing what is not ours to open, bringing it to the newest format.
//!
//! All formats the store ever had are here and nowhere else. It never reads or writes a user.

use crate::ownership;
use crate::store::StoreError;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

/// Every format the store ever had: entry N brings version N to version N + 1. Entries are only ever added.
const MIGRATIONS: &[&str] = &[
    "CREATE TABLE users (
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
    CREATE INDEX users_by_password_scheme ON users (password_scheme);",
    "CREATE TABLE sessions (
        id TEXT NOT NULL PRIMARY KEY,
        user_name TEXT NOT NULL,
        signed_in_by TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        last_seen_at INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        device TEXT NOT NULL,
        network TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sessions_by_user ON sessions (user_name, id);
    CREATE INDEX sessions_by_end ON sessions (ends_at);
    CREATE TABLE revocations (
        revision INTEGER NOT NULL PRIMARY KEY,
        id BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
        earlier_than INTEGER,
        expires_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX revocations_by_expiry ON revocations (expires_at);
    CREATE TABLE latest_revision (only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1), revision INTEGER NOT NULL) STRICT;
    INSERT INTO latest_revision VALUES (1, 0);
    CREATE TABLE attempts (
        key BLOB NOT NULL PRIMARY KEY CHECK (length(key) = 16),
        full_at_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX attempts_by_end ON attempts (full_at_ms);
    CREATE TABLE remembered (
        key BLOB NOT NULL PRIMARY KEY CHECK (length(key) = 16),
        until_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX remembered_by_end ON remembered (until_ms);
    CREATE TABLE key_ring (
        only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
        version INTEGER NOT NULL,
        sealed BLOB NOT NULL
    ) STRICT;
    CREATE TABLE replicas (
        name TEXT NOT NULL PRIMARY KEY,
        settings TEXT NOT NULL,
        seen_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;",
    "CREATE TABLE trail (
        position INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
        noted_at INTEGER NOT NULL,
        entry TEXT NOT NULL
    ) STRICT;
    CREATE INDEX trail_by_time ON trail (noted_at);",
    "ALTER TABLE attempts ADD COLUMN written_at_ms INTEGER NOT NULL DEFAULT 0;
    CREATE TABLE clock (
        only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
        mark_ms INTEGER NOT NULL,
        said_ms INTEGER NOT NULL,
        said_by INTEGER NOT NULL,
        forgotten_until INTEGER NOT NULL,
        forgotten_under INTEGER NOT NULL
    ) STRICT;
    INSERT INTO clock VALUES (1, 0, 0, 0, 0, 0);",
];

/// The version that this program reads and writes.
pub(super) const NEWEST: i64 = MIGRATIONS.len() as i64;

/// How long a call waits for another process that is writing.
const PATIENCE: Duration = Duration::from_secs(5);

/// Another connection to a file that [`create`] or [`open`] has brought to the newest format.
pub(super) fn connect_again(path: &Path) -> Result<Connection, StoreError> {
    connect(path).map_err(|error| failed(path, error))
}

/// What the database said, as our error: a file that another process holds is only away for a moment.
pub(super) fn failed(path: &Path, error: rusqlite::Error) -> StoreError {
    let (place, problem) = (path.display().to_string(), error.to_string());
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Away { place, problem },
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            let remedy = "check that the user samehand runs as may write there and into its directory, and that the file \
                 system is not mounted read-only";
            StoreError::Refused { place, problem: format!("it cannot be written ({problem}): {remedy}") }
        }
        Some(ErrorCode::DiskFull) => {
            let remedy = "make room for it; nothing of this change was kept";
            StoreError::Refused { place, problem: format!("its disk is full ({problem}): {remedy}") }
        }
        _ => StoreError::Refused { place, problem },
    }
}

/// Opens the file in the newest format; creates it, and its directory, where there is none, for the owner only.
pub(super) fn create(path: &Path) -> Result<Connection, StoreError> {
    let directory = directory(path);
    // An existing directory keeps its mode: the file protects itself, and systemd's StateDirectory is not ours.
    let created = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    created.map_err(|error| unreachable(directory, error))?;
    let _turn = take_turn(directory)?;
    // SQLite would create the file with the process's umask; it gives its companion files the mode of this one.
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(unreachable(path, error)),
    }
    bring_up(path)
}

/// Opens the file that is there, in the newest format.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    refuse_exposed_file(path)?;
    let _turn = take_turn(directory(path))?;
    bring_up(path)
}

fn bring_up(path: &Path) -> Result<Connection, StoreError> {
    refuse_exposed_file(path)?;
    let mut connection = connect(path).map_err(|error| failed(path, error))?;
    migrate(&mut connection, path)?;
    use_write_ahead_log(&connection).map_err(|error| failed(path, error))?;
    Ok(connection)
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

/// Processes open the store one after the other: SQLite does not wait for another process while it switches a new
/// file to its write-ahead log, but fails. The lock is on the directory, because closing a file gives up SQLite's own
/// locks on it, and it is given up when the returned file is dropped.
fn take_turn(directory: &Path) -> Result<File, StoreError> {
    let opened = File::open(directory);
    let locked = opened.and_then(|file| file.lock().map(|()| file));
    locked.map_err(|error| unreachable(directory, error))
}

fn directory(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn unreachable(path: &Path, error: std::io::Error) -> StoreError {
    StoreError::Unreachable { place: path.display().to_string(), error }
}

fn refuse_exposed_file(path: &Path) -> Result<(), StoreError> {
    let place = || path.display().to_string();
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(StoreError::Missing { place: place() }),
        Err(error) => return Err(StoreError::Unreachable { place: place(), error }),
    };
    ownership::of(path, &metadata)
        .and_then(|()| ownership::of_directory(directory(path)))
        .map_err(|problem| StoreError::Refused { place: place(), problem })?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(StoreError::Exposed { place: place(), mode }) }
}

/// Brings the store to the newest version. Two processes may try at once: the second finds the work done.
fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |error| failed(path, error);
    if missing_migrations(version(connection).map_err(failed)?, path)?.is_empty() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    for migration in missing_migrations(version(&transaction).map_err(failed)?, path)? {
        transaction.execute_batch(migration).map_err(failed)?;
    }
    transaction.pragma_update(None, "user_version", NEWEST).map_err(failed)?;
    transaction.commit().map_err(failed)
}

fn missing_migrations(found: i64, path: &Path) -> Result<&'static [&'static str], StoreError> {
    let missing = usize::try_from(found).ok().and_then(|found| MIGRATIONS.get(found..));
    missing.ok_or_else(|| StoreError::Newer { place: path.display().to_string(), found, known: NEWEST })
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Readers and the one writer do not block each other in this mode. It is a property of the file and stays.
fn use_write_ahead_log(connection: &Connection) -> rusqlite::Result<()> {
    let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0))?;
    if mode != "wal" {
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get::<_, String>(0))?;
    }
    wait_for_the_disk(connection)
}

/// A change is on disk when the call returns: a revocation must not be undone by a power cut.
fn wait_for_the_disk(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "full")
}

/// While it lives, changes do not wait for the disk. In this mode of the file that cannot damage it.
pub(super) struct InPassing<'a>(&'a Connection);

impl<'a> InPassing<'a> {
    pub(super) fn begin(connection: &'a Connection) -> rusqlite::Result<Self> {
        connection.pragma_update(None, "synchronous", "normal")?;
        Ok(Self(connection))
    }
}

impl Drop for InPassing<'_> {
    fn drop(&mut self) {
        // Outside of a transaction this sets a number in memory, and does not fail.
        let is_set = wait_for_the_disk(self.0);
        debug_assert!(is_set.is_ok());
    }
}
