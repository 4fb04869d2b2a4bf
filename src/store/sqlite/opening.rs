//! Getting hold of the store's file: creating it, refusing what is not ours to open, bringing it to the newest format.
//!
//! All formats the store ever had are here and nowhere else. It never reads or writes a user.

use crate::store::StoreError;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

/// Every format the store ever had: entry N brings version N to version N + 1. Entries are only ever added.
const MIGRATIONS: &[&str] = &["CREATE TABLE users (
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
    CREATE INDEX users_by_password_scheme ON users (password_scheme);"];

/// The version that this program reads and writes.
pub(super) const NEWEST: i64 = MIGRATIONS.len() as i64;

/// How long a call waits for another process that is writing.
const PATIENCE: Duration = Duration::from_secs(5);

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
    connect(path)
}

/// Opens the file that is there, in the newest format.
pub(super) fn open(path: &Path) -> Result<Connection, StoreError> {
    refuse_exposed_file(path)?;
    let _turn = take_turn(directory(path))?;
    connect(path)
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    refuse_exposed_file(path)?;
    let failed = |error| StoreError::Database { path: path.to_owned(), error };
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.busy_timeout(PATIENCE).map_err(failed)?;
    migrate(&mut connection, path)?;
    use_write_ahead_log(&connection).map_err(failed)?;
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
    StoreError::Unreachable { path: path.to_owned(), error }
}

fn refuse_exposed_file(path: &Path) -> Result<(), StoreError> {
    match fs::metadata(path).map(|metadata| metadata.permissions().mode() & 0o7777) {
        Ok(mode) if mode & 0o077 == 0 => Ok(()),
        Ok(mode) => Err(StoreError::Exposed { path: path.to_owned(), mode }),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(StoreError::Missing(path.to_owned())),
        Err(error) => Err(StoreError::Unreachable { path: path.to_owned(), error }),
    }
}

/// Brings the store to the newest version. Two processes may try at once: the second finds the work done.
fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::Database { path: path.to_owned(), error };
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
    missing.ok_or_else(|| StoreError::Newer { path: path.to_owned(), found, known: NEWEST })
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
    // A change is on disk when the call returns: a revocation must not be undone by a power cut.
    connection.pragma_update(None, "synchronous", "full")
}
