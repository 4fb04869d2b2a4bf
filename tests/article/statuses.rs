//! What is answered to a token that is not good: as the article's services do, and where samehand differs from them.

use serde_json::json;

use super::{
    COOKIE, PROXY, SALT, World,
    clients::{BROWSER, ON_IPV4},
    decide, decided,
    node::Mint,
    question, sign_in, start_samehand,
};
use crate::support::{
    client::{Request, ask},
    samehand::SECRET,
    token::Token,
};

/// Somebody who guessed wrong.
const OTHER_SECRET: &str = "not the secret that the others use, 9x";

/// What both sides answer to this `Authorization`, or to none.
#[track_caller]
fn answered(world: &World, row: &str, authorization: Option<&[u8]>, node: u16, samehand: u16, reason: &str) {
    let with = |request: Request| {
        authorization.into_iter().fold(request, |request, value| request.header("Authorization", value))
    };
    let profile = ask(PROXY, &world.service.address, &with(ON_IPV4.describe(Request::get("/profile"))));
    assert_eq!(profile.status, node, "{row}, Node: {profile:?}");
    for kind in ["nginx", "traefik", "caddy"] {
        let (reply, decision) = decide(&world.samehand, with(question(kind, &ON_IPV4)));
        assert_eq!((reply.status, decision.field("reason")), (samehand, reason), "{row}, {kind}: {reply:?}");
    }
    let whoami = ask(PROXY, &world.samehand.tcp, &with(ON_IPV4.describe(Request::get("/whoami"))));
    assert_eq!(whoami.status, samehand, "{row}, /whoami: {whoami:?}");
}

#[test]
fn a_missing_token_is_401_and_every_other_refusal_403_on_both_sides() {
    let world = World::start("article");
    let mut mint = Mint::start();
    let token = mint.token(ON_IPV4.forwarded_for, &ON_IPV4);
    let good = Token::parse(&token);
    let changed = |name: &str, value: serde_json::Value| {
        let mut token = Token::parse(&token);
        token.claims[name] = value;
        token
    };
    let header = |value: serde_json::Value| {
        let mut token = Token::parse(&token);
        token.header = value;
        token
    };
    let expired = json!({ "userId": "alice", "address": "192.0.2.7", "claims": { "iat": 1_700_000_000 } });
    let not_yet = json!({ "userId": "alice", "address": "192.0.2.7", "claims": { "nbf": 4_000_000_000_u64 } });
    let (expired, not_yet) = (mint.token_with(expired, &ON_IPV4), mint.token_with(not_yet, &ON_IPV4));
    for (row, value, reason) in [
        ("the scheme alone", "Bearer".to_owned(), "token-malformed"),
        ("no token at all", "Bearer x".to_owned(), "token-malformed"),
        ("no token at all, bare", "x".to_owned(), "token-malformed"),
        ("two dots", "Bearer ..".to_owned(), "token-malformed"),
        ("cut", format!("Bearer {}", &token[..token.len() - 1]), "signature-invalid"),
        ("without its signature", format!("Bearer {}", good.unsigned()), "token-malformed"),
        ("expired", format!("Bearer {expired}"), "token-expired"),
        ("expired, bare", expired, "token-expired"),
        ("not yet valid", format!("Bearer {not_yet}"), "token-not-yet-valid"),
        (
            "for somebody else",
            format!("Bearer {}", changed("userId", "mallory".into()).with_its_old_signature()),
            "signature-invalid",
        ),
        ("of another secret", format!("Bearer {}", good.signed(OTHER_SECRET)), "signature-invalid"),
        ("alg none", header(json!({ "alg": "none", "typ": "JWT" })).unsigned(), "token-malformed"),
        (
            "alg none with a signature",
            header(json!({ "alg": "none", "typ": "JWT" })).signed(SECRET),
            "signature-invalid",
        ),
        ("alg HS512", header(json!({ "alg": "HS512", "typ": "JWT" })).signed(SECRET), "signature-invalid"),
        ("a fingerprint of zeros", changed("fingerprint", "0".repeat(64).into()).signed(SECRET), "client-changed"),
        ("no fingerprint", changed("fingerprint", json!(null)).signed(SECRET), "token-malformed"),
    ] {
        answered(&world, row, Some(value.as_bytes()), 403, 403, reason);
    }
    answered(&world, "no header", None, 401, 401, "token-missing");
    answered(&world, "an empty header", Some(b""), 401, 401, "token-missing");
    answered(&world, "the good token", Some(format!("Bearer {token}").as_bytes()), 200, 200, "ok");
    answered(&world, "the good token, bare", Some(token.as_bytes()), 200, 200, "ok");
    // Where they differ: another scheme is the application's business here, and a broken token there.
    answered(&world, "another scheme", Some(b"Basic YWxpY2U6eA=="), 403, 401, "token-missing");
    // The times are looked at before the client.
    let late =
        mint.token_with(json!({ "userId": "a", "address": "::1", "claims": { "iat": 1_700_000_000 } }), &ON_IPV4);
    answered(&world, "expired, of another client", Some(late.as_bytes()), 403, 403, "token-expired");
    // A token for longer than SESSION_TTL, or without an end, is good there.
    let long = changed("exp", json!(4_000_000_000_u64)).signed(SECRET);
    let mut endless = Token::parse(&token);
    endless.claims.as_object_mut().expect("claims").remove("exp");
    for (row, token) in [("a long life", long), ("no end", endless.signed(SECRET))] {
        answered(&world, row, Some(token.as_bytes()), 200, 403, "token-claims");
    }
}

#[test]
fn a_keyed_token_is_refused_on_both_sides_where_only_article_tokens_are_accepted() {
    let world = World::start("article");
    let keyed = start_samehand(&[]);
    let token = sign_in(&keyed, &ON_IPV4);
    assert_eq!(decided(&keyed, &ON_IPV4, &token).0, 200);
    answered(&world, "a keyed token", Some(format!("Bearer {token}").as_bytes()), 403, 403, "token-malformed");
    let mut unknown_key = Token::parse(&token);
    unknown_key.header["kid"] = "AAAAAAAA".into();
    let unknown_key = format!("Bearer {}", unknown_key.signed(SECRET));
    answered(&world, "a kid", Some(unknown_key.as_bytes()), 403, 403, "token-malformed");
}

#[test]
fn two_tokens_are_403_and_two_user_agents_are_not_chosen_from() {
    let world = World::start("article");
    let token = world.service.sign_in("alice", &ON_IPV4);
    let other = world.service.sign_in("number", &ON_IPV4);
    let twice = question("nginx", &ON_IPV4).bearer(&token).bearer(&other);
    let mixed = question("nginx", &ON_IPV4).bearer(&token).header("Cookie", format!("{COOKIE}={other}"));
    for request in [twice, mixed] {
        let (reply, decision) = decide(&world.samehand, request);
        assert_eq!((reply.status, decision.field("reason")), (403, "token-ambiguous"), "{reply:?}");
    }
    // Node takes the first of two lines. A proxy may pass on the last, so samehand takes neither.
    let two_agents = |request: Request| ON_IPV4.describe(request).header("User-Agent", "curl/8.5.0").bearer(&token);
    assert_eq!(ask(PROXY, &world.service.address, &two_agents(Request::get("/profile"))).status, 200);
    let request = question("nginx", &ON_IPV4).header("User-Agent", BROWSER).bearer(&token);
    let (reply, decision) = decide(&world.samehand, request);
    assert_eq!((reply.status, decision.field("reason")), (403, "user-agent-ambiguous"), "{reply:?}");
}

#[test]
fn no_accepted_token_lives_longer_than_a_sign_in_may() {
    let samehand = start_samehand(&[("FINGERPRINT", "article"), ("SESSION_TTL", "2h")]);
    let mut mint = Mint::with(SECRET, SALT);
    for (expires_in, expected) in
        [("8h", (403, "token-claims")), ("7201s", (403, "token-claims")), ("2h", (200, "ok")), ("30m", (200, "ok"))]
    {
        let asked = json!({ "userId": "alice", "address": "192.0.2.7", "expiresIn": expires_in });
        let token = mint.token_with(asked, &ON_IPV4);
        let (status, reason) = decided(&samehand, &ON_IPV4, &token);
        assert_eq!((status, reason.as_str()), expected, "{expires_in}");
    }
}
