//! The audit trail of a running service: one log line an entry, and how many entries strangers may cause.
//!
//! Decisions have lines of their own in [`audit`](crate::audit); here is what somebody changed or tried to change.

use crate::store::TrailEntry;
use log::info;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Tries of one kind are written so often within a [`WINDOW`]; the next entry says how many more there were.
const MOST_TRIES: u32 = 10;
/// See [`MOST_TRIES`].
const WINDOW: Duration = Duration::from_secs(60);

/// Counts what anybody can try without being allowed to.
#[derive(Default)]
pub struct Trail {
    tries: Mutex<HashMap<&'static str, Tries>>,
}

struct Tries {
    since: Instant,
    written: u32,
    unwritten: u64,
}

impl Trail {
    /// Counts a try of this kind. If it is to be written, for how many it stands.
    pub fn admit(&self, action: &'static str) -> Option<u64> {
        self.admit_at(action, Instant::now())
    }

    fn admit_at(&self, action: &'static str, now: Instant) -> Option<u64> {
        let mut all = self.tries.lock().unwrap_or_else(PoisonError::into_inner);
        let tries = all.entry(action).or_insert(Tries { since: now, written: 0, unwritten: 0 });
        if now.saturating_duration_since(tries.since) >= WINDOW {
            (tries.since, tries.written) = (now, 0);
        }
        tries.unwritten += 1;
        if tries.written >= MOST_TRIES {
            return None;
        }
        tries.written += 1;
        Some(std::mem::take(&mut tries.unwritten))
    }
}

/// Writes the line of an entry.
pub fn say(entry: &TrailEntry) {
    info!(
        action = entry.action.as_str(), actor = entry.actor.as_str(), subject = entry.subject.as_str(),
        remote_ip = entry.remote_ip.as_str(), result = entry.result.as_str(), sid = entry.sid.as_str(),
        request_id = entry.request_id.as_str(), count = entry.count;
        "audit"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_tries_are_a_few_entries_and_none_is_left_uncounted() {
        let (trail, start) = (Trail::default(), Instant::now());
        let within: Vec<_> = (0..100).map(|_| trail.admit_at("try", start)).collect();
        assert_eq!(within.iter().flatten().count(), 10);
        assert_eq!(trail.admit_at("another", start), Some(1), "each kind for itself");
        assert_eq!(trail.admit_at("try", start + WINDOW), Some(91));
        assert_eq!(trail.admit_at("try", start + WINDOW), Some(1));
    }
}
