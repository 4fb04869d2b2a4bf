//! The secrets that samehand makes for itself: `keys.json` in `DATA`.
//!
//! The file holds the salt of fingerprints and a ring of HS256 keys with the states `next`, `active` and `old`. It is
//! readable by its owner only, replaced as a whole and never edited in place; writers exclude each other with a lock.
//! Every process that shares `DATA` reads the same ring, and a running service notices a change within a second.

use super::KeysError;
use crate::secret::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const NAME: &str = "keys.json";
const LOCK_NAME: &str = "keys.lock";
const FORMAT: u32 = 1;
/// Random bytes in each secret; its text is the key, so that it can be moved into `SAMEHAND_SECRET` as it is.
const SECRET_BYTES: usize = 32;
/// Fewest bytes of a salt.
const SALT_BYTES: usize = 16;

/// What stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFile {
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

impl KeyFile {
    /// Where the file is.
    #[must_use]
    pub fn path(data: &Path) -> PathBuf {
        data.join(NAME)
    }

    /// A warning when others may write into the directory: they can put keys of their own in place of ours. It is no
    /// error because container volumes come like that, where nobody else is.
    #[must_use]
    pub fn exposure(data: &Path) -> Option<String> {
        let mode = std::fs::metadata(data).ok()?.mode() & 0o7777;
        let advice = format!("others may write into {0} (mode {mode:04o}); run: chmod 700 {0}", data.display());
        (mode & 0o022 != 0).then_some(advice)
    }

    /// Reads the file, and makes it when it is not there.
    ///
    /// # Errors
    /// [`KeysError`] when it cannot be read or made, or others may read it.
    pub fn open_or_create(data: &Path, now: u64) -> Result<Self, KeysError> {
        create_directory(data)?;
        let _lock = lock(data)?;
        match Self::open(data) {
            Err(KeysError::Absent(_)) => {}
            outcome => return outcome,
        }
        let keys = vec![GeneratedKey::new(KeyState::Active, now)?, GeneratedKey::new(KeyState::Next, now)?];
        let file = Self { version: FORMAT, salt: random_text()?, keys };
        file.write(data)?;
        Ok(file)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`KeysError::Absent`] when there is none; the others as [`KeyFile::open_or_create`].
    pub fn open(data: &Path) -> Result<Self, KeysError> {
        let path = Self::path(data);
        let unusable = |problem: String| KeysError::Unusable(path.clone(), problem);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(KeysError::Absent(path)),
            Err(error) => return Err(unusable(error.to_string())),
        };
        let mode = file.metadata().map_err(|error| unusable(error.to_string()))?.mode();
        if mode & 0o077 != 0 {
            return Err(unusable(format!(
                "others may read it (mode {:04o}); run: chmod 600 {}",
                mode & 0o7777,
                path.display(),
            )));
        }
        let ring: Self = serde_json::from_reader(file).map_err(|error| unusable(error.to_string()))?;
        if ring.version != FORMAT {
            let found = ring.version;
            return Err(unusable(format!("it has format {found}, this samehand reads format {FORMAT}")));
        }
        let count = |state| ring.keys.iter().filter(|key| key.state == state).count();
        let (active, next) = (count(KeyState::Active), count(KeyState::Next));
        if active != 1 || next > 1 {
            return Err(unusable(format!("it has {active} active and {next} next keys in place of one of each")));
        }
        if ring.keys.iter().any(|key| key.secret.len() < SECRET_BYTES) || ring.salt.len() < SALT_BYTES {
            return Err(unusable("a key or the salt in it is too short".into()));
        }
        Ok(ring)
    }

    /// Lets the next key sign, keeps the active one accepted, and makes a new next key. Returns the new active `kid`.
    ///
    /// # Errors
    /// As [`KeyFile::open`].
    pub fn rotate(data: &Path, now: u64) -> Result<String, KeysError> {
        let _lock = lock(data)?;
        let mut ring = Self::open(data)?;
        for key in &mut ring.keys {
            match key.state {
                KeyState::Next => key.state = KeyState::Active,
                KeyState::Active => (key.state, key.replaced) = (KeyState::Old, Some(now)),
                KeyState::Old => {}
            }
        }
        if !ring.keys.iter().any(|key| key.state == KeyState::Active) {
            ring.keys.push(GeneratedKey::new(KeyState::Active, now)?);
        }
        ring.keys.push(GeneratedKey::new(KeyState::Next, now)?);
        ring.write(data)?;
        Ok(ring.keys.iter().find(|key| key.state == KeyState::Active).map(GeneratedKey::kid).unwrap_or_default())
    }

    /// Removes an old key; its tokens are refused from then on. Returns the key.
    ///
    /// # Errors
    /// As [`KeyFile::open`], and [`KeysError::NotRetirable`] for a key that is not an old one of this ring.
    pub fn retire(data: &Path, kid: &str) -> Result<GeneratedKey, KeysError> {
        let _lock = lock(data)?;
        let mut ring = Self::open(data)?;
        let refused = |why: &str| Err(KeysError::NotRetirable(kid.to_owned(), why.to_owned()));
        let Some(position) = ring.keys.iter().position(|key| key.kid() == kid) else {
            return refused("no key of this ring has that name; see: samehand keys list");
        };
        match ring.keys[position].state {
            KeyState::Active => return refused("it signs new tokens; run first: samehand keys rotate"),
            KeyState::Next => return refused("it has signed nothing yet"),
            KeyState::Old => {}
        }
        let key = ring.keys.remove(position);
        ring.write(data)?;
        Ok(key)
    }

    /// The keys, in the order in which they were made.
    #[must_use]
    pub fn keys(&self) -> &[GeneratedKey] {
        &self.keys
    }

    /// The salt's bytes: the UTF-8 of its text.
    #[must_use]
    pub fn salt(&self) -> Secret {
        Secret::new(self.salt.clone().into_bytes())
    }

    /// Replaces the file as a whole, durably.
    fn write(&self, data: &Path) -> Result<(), KeysError> {
        let path = Self::path(data);
        let draft = path.with_extension("json.new");
        let unusable = |error: std::io::Error| KeysError::Unusable(path.clone(), error.to_string());
        // A draft that a crash left behind is not opened again: its mode and content are not known.
        match std::fs::remove_file(&draft) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(unusable(error)),
            Ok(()) | Err(_) => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(unusable)?;
        serde_json::to_writer_pretty(&file, self).map_err(|error| unusable(error.into()))?;
        file.write_all(b"\n").and_then(|()| file.sync_all()).map_err(unusable)?;
        std::fs::rename(&draft, &path).map_err(unusable)?;
        File::open(data).and_then(|directory| directory.sync_all()).map_err(unusable)
    }
}

/// Makes `DATA`, for its owner only.
fn create_directory(data: &Path) -> Result<(), KeysError> {
    DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(|error| {
        let who = "it must be writable for the user samehand runs as";
        KeysError::Unusable(data.to_owned(), format!("{error}; {who}"))
    })
}

fn lock(data: &Path) -> Result<File, KeysError> {
    let path = data.join(LOCK_NAME);
    let absent = |error: std::io::Error| {
        if error.kind() == ErrorKind::NotFound {
            return KeysError::Absent(KeyFile::path(data));
        }
        KeysError::Unusable(path.clone(), error.to_string())
    };
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(absent)?;
    file.lock().map_err(absent)?;
    Ok(file)
}

fn random_text() -> Result<String, KeysError> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).map_err(|error| KeysError::NoRandomness(error.to_string()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
