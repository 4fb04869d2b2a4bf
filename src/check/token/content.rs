//! What a token says whose signature holds: everything about it that stays as it is from one question to the next.
//!
//! Nothing is decided here: what the time, the revocations and the client make of it is for the steps that follow, every
//! time.

use super::payload::{Claims, Times};
use super::{Confirmation, Fingerprint};
use crate::check::fingerprint::KeyedFingerprint;
use crate::check::identifiers::{Revision, SessionId, issued_under};
use crate::check::identity::{Identity, UnusableIdentity};
use crate::check::policy::Format;
use crate::check::revocation::{RevokedId, RevokedIds};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::{Arc, OnceLock};

/// What a token says whose signature holds. It may be remembered, and alone it is good for nothing.
#[derive(Debug)]
pub struct Content {
    text: Box<str>,
    pub(in crate::check) subject: String,
    pub(in crate::check) fingerprint: Fingerprint,
    pub(super) times: Times,
    session: Option<SessionId>,
    confirmation: Confirmation,
    kid: Option<Arc<str>>,
    identity: Result<Identity, UnusableIdentity>,
    revoked_ids: OnceLock<RevokedIds>,
}

impl Content {
    pub(super) fn new(text: &str, claims: Claims, kid: Option<Arc<str>>) -> Self {
        let identity = claims.identity();
        let Claims { subject, fingerprint, times, session, confirmation, .. } = claims;
        let text = text.into();
        Self { text, subject, fingerprint, times, session, confirmation, kid, identity, revoked_ids: OnceLock::new() }
    }

    /// The token as it was presented.
    pub(in crate::check) fn text(&self) -> &str {
        &self.text
    }

    /// The kind of token.
    #[must_use]
    pub fn format(&self) -> Format {
        match self.fingerprint {
            Fingerprint::Keyed { .. } => Format::Keyed,
            Fingerprint::Article { .. } => Format::Article,
        }
    }

    /// `sub`, or the article's `userId` as text.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// `iat`, in seconds since 1970.
    #[must_use]
    pub fn issued_at(&self) -> u64 {
        self.times.issued_at
    }

    /// `exp`, in seconds since 1970.
    #[must_use]
    pub fn expires_at(&self) -> u64 {
        self.times.expires_at
    }

    /// The key that signed it; article tokens name none.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.kid.as_deref()
    }

    /// The session it belongs to, if it belongs to one.
    #[must_use]
    pub fn session(&self) -> Option<&SessionId> {
        self.session.as_ref()
    }

    /// What must be shown with it.
    #[must_use]
    pub fn confirmation(&self) -> &Confirmation {
        &self.confirmation
    }

    /// The keyed fingerprint; article tokens have another.
    #[must_use]
    pub fn keyed_fingerprint(&self) -> Option<&KeyedFingerprint> {
        match &self.fingerprint {
            Fingerprint::Keyed { claim, .. } => Some(claim),
            Fingerprint::Article { .. } => None,
        }
    }

    /// What the token is called when it is taken back.
    #[must_use]
    pub fn revoked_id(&self) -> RevokedId {
        self.revoked_ids().token
    }

    /// What the token, its session and its user are called when they are taken back.
    pub(in crate::check) fn revoked_ids(&self) -> &RevokedIds {
        self.revoked_ids.get_or_init(|| RevokedIds {
            token: match &self.fingerprint {
                Fingerprint::Keyed { jti, .. } => RevokedId::token(jti),
                Fingerprint::Article { revoked_id, .. } => *revoked_id,
            },
            session: self.session.as_ref().map(RevokedId::session),
            user: RevokedId::of_subject(&self.subject),
        })
    }

    /// The store's revision when it was issued; a token that somebody else minted tells none.
    #[must_use]
    pub fn issued_under(&self) -> Option<Revision> {
        match &self.fingerprint {
            Fingerprint::Keyed { jti, .. } => issued_under(jti),
            Fingerprint::Article { .. } => None,
        }
    }

    /// The claims, as signed: one JSON object.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        let encoded = self.text.split('.').nth(1).unwrap_or_default();
        // It was decoded once before.
        URL_SAFE_NO_PAD.decode(encoded).unwrap_or_default()
    }

    /// Whom it names, in words that are safe in headers.
    pub(in crate::check) fn identity(&self) -> Result<&Identity, UnusableIdentity> {
        self.identity.as_ref().map_err(|unusable| *unusable)
    }

    /// Whether both are one sign-in: one session, or where there is none, one token.
    pub(in crate::check) fn is_same_session(&self, other: &Self) -> bool {
        if let (Some(ours), Some(theirs)) = (&self.session, &other.session) {
            return ours == theirs;
        }
        match (&self.fingerprint, &other.fingerprint) {
            (Fingerprint::Keyed { jti: ours, .. }, Fingerprint::Keyed { jti: theirs, .. }) => ours == theirs,
            (Fingerprint::Article { .. }, Fingerprint::Article { .. }) => self.payload() == other.payload(),
            (Fingerprint::Keyed { .. }, Fingerprint::Article { .. })
            | (Fingerprint::Article { .. }, Fingerprint::Keyed { .. }) => false,
        }
    }
}
