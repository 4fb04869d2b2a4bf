//! Sessions: one begins with a sign-in, is renewed while it is good, and ends by time or because somebody ends it.
//!
//! What may be renewed at all is decided by [`check`](crate::check): signature, revocations and client. Here the store is
//! asked whether the session still lives, and the user is read anew, so that a token never says of a user what was true
//! at the sign-in only. Article tokens have no sessions.

use crate::check::binding::BoundToken;
use crate::check::fingerprint::ObservedClient;
use crate::check::identifiers::Revision;
use crate::check::names::UserName;
use crate::check::policy::{Format, Policy};
use crate::issue::{Grant, MintError, Minted, Minter, Terms, new_session_id};
use crate::store::{Session, SignedInBy, Store, StoreError, User};
use std::fmt;

/// Why there is no session, or no token of it.
#[derive(Debug)]
pub enum SessionError {
    /// It has ended: by time, by somebody, or because its user is gone or disabled.
    Ended,
    /// The store did not answer.
    Store(StoreError),
    /// No token could be minted.
    Mint(MintError),
}

impl fmt::Display for SessionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => formatter.write_str("the session has ended"),
            Self::Store(error) => error.fmt(formatter),
            Self::Mint(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for SessionError {}

impl From<StoreError> for SessionError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<MintError> for SessionError {
    fn from(error: MintError) -> Self {
        Self::Mint(error)
    }
}

/// A new session for this client, if tokens of the minted kind have sessions. It is not in the store yet.
///
/// # Errors
/// [`MintError::Failed`] when the system gives no random bytes.
pub fn begin(
    user: &UserName,
    signed_in_by: SignedInBy,
    client: &ObservedClient<'_>,
    policy: &Policy,
    now: u64,
) -> Result<Option<Session>, MintError> {
    if policy.formats.minted == Format::Article {
        return Ok(None);
    }
    Ok(Some(Session {
        id: new_session_id()?,
        user: user.clone(),
        signed_in_by,
        created_at: now,
        last_seen_at: now,
        ends_at: now.saturating_add(policy.max_lifetime),
        device: client.user_agent.in_words(),
        network: client.ip.network().to_string(),
    }))
}

/// What a token of a new session is minted under.
#[must_use]
pub fn terms(session: Option<&Session>, issued_under: Revision, ttl: Option<u64>, now: u64) -> Terms {
    Terms { issued_under, session: session.map(|session| (session.id.clone(), session.ends_at)), ttl, now }
}

/// What the store says of a user, as it stands in tokens.
fn grant_of(user: User) -> Grant {
    Grant { groups: user.groups, name: user.display_name, email: user.email, ..Grant::of(user.name) }
}

/// A session that lives, with what a new token of it says.
pub struct LiveSession {
    session: Session,
    grant: Grant,
    issued_under: Revision,
}

/// Asks whether the session of a token lives. `idle` is how long it may stay unused, `seen_at` when it was used if the
/// store was not told yet, both in seconds.
///
/// # Errors
/// [`SessionError::Ended`], also for a token without a session; [`SessionError::Store`].
pub async fn find(
    store: &dyn Store,
    bound: &BoundToken,
    idle: Option<u64>,
    seen_at: Option<u64>,
    now: u64,
) -> Result<LiveSession, SessionError> {
    let token = bound.token();
    let sid = token.session().ok_or(SessionError::Ended)?;
    // Before anything else is read: what is revoked from here on covers the new token.
    let issued_under = store.revision().await?;
    let stored = store.session(sid).await?.ok_or(SessionError::Ended)?;
    let session = Session { last_seen_at: stored.last_seen_at.max(seen_at.unwrap_or_default()), ..stored };
    if !session.is_open(idle, now) || session.user.as_str() != token.subject() {
        return Err(SessionError::Ended);
    }
    let user = store.user(&session.user).await?;
    let grant = match (session.signed_in_by, user) {
        (_, Some(user)) if user.disabled => return Err(SessionError::Ended),
        (SignedInBy::Password, Some(user)) => grant_of(user),
        (SignedInBy::Password, None) => return Err(SessionError::Ended),
        (SignedInBy::BackEnd, _) => Grant::again(session.user.clone(), token.payload())?,
    };
    Ok(LiveSession { session, grant, issued_under })
}

impl LiveSession {
    /// The session.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// What a new token says of the user.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// A fresh token for this client. The old one stays good: a page often renews several times at once.
    ///
    /// # Errors
    /// [`MintError`].
    pub fn mint(
        &self,
        client: &ObservedClient<'_>,
        minter: &Minter,
        policy: &Policy,
        now: u64,
    ) -> Result<Minted, MintError> {
        let terms = terms(Some(&self.session), self.issued_under, None, now);
        minter.mint(self.grant.clone(), client, policy, &terms)
    }
}
