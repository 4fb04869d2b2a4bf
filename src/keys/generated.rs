//! The secrets that samehand makes for itself: the salt of fingerprints, and a ring of HS256 keys with the states `next`,
//! `active` and `old`. Where they are kept — in a file of `DATA`, or sealed in the store — is for others to say.

use super::KeysError;
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

const FORMAT: u32 = 1;
/// Random bytes in each secret; its text is the key, so that it can be moved into `SAMEHAND_SECRET` as it is.
const SECRET_BYTES: usize = 32;
/// Fewest bytes of a salt.
const SALT_BYTES: usize = 16;

/// Salt and keys.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratedRing {
    version: u32,
    salt: String,
    keys: Vec<GeneratedKey>,
}

/// One generated HS256 key.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratedKey {
    /// Its part in the ring.
    pub state: KeyState,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// When it stopped signing; set for `old` keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced: Option<u64>,
    secret: String,
}

impl GeneratedKey {
    fn new(state: KeyState, now: u64) -> Result<Self, KeysError> {
        Ok(Self { state, created: now, replaced: None, secret: random_text()? })
    }

    /// The key's bytes: the UTF-8 of its text.
    #[must_use]
    pub fn secret(&self) -> Secret {
        Secret::new(self.secret.clone().into_bytes())
    }

    fn kid(&self) -> String {
        super::hmac_kid(&self.secret())
    }
}

/// A key's part in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyState {
    /// Signs after the next rotation; accepted already, so that no replica meets a key it does not know.
    Next,
    /// Signs.
    Active,
    /// Signed before the last rotation; still accepted.
    Old,
}

impl KeyState {
    /// The word in `keys list`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Old => "old",
        }
    }
}

impl GeneratedRing {
    /// A new salt and new keys: one that signs, and one that will.
    ///
    /// # Errors
    /// [`KeysError::NoRandomness`].
    pub fn new(now: u64) -> Result<Self, KeysError> {
        let keys = vec![GeneratedKey::new(KeyState::Active, now)?, GeneratedKey::new(KeyState::Next, now)?];
        Ok(Self { version: FORMAT, salt: random_text()?, keys })
    }

    /// Reads what [`to_json`](Self::to_json) wrote.
    ///
    /// # Errors
    /// What is wrong with it; never a part of a secret.
    pub fn from_json(json: &[u8]) -> Result<Self, String> {
        let ring: Self = serde_json::from_slice(json).map_err(|error| error.to_string())?;
        if ring.version != FORMAT {
            return Err(format!("it has format {}, this samehand reads format {FORMAT}", ring.version));
        }
        let count = |state| ring.keys.iter().filter(|key| key.state == state).count();
        let (active, next) = (count(KeyState::Active), count(KeyState::Next));
        if active != 1 || next > 1 {
            return Err(format!("it has {active} active and {next} next keys in place of one of each"));
        }
        if ring.keys.iter().any(|key| key.secret.len() < SECRET_BYTES) || ring.salt.len() < SALT_BYTES {
            return Err("a key or the salt in it is too short".into());
        }
        Ok(ring)
    }

    /// The ring as JSON, for whoever keeps it secret.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn to_json(&self) -> Result<Zeroizing<Vec<u8>>, serde_json::Error> {
        serde_json::to_vec_pretty(self).map(Zeroizing::new)
    }

    /// Lets the next key sign, keeps the active one accepted, and makes a new next key. Returns the new active `kid`.
    ///
    /// # Errors
    /// [`KeysError::NoRandomness`].
    pub fn rotate(&mut self, now: u64) -> Result<String, KeysError> {
        for key in &mut self.keys {
            match key.state {
                KeyState::Next => key.state = KeyState::Active,
                KeyState::Active => (key.state, key.replaced) = (KeyState::Old, Some(now)),
                KeyState::Old => {}
            }
        }
        if !self.keys.iter().any(|key| key.state == KeyState::Active) {
            self.keys.push(GeneratedKey::new(KeyState::Active, now)?);
        }
        self.keys.push(GeneratedKey::new(KeyState::Next, now)?);
        Ok(self.keys.iter().find(|key| key.state == KeyState::Active).map(GeneratedKey::kid).unwrap_or_default())
    }

    /// Removes an old key; its tokens are refused from then on. Returns the key.
    ///
    /// # Errors
    /// [`KeysError::NotRetirable`] for a key that is not an old one of this ring.
    pub fn retire(&mut self, kid: &str) -> Result<GeneratedKey, KeysError> {
        let refused = |why: &str| Err(KeysError::NotRetirable(kid.to_owned(), why.to_owned()));
        let Some(position) = self.keys.iter().position(|key| key.kid() == kid) else {
            return refused("no key of this ring has that name; see: samehand keys list");
        };
        match self.keys[position].state {
            KeyState::Active => refused("it signs new tokens; run first: samehand keys rotate"),
            KeyState::Next => refused("it has signed nothing yet"),
            KeyState::Old => Ok(self.keys.remove(position)),
        }
    }

    /// The keys, in the order in which they were made.
    #[must_use]
    pub fn keys(&self) -> &[GeneratedKey] {
        &self.keys
    }

    /// When the next key was made, in seconds since 1970.
    #[must_use]
    pub fn next_since(&self) -> Option<u64> {
        self.keys.iter().find(|key| key.state == KeyState::Next).map(|key| key.created)
    }

    /// The salt's bytes: the UTF-8 of its text.
    #[must_use]
    pub fn salt(&self) -> Secret {
        Secret::new(self.salt.clone().into_bytes())
    }
}

fn random_text() -> Result<String, KeysError> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| KeysError::NoRandomness(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
