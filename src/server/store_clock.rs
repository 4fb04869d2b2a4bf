//! What the tasks of this process share about the store's clock, and saying what happened to it. [`clock`](crate::store::clock)
//! judges.

use crate::store::Changes;
use crate::store::clock::{Event, StoreClock};
use log::{info, warn};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The store's clock, as this process knows it.
pub(super) struct SharedClock {
    clock: Mutex<StoreClock>,
    /// Whether others have to hear at once what this one says.
    has_to_answer: AtomicBool,
}

/// Numbers up to here stay what they are in every store.
const LARGEST_NAME: u64 = (1 << 52) - 1;

impl SharedClock {
    /// Nothing is known yet. `is_own` says whether the store's clock is this machine's.
    pub(super) fn new(is_own: bool) -> Self {
        let own = RandomState::new().hash_one(std::process::id()) & LARGEST_NAME | 1;
        let clock = Mutex::new(StoreClock::new(own, is_own, Instant::now()));
        Self { clock, has_to_answer: AtomicBool::new(false) }
    }

    /// What the store has answered to a question of `asked_at`: says what is new about its clock; whether it has jumped.
    pub(super) fn hear(&self, asked_at: Instant, changes: &Changes) -> bool {
        let half_way = asked_at + asked_at.elapsed() / 2;
        let events = self.lock().hear(half_way, changes.clock_ms, &changes.noted);
        let mut has_jumped = false;
        for event in events {
            has_jumped |= matches!(event, Event::Jumped(_));
            if matches!(event, Event::Apart(_)) {
                self.has_to_answer.store(true, Ordering::Relaxed);
            }
            say(event);
        }
        has_jumped
    }

    /// What the store's clock says, in milliseconds since 1970, if it is believed.
    pub(super) fn believed_ms(&self) -> Option<u64> {
        self.lock().believed_ms(Instant::now())
    }

    /// How far this clock is ahead of that of another process on the same file, in milliseconds.
    pub(super) fn ahead_of_others_ms(&self) -> i64 {
        self.lock().ahead_of_others_ms(Instant::now())
    }

    /// What this process is called.
    pub(super) fn own(&self) -> u64 {
        self.lock().own()
    }

    /// Whether another process has to hear what this clock says; it is asked once.
    pub(super) fn has_to_answer(&self) -> bool {
        self.has_to_answer.swap(false, Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, StoreClock> {
        // Whoever panicked did so between two whole changes.
        self.clock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn say(event: Event) {
    match event {
        Event::Jumped(seconds) => {
            let (seconds, direction) = (seconds.unsigned_abs(), if seconds > 0 { "ahead" } else { "back" });
            warn!(
                "the store's clock has jumped {seconds} s {direction}, or its machine has slept; everything is read anew. If \
                 that is not the right time, set the clock (NTP)"
            );
        }
        Event::Unexplained(seconds) => warn!(
            "the store's clock is {seconds} s ahead of when it was last believed: samehand was off for so long, or the clock \
             is wrong. Nothing is removed until it has gone evenly for an hour. Compare it with the right time, and set it \
             if it is wrong (NTP)"
        ),
        Event::BehindMark(seconds) => warn!(
            "the store's clock is {seconds} s behind what it has said before: it was wrong then, or is wrong now. Compare it \
             with the right time, and set it if it is wrong (NTP). Who has signed in with the wrong time may have to sign in \
             again"
        ),
        Event::Apart(seconds) => {
            let (seconds, direction) = (seconds.unsigned_abs(), if seconds > 0 { "ahead of" } else { "behind" });
            warn!(
                "this machine's clock is {seconds} s {direction} that of another process on the same store; tokens may be \
                 refused as not yet valid there, or expire early, and nothing that has expired is removed: set the clocks \
                 (NTP)"
            );
        }
        Event::Believed => info!("the store's clock is believed again"),
    }
}
