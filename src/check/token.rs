//! Is it one of ours, and is it valid now? One strict parse of our own, then the signature, then the claims.
//!
//! Order: length, alphabet and dots → header → key by `kid` (or, for an article token, our HS256 keys) → signature →
//! claims → times. Nothing of the payload is looked at before the signature holds. The client is not looked at here:
//! that is [`binding`](super::binding)'s part.

use super::claims::{Malformed, Object, Value};
use super::credential::{BearerToken, Carrier};
use super::fingerprint::KeyedFingerprint;
use super::key_ring::{KEYED_TYPE, KeyRing, VerifyingKey, algorithm_name};
use super::policy::{Format, Policy};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Longest token in bytes. Longer ones are refused before anything is decoded, and never minted.
pub const MAX_TOKEN: usize = 4096;
/// How far a minter's clock may be ahead of ours, in seconds; `exp` has no such leeway.
const CLOCK_LEEWAY: u64 = 30;

/// A token whose signature and claims hold. Whether it is in the right hand is not known yet.
#[derive(Debug)]
pub struct VerifiedToken {
    pub(super) subject: String,
    pub(super) fingerprint: Fingerprint,
    pub(super) groups: Vec<String>,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
    times: Times,
    kid: Option<String>,
    payload: Vec<u8>,
}

/// The fingerprint claim, by kind of token.
#[derive(Debug)]
pub(super) enum Fingerprint {
    /// The claim and the `jti` that goes into it.
    Keyed { claim: KeyedFingerprint, jti: String },
    /// Lower-case hex of a SHA-256.
    Article(String),
}

impl VerifiedToken {
    /// The kind of token.
    #[must_use]
    pub fn format(&self) -> Format {
        match self.fingerprint {
            Fingerprint::Keyed { .. } => Format::Keyed,
            Fingerprint::Article(_) => Format::Article,
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

    /// The claims, as signed: one JSON object.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// What tells this token from every other one.
    pub(super) fn is_same_session(&self, other: &Self) -> bool {
        match (&self.fingerprint, &other.fingerprint) {
            (Fingerprint::Keyed { jti: ours, .. }, Fingerprint::Keyed { jti: theirs, .. }) => ours == theirs,
            (Fingerprint::Article(_), Fingerprint::Article(_)) => self.payload == other.payload,
            (Fingerprint::Keyed { .. }, Fingerprint::Article(_))
            | (Fingerprint::Article(_), Fingerprint::Keyed { .. }) => false,
        }
    }
}

/// Why a presented token is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// Not a token of ours in form; also one without a fingerprint.
    Malformed,
    /// No key of ours has that `kid`.
    KeyUnknown,
    /// The signature does not hold, or the algorithm is not the key's.
    SignatureInvalid,
    /// A claim is missing, of the wrong type, or has a value that is not accepted.
    Claims,
    /// `exp` has come.
    Expired,
    /// `nbf` or `iat` lies in the future.
    NotYetValid,
}

impl From<Malformed> for TokenError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// A refusal, with the kind of token it concerns as far as that could be read: the two kinds answer differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenRefused {
    /// Why.
    pub error: TokenError,
    /// The kind that the header shows; the minted kind when there is no readable header.
    pub format: Format,
}

/// Verifies a token at the time `now`, in seconds since 1970.
///
/// # Errors
/// See [`TokenError`].
pub fn verify(
    token: BearerToken<'_>,
    ring: &KeyRing,
    policy: &Policy,
    now: u64,
) -> Result<VerifiedToken, TokenRefused> {
    let unread = |error| TokenRefused { error, format: policy.formats.minted };
    let parts = Parts::split(token.bytes()).ok_or(unread(TokenError::Malformed))?;
    let signer = match ring.by_header(parts.header) {
        Some(key) => Signer::Keyed(key),
        None => read_header(parts.header, ring, policy).map_err(|(error, format)| match format {
            Some(format) => TokenRefused { error, format },
            None => unread(error),
        })?,
    };
    let refused = |error| TokenRefused { error, format: signer.format() };
    if !policy.formats.accept(signer.format()) {
        return Err(unread(TokenError::Malformed));
    }
    if token.carrier() == Carrier::Bare && signer.format() == Format::Keyed {
        return Err(refused(TokenError::Malformed));
    }
    let kid = signer.verify(&parts).ok_or(refused(TokenError::SignatureInvalid))?;
    let payload = URL_SAFE_NO_PAD.decode(parts.payload).map_err(|_| refused(TokenError::Malformed))?;
    let claims = Object::parse(&payload).map_err(|malformed| refused(malformed.into()))?;
    let mut verified = match signer.format() {
        Format::Keyed => keyed_claims(claims, policy),
        Format::Article => article_claims(claims),
    }
    .map_err(refused)?;
    verified.kid = kid;
    verified.times.check(policy.max_lifetime, now).map_err(refused)?;
    verified.payload = payload;
    Ok(verified)
}

/// Whether [`verify`] could read these claims, one JSON object, in a token: what it could not must not be minted.
#[must_use]
pub fn are_readable(claims: &[u8]) -> bool {
    Object::parse(claims).is_ok()
}

/// Header and claims as they stand there, for showing them to an administrator: nothing about them is verified.
#[must_use]
pub fn danger_unverified(token: &str) -> (Option<serde_json::Value>, Option<serde_json::Value>) {
    let mut parts = token.split('.').map(|part| {
        let decoded = URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice(&decoded).ok()
    });
    (parts.next().flatten(), parts.next().flatten())
}

/// The three parts of a compact serialisation (RFC 7515 section 7.1), each not empty and of the base64url alphabet.
struct Parts<'a> {
    header: &'a str,
    payload: &'a str,
    signed: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    fn split(bytes: &'a [u8]) -> Option<Self> {
        if bytes.len() > MAX_TOKEN {
            return None;
        }
        let text = std::str::from_utf8(bytes).ok()?;
        let (signed, signature) = text.rsplit_once('.')?;
        let (header, payload) = signed.split_once('.')?;
        let well_formed = |part: &str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        [header, payload, signature].into_iter().all(well_formed).then_some(Self { header, payload, signed, signature })
    }
}

enum Signer<'a> {
    Keyed(&'a VerifyingKey),
    Article(&'a [VerifyingKey]),
}

impl Signer<'_> {
    fn format(&self) -> Format {
        match self {
            Self::Keyed(_) => Format::Keyed,
            Self::Article(_) => Format::Article,
        }
    }

    /// The `kid` of the key that signed, if one did; article tokens have none.
    fn verify(&self, parts: &Parts<'_>) -> Option<Option<String>> {
        let holds = |key: &&VerifyingKey| key.verifies(parts.signed.as_bytes(), parts.signature);
        match self {
            Self::Keyed(key) => holds(key).then(|| Some(key.kid().to_owned())),
            Self::Article(keys) => keys.iter().find(holds).map(|_| None),
        }
    }
}

/// Reads a header that is not, byte for byte, one of those we write. `alg`, `kid` and `typ` and nothing else: `crit`,
/// `b64`, `zip`, `enc`, `jwk`, `jku`, `x5u` and their like are refused unread.
fn read_header<'r>(
    encoded: &str,
    ring: &'r KeyRing,
    policy: &Policy,
) -> Result<Signer<'r>, (TokenError, Option<Format>)> {
    let unread = (TokenError::Malformed, None);
    let decoded = URL_SAFE_NO_PAD.decode(encoded).map_err(|_| unread)?;
    let mut header = Object::parse(&decoded).map_err(|_| unread)?;
    let (keyed, article) = (policy.formats.accept(Format::Keyed), policy.formats.accept(Format::Article));
    let format = if keyed && (header.contains("kid") || !article) { Format::Keyed } else { Format::Article };
    let malformed = (TokenError::Malformed, Some(format));
    let (Some(Value::Text(algorithm)), Some(Value::Text(kind))) = (header.take("alg"), header.take("typ")) else {
        return Err(malformed);
    };
    let kid = header.take("kid");
    if !header.is_empty() {
        return Err(malformed);
    }
    match (format, kid) {
        (Format::Keyed, Some(Value::Text(kid))) if kind == KEYED_TYPE => {
            let key = ring.by_kid(&kid).ok_or((TokenError::KeyUnknown, Some(format)))?;
            let same = algorithm_name(key.algorithm()) == algorithm;
            same.then_some(Signer::Keyed(key)).ok_or((TokenError::SignatureInvalid, Some(format)))
        }
        (Format::Article, None) if kind == "JWT" => match &*algorithm {
            "HS256" => Ok(Signer::Article(ring.article_keys())),
            _ => Err((TokenError::SignatureInvalid, Some(format))),
        },
        (Format::Keyed | Format::Article, _) => Err(malformed),
    }
}

fn text(value: Option<Value<'_>>) -> Result<String, TokenError> {
    match value {
        Some(Value::Text(text)) => Ok(text.into_owned()),
        Some(Value::Integer(_) | Value::Texts(_) | Value::Other) | None => Err(TokenError::Claims),
    }
}

fn optional_text(value: Option<Value<'_>>) -> Result<Option<String>, TokenError> {
    value.map(|value| text(Some(value))).transpose()
}

fn seconds(value: Option<Value<'_>>) -> Result<u64, TokenError> {
    match value {
        Some(Value::Integer(seconds)) => Ok(seconds),
        Some(Value::Text(_) | Value::Texts(_) | Value::Other) | None => Err(TokenError::Claims),
    }
}

fn keyed_claims(mut claims: Object<'_>, policy: &Policy) -> Result<VerifiedToken, TokenError> {
    let claim = match claims.take("fingerprint") {
        Some(Value::Text(claim)) => KeyedFingerprint::parse(&claim).ok_or(TokenError::Malformed)?,
        Some(Value::Integer(_) | Value::Texts(_) | Value::Other) | None => return Err(TokenError::Malformed),
    };
    // RFC 7800: a confirmation method that we do not know must not be skipped.
    if text(claims.take("iss"))? != policy.issuer || claims.contains("cnf") {
        return Err(TokenError::Claims);
    }
    check_audience(claims.take("aud"), policy)?;
    let jti = text(claims.take("jti"))?;
    if jti.is_empty() {
        return Err(TokenError::Claims);
    }
    let groups = match claims.take("groups") {
        None => Vec::new(),
        Some(Value::Texts(groups)) => groups,
        Some(Value::Text(_) | Value::Integer(_) | Value::Other) => return Err(TokenError::Claims),
    };
    Ok(VerifiedToken {
        subject: text(claims.take("sub"))?,
        fingerprint: Fingerprint::Keyed { claim, jti },
        groups,
        name: optional_text(claims.take("name"))?,
        email: optional_text(claims.take("email"))?,
        times: Times::take(&mut claims)?,
        kid: None,
        payload: Vec::new(),
    })
}

/// RFC 7519 section 4.1.3: a string or an array of strings.
fn check_audience(claim: Option<Value<'_>>, policy: &Policy) -> Result<(), TokenError> {
    let Some(expected) = &policy.audience else { return Ok(()) };
    let named = match claim {
        Some(Value::Text(audience)) => audience == expected.as_str(),
        Some(Value::Texts(audiences)) => audiences.contains(expected),
        Some(Value::Integer(_) | Value::Other) | None => false,
    };
    named.then_some(()).ok_or(TokenError::Claims)
}

/// The 2023 article's claims. Members of other names have no meaning there; `groups`, `name` and `email` are read when
/// they have the shape that we mint, and left alone otherwise.
fn article_claims(mut claims: Object<'_>) -> Result<VerifiedToken, TokenError> {
    let fingerprint = match claims.take("fingerprint") {
        Some(Value::Text(hex)) if is_sha256_hex(&hex) => hex.into_owned(),
        Some(Value::Text(_) | Value::Integer(_) | Value::Texts(_) | Value::Other) | None => {
            return Err(TokenError::Malformed);
        }
    };
    let subject = match claims.take("userId") {
        Some(Value::Text(user)) => user.into_owned(),
        Some(Value::Integer(user)) => user.to_string(),
        Some(Value::Texts(_) | Value::Other) | None => return Err(TokenError::Claims),
    };
    let groups = match claims.take("groups") {
        Some(Value::Texts(groups)) => groups,
        Some(Value::Text(_) | Value::Integer(_) | Value::Other) | None => Vec::new(),
    };
    Ok(VerifiedToken {
        subject,
        fingerprint: Fingerprint::Article(fingerprint),
        groups,
        name: text(claims.take("name")).ok(),
        email: text(claims.take("email")).ok(),
        times: Times::take(&mut claims)?,
        kid: None,
        payload: Vec::new(),
    })
}

fn is_sha256_hex(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// `iat`, `nbf` and `exp`, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
struct Times {
    issued_at: u64,
    not_before: u64,
    expires_at: u64,
}

impl Times {
    fn take(claims: &mut Object<'_>) -> Result<Self, TokenError> {
        let issued_at = seconds(claims.take("iat"))?;
        let not_before = claims.take("nbf").map_or(Ok(issued_at), |nbf| seconds(Some(nbf)))?;
        Ok(Self { issued_at, not_before, expires_at: seconds(claims.take("exp"))? })
    }

    /// RFC 7519 section 4.1.4: on or after `exp` the token is expired.
    fn check(self, max_lifetime: u64, now: u64) -> Result<(), TokenError> {
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
