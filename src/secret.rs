//! Values that must not be printed: signing secrets, salts, passwords, the administration token.
//!
//! A [`Secret`] has no `Debug`, `Display` or `Serialize`, is wiped when dropped, and compares in constant time.
//! Whoever needs the bytes calls [`Secret::expose`] at the last moment.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Bytes that are never printed and are wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for the one call that needs them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Compares in time that depends on the lengths only.
    #[must_use]
    pub fn equals(&self, other: &[u8]) -> bool {
        self.0.as_slice().ct_eq(other).into()
    }
}
