//! Has it been taken back? The complete set of revocations, in memory, and the step of the decision that asks it.
//!
//! A token is over when its own identifier, its session's, or a later revocation of its user or of everything stands in
//! the set. Identifiers, never the text of a token, are what is looked up: a signature has more than one spelling.
//! A set that was not compared with the store for too long says neither yes nor no.

mod set;

pub use set::RevocationSet;

use super::identifiers::{Revision, SessionId};
use super::names::UserName;
use super::token::VerifiedToken;
use sha2::{Digest, Sha256};

/// Bytes of an identifier in the set: 128 bits of a digest, so that all take the same room.
pub const ID_BYTES: usize = 16;

/// The longest that any token may live, in seconds: a year. So long a revocation of a user is kept.
pub const LONGEST_LIFETIME: u64 = 365 * 24 * 60 * 60;

/// No two clocks of replicas and their store are so far apart, in seconds: an hour, which is a time zone that somebody
/// took for one. So much longer than its tokens live a revocation is kept, because a clock that is behind still accepts
/// what has expired by the others.
pub const CLOCKS_APART: u64 = 60 * 60;

/// Names a token, a session, a user, or everything, in the set and in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RevokedId([u8; ID_BYTES]);

impl RevokedId {
    /// Everything that was issued.
    pub const EVERYTHING: Self = Self([0; ID_BYTES]);

    /// One token, by its `jti`.
    #[must_use]
    pub fn token(jti: &str) -> Self {
        Self::digest(b"token/", jti.as_bytes())
    }

    /// One session.
    #[must_use]
    pub fn session(sid: &SessionId) -> Self {
        Self::digest(b"session/", sid.as_str().as_bytes())
    }

    /// All that was issued to a user, however a minter spells the name: the store knows lower case only.
    #[must_use]
    pub fn user(name: &UserName) -> Self {
        Self::of_subject(name.as_str())
    }

    /// Bytes that a store keeps, or the keyed digest of an article token.
    #[must_use]
    pub fn from_bytes(bytes: [u8; ID_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(self) -> [u8; ID_BYTES] {
        self.0
    }

    pub(super) fn of_subject(subject: &str) -> Self {
        Self::digest(b"user/", subject.to_ascii_lowercase().as_bytes())
    }

    fn digest(kind: &[u8], text: &[u8]) -> Self {
        let full = Sha256::new().chain_update(kind).chain_update(text).finalize();
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&full[..ID_BYTES]);
        Self(id)
    }
}

/// What one token is called in the set.
#[derive(Clone, Copy, Debug)]
pub(super) struct RevokedIds {
    pub(super) token: RevokedId,
    pub(super) session: Option<RevokedId>,
    pub(super) user: RevokedId,
}

/// One revocation, as a store keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is about.
    pub id: RevokedId,
    /// How far it reaches.
    pub reach: Reach,
    /// Its place in the order in which a store was told of revocations.
    pub revision: Revision,
    /// From when on nothing that it concerns can be valid, in seconds since 1970.
    pub expires_at: u64,
}

/// What a store has forgotten: revocations that concern only what expires at a time or before. By a clock that is right that
/// has expired; after a clock that was wrong some of it may be good again, and nobody knows what was revoked of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// The latest expiry of what was removed, in seconds since 1970.
    pub until: u64,
    /// The store's revision then: what was issued under it, or later, was not concerned.
    pub under: Revision,
}

impl Forgotten {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { until: self.until.max(other.until), under: self.under.max(other.under) }
    }
}

/// How far a revocation reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The token or session itself, for good.
    Itself,
    /// What was issued under an earlier revision than this one, and nothing that is issued later: a user's tokens, or
    /// everybody's.
    Earlier(Revision),
}

/// What is known about revocations at the moment of a decision.
#[derive(Clone, Copy)]
pub struct Knowledge<'a> {
    /// Every revocation that was heard of.
    pub set: &'a RevocationSet,
    /// Whether it is too long ago that the store confirmed that these are all.
    pub is_stale: bool,
}

/// A verified token that was not taken back.
#[derive(Debug)]
pub struct LiveToken(VerifiedToken);

impl LiveToken {
    /// The token.
    #[must_use]
    pub fn token(&self) -> &VerifiedToken {
        &self.0
    }

    pub(super) fn into_token(self) -> VerifiedToken {
        self.0
    }
}

/// Why a token that verifies is not good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationError {
    /// It was taken back: itself, or with all that its user, or everybody, had.
    TokenRevoked,
    /// Its session has ended.
    SessionEnded,
    /// Whether it was taken back is not known.
    StoreStale,
}

/// Asks whether a token was taken back.
///
/// # Errors
/// See [`RevocationError`].
pub fn check(token: VerifiedToken, knowledge: Knowledge<'_>) -> Result<LiveToken, RevocationError> {
    if let Some(error) = knowledge.set.taken_back(&token) {
        return Err(error);
    }
    match knowledge.is_stale {
        true => Err(RevocationError::StoreStale),
        false => Ok(LiveToken(token)),
    }
}

impl RevocationSet {
    /// Whether a token was taken back, and how.
    pub(super) fn taken_back(&self, token: &VerifiedToken) -> Option<RevocationError> {
        if token.expires_at() <= self.forgotten().until && self.may_have_been_forgotten(token) {
            return Some(RevocationError::TokenRevoked);
        }
        if self.is_empty() {
            return None;
        }
        let ids = token.revoked_ids();
        if self.has_ended(ids.token) || self.covers(token, ids) {
            return Some(RevocationError::TokenRevoked);
        }
        let has_ended = ids.session.is_some_and(|session| self.has_ended(session));
        has_ended.then_some(RevocationError::SessionEnded)
    }

    /// Whether a token was issued before something was forgotten.
    #[cold]
    fn may_have_been_forgotten(&self, token: &VerifiedToken) -> bool {
        token.issued_under().is_none_or(|issued_under| issued_under < self.forgotten().under)
    }

    /// Whether a revocation of its user, or of everything, came after the token was issued.
    fn covers(&self, token: &VerifiedToken, ids: &RevokedIds) -> bool {
        let covers = |revoked: Option<Revision>| match (revoked, token.issued_under()) {
            (None, _) => false,
            (Some(revoked), Some(issued_under)) => issued_under < revoked,
            // A token that somebody else minted knows seconds only. Those of the second itself count as earlier.
            (Some(revoked), None) => token.issued_at() <= revoked.seconds(),
        };
        covers(self.everything()) || covers(self.user(ids.user))
    }
}
