//! What somebody wants to be revoked, read the same way for the command line and for `POST /revoke`.
//!
//! It reads and says what is meant; the store does it.

use crate::check::credential::BearerToken;
use crate::check::decision::Reason;
use crate::check::identifiers::SessionId;
use crate::check::key_ring::KeyRing;
use crate::check::names::{NameError, UserName};
use crate::check::policy::Policy;
use crate::check::token::{self, Expiry, TokenError, VerifiedToken};
use crate::store::Revocation;
use std::fmt;

/// What is to be revoked.
#[derive(Debug)]
pub enum Target {
    /// One token, and the session it belongs to.
    Token(Box<VerifiedToken>),
    /// One session.
    Session(SessionId),
    /// All that was issued to a user before.
    User(UserName),
    /// All that was issued before.
    Everything,
}

/// Why it is not known what is to be revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetError {
    /// The token is none of ours.
    Token(Reason),
    /// Whether the token is one of ours is not known yet.
    KeysAwaited,
    /// It names no session.
    Session,
    /// It is no name.
    User(NameError),
}

impl fmt::Display for TargetError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(reason) => {
                write!(formatter, "it is none of ours ({}), and good for nothing anyway", reason.name())
            }
            Self::KeysAwaited => formatter.write_str("the keys of tokens were not read yet; try again"),
            Self::Session => formatter.write_str("it is no SID; see: samehand session list"),
            Self::User(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for TargetError {}

impl Target {
    /// A token, whatever our clock says: one that has expired may have a session that lives on, and one that is not yet
    /// valid will be.
    ///
    /// # Errors
    /// [`TargetError::Token`] when it is none of ours, [`TargetError::KeysAwaited`] when that is not known yet.
    pub fn token(text: &str, ring: &KeyRing, policy: &Policy, now: u64) -> Result<Self, TargetError> {
        let verified = token::verify(BearerToken::typed(text.as_bytes()), ring, policy, Expiry::AnyTime, now);
        let token = verified.map_err(|refused| match refused.error {
            TokenError::KeysAwaited => TargetError::KeysAwaited,
            error @ (TokenError::Malformed
            | TokenError::KeyUnknown
            | TokenError::SignatureInvalid
            | TokenError::Claims
            | TokenError::Expired
            | TokenError::NotYetValid) => TargetError::Token(error.reason()),
        })?;
        Ok(Self::Token(Box::new(token)))
    }

    /// A session by its SID.
    ///
    /// # Errors
    /// [`TargetError::Session`].
    pub fn session(text: &str) -> Result<Self, TargetError> {
        SessionId::read(text).map(Self::Session).ok_or(TargetError::Session)
    }

    /// A user by name, in any case.
    ///
    /// # Errors
    /// [`TargetError::User`].
    pub fn user(text: &str) -> Result<Self, TargetError> {
        UserName::typed(text).map(Self::User).map_err(TargetError::User)
    }

    /// What the store is told.
    #[must_use]
    pub fn revocations(&self) -> Vec<Revocation> {
        match self {
            Self::Token(token) => Revocation::of_token(token),
            Self::Session(sid) => vec![Revocation::Session(sid.clone())],
            Self::User(name) => vec![Revocation::User(name.clone())],
            Self::Everything => vec![Revocation::Everything],
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token(token) => write!(formatter, "a token of {}", token.subject()),
            Self::Session(sid) => write!(formatter, "session {sid}"),
            Self::User(name) => write!(formatter, "user {name}"),
            Self::Everything => formatter.write_str("everything"),
        }
    }
}
