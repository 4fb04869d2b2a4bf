//! The proofs that a request carries, and whether a token that is confirmed by one may be used with them.
//!
//! A copied token is worth nothing without its proof. What is read here is only ever taken from where it cannot be
//! forged: the proof cookie from the client, whose secret nobody guesses; what the proxy says, from a trusted proxy.

use super::certificate::{self, CertificateError};
use super::credential::{self, Carrier, Presented, cookies_named};
use super::decision::Denial;
use super::dpop::{self, Flaw, Proof, VerifiedProof};
use super::fingerprint::{FingerprintKeys, TokenContext};
use super::identifiers::SessionId;
use super::observed::{CookieProof, Proofs};
use super::once::UnlessReplayed;
use super::policy::Policy;
use super::token::{Confirmation, Fingerprint, VerifiedToken};
use super::{Caller, Gate, Seen};
use actix_web::http::header::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Bytes of the secret in the proof cookie: 256 bits.
pub const SECRET_BYTES: usize = 32;

/// Why the proof that a token is confirmed by does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofError {
    /// None was shown.
    Missing,
    /// It is not the one that the token is bound to, or it cannot be read.
    Invalid,
    /// The DPoP proof.
    Key(dpop::ProofError),
    /// The DPoP proof was used before.
    Replayed,
    /// Whether the DPoP proof was used before cannot be said.
    Unremembered,
}

/// The name of the proof cookie, beside a session cookie of this name.
#[must_use]
pub fn cookie_name(session_cookie: &str) -> String {
    format!("{session_cookie}-proof")
}

/// What a caller shows with a token that came by this carrier.
///
/// # Errors
/// When the certificate cannot be read.
pub(super) fn read<'a>(
    caller: &Caller<'a>,
    token: &VerifiedToken,
    carrier: Option<Carrier>,
    key: Option<&VerifiedProof>,
    gate: &Gate,
) -> Result<Proofs<'a>, CertificateError> {
    let cookie = match carrier {
        _ if has_secret(token) => cookie_proof(caller, token, &gate.policy, &gate.fingerprints),
        // Also for a token that was given out when nobody asked: the next one travels as this one does.
        Some(Carrier::Cookie) => CookieProof::Session,
        Some(Carrier::Authorization | Carrier::Dpop | Carrier::Bare) | None => CookieProof::None,
    };
    let shown = offered(caller, cookie, &gate.policy)?;
    Ok(Proofs { key: key.map(VerifiedProof::key), ..shown })
}

/// What a caller who signs in shows, to be bound to it; with the proof cookie that it is given, or what stands in for it.
///
/// # Errors
/// When the certificate cannot be read.
pub fn offered<'a>(
    caller: &Caller<'a>,
    cookie: CookieProof<'a>,
    policy: &Policy,
) -> Result<Proofs<'a>, CertificateError> {
    let proxy_headers = caller.proxy_headers();
    let certificate = match (proxy_headers, &policy.certificate_header) {
        (Some(headers), Some(name)) => certificate::read(headers, name)?,
        (Some(_) | None, Some(_) | None) => None,
    };
    Ok(Proofs { cookie, key: None, certificate, proxy_headers })
}

/// The proof of the key that a token is bound to. Such a token comes with the scheme `DPoP` and in no other way, and no
/// other token comes with it (RFC 9449 sections 7.1 and 7.2).
pub(super) fn of_key(
    caller: &Caller<'_>,
    token: &VerifiedToken,
    carrier: Option<Carrier>,
    gate: &Gate,
    now: u64,
) -> Result<Option<VerifiedProof>, dpop::ProofError> {
    let is_dpop = match carrier {
        Some(Carrier::Dpop) => true,
        Some(Carrier::Cookie | Carrier::Authorization | Carrier::Bare) | None => false,
    };
    let named = match (token.confirmation().key, is_dpop) {
        (None, false) => return Ok(None),
        (None, true) => return Err(dpop::ProofError::Invalid(Flaw::Unbound)),
        (Some(_), false) => {
            Proof::read(caller.headers)?;
            return Err(dpop::ProofError::Invalid(Flaw::Scheme));
        }
        (Some(named), true) => named,
    };
    let proof = Proof::read(caller.headers)?;
    // It was read before, and has one token then.
    let Ok(Presented::One(presented)) = credential::read(caller.headers, &gate.policy) else {
        return Err(dpop::ProofError::Missing);
    };
    let verified = caller.target.verify(proof, Some(presented.bytes()), &gate.nonces, now)?;
    if verified.key() == named { Ok(Some(verified)) } else { Err(dpop::ProofError::Invalid(Flaw::OtherKey)) }
}

/// Whether a caller may use a token that was verified and nothing more: where it is bound to a key, with a proof of it.
///
/// # Errors
/// The denial of the proof.
pub fn prove(
    caller: &Caller<'_>,
    token: VerifiedToken,
    gate: &Gate,
    now: u64,
    seen: &mut Seen<'_>,
) -> Result<UnlessReplayed<VerifiedToken>, Denial> {
    match of_key(caller, &token, seen.carrier, gate, now) {
        Ok(proof) => Ok(UnlessReplayed::new(token, proof)),
        Err(error) => {
            seen.proof_error = Some(error);
            Err(Denial::Proof(ProofError::Key(error), token.format()))
        }
    }
}

/// The proof of a key that a caller sends to be given a token that is bound to it; nothing where it sends none.
///
/// # Errors
/// [`dpop::ProofError`], never that it is missing.
pub fn of_new_key(
    caller: &Caller<'_>,
    gate: &Gate,
    now: u64,
) -> Result<Option<UnlessReplayed<VerifiedProof>>, dpop::ProofError> {
    match Proof::read(caller.headers) {
        Err(dpop::ProofError::Missing) => Ok(None),
        Err(error @ (dpop::ProofError::Invalid(_) | dpop::ProofError::NonceRequired)) => Err(error),
        Ok(proof) => caller.target.verify(proof, None, &gate.nonces, now).map(UnlessReplayed::of_proof).map(Some),
    }
}

/// Of several proof cookies the one that the token is bound to: what a neighbour tossed in is in nobody's way. No other is
/// a proof: a token that were renewed with it would be bound to what somebody else may know.
fn cookie_proof<'a>(
    caller: &Caller<'a>,
    token: &VerifiedToken,
    policy: &Policy,
    keys: &FingerprintKeys,
) -> CookieProof<'a> {
    let mut secrets = secrets(caller, policy);
    let fits = |secret: &&str| is_bound_to(token, secret, policy, keys);
    secrets.find(fits).map_or(CookieProof::None, CookieProof::Secret)
}

/// Whether a token is bound to a proof cookie, so that it goes with the session.
#[must_use]
pub fn has_secret(token: &VerifiedToken) -> bool {
    token.keyed_fingerprint().is_some_and(|claim| claim.record().has_secret())
}

/// Whether a request carries a proof cookie, whosesoever it is.
#[must_use]
pub fn carries_cookie(headers: &HeaderMap, session_cookie: &str) -> bool {
    cookies_named(headers, &cookie_name(session_cookie)).next().is_some()
}

fn is_bound_to(token: &VerifiedToken, secret: &str, policy: &Policy, keys: &FingerprintKeys) -> bool {
    match &token.fingerprint {
        Fingerprint::Keyed { claim, jti } => {
            let session = token.session().map(SessionId::as_str);
            let context = TokenContext { issuer: &policy.issuer, jti, session };
            keys.by_id(claim.key_id()).is_some_and(|key| key.has_cookie(claim, secret, context))
        }
        Fingerprint::Article { .. } => false,
    }
}

/// More than eight are nobody's: a browser has one, and each costs a digest.
fn secrets<'a>(caller: &Caller<'a>, policy: &Policy) -> impl Iterator<Item = &'a str> + use<'a> {
    let name = cookie_name(&policy.cookie_name);
    let values: Vec<&[u8]> = cookies_named(caller.headers, &name).collect();
    values.into_iter().filter_map(|value| std::str::from_utf8(value).ok()).filter(|value| is_secret(value)).take(8)
}

/// Whether a text has the form of a proof cookie's secret: 256 bits in base64url.
#[must_use]
pub fn is_secret(value: &str) -> bool {
    URL_SAFE_NO_PAD.decode(value).is_ok_and(|bytes| bytes.len() == SECRET_BYTES)
}

/// Whether the proofs are those that a token's `cnf` names (RFC 7800 section 3): it is not passed over.
pub(super) fn confirm(confirmation: &Confirmation, proofs: &Proofs<'_>) -> Result<(), ProofError> {
    let pairs = [(confirmation.key, proofs.key), (confirmation.certificate, proofs.certificate)];
    for (named, shown) in pairs {
        match (named, shown) {
            (None, _) => {}
            (Some(_), None) => return Err(ProofError::Missing),
            (Some(named), Some(shown)) if named == shown => {}
            (Some(_), Some(_)) => return Err(ProofError::Invalid),
        }
    }
    Ok(())
}
