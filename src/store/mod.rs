//! Remembers and judges nothing: users, sessions, revocations, attempts to sign in, and the key ring of replicas.
//!
//! What a store promises, whichever it is; one conformance suite holds all of them to it:
//! - a change is durable when the call returns, and seen by every process at its next call; but for attempts that are taken
//!   and put back, and for digests that are remembered: a machine that loses its power may forget the last of them, so that
//!   nobody waits for its disk with every attempt to sign in and every DPoP proof;
//! - a change of several rows happens whole or not at all;
//! - what is read back was checked on the way in and is checked again on the way out;
//! - revisions grow in the order in which revocations become visible: whoever has read up to one has missed nothing;
//! - a store that a newer samehand has written is refused, never guessed at;
//! - a call ends: with [`StoreError::Away`] where the store does not answer for some seconds.
//!
//! No store reads this process's clock: what depends on time is measured by the store's own, which replicas share. That one
//! may be wrong, too: [`clock`] says when it is believed, and what is removed is removed by what is believed only.

mod address;
mod bucket;
pub mod clock;
mod error;
mod postgres;
mod replica;
mod revocation;
mod session;
mod sqlite;
pub mod trail;
mod user;
mod valkey;

pub use address::{StoreAddress, StoreUrl};
pub use bucket::{Bucket, Level};
pub use clock::Noted;
pub use error::StoreError;
pub use session::{Session, SignedInBy};
pub use trail::{TrailEntry, TrailRow};
pub use user::{StoredPassword, User, UserChange};

use crate::check::identifiers::{Revision, SessionId};
use crate::check::names::UserName;
use crate::check::revocation::{Entry, Forgotten, ID_BYTES, LONGEST_LIFETIME, Reach, RevokedId};
use crate::check::token::VerifiedToken;
use async_trait::async_trait;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Whether a store that is not there is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Yes: `serve`, `user add`, `user import`, `token mint`.
    Create,
    /// No: every other command says where it looked.
    Existing,
}

/// The store at an address. The embedded one is opened; one that is reached over a network need not answer yet, see
/// [`Store::prepare`].
///
/// # Errors
/// [`StoreError`] when the embedded store cannot be opened, or the address makes no sense.
pub fn at(address: &StoreAddress, access: Access) -> Result<Arc<dyn Store>, StoreError> {
    match address {
        StoreAddress::Sqlite(path) => Ok(Arc::new(sqlite::SqliteStore::open(path, access)?)),
        StoreAddress::Postgres(url) => Ok(Arc::new(postgres::PostgresStore::at(url, access)?)),
        StoreAddress::Valkey(url) => {
            let refused = |problem| StoreError::Refused { place: url.to_string(), problem };
            let read = valkey::ValkeyUrl::read(url.danger_whole()).map_err(refused)?;
            Ok(Arc::new(valkey::ValkeyStore::new(read, url.to_string(), access)))
        }
    }
}

/// The store at an address, which has to answer now: what commands work with.
///
/// # Errors
/// [`StoreError`] when it is not there, does not answer, or is not ours.
pub async fn open(address: &StoreAddress, access: Access) -> Result<Arc<dyn Store>, StoreError> {
    let store = at(address, access)?;
    store.prepare().await?;
    Ok(store)
}

/// What is to be revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// One token.
    Token {
        /// Its name in the set.
        id: RevokedId,
        /// Its `exp`, in seconds since 1970.
        expires_at: u64,
    },
    /// One session: its row is removed, and the revocation lasts until it would have ended. Of a session that the store
    /// does not know it lasts a year.
    Session(SessionId),
    /// All that was issued to a user before, with the user's sessions.
    User(UserName),
    /// All that was issued before, with every session.
    Everything,
}

impl Revocation {
    /// A token, and the session it belongs to.
    #[must_use]
    pub fn of_token(token: &VerifiedToken) -> Vec<Self> {
        let itself = Self::Token { id: token.revoked_id(), expires_at: token.expires_at() };
        std::iter::once(itself).chain(token.session().cloned().map(Self::Session)).collect()
    }
}

/// What a revocation did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revoked {
    /// What was added to the set.
    pub entries: Vec<Entry>,
    /// How many open sessions it ended.
    pub sessions: u64,
}

/// News since a revision.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// In the order of their revisions, at most as many as were asked for.
    pub entries: Vec<Entry>,
    /// The store's present revision.
    pub revision: Revision,
    /// The store's clock, in milliseconds since 1970.
    pub clock_ms: u64,
    /// What the store has noted about time.
    pub noted: Noted,
    /// The version of the key ring that the store keeps, if it keeps one.
    pub keys_version: Option<u64>,
    /// What about the store's set-up could bring revocations back to life, if anything.
    pub warning: Option<String>,
}

/// The key ring of replicas that have nothing else in common, encrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedKeys {
    /// Counts the changes, from 1.
    pub version: u64,
    /// What only [`keys::sealed`](crate::keys::sealed) with the same `STORE_KEY` can read.
    pub sealed: Vec<u8>,
}

/// What a replica says about itself, so that others can tell what they do not have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replica {
    /// Host name and process, for people.
    pub name: String,
    /// Settings that must agree, each with a text that is equal where the values are; never a secret.
    pub settings: BTreeMap<String, String>,
}

/// Waits for changes that other processes make.
#[async_trait]
pub trait News: Send {
    /// Returns when something may have changed since the last call, or since the subscription.
    ///
    /// # Errors
    /// [`StoreError`] when the subscription is lost: subscribe again, and read everything again.
    async fn next(&mut self) -> Result<(), StoreError>;
}

/// A store.
#[async_trait]
pub trait Store: Send + Sync {
    /// Where it is, for messages; never with a password.
    fn place(&self) -> String;

    /// Makes sure that the store answers and has the newest format: creates what is missing where that was allowed,
    /// migrates an older format, refuses a newer one. May be called again at any time.
    async fn prepare(&self) -> Result<(), StoreError>;

    /// Adds users: all of them, or none when one of the names exists.
    async fn add_users(&self, users: &[User]) -> Result<(), StoreError>;

    /// The user of this name, if there is one.
    async fn user(&self, name: &UserName) -> Result<Option<User>, StoreError>;

    /// The first users by name after this one, at most `limit` of them.
    async fn users_after(&self, after: Option<&UserName>, limit: usize) -> Result<Vec<User>, StoreError>;

    /// Changes a user at the time `now`, in seconds since 1970, and returns what it is now. Where the change says so,
    /// all that was issued to the user before is revoked with it.
    async fn change_user(&self, name: &UserName, change: &UserChange, now: u64) -> Result<(User, Revoked), StoreError>;

    /// Puts another hash of the same password in the place of `old`; nothing happens when the password has been
    /// changed meanwhile.
    async fn rehash(
        &self,
        name: &UserName,
        old: &StoredPassword,
        new: &StoredPassword,
        now: u64,
    ) -> Result<(), StoreError>;

    /// Removes a user and revokes all that was issued to it.
    async fn remove_user(&self, name: &UserName) -> Result<Revoked, StoreError>;

    /// Every scheme in which a password is hashed, each once.
    async fn password_schemes(&self) -> Result<Vec<String>, StoreError>;

    /// Opens a session.
    async fn open_session(&self, session: &Session) -> Result<(), StoreError>;

    /// The session of this name, if it was not revoked. Its times are for the caller to judge.
    async fn session(&self, sid: &SessionId) -> Result<Option<Session>, StoreError>;

    /// The first sessions by name after this one, at most `limit` of them: everybody's, or those of one user.
    async fn sessions_after(
        &self,
        user: Option<&UserName>,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Result<Vec<Session>, StoreError>;

    /// Notes when sessions were last seen, in seconds since 1970; later times win, unknown sessions are passed over.
    async fn note_seen(&self, seen: &[(SessionId, u64)]) -> Result<(), StoreError>;

    /// The present revision: what is issued from now on is issued under it. Whoever issues something to a user reads it
    /// before the user.
    async fn revision(&self) -> Result<Revision, StoreError>;

    /// Revokes all of these together.
    async fn revoke(&self, revocations: &[Revocation]) -> Result<Revoked, StoreError>;

    /// Entries after a revision, at most `limit` of them; fewer than `limit` are all there are.
    async fn changes(&self, since: Revision, limit: usize) -> Result<Changes, StoreError>;

    /// Subscribes to news. Whatever changes after this call returned makes [`News::next`] return.
    async fn subscribe(&self) -> Result<Box<dyn News>, StoreError>;

    /// Takes one attempt out of each bucket, or none when one of them is empty: then it says after how many
    /// milliseconds that one has another.
    async fn take_attempt(&self, buckets: &[Bucket]) -> Result<Option<u64>, StoreError>;

    /// Puts an attempt back into each bucket: it was a good one.
    async fn give_attempt_back(&self, buckets: &[Bucket]) -> Result<(), StoreError>;

    /// Fills buckets up.
    async fn forget_attempts(&self, keys: &[[u8; ID_BYTES]]) -> Result<(), StoreError>;

    /// Remembers a digest for some seconds, or for so many from now on; whether it was not remembered before. Of two
    /// callers at once, one hears yes.
    async fn remember(&self, key: [u8; ID_BYTES], seconds: u64) -> Result<bool, StoreError>;

    /// Whether a digest is remembered.
    async fn remembers(&self, key: [u8; ID_BYTES]) -> Result<bool, StoreError>;

    /// The key ring, if the store keeps one.
    async fn keys(&self) -> Result<Option<SealedKeys>, StoreError>;

    /// Puts a key ring in the place of version `replaces` (0 where there is none); false when that is not the present
    /// version any more. What is sealed must not depend on the version: a copy in another store counts from 1 again.
    async fn put_keys(&self, sealed: &[u8], replaces: u64) -> Result<bool, StoreError>;

    /// Notes what a replica says about itself, and returns what others said within the last `within` seconds.
    async fn announce(&self, replica: &Replica, within: u64) -> Result<Vec<Replica>, StoreError>;

    /// Notes what the store's clock says, and who asked, which is any number but 0; and where its mark is to stand from now
    /// on, in milliseconds since 1970, if the clock is believed.
    async fn note_time(&self, by: u64, mark_ms: Option<u64>) -> Result<(), StoreError>;

    /// Removes what has expired at `now`, in seconds since 1970, which is the store's clock as it is believed: sessions,
    /// attempts, what was remembered for a time, replicas that are gone, and revocations
    /// [`CLOCKS_APART`](crate::check::revocation::CLOCKS_APART) later. What is forgotten about revocations is noted first.
    async fn purge(&self, now: u64) -> Result<(), StoreError>;

    /// Notes that another store, of which this one becomes a copy, has forgotten this.
    async fn put_forgotten(&self, forgotten: Forgotten) -> Result<(), StoreError>;

    /// Adds entries to the audit trail, together and in this order; the oldest beyond [`trail::MOST`] go.
    async fn note_trail(&self, entries: &[TrailEntry]) -> Result<(), StoreError>;

    /// The position of the latest entry of the trail; 0 where there never was one.
    async fn latest_of_trail(&self) -> Result<u64, StoreError>;

    /// Entries of the trail after a position, at most `limit` of them. Whoever has read up to one has missed nothing.
    async fn trail_after(&self, position: u64, limit: usize) -> Result<Vec<TrailRow>, StoreError>;

    /// Removes entries of the trail that are earlier than this, in seconds since 1970.
    async fn forget_trail(&self, before: u64) -> Result<(), StoreError>;

    /// Puts users, as another store holds them, in the place of those of the same names.
    async fn put_users(&self, users: &[User]) -> Result<(), StoreError>;

    /// Puts sessions, as another store holds them, in the place of those of the same names.
    async fn put_sessions(&self, sessions: &[Session]) -> Result<(), StoreError>;

    /// Adds entries, as another store or a replica holds them. Each gets a revision of its own here, later than the
    /// present one and than any that the entries reach to; what an entry reaches to stays. Of two about the same the one
    /// that reaches farther, or expires later, holds.
    async fn put_revocations(&self, entries: &[Entry]) -> Result<(), StoreError>;
}

/// Makes sure that what a store revokes from now on is later than this revision of another store, or of its own life
/// before it lost its data: tokens that were issued under it are then covered like any other, also when that store's
/// clock was ahead of this one's.
///
/// # Errors
/// [`StoreError`].
pub async fn outrun(store: &dyn Store, revision: Revision) -> Result<(), StoreError> {
    if store.revision().await? >= revision {
        return Ok(());
    }
    // An entry about nobody. What it reaches to is what counts. It lasts as long as any other: whoever follows the store and
    // knows it would take it for lost.
    let (id, reach) = (outrun_marker(), Reach::Earlier(revision));
    let expires_at = revision.seconds().saturating_add(LONGEST_LIFETIME);
    store.put_revocations(&[Entry { id, reach, revision, expires_at }]).await
}

/// The entry about nobody that [`outrun`] leaves behind.
#[must_use]
pub fn outrun_marker() -> RevokedId {
    RevokedId::token("the revision of another store")
}

/// So many rows are read at a time.
pub const PAGE: usize = 1000;

/// All users by name.
///
/// # Errors
/// As [`Store::users_after`].
pub async fn all_users(store: &dyn Store) -> Result<Vec<User>, StoreError> {
    let mut users: Vec<User> = Vec::new();
    loop {
        let page = store.users_after(users.last().map(|user| &user.name), PAGE).await?;
        let is_last = page.len() < PAGE;
        users.extend(page);
        if is_last {
            return Ok(users);
        }
    }
}

/// All sessions that are open at `now`, in seconds since 1970: everybody's, or those of one user.
///
/// # Errors
/// As [`Store::sessions_after`].
pub async fn open_sessions(store: &dyn Store, user: Option<&UserName>, now: u64) -> Result<Vec<Session>, StoreError> {
    let mut open = Vec::new();
    let mut after: Option<SessionId> = None;
    loop {
        let page = store.sessions_after(user, after.as_ref(), PAGE).await?;
        let is_last = page.len() < PAGE;
        after = page.last().map(|session| session.id.clone());
        open.extend(page.into_iter().filter(|session| session.ends_at > now));
        if is_last {
            return Ok(open);
        }
    }
}
