//! How attempts are counted: one number for each bucket, so that replicas need no more than one row in common.
//!
//! The number is the time at which the bucket is full again; it is the generic cell rate algorithm of ITU-T I.371. Beside it
//! stands when it was written: where that lies in the future the clock was set back, and what counts is how long the
//! bucket had to go then. So a moment of a wrong clock makes nobody wait, and gives nobody more than one attempt.
//! `take_attempt.lua` does the same arithmetic.

use crate::check::revocation::ID_BYTES;

/// A limit on attempts: it holds `burst` of them and regains one every `interval_ms` milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Whose attempts they are; a digest.
    pub key: [u8; ID_BYTES],
    /// So many attempts may come at once; at least one.
    pub burst: u32,
    /// The time after which one more is allowed, in milliseconds; at least one.
    pub interval_ms: u64,
}

/// How far a bucket is from being full, as a store keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// When it is full again, in milliseconds since 1970.
    pub full_at_ms: u64,
    /// When that was written, in milliseconds since 1970; 0 where nobody knows.
    pub written_at_ms: u64,
}

impl Bucket {
    /// The level after one attempt at `now_ms`. Without a level the bucket is full.
    ///
    /// # Errors
    /// The milliseconds until there is an attempt again.
    pub fn take(&self, level: Option<Level>, now_ms: u64) -> Result<Level, u64> {
        let full_at = level.map_or(now_ms, |level| self.full_at(level, now_ms));
        let earliest = full_at.saturating_sub(self.interval_ms.saturating_mul(u64::from(self.burst.max(1) - 1)));
        match earliest.checked_sub(now_ms) {
            None | Some(0) => Ok(Level { full_at_ms: full_at.saturating_add(self.interval_ms), written_at_ms: now_ms }),
            Some(wait) => Err(wait),
        }
    }

    /// The level after an attempt was put back.
    #[must_use]
    pub fn give_back(&self, level: Level) -> Level {
        Level { full_at_ms: level.full_at_ms.saturating_sub(self.interval_ms), ..level }
    }

    /// When it is full again by a clock that may have been set back meanwhile.
    fn full_at(&self, level: Level, now_ms: u64) -> u64 {
        let set_back = level.written_at_ms.saturating_sub(now_ms);
        let full_at = level.full_at_ms.saturating_sub(set_back);
        let burst = u64::from(self.burst.max(1));
        let with_left = |attempts: u64| now_ms.saturating_add(self.interval_ms.saturating_mul(burst - attempts));
        // Nothing is regained while a level from the future stands, so that has to be one that an attempt replaces. No
        // bucket is emptier than empty: that is from the future, too, and an earlier version wrote no time beside it.
        let is_from_the_future = set_back > STEP_MS || full_at > with_left(0).saturating_add(STEP_MS);
        full_at.clamp(now_ms, with_left(u64::from(is_from_the_future)))
    }
}

/// A clock that is adjusted goes back less than this, in milliseconds; that is no setting back.
const STEP_MS: u64 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    const BUCKET: Bucket = Bucket { key: [0; ID_BYTES], burst: 3, interval_ms: 100 };

    #[test]
    fn a_burst_passes_then_one_for_each_interval() {
        let mut level = None;
        for _ in 0..3 {
            level = Some(BUCKET.take(level, 1000).unwrap());
        }
        assert_eq!(BUCKET.take(level, 1000), Err(100));
        assert_eq!(BUCKET.take(level, 1040), Err(60));
        level = Some(BUCKET.take(level, 1100).unwrap());
        assert_eq!(BUCKET.take(level, 1100), Err(100));
        let full = Level { full_at_ms: 9100, written_at_ms: 9000 };
        assert_eq!(BUCKET.take(level, 9000), Ok(full), "it holds no more than the burst");
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nobody_wait_and_gives_nobody_more_than_one() {
        const NOW: u64 = 1_000_000;
        for ahead in [0, 50, 1_100, 900_000_000] {
            for taken in 0..=3 {
                let mut level = None;
                for _ in 0..taken {
                    level = Some(BUCKET.take(level, NOW + ahead).unwrap());
                }
                let mut left = 0;
                while let Ok(next) = BUCKET.take(level, NOW) {
                    (level, left) = (Some(next), left + 1);
                }
                let fewest = u32::from(ahead > STEP_MS);
                assert_eq!((left, BUCKET.take(level, NOW)), ((3 - taken).max(fewest), Err(100)), "{taken}, {ahead}");
                assert!(BUCKET.take(level, NOW + 100 + STEP_MS).is_ok(), "it is regained");
            }
        }
        // What an earlier version wrote, while the clock was ahead.
        let old = Level { full_at_ms: NOW + 900_000_000, written_at_ms: 0 };
        assert!(BUCKET.take(Some(old), NOW).is_ok());
    }

    #[test]
    fn an_attempt_that_is_put_back_was_never_taken() {
        let level = Level { full_at_ms: 1200, written_at_ms: 1000 };
        assert_eq!(BUCKET.give_back(BUCKET.take(Some(level), 1000).unwrap()), level);
    }
}
