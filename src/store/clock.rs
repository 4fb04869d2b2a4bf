//! What time it is for a store, and whether that is believed. It judges; it asks and removes nothing.
//!
//! A store's clock is one that replicas share, or, of a file, the machine's. Somebody may set it wrong and right again. What
//! was removed meanwhile because it seemed to have expired is gone then: revocations of tokens that are good again, proofs
//! that were used, sessions. So nothing is removed by a clock that is not explained:
//!
//! - The store keeps a *mark*: what its clock said when it was last believed. While a process runs it is moved along every
//!   half a minute. A clock that says no more than [`EXPLAINED`] beyond the mark is believed: so much later than they
//!   expire revocations are removed anyway.
//! - A clock that is farther ahead has jumped, or nobody was there for longer than that: nobody can tell which. It is
//!   believed when it has gone evenly for [`CONFIRMED`] by the clock that measures how long something takes, and no other
//!   process has said otherwise. Until then nothing is removed, which costs room and nothing else.
//! - A clock that is behind the mark is believed at once: by it less has expired.
//!
//! A clock that is wrong for longer than that is believed in the end. Then it is still no danger: a store notes until when
//! it has [forgotten](Forgotten) revocations, and a token that ends before then is refused, unless it was issued later.

use crate::check::revocation::{CLOCKS_APART, Forgotten};
use std::time::{Duration, Instant};

/// So far beyond its mark a clock is believed.
pub const EXPLAINED: Duration = Duration::from_secs(CLOCKS_APART);
/// So long a clock has to go evenly before it is believed beyond that.
pub const CONFIRMED: Duration = Duration::from_secs(60 * 60);
/// A clock that differs by more from what it should say has been set.
const STEP_MS: u64 = 60 * 1000;
/// So long it counts that another process has said something else. Each says something every half a minute.
const REMEMBERED: Duration = Duration::from_secs(90);

/// What a store has noted about time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// What its clock said when it was last believed, in milliseconds since 1970; 0 where nobody has asked yet.
    pub mark_ms: u64,
    /// What its clock said to whom it was last noted by, in milliseconds since 1970. Of a file that is somebody's own clock.
    pub said_ms: u64,
    /// By whom; 0 where by nobody yet.
    pub said_by: u64,
    /// What has been forgotten about revocations.
    pub forgotten: Forgotten,
}

impl Noted {
    /// So far beyond the mark, in milliseconds, what is remembered for a time is forgotten. The mark is moved along more
    /// often than that.
    pub const BELIEVED_AHEAD_MS: u64 = 2 * 60 * 1000;

    /// The clock, but no later than the mark lets it be believed.
    #[must_use]
    pub fn at_most_believed(&self, clock_ms: u64) -> u64 {
        match self.mark_ms {
            0 => clock_ms,
            mark => clock_ms.min(mark.saturating_add(Self::BELIEVED_AHEAD_MS)),
        }
    }
}

/// What has to be said about a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It was set, while this process looked, ahead or back by so many seconds.
    Jumped(i64),
    /// It is so many seconds beyond its mark, and nobody knows why.
    Unexplained(u64),
    /// It is so many seconds behind its mark.
    BehindMark(u64),
    /// It is so many seconds ahead of that of another process on the same file.
    Apart(i64),
    /// It is believed again.
    Believed,
}

/// What one process makes of the clock of its store.
#[derive(Debug)]
pub struct StoreClock {
    /// What this process is called in [`Noted::said_by`].
    own: u64,
    /// Whether each process tells its own clock, as on a file.
    is_own: bool,
    heard: Option<(Instant, u64)>,
    /// Since when it has gone evenly and nobody has contradicted.
    evenly_since: Instant,
    /// What somebody else last said, to notice when it is said anew.
    others: Option<(u64, u64)>,
    /// When another process last said something else, and how far this clock is ahead of that, in milliseconds.
    contradicted: Option<(Instant, i64)>,
    is_unexplained: bool,
    is_behind_mark: bool,
}

impl StoreClock {
    /// Nothing is known yet. `own` is any number but 0 that no other process has; `is_own` says whether the store's clock is
    /// the machine's, so that others may have another one.
    #[must_use]
    pub fn new(own: u64, is_own: bool, now: Instant) -> Self {
        Self {
            own,
            is_own,
            heard: None,
            evenly_since: now,
            others: None,
            contradicted: None,
            is_unexplained: false,
            is_behind_mark: false,
        }
    }

    /// The store's clock said `clock_ms` at `now`. What has to be said about it.
    pub fn hear(&mut self, now: Instant, clock_ms: u64, noted: &Noted) -> Vec<Event> {
        let (mut events, is_first) = (Vec::new(), self.heard.is_none());
        if let Some((at, before)) = self.heard {
            let expected = before.saturating_add(milliseconds(now.saturating_duration_since(at)));
            let ahead = difference(clock_ms, expected);
            if ahead.unsigned_abs() > STEP_MS {
                self.evenly_since = now;
                events.push(Event::Jumped(ahead / 1000));
            }
        }
        self.heard = Some((now, clock_ms));
        events.extend(self.hear_others(now, clock_ms, noted));
        let beyond = clock_ms.saturating_sub(noted.mark_ms);
        let was_unexplained = self.is_unexplained;
        self.is_unexplained = noted.mark_ms > 0
            && Duration::from_millis(beyond) > EXPLAINED
            && now.saturating_duration_since(self.evenly_since) < CONFIRMED;
        match (was_unexplained, self.is_unexplained) {
            (false, true) => events.push(Event::Unexplained(beyond / 1000)),
            (true, false) => events.push(Event::Believed),
            (true, true) | (false, false) => {}
        }
        // A clock that was not believed moves no mark, and yet whoever starts after it wants to know.
        let latest = if is_first { noted.mark_ms.max(noted.said_ms) } else { noted.mark_ms };
        let behind = latest.saturating_sub(clock_ms);
        if behind > STEP_MS && !self.is_behind_mark {
            events.push(Event::BehindMark(behind / 1000));
        }
        self.is_behind_mark = behind > STEP_MS;
        events
    }

    /// What others say counts when they have just said it: what stood there before may be long ago.
    fn hear_others(&mut self, now: Instant, clock_ms: u64, noted: &Noted) -> Option<Event> {
        let said = (noted.said_by, noted.said_ms);
        let is_new = self.others.replace(said).is_some_and(|before| before != said);
        if !is_new || !self.is_own || noted.said_by == self.own {
            return None;
        }
        let ahead = difference(clock_ms, noted.said_ms);
        if ahead.unsigned_abs() <= STEP_MS {
            self.contradicted = None;
            return None;
        }
        let was_apart = self.contradiction(now).is_some();
        (self.contradicted, self.evenly_since) = (Some((now, ahead)), now);
        (!was_apart).then_some(Event::Apart(ahead / 1000))
    }

    fn contradiction(&self, now: Instant) -> Option<i64> {
        let (at, ahead) = self.contradicted?;
        (now.saturating_duration_since(at) < REMEMBERED).then_some(ahead)
    }

    /// How far this clock is ahead of what another process has said lately, in milliseconds.
    #[must_use]
    pub fn ahead_of_others_ms(&self, now: Instant) -> i64 {
        self.contradiction(now).unwrap_or_default()
    }

    /// What the store's clock says at `now`, in milliseconds since 1970, if it is believed: what has expired by it may be
    /// removed.
    #[must_use]
    pub fn believed_ms(&self, now: Instant) -> Option<u64> {
        let (at, clock_ms) = self.heard?;
        let is_believed = !self.is_unexplained && self.contradiction(now).is_none();
        is_believed.then(|| clock_ms.saturating_add(milliseconds(now.saturating_duration_since(at))))
    }

    /// What this process is called.
    #[must_use]
    pub fn own(&self) -> u64 {
        self.own
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn difference(one: u64, other: u64) -> i64 {
    let signed = |number| i64::try_from(number).unwrap_or(i64::MAX);
    signed(one).saturating_sub(signed(other))
}

#[cfg(test)]
mod tests;
