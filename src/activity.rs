//! When sessions were last used, gathered in memory and written to the store a few times a minute.
//!
//! A decision only looks into a map of its own thread; the map that threads share is locked once for each session, thread
//! and [`Activity::GRAIN`].

use crate::check::identifiers::SessionId;
use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// What was seen and not written yet.
#[derive(Default)]
pub struct Activity {
    seen: Mutex<HashMap<SessionId, u64>>,
    renewed: Mutex<HashMap<SessionId, u64>>,
}

/// A thread remembers so many sessions; a flood of others makes it ask the shared map more often, and nothing else.
const MOST: usize = 20_000;

thread_local! {
    /// When this thread last told of a session.
    static TOLD: RefCell<HashMap<SessionId, u64>> = RefCell::default();
}

impl Activity {
    /// How precisely it is known when a session was last used, in seconds.
    pub const GRAIN: u64 = 5;
    /// How long a session's cookie is not renewed again on the way, in seconds.
    const RENEWAL_PAUSE: u64 = 10;

    /// A token of this session was accepted at `now`, in seconds since 1970.
    pub fn saw(&self, sid: &SessionId, now: u64) {
        let is_told = TOLD.with_borrow_mut(|told| {
            if let Some(at) = told.get_mut(sid) {
                let is_recent = now.saturating_sub(*at) < Self::GRAIN;
                *at = if is_recent { *at } else { now };
                return is_recent;
            }
            if told.len() >= MOST {
                told.clear();
            }
            told.insert(sid.clone(), now);
            false
        });
        if !is_told {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(sid.clone(), now);
        }
    }

    /// Whether a session's cookie may be renewed on the way at `now`, in seconds since 1970: once in a while is enough.
    pub fn may_renew(&self, sid: &SessionId, now: u64) -> bool {
        let mut renewed = self.renewed.lock().unwrap_or_else(PoisonError::into_inner);
        if renewed.len() >= MOST {
            renewed.retain(|_, at| now.saturating_sub(*at) < Self::RENEWAL_PAUSE);
        }
        match renewed.insert(sid.clone(), now) {
            Some(before) if now.saturating_sub(before) < Self::RENEWAL_PAUSE => {
                renewed.insert(sid.clone(), before);
                false
            }
            Some(_) | None => true,
        }
    }

    /// What was seen since the last call.
    #[must_use]
    pub fn take(&self) -> Vec<(SessionId, u64)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).drain().collect()
    }

    /// When a session was seen, if that was not written yet.
    #[must_use]
    pub fn seen_at(&self, sid: &SessionId) -> Option<u64> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(sid).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_told_of_once_for_each_grain() {
        let activity = Activity::default();
        let sid = SessionId::new([1; 16]);
        activity.saw(&sid, 100);
        assert_eq!(activity.seen_at(&sid), Some(100));
        assert_eq!(activity.take(), [(sid.clone(), 100)]);
        activity.saw(&sid, 100 + Activity::GRAIN - 1);
        assert!(activity.take().is_empty());
        activity.saw(&sid, 100 + Activity::GRAIN);
        assert_eq!(activity.take(), [(sid, 100 + Activity::GRAIN)]);
    }
}
