//! Tokens that samehand would not mint: a good one taken apart, changed, and signed again or not.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

/// A token taken apart.
#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) header: Value,
    pub(crate) claims: Value,
    signature: String,
}

impl Token {
    #[track_caller]
    pub(crate) fn parse(token: &str) -> Self {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, signature] = parts[..] else { panic!("not a token: {token}") };
        Self { header: decode(header), claims: decode(claims), signature: signature.to_owned() }
    }

    /// The token with the signature it came with.
    pub(crate) fn with_its_old_signature(&self) -> String {
        format!("{}.{}", self.signed_part(), self.signature)
    }

    /// The token without any signature.
    pub(crate) fn unsigned(&self) -> String {
        format!("{}.", self.signed_part())
    }

    /// The token with a good HS256 signature of this secret.
    pub(crate) fn signed(&self, secret: &str) -> String {
        let part = self.signed_part();
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key of any length");
        mac.update(part.as_bytes());
        format!("{part}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    fn signed_part(&self) -> String {
        format!("{}.{}", encode(&self.header), encode(&self.claims))
    }
}

#[track_caller]
fn decode(part: &str) -> Value {
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

fn encode(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}
