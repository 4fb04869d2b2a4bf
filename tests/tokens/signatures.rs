//! The classes that are about the signature's bytes (T7, T8).

use super::craft::{Signer, decode, encode, hs256, parts, private, with_signature};
use super::numbers::{ED25519_ORDER, P256_ORDER, add_little_endian, der, subtract};
use super::table::Table;
use super::world::{SECRET, Signing, World};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE};

const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// T7: signatures that are not the signature.
pub(crate) fn broken(table: &mut Table) {
    for signing in Signing::ALL {
        let world = World::new(signing);
        let good = world.mint();
        let [header, payload, signature] = parts(&good);
        let bytes = decode(signature);
        let length = bytes.len();
        let mut signatures = vec![
            ("zeros", vec![0; length]),
            ("ones", vec![0xff; length]),
            ("one byte", vec![0]),
            ("cut at the end", bytes[..length - 1].to_vec()),
            ("cut at the beginning", bytes[1..].to_vec()),
            ("cut to a half", bytes[..length / 2].to_vec()),
            ("extended by a zero", [&bytes[..], &[0]].concat()),
            ("preceded by a zero", [&[0], &bytes[..]].concat()),
            ("doubled", bytes.repeat(2)),
            ("reversed", bytes.iter().rev().copied().collect()),
            ("of another token", decode(parts(&world.mint())[2])),
            ("in hexadecimal", hex::encode(&bytes).into_bytes()),
            ("in base64 twice", signature.as_bytes().to_vec()),
        ];
        for (name, byte, bit) in [
            ("first bit flipped", 0, 0x80),
            ("a bit in the middle flipped", length / 2, 0x10),
            ("last bit flipped", length - 1, 0x01),
        ] {
            let mut flipped = bytes.clone();
            flipped[byte] ^= bit;
            signatures.push((name, flipped));
        }
        signatures.extend(numeric(&world, &bytes));
        let sign = signer(signing);
        signatures.push(("over the header only", sign(header.as_bytes())));
        signatures.push(("over the payload only", sign(payload.as_bytes())));
        signatures.push(("over both without a dot", sign(format!("{header}{payload}").as_bytes())));
        signatures.push(("over the decoded payload", sign(&decode(payload))));
        signatures.push(("over nothing", sign(b"")));
        for (name, bytes) in signatures {
            let token = with_signature(&good, bytes);
            table.token(&world, "signature-invalid 401", &format!("{signing:?} {name}"), token);
        }
        let unsigned = format!("{header}.{payload}.");
        table.token(&world, "token-malformed 401", &format!("{signing:?} empty"), unsigned);
        let mut other = decode(payload);
        if let Some(position) = other.windows(5).position(|window| window == b"alice") {
            other[position] = b'b';
        }
        let other = format!("{header}.{}.{signature}", encode(other));
        table.token(
            &world,
            "signature-invalid 401",
            &format!("{signing:?} another user under a good signature"),
            other,
        );
    }
}

/// Signs as samehand does.
fn signer(signing: Signing) -> Signer {
    match signing.file() {
        None => Box::new(hs256(SECRET.as_bytes())),
        Some(file) => Box::new(private(&format!("{file}-ours.pem"), signing.algorithm())),
    }
}

/// Numbers at the edges of what the algorithm allows, and forms that other protocols use.
fn numeric(world: &World, signature: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let (left, right) = signature.split_at(signature.len() / 2);
    match world.signing {
        Signing::Hs256 => Vec::new(),
        Signing::Es256 => {
            let (zero, order) = ([0; 32], P256_ORDER);
            let one = [&zero[..31], &[1]].concat();
            vec![
                ("DER", der(signature)),
                ("r = 0", [&zero, right].concat()),
                ("s = 0", [left, &zero].concat()),
                ("r = s = 1", one.repeat(2)),
                ("r = n", [&order, right].concat()),
                ("s = n", [left, &order].concat()),
                ("r = s = n", order.repeat(2)),
                ("r and s exchanged", [right, left].concat()),
            ]
        }
        Signing::EdDsa => vec![
            ("S + L", [left, &add_little_endian(right, &ED25519_ORDER)].concat()),
            ("S = 0", [left, &[0; 32]].concat()),
            ("R the neutral point and S = 0", [&[1], &[0; 63][..]].concat()),
        ],
        Signing::Rs256 | Signing::Ps256 => {
            let modulus = modulus(world);
            let one = [&vec![0; modulus.len() - 1][..], &[1]].concat();
            vec![
                ("one", one.clone()),
                ("n - 1", subtract(&modulus, &one)),
                ("n - signature", subtract(&modulus, signature)),
                ("n", modulus),
            ]
        }
    }
}

#[expect(clippy::unwrap_used, reason = "an RSA key has a modulus")]
fn modulus(world: &World) -> Vec<u8> {
    let key = serde_json::to_value(&world.keys.published.keys[0]).unwrap();
    decode(key["n"].as_str().unwrap())
}

/// T8: other spellings of the same bytes. An ECDSA signature has a second form that every implementation accepts
/// (RFC 7515 forbids it nowhere); this is why revocation goes by `jti` and never by a token's text.
pub(crate) fn malleable(table: &mut Table) {
    let world = World::new(Signing::Es256);
    let good = world.mint();
    let bytes = decode(parts(&good)[2]);
    let (r, s) = bytes.split_at(32);
    let second = with_signature(&good, [r, &subtract(&P256_ORDER, s)].concat());
    assert_ne!(good, second);
    table.token(&world, "ok 200", "ES256 with n - s", second);

    let world = World::new(Signing::Hs256);
    let good = world.mint();
    let [header, payload, signature] = parts(&good);
    for steps in 1..4 {
        let spelling = format!("{header}.{payload}.{}", with_slack(signature, steps));
        table.token(&world, "signature-invalid 401", &format!("slack {steps} in the signature"), spelling);
    }
    // The text with slack is what is signed: only strict decoding refuses it.
    let sign = |message: String| format!("{message}.{}", encode(hs256(SECRET.as_bytes())(message.as_bytes())));
    let (spaced_header, spaced_payload) = (with_remainder(&decode(header)), with_remainder(&decode(payload)));
    table.token(
        &world,
        "ok 200",
        "blanks at the end",
        sign(format!("{}.{}", encode(&spaced_header), encode(&spaced_payload))),
    );
    let slack = |bytes: &[u8]| with_slack(&encode(bytes), 1);
    for (name, message) in [
        ("slack in the header", format!("{}.{payload}", slack(&spaced_header))),
        ("slack in the payload", format!("{header}.{}", slack(&spaced_payload))),
        ("padding in the header", format!("{}.{payload}", URL_SAFE.encode(&spaced_header))),
        ("padding in the payload", format!("{header}.{}", URL_SAFE.encode(&spaced_payload))),
        ("padding too much", format!("{header}.{payload}==")),
        ("a blank inside", format!("{header}.{} {}", &payload[..8], &payload[8..])),
        ("a tab inside", format!("{header}.{}\t{}", &payload[..8], &payload[8..])),
        ("a percent sign", format!("{header}.{}%{}", &payload[..8], &payload[8..])),
        ("a quote", format!("\"{header}.{payload}")),
        ("a length that no base64 has", format!("{header}.{}", odd_length(payload))),
    ] {
        table.token(&world, "token-malformed 401", name, sign(message));
    }
    let marked = world.draft().claim("x", r#""???~~~""#);
    let other_alphabet = STANDARD_NO_PAD.encode(marked.payload_text());
    assert_ne!(other_alphabet, encode(marked.payload_text()), "the claim must need the other letters");
    table.token(&world, "ok 200", "letters that differ between the alphabets", marked.ours());
    table.token(&world, "token-malformed 401", "the standard alphabet", sign(format!("{header}.{other_alphabet}")));
    let padded = format!("{good}=");
    table.token(&world, "token-malformed 401", "padding in the signature", padded);
}

/// The same bytes with other unused bits: the last letter of a part of 4n + 2 or 4n + 3 letters has some.
fn with_slack(part: &str, steps: usize) -> String {
    let (front, last) = part.split_at(part.len() - 1);
    let value = ALPHABET.iter().position(|letter| *letter == last.as_bytes()[0]).unwrap_or_default();
    format!("{front}{}", char::from(ALPHABET[value + steps]))
}

/// JSON with blanks behind it, so long that its last letter has unused bits.
fn with_remainder(json: &[u8]) -> Vec<u8> {
    let mut json = json.to_vec();
    while json.len() % 3 != 2 {
        json.push(b' ');
    }
    json
}

/// A part of 4n + 1 letters, which encode nothing.
fn odd_length(part: &str) -> String {
    let mut part = part.to_owned();
    while part.len() % 4 != 1 {
        part.push('A');
    }
    part
}
