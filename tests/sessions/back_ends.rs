//! Sessions that a back end opens with `/mint`: what it said stays, what it asked for is not exceeded.

use crate::support::token::Token;
use crate::{call, is, mint, post, start, time, token_in, with_token};
use serde_json::json;

#[test]
fn its_claims_survive_each_renewal() {
    let samehand = start(&[]);
    let claims =
        json!({ "groups": ["Gold"], "email": "c7@example.com", "tenant": { "id": [7, null, 1.5] }, "amr": ["otp"] });
    let mut token = mint(&samehand, &json!({ "sub": "customer-7", "claims": claims }));
    let said = |token: &str| {
        let mut claims = Token::parse(token).claims;
        for own in ["iat", "exp", "jti", "fingerprint"] {
            claims.as_object_mut().expect("claims").remove(own).expect(own);
        }
        claims
    };
    let first = said(&token);
    assert_eq!(first["groups"], json!(["gold"]));
    for _ in 0..3 {
        token = token_in(&call(&samehand, &post("/renew").bearer(&token)).json());
        assert_eq!(said(&token), first);
        assert_eq!(with_token(&samehand, &token), is(200, "ok"));
    }
}

#[test]
fn a_fresh_token_lives_no_longer_than_it_asked_for() {
    let samehand = start(&[("TOKEN_TTL", "8h")]);
    let lifetime = |token: &str| time(token, "exp") - time(token, "iat");
    for (ttl, first, later) in [("15m", 900, 900), ("24h", 86_400, 28_800)] {
        let token = mint(&samehand, &json!({ "ttl": ttl }));
        assert_eq!(lifetime(&token), first, "{ttl}");
        let token = token_in(&call(&samehand, &post("/renew").bearer(&token)).json());
        assert_eq!(lifetime(&token), later, "{ttl}");
    }
}

#[test]
fn a_disabled_user_of_the_store_is_disabled_for_back_ends_too() {
    let samehand = start(&[]);
    let token = mint(&samehand, &json!({}));
    samehand.succeed(&["user", "disable", "alice"], "");
    assert_eq!(call(&samehand, &post("/renew").bearer(&token)).status, 401);
}
