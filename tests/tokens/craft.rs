//! Tokens by hand: any bytes as header and payload, signed by anything. Built on raw HMAC and the signing half of the
//! JWT library, never on samehand's own minting.
#![expect(clippy::unwrap_used, reason = "a token that cannot be crafted fails its test")]

use super::world::{SECRET, key_file};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Map, Value};
use sha2::{Sha256, Sha384, Sha512};

/// base64url without padding.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of a part.
pub(crate) fn decode(part: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(part).unwrap()
}

/// The three parts of a token.
pub(crate) fn parts(token: &str) -> [&str; 3] {
    token.split('.').collect::<Vec<_>>().try_into().unwrap()
}

/// A token with another signature.
pub(crate) fn with_signature(token: &str, signature: impl AsRef<[u8]>) -> String {
    let [header, payload, _] = parts(token);
    format!("{header}.{payload}.{}", encode(signature))
}

/// What signs a crafted token: a message to the signature's bytes.
pub(crate) type SignWith<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;
/// The same, of whatever kind and owned.
pub(crate) type Signer = Box<dyn Fn(&[u8]) -> Vec<u8>>;

pub(crate) fn hs256(secret: &[u8]) -> impl Fn(&[u8]) -> Vec<u8> + use<> {
    let mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    move |message| mac.clone().chain_update(message).finalize().into_bytes().to_vec()
}

pub(crate) fn hs384(secret: &[u8]) -> impl Fn(&[u8]) -> Vec<u8> + use<> {
    let mac = Hmac::<Sha384>::new_from_slice(secret).unwrap();
    move |message| mac.clone().chain_update(message).finalize().into_bytes().to_vec()
}

pub(crate) fn hs512(secret: &[u8]) -> impl Fn(&[u8]) -> Vec<u8> + use<> {
    let mac = Hmac::<Sha512>::new_from_slice(secret).unwrap();
    move |message| mac.clone().chain_update(message).finalize().into_bytes().to_vec()
}

/// Signs with a private key of `tests/data/keys`.
pub(crate) fn private(file: &str, algorithm: Algorithm) -> impl Fn(&[u8]) -> Vec<u8> + use<> {
    let pem = key_file(file);
    let key = EncodingKey::from_rsa_pem(&pem)
        .or_else(|_| EncodingKey::from_ec_pem(&pem))
        .or_else(|_| EncodingKey::from_ed_pem(&pem))
        .unwrap();
    move |message| decode(&jsonwebtoken::crypto::sign(message, &key, algorithm).unwrap())
}

/// A header and a payload to be spoilt and signed.
#[derive(Clone)]
pub(crate) struct Draft {
    header: Vec<u8>,
    payload: Vec<u8>,
}

impl Draft {
    /// The header and payload of a token.
    pub(crate) fn of(token: &str) -> Self {
        let [header, payload, _] = parts(token);
        Self { header: decode(header), payload: decode(payload) }
    }

    /// Other bytes as header.
    pub(crate) fn header(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.header = bytes.as_ref().to_vec();
        self
    }

    /// Other bytes as payload.
    pub(crate) fn payload(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.payload = bytes.as_ref().to_vec();
        self
    }

    /// A header member with this JSON text, whatever it was before.
    pub(crate) fn header_member(mut self, name: &str, json: &str) -> Self {
        self.header = set(&self.header, name, Some(json));
        self
    }

    /// A header without a member.
    pub(crate) fn without_header_member(mut self, name: &str) -> Self {
        self.header = set(&self.header, name, None);
        self
    }

    /// A claim with this JSON text, whatever it was before.
    pub(crate) fn claim(mut self, name: &str, json: &str) -> Self {
        self.payload = set(&self.payload, name, Some(json));
        self
    }

    /// Claims without one.
    pub(crate) fn without_claim(mut self, name: &str) -> Self {
        self.payload = set(&self.payload, name, None);
        self
    }

    /// The header as text.
    pub(crate) fn header_text(&self) -> String {
        String::from_utf8(self.header.clone()).unwrap()
    }

    /// The payload as text.
    pub(crate) fn payload_text(&self) -> String {
        String::from_utf8(self.payload.clone()).unwrap()
    }

    /// A claim's text.
    pub(crate) fn text_claim(&self, name: &str) -> String {
        let claims: Map<String, Value> = serde_json::from_slice(&self.payload).unwrap();
        claims[name].as_str().unwrap().to_owned()
    }

    /// The token, signed.
    pub(crate) fn sign(&self, sign: SignWith<'_>) -> String {
        let message = format!("{}.{}", encode(&self.header), encode(&self.payload));
        format!("{message}.{}", encode(sign(message.as_bytes())))
    }

    /// The token, signed with the secret that samehand has.
    pub(crate) fn ours(&self) -> String {
        self.sign(&hs256(SECRET.as_bytes()))
    }
}

/// Takes a member out and puts it back, with the given text, at the end.
fn set(object: &[u8], name: &str, json: Option<&str>) -> Vec<u8> {
    let mut members: Map<String, Value> = serde_json::from_slice(object).unwrap();
    members.remove(name);
    let text = serde_json::to_string(&members).unwrap();
    match json {
        Some(json) => format!("{},{}:{json}}}", text.trim_end_matches('}'), Value::from(name)).into_bytes(),
        None => text.into_bytes(),
    }
}
