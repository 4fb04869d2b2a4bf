//! What a store has revoked, as far as it was read: for telling what another store lacks, and what ended meanwhile.

use crate::check::identifiers::Revision;
use crate::check::names::UserName;
use crate::check::revocation::{Entry, Forgotten, Reach, RevokedId};
use crate::store::{Store, StoreError, outrun_marker};
use std::collections::HashMap;

/// So many entries are read at a time.
const PAGE: usize = 20_000;

/// Every entry that a store was seen to hold.
#[derive(Default)]
pub(super) struct Ledger {
    entries: HashMap<RevokedId, Entry>,
    read_up_to: Revision,
    /// The store's revision when it was last read.
    pub(super) revision: Revision,
    /// The store's clock then, in seconds since 1970.
    pub(super) clock: u64,
    /// What the store has forgotten.
    pub(super) forgotten: Forgotten,
}

impl Ledger {
    /// Reads what is new.
    pub(super) async fn catch_up(&mut self, store: &dyn Store) -> Result<(), StoreError> {
        loop {
            let changes = store.changes(self.read_up_to, PAGE).await?;
            (self.revision, self.clock) = (changes.revision, changes.clock_ms / 1000);
            self.forgotten = changes.noted.forgotten;
            let is_last = changes.entries.len() < PAGE;
            self.read_up_to = changes.entries.last().map_or(self.read_up_to, |last| last.revision);
            // An earlier copy left it, and it concerns nobody.
            let entries = changes.entries.into_iter().filter(|entry| entry.id != outrun_marker());
            self.entries.extend(entries.map(|entry| (entry.id, entry)));
            if is_last {
                return Ok(());
            }
        }
    }

    /// Whether there is an entry about this.
    pub(super) fn has(&self, id: RevokedId) -> bool {
        self.entries.contains_key(&id)
    }

    /// Whether what a user got at this time, in seconds since 1970, was revoked with all that the user, or everybody, had.
    pub(super) fn covers_user(&self, name: &UserName, at: u64) -> bool {
        let reaches = |id| match self.entries.get(&id).map(|entry| entry.reach) {
            Some(Reach::Earlier(than)) => at <= than.seconds(),
            Some(Reach::Itself) | None => false,
        };
        reaches(RevokedId::user(name)) || reaches(RevokedId::EVERYTHING)
    }

    /// How many entries concern anything at `now`, in seconds since 1970.
    pub(super) fn count(&self, now: u64) -> u64 {
        self.entries.values().filter(|entry| entry.expires_at > now).count() as u64
    }

    /// Those of them that another store does not hold as far, the earliest first.
    pub(super) fn lacking(&self, other: &Self, now: u64) -> Vec<Entry> {
        let is_held = |entry: &Entry| {
            other.entries.get(&entry.id).is_some_and(|held| {
                held.expires_at >= entry.expires_at
                    && match (entry.reach, held.reach) {
                        (Reach::Itself, Reach::Itself) => true,
                        (Reach::Earlier(wanted), Reach::Earlier(held)) => held >= wanted,
                        (Reach::Itself, Reach::Earlier(_)) | (Reach::Earlier(_), Reach::Itself) => false,
                    }
            })
        };
        let mut lacking: Vec<_> =
            self.entries.values().filter(|entry| entry.expires_at > now && !is_held(entry)).copied().collect();
        lacking.sort_unstable_by_key(|entry| entry.revision);
        lacking
    }
}
