//! What a token's payload says, by kind: every claim that is checked, of the type it must have, and its times.
//!
//! It is read only after the signature holds.

use super::{Confirmation, Fingerprint, JKT, TokenError, X5T_S256};
use crate::check::claims::{Object, Value};
use crate::check::fingerprint::KeyedFingerprint;
use crate::check::identifiers::SessionId;
use crate::check::identity::{Identity, UnusableIdentity};
use crate::check::policy::Policy;
use crate::check::revocation::RevokedId;
use crate::check::thumbprint::Thumbprint;

/// How far a minter's clock may be ahead of ours, in seconds; `exp` has no such leeway.
const CLOCK_LEEWAY: u64 = 30;

fn text(value: Option<Value<'_>>) -> Result<String, TokenError> {
    match value {
        Some(Value::Text(text)) => Ok(text.into_owned()),
        Some(Value::Integer(_) | Value::Texts(_) | Value::Members(_) | Value::Other) | None => Err(TokenError::Claims),
    }
}

fn optional_text(value: Option<Value<'_>>) -> Result<Option<String>, TokenError> {
    value.map(|value| text(Some(value))).transpose()
}

fn seconds(value: Option<Value<'_>>) -> Result<u64, TokenError> {
    match value {
        Some(Value::Integer(seconds)) => Ok(seconds),
        Some(Value::Text(_) | Value::Texts(_) | Value::Members(_) | Value::Other) | None => Err(TokenError::Claims),
    }
}

/// What is read out of the claims, of either kind.
pub(super) struct Claims {
    pub(super) subject: String,
    pub(super) fingerprint: Fingerprint,
    pub(super) groups: Vec<String>,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
    pub(super) times: Times,
    pub(super) session: Option<SessionId>,
    pub(super) confirmation: Confirmation,
}

impl Claims {
    /// In article tokens only the user counts, the other members have no meaning of their own there.
    pub(super) fn identity(&self) -> Result<Identity, UnusableIdentity> {
        let (groups, name, email) = (&self.groups, self.name.as_deref(), self.email.as_deref());
        match self.fingerprint {
            Fingerprint::Keyed { .. } => Identity::strict(&self.subject, groups, name, email),
            Fingerprint::Article { .. } => Identity::lenient(&self.subject, groups, name, email),
        }
    }
}

pub(super) fn keyed(mut claims: Object<'_>, policy: &Policy) -> Result<Claims, TokenError> {
    let claim = match claims.take("fingerprint") {
        Some(Value::Text(claim)) => KeyedFingerprint::parse(&claim).ok_or(TokenError::Malformed)?,
        Some(Value::Integer(_) | Value::Texts(_) | Value::Members(_) | Value::Other) | None => {
            return Err(TokenError::Malformed);
        }
    };
    if text(claims.take("iss"))? != policy.issuer {
        return Err(TokenError::Claims);
    }
    let confirmation = confirmation(claims.take("cnf"))?;
    check_audience(claims.take("aud"), policy)?;
    let jti = text(claims.take("jti"))?;
    if jti.is_empty() {
        return Err(TokenError::Claims);
    }
    let groups = match claims.take("groups") {
        None => Vec::new(),
        Some(Value::Texts(groups)) => groups,
        Some(Value::Text(_) | Value::Integer(_) | Value::Members(_) | Value::Other) => return Err(TokenError::Claims),
    };
    let session = optional_text(claims.take("sid"))?;
    let session = session.map(|sid| SessionId::read(&sid).ok_or(TokenError::Claims)).transpose()?;
    Ok(Claims {
        subject: text(claims.take("sub"))?,
        fingerprint: Fingerprint::Keyed { claim, jti },
        groups,
        name: optional_text(claims.take("name"))?,
        email: optional_text(claims.take("email"))?,
        times: Times::take(&mut claims)?,
        session,
        confirmation,
    })
}

/// RFC 7800 section 3.1: a method that is not known must not be passed over, so only the two that are known may stand
/// there, once each. A claim that names none confirms nothing, and is an error.
fn confirmation(claim: Option<Value<'_>>) -> Result<Confirmation, TokenError> {
    let members = match claim {
        None => return Ok(Confirmation::default()),
        Some(Value::Members(members)) => members,
        Some(Value::Text(_) | Value::Integer(_) | Value::Texts(_) | Value::Other) => return Err(TokenError::Claims),
    };
    let mut confirmation = Confirmation::default();
    for (name, value) in members {
        let place = match &*name {
            JKT => &mut confirmation.key,
            X5T_S256 => &mut confirmation.certificate,
            _ => return Err(TokenError::Claims),
        };
        let thumbprint = Thumbprint::read(&text(Some(value))?).ok_or(TokenError::Claims)?;
        if place.replace(thumbprint).is_some() {
            return Err(TokenError::Claims);
        }
    }
    if confirmation == Confirmation::default() { Err(TokenError::Claims) } else { Ok(confirmation) }
}

/// RFC 7519 section 4.1.3: a string or an array of strings.
fn check_audience(claim: Option<Value<'_>>, policy: &Policy) -> Result<(), TokenError> {
    let Some(expected) = &policy.audience else { return Ok(()) };
    let named = match claim {
        Some(Value::Text(audience)) => audience == expected.as_str(),
        Some(Value::Texts(audiences)) => audiences.contains(expected),
        Some(Value::Integer(_) | Value::Members(_) | Value::Other) | None => false,
    };
    named.then_some(()).ok_or(TokenError::Claims)
}

/// The 2023 article's claims. Members of other names have no meaning there; `groups`, `name` and `email` are read when
/// they have the shape that we mint, and left alone otherwise.
pub(super) fn article(mut claims: Object<'_>, revoked_id: RevokedId) -> Result<Claims, TokenError> {
    let claim = match claims.take("fingerprint") {
        Some(Value::Text(hex)) if is_sha256_hex(&hex) => hex.into_owned(),
        Some(Value::Text(_) | Value::Integer(_) | Value::Texts(_) | Value::Members(_) | Value::Other) | None => {
            return Err(TokenError::Malformed);
        }
    };
    let subject = match claims.take("userId") {
        Some(Value::Text(user)) => user.into_owned(),
        Some(Value::Integer(user)) => user.to_string(),
        Some(Value::Texts(_) | Value::Members(_) | Value::Other) | None => return Err(TokenError::Claims),
    };
    let groups = match claims.take("groups") {
        Some(Value::Texts(groups)) => groups,
        Some(Value::Text(_) | Value::Integer(_) | Value::Members(_) | Value::Other) | None => Vec::new(),
    };
    Ok(Claims {
        subject,
        fingerprint: Fingerprint::Article { claim, revoked_id },
        groups,
        name: text(claims.take("name")).ok(),
        email: text(claims.take("email")).ok(),
        times: Times::take(&mut claims)?,
        session: None,
        confirmation: Confirmation::default(),
    })
}

fn is_sha256_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// `iat`, `nbf` and `exp`, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) issued_at: u64,
    not_before: u64,
    pub(super) expires_at: u64,
}

impl Times {
    fn take(claims: &mut Object<'_>) -> Result<Self, TokenError> {
        let issued_at = seconds(claims.take("iat"))?;
        let not_before = claims.take("nbf").map_or(Ok(issued_at), |nbf| seconds(Some(nbf)))?;
        Ok(Self { issued_at, not_before, expires_at: seconds(claims.take("exp"))? })
    }

    /// RFC 7519 section 4.1.4: on or after `exp` the token is expired.
    pub(super) fn check(self, max_lifetime: u64, now: u64) -> Result<(), TokenError> {
        let lifetime = self.expires_at.checked_sub(self.issued_at).ok_or(TokenError::Claims)?;
        if lifetime == 0 || lifetime > max_lifetime {
            return Err(TokenError::Claims);
        }
        if now >= self.expires_at {
            return Err(TokenError::Expired);
        }
        if self.issued_at.max(self.not_before) > now.saturating_add(CLOCK_LEEWAY) {
            return Err(TokenError::NotYetValid);
        }
        Ok(())
    }
}
