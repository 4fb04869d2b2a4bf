//! `POST /revoke` on the administration side: what it takes, and how soon it holds where.

use std::time::Instant;

use crate::support::{
    CLIENT, THIEF,
    client::{Request, ask},
    waiting::as_promised,
};
use crate::{
    ADMIN_TOKEN, FIREFOX, PROMISED, PROXY, call, is, mint, post, replica_of, revoke, revoked, sessions, sid, signed_in,
    start, token_in, with_token,
};
use serde_json::{Value, json};

#[test]
fn a_token_a_session_a_user_everything() {
    let samehand = start(&[]);
    samehand.add_user("bob", &[]);
    let fresh = || (signed_in(&samehand), signed_in(&samehand), mint(&samehand, &json!({ "sub": "bob" })));

    let (first, other, bobs) = fresh();
    let second = token_in(&call(&samehand, &post("/renew").bearer(&first)).json());
    revoked(&samehand, &json!({ "token": first }));
    assert_eq!(with_token(&samehand, &first), is(401, "token-revoked"));
    assert_eq!(with_token(&samehand, &second), is(401, "session-ended"), "its session ends with it");
    assert_eq!(call(&samehand, &post("/renew").bearer(&second)).status, 401);
    assert_eq!((with_token(&samehand, &other), with_token(&samehand, &bobs)), (is(200, "ok"), is(200, "ok")));

    revoked(&samehand, &json!({ "session": sid(&other) }));
    assert_eq!(with_token(&samehand, &other), is(401, "session-ended"));
    assert_eq!(with_token(&samehand, &bobs), is(200, "ok"));

    let (first, other, bobs) = fresh();
    revoked(&samehand, &json!({ "user": "Alice" }));
    assert_eq!(with_token(&samehand, &first), is(401, "token-revoked"));
    assert_eq!(with_token(&samehand, &other), is(401, "token-revoked"));
    assert_eq!(with_token(&samehand, &bobs), is(200, "ok"));
    assert!(sessions(&samehand).iter().all(|session| session.user.as_str() == "bob"));

    let (alices, _, bobs) = fresh();
    revoked(&samehand, &json!({ "all": true }));
    assert_eq!(with_token(&samehand, &alices), is(401, "token-revoked"));
    assert_eq!(with_token(&samehand, &bobs), is(401, "token-revoked"));
    assert!(sessions(&samehand).is_empty());
    let (alices, ..) = fresh();
    assert_eq!(with_token(&samehand, &alices), is(200, "ok"), "what is issued later is good");
}

#[test]
fn what_is_no_clear_order_is_refused_and_revokes_nothing() {
    let samehand = start(&[]);
    let token = signed_in(&samehand);
    let sid = sid(&token);
    for (body, about) in [
        (json!({}), "exactly one"),
        (json!({ "all": false }), "exactly one"),
        (json!({ "all": true, "user": "alice" }), "exactly one"),
        (json!({ "token": token, "session": sid }), "exactly one"),
        (json!({ "all": "true" }), "wrong type"),
        (json!({ "user": 7 }), "wrong type"),
        (json!({ "token": [token] }), "wrong type"),
        (json!({ "users": "alice" }), "users"),
        (json!({ "user": "" }), "user"),
        (json!({ "user": "two words" }), "user"),
        (json!({ "session": "" }), "session"),
        (json!({ "session": format!("{sid} ") }), "session"),
        (json!({ "session": token }), "session"),
        (json!({ "token": "" }), "token"),
        (json!({ "token": "rubbish" }), "token-malformed"),
        (json!({ "token": format!("{}AAAA", &token[..token.len() - 4]) }), "signature-invalid"),
        (json!([{ "all": true }]), "object"),
    ] {
        let reply = revoke(&samehand, &body);
        let error = reply.json();
        assert_eq!((reply.status, &error["error"]), (400, &"invalid_request".into()), "{body}: {reply:?}");
        let description = error["error_description"].as_str().unwrap_or_default();
        assert!(description.contains(about), "{body} does not say {about:?}: {description}");
        assert!(!description.contains(&token[..20]), "{body}: {description}");
    }
    let raw = |body: &str, content_type: &str| {
        let request = Request::post("/revoke", body).header("Content-Type", content_type).bearer(ADMIN_TOKEN);
        ask(PROXY, &samehand.admin, &request).status
    };
    assert_eq!(raw(r#"{"all":true,"all":true}"#, "application/json"), 400);
    assert_eq!(raw(r#"{"user":"bob","user":"alice"}"#, "application/json"), 400);
    assert_eq!(raw("all=true", "application/x-www-form-urlencoded"), 415);
    assert_eq!(raw(&format!(r#"{{"user":"{}"}}"#, "a".repeat(9000)), "application/json"), 413);
    assert_eq!(with_token(&samehand, &token), is(200, "ok"));
}

#[test]
fn only_the_administration_token_revokes() {
    let samehand = start(&[]);
    let token = signed_in(&samehand);
    let body = json!({ "all": true }).to_string();
    let request = || Request::post("/revoke", body.as_str()).header("Content-Type", "application/json");
    for (row, request) in [
        ("nothing", request()),
        ("a user's token", request().bearer(&token)),
        ("a wrong one", request().bearer(&ADMIN_TOKEN[1..])),
        ("two", request().bearer(ADMIN_TOKEN).bearer("other")),
    ] {
        let reply = ask(PROXY, &samehand.admin, &request);
        assert_eq!((reply.status, &reply.json()["error"]), (401, &"invalid_token".into()), "{row}: {reply:?}");
    }
    assert_eq!(ask(PROXY, &samehand.admin, &Request::get("/revoke").bearer(ADMIN_TOKEN)).status, 405);
    assert_eq!(ask(PROXY, &samehand.tcp, &request().bearer(ADMIN_TOKEN)).status, 404, "not on the public side");
    assert_eq!(with_token(&samehand, &token), is(200, "ok"));
    let samehand = samehand.restart(&[("ADMIN_TOKEN", "")]);
    assert_eq!(ask(PROXY, &samehand.admin, &request().bearer(ADMIN_TOKEN)).status, 404);
}

#[test]
fn the_longest_token_can_be_revoked() {
    let samehand = start(&[]);
    // As many claims as fit beside what a renewal may add to the token: the request is longer than one to sign in may be.
    let token = (2000..3000).rev().step_by(10).find_map(|length| {
        let claims = json!({ "note": "x".repeat(length) });
        let body = json!({ "sub": "alice", "ip": CLIENT.to_string(), "user_agent": FIREFOX, "claims": claims });
        let request = Request::post("/mint", body.to_string()).header("Content-Type", "application/json");
        let reply = ask(PROXY, &samehand.admin, &request.bearer(ADMIN_TOKEN));
        (reply.status == 200).then(|| token_in(&reply.json()))
    });
    let token = token.expect("one of them fits");
    assert!(token.len() > 3870, "{}", token.len());
    revoked(&samehand, &json!({ "token": token }));
    assert_eq!(with_token(&samehand, &token), is(401, "token-revoked"));
}

#[test]
fn it_holds_on_another_replica_within_a_second_whatever_was_revoked() {
    let first = start(&[]);
    let second = replica_of(&first);
    type Order = fn(&str) -> Value;
    let cases: [(&str, Order); 4] = [
        ("token-revoked", |token| json!({ "token": token })),
        ("session-ended", |token| json!({ "session": sid(token) })),
        ("token-revoked", |_| json!({ "user": "alice" })),
        ("token-revoked", |_| json!({ "all": true })),
    ];
    for round in 0..5 {
        for (reason, body) in cases {
            let token = signed_in(&first);
            assert_eq!(with_token(&second, &token), is(200, "ok"), "a sign-in is good everywhere at once");
            revoked(&first, &body(&token));
            let acknowledged = Instant::now();
            assert_eq!(with_token(&first, &token), is(401, reason), "at once where it was said");
            let what = format!("round {round}: the other replica says {reason}");
            let refused = || with_token(&second, &token) == is(401, reason);
            as_promised(acknowledged, PROMISED, &what, refused);
            // And nobody can renew it there, heard of or not.
            assert_eq!(call(&second, &post("/renew").bearer(&token)).status, 401);
        }
    }
}

#[test]
fn a_session_that_was_just_ended_elsewhere_is_not_renewed_here() {
    // Not a second later: the store is asked.
    let first = start(&[]);
    let second = replica_of(&first);
    for _ in 0..20 {
        let token = signed_in(&first);
        assert_eq!(call(&first, &post("/logout").bearer(&token)).status, 204);
        assert_eq!(call(&second, &post("/renew").bearer(&token)).status, 401);
    }
    for body in [json!({ "user": "alice" }), json!({ "all": true })] {
        let token = signed_in(&first);
        revoked(&first, &body);
        assert_eq!(call(&second, &post("/renew").bearer(&token)).status, 401, "{body}");
    }
}

#[test]
fn it_survives_a_restart() {
    let samehand = start(&[]);
    let [of_token, of_session, of_user] = [0, 1, 2].map(|_| signed_in(&samehand));
    let by_hand = samehand.mint("nobody-we-know", THIEF, FIREFOX);
    revoked(&samehand, &json!({ "token": of_token }));
    revoked(&samehand, &json!({ "session": sid(&of_session) }));
    let samehand = samehand.restart(&[]);
    assert_eq!(with_token(&samehand, &of_token), is(401, "token-revoked"));
    assert_eq!(with_token(&samehand, &of_session), is(401, "session-ended"));
    assert_eq!(with_token(&samehand, &of_user), is(200, "ok"));
    revoked(&samehand, &json!({ "user": "alice" }));
    revoked(&samehand, &json!({ "user": "nobody-we-know" }));
    let samehand = samehand.restart(&[]);
    assert_eq!(with_token(&samehand, &of_user), is(401, "token-revoked"));
    let by_hand = crate::outcome(&samehand, crate::question_from(THIEF).bearer(&by_hand));
    assert_eq!(by_hand, is(401, "token-revoked"), "a user whom the store does not know");
    assert_eq!(with_token(&samehand, &signed_in(&samehand)), is(200, "ok"));
}
