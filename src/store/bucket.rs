//! How attempts are counted: one number for each bucket, so that replicas need no more than one row in common.
//!
//! The number is the time at which the bucket is full again; it is the generic cell rate algorithm of ITU-T I.371.

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

impl Bucket {
    /// When the bucket is full again after one attempt at `now_ms`, if it was to be full again at `full_at_ms`.
    ///
    /// # Errors
    /// The milliseconds until there is an attempt again.
    pub fn take(&self, full_at_ms: Option<u64>, now_ms: u64) -> Result<u64, u64> {
        let full_at = full_at_ms.unwrap_or(now_ms).max(now_ms);
        let earliest = full_at.saturating_sub(self.interval_ms.saturating_mul(u64::from(self.burst.max(1) - 1)));
        match earliest.checked_sub(now_ms) {
            None | Some(0) => Ok(full_at.saturating_add(self.interval_ms)),
            Some(wait) => Err(wait),
        }
    }

    /// When it is full again after an attempt was put back.
    #[must_use]
    pub fn give_back(&self, full_at_ms: u64) -> u64 {
        full_at_ms.saturating_sub(self.interval_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUCKET: Bucket = Bucket { key: [0; ID_BYTES], burst: 3, interval_ms: 100 };

    #[test]
    fn a_burst_passes_then_one_for_each_interval() {
        let mut full_at = None;
        for _ in 0..3 {
            full_at = Some(BUCKET.take(full_at, 1000).unwrap());
        }
        assert_eq!(BUCKET.take(full_at, 1000), Err(100));
        assert_eq!(BUCKET.take(full_at, 1040), Err(60));
        full_at = Some(BUCKET.take(full_at, 1100).unwrap());
        assert_eq!(BUCKET.take(full_at, 1100), Err(100));
        assert_eq!(BUCKET.take(full_at, 9000), Ok(9100), "it holds no more than the burst");
    }

    #[test]
    fn an_attempt_that_is_put_back_was_never_taken() {
        let full_at = BUCKET.take(Some(1200), 1000).unwrap();
        assert_eq!(BUCKET.give_back(full_at), 1200);
    }
}
