//! The keys that may have signed a token. Each key has exactly one algorithm, and a token names its key by `kid`;
//! nothing in a token ever yields a key.
//!
//! [`keys`](crate::keys) loads and rotates them.

use super::revocation::{ID_BYTES, RevokedId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, DecodingKey};
use sha2::Sha256;
use std::sync::Arc;

/// The `typ` of keyed tokens: an explicit type of our own (RFC 8725 section 3.11).
pub const KEYED_TYPE: &str = "samehand+jwt";

/// A key that verifies signatures with one algorithm.
#[derive(Clone)]
pub struct VerifyingKey {
    kid: Arc<str>,
    algorithm: Algorithm,
    verifier: Verifier,
    header: String,
}

/// What verifies. For HS256 the state of the HMAC once it has read its key, which is the greater part of the work for a
/// short message.
#[derive(Clone)]
enum Verifier {
    Hs256(Hmac<Sha256>),
    Other(DecodingKey),
}

impl Verifier {
    fn new(algorithm: Algorithm, key: DecodingKey) -> Self {
        let secret = key.try_get_as_bytes().ok().filter(|_| algorithm == Algorithm::HS256);
        // A key of any length will do.
        let mac = secret.and_then(|secret| <Hmac<Sha256> as KeyInit>::new_from_slice(secret).ok());
        mac.map_or(Self::Other(key), Self::Hs256)
    }

    fn verifies(&self, message: &[u8], signature: &str, algorithm: Algorithm) -> bool {
        match self {
            Self::Hs256(mac) => {
                let mut bytes = [0; 32];
                let length = URL_SAFE_NO_PAD.decode_slice(signature, &mut bytes);
                // In constant time.
                length.is_ok_and(|length| mac.clone().chain_update(message).verify_slice(&bytes[..length]).is_ok())
            }
            Self::Other(key) => jsonwebtoken::crypto::verify(signature, message, key, algorithm).unwrap_or(false),
        }
    }
}

impl VerifyingKey {
    /// A key of a keyed token.
    #[must_use]
    pub fn new(kid: String, algorithm: Algorithm, key: DecodingKey) -> Self {
        let header = keyed_header(&kid, algorithm);
        Self { kid: kid.into(), algorithm, verifier: Verifier::new(algorithm, key), header }
    }

    /// The key's name in tokens.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The same, for a token to keep.
    pub(super) fn shared_kid(&self) -> Arc<str> {
        Arc::clone(&self.kid)
    }

    /// Whether its signatures are an HMAC, which is cheap to verify.
    pub(super) fn is_symmetric(&self) -> bool {
        matches!(self.verifier, Verifier::Hs256(_))
    }

    /// The one algorithm of this key.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether `signature`, in base64url, is this key's over `message`.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &str) -> bool {
        self.verifier.verifies(message, signature, self.algorithm)
    }

    /// The encoded header of the tokens that we mint with this key.
    #[must_use]
    pub fn header(&self) -> &str {
        &self.header
    }
}

/// An HS256 key of article tokens, which have neither `kid` nor `jti`.
#[derive(Clone)]
pub struct ArticleKey {
    verifier: Verifier,
    revocation: Hmac<Sha256>,
}

impl ArticleKey {
    /// The key of these bytes.
    #[must_use]
    pub fn new(secret: &[u8]) -> Self {
        // HMAC pads a key with zeros to the block of the hash (RFC 2104 section 2).
        let mut block = [0; 64];
        // HKDF-SHA256 fails only beyond 255 * 32 bytes of output.
        let fits = Hkdf::<Sha256>::new(None, secret).expand(b"samehand/article-revocation/v1", &mut block[..32]);
        debug_assert!(fits.is_ok());
        let verifier = Verifier::new(Algorithm::HS256, DecodingKey::from_secret(secret));
        Self { verifier, revocation: Hmac::new(&block.into()) }
    }

    /// Whether `signature`, in base64url, is this key's over `message`.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &str) -> bool {
        self.verifier.verifies(message, signature, Algorithm::HS256)
    }

    /// What a token is called in the set of revocations: a keyed digest of what was signed, so that the set says
    /// nothing about tokens to whoever reads it. The signature, which has several spellings, is no part of it.
    #[must_use]
    pub fn revoked_id(&self, message: &[u8]) -> RevokedId {
        let full = self.revocation.clone().chain_update(message).finalize().into_bytes();
        let mut id = [0; ID_BYTES];
        id.copy_from_slice(&full[..ID_BYTES]);
        RevokedId::from_bytes(id)
    }
}

/// The header of a keyed token, encoded: exactly `alg`, `kid` and `typ`.
fn keyed_header(kid: &str, algorithm: Algorithm) -> String {
    let header = serde_json::json!({ "alg": algorithm_name(algorithm), "kid": kid, "typ": KEYED_TYPE });
    URL_SAFE_NO_PAD.encode(header.to_string())
}

/// The `alg` value of RFC 7518 and RFC 8037.
#[must_use]
pub fn algorithm_name(algorithm: Algorithm) -> String {
    format!("{algorithm:?}")
}

/// Every key that is accepted.
#[derive(Clone, Default)]
pub struct KeyRing {
    keyed: Vec<VerifyingKey>,
    article: Vec<ArticleKey>,
    is_awaited: bool,
}

impl KeyRing {
    /// Keys of keyed tokens, and the HS256 keys of article tokens (which have no `kid`).
    #[must_use]
    pub fn new(keyed: Vec<VerifyingKey>, article: Vec<ArticleKey>) -> Self {
        Self { keyed, article, is_awaited: false }
    }

    /// A ring whose keys are not there yet: nothing can be said about any token.
    #[must_use]
    pub fn awaited() -> Self {
        Self { is_awaited: true, ..Self::default() }
    }

    /// Whether the keys are not there yet.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.is_awaited
    }

    /// The key whose tokens of ours start with this encoded header: saves reading the header of every honest token.
    pub(super) fn by_header(&self, encoded: &str) -> Option<&VerifyingKey> {
        self.keyed.iter().find(|key| key.header == encoded)
    }

    pub(super) fn by_kid(&self, kid: &str) -> Option<&VerifyingKey> {
        self.keyed.iter().find(|key| *key.kid == *kid)
    }

    pub(super) fn article_keys(&self) -> &[ArticleKey] {
        &self.article
    }
}
