//! Remembers and judges nothing: users, with the hashes of their passwords.
//!
//! What a store promises:
//! - a change is durable when the call returns, and seen by every process at its next call;
//! - a change of several rows happens whole or not at all;
//! - what is read back was checked on the way in and is checked again on the way out;
//! - a store that a newer samehand has written is refused, never guessed at.
//!
//! Every call blocks and is short; a server makes it on a thread that may block. No store reads a clock.

mod sqlite;

pub use sqlite::Store;

use crate::check::names::{DisplayName, Email, Groups, UserName};
use std::fmt;
use std::path::PathBuf;

/// A user as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The name to sign in with, lower case; never changes.
    pub name: UserName,
    /// What the person is called.
    pub display_name: Option<DisplayName>,
    /// Where mail reaches the person.
    pub email: Option<Email>,
    /// The groups the person is in.
    pub groups: Groups,
    /// The hash of the password.
    pub password: StoredPassword,
    /// Whether signing in is refused.
    pub disabled: bool,
    /// When the user was added, in seconds since 1970.
    pub created_at: u64,
    /// When the row last changed, in seconds since 1970.
    pub updated_at: u64,
}

/// The hash of a password as text, and what it costs to verify. Has no `Display`, and its `Debug` hides the hash.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredPassword {
    hash: String,
    scheme: String,
}

impl StoredPassword {
    /// Takes a hash and its scheme over.
    #[must_use]
    pub fn new(hash: String, scheme: String) -> Self {
        Self { hash, scheme }
    }

    /// The whole hash.
    #[must_use]
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// The part of the hash that names the algorithm and its parameters; equal schemes cost equal time.
    #[must_use]
    pub fn scheme(&self) -> &str {
        &self.scheme
    }
}

impl fmt::Debug for StoredPassword {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "StoredPassword({}...)", self.scheme)
    }
}

/// Why a store did not do what was asked.
#[derive(Debug)]
pub enum StoreError {
    /// There is no store at this path.
    Missing(PathBuf),
    /// A newer samehand has written the store.
    Newer {
        /// Where the store is.
        path: PathBuf,
        /// The format version found there.
        found: i64,
        /// The newest format version this program knows.
        known: i64,
    },
    /// Others than its owner may read or write the store's file.
    Exposed {
        /// Where the file is.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file or its directory could not be reached.
    Unreachable {
        /// Which file or directory.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The database refused.
    Database {
        /// Where the store is.
        path: PathBuf,
        /// What the database said.
        error: rusqlite::Error,
    },
    /// What the store holds cannot have been written by samehand.
    Damaged {
        /// Where the store is.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A user with this name exists.
    UserExists(UserName),
    /// No user has this name.
    NoSuchUser(UserName),
}

impl StoreError {
    /// Whether it goes away by itself: another process holds the store just now.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Database { error, .. } => matches!(
                error.sqlite_error_code(),
                Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
            ),
            Self::Missing(_)
            | Self::Newer { .. }
            | Self::Exposed { .. }
            | Self::Unreachable { .. }
            | Self::Damaged { .. }
            | Self::UserExists(_)
            | Self::NoSuchUser(_) => false,
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(
                formatter,
                "there is no store at {}. `samehand user add NAME` creates it; if it is somewhere else, \
                 set SAMEHAND_DATA to its directory",
                path.display()
            ),
            Self::Newer { path, found, known } => write!(
                formatter,
                "the store {} has format version {found}; samehand {} knows versions up to {known}. \
                 Run the newer samehand that wrote it, or restore the copy made before the upgrade",
                path.display(),
                env!("CARGO_PKG_VERSION")
            ),
            Self::Exposed { path, mode } => write!(
                formatter,
                "others may read or write the store {0} (mode {mode:04o}), which holds the hashes of passwords: \
                 run `chmod 600 {0}`",
                path.display()
            ),
            Self::Unreachable { path, error } => write!(
                formatter,
                "the store needs {}, but: {error}. Check that the user samehand runs as may write there, \
                 or set SAMEHAND_DATA to another directory",
                path.display()
            ),
            Self::Database { path, error } => {
                write!(formatter, "the store {} failed: {error}", path.display())
            }
            Self::Damaged { path, problem } => write!(formatter, "the store {} is damaged: {problem}", path.display()),
            Self::UserExists(name) => write!(formatter, "the user {name} exists already"),
            Self::NoSuchUser(name) => write!(formatter, "there is no user {name}"),
        }
    }
}

impl std::error::Error for StoreError {}
