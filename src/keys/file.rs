//! The key ring in `DATA`: `keys.json`.
//!
//! The file is readable by its owner only, replaced as a whole and never edited in place; writers exclude each other with
//! a lock. Every process that shares `DATA` reads the same ring, and a running service notices a change within a second.

use super::KeysError;
use super::generated::GeneratedRing;
use crate::ownership;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const NAME: &str = "keys.json";
const LOCK_NAME: &str = "keys.lock";

/// The file of a directory.
pub struct KeyFile;

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
    pub fn open_or_create(data: &Path, now: u64) -> Result<GeneratedRing, KeysError> {
        create_directory(data)?;
        ownership::of_directory(data).map_err(|problem| KeysError::Unusable(data.to_owned(), problem))?;
        let _lock = lock(data)?;
        match Self::open(data) {
            Err(KeysError::Absent(_)) => {}
            outcome => return outcome,
        }
        let ring = GeneratedRing::new(now)?;
        write(data, &ring)?;
        Ok(ring)
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`KeysError::Absent`] when there is none; the others as [`KeyFile::open_or_create`].
    pub fn open(data: &Path) -> Result<GeneratedRing, KeysError> {
        let path = Self::path(data);
        let unusable = |problem: String| KeysError::Unusable(path.clone(), problem);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(KeysError::Absent(path)),
            Err(error) => return Err(unusable(error.to_string())),
        };
        ownership::of_directory(data).map_err(unusable)?;
        let metadata = file.metadata().map_err(|error| unusable(error.to_string()))?;
        ownership::of(&path, &metadata).map_err(unusable)?;
        let mode = metadata.mode();
        if mode & 0o077 != 0 {
            return Err(unusable(format!(
                "others may read it (mode {:04o}); run: chmod 600 {}",
                mode & 0o7777,
                path.display(),
            )));
        }
        let mut json = Vec::new();
        file.read_to_end(&mut json).map_err(|error| unusable(error.to_string()))?;
        GeneratedRing::from_json(&json).map_err(unusable)
    }

    /// Changes the ring, whole or not at all.
    ///
    /// # Errors
    /// As [`KeyFile::open`], and those of the change.
    pub fn change<T>(
        data: &Path,
        change: impl FnOnce(&mut GeneratedRing) -> Result<T, KeysError>,
    ) -> Result<T, KeysError> {
        let _lock = lock(data)?;
        let mut ring = Self::open(data)?;
        let changed = change(&mut ring)?;
        write(data, &ring)?;
        Ok(changed)
    }
}

/// Replaces the file as a whole, durably.
fn write(data: &Path, ring: &GeneratedRing) -> Result<(), KeysError> {
    let path = KeyFile::path(data);
    let draft = path.with_extension("json.new");
    let unusable = |error: std::io::Error| KeysError::Unusable(path.clone(), error.to_string());
    // A draft that a crash left behind is not opened again: its mode and content are not known.
    match std::fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(unusable(error)),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft).map_err(unusable)?;
    let json = ring.to_json().map_err(|error| unusable(error.into()))?;
    file.write_all(&json).and_then(|()| file.write_all(b"\n")).and_then(|()| file.sync_all()).map_err(unusable)?;
    std::fs::rename(&draft, &path).map_err(unusable)?;
    File::open(data).and_then(|directory| directory.sync_all()).map_err(unusable)
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
