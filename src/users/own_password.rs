//! Changing one's own password: the present one is asked for again, the new one keeps the rules, and all that was issued
//! before is revoked. It mints nothing and limits no attempts.

use super::hasher::{Bench, HasherError};
use super::password::{HashingFailed, PasswordHash};
use super::rules::{NewPassword, PasswordRefused, Person};
use super::typed::TypedPassword;
use super::{Hasher, SignedIn, Unavailable};
use crate::check::names::UserName;
use crate::secret::Secret;
use crate::store::{Revoked, Store, StoreError, User, UserChange};

/// Why the password stays what it was.
#[derive(Debug)]
pub enum ChangeError {
    /// The present password is not that one, or the user is gone or disabled.
    NotTheirs,
    /// The new one breaks a rule.
    Refused(PasswordRefused),
    /// Too many passwords wait to be hashed; nothing was tried.
    Busy,
    /// The store or the hashing failed.
    Unavailable(Unavailable),
}

impl From<StoreError> for ChangeError {
    fn from(error: StoreError) -> Self {
        match error {
            // Somebody else was quicker, and what was typed as the present password is not it any more.
            StoreError::PasswordChanged(_) | StoreError::NoSuchUser(_) => Self::NotTheirs,
            StoreError::Missing { .. }
            | StoreError::Newer { .. }
            | StoreError::Exposed { .. }
            | StoreError::Unreachable { .. }
            | StoreError::Away { .. }
            | StoreError::Refused { .. }
            | StoreError::Damaged { .. }
            | StoreError::UserExists(_) => Self::Unavailable(Unavailable::Store(error)),
        }
    }
}

impl From<HasherError> for ChangeError {
    fn from(error: HasherError) -> Self {
        match error {
            HasherError::Busy => Self::Busy,
            HasherError::Stopped => Self::Unavailable(Unavailable::Hashing(error)),
        }
    }
}

impl From<HashingFailed> for ChangeError {
    fn from(_: HashingFailed) -> Self {
        Self::Unavailable(Unavailable::Hashing(HasherError::Stopped))
    }
}

/// Puts the password that somebody chose in the place of the present one, and revokes all that was issued before. The
/// user is signed in under the revision after that.
///
/// Who knew the old password may be signed in by it until the change, and at no time after it: if the password is
/// changed again, or the user disabled, before this returns, nobody is signed in.
///
/// # Errors
/// [`ChangeError`].
pub async fn change(
    store: &dyn Store,
    hasher: &Hasher,
    name: &UserName,
    present: Secret,
    chosen: Secret,
    now: u64,
) -> Result<(SignedIn, Revoked), ChangeError> {
    let place = hasher.admit()?;
    let user = store.user(name).await?.filter(|user| !user.disabled).ok_or(ChangeError::NotTheirs)?;
    let known = user.password.clone();
    let present = TypedPassword::new(present);
    let hash = place.run(move |bench| exchange(bench, &user, &present, chosen)).await??.stored();
    let change =
        UserChange { password: Some(hash.clone()), if_password: Some(known), revokes: true, ..UserChange::default() };
    let (_, revoked) = store.change_user(name, &change, now).await?;
    let issued_under = store.revision().await?;
    let is_still_so = |user: &User| !user.disabled && user.password == hash;
    let user = store.user(name).await?.filter(is_still_so).ok_or(ChangeError::NotTheirs)?;
    Ok((SignedIn::new(user, issued_under), revoked))
}

/// What is wrong with the new password is said only to who knows the present one.
fn exchange(bench: &Bench, user: &User, present: &TypedPassword, chosen: Secret) -> Result<PasswordHash, ChangeError> {
    let known = PasswordHash::read(user.password.hash());
    let known = known.map_err(|error| ChangeError::Unavailable(Unavailable::StoredHash(error)))?;
    if !present.spellings().any(|spelling| bench.verify(&known, spelling)) {
        return Err(ChangeError::NotTheirs);
    }
    let person =
        Person { name: Some(&user.name), email: user.email.as_ref(), display_name: user.display_name.as_ref() };
    let chosen = NewPassword::choose(chosen, &person).map_err(ChangeError::Refused)?;
    Ok(bench.hash(&chosen)?)
}
