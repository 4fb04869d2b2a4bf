//! The set of revocations: complete, small, and read without a lock.
//!
//! A million entries take some 25 bytes each: a sorted array with an index of its first bits, which are evenly spread
//! because identifiers are digests. What came since is a small map over it. A change makes a new set that shares the
//! array; only when the map has grown is the array made anew.

use super::{Entry, Forgotten, ID_BYTES, LONGEST_LIFETIME, Reach, RevokedId};
use crate::check::identifiers::Revision;
use std::collections::HashMap;
use std::sync::Arc;

/// Every revocation that was heard of. A clone shares what is large.
#[derive(Clone, Default)]
pub struct RevocationSet {
    /// Tokens and sessions that are over, with the time from when on nobody asks.
    ended: Layered,
    /// Users, with the revision of their last revocation.
    users: Layered,
    everything: Option<Revision>,
    revision: Revision,
    forgotten: Forgotten,
}

impl RevocationSet {
    /// Whether nothing was ever revoked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ended.is_empty() && self.users.is_empty() && self.everything.is_none()
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ended.len() + self.users.len() + usize::from(self.everything.is_some())
    }

    /// The latest revision that was heard of.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// What the store has forgotten.
    #[must_use]
    pub fn forgotten(&self) -> Forgotten {
        self.forgotten
    }

    /// The set without what the store has forgotten. Entries that came since then may be lost with it, and are to be added
    /// again.
    #[must_use]
    pub fn without_forgotten(&self, forgotten: Forgotten) -> Self {
        Self { forgotten: self.forgotten.and(forgotten), ..self.without_expired(forgotten.until) }
    }

    /// Whether this token or session is over.
    #[must_use]
    pub fn has_ended(&self, id: RevokedId) -> bool {
        self.ended.value(id).is_some()
    }

    /// The last revocation of everything.
    #[must_use]
    pub fn everything(&self) -> Option<Revision> {
        self.everything
    }

    /// The last revocation of all that this user had.
    #[must_use]
    pub fn user(&self, id: RevokedId) -> Option<Revision> {
        self.users.value(id).map(Revision::new)
    }

    /// The set with these entries too, in any order and any number of times.
    #[must_use]
    pub fn with(&self, entries: &[Entry]) -> Self {
        let mut set = self.clone();
        let mut ended = Vec::new();
        let mut users = Vec::new();
        for entry in entries {
            set.revision = set.revision.max(entry.revision);
            match (entry.reach, entry.id) {
                (Reach::Itself, id) => ended.push((id, entry.expires_at)),
                (Reach::Earlier(than), RevokedId::EVERYTHING) => set.everything = set.everything.max(Some(than)),
                (Reach::Earlier(than), id) => users.push((id, than.number())),
            }
        }
        set.ended.add(&ended);
        set.users.add(&users);
        set
    }

    /// The set without what concerns only tokens that have expired at `now`, in seconds since 1970.
    #[must_use]
    pub fn without_expired(&self, now: u64) -> Self {
        let is_over = |revision: Revision| revision.seconds().saturating_add(LONGEST_LIFETIME) <= now;
        Self {
            ended: self.ended.retain(|expires_at| expires_at > now),
            users: self.users.retain(|revision| !is_over(Revision::new(revision))),
            everything: self.everything.filter(|revision| !is_over(*revision)),
            revision: self.revision,
            forgotten: self.forgotten,
        }
    }

    /// The entries that another set does not hold, or not as far, and that concern anything after `now`, in seconds since
    /// 1970: what a store has lost that holds the other set.
    #[must_use]
    pub fn lacking_in(&self, other: &Self, now: u64) -> Vec<Entry> {
        let is_held = |entry: &Entry| match (entry.reach, entry.id) {
            (Reach::Itself, id) => other.has_ended(id),
            (Reach::Earlier(than), RevokedId::EVERYTHING) => other.everything >= Some(than),
            (Reach::Earlier(than), id) => other.user(id) >= Some(than),
        };
        self.entries().filter(|entry| entry.expires_at > now && !is_held(entry)).collect()
    }

    /// Every entry.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        let revision = self.revision;
        let expires = |revision: Revision| revision.seconds().saturating_add(LONGEST_LIFETIME);
        let itself = move |(id, expires_at)| Entry { id, reach: Reach::Itself, revision, expires_at };
        let ended = self.ended.rows().map(itself);
        let earlier = move |id, than| Entry { id, reach: Reach::Earlier(than), revision, expires_at: expires(than) };
        let users = self.users.rows().map(move |(id, than)| earlier(id, Revision::new(than)));
        ended.chain(users).chain(self.everything.map(|than| earlier(RevokedId::EVERYTHING, than)))
    }
}

/// So many recent entries are kept in a map of their own before the array is made anew.
const FEWEST_RECENT: usize = 1024;
/// With a large array that many times more: making it anew costs as much as it is long.
const BASE_PER_RECENT: usize = 64;

/// Identifiers with a number each; of two numbers the larger one holds.
#[derive(Clone, Default)]
struct Layered {
    base: Arc<Sorted>,
    recent: Arc<HashMap<RevokedId, u64>>,
}

impl Layered {
    fn is_empty(&self) -> bool {
        self.base.rows.is_empty() && self.recent.is_empty()
    }

    fn len(&self) -> usize {
        let new = self.recent.keys().filter(|id| self.base.value(**id).is_none());
        self.base.rows.len() + new.count()
    }

    fn value(&self, id: RevokedId) -> Option<u64> {
        // The map is empty most of the time, and then not worth hashing for.
        let recent = if self.recent.is_empty() { None } else { self.recent.get(&id).copied() };
        recent.max(self.base.value(id))
    }

    fn add(&mut self, added: &[(RevokedId, u64)]) {
        let news: Vec<_> = added.iter().filter(|(id, value)| self.value(*id).is_none_or(|own| own < *value)).collect();
        if news.is_empty() {
            return;
        }
        let mut recent = HashMap::clone(&self.recent);
        for (id, value) in news {
            let own = recent.entry(*id).or_insert(*value);
            *own = (*own).max(*value);
        }
        if recent.len() <= FEWEST_RECENT.max(self.base.rows.len() / BASE_PER_RECENT) {
            self.recent = Arc::new(recent);
            return;
        }
        let mut rows: Vec<Row> = recent.into_iter().map(Row::new).collect();
        rows.sort_unstable();
        *self = Self { base: Arc::new(Sorted::new(merge(&self.base.rows, rows))), recent: Arc::default() };
    }

    fn retain(&self, keep: impl Fn(u64) -> bool) -> Self {
        if self.rows().all(|(_, value)| keep(value)) {
            return self.clone();
        }
        let mut rows: Vec<Row> = self.rows().filter(|(_, value)| keep(*value)).map(Row::new).collect();
        rows.sort_unstable();
        Self { base: Arc::new(Sorted::new(rows)), recent: Arc::default() }
    }

    /// Every identifier once.
    fn rows(&self) -> impl Iterator<Item = (RevokedId, u64)> {
        let base = self.base.rows.iter().map(Row::read).filter(|(id, _)| !self.recent.contains_key(id));
        base.chain(self.recent.iter().map(|(id, value)| (*id, *value)))
    }
}

/// Both in order, each identifier once: with what `newer` says of it.
fn merge(older: &[Row], newer: Vec<Row>) -> Vec<Row> {
    let mut merged = Vec::with_capacity(older.len() + newer.len());
    let mut older = older.iter().copied().peekable();
    for row in newer {
        while let Some(before) = older.next_if(|before| before.id() < row.id()) {
            merged.push(before);
        }
        older.next_if(|same| same.id() == row.id());
        merged.push(row);
    }
    merged.extend(older);
    merged
}

/// An identifier and its number, without padding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Row([u8; ID_BYTES + 8]);

impl Row {
    fn new((id, value): (RevokedId, u64)) -> Self {
        let mut bytes = [0; ID_BYTES + 8];
        bytes[..ID_BYTES].copy_from_slice(&id.bytes());
        bytes[ID_BYTES..].copy_from_slice(&value.to_be_bytes());
        Self(bytes)
    }

    fn id(&self) -> &[u8] {
        &self.0[..ID_BYTES]
    }

    fn read(&self) -> (RevokedId, u64) {
        let (mut id, mut value) = ([0; ID_BYTES], [0; 8]);
        id.copy_from_slice(&self.0[..ID_BYTES]);
        value.copy_from_slice(&self.0[ID_BYTES..]);
        (RevokedId::from_bytes(id), u64::from_be_bytes(value))
    }
}

/// Rows in the order of their identifiers, and where the rows that begin with the same bits start.
#[derive(Default)]
struct Sorted {
    rows: Vec<Row>,
    starts: Vec<u32>,
    bits: u32,
}

/// At least so many rows share an entry of the index, and at most twice as many, on average.
const ROWS_PER_START: usize = 4;

impl Sorted {
    /// The index of rows that are in order.
    fn new(rows: Vec<Row>) -> Self {
        let bits = (rows.len() / ROWS_PER_START).max(1).ilog2();
        let mut starts = vec![0_u32; (1 << bits) + 1];
        for row in &rows {
            starts[bucket(row.read().0, bits) + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        Self { rows, starts, bits }
    }

    fn value(&self, id: RevokedId) -> Option<u64> {
        if self.rows.is_empty() {
            return None;
        }
        let bucket = bucket(id, self.bits);
        let rows = &self.rows[self.starts[bucket] as usize..self.starts[bucket + 1] as usize];
        rows.iter().find(|row| row.id() == id.bytes()).map(|row| row.read().1)
    }
}

/// The first `bits` bits, at most 32.
fn bucket(id: RevokedId, bits: u32) -> usize {
    let [a, b, c, d, ..] = id.bytes();
    (u64::from(u32::from_be_bytes([a, b, c, d])) >> (32 - bits)) as usize
}

#[cfg(test)]
mod tests;
