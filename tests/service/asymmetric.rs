//! Each kind of signing key, end to end: published, signing, accepted, and refused once it is gone.

use std::path::Path;

use serde_json::Value;

use crate::support::{
    CLIENT, THIEF,
    client::{Request, ask},
    installation::Installation,
    samehand::{PASSWORD, Samehand},
    token::Token,
};
use crate::{FIREFOX, PROXY, eventually, outcome, question, question_of_client, sign_in_as};

/// Algorithm, file of a private key, file of another one of the same type, `kty`.
const KINDS: [(&str, &str, &str, &str); 4] = [
    ("ES256", "p256-ours.pem", "p256-attacker.pem", "EC"),
    ("EdDSA", "ed25519-ours.pem", "ed25519-attacker.pem", "OKP"),
    ("RS256", "rsa-ours.pem", "rsa-attacker.pem", "RSA"),
    ("PS256", "rsa-ours.pem", "rsa-attacker.pem", "RSA"),
];

#[track_caller]
fn pem(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/keys").join(name);
    std::fs::read_to_string(path).expect("a key of the tests")
}

#[track_caller]
fn published(samehand: &Samehand) -> Vec<Value> {
    let reply = ask(CLIENT, &samehand.tcp, &Request::get("/.well-known/jwks.json"));
    assert_eq!((reply.status, reply.header("Content-Type")), (200, Some("application/json")), "{reply:?}");
    reply.json()["keys"].as_array().expect("an array of keys").clone()
}

#[test]
fn a_secret_has_no_public_part() {
    assert_eq!(published(&Samehand::start(&[])), Vec::<Value>::new());
}

#[test]
fn every_kind_of_key_signs_is_published_and_is_refused_when_it_is_gone() {
    for (algorithm, own, other, kind) in KINDS {
        let mut installation = Installation::new(&[("ALGORITHM", if algorithm == "PS256" { algorithm } else { "" })]);
        let file = installation.write("signing.pem", &pem(own));
        installation.set(&[("SIGNING_KEY_FILE", &file)]);
        let samehand = Samehand::serve(installation);
        samehand.add_user("alice", &[]);
        let signed_in = ask(CLIENT, &samehand.tcp, &sign_in_as("alice", PASSWORD)).json();
        let token = signed_in["token"].as_str().expect("a token").to_owned();

        let keys = published(&samehand);
        let [key] = &keys[..] else { panic!("{algorithm}: {keys:?}") };
        let kid = Token::parse(&token).header["kid"].clone();
        let header = serde_json::json!({ "alg": algorithm, "kid": kid, "typ": "samehand+jwt" });
        assert_eq!(Token::parse(&token).header, header);
        assert_eq!(
            [&key["alg"], &key["kid"], &key["use"], &key["kty"]],
            [algorithm, kid.as_str().expect("a kid"), "sig", kind]
        );
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{algorithm}: {private} is published");
        }
        assert_eq!(outcome(&samehand, question_of_client(&token)), (200, "ok".to_owned()), "{algorithm}");
        assert_eq!(outcome(&samehand, question(THIEF, FIREFOX).bearer(&token)).0, 403, "{algorithm}");
        // The public key as if it were a secret.
        let mut confused = Token::parse(&token);
        confused.header["alg"] = "HS256".into();
        let refused = outcome(&samehand, question_of_client(&confused.signed(&key.to_string())));
        assert_eq!(refused.0, 401, "{algorithm}: {refused:?}");

        // Rotation: the new key first, the old one behind it.
        let both = format!("{}{}", pem(other), pem(own));
        samehand.write("signing.pem", &both);
        samehand.process.signal("HUP");
        eventually("both keys are published", || published(&samehand).len() == 2);
        let newer = samehand.mint("alice", CLIENT, FIREFOX);
        assert_ne!(Token::parse(&newer).header["kid"], kid, "{algorithm}");
        for token in [&token, &newer] {
            assert_eq!(outcome(&samehand, question_of_client(token)), (200, "ok".to_owned()), "{algorithm}");
        }
        samehand.write("signing.pem", &pem(other));
        samehand.process.signal("HUP");
        eventually("the old key is gone", || published(&samehand).len() == 1);
        assert_eq!(outcome(&samehand, question_of_client(&token)), (401, "key-unknown".to_owned()), "{algorithm}");
        assert_eq!(outcome(&samehand, question_of_client(&newer)), (200, "ok".to_owned()), "{algorithm}");
        let elsewhere = ask(PROXY, &samehand.admin, &Request::get("/.well-known/jwks.json"));
        assert_eq!(elsewhere.status, 404);
    }
}

#[test]
fn tokens_of_the_secret_outlive_the_change_to_a_private_key() {
    let samehand = Samehand::start(&[]);
    let token = samehand.mint("alice", CLIENT, FIREFOX);
    let file = samehand.write("signing.pem", &pem("ed25519-ours.pem"));
    let samehand = samehand.restart(&[("SIGNING_KEY_FILE", &file)]);
    assert_eq!(outcome(&samehand, question_of_client(&token)), (200, "ok".to_owned()));
    let newer = samehand.mint("alice", CLIENT, FIREFOX);
    assert_eq!(Token::parse(&newer).header["alg"], "EdDSA");
    assert_eq!(outcome(&samehand, question_of_client(&newer)), (200, "ok".to_owned()));
}
