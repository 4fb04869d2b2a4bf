//! A user as a store holds it. Checked when it is made; it knows no passwords, only their hashes.

use super::StoreError;
use crate::check::names::{DisplayName, Email, GroupName, Groups, UserName};
use std::fmt;

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

/// What to change about a user; what is not named stays.
#[derive(Clone, Debug, Default)]
pub struct UserChange {
    /// Another display name, or none.
    pub display_name: Option<Option<DisplayName>>,
    /// Another e-mail address, or none.
    pub email: Option<Option<Email>>,
    /// Other groups.
    pub groups: Option<Groups>,
    /// Another password.
    pub password: Option<StoredPassword>,
    /// Whether signing in is refused.
    pub disabled: Option<bool>,
    /// The password that the user has to have still: without it nothing changes. Who proved to know the old one must not
    /// replace another that was set meanwhile.
    pub if_password: Option<StoredPassword>,
    /// Whether all that was issued to the user before is revoked.
    pub revokes: bool,
}

impl UserChange {
    /// The user after the change, at the time `now`, in seconds since 1970.
    ///
    /// # Errors
    /// [`StoreError::PasswordChanged`] when the user has another password than the one named.
    pub fn apply(&self, user: &User, now: u64) -> Result<User, StoreError> {
        if self.if_password.as_ref().is_some_and(|known| known.hash() != user.password.hash()) {
            return Err(StoreError::PasswordChanged(user.name.clone()));
        }
        Ok(User {
            name: user.name.clone(),
            display_name: self.display_name.clone().unwrap_or_else(|| user.display_name.clone()),
            email: self.email.clone().unwrap_or_else(|| user.email.clone()),
            groups: self.groups.clone().unwrap_or_else(|| user.groups.clone()),
            password: self.password.clone().unwrap_or_else(|| user.password.clone()),
            disabled: self.disabled.unwrap_or(user.disabled),
            created_at: user.created_at,
            updated_at: now,
        })
    }
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

/// A user as texts and numbers, as a store keeps it and gives it back: not yet checked.
#[derive(Clone, Debug)]
pub(super) struct UserRow {
    pub(super) name: String,
    pub(super) display_name: Option<String>,
    pub(super) email: Option<String>,
    /// Separated by commas.
    pub(super) group_names: String,
    pub(super) password_hash: String,
    pub(super) password_scheme: String,
    pub(super) disabled: bool,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

impl UserRow {
    pub(super) fn of(user: &User) -> Self {
        Self {
            name: user.name.as_str().to_owned(),
            display_name: user.display_name.as_ref().map(|name| name.as_str().to_owned()),
            email: user.email.as_ref().map(|email| email.as_str().to_owned()),
            group_names: user.groups.joined(),
            password_hash: user.password.hash().to_owned(),
            password_scheme: user.password.scheme().to_owned(),
            disabled: user.disabled,
            created_at: signed(user.created_at),
            updated_at: signed(user.updated_at),
        }
    }

    /// The user, or what is wrong with the row.
    pub(super) fn check(self) -> Result<User, String> {
        let problem = |error: String| format!("the row of the user {:?}: {error}", self.name);
        let groups = self.group_names.split(',').filter(|name| !name.is_empty()).map(GroupName::read);
        let groups = groups.collect::<Result<Vec<_>, _>>().map_err(|error| problem(error.to_string()))?;
        let display_name = self.display_name.as_deref().map(DisplayName::read).transpose();
        let email = self.email.as_deref().map(Email::read).transpose();
        Ok(User {
            name: UserName::read(&self.name).map_err(|error| problem(error.to_string()))?,
            display_name: display_name.map_err(|error| problem(error.to_string()))?,
            email: email.map_err(|error| problem(error.to_string()))?,
            groups: Groups::new(groups).map_err(|error| problem(error.to_string()))?,
            password: StoredPassword::new(self.password_hash, self.password_scheme),
            disabled: self.disabled,
            created_at: self.created_at.unsigned_abs(),
            updated_at: self.updated_at.unsigned_abs(),
        })
    }
}

/// Databases' integers have a sign; the year 292 billion is far enough.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
