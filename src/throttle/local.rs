//! Counts attempts in this process for as long as the store cannot. It asks nobody and never grows beyond a bound.

use super::{Key, MINUTE_MS};
use crate::store::Bucket;
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
    full_at_ms: HashMap<Key, u64>,
}

impl Default for LocalCount {
    fn default() -> Self {
        Self { started: Instant::now(), full_at_ms: HashMap::new() }
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
        if self.full_at_ms.len() + buckets.len() > MOST {
            self.full_at_ms.retain(|_, full_at_ms| *full_at_ms > now_ms);
        }
        if self.full_at_ms.len() + buckets.len() > MOST {
            return Err(FULL_WAIT_MS);
        }
        let taken: Result<Vec<(Key, u64)>, u64> = buckets
            .iter()
            .map(|bucket| Ok((bucket.key, stricter(bucket).take(self.full_at_ms.get(&bucket.key).copied(), now_ms)?)))
            .collect();
        self.full_at_ms.extend(taken?);
        Ok(())
    }

    /// Puts an attempt back into each bucket.
    pub(super) fn give_back(&mut self, buckets: &[Bucket]) {
        for bucket in buckets {
            if let Some(full_at_ms) = self.full_at_ms.get_mut(&bucket.key) {
                *full_at_ms = stricter(bucket).give_back(*full_at_ms);
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
        assert!(!count.full_at_ms.contains_key(&bucket(2).key));
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
        assert_eq!(count.full_at_ms.len(), MOST);
        assert_eq!(count.take(&[bucket(u64::MAX)], 4000), Ok(()), "what is full again is forgotten");
        assert_eq!(count.full_at_ms.len(), 1);
    }
}
