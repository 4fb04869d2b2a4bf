//! A public key that a stranger sends inside a proof: our own gate, which stands before any library sees it.
//!
//! JWT libraries panic on keys that are too short, cut those that are too long, make an HMAC key of an `oct`, and look at
//! neither `crv` nor `use`. Here a key has exactly the members and lengths of RFC 7518 section 6 and RFC 8037 section 2,
//! one spelling, and nothing private. Members of other names have no meaning and are left alone (RFC 7517 section 4):
//! browsers add `ext`, libraries `kid`; nothing is ever fetched from an `x5u`. Whether a P-256 point lies on the curve is
//! found out with the signature, which cannot hold if it does not.

use crate::check::claims::{Object, Value};
use crate::check::thumbprint::Thumbprint;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey};

/// What only a private or a symmetric key has (RFC 7518 sections 6.2.2, 6.3.2 and 6.4.1).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
/// Bytes of a P-256 coordinate and of an Ed25519 key.
const COORDINATE: usize = 32;
/// Bits of an RSA modulus; the lower end is RFC 7518 section 3.3.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
/// The smallest public exponent. 3 has been the way in for forgers too often.
const RSA_EXPONENT: u32 = 65537;

/// How a proof is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignedWith {
    Es256,
    EdDsa,
    Rs256,
    Ps256,
}

impl SignedWith {
    /// Reads `alg`. RFC 9864 calls EdDSA with this curve `Ed25519`.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        match name {
            "ES256" => Some(Self::Es256),
            "EdDSA" | "Ed25519" => Some(Self::EdDsa),
            "RS256" => Some(Self::Rs256),
            "PS256" => Some(Self::Ps256),
            _ => None,
        }
    }

    fn algorithm(self) -> Algorithm {
        match self {
            Self::Es256 => Algorithm::ES256,
            Self::EdDsa => Algorithm::EdDSA,
            Self::Rs256 => Algorithm::RS256,
            Self::Ps256 => Algorithm::PS256,
        }
    }
}

/// A key that passed the gate, for the one algorithm that it came with.
pub(super) struct PublicKey {
    thumbprint: Thumbprint,
    algorithm: Algorithm,
    key: DecodingKey,
}

impl PublicKey {
    /// Reads an embedded key. Nothing says what is wrong with one: it is the caller's own.
    pub(super) fn read(mut jwk: Object<'_>, signed_with: SignedWith) -> Option<Self> {
        if PRIVATE.iter().any(|member| jwk.contains(member)) || !is_for_signatures(&mut jwk, signed_with) {
            return None;
        }
        let kind = text(&mut jwk, "kty")?;
        let (canonical, key) = match signed_with {
            SignedWith::Es256 => of_curve(&mut jwk, &kind)?,
            SignedWith::EdDsa => of_edwards(&mut jwk, &kind)?,
            SignedWith::Rs256 | SignedWith::Ps256 => of_rsa(&mut jwk, &kind)?,
        };
        let thumbprint = Thumbprint::of(canonical.as_bytes());
        Some(Self { thumbprint, algorithm: signed_with.algorithm(), key })
    }

    /// RFC 7638.
    pub(super) fn thumbprint(&self) -> Thumbprint {
        self.thumbprint
    }

    /// Whether `signature`, in base64url, is this key's over `message`.
    pub(super) fn verifies(&self, message: &str, signature: &str) -> bool {
        jsonwebtoken::crypto::verify(signature, message.as_bytes(), &self.key, self.algorithm).unwrap_or(false)
    }
}

/// What the key says about its own use (RFC 7517 sections 4.2 to 4.4) must not speak against it.
fn is_for_signatures(jwk: &mut Object<'_>, signed_with: SignedWith) -> bool {
    let good_use = match jwk.take("use") {
        None => true,
        Some(Value::Text(used_for)) => used_for == "sig",
        Some(Value::Integer(_) | Value::Texts(_) | Value::Members(_) | Value::Other) => false,
    };
    let good_operations = match jwk.take("key_ops") {
        None => true,
        // One that may sign, too, is what some libraries write about a pair.
        Some(Value::Texts(operations)) => {
            let of_signatures = |operation: &String| operation == "verify" || operation == "sign";
            let times = |name: &str| operations.iter().filter(|operation| *operation == name).count();
            operations.iter().all(of_signatures) && times("verify") == 1 && times("sign") <= 1
        }
        Some(Value::Text(_) | Value::Integer(_) | Value::Members(_) | Value::Other) => false,
    };
    let good_algorithm = match jwk.take("alg") {
        None => true,
        Some(Value::Text(name)) => SignedWith::from_name(&name) == Some(signed_with),
        Some(Value::Integer(_) | Value::Texts(_) | Value::Members(_) | Value::Other) => false,
    };
    good_use && good_operations && good_algorithm
}

fn of_curve(jwk: &mut Object<'_>, kind: &str) -> Option<(String, DecodingKey)> {
    let curve = text(jwk, "crv")?;
    let (x, y) = (text(jwk, "x")?, text(jwk, "y")?);
    if kind != "EC" || curve != "P-256" {
        return None;
    }
    let (x_bytes, y_bytes): ([u8; COORDINATE], [u8; COORDINATE]) = (exactly(&x)?, exactly(&y)?);
    let point = [&[4][..], &x_bytes, &y_bytes].concat();
    Some((format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#), DecodingKey::from_ec_der(&point)))
}

fn of_edwards(jwk: &mut Object<'_>, kind: &str) -> Option<(String, DecodingKey)> {
    let curve = text(jwk, "crv")?;
    let x = text(jwk, "x")?;
    if kind != "OKP" || curve != "Ed25519" || jwk.contains("y") {
        return None;
    }
    let bytes: [u8; COORDINATE] = exactly(&x)?;
    if is_of_small_order(bytes) {
        return None;
    }
    Some((format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#), DecodingKey::from_ed_der(&bytes)))
}

fn of_rsa(jwk: &mut Object<'_>, kind: &str) -> Option<(String, DecodingKey)> {
    let (n, e) = (text(jwk, "n")?, text(jwk, "e")?);
    if kind != "RSA" {
        return None;
    }
    let (modulus, exponent) = (unsigned(&n)?, unsigned(&e)?);
    let bits = modulus.len() * 8 - modulus.first()?.leading_zeros() as usize;
    let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte % 2 == 1);
    let small = exponent.iter().try_fold(0_u32, |value, byte| value.checked_mul(256)?.checked_add(u32::from(*byte)));
    let is_good = RSA_BITS.contains(&bits)
        && is_odd(&modulus)
        && is_odd(&exponent)
        && small.is_some_and(|value| value >= RSA_EXPONENT)
        && !is_from_infineon(&modulus);
    is_good.then(|| {
        let key = DecodingKey::from_rsa_raw_components(&modulus, &exponent);
        (format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#), key)
    })
}

fn text(jwk: &mut Object<'_>, member: &str) -> Option<String> {
    match jwk.take(member) {
        Some(Value::Text(text)) => Some(text.into_owned()),
        Some(Value::Integer(_) | Value::Texts(_) | Value::Members(_) | Value::Other) | None => None,
    }
}

/// Strict base64url of exactly so many bytes. It has one spelling, so the text itself may stand in the canonical JSON.
fn exactly<const LENGTH: usize>(text: &str) -> Option<[u8; LENGTH]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// Base64urlUInt (RFC 7518 section 2): no leading zero, so that a key has one thumbprint.
fn unsigned(text: &str) -> Option<Vec<u8>> {
    // So much encodes the largest modulus.
    let most = (RSA_BITS.end() / 8).div_ceil(3) * 4;
    let bytes = if text.len() <= most { URL_SAFE_NO_PAD.decode(text).ok()? } else { return None };
    bytes.first().is_some_and(|first| *first != 0).then_some(bytes)
}

/// Points whose multiples are eight or fewer, in both signs and in every encoding: anybody can sign for such a key.
fn is_of_small_order(mut point: [u8; COORDINATE]) -> bool {
    // Order 8; the other five are 0, 1, p - 1, and p and p + 1, which encode 0 and 1 again.
    const ORDER_8: [[u8; COORDINATE]; 2] = [
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0, 0xd5, 0xdf,
            0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f, 0x2a, 0x20,
            0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a,
        ],
    ];
    // The highest bit is the sign of the other coordinate (RFC 8032 section 5.1.2).
    point[COORDINATE - 1] &= 0x7f;
    let [first, middle @ .., last] = point;
    let is_tiny = first <= 1 && last == 0 && middle.iter().all(|byte| *byte == 0);
    let is_about_p = first >= 0xec && last == 0x7f && middle.iter().all(|byte| *byte == 0xff);
    is_tiny || is_about_p || ORDER_8.contains(&point)
}

/// Whether the modulus has the fingerprint of CVE-2017-15361 (ROCA): chips that chose primes `k * M + 65537^a mod M`, so
/// that modulo every prime in M the modulus is a power of 65537. Nemec, Sys, Svenda, Klinec, Matyas: "The Return of
/// Coppersmith's Attack", CCS 2017, section 2.2. M of keys of 2048 bits is the product of the primes up to 701, those of
/// larger keys have more; no other modulus passes all of these.
fn is_from_infineon(modulus: &[u8]) -> bool {
    const LARGEST_PRIME: u32 = 701;
    let is_prime = |number: &u32| (3..*number).take_while(|d| d * d <= *number).all(|d| !number.is_multiple_of(d));
    (3..=LARGEST_PRIME).step_by(2).filter(is_prime).all(|prime| {
        let rest = modulus.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let powers = std::iter::successors(Some(1), |power| Some(power * (65537 % prime) % prime));
        powers.take(prime as usize).any(|power| power == rest)
    })
}
