//! Keys that no proof may bring, each of which some library takes.

use super::super::jwk::{PublicKey, SignedWith};
use super::signer::{Kind, Signer, encode};
use crate::check::claims::Object;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

#[track_caller]
fn passes(jwk: &Value, algorithm: &str) -> bool {
    passes_text(&jwk.to_string(), algorithm)
}

fn passes_text(jwk: &str, algorithm: &str) -> bool {
    let Ok(object) = Object::parse(jwk.as_bytes()) else { return false };
    PublicKey::read(object, SignedWith::from_name(algorithm).unwrap()).is_some()
}

fn with(mut jwk: Value, member: &str, value: Value) -> Value {
    jwk[member] = value;
    jwk
}

fn without(mut jwk: Value, member: &str) -> Value {
    jwk.as_object_mut().unwrap().remove(member);
    jwk
}

/// So many bytes, the first and the last of them with every bit set; they look like a modulus that nobody made.
fn number(bytes: usize) -> Vec<u8> {
    let mut number: Vec<u8> = (0_u32..).flat_map(|block| Sha256::digest(block.to_be_bytes())).take(bytes).collect();
    (number[0], number[bytes - 1]) = (0xff, 0xff);
    number
}

fn rsa(modulus: &[u8], exponent: &[u8]) -> Value {
    json!({ "kty": "RSA", "n": encode(modulus), "e": encode(exponent) })
}

const E: &[u8] = &[1, 0, 1];

#[test]
fn a_key_that_is_what_it_says_passes_and_members_without_meaning_are_left_alone() {
    for kind in Kind::ALL {
        let jwk = Signer::new(kind).jwk();
        let algorithm = kind.algorithm();
        assert!(passes(&jwk, algorithm), "{kind:?}");
        for (member, value) in [
            ("kid", json!("a name")),
            ("ext", json!(true)),
            ("use", json!("sig")),
            ("key_ops", json!(["verify"])),
            ("key_ops", json!(["sign", "verify"])),
            ("alg", json!(algorithm)),
            ("iat", json!(1_764_000_000)),
            ("x5u", json!("https://evil.example/certificate")),
            ("something", json!({ "else": [1, null] })),
        ] {
            assert!(passes(&with(jwk.clone(), member, value), algorithm), "{kind:?} with {member}");
        }
    }
    // As browsers export one.
    let jwk = with(with(Signer::new(Kind::Ed25519).jwk(), "alg", json!("Ed25519")), "key_ops", json!(["verify"]));
    assert!(passes(&jwk, "EdDSA"));
}

#[test]
fn a_key_with_something_private_is_refused() {
    for kind in Kind::ALL {
        for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            for value in
                [json!("AQAB"), json!(""), json!(null), json!([]), json!([{ "r": "AQ", "d": "AQ", "t": "AQ" }])]
            {
                let jwk = with(Signer::new(kind).jwk(), member, value);
                assert!(!passes(&jwk, kind.algorithm()), "{kind:?} with {member}");
            }
        }
    }
}

#[test]
fn a_symmetric_key_is_refused_and_so_is_a_key_of_another_kind_than_the_algorithm() {
    let secret = encode(&[7; 32]);
    for kind in Kind::ALL {
        for other in Kind::ALL {
            let is_same =
                matches!((kind, other), (Kind::Rs256 | Kind::Ps256, Kind::Rs256 | Kind::Ps256)) || kind == other;
            assert_eq!(passes(&Signer::new(other).jwk(), kind.algorithm()), is_same, "{kind:?} {other:?}");
        }
        let jwk = Signer::new(kind).jwk();
        for kty in ["oct", "ec", "EC ", "rsa", "okp", "AKP", "", "none"] {
            assert!(!passes(&with(jwk.clone(), "kty", json!(kty)), kind.algorithm()), "{kind:?} {kty}");
        }
        for jwk in [
            json!({ "kty": "oct", "k": secret }),
            json!({ "kty": "oct" }),
            json!({ "kty": "oct", "x": secret, "y": secret, "n": secret, "e": "AQAB", "crv": "P-256" }),
            json!({}),
        ] {
            assert!(!passes(&jwk, kind.algorithm()), "{kind:?} {jwk}");
        }
    }
    for name in
        ["HS256", "none", "None", "ES384", "ES256K", "RS384", "PS512", "Ed448", "eddsa", "es256", "", "RSA-OAEP"]
    {
        assert!(SignedWith::from_name(name).is_none(), "{name}");
    }
}

#[test]
fn a_key_that_is_for_something_else_is_refused() {
    for kind in Kind::ALL {
        let jwk = Signer::new(kind).jwk();
        for (member, value) in [
            ("use", json!("enc")),
            ("use", json!("")),
            ("use", json!(["sig"])),
            ("use", json!(null)),
            ("key_ops", json!([])),
            ("key_ops", json!(["sign"])),
            ("key_ops", json!(["encrypt"])),
            ("key_ops", json!(["verify", "encrypt"])),
            ("key_ops", json!(["verify", "verify"])),
            ("key_ops", json!("verify")),
            ("key_ops", json!(null)),
            ("alg", json!("HS256")),
            ("alg", json!("ES384")),
            ("alg", json!("none")),
            ("alg", json!(null)),
            ("alg", json!(if kind == Kind::Rs256 { "PS256" } else { "RS256" })),
        ] {
            assert!(!passes(&with(jwk.clone(), member, value.clone()), kind.algorithm()), "{kind:?} {member} {value}");
        }
    }
}

#[test]
fn coordinates_have_exactly_their_length() {
    for length in (0..=70).chain([128, 1000, 4096]).filter(|length| *length != 32) {
        let bytes = encode(&vec![0x11; length]);
        for (kind, member) in [(Kind::P256, "x"), (Kind::P256, "y"), (Kind::Ed25519, "x")] {
            let jwk = with(Signer::new(kind).jwk(), member, json!(bytes));
            assert!(!passes(&jwk, kind.algorithm()), "{kind:?} {member} of {length} bytes");
        }
    }
}

#[test]
fn members_are_there_once_and_of_their_type_and_in_their_one_spelling() {
    for (kind, members) in [
        (Kind::P256, &["kty", "crv", "x", "y"][..]),
        (Kind::Ed25519, &["kty", "crv", "x"]),
        (Kind::Rs256, &["kty", "n", "e"]),
        (Kind::Ps256, &["kty", "n", "e"]),
    ] {
        let (jwk, algorithm) = (Signer::new(kind).jwk(), kind.algorithm());
        for member in members {
            assert!(!passes(&without(jwk.clone(), member), algorithm), "{kind:?} without {member}");
            let text = jwk[*member].as_str().unwrap();
            for value in [
                json!(null),
                json!(7),
                json!([text]),
                json!({ "a": text }),
                json!(true),
                json!(""),
                json!(format!("{text}=")),
                json!(format!("{text}\n")),
                json!(format!(" {text}")),
                json!(format!("{text}A")),
                json!(format!("AA{text}")),
            ] {
                assert!(!passes(&with(jwk.clone(), member, value.clone()), algorithm), "{kind:?} {member} {value}");
            }
            let twice = jwk.to_string().replacen('{', &format!("{{\"{member}\":\"{text}\","), 1);
            assert!(!passes_text(&twice, algorithm), "{kind:?} {member} twice");
        }
    }
    // The same bits with a stray one behind them, and the other alphabet.
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp" });
    assert!(!passes(&jwk, "EdDSA"));
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    assert!(!passes(&jwk, "EdDSA"));
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    assert!(passes(&jwk, "EdDSA"), "RFC 8037 appendix A.2");
}

#[test]
fn curves_that_are_not_ours_are_refused() {
    for curve in ["P-384", "P-521", "secp256k1", "p-256", "Ed25519", ""] {
        assert!(!passes(&with(Signer::new(Kind::P256).jwk(), "crv", json!(curve)), "ES256"), "{curve}");
    }
    for curve in ["Ed448", "X25519", "X448", "ed25519", "P-256", ""] {
        assert!(!passes(&with(Signer::new(Kind::Ed25519).jwk(), "crv", json!(curve)), "EdDSA"), "{curve}");
    }
    assert!(!passes(&with(Signer::new(Kind::Ed25519).jwk(), "y", json!("AA")), "EdDSA"));
}

#[test]
fn a_point_that_anybody_can_sign_for_is_refused() {
    let mut points = vec![[0; 32], [0xff; 32]];
    for low in [0xec, 0xed, 0xee] {
        points.push(std::array::from_fn(|place| match place {
            0 => low,
            31 => 0x7f,
            _ => 0xff,
        }));
    }
    points[1] = std::array::from_fn(|place| u8::from(place == 0));
    for text in [
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ] {
        points.push(hex::decode(text).unwrap().try_into().unwrap());
    }
    assert_eq!(points.len(), 7);
    for mut point in points {
        for sign in [0, 0x80] {
            point[31] ^= sign;
            let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(&point) });
            assert!(!passes(&jwk, "EdDSA"), "{}", hex::encode(point));
        }
    }
}

#[test]
fn an_rsa_key_is_neither_short_nor_long_nor_odd_in_other_ways() {
    for (bytes, is_good) in [
        (1, false),
        (64, false),
        (128, false),
        (255, false),
        (256, true),
        (384, true),
        (512, true),
        (513, false),
        (1024, false),
    ] {
        assert_eq!(passes(&rsa(&number(bytes), E), "RS256"), is_good, "{bytes} bytes");
    }
    let mut modulus = number(256);
    modulus[0] = 0x7f;
    assert!(!passes(&rsa(&modulus, E), "RS256"), "2047 bits");
    let mut modulus = number(256);
    modulus[255] = 0xfe;
    assert!(!passes(&rsa(&modulus, E), "RS256"), "an even modulus");
    assert!(!passes(&rsa(&[&[0][..], &number(256)].concat(), E), "RS256"), "a leading zero");
    for (exponent, is_good) in [
        (&[1][..], false),
        (&[3], false),
        (&[17], false),
        (&[0xff, 0xff], false),
        (&[1, 0, 0], false),
        (&[1, 0, 1], true),
        (&[1, 0, 3], true),
        (&[0, 1, 0, 1], false),
        (&[0xff, 0xff, 0xff, 0xff], true),
        (&[1, 0, 0, 0, 1], false),
        (&[0xff; 256], false),
    ] {
        assert_eq!(passes(&rsa(&number(256), exponent), "PS256"), is_good, "{exponent:?}");
    }
}

/// A key of 2048 bits whose primes were made as CVE-2017-15361 makes them, `k * M + 65537^a mod M`, by a script of ten lines.
const ROCA: &str = "uvvN9UQE_3HJQ_G9IEChlspTKH3bgwGYMY0lucLYpv6XNitDAu7bIjC0258iqSb0vF3Gh36gyEOHiUi7vCEQEMjn6O_JLpyawVGW3VpKjpgzBthUik4QsR2MHB9cvtLViCSpY-Nz0uUxSFcC2vXLKZD2HXZS3KgP9GNWcJ6mmV6WBnz0vpEVWbv9FfUi249p00tZBZPyP2gD9a2CmcmEcsymXUwyA-StL0KtsGNpvYAjuSKVT3BiqG8bEJ1001h0jnZ8Q5BkjF21ApmQkA6d8dsdYdvwmvt1-oiAaMolGkZP-TNZCXbYGTsPLoieaBkFQVythIgcMSYZq8j1op6ABw";

#[test]
fn a_key_of_the_chips_that_chose_bad_primes_is_refused() {
    for algorithm in ["RS256", "PS256"] {
        assert!(!passes(&json!({ "kty": "RSA", "n": ROCA, "e": "AQAB" }), algorithm));
    }
    // The example of RFC 7638 is none of them, and neither are keys that we make.
    let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
    let jwk = json!({ "kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29" });
    let read = PublicKey::read(Object::parse(jwk.to_string().as_bytes()).unwrap(), SignedWith::Rs256).unwrap();
    assert_eq!(read.thumbprint().to_string(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", "RFC 7638 section 3.1");
}
