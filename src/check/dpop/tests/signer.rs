//! A client with a key: signs proofs, good ones and any others.

use crate::check::thumbprint::Thumbprint;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaKeyPair, RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// Which key, and which algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    P256,
    Ed25519,
    Rs256,
    Ps256,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::P256, Self::Ed25519, Self::Rs256, Self::Ps256];

    pub(super) fn algorithm(self) -> &'static str {
        match self {
            Self::P256 => "ES256",
            Self::Ed25519 => "EdDSA",
            Self::Rs256 => "RS256",
            Self::Ps256 => "PS256",
        }
    }
}

enum Pair {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(&'static RsaKeyPair),
}

/// Making one takes a while.
static RSA: LazyLock<RsaKeyPair> = LazyLock::new(|| RsaKeyPair::generate(KeySize::Rsa2048).unwrap());

pub(super) struct Signer {
    kind: Kind,
    pair: Pair,
}

impl Signer {
    /// One with a new key; the two kinds of RSA have one.
    pub(super) fn new(kind: Kind) -> Self {
        let pair = match kind {
            Kind::P256 => Pair::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap()),
            Kind::Ed25519 => Pair::Ed25519(Ed25519KeyPair::generate().unwrap()),
            Kind::Rs256 | Kind::Ps256 => Pair::Rsa(&RSA),
        };
        Self { kind, pair }
    }

    /// The public key.
    pub(super) fn jwk(&self) -> Value {
        match &self.pair {
            Pair::P256(pair) => {
                let point = pair.public_key().as_ref();
                json!({ "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]) })
            }
            Pair::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) })
            }
            Pair::Rsa(pair) => {
                let public = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({ "kty": "RSA", "n": encode(&public.n), "e": encode(&public.e) })
            }
        }
    }

    /// RFC 7638, by way of a map that sorts its members.
    pub(super) fn thumbprint(&self) -> Thumbprint {
        let jwk: std::collections::BTreeMap<String, Value> = serde_json::from_value(self.jwk()).unwrap();
        Thumbprint::of(serde_json::to_string(&jwk).unwrap().as_bytes())
    }

    pub(super) fn header(&self) -> Value {
        json!({ "typ": "dpop+jwt", "alg": self.kind.algorithm(), "jwk": self.jwk() })
    }

    /// A proof with these claims.
    pub(super) fn proof(&self, claims: &Value) -> String {
        self.sign(&self.header(), claims)
    }

    /// A proof with any header.
    pub(super) fn sign(&self, header: &Value, claims: &Value) -> String {
        self.sign_bytes(header.to_string().as_bytes(), claims.to_string().as_bytes())
    }

    /// What looks like a proof, of any bytes.
    pub(super) fn sign_bytes(&self, header: &[u8], claims: &[u8]) -> String {
        self.sign_text(&format!("{}.{}", encode(header), encode(claims)))
    }

    /// Any text, and its signature.
    pub(super) fn sign_text(&self, text: &str) -> String {
        format!("{text}.{}", encode(&self.signature(text.as_bytes())))
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        let pair = match &self.pair {
            Pair::P256(pair) => return pair.sign(&random, message).unwrap().as_ref().to_vec(),
            Pair::Ed25519(pair) => return pair.sign(message).as_ref().to_vec(),
            Pair::Rsa(pair) => pair,
        };
        let mut signature = vec![0; pair.public_modulus_len()];
        match self.kind {
            Kind::Ps256 => pair.sign(&RSA_PSS_SHA256, &random, message, &mut signature).unwrap(),
            Kind::P256 | Kind::Ed25519 | Kind::Rs256 => {
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap()
            }
        }
        signature
    }
}

pub(super) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}
