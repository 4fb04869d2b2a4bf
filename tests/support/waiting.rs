//! Waiting for what no event tells: asking again and again until it holds, or until it is too late.

use std::{
    thread,
    time::{Duration, Instant},
};

/// Asks until it holds; fails when it does not within `patience` from `since` on. Says how long it took.
#[track_caller]
pub(crate) fn until(since: Instant, patience: Duration, what: &str, mut holds: impl FnMut() -> bool) -> Duration {
    loop {
        let asked_at = since.elapsed();
        if holds() {
            return asked_at;
        }
        assert!(asked_at < patience, "not within {patience:?}: {what}");
        // A service that follows a file, and a clock, have no event to wait for; they can only be asked.
        thread::sleep(Duration::from_millis(5));
    }
}
