//! The keys that may have signed a token. Each key has exactly one algorithm, and a token names its key by `kid`;
//! nothing in a token ever yields a key.
//!
//! [`keys`](crate::keys) loads and rotates them.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};

/// The `typ` of keyed tokens: an explicit type of our own (RFC 8725 section 3.11).
pub const KEYED_TYPE: &str = "samehand+jwt";

/// A key that verifies signatures with one algorithm.
#[derive(Clone)]
pub struct VerifyingKey {
    kid: String,
    algorithm: Algorithm,
    key: DecodingKey,
    header: String,
}

impl VerifyingKey {
    /// A key of a keyed token.
    #[must_use]
    pub fn new(kid: String, algorithm: Algorithm, key: DecodingKey) -> Self {
        let header = keyed_header(&kid, algorithm);
        Self { kid, algorithm, key, header }
    }

    /// The key's name in tokens.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The one algorithm of this key.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether `signature`, in base64url, is this key's over `message`.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &str) -> bool {
        jsonwebtoken::crypto::verify(signature, message, &self.key, self.algorithm).unwrap_or(false)
    }

    /// The encoded header of the tokens that we mint with this key.
    #[must_use]
    pub fn header(&self) -> &str {
        &self.header
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
    article: Vec<VerifyingKey>,
}

impl KeyRing {
    /// Keys of keyed tokens, and the HS256 keys of article tokens (which have no `kid`).
    #[must_use]
    pub fn new(keyed: Vec<VerifyingKey>, article: Vec<VerifyingKey>) -> Self {
        Self { keyed, article }
    }

    /// The key whose tokens of ours start with this encoded header: saves reading the header of every honest token.
    pub(super) fn by_header(&self, encoded: &str) -> Option<&VerifyingKey> {
        self.keyed.iter().find(|key| key.header == encoded)
    }

    pub(super) fn by_kid(&self, kid: &str) -> Option<&VerifyingKey> {
        self.keyed.iter().find(|key| key.kid == kid)
    }

    pub(super) fn article_keys(&self) -> &[VerifyingKey] {
        &self.article
    }
}
