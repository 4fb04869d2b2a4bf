//! Article tokens: no sessions, and revoked one by one, however their signature is spelt.

use std::time::Instant;

use crate::support::{samehand::SECRET, token::Token, waiting::as_promised};
use crate::{PROMISED, call, is, mint, post, revoked, signed_in, start, with_token};
use serde_json::json;

/// The same signature with other bits where base64url has bits that mean nothing.
fn spelt_otherwise(token: &str) -> Vec<String> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = token.split_at(token.len() - 1);
    // 32 bytes are 43 characters, and two bits of the last one are slack.
    let place = ALPHABET.iter().position(|letter| last.as_bytes() == [*letter]).expect("base64url") & !3;
    (place..place + 4).map(|place| format!("{rest}{}", char::from(ALPHABET[place]))).collect()
}

#[test]
fn one_is_revoked_and_no_other_and_no_spelling_of_it_is_left() {
    let samehand = start(&[("FINGERPRINT", "article")]);
    let other_replica = replica_of_article(&samehand);
    let (token, other) = (signed_in(&samehand), mint(&samehand, &json!({ "claims": { "n": 1 } })));
    revoked(&samehand, &json!({ "token": token }));
    for spelling in spelt_otherwise(&token) {
        let (status, reason) = with_token(&samehand, &spelling);
        assert_eq!(status, 403, "{spelling} is {reason}");
        assert!(["token-revoked", "signature-invalid"].contains(&reason.as_str()), "{reason}");
    }
    assert_eq!(with_token(&samehand, &token), is(403, "token-revoked"));
    assert_eq!(with_token(&samehand, &other), is(200, "ok"));
    let heard = || with_token(&other_replica, &token) == is(403, "token-revoked");
    as_promised(Instant::now(), PROMISED, "the other replica refuses it", heard);
    assert_eq!(with_token(&other_replica, &other), is(200, "ok"));
}

fn replica_of_article(samehand: &crate::support::samehand::Samehand) -> crate::support::samehand::Samehand {
    let data = samehand.data().display().to_string();
    crate::support::samehand::Samehand::start(&[("FINGERPRINT", "article"), ("DATA", &data)])
}

#[test]
fn revoking_by_another_spelling_revokes_the_token() {
    let samehand = start(&[("FINGERPRINT", "article")]);
    for number in 0..4 {
        let token = mint(&samehand, &json!({ "claims": { "n": number } }));
        let spelling = spelt_otherwise(&token).into_iter().find(|spelling| {
            // Whether other spellings are accepted is the library's affair; none may be a token of its own.
            *spelling != token && with_token(&samehand, spelling) == is(200, "ok")
        });
        revoked(&samehand, &json!({ "token": spelling.as_ref().unwrap_or(&token) }));
        assert_eq!(with_token(&samehand, &token), is(403, "token-revoked"));
    }
}

#[test]
fn signing_out_ends_the_token_and_nothing_renews_it() {
    let samehand = start(&[("FINGERPRINT", "keyed,article")]);
    let keyed = signed_in(&samehand);
    let samehand = samehand.restart(&[("FINGERPRINT", "article,keyed")]);
    let token = signed_in(&samehand);
    let reply = call(&samehand, &post("/renew").bearer(&token));
    assert_eq!((reply.status, &reply.json()["error"]), (403, &"forbidden".into()), "{reply:?}");
    assert_eq!(call(&samehand, &post("/logout").header("Authorization", token.as_str())).status, 204, "without Bearer");
    assert_eq!(with_token(&samehand, &token), is(403, "token-revoked"));
    assert_eq!(with_token(&samehand, &keyed), is(200, "ok"));
}

#[test]
fn all_of_a_user_are_revoked_together() {
    let samehand = start(&[("FINGERPRINT", "article")]);
    let (first, second, bobs) =
        (signed_in(&samehand), mint(&samehand, &json!({})), mint(&samehand, &json!({ "sub": "bob" })));
    revoked(&samehand, &json!({ "user": "alice" }));
    assert_eq!(with_token(&samehand, &first), is(403, "token-revoked"));
    assert_eq!(with_token(&samehand, &second), is(403, "token-revoked"));
    assert_eq!(with_token(&samehand, &bobs), is(200, "ok"));
}

#[test]
fn a_user_is_revoked_however_a_minter_spells_the_name() {
    let samehand = start(&[("FINGERPRINT", "article")]);
    let spelt = |user_id: serde_json::Value| {
        let mut token = Token::parse(&mint(&samehand, &json!({})));
        token.claims["userId"] = user_id;
        token.signed(SECRET)
    };
    let tokens = [spelt(json!("Alice")), spelt(json!("ALICE")), spelt(json!("alice")), spelt(json!(42))];
    for token in &tokens {
        assert_eq!(with_token(&samehand, token), is(200, "ok"));
    }
    revoked(&samehand, &json!({ "user": "Alice" }));
    for token in &tokens[..3] {
        assert_eq!(with_token(&samehand, token), is(403, "token-revoked"));
    }
    assert_eq!(with_token(&samehand, &tokens[3]), is(200, "ok"));
    revoked(&samehand, &json!({ "user": "42" }));
    assert_eq!(with_token(&samehand, &tokens[3]), is(403, "token-revoked"));
}
