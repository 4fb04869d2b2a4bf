//! Counts attempts in this process for as long as the store cannot. It asks nobody and never grows beyond a bound.

use super::{Key, MINUTE_MS};
use crate::store::{Bucket, Level};
use std::collections::HashMap;
use std::time::Instant;

/// Each replica allows this part of the limits, so that four of them together allow no more than the store would.
const STRICTER: u32 = 4;

/// So many buckets are kept; some 40 bytes each.
const MOST: usize = 10_000;

/// When there may be room again once there is none.
const FULL_WAIT_MS: u64 = MINUTE_MS;

/// What was taken here.
pub(super) struct LocalCount {
    started: Instant,
    levels: HashMap<Key, Level>,
}

impl Default for LocalCount {
    fn default() -> Self {
        Self { started: Instant::now(), levels: HashMap::new() }
    }
}

impl LocalCount {
    /// Takes an attempt out of the first group that has one; else the shortest time until there is one.
    pub(super) fn take_one_of(&mut self, choices: &[Vec<Bucket>]) -> Result<Vec<Bucket>, u64> {
        let now_ms = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        let mut shortest = u64::MAX;
        for buckets in choices {
            match self.take(buckets, now_ms) {
                Ok(()) => return Ok(buckets.clone()),
                Err(wait_ms) => shortest = shortest.min(wait_ms),
            }
        }
        Err(shortest)
    }

    fn take(&mut self, buckets: &[Bucket], now_ms: u64) -> Result<(), u64> {
        if self.levels.len() + buckets.len() > MOST {
            self.levels.retain(|_, level| level.full_at_ms > now_ms);
        }
        if self.levels.len() + buckets.len() > MOST {
            return Err(FULL_WAIT_MS);
        }
        let taken: Result<Vec<(Key, Level)>, u64> = buckets
            .iter()
            .map(|bucket| Ok((bucket.key, stricter(bucket).take(self.levels.get(&bucket.key).copied(), now_ms)?)))
            .collect();
        self.levels.extend(taken?);
        Ok(())
    }

    /// Puts an attempt back into each bucket.
    pub(super) fn give_back(&mut self, buckets: &[Bucket]) {
        for bucket in buckets {
            if let Some(level) = self.levels.get_mut(&bucket.key) {
                *level = stricter(bucket).give_back(*level);
            }
        }
    }
}

fn stricter(bucket: &Bucket) -> Bucket {
    Bucket {
        burst: (bucket.burst / STRICTER).max(1),
        interval_ms: bucket.interval_ms.saturating_mul(u64::from(STRICTER)),
        ..*bucket
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::revocation::ID_BYTES;

    fn bucket(number: u64) -> Bucket {
        let mut key = [0; ID_BYTES];
        key[..8].copy_from_slice(&number.to_le_bytes());
        Bucket { key, burst: 20, interval_ms: 1000 }
    }

    #[test]
    fn a_quarter_passes_and_comes_back_a_quarter_as_fast() {
        let mut count = LocalCount::default();
        for _ in 0..5 {
            assert_eq!(count.take(&[bucket(1)], 0), Ok(()));
        }
        assert_eq!(count.take(&[bucket(1)], 0), Err(4000));
        assert_eq!(count.take(&[bucket(2), bucket(1)], 0), Err(4000), "none is taken when one is empty");
        assert!(!count.levels.contains_key(&bucket(2).key));
        count.give_back(&[bucket(1)]);
        assert_eq!(count.take(&[bucket(1)], 0), Ok(()));
        assert_eq!(count.take(&[bucket(1)], 4000), Ok(()));
    }

    #[test]
    fn it_never_grows_beyond_its_bound() {
        let mut count = LocalCount::default();
        for number in 0..MOST as u64 {
            assert_eq!(count.take(&[bucket(number)], 0), Ok(()));
        }
        assert_eq!(count.take(&[bucket(u64::MAX)], 0), Err(FULL_WAIT_MS));
        assert_eq!(count.levels.len(), MOST);
        assert_eq!(count.take(&[bucket(u64::MAX)], 4000), Ok(()), "what is full again is forgotten");
        assert_eq!(count.levels.len(), 1);
    }
}
