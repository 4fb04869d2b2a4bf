//! What stores share about revocations: what each kind becomes in the set, and an entry as a row of a table.

use super::Revocation;
use super::user::signed;
use crate::check::identifiers::Revision;
use crate::check::revocation::{Entry, ID_BYTES, LONGEST_LIFETIME, Reach, RevokedId};

impl Revocation {
    /// The entry of the set under this revision; of a session the store says when it would have ended.
    pub(super) fn entry(&self, revision: Revision, session_ends_at: Option<u64>) -> Entry {
        let longest = revision.seconds().saturating_add(LONGEST_LIFETIME);
        let (id, reach, expires_at) = match self {
            Self::Token { id, expires_at } => (*id, Reach::Itself, *expires_at),
            Self::Session(sid) => (RevokedId::session(sid), Reach::Itself, session_ends_at.unwrap_or(longest)),
            Self::User(name) => (RevokedId::user(name), Reach::Earlier(revision), longest),
            Self::Everything => (RevokedId::EVERYTHING, Reach::Earlier(revision), longest),
        };
        Entry { id, reach, revision, expires_at }
    }
}

/// The revision after which entries of another store are put: later than the present one and than any they reach to.
pub(super) fn after_all(latest: Revision, entries: &[Entry]) -> Revision {
    let reached = entries.iter().filter_map(|entry| match entry.reach {
        Reach::Earlier(than) => Some(than),
        Reach::Itself => None,
    });
    reached.fold(latest, Revision::max)
}

/// An entry as bytes and numbers, as a store keeps it and gives it back.
#[derive(Clone, Copy, Debug)]
pub(super) struct RevocationRow {
    pub(super) id: [u8; ID_BYTES],
    /// What it reaches to, if it is not about itself only.
    pub(super) earlier_than: Option<i64>,
    pub(super) revision: i64,
    pub(super) expires_at: i64,
}

impl RevocationRow {
    pub(super) fn of(entry: &Entry) -> Self {
        let earlier_than = match entry.reach {
            Reach::Itself => None,
            Reach::Earlier(than) => Some(signed(than.number())),
        };
        let (revision, expires_at) = (signed(entry.revision.number()), signed(entry.expires_at));
        Self { id: entry.id.bytes(), earlier_than, revision, expires_at }
    }

    pub(super) fn entry(self) -> Entry {
        Entry {
            id: RevokedId::from_bytes(self.id),
            reach: self.earlier_than.map_or(Reach::Itself, |than| Reach::Earlier(read_revision(than))),
            revision: read_revision(self.revision),
            expires_at: self.expires_at.unsigned_abs(),
        }
    }
}

pub(super) fn read_revision(number: i64) -> Revision {
    Revision::new(number.unsigned_abs())
}
