//! The key ring as it is kept in a store: encrypted, so that whoever reads the store cannot sign.
//!
//! AES-256-GCM (NIST SP 800-38D) under a key that is derived from `SAMEHAND_STORE_KEY`, with a random nonce of 12 bytes in
//! front: `0x01 || nonce || ciphertext and tag`. A ring is sealed anew a few times a year, far from the limit of random
//! nonces (2^32 messages).

use super::KeysError;
use super::generated::GeneratedRing;
use crate::secret::Secret;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

const FORMAT: u8 = 1;
const LABEL: &[u8] = b"samehand/store-key/v1";

/// Encrypts a ring.
///
/// # Errors
/// [`KeysError::NoRandomness`].
pub fn seal(ring: &GeneratedRing, store_key: &Secret) -> Result<Vec<u8>, KeysError> {
    let failed = |problem: String| KeysError::NoRandomness(problem);
    let mut nonce = [0; NONCE_LEN];
    getrandom::fill(&mut nonce).map_err(|error| failed(error.to_string()))?;
    let mut text = ring.to_json().map_err(|error| failed(error.to_string()))?;
    let sealing = key(store_key).and_then(|key| {
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(LABEL), &mut *text).ok()
    });
    sealing.ok_or_else(|| failed("the key ring was not encrypted".into()))?;
    Ok([&[FORMAT], nonce.as_slice(), text.as_slice()].concat())
}

/// Decrypts a ring.
///
/// # Errors
/// [`KeysError::Sealed`] when it was sealed with another key, or damaged.
pub fn open(sealed: &[u8], store_key: &Secret) -> Result<GeneratedRing, KeysError> {
    let another_key = || {
        KeysError::Sealed(
            "it cannot be decrypted with SAMEHAND_STORE_KEY: give the value that the other replicas have".into(),
        )
    };
    let Some((&FORMAT, rest)) = sealed.split_first() else {
        return Err(KeysError::Sealed("it has another format than this samehand reads".into()));
    };
    let (nonce, text) = rest.split_first_chunk::<{ NONCE_LEN }>().ok_or_else(another_key)?;
    let mut text = Zeroizing::new(text.to_vec());
    let key = key(store_key).ok_or_else(another_key)?;
    let opened = key
        .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(LABEL), &mut text)
        .map_err(|_| another_key())?;
    GeneratedRing::from_json(opened).map_err(KeysError::Sealed)
}

fn key(store_key: &Secret) -> Option<LessSafeKey> {
    let mut bytes = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(None, store_key.expose()).expand(LABEL, bytes.as_mut_slice()).ok()?;
    UnboundKey::new(&AES_256_GCM, bytes.as_slice()).ok().map(LessSafeKey::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_is_read_with_its_key_and_with_no_other() {
        let (own, other) = (Secret::new(vec![1; 32]), Secret::new(vec![2; 32]));
        let ring = GeneratedRing::new(100).unwrap();
        let sealed = seal(&ring, &own).unwrap();
        assert_eq!(open(&sealed, &own).unwrap().to_json().unwrap(), ring.to_json().unwrap());
        let salt = ring.salt();
        assert!(!sealed.windows(salt.expose().len()).any(|part| part == salt.expose()));
        let refused = open(&sealed, &other).err().unwrap().to_string();
        assert!(refused.contains("SAMEHAND_STORE_KEY"), "{refused}");
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert!(open(&damaged, &own).is_err(), "byte {at}");
        }
        assert!(open(&[], &own).is_err());
        assert!(open(&sealed[..10], &own).is_err());
        assert_ne!(seal(&ring, &own).unwrap(), sealed, "the nonce is new each time");
    }
}
