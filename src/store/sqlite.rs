//! The embedded store: one SQLite file in WAL mode, which the service and the command line use at the same time.
//!
//! The file is readable by its owner only. It does not belong on a network file system: SQLite's locks do not hold there.

mod opening;
mod user_row;

use self::user_row::{COLUMNS, UserRow, read_user, seconds, write_user};
use super::{StoreError, StoredPassword, User};
use crate::check::names::UserName;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The embedded store. Shared by threads; their calls take turns.
pub struct Store {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl Store {
    /// Opens the store, and creates it with its directory when it is missing.
    pub fn create(path: &Path) -> Result<Self, StoreError> {
        opening::create(path).map(|connection| Self::new(path, connection))
    }

    /// Opens the store that is there.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        opening::open(path).map(|connection| Self::new(path, connection))
    }

    fn new(path: &Path, connection: Connection) -> Self {
        Self { path: path.to_owned(), connection: Mutex::new(connection) }
    }

    /// Adds users: all of them, or none when one of the names exists.
    pub fn add_users(&self, users: &[User]) -> Result<(), StoreError> {
        self.change(|transaction| {
            for user in users {
                if read_user(transaction, &user.name).map_err(|error| self.failed(error))?.is_some() {
                    return Err(StoreError::UserExists(user.name.clone()));
                }
                let insert = format!("INSERT INTO users ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
                write_user(transaction, &insert, user).map_err(|error| self.failed(error))?;
            }
            Ok(())
        })
    }

    /// The user of this name, if there is one.
    pub fn user(&self, name: &UserName) -> Result<Option<User>, StoreError> {
        let row = read_user(&self.connection(), name).map_err(|error| self.failed(error))?;
        row.map(|row| self.checked(row)).transpose()
    }

    /// All users by name.
    pub fn users(&self) -> Result<Vec<User>, StoreError> {
        let rows = {
            let connection = self.connection();
            let read = || {
                let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM users ORDER BY name"))?;
                statement.query_map([], UserRow::read)?.collect::<Result<Vec<_>, _>>()
            };
            read().map_err(|error| self.failed(error))?
        };
        rows.into_iter().map(|row| self.checked(row)).collect()
    }

    /// How many users there are.
    pub fn count_users(&self) -> Result<u64, StoreError> {
        let count = self.connection().query_row("SELECT count(*) FROM users", [], |row| row.get::<_, i64>(0));
        count.map(i64::unsigned_abs).map_err(|error| self.failed(error))
    }

    /// Changes a user and returns what it is now. Whatever `change` does to the name and to `created_at` is ignored.
    pub fn change_user(&self, name: &UserName, now: u64, change: impl FnOnce(&mut User)) -> Result<User, StoreError> {
        self.change(|transaction| {
            let row = read_user(transaction, name).map_err(|error| self.failed(error))?;
            let before = self.checked(row.ok_or_else(|| StoreError::NoSuchUser(name.clone()))?)?;
            let mut after = before.clone();
            change(&mut after);
            let after = User { name: before.name, created_at: before.created_at, updated_at: now, ..after };
            let update = "UPDATE users SET display_name = ?2, email = ?3, group_names = ?4, password_hash = ?5, \
                 password_scheme = ?6, disabled = ?7, created_at = ?8, updated_at = ?9 WHERE name = ?1";
            write_user(transaction, update, &after).map_err(|error| self.failed(error))?;
            Ok(after)
        })
    }

    /// Puts another hash of the same password in the place of `old`; nothing happens when the password has been
    /// changed meanwhile.
    pub fn rehash(
        &self,
        name: &UserName,
        old: &StoredPassword,
        new: &StoredPassword,
        now: u64,
    ) -> Result<(), StoreError> {
        let update = "UPDATE users SET password_hash = ?3, password_scheme = ?4, updated_at = ?5 \
             WHERE name = ?1 AND password_hash = ?2";
        let values = params![name.as_str(), old.hash(), new.hash(), new.scheme(), seconds(now)];
        let changed = self.connection().execute(update, values);
        changed.map(|_| ()).map_err(|error| self.failed(error))
    }

    /// Removes a user.
    pub fn remove_user(&self, name: &UserName) -> Result<(), StoreError> {
        let removed = self.connection().execute("DELETE FROM users WHERE name = ?1", [name.as_str()]);
        match removed.map_err(|error| self.failed(error))? {
            0 => Err(StoreError::NoSuchUser(name.clone())),
            _ => Ok(()),
        }
    }

    /// Every scheme in which a password is hashed, each once.
    pub fn password_schemes(&self) -> Result<Vec<String>, StoreError> {
        let connection = self.connection();
        let read = || {
            let mut statement = connection.prepare_cached("SELECT DISTINCT password_scheme FROM users")?;
            statement.query_map([], |row| row.get(0))?.collect::<Result<Vec<_>, _>>()
        };
        read().map_err(|error| self.failed(error))
    }

    /// Makes a change of several steps, which other processes see whole or not at all.
    fn change<T>(&self, steps: impl FnOnce(&Transaction<'_>) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let mut connection = self.connection();
        // Immediate: a transaction that first reads and then writes must not find that somebody wrote in between.
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|error| self.failed(error))?;
        let done = steps(&transaction)?;
        transaction.commit().map_err(|error| self.failed(error))?;
        Ok(done)
    }

    /// A call that panicked rolled its transaction back; the connection is as good as before.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, error: rusqlite::Error) -> StoreError {
        StoreError::Database { path: self.path.clone(), error }
    }

    fn checked(&self, row: UserRow) -> Result<User, StoreError> {
        let name = row.name.clone();
        row.check().map_err(|problem| StoreError::Damaged {
            path: self.path.clone(),
            problem: format!("the row of the user {name:?}: {problem}"),
        })
    }
}

#[cfg(test)]
mod tests;
