//! A revocation of all that a user has, and a sign-in in the same second: what was issued before is over, what is issued
//! after is good, although the times in the tokens are the same.

use std::time::Instant;

use crate::support::{CLIENT, waiting::until};
use crate::{FIREFOX, PROMISED, is, mint, replica_of, revoked, signed_in, start, time, with_token};
use serde_json::json;

#[test]
fn two_hundred_times_nothing_is_lost_and_nothing_kept() {
    let samehand = start(&[]);
    let mut in_the_same_second = 0;
    for turn in 0..200 {
        let old = mint(&samehand, &json!({}));
        revoked(&samehand, &json!({ "user": "alice" }));
        let new = mint(&samehand, &json!({}));
        assert_eq!(with_token(&samehand, &old), is(401, "token-revoked"), "turn {turn}: kept");
        assert_eq!(with_token(&samehand, &new), is(200, "ok"), "turn {turn}: lost");
        in_the_same_second += u32::from(time(&old, "iat") == time(&new, "iat"));
    }
    assert!(in_the_same_second > 100, "only {in_the_same_second} of 200 show anything");
}

#[test]
fn the_same_with_passwords_and_with_tokens_by_hand_and_for_everybody() {
    let samehand = start(&[]);
    let by_hand = || samehand.mint("alice", CLIENT, FIREFOX);
    let signed_in = || signed_in(&samehand);
    let ways: [&dyn Fn() -> String; 2] = [&signed_in, &by_hand];
    for turn in 0..20 {
        let body = if turn % 3 == 0 { json!({ "all": true }) } else { json!({ "user": "alice" }) };
        let old = ways[turn % 2]();
        revoked(&samehand, &body);
        let new = ways[turn / 2 % 2]();
        assert_eq!(with_token(&samehand, &old), is(401, "token-revoked"), "turn {turn}: kept");
        assert_eq!(with_token(&samehand, &new), is(200, "ok"), "turn {turn}: lost");
    }
}

#[test]
fn the_same_on_a_replica_that_hears_of_it_later() {
    let first = start(&[]);
    let second = replica_of(&first);
    for turn in 0..20 {
        let old = mint(&first, &json!({}));
        revoked(&first, &json!({ "user": "alice" }));
        let acknowledged = Instant::now();
        // Signed in over there, which need not have heard of the revocation.
        let new = mint(&second, &json!({}));
        until(acknowledged, PROMISED, "the old token is refused", || {
            assert_eq!(with_token(&second, &new), is(200, "ok"), "turn {turn}: lost");
            with_token(&second, &old) == is(401, "token-revoked")
        });
        assert_eq!(with_token(&first, &new), is(200, "ok"), "turn {turn}: lost at the first");
        assert_eq!(with_token(&second, &new), is(200, "ok"), "turn {turn}: lost");
    }
}

#[test]
fn article_tokens_that_samehand_mints_are_neither_lost_nor_kept() {
    let samehand = start(&[("FINGERPRINT", "article")]);
    // Each sign-in waits until the second of the revocation is over, because the token tells no more than that.
    for turn in 0..6 {
        let old = mint(&samehand, &json!({}));
        revoked(&samehand, &json!({ "user": "alice" }));
        let new = mint(&samehand, &json!({}));
        assert_eq!(with_token(&samehand, &old), is(403, "token-revoked"), "turn {turn}: kept");
        assert_eq!(with_token(&samehand, &new), is(200, "ok"), "turn {turn}: lost");
    }
}
