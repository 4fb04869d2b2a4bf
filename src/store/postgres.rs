//! A store in a PostgreSQL database, in the schema `samehand`, which many replicas share.
//!
//! A few connections are kept, and one more for each who listens for news. No call waits longer than [`PATIENCE`], and some
//! more for many rows; a server that does not answer, lies behind, or takes no writes just now is away.

mod address;
mod attempts;
mod clock;
mod connection;
mod news;
mod revocations;
mod schema;
mod sessions;
mod shared;
mod tls;
mod trail;
mod users;

pub(in crate::store) use address::unverified_hosts;

use self::address::Target;
use self::connection::{Failure, PATIENCE};
use super::{
    Access, Bucket, Changes, News, Replica, Revocation, Revoked, SealedKeys, Session, Store, StoreError, StoreUrl,
    StoredPassword, TrailEntry, TrailRow, User, UserChange,
};
use crate::check::identifiers::{Revision, SessionId};
use crate::check::names::UserName;
use crate::check::revocation::{Entry, Forgotten, ID_BYTES};
use async_trait::async_trait;
use deadpool_postgres::{Object, Pool};
use std::time::Duration;

/// So long may take what is done once, or to an unknown number of rows: migrating, ending every session.
const LONG_PATIENCE: Duration = Duration::from_secs(60);
/// The fewest rows that a server which is not to be called away writes in a second.
const ROWS_A_SECOND: u64 = 5000;

/// How long a change of so many rows may take.
fn patience(rows: usize) -> Duration {
    PATIENCE + Duration::from_secs(rows as u64 / ROWS_A_SECOND)
}

/// A store in a PostgreSQL database.
pub(super) struct PostgresStore {
    place: String,
    access: Access,
    target: Target,
    pool: Pool,
}

impl PostgresStore {
    /// The store at this address. Connects to nothing yet.
    pub(super) fn at(url: &StoreUrl, access: Access) -> Result<Self, StoreError> {
        let place = url.to_string();
        let refused = |problem| StoreError::Refused { place: place.clone(), problem };
        let target = address::read(url.danger_whole()).map_err(refused)?;
        let pool = connection::pool(&target).map_err(refused)?;
        Ok(Self { place, access, target, pool })
    }

    async fn client(&self) -> Result<Object, Failure> {
        Ok(self.pool.get().await?)
    }

    /// Waits for a call, but no longer than this. A connection on which an answer is missing is asked before it is used
    /// again, and dropped when it is silent.
    async fn within<T>(
        &self,
        patience: Duration,
        call: impl Future<Output = Result<T, Failure>> + Send,
    ) -> Result<T, StoreError> {
        match tokio::time::timeout(patience, call).await {
            Ok(done) => done.map_err(|failure| failure.at(&self.place)),
            Err(_) => {
                let problem = format!("no answer within {} s", patience.as_secs());
                Err(StoreError::Away { place: self.place.clone(), problem })
            }
        }
    }
}

/// A call of one statement, which is a transaction by itself.
macro_rules! call {
    ($store:ident, $steps:path $(, $argument:expr)*) => {
        $store.within(PATIENCE, async { $steps(&$store.client().await? $(, $argument)*).await }).await
    };
}

/// A change of several steps, which others see whole or not at all. (A function could not say what it takes.)
macro_rules! change {
    ($store:ident, $patience:expr, $steps:path $(, $argument:expr)*) => {
        $store
            .within($patience, async {
                let mut client = $store.client().await?;
                let transaction = client.transaction().await?;
                let done = $steps(&transaction $(, $argument)*).await?;
                transaction.commit().await?;
                Ok(done)
            })
            .await
    };
}

#[async_trait]
impl Store for PostgresStore {
    fn place(&self) -> String {
        self.place.clone()
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        if call!(self, schema::is_newest, self.access, &self.place)? {
            return Ok(());
        }
        self.within(LONG_PATIENCE, async { schema::migrate(&mut self.client().await?, &self.place).await }).await
    }

    async fn add_users(&self, added: &[User]) -> Result<(), StoreError> {
        change!(self, patience(added.len()), users::add, added)
    }

    async fn user(&self, name: &UserName) -> Result<Option<User>, StoreError> {
        call!(self, users::read, name)
    }

    async fn users_after(&self, after: Option<&UserName>, limit: usize) -> Result<Vec<User>, StoreError> {
        call!(self, users::read_after, after, limit)
    }

    async fn change_user(&self, name: &UserName, change: &UserChange, now: u64) -> Result<(User, Revoked), StoreError> {
        change!(self, PATIENCE, users::change, name, change, now)
    }

    async fn rehash(
        &self,
        name: &UserName,
        old: &StoredPassword,
        new: &StoredPassword,
        now: u64,
    ) -> Result<(), StoreError> {
        call!(self, users::rehash, name, old, new, now)
    }

    async fn remove_user(&self, name: &UserName) -> Result<Revoked, StoreError> {
        change!(self, PATIENCE, users::remove, name)
    }

    async fn password_schemes(&self) -> Result<Vec<String>, StoreError> {
        call!(self, users::password_schemes)
    }

    async fn open_session(&self, session: &Session) -> Result<(), StoreError> {
        change!(self, PATIENCE, sessions::put, std::slice::from_ref(session))
    }

    async fn session(&self, sid: &SessionId) -> Result<Option<Session>, StoreError> {
        call!(self, sessions::read, sid)
    }

    async fn sessions_after(
        &self,
        user: Option<&UserName>,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Result<Vec<Session>, StoreError> {
        call!(self, sessions::read_after, user, after, limit)
    }

    async fn note_seen(&self, seen: &[(SessionId, u64)]) -> Result<(), StoreError> {
        change!(self, PATIENCE, sessions::note_seen, seen)
    }

    async fn revision(&self) -> Result<Revision, StoreError> {
        call!(self, revocations::latest)
    }

    async fn revoke(&self, revocations: &[Revocation]) -> Result<Revoked, StoreError> {
        let patience = match revocations.contains(&Revocation::Everything) {
            true => LONG_PATIENCE,
            false => patience(revocations.len()),
        };
        change!(self, patience, revocations::revoke, revocations)
    }

    async fn changes(&self, since: Revision, limit: usize) -> Result<Changes, StoreError> {
        call!(self, revocations::changes, since, limit)
    }

    async fn subscribe(&self) -> Result<Box<dyn News>, StoreError> {
        let listening = self.within(PATIENCE, news::listen(&self.target, &self.place)).await?;
        Ok(Box::new(listening))
    }

    async fn take_attempt(&self, buckets: &[Bucket]) -> Result<Option<u64>, StoreError> {
        match call!(self, attempts::wait, buckets)? {
            Some(wait) => Ok(Some(wait)),
            None => change!(self, PATIENCE, attempts::take, buckets),
        }
    }

    async fn give_attempt_back(&self, buckets: &[Bucket]) -> Result<(), StoreError> {
        change!(self, PATIENCE, attempts::give_back, buckets)
    }

    async fn forget_attempts(&self, keys: &[[u8; ID_BYTES]]) -> Result<(), StoreError> {
        call!(self, attempts::forget, keys)
    }

    async fn remember(&self, key: [u8; ID_BYTES], seconds: u64) -> Result<bool, StoreError> {
        change!(self, PATIENCE, attempts::remember, key, seconds)
    }

    async fn remembers(&self, key: [u8; ID_BYTES]) -> Result<bool, StoreError> {
        call!(self, attempts::remembers, key)
    }

    async fn keys(&self) -> Result<Option<SealedKeys>, StoreError> {
        call!(self, shared::keys)
    }

    async fn put_keys(&self, sealed: &[u8], replaces: u64) -> Result<bool, StoreError> {
        change!(self, PATIENCE, shared::put_keys, sealed, replaces)
    }

    async fn announce(&self, replica: &Replica, within: u64) -> Result<Vec<Replica>, StoreError> {
        call!(self, shared::announce, replica, within)
    }

    async fn note_time(&self, by: u64, mark_ms: Option<u64>) -> Result<(), StoreError> {
        call!(self, clock::note, by, mark_ms)
    }

    async fn purge(&self, now: u64) -> Result<(), StoreError> {
        while call!(self, shared::purge_some, now)? {}
        Ok(())
    }

    async fn note_trail(&self, entries: &[TrailEntry]) -> Result<(), StoreError> {
        change!(self, patience(entries.len()), trail::note, entries)
    }

    async fn latest_of_trail(&self) -> Result<u64, StoreError> {
        call!(self, trail::latest)
    }

    async fn trail_after(&self, position: u64, limit: usize) -> Result<Vec<TrailRow>, StoreError> {
        call!(self, trail::after, position, limit)
    }

    async fn forget_trail(&self, before: u64) -> Result<(), StoreError> {
        call!(self, trail::forget, before)
    }

    async fn put_forgotten(&self, forgotten: Forgotten) -> Result<(), StoreError> {
        call!(self, clock::put_forgotten, forgotten)
    }

    async fn put_users(&self, put: &[User]) -> Result<(), StoreError> {
        change!(self, patience(put.len()), users::put, put)
    }

    async fn put_sessions(&self, put: &[Session]) -> Result<(), StoreError> {
        change!(self, patience(put.len()), sessions::put, put)
    }

    async fn put_revocations(&self, entries: &[Entry]) -> Result<(), StoreError> {
        change!(self, patience(entries.len()), revocations::put, entries)
    }
}
