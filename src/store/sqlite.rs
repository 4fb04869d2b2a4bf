//! The embedded store: one SQLite file in WAL mode, which the service and the command line use at the same time.
//!
//! The file is readable by its owner only. It does not belong on a network file system: SQLite's locks do not hold there.
//! Readers do not wait for the writer, so they have a connection of their own. Every call runs on a thread that may block.

mod attempts;
mod clock;
mod opening;
mod revocations;
mod sessions;
mod shared;
mod trail;
mod users;

use super::user::UserRow;
use super::{
    Access, Bucket, Changes, News, Replica, Revocation, Revoked, SealedKeys, Session, Store, StoreError,
    StoredPassword, TrailEntry, TrailRow, User, UserChange,
};
use crate::check::identifiers::{Revision, SessionId};
use crate::check::names::UserName;
use crate::check::revocation::{Entry, Forgotten, ID_BYTES};
use async_trait::async_trait;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often a service looks for what other processes changed.
const POLL: Duration = Duration::from_millis(200);

/// The embedded store. Shared by threads; their calls take turns.
pub(super) struct SqliteStore {
    file: Arc<StoreFile>,
}

struct StoreFile {
    path: PathBuf,
    reader: Mutex<Connection>,
    writer: Mutex<Connection>,
}

impl SqliteStore {
    /// Opens the store.
    pub(super) fn open(path: &Path, access: Access) -> Result<Self, StoreError> {
        let writer = match access {
            Access::Create => opening::create(path)?,
            Access::Existing => opening::open(path)?,
        };
        let reader = Mutex::new(opening::connect_again(path)?);
        Ok(Self { file: Arc::new(StoreFile { path: path.to_owned(), reader, writer: Mutex::new(writer) }) })
    }

    /// Reads on a thread that may block.
    async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.block(move |file| job(&lock(&file.reader)).map_err(|error| file.failed(error))).await
    }

    /// Makes a change of several steps, which other processes see whole or not at all.
    async fn change<T: Send + 'static>(
        &self,
        steps: impl FnOnce(&Transaction<'_>) -> Result<T, ChangeError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.block(move |file| {
            let mut connection = lock(&file.writer);
            let failed = |error| file.failed(error);
            // Immediate: a transaction that first reads and then writes must not find that somebody wrote in between.
            let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
            let done = steps(&transaction).map_err(|error| match error {
                ChangeError::Database(error) => failed(error),
                ChangeError::Damaged(problem) => file.damaged(problem),
                ChangeError::Refused(error) => error,
            })?;
            transaction.commit().map_err(failed)?;
            Ok(done)
        })
        .await
    }

    /// Makes a change that a power cut may undo. It costs no wait for the disk, and cannot damage the file.
    async fn change_in_passing<T: Send + 'static>(
        &self,
        steps: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.block(move |file| {
            let connection = lock(&file.writer);
            let failed = |error| file.failed(error);
            let _in_passing = opening::InPassing::begin(&connection).map_err(failed)?;
            let transaction =
                Transaction::new_unchecked(&connection, TransactionBehavior::Immediate).map_err(failed)?;
            let done = steps(&transaction).map_err(failed)?;
            transaction.commit().map_err(failed)?;
            Ok(done)
        })
        .await
    }

    async fn block<T: Send + 'static>(
        &self,
        job: impl FnOnce(&StoreFile) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let file = Arc::clone(&self.file);
        let done = tokio::task::spawn_blocking(move || job(&file));
        let stopped = |_| StoreError::Away { place: self.place(), problem: "the program is ending".into() };
        done.await.map_err(stopped)?
    }

    fn checked<T>(&self, checked: Result<T, String>) -> Result<T, StoreError> {
        checked.map_err(|problem| self.file.damaged(problem))
    }
}

/// Why a change was not made.
enum ChangeError {
    Database(rusqlite::Error),
    Damaged(String),
    Refused(StoreError),
}

impl From<rusqlite::Error> for ChangeError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// A call that panicked rolled its transaction back; the connection is as good as before.
fn lock(connection: &Mutex<Connection>) -> MutexGuard<'_, Connection> {
    connection.lock().unwrap_or_else(PoisonError::into_inner)
}

impl StoreFile {
    fn failed(&self, error: rusqlite::Error) -> StoreError {
        opening::failed(&self.path, error)
    }

    fn damaged(&self, problem: String) -> StoreError {
        StoreError::Damaged { place: self.path.display().to_string(), problem }
    }
}

/// The clock of the database, in milliseconds since 1970.
fn clock_ms(connection: &Connection) -> rusqlite::Result<u64> {
    let read = "SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER)";
    connection.prepare_cached(read)?.query_row([], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
}

#[async_trait]
impl Store for SqliteStore {
    fn place(&self) -> String {
        self.file.path.display().to_string()
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        self.revision().await.map(drop)
    }

    async fn add_users(&self, added: &[User]) -> Result<(), StoreError> {
        let added = added.to_vec();
        self.change(move |transaction| users::add(transaction, &added)).await
    }

    async fn user(&self, name: &UserName) -> Result<Option<User>, StoreError> {
        let name = name.clone();
        let row = self.read(move |connection| users::read(connection, &name)).await?;
        self.checked(row.map(UserRow::check).transpose())
    }

    async fn users_after(&self, after: Option<&UserName>, limit: usize) -> Result<Vec<User>, StoreError> {
        let after = after.cloned();
        let rows = self.read(move |connection| users::read_after(connection, after.as_ref(), limit)).await?;
        self.checked(rows.into_iter().map(UserRow::check).collect())
    }

    async fn change_user(&self, name: &UserName, change: &UserChange, now: u64) -> Result<(User, Revoked), StoreError> {
        let (name, change) = (name.clone(), change.clone());
        self.change(move |transaction| users::change(transaction, &name, &change, now)).await
    }

    async fn rehash(
        &self,
        name: &UserName,
        old: &StoredPassword,
        new: &StoredPassword,
        now: u64,
    ) -> Result<(), StoreError> {
        let (name, old, new) = (name.clone(), old.clone(), new.clone());
        self.change(move |transaction| Ok(users::rehash(transaction, &name, &old, &new, now)?)).await
    }

    async fn remove_user(&self, name: &UserName) -> Result<Revoked, StoreError> {
        let name = name.clone();
        self.change(move |transaction| users::remove(transaction, &name)).await
    }

    async fn password_schemes(&self) -> Result<Vec<String>, StoreError> {
        self.read(users::password_schemes).await
    }

    async fn open_session(&self, session: &Session) -> Result<(), StoreError> {
        self.put_sessions(std::slice::from_ref(session)).await
    }

    async fn session(&self, sid: &SessionId) -> Result<Option<Session>, StoreError> {
        let sid = sid.clone();
        let row = self.read(move |connection| sessions::read(connection, &sid)).await?;
        self.checked(row.map(super::session::SessionRow::check).transpose())
    }

    async fn sessions_after(
        &self,
        user: Option<&UserName>,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Result<Vec<Session>, StoreError> {
        let (user, after) = (user.cloned(), after.cloned());
        let read =
            move |connection: &Connection| sessions::read_after(connection, user.as_ref(), after.as_ref(), limit);
        let rows = self.read(read).await?;
        self.checked(rows.into_iter().map(super::session::SessionRow::check).collect())
    }

    async fn note_seen(&self, seen: &[(SessionId, u64)]) -> Result<(), StoreError> {
        let seen = seen.to_vec();
        self.change(move |transaction| Ok(sessions::note_seen(transaction, &seen)?)).await
    }

    async fn revision(&self) -> Result<Revision, StoreError> {
        self.read(revocations::latest).await
    }

    async fn revoke(&self, revocations: &[Revocation]) -> Result<Revoked, StoreError> {
        let revocations = revocations.to_vec();
        self.change(move |transaction| Ok(revocations::revoke(transaction, &revocations)?)).await
    }

    async fn changes(&self, since: Revision, limit: usize) -> Result<Changes, StoreError> {
        self.read(move |connection| revocations::changes(connection, since, limit)).await
    }

    async fn subscribe(&self) -> Result<Box<dyn News>, StoreError> {
        Ok(Box::new(Poll))
    }

    async fn take_attempt(&self, buckets: &[Bucket]) -> Result<Option<u64>, StoreError> {
        let buckets = buckets.to_vec();
        self.change_in_passing(move |transaction| attempts::take(transaction, &buckets)).await
    }

    async fn give_attempt_back(&self, buckets: &[Bucket]) -> Result<(), StoreError> {
        let buckets = buckets.to_vec();
        self.change_in_passing(move |transaction| attempts::give_back(transaction, &buckets)).await
    }

    async fn forget_attempts(&self, keys: &[[u8; ID_BYTES]]) -> Result<(), StoreError> {
        let keys = keys.to_vec();
        self.change(move |transaction| Ok(attempts::forget(transaction, &keys)?)).await
    }

    async fn remember(&self, key: [u8; ID_BYTES], seconds: u64) -> Result<bool, StoreError> {
        self.change_in_passing(move |transaction| attempts::remember(transaction, key, seconds)).await
    }

    async fn remembers(&self, key: [u8; ID_BYTES]) -> Result<bool, StoreError> {
        self.read(move |connection| attempts::remembers(connection, key)).await
    }

    async fn keys(&self) -> Result<Option<SealedKeys>, StoreError> {
        self.read(shared::keys).await
    }

    async fn put_keys(&self, sealed: &[u8], replaces: u64) -> Result<bool, StoreError> {
        let sealed = sealed.to_vec();
        self.change(move |transaction| Ok(shared::put_keys(transaction, &sealed, replaces)?)).await
    }

    async fn announce(&self, replica: &Replica, within: u64) -> Result<Vec<Replica>, StoreError> {
        let replica = replica.clone();
        self.change(move |transaction| shared::announce(transaction, &replica, within)).await
    }

    async fn note_time(&self, by: u64, mark_ms: Option<u64>) -> Result<(), StoreError> {
        self.change_in_passing(move |transaction| clock::note(transaction, by, mark_ms)).await
    }

    async fn purge(&self, now: u64) -> Result<(), StoreError> {
        self.change(move |transaction| Ok(shared::purge(transaction, now)?)).await
    }

    async fn put_forgotten(&self, forgotten: Forgotten) -> Result<(), StoreError> {
        self.change(move |transaction| Ok(clock::put_forgotten(transaction, forgotten)?)).await
    }

    async fn note_trail(&self, entries: &[TrailEntry]) -> Result<(), StoreError> {
        let entries = entries.to_vec();
        self.change(move |transaction| Ok(trail::note(transaction, &entries)?)).await
    }

    async fn latest_of_trail(&self) -> Result<u64, StoreError> {
        self.read(trail::latest).await
    }

    async fn trail_after(&self, position: u64, limit: usize) -> Result<Vec<TrailRow>, StoreError> {
        let rows = self.read(move |connection| trail::after(connection, position, limit)).await?;
        self.checked(rows.iter().map(|(position, text)| TrailRow::read(*position, text)).collect())
    }

    async fn forget_trail(&self, before: u64) -> Result<(), StoreError> {
        self.change(move |transaction| Ok(trail::forget(transaction, before)?)).await
    }

    async fn put_users(&self, put: &[User]) -> Result<(), StoreError> {
        let put = put.to_vec();
        self.change(move |transaction| Ok(users::put(transaction, &put)?)).await
    }

    async fn put_sessions(&self, put: &[Session]) -> Result<(), StoreError> {
        let put = put.to_vec();
        self.change(move |transaction| Ok(sessions::put(transaction, &put)?)).await
    }

    async fn put_revocations(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let entries = entries.to_vec();
        self.change(move |transaction| Ok(revocations::put(transaction, &entries)?)).await
    }
}

/// SQLite tells nobody about changes of other processes; looking costs microseconds.
struct Poll;

#[async_trait]
impl News for Poll {
    async fn next(&mut self) -> Result<(), StoreError> {
        tokio::time::sleep(POLL).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
