//! A session as a store holds it: one sign-in, and what is told about it to its user. It holds no address and no token.

use super::user::signed;
use crate::check::identifiers::SessionId;
use crate::check::names::UserName;
use crate::check::revocation::CLOCKS_APART;

/// One sign-in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its name, the `sid` of its tokens.
    pub id: SessionId,
    /// Who signed in.
    pub user: UserName,
    /// How.
    pub signed_in_by: SignedInBy,
    /// When, in seconds since 1970.
    pub created_at: u64,
    /// When it was last used, to a minute or so, in seconds since 1970.
    pub last_seen_at: u64,
    /// When it ends whatever happens, in seconds since 1970.
    pub ends_at: u64,
    /// What the client looked like, in words.
    pub device: String,
    /// Where the client was, as a network: `203.0.113.0/24`.
    pub network: String,
}

/// Who sees a session at `at` believes nobody who saw it later than this: that was a clock that was ahead. Both in seconds
/// since 1970.
pub(super) fn latest_seen(at: u64) -> u64 {
    at.saturating_add(CLOCKS_APART)
}

/// How a session began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedInBy {
    /// With a user name and password of the store: the user is read again at each renewal.
    Password,
    /// A back end vouched for the client: what it said about the user stays.
    BackEnd,
}

impl SignedInBy {
    /// The word for it in a store.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::BackEnd => "back-end",
        }
    }

    fn read(word: &str) -> Option<Self> {
        [Self::Password, Self::BackEnd].into_iter().find(|way| way.name() == word)
    }
}

/// A session as texts and numbers, as a store keeps it and gives it back: not yet checked.
#[derive(Clone, Debug)]
pub(super) struct SessionRow {
    pub(super) id: String,
    pub(super) user_name: String,
    pub(super) signed_in_by: String,
    pub(super) created_at: i64,
    pub(super) last_seen_at: i64,
    pub(super) ends_at: i64,
    pub(super) device: String,
    pub(super) network: String,
}

impl SessionRow {
    pub(super) fn of(session: &Session) -> Self {
        Self {
            id: session.id.as_str().to_owned(),
            user_name: session.user.as_str().to_owned(),
            signed_in_by: session.signed_in_by.name().to_owned(),
            created_at: signed(session.created_at),
            last_seen_at: signed(session.last_seen_at),
            ends_at: signed(session.ends_at),
            device: session.device.clone(),
            network: session.network.clone(),
        }
    }

    /// The session, or what is wrong with the row.
    pub(super) fn check(self) -> Result<Session, String> {
        let problem = |error: &str| format!("the row of the session {:?}: {error}", self.id);
        let signed_in_by = SignedInBy::read(&self.signed_in_by);
        Ok(Session {
            id: SessionId::read(&self.id).ok_or_else(|| problem("the name is none"))?,
            user: UserName::read(&self.user_name).map_err(|error| problem(&error.to_string()))?,
            signed_in_by: signed_in_by.ok_or_else(|| problem("it began in an unknown way"))?,
            created_at: self.created_at.unsigned_abs(),
            last_seen_at: self.last_seen_at.unsigned_abs(),
            ends_at: self.ends_at.unsigned_abs(),
            device: self.device,
            network: self.network,
        })
    }
}
