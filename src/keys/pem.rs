//! Keys of `SIGNING_KEY_FILE`: one or more PEM blocks, PKCS#8 private keys (`BEGIN PRIVATE KEY`), PKCS#1 RSA keys, or
//! public keys. The first block signs; the others are still accepted, which is how such a key is rotated.
//!
//! The type of a key decides its one algorithm: P-256 gives ES256, Ed25519 gives EdDSA, RSA gives RS256 or, when asked
//! for, PS256. Every private key signs a message and verifies it before it is accepted.

use crate::check::key_ring::algorithm_name;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, EncodingKey};

/// RSA moduli in bytes: 2048 to 4096 bits.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

/// One key of a PEM file: a private key signs and verifies, a public key only verifies.
#[derive(Clone)]
pub struct PemKey {
    /// The one algorithm of this key.
    pub algorithm: Algorithm,
    /// Present for a private key.
    pub signing: Option<EncodingKey>,
    /// Verifies what `signing` signed.
    pub verifying: DecodingKey,
    /// The public key, as published, with its `kid` (RFC 7638 thumbprint).
    pub jwk: Jwk,
}

impl PemKey {
    /// The key's name in tokens.
    #[must_use]
    pub fn kid(&self) -> &str {
        self.jwk.common.key_id.as_deref().unwrap_or_default()
    }
}

/// Reads every key of a PEM text; `algorithm` is the setting, if it names an asymmetric one.
///
/// # Errors
/// What is wrong and what to do instead, for the operator.
pub fn read(pem: &[u8], algorithm: Option<Algorithm>) -> Result<Vec<PemKey>, String> {
    let blocks = pem::parse_many(pem).map_err(|error| format!("is not a PEM file: {error}"))?;
    let mut keys = Vec::with_capacity(blocks.len());
    for (position, block) in blocks.iter().enumerate() {
        let key = read_block(block, algorithm).map_err(|error| format!("key {}: {error}", position + 1))?;
        keys.push(key);
    }
    match keys.first() {
        None => Err("holds no PEM block; make a key with: openssl genpkey -algorithm ed25519".into()),
        Some(PemKey { signing: None, .. }) => {
            Err("starts with a public key; the first key must be the private key that signs".into())
        }
        Some(first) => match algorithm {
            Some(asked) if asked != first.algorithm => Err(format!(
                "holds a key for {}, and ALGORITHM asks for {}",
                algorithm_name(first.algorithm),
                algorithm_name(asked),
            )),
            Some(_) | None => Ok(keys),
        },
    }
}

fn read_block(block: &pem::Pem, asked: Option<Algorithm>) -> Result<PemKey, String> {
    match block.tag() {
        "PRIVATE KEY" | "RSA PRIVATE KEY" => read_private(block, asked),
        "PUBLIC KEY" | "RSA PUBLIC KEY" => read_public(block, asked),
        "EC PRIVATE KEY" => Err("is in SEC 1 form; convert it with: openssl pkcs8 -topk8 -nocrypt -in KEY".into()),
        "ENCRYPTED PRIVATE KEY" => Err("is encrypted; decrypt it with: openssl pkey -in KEY".into()),
        other => Err(format!("is a {other:?} block; a private or public key is needed")),
    }
}

const KINDS: &str = "is not a key samehand can use; RSA, P-256 and Ed25519 keys are";

fn read_private(block: &pem::Pem, asked: Option<Algorithm>) -> Result<PemKey, String> {
    let text = pem::encode(block);
    let pem = text.as_bytes();
    let signing = EncodingKey::from_rsa_pem(pem)
        .or_else(|_| EncodingKey::from_ec_pem(pem))
        .or_else(|_| EncodingKey::from_ed_pem(pem))
        .map_err(|_| KINDS.to_owned())?;
    let algorithm = algorithm_of(signing.family(), asked)?;
    let jwk = Jwk::from_encoding_key(&signing, algorithm).map_err(|_| KINDS.to_owned())?;
    let key = publish(jwk, algorithm, Some(signing))?;
    self_test(&key)?;
    Ok(key)
}

fn read_public(block: &pem::Pem, asked: Option<Algorithm>) -> Result<PemKey, String> {
    let text = pem::encode(block);
    let pem = text.as_bytes();
    let verifying = DecodingKey::from_rsa_pem(pem)
        .or_else(|_| DecodingKey::from_ec_pem(pem))
        .or_else(|_| DecodingKey::from_ed_pem(pem))
        .map_err(|_| KINDS.to_owned())?;
    let algorithm = algorithm_of(verifying.family(), asked)?;
    let jwk = Jwk::from_decoding_key(&verifying, Some(algorithm)).map_err(|_| KINDS.to_owned())?;
    publish(jwk, algorithm, None)
}

fn algorithm_of(family: AlgorithmFamily, asked: Option<Algorithm>) -> Result<Algorithm, String> {
    match family {
        AlgorithmFamily::Rsa => Ok(asked.filter(|asked| *asked == Algorithm::PS256).unwrap_or(Algorithm::RS256)),
        AlgorithmFamily::Ec => Ok(Algorithm::ES256),
        AlgorithmFamily::Ed => Ok(Algorithm::EdDSA),
        AlgorithmFamily::Hmac => Err(KINDS.to_owned()),
    }
}

/// Checks the public key and gives it its name.
fn publish(mut jwk: Jwk, algorithm: Algorithm, signing: Option<EncodingKey>) -> Result<PemKey, String> {
    if let AlgorithmParameters::RSA(rsa) = &jwk.algorithm {
        let modulus = URL_SAFE_NO_PAD.decode(&rsa.n).map_err(|_| KINDS.to_owned())?;
        if !RSA_BYTES.contains(&modulus.len()) {
            return Err(format!("is an RSA key of {} bits; 2048 to 4096 are accepted", modulus.len() * 8));
        }
    } else if let AlgorithmParameters::EllipticCurve(ec) = &jwk.algorithm
        && ec.curve != EllipticCurve::P256
    {
        return Err(KINDS.to_owned());
    }
    let verifying = DecodingKey::from_jwk(&jwk).map_err(|_| KINDS.to_owned())?;
    jwk.common.key_id = Some(jwk.thumbprint(ThumbprintHash::SHA256).map_err(|_| KINDS.to_owned())?);
    jwk.common.public_key_use = Some(PublicKeyUse::Signature);
    Ok(PemKey { algorithm, signing, verifying, jwk })
}

fn self_test(key: &PemKey) -> Result<(), String> {
    const MESSAGE: &[u8] = b"samehand";
    let failed = || "does not verify its own signature".to_owned();
    let Some(signing) = &key.signing else { return Ok(()) };
    let signature = jsonwebtoken::crypto::sign(MESSAGE, signing, key.algorithm).map_err(|_| failed())?;
    match jsonwebtoken::crypto::verify(&signature, MESSAGE, &key.verifying, key.algorithm) {
        Ok(true) => Ok(()),
        Ok(false) | Err(_) => Err(failed()),
    }
}
