//! Signing in with a name and a password.
//!
//! An unknown name, a wrong password and a disabled user take the same time and give the same error: what differs is
//! a reason for our log. It mints nothing and limits no attempts.

pub mod hasher;
pub mod import;
pub mod own_password;
pub mod password;
pub mod rules;
mod typed;

pub use self::hasher::Hasher;

use self::hasher::{Bench, HasherError};
use self::password::PasswordHash;
use self::typed::TypedPassword;
use crate::check::identifiers::Revision;
use crate::check::names::{DisplayName, Email, Groups, UserName};
use crate::secret::Secret;
use crate::store::{Store, StoreError, User};
use std::fmt;
use std::time::Duration;

/// A user whose password was right; only [`sign_in`] makes one.
#[derive(Debug)]
pub struct SignedIn {
    name: UserName,
    display_name: Option<DisplayName>,
    email: Option<Email>,
    groups: Groups,
    issued_under: Revision,
}

impl SignedIn {
    fn new(user: User, issued_under: Revision) -> Self {
        let User { name, display_name, email, groups, .. } = user;
        Self { name, display_name, email, groups, issued_under }
    }

    /// The store's revision before the user was read: a revocation that came later covers what is issued now.
    #[must_use]
    pub fn issued_under(&self) -> Revision {
        self.issued_under
    }

    /// The name, lower case.
    #[must_use]
    pub fn name(&self) -> &UserName {
        &self.name
    }

    /// What the person is called.
    #[must_use]
    pub fn display_name(&self) -> Option<&DisplayName> {
        self.display_name.as_ref()
    }

    /// The e-mail address.
    #[must_use]
    pub fn email(&self) -> Option<&Email> {
        self.email.as_ref()
    }

    /// The groups.
    #[must_use]
    pub fn groups(&self) -> &Groups {
        &self.groups
    }
}

/// Why nobody was signed in.
#[derive(Debug)]
pub enum SignInError {
    /// Name and password do not belong together. The caller's answer must not depend on the reason.
    Refused(RefusalReason),
    /// Too many sign-ins wait; nothing was tried.
    Busy,
    /// The store or the hashing failed.
    Unavailable(Unavailable),
}

/// For the log, and for nobody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalReason {
    /// No user has this name.
    UnknownUser,
    /// The user exists.
    WrongPassword,
    /// The password was right.
    Disabled,
}

impl RefusalReason {
    /// The name in logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UnknownUser => "unknown-user",
            Self::WrongPassword => "wrong-password",
            Self::Disabled => "disabled",
        }
    }
}

/// What failed on our side.
#[derive(Debug)]
pub enum Unavailable {
    /// The store did not answer.
    Store(StoreError),
    /// A stored hash is not one that samehand accepts.
    StoredHash(password::HashError),
    /// The hash was not computed.
    Hashing(HasherError),
}

impl fmt::Display for Unavailable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(formatter),
            Self::StoredHash(error) => write!(formatter, "a password hash in the store cannot be used: {error}"),
            Self::Hashing(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for Unavailable {}

impl From<StoreError> for SignInError {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(Unavailable::Store(error))
    }
}

impl From<password::HashError> for SignInError {
    fn from(error: password::HashError) -> Self {
        Self::Unavailable(Unavailable::StoredHash(error))
    }
}

impl From<HasherError> for SignInError {
    fn from(error: HasherError) -> Self {
        match error {
            HasherError::Busy => Self::Busy,
            HasherError::Stopped => Self::Unavailable(Unavailable::Hashing(error)),
        }
    }
}

/// Whoever signs in is not kept waiting longer by a store that does not answer: an attempt was counted already, or could
/// not be.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Signs a user in. Name and password are what a person typed. A password that was right is hashed anew, where its hash is
/// weaker than those written now, or of another spelling.
pub async fn sign_in(
    store: &dyn Store,
    hasher: &Hasher,
    name: &str,
    password: Secret,
    now: u64,
) -> Result<SignedIn, SignInError> {
    // A place in the queue first: a flood must not reach the store either.
    let place = hasher.admit()?;
    let reading = tokio::time::timeout(PATIENCE, read(store, name)).await;
    let too_long = |_| StoreError::Away { place: store.place(), problem: "it takes its time".into() };
    let (issued_under, schemes, user) = reading.map_err(too_long)??;
    let password = TypedPassword::new(password);
    let (user, renewed) = place.run(move |bench| attempt(bench, schemes, user, &password)).await??;
    if let Some(renewed) = renewed {
        renew(store, &user, renewed, now).await;
    }
    Ok(SignedIn::new(user, issued_under))
}

/// What is read before a password is hashed: the revision, all schemes, and the user, if there is one.
async fn read(store: &dyn Store, name: &str) -> Result<(Revision, Vec<String>, Option<User>), StoreError> {
    let issued_under = store.revision().await?;
    let schemes = store.password_schemes().await?;
    // What is no name at all is nobody's name, and takes as long.
    let user = match UserName::typed(name) {
        Ok(name) => store.user(&name).await?,
        Err(_) => None,
    };
    Ok((issued_under, schemes, user))
}

/// A better hash of a password that was right, or why there is none.
type Renewed = Option<Result<PasswordHash, password::HashingFailed>>;

/// Every refusal costs one verification of each spelling in each scheme of the store and in the current one, in one order,
/// whoever is asked for: a store with an imported bcrypt hash would otherwise tell by its time who has one.
fn attempt(
    bench: &Bench,
    mut schemes: Vec<String>,
    user: Option<User>,
    password: &TypedPassword,
) -> Result<(User, Renewed), SignInError> {
    let current = PasswordHash::current_scheme();
    if !schemes.contains(&current) {
        schemes.push(current);
    }
    let Some(user) = user else {
        spend(bench, &schemes, password)?;
        return Err(SignInError::Refused(RefusalReason::UnknownUser));
    };
    let hash = PasswordHash::read(user.password.hash())?;
    let own_scheme = hash.scheme();
    let position = schemes.iter().position(|scheme| *scheme == own_scheme).unwrap_or(schemes.len());
    let (before, rest) = schemes.split_at(position);
    let after = rest.get(1..).unwrap_or_default();
    spend(bench, before, password)?;
    let mut is_right = false;
    for spelling in password.spellings() {
        let matches = bench.verify(&hash, spelling);
        if matches && !user.disabled {
            return Ok((user, bench.renew(&hash, spelling, password.prepared())));
        }
        is_right |= matches;
    }
    spend(bench, after, password)?;
    let reason = if is_right { RefusalReason::Disabled } else { RefusalReason::WrongPassword };
    Err(SignInError::Refused(reason))
}

fn spend(bench: &Bench, schemes: &[String], password: &TypedPassword) -> Result<(), SignInError> {
    for scheme in schemes {
        let decoy = PasswordHash::decoy(scheme)?;
        password.spellings().for_each(|spelling| bench.spend(&decoy, spelling));
    }
    Ok(())
}

/// A hash that could not be computed or kept is no reason to refuse somebody whose password was right: the old one
/// stays, and the next sign-in tries again.
async fn renew(store: &dyn Store, user: &User, renewed: Result<PasswordHash, password::HashingFailed>, now: u64) {
    let kept = match renewed {
        Ok(renewed) => {
            let kept = store.rehash(&user.name, &user.password, &renewed.stored(), now).await;
            kept.map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    if let Err(error) = kept {
        log::warn!(username = user.name.as_str(), error = error.as_str(); "password not hashed anew");
    }
}

#[cfg(test)]
mod tests;
