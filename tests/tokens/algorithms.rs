//! Good tokens, and the classes that are about `alg` and about who signed (T1 to T4).

use super::craft::{SignWith, encode, hs256, hs384, hs512, parts, private};
use super::table::Table;
use super::world::{SECRET, Signing, World, key_file};
use jsonwebtoken::Algorithm;

/// Tokens that samehand mints, and crafted ones without a fault.
pub(crate) fn good(table: &mut Table) {
    for signing in Signing::ALL {
        let world = World::new(signing);
        table.token(&world, "ok 200", &format!("{signing:?} minted"), world.mint());
        let crafted = match signing.file() {
            None => world.draft().ours(),
            Some(file) => world.draft().sign(&private(&format!("{file}-ours.pem"), signing.algorithm())),
        };
        table.token(&world, "ok 200", &format!("{signing:?} crafted"), crafted);
    }
    let world = World::new(Signing::Hs256);
    let header = world.draft().header_text();
    let kid = world.kid();
    let reordered = format!(r#"{{"typ":"samehand+jwt","kid":"{kid}","alg":"HS256"}}"#);
    assert_ne!(reordered, header);
    for (name, header) in [
        ("header members in another order", reordered),
        ("blanks in the header", header.replace(':', " : ")),
        ("an escape in the header", header.replace("HS256", r"HS\u003256")),
    ] {
        table.token(&world, "ok 200", name, world.draft().header(header).ours());
    }
    for (name, claim, json) in [
        ("a claim nobody knows", "department", r#"{"name":["a",{"b":1}],"c":null}"#),
        ("groups", "groups", r#"["staff","ops"]"#),
        ("an audience nobody asked for", "aud", r#""shop""#),
    ] {
        table.token(&world, "ok 200", name, world.draft().claim(claim, json).ours());
    }
}

/// T1: `none` in every spelling, with every kind of signature.
pub(crate) fn none(table: &mut Table) {
    let world = World::new(Signing::Hs256);
    let good = world.mint();
    let [_, payload, signature] = parts(&good);
    for spelling in ["none", "None", "NONE", "nOnE", "noNE", "none ", " none", "none\\u0000", "", "n\\u006fne"] {
        let draft = world.draft().header_member("alg", &format!("\"{spelling}\""));
        let header = parts(&draft.ours())[0].to_owned();
        for (kind, signature, expected) in [
            ("no signature", "", "token-malformed 401"),
            ("the old signature", signature, "signature-invalid 401"),
            ("a random signature", &encode([7; 32]), "signature-invalid 401"),
        ] {
            let name = format!("{spelling:?} with {kind}");
            table.token(&world, expected, &name, format!("{header}.{payload}.{signature}"));
        }
        let ours = draft.ours();
        table.token(&world, "signature-invalid 401", &format!("{spelling:?} with a right signature"), ours);
    }
    let none = encode(r#"{"alg":"none"}"#);
    for (name, token) in [
        ("two parts", format!("{none}.{payload}")),
        ("no kid and no type", format!("{none}.{payload}.{signature}")),
        ("alg null", world.draft().header_member("alg", "null").ours()),
        ("no alg", world.draft().without_header_member("alg").ours()),
        ("empty header object", world.draft().header("{}").ours()),
    ] {
        table.token(&world, "token-malformed 401", name, token);
    }
    for signing in [Signing::Es256, Signing::EdDsa, Signing::Rs256] {
        let world = World::new(signing);
        let token = world.draft().header_member("alg", "\"none\"").ours();
        let [header, payload, _] = parts(&token);
        let name = format!("none for a key of {signing:?}");
        table.token(&world, "token-malformed 401", &format!("{name}, unsigned"), format!("{header}.{payload}."));
        table.token(&world, "signature-invalid 401", &name, &token);
    }
}

/// T2: `alg` that is not the string it should be.
pub(crate) fn values(table: &mut Table) {
    let world = World::new(Signing::Hs256);
    let row = |table: &mut Table, expected, json: &str| {
        table.token(&world, expected, &format!("alg {json}"), world.draft().header_member("alg", json).ours());
    };
    for json in ["\"hs256\"", "\"Hs256\"", "\"HS256 \"", "\" HS256\"", "\"HS-256\"", "\"HS256\\u0000\"", "\"SHA256\""] {
        row(table, "signature-invalid 401", json);
    }
    for json in ["256", "true", "null", "[\"HS256\"]", "[]", "{}", r#"{"HS256":null}"#, r#"{"alg":"HS256"}"#, "1.5"] {
        row(table, "token-malformed 401", json);
    }
}

/// T3: a key used with an algorithm that is not its own.
pub(crate) fn confusion(table: &mut Table) {
    for signing in [Signing::Es256, Signing::EdDsa, Signing::Rs256, Signing::Ps256] {
        let world = World::new(signing);
        for (form, secret) in public_forms(&world) {
            let named = world.draft().header_member("alg", "\"HS256\"");
            for (alg, draft) in [("HS256", named), ("its own alg", world.draft())] {
                let name = format!("{alg}, signed by HMAC with the public key of {signing:?} as {form}");
                table.token(&world, "signature-invalid 401", &name, draft.sign(&hs256(&secret)));
            }
        }
    }
    let rsa = |algorithm| private("rsa-ours.pem", algorithm);
    for (world, other) in [(Signing::Rs256, Algorithm::PS256), (Signing::Ps256, Algorithm::RS256)] {
        let world = World::new(world);
        let draft = world.draft();
        let named = draft.clone().header_member("alg", &format!("\"{other:?}\""));
        let own = world.signing;
        table.token(
            &world,
            "signature-invalid 401",
            &format!("{own:?} key, {other:?} signature"),
            draft.sign(&rsa(other)),
        );
        table.token(&world, "signature-invalid 401", &format!("{own:?} key, {other:?} named"), named.sign(&rsa(other)));
        table.token(
            &world,
            "signature-invalid 401",
            &format!("{own:?} key and signature, {other:?} named"),
            named.sign(&rsa(own.algorithm())),
        );
    }
    for (name, algorithm) in [("RS384", Algorithm::RS384), ("RS512", Algorithm::RS512), ("PS384", Algorithm::PS384)] {
        let world = World::new(Signing::Rs256);
        let token = world.draft().header_member("alg", &format!("\"{name}\"")).sign(&rsa(algorithm));
        table.token(&world, "signature-invalid 401", &format!("{name} with the right RSA key"), token);
    }
    let world = World::new(Signing::Hs256);
    let secret = SECRET.as_bytes();
    for (name, sign) in [
        ("HS384", &hs384(secret) as SignWith<'_>),
        ("HS512", &hs512(secret)),
        ("ES256", &private("p256-attacker.pem", Algorithm::ES256)),
        ("RS256", &private("rsa-attacker.pem", Algorithm::RS256)),
        ("EdDSA", &private("ed25519-attacker.pem", Algorithm::EdDSA)),
    ] {
        let named = world.draft().header_member("alg", &format!("\"{name}\""));
        table.token(&world, "signature-invalid 401", &format!("{name} for the secret"), named.sign(sign));
        let token = world.draft().sign(sign);
        table.token(&world, "signature-invalid 401", &format!("HS256 with a signature of {name}"), token);
    }
}

/// What an attacker may take for the HMAC secret.
#[expect(clippy::unwrap_used, reason = "the keys are files of this repository")]
fn public_forms(world: &World) -> Vec<(&'static str, Vec<u8>)> {
    let file = world.signing.file().unwrap();
    let text = String::from_utf8(key_file(&format!("{file}-ours.public.pem"))).unwrap();
    let der = pem::parse(&text).unwrap().into_contents();
    // The raw key ends the structure: 65 bytes of a P-256 point, 32 of Ed25519; for RSA this is part of the number.
    let raw = der[der.len() - if file == "p256" { 65 } else { 32 }..].to_vec();
    let mut forms = vec![
        ("PEM without its last line feed", text.trim_end().into()),
        ("PEM with CRLF", text.replace('\n', "\r\n").into()),
        ("PEM", text.into()),
        ("DER", der),
        ("raw bytes", raw),
        ("JWK", serde_json::to_vec(&world.keys.published.keys[0]).unwrap()),
    ];
    if file == "rsa" {
        let pkcs1 = key_file("rsa-ours.pkcs1.public.pem");
        forms.push(("DER of PKCS#1", pem::parse(&pkcs1).unwrap().into_contents()));
        forms.push(("PEM of PKCS#1", pkcs1));
    }
    forms
}

/// T4: somebody else's signature.
pub(crate) fn forged(table: &mut Table) {
    for signing in [Signing::Es256, Signing::EdDsa, Signing::Rs256, Signing::Ps256] {
        let world = World::new(signing);
        let file = signing.file().unwrap_or_default();
        let sign = private(&format!("{file}-attacker.pem"), signing.algorithm());
        table.token(
            &world,
            "signature-invalid 401",
            &format!("{signing:?} of the attacker"),
            world.draft().sign(&sign),
        );
    }
    let world = World::new(Signing::Hs256);
    for secret in [
        "",
        "secret",
        "changeme",
        "password",
        "your-256-bit-secret",
        "a-string-secret-at-least-256-bits-long",
        "6iwMV0Hc6WU0XPMpqugnHsOg3kJqhRTQ",
        "3d4bd49fadee0613cec5a145a0173876",
        "shhhhh",
        "supersecret",
        "jwt_secret",
        "samehand",
        "\0",
    ] {
        let token = world.draft().sign(&hs256(secret.as_bytes()));
        table.token(&world, "signature-invalid 401", &format!("the well-known secret {secret:?}"), token);
    }
    for (name, secret) in [
        ("our secret and a line feed", format!("{SECRET}\n")),
        ("our secret in upper case", SECRET.to_ascii_uppercase()),
        ("our secret cut by one", SECRET[1..].to_owned()),
        ("our secret in base64url", encode(SECRET)),
        ("the salt", super::world::SALT.to_owned()),
        ("the kid", world.kid().to_owned()),
    ] {
        let token = world.draft().sign(&hs256(secret.as_bytes()));
        table.token(&world, "signature-invalid 401", name, token);
    }
}
