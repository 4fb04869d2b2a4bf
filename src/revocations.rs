//! What this process knows about revocations: the set that decisions are measured against, and how old that knowledge is.
//!
//! [`server`](crate::server) keeps it current. It asks no store itself.

use crate::check::revocation::{Entry, Forgotten, Knowledge, RevocationSet};
use arc_swap::{ArcSwap, Guard};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The set and its age. Read without a lock.
pub struct Revocations {
    set: ArcSwap<RevocationSet>,
    health: ArcSwap<Health>,
    started: Instant,
    /// Milliseconds from `started` to the moment up to which the set is known to be complete; [`NEVER`] before that.
    complete_until: AtomicU64,
    max_stale_ms: AtomicU64,
    /// Whether it was said that the set is too old.
    stale_was_said: AtomicBool,
}

const NEVER: u64 = u64::MAX;

/// What is known about the store, for people and for metrics.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// What the last attempt to reach the store ended with, if it failed.
    pub problem: Option<String>,
    /// How far this machine's clock is ahead of the store's, or of that of another process on the same file, in milliseconds.
    pub clock_ahead_ms: i64,
    /// What about the store's set-up could bring revocations back to life, if anything.
    pub warning: Option<String>,
    /// When the set was last confirmed to be complete, in seconds since 1970.
    pub last_sync: Option<u64>,
}

impl Health {
    /// A clock that is off by more than this is said to be, in milliseconds.
    const CLOCK_TOLERANCE_MS: u64 = 1000;

    /// Whether the store answered when it was last asked.
    #[must_use]
    pub fn answers(&self) -> bool {
        self.last_sync.is_some() && self.problem.is_none()
    }

    /// Whether this machine's clock and the store's are too far apart.
    #[must_use]
    pub fn is_clock_off(&self) -> bool {
        self.clock_ahead_ms.unsigned_abs() > Self::CLOCK_TOLERANCE_MS
    }
}

/// The set at one moment.
pub struct Snapshot {
    set: Guard<Arc<RevocationSet>>,
    is_stale: bool,
}

impl Snapshot {
    /// What a decision is made with.
    #[must_use]
    pub fn knowledge(&self) -> Knowledge<'_> {
        Knowledge { set: &self.set, is_stale: self.is_stale }
    }
}

impl Revocations {
    /// Nothing is known yet. What was not confirmed for `max_stale` is not relied upon.
    #[must_use]
    pub fn new(max_stale: Duration) -> Self {
        let revocations = Self {
            set: ArcSwap::default(),
            health: ArcSwap::default(),
            started: Instant::now(),
            complete_until: AtomicU64::new(NEVER),
            max_stale_ms: AtomicU64::new(0),
            stale_was_said: AtomicBool::new(true),
        };
        revocations.rely_for(max_stale);
        revocations
    }

    /// From now on what was not confirmed for so long is not relied upon.
    pub fn rely_for(&self, max_stale: Duration) {
        self.max_stale_ms.store(milliseconds(max_stale), Ordering::Relaxed);
    }

    /// What is known now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot_at(Instant::now())
    }

    /// What is known now, by who has just looked at the clock.
    #[must_use]
    pub fn snapshot_at(&self, now: Instant) -> Snapshot {
        Snapshot { set: self.set.load(), is_stale: self.is_stale_at(now) }
    }

    /// The set.
    #[must_use]
    pub fn set(&self) -> Arc<RevocationSet> {
        self.set.load_full()
    }

    /// Whether the set is too old to be relied upon.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        self.is_stale_at(Instant::now())
    }

    fn is_stale_at(&self, now: Instant) -> bool {
        match self.complete_until.load(Ordering::Acquire) {
            NEVER => true,
            until => {
                let age = milliseconds(now.saturating_duration_since(self.started)).saturating_sub(until);
                age > self.max_stale_ms.load(Ordering::Relaxed)
            }
        }
    }

    /// Adds what the store was told or has told.
    pub fn add(&self, entries: &[Entry]) {
        if !entries.is_empty() {
            self.set.rcu(|set| set.with(entries));
        }
    }

    /// Forgets what the store has forgotten, and nothing else: whatever clock is wrong, what the store holds is known here.
    /// `since` is what the store was told after that.
    pub fn forget(&self, forgotten: Forgotten, since: &[Entry]) {
        self.set.rcu(|set| set.without_forgotten(forgotten).with(since));
    }

    /// The set holds all that the store held at `asked_at`.
    pub fn is_complete(&self, asked_at: Instant, health: Health) {
        let until = milliseconds(asked_at.saturating_duration_since(self.started));
        self.complete_until.store(until, Ordering::Release);
        self.health.store(Arc::new(health));
        self.stale_was_said.store(false, Ordering::Relaxed);
    }

    /// The store could not be asked.
    pub fn could_not_ask(&self, problem: String) {
        self.health.rcu(|health| Health { problem: Some(problem.clone()), ..Health::clone(health) });
    }

    /// Whether it has still to be said that the set is too old.
    pub fn note_stale(&self) -> bool {
        !self.stale_was_said.swap(true, Ordering::Relaxed)
    }

    /// What is known about the store.
    #[must_use]
    pub fn health(&self) -> Arc<Health> {
        self.health.load_full()
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::identifiers::Revision;
    use crate::check::revocation::{Reach, RevokedId};

    #[test]
    fn it_is_relied_upon_only_so_long() {
        let revocations = Revocations::new(Duration::from_secs(60));
        assert!(revocations.is_stale(), "nothing was ever confirmed");
        revocations.is_complete(Instant::now(), Health::default());
        assert!(!revocations.is_stale());
        revocations.could_not_ask("away".into());
        assert!(!revocations.is_stale(), "an outage alone changes nothing");
        revocations.rely_for(Duration::ZERO);
        let asked_at = revocations.started;
        revocations.is_complete(asked_at, Health::default());
        while revocations.started.elapsed() < Duration::from_millis(2) {}
        assert!(revocations.is_stale());
    }

    #[test]
    fn a_snapshot_that_somebody_holds_does_not_change() {
        let revocations = Revocations::new(Duration::from_secs(60));
        let before = revocations.snapshot();
        let id = RevokedId::token("x");
        revocations.add(&[Entry { id, reach: Reach::Itself, revision: Revision::new(1), expires_at: 100 }]);
        assert!(!before.knowledge().set.has_ended(id));
        assert!(revocations.snapshot().knowledge().set.has_ended(id));
        revocations.forget(Forgotten { until: 99, under: Revision::new(1) }, &[]);
        assert!(revocations.set().has_ended(id), "the store holds it");
        revocations.forget(Forgotten { until: 100, under: Revision::new(1) }, &[]);
        assert!(revocations.set().is_empty());
    }
}
