//! What tokens and sessions are called, and which state of the store they were issued under.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;

/// Random bytes in an identifier: 128 bits (ASVS 7.2.3).
pub const RANDOM_BYTES: usize = 16;
const REVISION_BYTES: usize = 8;
/// No store is in the year 2248 yet: a larger number at the front of a foreign `jti` is chance, and believed it would put
/// the token after every revocation.
const FARTHEST: u64 = 1 << 43;

/// A point in the life of a store, which counts what it was told to revoke: later revocations have larger revisions,
/// whoever's clock says what.
///
/// The number is the store's clock in milliseconds since 1970, and at least one more than the revision before. It stays
/// ahead of its past even where a store has lost its data, or its clock was set back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(u64);

impl Revision {
    /// Before everything.
    pub const NONE: Self = Self(0);

    /// A revision that a store keeps.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }

    /// The next one, when the store's clock says `now_ms` milliseconds since 1970.
    #[must_use]
    pub fn next(self, now_ms: u64) -> Self {
        Self(now_ms.max(self.0.saturating_add(1)))
    }

    /// When it was, in seconds since 1970 by the store's clock.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0 / 1000
    }
}

/// The `jti` of a token of ours: base64url of the store's revision when it was issued (8 bytes, big-endian) and 16
/// random bytes. What was issued under an earlier revision than a revocation is covered by it, in the same second and
/// on clocks that disagree too.
#[must_use]
pub fn token_id(issued_under: Revision, random: [u8; RANDOM_BYTES]) -> String {
    let mut bytes = [0; REVISION_BYTES + RANDOM_BYTES];
    bytes[..REVISION_BYTES].copy_from_slice(&issued_under.0.to_be_bytes());
    bytes[REVISION_BYTES..].copy_from_slice(&random);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The revision in a `jti`, if it is one of ours.
#[must_use]
pub fn issued_under(jti: &str) -> Option<Revision> {
    const LENGTH: usize = (REVISION_BYTES + RANDOM_BYTES) / 3 * 4;
    if jti.len() != LENGTH {
        return None;
    }
    let mut bytes = [0; REVISION_BYTES + RANDOM_BYTES];
    URL_SAFE_NO_PAD.decode_slice(jti, &mut bytes).ok()?;
    let number = bytes.first_chunk().map(|number| u64::from_be_bytes(*number))?;
    (number < FARTHEST).then_some(Revision(number))
}

/// The `sid` of a session: base64url of 16 random bytes. Held in place, because there are many in memory.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId([u8; SESSION_LETTERS]);

/// So many letters write [`RANDOM_BYTES`] bytes.
const SESSION_LETTERS: usize = (RANDOM_BYTES * 8).div_ceil(6);

impl SessionId {
    /// Names a new session.
    #[must_use]
    pub fn new(random: [u8; RANDOM_BYTES]) -> Self {
        let mut letters = [0; SESSION_LETTERS];
        let written = URL_SAFE_NO_PAD.encode_slice(random, &mut letters);
        debug_assert_eq!(written, Ok(SESSION_LETTERS));
        Self(letters)
    }

    /// Reads one; nothing else looks like it.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let mut bytes = [0; RANDOM_BYTES];
        let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
        let letters = text.as_bytes().try_into().ok()?;
        (length == RANDOM_BYTES).then_some(Self(letters))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // Base64url is ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("SessionId").field(&self.as_str()).finish()
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_never_falls_behind() {
        assert_eq!(Revision::NONE.next(1_700_000_000_123), Revision(1_700_000_000_123));
        assert_eq!(Revision(1_700_000_000_123).next(1_700_000_000_123), Revision(1_700_000_000_124));
        assert_eq!(Revision(1_700_000_000_123).next(5), Revision(1_700_000_000_124), "the clock was set back");
        assert_eq!(Revision(1_700_000_000_123).seconds(), 1_700_000_000);
    }

    #[test]
    fn a_token_id_tells_the_revision_and_a_foreign_one_tells_nothing() {
        let jti = token_id(Revision(1_764_000_000_000), [7; RANDOM_BYTES]);
        assert_eq!(jti.len(), 32);
        assert_eq!(issued_under(&jti), Some(Revision(1_764_000_000_000)));
        for foreign in ["", "abc", "AAAAAAAAAAAAAAAAAAAAAA", &"*".repeat(32), &"A".repeat(33), &"x7".repeat(16)] {
            assert_eq!(issued_under(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_session_id_has_one_spelling() {
        let id = SessionId::new([0xff; RANDOM_BYTES]);
        assert_eq!(SessionId::read(id.as_str()), Some(id.clone()));
        for bad in ["", "x", "_____________________x", "/////////////////////w", &format!("{id}A"), &format!(" {id}")] {
            assert_eq!(SessionId::read(bad), None, "{bad:?}");
        }
    }
}
