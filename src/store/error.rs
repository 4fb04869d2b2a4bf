//! Why a store did not do what was asked, in words that name the place and the remedy, and never a password.

use crate::check::names::UserName;
use std::fmt;

/// Why a store did not do what was asked.
#[derive(Debug)]
pub enum StoreError {
    /// There is no store there.
    Missing {
        /// Where it was looked for.
        place: String,
    },
    /// A newer samehand has written the store.
    Newer {
        /// Where the store is.
        place: String,
        /// The format version found there.
        found: i64,
        /// The newest format version this program knows.
        known: i64,
    },
    /// Others than its owner may read or write the store's file.
    Exposed {
        /// Where the file is.
        place: String,
        /// Its permission bits.
        mode: u32,
    },
    /// The file or its directory could not be reached.
    Unreachable {
        /// Which file or directory.
        place: String,
        /// What the system said.
        error: std::io::Error,
    },
    /// The store does not answer, or is busy: it goes away by itself.
    Away {
        /// Where the store is.
        place: String,
        /// What was heard.
        problem: String,
    },
    /// The database refused.
    Refused {
        /// Where the store is.
        place: String,
        /// What the database said.
        problem: String,
    },
    /// What the store holds cannot have been written by samehand.
    Damaged {
        /// Where the store is.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// A user with this name exists.
    UserExists(UserName),
    /// No user has this name.
    NoSuchUser(UserName),
    /// The user has another password than the one that a change was for.
    PasswordChanged(UserName),
}

impl StoreError {
    /// Whether it goes away by itself: the store cannot be reached, or another process holds it just now.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(self, Self::Away { .. })
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { place } => write!(
                formatter,
                "there is no store at {place}. `samehand user add NAME` creates it; if it is somewhere else, \
                 set SAMEHAND_DATA to its directory, or SAMEHAND_STORE to its address"
            ),
            Self::Newer { place, found, known } => write!(
                formatter,
                "the store {place} has format version {found}; samehand {} knows versions up to {known}. \
                 Run the newer samehand that wrote it, or restore the copy made before the upgrade",
                env!("CARGO_PKG_VERSION")
            ),
            Self::Exposed { place, mode } => write!(
                formatter,
                "others may read or write the store {place} (mode {mode:04o}), which holds the hashes of passwords: \
                 run `chmod 600 {place}`"
            ),
            Self::Unreachable { place, error } => write!(
                formatter,
                "the store needs {place}, but: {error}. Check that the user samehand runs as may write there, \
                 or set SAMEHAND_DATA to another directory"
            ),
            Self::Away { place, problem } => {
                write!(formatter, "the store {place} does not answer: {problem}; it will be tried again")
            }
            Self::Refused { place, problem } => write!(formatter, "the store {place} failed: {problem}"),
            Self::Damaged { place, problem } => write!(formatter, "the store {place} is damaged: {problem}"),
            Self::UserExists(name) => write!(formatter, "the user {name} exists already"),
            Self::NoSuchUser(name) => write!(formatter, "there is no user {name}"),
            Self::PasswordChanged(name) => write!(formatter, "the password of {name} was changed meanwhile"),
        }
    }
}

impl std::error::Error for StoreError {}
