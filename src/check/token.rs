//! Is it one of ours, and is it valid now? One strict parse of our own, then the signature, then the claims.
//!
//! Order: length, alphabet and dots → header → key by `kid` (or, for an article token, our HS256 keys) → signature →
//! claims → times. Nothing of the payload is looked at before the signature holds. The client is not looked at here:
//! that is [`binding`](super::binding)'s part, and whether it was taken back is [`revocation`](super::revocation)'s.

mod content;
mod payload;

pub use content::Content;

use super::Gate;
use super::claims::{Malformed, Object, Value};
use super::credential::{BearerToken, Carrier};
use super::fingerprint::KeyedFingerprint;
use super::key_ring::{ArticleKey, KEYED_TYPE, KeyRing, VerifyingKey, algorithm_name};
use super::memory::{Memory, Signatures};
use super::policy::{Format, Policy};
use super::revocation::RevokedId;
use super::thumbprint::Thumbprint;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::ops::Deref;
use std::sync::Arc;

/// Longest token in bytes. Longer ones are refused before anything is decoded, and never minted.
pub const MAX_TOKEN: usize = 4096;

/// A token whose signature and claims hold, at the time of the question. Whether it is in the right hand is not known yet.
#[derive(Debug)]
pub struct VerifiedToken {
    content: Arc<Content>,
    is_expired: bool,
}

/// The member of `cnf` that names a key (RFC 9449 section 6.1).
pub const JKT: &str = "jkt";
/// The member of `cnf` that names a certificate (RFC 8705 section 3.1).
pub const X5T_S256: &str = "x5t#S256";

/// What `cnf` names: whoever uses the token has to show to have it (RFC 7800).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confirmation {
    /// The key that signs DPoP proofs.
    pub key: Option<Thumbprint>,
    /// The certificate of mutual TLS.
    pub certificate: Option<Thumbprint>,
}

/// The fingerprint claim, by kind of token.
#[derive(Debug)]
pub(super) enum Fingerprint {
    /// The claim and the `jti` that goes into it.
    Keyed { claim: KeyedFingerprint, jti: String },
    /// Lower-case hex of a SHA-256, and the token's name in the set of revocations.
    Article { claim: String, revoked_id: RevokedId },
}

impl VerifiedToken {
    /// What may be remembered, measured against the time of this question: that is asked every time.
    fn at(content: Arc<Content>, policy: &Policy, expiry: Expiry, now: u64) -> Result<Self, TokenError> {
        let is_expired = match (content.times.check(policy.max_lifetime, now), expiry) {
            (Ok(()), _) => false,
            (Err(TokenError::Expired), Expiry::Ignored | Expiry::AnyTime) => true,
            (Err(TokenError::NotYetValid), Expiry::AnyTime) => false,
            (Err(error), Expiry::Checked | Expiry::Ignored | Expiry::AnyTime) => return Err(error),
        };
        Ok(Self { content, is_expired })
    }

    /// Whether `exp` has passed, which [`Expiry::Checked`] does not let through.
    #[must_use]
    pub fn is_expired(&self) -> bool {
        self.is_expired
    }

    /// What it says; alone it is good for nothing.
    pub(super) fn content(&self) -> &Arc<Content> {
        &self.content
    }
}

impl Deref for VerifiedToken {
    type Target = Content;

    fn deref(&self) -> &Content {
        &self.content
    }
}

/// Why a presented token is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenError {
    /// Not a token of ours in form; also one without a fingerprint.
    Malformed,
    /// Our keys are not there yet.
    KeysAwaited,
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

/// Whether `exp` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// An expired token is refused.
    Checked,
    /// It may have passed: for renewing, where the session counts. Everything else is checked.
    Ignored,
    /// The token may have expired, or not be valid yet: for ending, which has to reach the token of a fast clock too.
    AnyTime,
}

/// Verifies a token at the time `now`, in seconds since 1970.
///
/// # Errors
/// See [`TokenError`].
pub fn verify(
    token: BearerToken<'_>,
    ring: &KeyRing,
    policy: &Policy,
    expiry: Expiry,
    now: u64,
) -> Result<VerifiedToken, TokenRefused> {
    let content = Arc::new(read(token, ring, policy, &mut Signatures::default())?);
    let refused = |error| TokenRefused { error, format: content.format() };
    VerifiedToken::at(Arc::clone(&content), policy, expiry, now).map_err(refused)
}

/// [`verify`], which does not read again what it has read before under the same keys and the same policy.
pub(super) fn verify_remembered(
    token: BearerToken<'_>,
    gate: &Gate,
    expiry: Expiry,
    now: u64,
    memory: &mut Memory,
) -> Result<VerifiedToken, TokenRefused> {
    memory.enter(&gate.edition);
    let refused = |error, content: &Content| TokenRefused { error, format: content.format() };
    if let Some(content) = memory.content(token.bytes()) {
        travels(token, content.format()).map_err(|error| refused(error, &content))?;
        return VerifiedToken::at(Arc::clone(&content), &gate.policy, expiry, now)
            .map_err(|error| refused(error, &content));
    }
    let content = Arc::new(read(token, &gate.ring, &gate.policy, memory.signatures())?);
    let verified =
        VerifiedToken::at(Arc::clone(&content), &gate.policy, expiry, now).map_err(|error| refused(error, &content))?;
    memory.remember(content);
    Ok(verified)
}

/// How tokens for applications begin, which this release does not have.
const APP_TOKEN: &[u8] = b"smh_";

/// Whether this is a token of ours, good or bad: by its header, and where that tells nothing (an article token) by its
/// signature. Anything else that travels as `Bearer` is an application's. The header is read as for a token that is to be
/// verified, and nothing is believed of it: what names us is judged.
pub(super) fn is_of_our_form(token: BearerToken<'_>, gate: &Gate) -> bool {
    if token.bytes().starts_with(APP_TOKEN) {
        return true;
    }
    let Some(parts) = Parts::split(token.bytes()) else { return false };
    if gate.ring.by_header(parts.header).is_some() {
        return true;
    }
    let decoded = URL_SAFE_NO_PAD.decode(parts.header).unwrap_or_default();
    let Ok(mut header) = Object::parse(&decoded) else { return false };
    match (header.take("typ"), header.take("kid")) {
        (Some(Value::Text(kind)), _) if kind == KEYED_TYPE => true,
        (_, Some(Value::Text(kid))) => gate.ring.by_kid(&kid).is_some(),
        (_, Some(_)) => false,
        (_, None) if gate.policy.formats.accept(Format::Article) => {
            let keys = gate.ring.article_keys();
            keys.iter().any(|key| key.verifies(parts.signed.as_bytes(), parts.signature))
        }
        (_, None) => false,
    }
}

/// Everything about a token but the time.
fn read(
    token: BearerToken<'_>,
    ring: &KeyRing,
    policy: &Policy,
    signatures: &mut Signatures,
) -> Result<Content, TokenRefused> {
    let unread = |error| TokenRefused { error, format: policy.formats.minted };
    if ring.is_awaited() {
        return Err(unread(TokenError::KeysAwaited));
    }
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
    travels(token, signer.format()).map_err(refused)?;
    let signed_by = signer.verify(&parts, signatures).ok_or(refused(TokenError::SignatureInvalid))?;
    let payload = URL_SAFE_NO_PAD.decode(parts.payload).map_err(|_| refused(TokenError::Malformed))?;
    let claims = Object::parse(&payload).map_err(|malformed| refused(malformed.into()))?;
    let (claims, kid) = match signed_by {
        SignedBy::Kid(kid) => (payload::keyed(claims, policy), Some(kid)),
        SignedBy::Article(id) => (payload::article(claims, id), None),
    };
    Ok(Content::new(parts.whole, claims.map_err(refused)?, kid))
}

/// Only the article sends its tokens bare.
fn travels(token: BearerToken<'_>, format: Format) -> Result<(), TokenError> {
    match (token.carrier(), format) {
        (Carrier::Bare, Format::Keyed) => Err(TokenError::Malformed),
        (Carrier::Bare, Format::Article) | (Carrier::Authorization | Carrier::Dpop | Carrier::Cookie, _) => Ok(()),
    }
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
    whole: &'a str,
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
        let well_formed =
            |part: &str| !part.is_empty() && part.bytes().fold(true, |all, byte| all & is_base64url(byte));
        [header, payload, signature].into_iter().all(well_formed).then_some(Self {
            whole: text,
            header,
            payload,
            signed,
            signature,
        })
    }
}

/// Without a branch, so that many bytes are looked at at once.
fn is_base64url(byte: u8) -> bool {
    let is_letter = (byte | 0x20).wrapping_sub(b'a') < 26;
    let is_digit = byte.wrapping_sub(b'0') < 10;
    is_letter | is_digit | (byte == b'-') | (byte == b'_')
}

enum Signer<'a> {
    Keyed(&'a VerifyingKey),
    Article(&'a [ArticleKey]),
}

/// The key whose signature holds.
enum SignedBy {
    /// The one that the token names.
    Kid(Arc<str>),
    /// An article key, with the token's name in the set of revocations.
    Article(RevokedId),
}

impl Signer<'_> {
    fn format(&self) -> Format {
        match self {
            Self::Keyed(_) => Format::Keyed,
            Self::Article(_) => Format::Article,
        }
    }

    /// The key that signed, if one did.
    fn verify(&self, parts: &Parts<'_>, signatures: &mut Signatures) -> Option<SignedBy> {
        let message = parts.signed.as_bytes();
        match self {
            Self::Keyed(key) => {
                let holds = || key.verifies(message, parts.signature);
                // To know a whole token again costs as much as an HMAC, and far less than any other signature.
                let holds = if key.is_symmetric() { holds() } else { signatures.hold(parts.whole.as_bytes(), holds) };
                holds.then(|| SignedBy::Kid(key.shared_kid()))
            }
            Self::Article(keys) => {
                let key = keys.iter().find(|key| key.verifies(message, parts.signature))?;
                Some(SignedBy::Article(key.revoked_id(message)))
            }
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
