//! A client that has a key of its own and signs DPoP proofs with it (RFC 9449): good ones, and ones that are wrong in
//! whatever a test chooses.

use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Somebody with a key.
pub(crate) struct Prover(EcdsaKeyPair);

/// A proof before it is signed.
#[derive(Clone)]
pub(crate) struct Draft {
    pub(crate) header: Value,
    pub(crate) claims: Value,
}

impl Prover {
    /// With a new key.
    pub(crate) fn new() -> Self {
        Self(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("random bytes"))
    }

    /// The public key.
    pub(crate) fn jwk(&self) -> Value {
        let point = self.0.public_key().as_ref();
        json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]) })
    }

    /// What `cnf.jkt` says of the key (RFC 7638).
    pub(crate) fn thumbprint(&self) -> String {
        let jwk = self.jwk();
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
        encode(Sha256::digest(canonical))
    }

    /// A proof of this request, of this moment.
    pub(crate) fn draft(&self, method: &str, url: &str) -> Draft {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let jti = format!("proof-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Draft {
            header: json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk() }),
            claims: json!({ "jti": jti, "htm": method, "htu": url, "iat": samehand::app::now() }),
        }
    }

    /// The proof, signed.
    pub(crate) fn sign(&self, draft: &Draft) -> String {
        let signed = format!("{}.{}", encode(draft.header.to_string()), encode(draft.claims.to_string()));
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).expect("random bytes");
        format!("{signed}.{}", encode(signature))
    }
}

impl Draft {
    /// For a request that carries this token.
    pub(crate) fn with_token(self, token: &str) -> Self {
        self.with("ath", encode(Sha256::digest(token)))
    }

    /// With another claim, or in place of one.
    pub(crate) fn with(mut self, claim: &str, value: impl Into<Value>) -> Self {
        self.claims[claim] = value.into();
        self
    }

    /// Without one.
    pub(crate) fn without(mut self, claim: &str) -> Self {
        self.claims.as_object_mut().expect("an object").remove(claim);
        self
    }

    /// With another member of the header, or in place of one.
    pub(crate) fn with_header(mut self, member: &str, value: impl Into<Value>) -> Self {
        self.header[member] = value.into();
        self
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
