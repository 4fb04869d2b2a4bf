//! A few hundred proofs that are wrong in one thing each. None is accepted, none makes anything panic, and each is refused
//! for what is wrong with it.

use super::super::{Flaw, ProofError};
use super::signer::{Kind, Signer, encode};
use super::{NOW, claims, verify};
use serde_json::{Value, json};

/// What every proof of the corpus is tried with, and how many there were.
struct Tried(usize);

impl Tried {
    #[track_caller]
    fn refused(&mut self, proof: &[u8], flaw: Flaw, what: &str) {
        self.0 += 1;
        assert_eq!(verify(proof, NOW), Err(ProofError::Invalid(flaw)), "{what}");
    }
}

fn with(mut object: Value, member: &str, value: Value) -> Value {
    object[member] = value;
    object
}

fn without(mut object: Value, member: &str) -> Value {
    object.as_object_mut().unwrap().remove(member);
    object
}

fn other_types(text: &str) -> [Value; 8] {
    [json!(null), json!(true), json!(7), json!(-1), json!(1.5), json!([text]), json!({ "a": text }), json!([])]
}

#[test]
fn no_malformed_proof_is_accepted() {
    let mut tried = Tried(0);
    for kind in Kind::ALL {
        let signer = Signer::new(kind);
        assert!(verify(signer.proof(&claims()).as_bytes(), NOW).is_ok(), "the control of {kind:?}");
        headers(&mut tried, &signer);
        payloads(&mut tried, &signer);
        encodings(&mut tried, &signer);
        signatures(&mut tried, &signer, kind);
    }
    println!("{} malformed proofs", tried.0);
    assert!(tried.0 > 1000, "{}", tried.0);
}

fn headers(tried: &mut Tried, signer: &Signer) {
    let good = signer.header();
    let mut try_with = |header: Value, flaw, what: &str| {
        tried.refused(signer.sign(&header, &claims()).as_bytes(), flaw, &format!("{what}: {header}"));
    };
    for member in ["typ", "alg", "jwk"] {
        try_with(without(good.clone(), member), Flaw::Form, "missing");
        for value in other_types("dpop+jwt").into_iter().filter(|value| member != "jwk" || !value.is_object()) {
            try_with(with(good.clone(), member, value), Flaw::Form, "of another type");
        }
        let renamed = with(without(good.clone(), member), &member.to_uppercase(), good[member].clone());
        try_with(renamed, Flaw::Form, "in capitals");
    }
    for (member, value) in [
        ("crit", json!(["b64"])),
        ("crit", json!([])),
        ("b64", json!(false)),
        ("kid", json!("a key")),
        ("jku", json!("https://evil.example/keys")),
        ("x5u", json!("https://evil.example/certificate")),
        ("x5c", json!(["AAAA"])),
        ("x5t", json!("AAAA")),
        ("x5t#S256", json!("AAAA")),
        ("cty", json!("JWT")),
        ("zip", json!("DEF")),
        ("enc", json!("A256GCM")),
        ("nonce", json!("AAAA")),
        ("", json!("")),
    ] {
        try_with(with(good.clone(), member, value), Flaw::Form, "one more member");
    }
    for typ in [
        "JWT",
        "jwt",
        "DPOP+JWT",
        "dpop+JWT",
        "dpop+jwt ",
        "application/dpop+jwt",
        "dpop",
        "dbsc+jwt",
        "samehand+jwt",
        "",
    ] {
        try_with(with(good.clone(), "typ", json!(typ)), Flaw::Type, "another type");
    }
    for algorithm in [
        "none",
        "None",
        "nOnE",
        "",
        "HS256",
        "HS384",
        "HS512",
        "ES384",
        "ES512",
        "ES256K",
        "RS384",
        "RS512",
        "PS384",
        "PS512",
        "Ed448",
        "es256",
        "ES256 ",
        " ES256",
        "eddsa",
        "EDDSA",
        "RSA1_5",
        "ML-DSA-44",
        "ES256\0",
    ] {
        try_with(with(good.clone(), "alg", json!(algorithm)), Flaw::Algorithm, "another algorithm");
    }
    let jwk = &good["jwk"];
    for member in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        try_with(with(good.clone(), "jwk", with(jwk.clone(), member, json!("AQAB"))), Flaw::Key, "private");
    }
    for key in [json!({}), json!({ "kty": "oct", "k": "AAAA" }), with(jwk.clone(), "kty", json!("oct"))] {
        try_with(with(good.clone(), "jwk", key), Flaw::Key, "not a key of this kind");
    }
    for value in other_types("EC") {
        try_with(with(good.clone(), "jwk", with(jwk.clone(), "kty", value)), Flaw::Key, "no kind");
    }
}

fn payloads(tried: &mut Tried, signer: &Signer) {
    let good = claims();
    let mut try_with = |claims: Value, flaw, what: &str| {
        tried.refused(signer.proof(&claims).as_bytes(), flaw, &format!("{what}: {claims}"));
    };
    for member in ["jti", "htm", "htu", "iat"] {
        try_with(without(good.clone(), member), Flaw::Claims, "missing");
        let renamed = with(without(good.clone(), member), &member.to_uppercase(), good[member].clone());
        try_with(renamed, Flaw::Claims, "in capitals");
    }
    for member in ["jti", "htm", "htu", "ath", "nonce"] {
        for value in other_types("x") {
            try_with(with(good.clone(), member, value), Flaw::Claims, "of another type");
        }
    }
    for member in ["iat", "nbf", "exp"] {
        for value in
            [json!(null), json!(true), json!("1764000000"), json!(-1), json!(1_764_000_000.5), json!([NOW]), json!({})]
        {
            try_with(with(good.clone(), member, value), Flaw::Claims, "no time");
        }
    }
    for jti in ["", &"x".repeat(257)] {
        try_with(with(good.clone(), "jti", json!(jti)), Flaw::Claims, "an identifier of no use");
    }
    for method in ["", "get", "Get", "GET ", " GET", "POST", "HEAD", "GET,POST", "*", "GET\0"] {
        try_with(with(good.clone(), "htm", json!(method)), Flaw::Method, "another method");
    }
    for url in [
        "",
        "/a/b",
        "app.example.com/a/b",
        "//app.example.com/a/b",
        "http://app.example.com/a/b",
        "https://app.example.com:8443/a/b",
        "https://app.example.com/a/b/",
        "https://app.example.com/a",
        "https://app.example.com/a/B",
        "https://app.example.com/a%2Fb",
        "https://app.example.com//a/b",
        "https://evil.example/a/b",
        "https://app.example.com.evil.example/a/b",
        "https://app.example.com@evil.example/a/b",
        "https://evil.example#https://app.example.com/a/b",
        "https://evil.example/?https://app.example.com/a/b",
        "https://app.example.com\\a/b",
        "https://app.example.com/a/b\n",
        " https://app.example.com/a/b",
        "https://app.example.com/a/b https://app.example.com/a/b",
        "https://*/a/b",
        "*",
    ] {
        try_with(with(good.clone(), "htu", json!(url)), Flaw::Address, "another address");
    }
    for time in [0, 1, NOW - 61, NOW + 11, NOW * 1000, u64::MAX, u64::MAX - 1] {
        try_with(with(good.clone(), "iat", json!(time)), Flaw::Time, "another time");
    }
    for ath in [
        "",
        "x",
        "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo",
        &super::ATH.to_lowercase(),
        &format!("{}=", super::ATH),
    ] {
        try_with(with(good.clone(), "ath", json!(ath)), Flaw::Token, "another token");
    }
    try_with(without(good, "ath"), Flaw::Token, "no token");
}

fn encodings(tried: &mut Tried, signer: &Signer) {
    let (header, claims) = (signer.header().to_string(), claims().to_string());
    let proof = signer.sign_bytes(header.as_bytes(), claims.as_bytes());
    let (signed, signature) = proof.rsplit_once('.').unwrap();
    let (head, payload) = signed.split_once('.').unwrap();
    for text in [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        head.to_owned(),
        signed.to_owned(),
        format!("{signed}."),
        format!(".{payload}.{signature}"),
        format!("{head}..{signature}"),
        format!(".{proof}"),
        format!("{proof}."),
        format!("{proof}.{signature}"),
        format!("{head}.{head}.{payload}.{payload}.{signature}"),
        format!("{proof}="),
        format!("{head}=.{payload}.{signature}"),
        format!("{head}.{payload}=.{signature}"),
        format!("{head} .{payload}.{signature}"),
        format!("{head}. {payload}.{signature}"),
        format!("{proof}, {proof}"),
        format!("DPoP {proof}"),
        format!("\"{proof}\""),
        format!("{head}.{payload}.{signature}%3D"),
        format!("{head}.{payload}.+{signature}"),
        format!("{head}.{payload}./{signature}"),
        format!("{{\"protected\":\"{head}\",\"payload\":\"{payload}\",\"signature\":\"{signature}\"}}"),
        format!("{head}.{payload}.{}", "A".repeat(9000)),
    ] {
        tried.refused(text.as_bytes(), Flaw::Form, &text);
    }
    for bytes in [&b"\xff\xfe"[..], b"\0", "pr\u{fc}f".as_bytes()] {
        tried.refused(&[proof.as_bytes(), bytes].concat(), Flaw::Form, "bytes behind it");
    }
    let array = format!(r#"["dpop+jwt","ES256",{}]"#, signer.jwk());
    for bad in [
        array.into_bytes(),
        format!("[{header}]").into_bytes(),
        format!(" {header}").into_bytes(),
        format!("\u{feff}{header}").into_bytes(),
        format!("{header}x").into_bytes(),
        format!("{header}{header}").into_bytes(),
        header.replacen('{', r#"{"typ":"dpop+jwt","#, 1).into_bytes(),
        header.replacen('{', r#"{"alg":"none","#, 1).into_bytes(),
        header.replacen('{', r#"{"\u0061lg":"none","#, 1).into_bytes(),
        header.replacen('{', r#"{"jwk":{},"#, 1).into_bytes(),
        header.replacen("\"jwk\":{", r#""jwk":{"kty":"oct","#, 1).into_bytes(),
        [header.as_bytes(), b"\xff"].concat(),
        header.replacen("dpop", "d\u{0}pop", 1).into_bytes(),
        b"null".to_vec(),
        b"{".to_vec(),
        b"{}".to_vec(),
        b"\"\"".to_vec(),
        format!("{}{}", "{\"jwk\":".repeat(300), "}".repeat(300)).into_bytes(),
        header.bytes().flat_map(|byte| [0, byte]).collect(),
    ] {
        let what = String::from_utf8_lossy(&bad).into_owned();
        tried.refused(signer.sign_bytes(&bad, claims.as_bytes()).as_bytes(), Flaw::Form, &what);
    }
    for bad in [
        format!("[{claims}]").into_bytes(),
        format!(" {claims}").into_bytes(),
        format!("\u{feff}{claims}").into_bytes(),
        format!("{claims}x").into_bytes(),
        format!("{claims}{claims}").into_bytes(),
        claims.replacen('{', r#"{"jti":"another","#, 1).into_bytes(),
        claims.replacen('{', r#"{"\u006ati":"another","#, 1).into_bytes(),
        claims.replacen('{', r#"{"x":1,"x":1,"#, 1).into_bytes(),
        claims.replacen('{', r#"{"x":NaN,"#, 1).into_bytes(),
        claims.replacen('{', r#"{"x":1e400,"#, 1).into_bytes(),
        claims.replacen(&NOW.to_string(), "1764000000.0", 1).into_bytes(),
        claims.replacen(&NOW.to_string(), "1.764e9", 1).into_bytes(),
        claims.replacen(&NOW.to_string(), "01764000000", 1).into_bytes(),
        [&claims.as_bytes()[..claims.len() - 1], b",\"x\":\"\xff\"}"].concat(),
        [claims.as_bytes(), b"\0"].concat(),
        b"{}".to_vec(),
        b"null".to_vec(),
        b"x".to_vec(),
    ] {
        let what = String::from_utf8_lossy(&bad).into_owned();
        tried.refused(signer.sign_bytes(header.as_bytes(), &bad).as_bytes(), Flaw::Claims, &what);
    }
    let standard = signer.sign_text(&format!("{}.{}", encode(header.as_bytes()), "+/+/"));
    tried.refused(standard.as_bytes(), Flaw::Form, "the other alphabet");
    for length in (0..proof.len()).step_by(7) {
        tried.0 += 1;
        assert!(verify(&proof.as_bytes()[..length], NOW).is_err(), "the first {length} bytes");
    }
    for place in (0..proof.len()).step_by(5) {
        let mut bytes = proof.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        tried.0 += 1;
        assert!(verify(&bytes, NOW).is_err(), "another byte at {place}");
    }
}

fn signatures(tried: &mut Tried, signer: &Signer, kind: Kind) {
    let proof = signer.proof(&claims());
    let (signed, signature) = proof.rsplit_once('.').unwrap();
    for bytes in [1, 31, 32, 63, 64, 65, 70, 72, 96, 128, 255, 256, 257, 512] {
        for fill in [0, 1, 0xff] {
            let forged = format!("{signed}.{}", encode(&vec![fill; bytes]));
            tried.refused(forged.as_bytes(), Flaw::Signature, &format!("{bytes} times {fill}"));
        }
    }
    tried.refused(format!("{proof}AAAA").as_bytes(), Flaw::Signature, "longer");
    tried.refused(format!("{signed}.{}", &signature[4..]).as_bytes(), Flaw::Signature, "shorter");
    for other in Kind::ALL {
        // Another key of the same kind, and the key of another kind: RS256 signed as PS256, too.
        let other = Signer::new(other);
        let forged = other.sign_text(signed);
        let is_same_key = signer.jwk() == other.jwk();
        if !is_same_key || kind != Kind::Rs256 && kind != Kind::Ps256 {
            tried.refused(forged.as_bytes(), Flaw::Signature, "somebody else's signature");
        }
    }
    let swapped = match kind {
        Kind::P256 | Kind::Ed25519 => return,
        Kind::Rs256 => Kind::Ps256,
        Kind::Ps256 => Kind::Rs256,
    };
    let forged = Signer::new(swapped).sign_text(signed);
    tried.refused(forged.as_bytes(), Flaw::Signature, "the padding of the other algorithm");
}
