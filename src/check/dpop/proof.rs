//! One proof, from the header line to the key that made it.
//!
//! Order: one line → length, alphabet and dots → header → key → signature → claims. Nothing of the claims is looked at
//! before the signature holds, so nobody can use up an identifier that is not theirs. A proof is valid from
//! [`FUTURE`] seconds before its `iat`, by our clock, to [`MAX_AGE`] seconds after it.

use super::jwk::{PublicKey, SignedWith};
use super::nonce::{Freshness, NonceKeys};
use super::url::HttpUrl;
use crate::check::claims::{Object, Value};
use crate::check::revocation::ID_BYTES;
use crate::check::thumbprint::Thumbprint;
use actix_web::http::header::{HeaderMap, HeaderName};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The header that carries a proof.
pub static DPOP: HeaderName = HeaderName::from_static("dpop");
/// Longest proof in bytes: an RSA key of 4096 bits, its signature and a long address fit.
pub const MAX_PROOF: usize = 8192;
/// A proof is accepted for so many seconds after its `iat`.
pub const MAX_AGE: u64 = 60;
/// So many seconds a caller's clock may be ahead of ours.
pub const FUTURE: u64 = 10;

const PROOF_TYPE: &str = "dpop+jwt";
/// Longest `jti` in bytes; two UUIDs and a name fit.
const MAX_JTI: usize = 256;

/// A `DPoP` header line; nothing about it is verified.
#[derive(Clone, Copy, Debug)]
pub struct Proof<'a>(&'a [u8]);

/// Why a proof is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofError {
    /// There is none.
    Missing,
    /// It is not good.
    Invalid(Flaw),
    /// All but the nonce is good: it is missing, not ours, or too old.
    NonceRequired,
}

/// What is wrong with a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// More than one `DPoP` line.
    Lines,
    /// Not a JWT of the compact form, too long, or its header has other members than it should.
    Form,
    /// `typ` is not `dpop+jwt`.
    Type,
    /// `alg` is not accepted.
    Algorithm,
    /// The embedded key is not an acceptable public key for the algorithm.
    Key,
    /// The signature does not hold.
    Signature,
    /// A claim is missing or of the wrong type.
    Claims,
    /// `htm` is another method.
    Method,
    /// `htu` is another address.
    Address,
    /// `iat` is too long ago or in the future; `exp` or `nbf` say the same.
    Time,
    /// `ath` is not the digest of the token.
    Token,
    /// The token is bound to a key, and did not come with the scheme `DPoP`.
    Scheme,
    /// The token came with the scheme `DPoP`, and is bound to no key.
    Unbound,
    /// The proof was made with another key than the token's.
    OtherKey,
}

impl Flaw {
    /// The word in logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Form => "form",
            Self::Type => "typ",
            Self::Algorithm => "alg",
            Self::Key => "jwk",
            Self::Signature => "signature",
            Self::Claims => "claims",
            Self::Method => "htm",
            Self::Address => "htu",
            Self::Time => "iat",
            Self::Token => "ath",
            Self::Scheme => "scheme",
            Self::Unbound => "unbound",
            Self::OtherKey => "jkt",
        }
    }

    /// Whether it is rather the token that is used in a way it must not be (RFC 9449 sections 7.1 and 7.2).
    #[must_use]
    pub fn is_of_token(self) -> bool {
        match self {
            Self::Scheme | Self::Unbound | Self::OtherKey => true,
            Self::Lines
            | Self::Form
            | Self::Type
            | Self::Algorithm
            | Self::Key
            | Self::Signature
            | Self::Claims
            | Self::Method
            | Self::Address
            | Self::Time
            | Self::Token => false,
        }
    }

    /// What is wrong, as the end of a sentence about the proof.
    #[must_use]
    pub fn problem(self) -> &'static str {
        match self {
            Self::Lines => "stands on more than one DPoP line",
            Self::Form => "is not one JWT with the header members typ, alg and jwk",
            Self::Type => "has another typ than dpop+jwt",
            Self::Algorithm => "is signed with an algorithm that is not accepted",
            Self::Key => "has a jwk that is no acceptable public key for its algorithm",
            Self::Signature => "has a signature that does not hold",
            Self::Claims => "lacks a claim, or has one of the wrong type",
            Self::Method => "was made for another method (htm)",
            Self::Address => "was made for another address (htu)",
            Self::Time => "was made too long ago, or by a clock that is ahead (iat)",
            Self::Token => "was made for another token (ath)",
            Self::Scheme => "is no use: the token is bound to a key and has to come as `Authorization: DPoP`",
            Self::Unbound => "is no use: the token came as `Authorization: DPoP` and is bound to no key",
            Self::OtherKey => "was made with another key than the one that the token is bound to (cnf.jkt)",
        }
    }
}

/// What a proof has to be about.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// The method of the request.
    pub method: &'a str,
    /// The address of the request.
    pub address: Address<'a>,
    /// The token that comes with it, if one does.
    pub token: Option<&'a [u8]>,
    /// What holds about its nonce.
    pub nonce: NonceRule,
}

/// Which address a proof may be about.
#[derive(Clone, Copy, Debug)]
pub enum Address<'a> {
    /// One of these, which name one place.
    OneOf(&'a [HttpUrl]),
    /// Any that is plain http or https: whoever asks has looked at it.
    AnyWeb,
}

/// What holds about the nonce of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonceRule {
    /// There has to be one of ours.
    Required,
    /// One that is there has to be one of ours.
    IfPresent,
}

/// What a proof is called in the memory of proofs: a digest of its key and its `jti`. The signature, which has several
/// spellings, is no part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ReplayId([u8; ID_BYTES]);

impl ReplayId {
    fn of(key: &Thumbprint, jti: &str) -> Self {
        let hash = Sha256::new().chain_update(b"samehand/dpop-replay/v1").chain_update(key.as_bytes());
        let full = hash.chain_update(jti.as_bytes()).finalize();
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&full[..ID_BYTES]);
        Self(id)
    }

    /// The bytes, for the store.
    #[must_use]
    pub fn bytes(self) -> [u8; ID_BYTES] {
        self.0
    }
}

/// A proof that holds for the request it came with. Whether it was used before is not known yet.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedProof {
    key: Thumbprint,
    replay_id: ReplayId,
    valid_until: u64,
    nonce: Option<Freshness>,
}

impl VerifiedProof {
    /// The key that made it (RFC 7638), to be compared with `cnf.jkt`.
    #[must_use]
    pub fn key(&self) -> Thumbprint {
        self.key
    }

    /// What it is called in the memory of proofs.
    #[must_use]
    pub fn replay_id(&self) -> ReplayId {
        self.replay_id
    }

    /// The last second in which it is accepted, since 1970.
    #[must_use]
    pub fn valid_until(&self) -> u64 {
        self.valid_until
    }

    /// What its nonce is worth, if it has one.
    #[must_use]
    pub fn nonce(&self) -> Option<Freshness> {
        self.nonce
    }
}

/// Exactly these members: `crit`, `b64`, `jku` and whatever else would have to be understood is refused.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header<'a> {
    typ: String,
    alg: String,
    #[serde(borrow)]
    jwk: Object<'a>,
}

impl<'a> Proof<'a> {
    /// The proof of a request.
    ///
    /// # Errors
    /// [`ProofError::Missing`], or [`Flaw::Lines`].
    pub fn read(headers: &'a HeaderMap) -> Result<Self, ProofError> {
        let mut lines = headers.get_all(&DPOP);
        let line = lines.next().ok_or(ProofError::Missing)?;
        match lines.next() {
            None => Ok(Self(line.as_bytes().trim_ascii())),
            Some(_) => Err(ProofError::Invalid(Flaw::Lines)),
        }
    }

    /// A proof that somebody else read from a header line.
    #[must_use]
    pub fn of_line(line: &'a [u8]) -> Self {
        Self(line.trim_ascii())
    }

    /// Verifies the proof at `now`, in seconds since 1970.
    ///
    /// # Errors
    /// The first thing that is wrong, see [`Flaw`]; [`ProofError::NonceRequired`] only where nothing else is.
    pub fn verify(self, expected: &Expected<'_>, nonces: &NonceKeys, now: u64) -> Result<VerifiedProof, ProofError> {
        let (key, payload) = self.signed().map_err(ProofError::Invalid)?;
        let claims = Object::parse(&payload).ok().and_then(Claims::read).ok_or(ProofError::Invalid(Flaw::Claims))?;
        claims.check(expected, now).map_err(ProofError::Invalid)?;
        let nonce = match (&claims.nonce, expected.nonce) {
            (Some(nonce), _) => Some(nonces.check(nonce, now).ok_or(ProofError::NonceRequired)?),
            (None, NonceRule::Required) => return Err(ProofError::NonceRequired),
            (None, NonceRule::IfPresent) => None,
        };
        let replay_id = ReplayId::of(&key.thumbprint(), &claims.jti);
        let valid_until = claims.issued_at.saturating_add(MAX_AGE);
        Ok(VerifiedProof { key: key.thumbprint(), replay_id, valid_until, nonce })
    }

    /// The key, and what it signed.
    fn signed(self) -> Result<(PublicKey, Vec<u8>), Flaw> {
        let [header, payload, signature] = self.parts().ok_or(Flaw::Form)?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Flaw::Form);
        let (header, payload) = (decode(header)?, decode(payload)?);
        // The first byte refuses an array, which would be read by position.
        let text = std::str::from_utf8(&header).ok().filter(|text| text.starts_with('{')).ok_or(Flaw::Form)?;
        let header: Header<'_> = serde_json::from_str(text).map_err(|_| Flaw::Form)?;
        if header.typ != PROOF_TYPE {
            return Err(Flaw::Type);
        }
        let signed_with = SignedWith::from_name(&header.alg).ok_or(Flaw::Algorithm)?;
        let key = PublicKey::read(header.jwk, signed_with).ok_or(Flaw::Key)?;
        let message = self.0.len() - signature.len() - 1;
        let message = std::str::from_utf8(&self.0[..message]).map_err(|_| Flaw::Form)?;
        if key.verifies(message, signature) { Ok((key, payload)) } else { Err(Flaw::Signature) }
    }

    /// Header, payload and signature, each not empty and of the base64url alphabet.
    fn parts(self) -> Option<[&'a str; 3]> {
        if self.0.len() > MAX_PROOF {
            return None;
        }
        let text = std::str::from_utf8(self.0).ok()?;
        let (header, rest) = text.split_once('.')?;
        let (payload, signature) = rest.split_once('.')?;
        let well_formed = |part: &&str| {
            !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        };
        let parts = [header, payload, signature];
        parts.iter().all(well_formed).then_some(parts)
    }
}

struct Claims {
    jti: String,
    htm: String,
    htu: String,
    issued_at: u64,
    not_before: Option<u64>,
    expires_at: Option<u64>,
    ath: Option<String>,
    nonce: Option<String>,
}

impl Claims {
    /// Claims of other names have no meaning (RFC 9449 section 4.2) and are left alone.
    fn read(mut claims: Object<'_>) -> Option<Self> {
        let mut text = |name: &str| match claims.take(name) {
            None => Some(None),
            Some(Value::Text(text)) => Some(Some(text.into_owned())),
            Some(Value::Integer(_) | Value::Texts(_) | Value::Members(_) | Value::Other) => None,
        };
        let (jti, htm, htu) = (text("jti")??, text("htm")??, text("htu")??);
        let (ath, nonce) = (text("ath")?, text("nonce")?);
        let mut seconds = |name: &str| match claims.take(name) {
            None => Some(None),
            Some(Value::Integer(seconds)) => Some(Some(seconds)),
            Some(Value::Text(_) | Value::Texts(_) | Value::Members(_) | Value::Other) => None,
        };
        let (issued_at, not_before, expires_at) = (seconds("iat")??, seconds("nbf")?, seconds("exp")?);
        let is_usable = !jti.is_empty() && jti.len() <= MAX_JTI;
        is_usable.then_some(Self { jti, htm, htu, issued_at, not_before, expires_at, ath, nonce })
    }

    fn check(&self, expected: &Expected<'_>, now: u64) -> Result<(), Flaw> {
        // RFC 9110 section 9.1: methods are case-sensitive.
        if self.htm != expected.method {
            return Err(Flaw::Method);
        }
        let url = HttpUrl::read(&self.htu).ok_or(Flaw::Address)?;
        match expected.address {
            Address::OneOf(addresses) if !addresses.contains(&url) => return Err(Flaw::Address),
            Address::OneOf(_) | Address::AnyWeb => {}
        }
        let latest_start = self.issued_at.max(self.not_before.unwrap_or_default());
        let is_over = self.issued_at.saturating_add(MAX_AGE) < now || self.expires_at.is_some_and(|end| end <= now);
        if is_over || latest_start > now.saturating_add(FUTURE) {
            return Err(Flaw::Time);
        }
        let Some(token) = expected.token else { return Ok(()) };
        let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(token));
        let is_for_token = self.ath.as_ref().is_some_and(|ath| ath.as_bytes().ct_eq(digest.as_bytes()).into());
        if is_for_token { Ok(()) } else { Err(Flaw::Token) }
    }
}
