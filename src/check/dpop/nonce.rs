//! Nonces that no replica keeps and every replica knows: the number of a time step, and a digest of it under a key that
//! only those have who have the `SALT`.
//!
//! ```text
//! K     = HKDF-SHA256(salt = "", ikm = SALT, info = "samehand/dpop-nonce/v1")      32 bytes (RFC 5869)
//! step  = seconds since 1970 / 300
//! nonce = base64url(u64_be(step) || HMAC-SHA256(K, u64_be(step))[0..16])
//! ```
//!
//! All callers have the same nonce for a time: it says that a proof was made a short time ago, and not long before, by
//! somebody who had the key then (RFC 9449 section 8). That a proof is used once is what the memory of proofs is for.

use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// So many seconds a nonce is the newest one. It is accepted for as many more.
pub const STEP: u64 = 300;

const KEY_LABEL: &[u8] = b"samehand/dpop-nonce/v1";
const STEP_BYTES: usize = 8;
const DIGEST_BYTES: usize = 16;

/// The key of nonces that one `SALT` makes.
#[derive(Clone)]
pub struct NonceKey(Hmac<Sha256>);

impl NonceKey {
    /// Derives the key from a salt's bytes.
    #[must_use]
    pub fn from_salt(salt: &Secret) -> Self {
        // HMAC pads a key with zeros to the block of the hash (RFC 2104 section 2).
        let mut block = [0; 64];
        // HKDF-SHA256 fails only beyond 255 * 32 bytes of output.
        let fits = Hkdf::<Sha256>::new(None, salt.expose()).expand(KEY_LABEL, &mut block[..32]);
        debug_assert!(fits.is_ok());
        Self(Hmac::new(&block.into()))
    }

    fn nonce(&self, step: u64) -> [u8; STEP_BYTES + DIGEST_BYTES] {
        let digest = self.0.clone().chain_update(step.to_be_bytes()).finalize().into_bytes();
        let mut nonce = [0; STEP_BYTES + DIGEST_BYTES];
        nonce[..STEP_BYTES].copy_from_slice(&step.to_be_bytes());
        nonce[STEP_BYTES..].copy_from_slice(&digest[..DIGEST_BYTES]);
        nonce
    }
}

/// A nonce to hand out: 32 characters of base64url.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonce(String);

impl Nonce {
    /// The text of `DPoP-Nonce`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a nonce in a proof is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// The newest one.
    Newest,
    /// Good still; whoever uses it is better given a new one.
    Ageing,
}

/// The keys of all salts: the first makes nonces, those of all are accepted.
#[derive(Clone)]
pub struct NonceKeys(Vec<NonceKey>);

impl NonceKeys {
    /// The current salt's key, then those still accepted.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = NonceKey>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// The nonce at `now`, in seconds since 1970; none while the key ring is awaited.
    #[must_use]
    pub fn issue(&self, now: u64) -> Option<Nonce> {
        let key = self.0.first()?;
        Some(Nonce(URL_SAFE_NO_PAD.encode(key.nonce(now / STEP))))
    }

    /// Whether a nonce is one of ours and not too old at `now`. One of the next step comes from a replica whose clock is
    /// ahead.
    #[must_use]
    pub fn check(&self, nonce: &str, now: u64) -> Option<Freshness> {
        let bytes: [u8; STEP_BYTES + DIGEST_BYTES] = URL_SAFE_NO_PAD.decode(nonce).ok()?.try_into().ok()?;
        let step = u64::from_be_bytes(*bytes.first_chunk()?);
        let newest = now / STEP;
        if step.saturating_add(1) < newest || step > newest.saturating_add(1) {
            return None;
        }
        let position = self.0.iter().position(|key| bool::from(key.nonce(step).ct_eq(&bytes)))?;
        Some(if position == 0 && step >= newest { Freshness::Newest } else { Freshness::Ageing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(salt: &str) -> NonceKey {
        NonceKey::from_salt(&Secret::new(salt.as_bytes().to_vec()))
    }

    #[test]
    fn a_nonce_is_good_for_its_step_and_the_next_one() {
        let keys = NonceKeys::new([key("the salt of this test")]);
        let nonce = keys.issue(STEP * 10 + 299).unwrap();
        assert_eq!(nonce.as_str().len(), 32);
        for (now, expected) in [
            (STEP * 9 - 1, None),
            (STEP * 9, Some(Freshness::Newest)),
            (STEP * 10, Some(Freshness::Newest)),
            (STEP * 11 - 1, Some(Freshness::Newest)),
            (STEP * 11, Some(Freshness::Ageing)),
            (STEP * 12 - 1, Some(Freshness::Ageing)),
            (STEP * 12, None),
            (u64::MAX, None),
            (0, None),
        ] {
            assert_eq!(keys.check(nonce.as_str(), now), expected, "{now}");
        }
        assert_eq!(keys.issue(STEP * 10), Some(nonce.clone()), "every replica says the same");
        assert_ne!(keys.issue(STEP * 11), Some(nonce));
        assert!(keys.issue(0).is_some() && keys.issue(u64::MAX).is_some());
    }

    #[test]
    fn a_new_salt_makes_new_nonces_and_the_old_ones_run_out() {
        let (old, new) =
            (NonceKeys::new([key("the old salt")]), NonceKeys::new([key("a new salt"), key("the old salt")]));
        let nonce = old.issue(3000).unwrap();
        assert_eq!(new.check(nonce.as_str(), 3000), Some(Freshness::Ageing));
        assert_eq!(new.check(nonce.as_str(), 3000 + 2 * STEP), None);
        let nonce = new.issue(3000).unwrap();
        assert_eq!(new.check(nonce.as_str(), 3000), Some(Freshness::Newest));
        assert_eq!(old.check(nonce.as_str(), 3000), None);
        let awaited = NonceKeys::new([]);
        assert_eq!((awaited.issue(3000), awaited.check(nonce.as_str(), 3000)), (None, None));
    }

    #[test]
    fn nothing_else_is_a_nonce() {
        let keys = NonceKeys::new([key("the salt of this test")]);
        let good = keys.issue(3000).unwrap();
        let good = good.as_str();
        let later = URL_SAFE_NO_PAD.encode(key("the salt of this test").nonce(20));
        let other_step = format!("{}{}", &later[..10], &good[10..]);
        for bad in [
            "",
            "AAAA",
            &good[1..],
            &good[..31],
            &format!("{good}A"),
            &format!("{good}="),
            &other_step,
            &"A".repeat(32),
        ] {
            assert_eq!(keys.check(bad, 3000), None, "{bad}");
        }
        for place in 0..good.len() {
            let mut bytes = good.as_bytes().to_vec();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            assert_eq!(keys.check(std::str::from_utf8(&bytes).unwrap(), 3000), None, "{place}");
        }
    }
}
