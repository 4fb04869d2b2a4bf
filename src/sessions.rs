//! Sessions: one begins with a sign-in, is renewed while it is good, and ends by time or because somebody ends it.
//!
//! What may be renewed at all is decided by [`check`](crate::check): signature, revocations and client. Here the store is
//! asked whether the session still lives, and the user is read anew, so that a token never says of a user what was true
//! at the sign-in only. Article tokens have no sessions.

use crate::check::binding::BoundToken;
use crate::check::fingerprint::KeyedFingerprint;
use crate::check::identifiers::Revision;
use crate::check::names::UserName;
use crate::check::observed::ObservedClient;
use crate::check::policy::{Format, Policy};
use crate::check::revocation::{CLOCKS_APART, Entry, Reach, RevokedId};
use crate::issue::{Grant, MintError, Minted, Minter, Terms, new_session_id};
use crate::store::{PAGE, Revocation, Revoked, Session, SignedInBy, Store, StoreError, User, open_sessions};
use std::fmt;
use std::time::Duration;

/// Why there is no session, or no token of it.
#[derive(Debug)]
pub enum SessionError {
    /// It has ended: by time, by somebody, or because its user is gone or disabled.
    Ended,
    /// The store did not answer.
    Store(StoreError),
    /// No token could be minted.
    Mint(MintError),
    /// What is watched has changed too often; the next change may come after so many seconds.
    ReboundTooOften(u64),
}

impl fmt::Display for SessionError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => formatter.write_str("the session has ended"),
            Self::Store(error) => error.fmt(formatter),
            Self::Mint(error) => error.fmt(formatter),
            Self::ReboundTooOften(_) => formatter.write_str("the client has changed too often"),
        }
    }
}

impl SessionError {
    /// Whether it will be the same at the next attempt, until somebody changes what the user's tokens say.
    #[must_use]
    pub fn is_lasting(&self) -> bool {
        match self {
            Self::Mint(error) => error.is_lasting(),
            Self::Ended | Self::Store(_) | Self::ReboundTooOften(_) => false,
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

/// How long sessions live.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// From the sign-in on, in seconds, used or not.
    pub absolute: u64,
    /// Without being used, in seconds.
    pub idle: Option<u64>,
}

impl Limits {
    /// The session as it is under these limits, unless it has ended by time at `now`, in seconds since 1970.
    #[must_use]
    pub fn apply(self, session: Session, now: u64) -> Option<Session> {
        let ends_at = session.ends_at.min(session.created_at.saturating_add(self.absolute));
        // A last use in the future was seen by a clock that was ahead, and says nothing. A session that begins there is none.
        let is_from_the_future = |at: u64| at > now.saturating_add(CLOCKS_APART);
        let last_seen_at = match is_from_the_future(session.last_seen_at) {
            true => session.created_at,
            false => session.last_seen_at,
        };
        let is_idle = self.idle.is_some_and(|idle| last_seen_at.saturating_add(idle) <= now);
        let lives = ends_at > now && !is_idle && !is_from_the_future(session.created_at);
        lives.then_some(Session { ends_at, last_seen_at, ..session })
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
    limits: Limits,
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
        ends_at: now.saturating_add(limits.absolute),
        device: client.user_agent.in_words(),
        network: client.ip.network().to_string(),
    }))
}

/// What a token is minted under. It ends with its session at the latest, also if that is not used any more.
#[must_use]
pub fn terms(session: Option<&Session>, limits: Limits, issued_under: Revision, ttl: Option<u64>, now: u64) -> Terms {
    let unused_until = limits.idle.map_or(u64::MAX, |idle| now.saturating_add(idle));
    let session = session.map(|session| (session.id.clone(), session.ends_at.min(unused_until)));
    Terms { issued_under, session, before: None, ttl, now }
}

/// When an article token is issued, in seconds since 1970 by the store's clock. It tells nothing but this time, and a
/// revocation covers what was issued up to its own second. So the second of the last revocation is waited out, and what
/// was revoked meanwhile counts: nothing that is issued later is lost, and nothing that was issued before is kept.
///
/// # Errors
/// [`SessionError::Ended`] when all that the user has was revoked after `issued_under`; [`SessionError::Store`].
pub async fn issue_time(store: &dyn Store, user: &UserName, issued_under: Revision) -> Result<u64, SessionError> {
    loop {
        let clock_ms = check_revocations(store, user, issued_under).await?;
        let (second, revoked) = (clock_ms / 1000, issued_under.seconds());
        if second > revoked {
            return Ok(second);
        }
        // A store whose clock was set back is not waited for.
        if revoked - second > MOST_TO_WAIT {
            return Ok(revoked + 1);
        }
        tokio::time::sleep(Duration::from_millis(1000 - clock_ms % 1000)).await;
    }
}

/// Seconds.
const MOST_TO_WAIT: u64 = 3;

/// Puts a new session into the store.
///
/// A revocation that came after `issued_under` covers its token, and has ended every session that was there; if it was
/// quicker than this one, this one goes too. Else whoever knew the password that was just changed could renew the dead
/// token where the revocation is not heard of yet, and get a live one.
///
/// # Errors
/// [`SessionError::Ended`] in that case; [`SessionError::Store`].
pub async fn keep(store: &dyn Store, session: &Session, issued_under: Revision) -> Result<(), SessionError> {
    store.open_session(session).await?;
    let checked = check_revocations(store, &session.user, issued_under).await;
    if let Err(SessionError::Ended) = checked {
        store.revoke(&[Revocation::Session(session.id.clone())]).await?;
    }
    checked.map(drop)
}

/// Most open sessions of one user who signs in with a password. People have a few; a script that signs in each minute and
/// never out would else fill the store and hide everything else in the list.
pub const MOST: usize = 200;

/// Ends what the user of a new session has beyond [`MOST`], the longest unused first: what is in use stays. Sessions that back
/// ends open are theirs to end, and not counted: a back end may have many clients under one name.
///
/// # Errors
/// [`StoreError`]; then there are some more until the next sign-in.
pub async fn end_surplus(store: &dyn Store, new: &Session) -> Result<Revoked, StoreError> {
    let mut others = open_sessions(store, Some(&new.user), new.created_at).await?;
    others.retain(|other| other.id != new.id && other.signed_in_by == SignedInBy::Password);
    let surplus = (others.len() + 1).saturating_sub(MOST);
    if surplus == 0 {
        return Ok(Revoked::default());
    }
    others.sort_by_key(|other| (other.last_seen_at, other.created_at));
    let ended: Vec<Revocation> = others.into_iter().take(surplus).map(|other| Revocation::Session(other.id)).collect();
    store.revoke(&ended).await
}

/// Whether all that a user has was revoked after `issued_under`. If it was not, the store's clock when it said so, in
/// milliseconds since 1970.
async fn check_revocations(store: &dyn Store, user: &UserName, issued_under: Revision) -> Result<u64, SessionError> {
    let about = [RevokedId::user(user), RevokedId::EVERYTHING];
    let mut since = issued_under;
    loop {
        let changes = store.changes(since, PAGE).await?;
        let covers = |entry: &Entry| match entry.reach {
            Reach::Earlier(than) => about.contains(&entry.id) && issued_under < than,
            Reach::Itself => false,
        };
        if changes.entries.iter().any(covers) {
            return Err(SessionError::Ended);
        }
        match changes.entries.last() {
            Some(last) if changes.entries.len() == PAGE => since = last.revision,
            Some(_) | None => return Ok(changes.clock_ms),
        }
    }
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
    /// Of the token that is renewed: what cannot be computed anew is taken over.
    before: Option<KeyedFingerprint>,
    /// The lifetime that its back end may have asked for, in seconds.
    asked_ttl: Option<u64>,
    /// When it was found to live, in seconds since 1970.
    now: u64,
}

/// Asks whether the session of a token lives. `seen_at` is when it was used if the store was not told yet, in seconds
/// since 1970. The limits of today count, also for a session that began under longer ones.
///
/// # Errors
/// [`SessionError::Ended`], also for a token without a session; [`SessionError::Store`].
pub async fn find(
    store: &dyn Store,
    bound: &BoundToken,
    limits: Limits,
    seen_at: Option<u64>,
    now: u64,
) -> Result<LiveSession, SessionError> {
    let token = bound.token();
    let sid = token.session().ok_or(SessionError::Ended)?;
    // Before anything else is read: what is revoked from here on covers the new token.
    let issued_under = store.revision().await?;
    let stored = store.session(sid).await?.ok_or(SessionError::Ended)?;
    let last_seen_at = match seen_at {
        // What was seen here and not written yet replaces what a clock that was ahead has written.
        Some(at) if stored.last_seen_at > at.saturating_add(CLOCKS_APART) => at,
        Some(at) => stored.last_seen_at.max(at),
        None => stored.last_seen_at,
    };
    let session = limits.apply(Session { last_seen_at, ..stored }, now).ok_or(SessionError::Ended)?;
    if session.user.as_str() != token.subject() {
        return Err(SessionError::Ended);
    }
    let user = store.user(&session.user).await?;
    let grant = match (session.signed_in_by, user) {
        (_, Some(user)) if user.disabled => return Err(SessionError::Ended),
        (SignedInBy::Password, Some(user)) => grant_of(user),
        (SignedInBy::Password, None) => return Err(SessionError::Ended),
        (SignedInBy::BackEnd, _) => Grant::again(session.user.clone(), &token.payload())?,
    };
    let asked_ttl = match session.signed_in_by {
        SignedInBy::Password => None,
        SignedInBy::BackEnd => Some(token.expires_at().saturating_sub(token.issued_at())),
    };
    let before = token.keyed_fingerprint().cloned();
    Ok(LiveSession { session, grant, issued_under, before, asked_ttl, now })
}

impl LiveSession {
    /// The session.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The fingerprint of the token that it was found by.
    #[must_use]
    pub fn before(&self) -> Option<&KeyedFingerprint> {
        self.before.as_ref()
    }

    /// What a new token says of the user.
    #[must_use]
    pub fn grant(&self) -> &Grant {
        &self.grant
    }

    /// A fresh token for this client, of the moment at which the session was found to live; it lives as long as one from a
    /// sign-in, or shorter if a back end asked for less. The old one stays good: a page often renews several times at once.
    ///
    /// # Errors
    /// [`MintError`].
    pub fn mint(
        &self,
        client: &ObservedClient<'_>,
        minter: &Minter,
        policy: &Policy,
        limits: Limits,
    ) -> Result<Minted, MintError> {
        let ttl = self.asked_ttl.map(|asked| asked.min(minter.token_ttl));
        let terms = terms(Some(&self.session), limits, self.issued_under, ttl, self.now);
        let terms = Terms { before: self.before.clone(), ..terms };
        minter.mint(self.grant.clone(), client, policy, &terms)
    }
}

#[cfg(test)]
mod tests;
