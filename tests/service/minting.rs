//! `POST /mint`: a token for a back end that has its own login.

use serde_json::{Value, json};

use crate::support::{
    CLIENT, THIEF,
    client::{Reply, Request, ask},
    samehand::{SECRET, Samehand},
    token::Token,
};
use crate::{CHROME, FIREFOX, PROXY, ask_as_proxy, decided, outcome, question, question_of_client};

const ADMIN_TOKEN: &str = "a-back-end-knows-this-one-h7Gk2LmQ9x";

fn mint(body: &Value) -> Request {
    Request::post("/mint", body.to_string()).header("Content-Type", "application/json").bearer(ADMIN_TOKEN)
}

fn good() -> Value {
    json!({ "sub": "alice", "ip": "127.0.0.7", "user_agent": FIREFOX })
}

/// The good request with one more member, or another value for one.
fn with(member: &str, value: Value) -> Value {
    let mut body = good();
    body[member] = value;
    body
}

#[track_caller]
fn token_in(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{reply:?}");
    let body = reply.json();
    assert_eq!(body["token_type"], "Bearer", "{reply:?}");
    body["token"].as_str().expect("a token").to_owned()
}

#[test]
fn without_an_administration_token_there_is_no_such_endpoint() {
    let samehand = Samehand::start(&[]);
    for request in [mint(&good()), Request::get("/mint"), Request::post("/mint", "")] {
        let reply = ask(PROXY, &samehand.admin, &request);
        assert_eq!((reply.status, &reply.json()["error"]), (404, &"not_found".into()), "{reply:?}");
    }
}

#[test]
fn only_the_administration_token_opens_it() {
    let samehand = Samehand::start(&[("ADMIN_TOKEN", ADMIN_TOKEN)]);
    let user_token = samehand.mint("alice", CLIENT, FIREFOX);
    let bare = |lines: &[&str]| {
        let request = Request::post("/mint", good().to_string()).header("Content-Type", "application/json");
        lines.iter().fold(request, |request, line| request.header("Authorization", *line))
    };
    for (row, request) in [
        ("none", bare(&[])),
        ("empty", bare(&["Bearer "])),
        ("wrong", bare(&["Bearer a-back-end-knows-this-one-h7Gk2LmQ9y"])),
        ("shorter", bare(&[&format!("Bearer {}", &ADMIN_TOKEN[1..])])),
        ("longer", bare(&[&format!("Bearer {ADMIN_TOKEN}x")])),
        ("another scheme", bare(&[&format!("Basic {ADMIN_TOKEN}")])),
        ("no scheme", bare(&[ADMIN_TOKEN])),
        ("a user's token", bare(&[&format!("Bearer {user_token}")])),
        ("the signing secret", bare(&[&format!("Bearer {SECRET}")])),
        ("two lines", bare(&[&format!("Bearer {ADMIN_TOKEN}"), "Bearer other"])),
        ("the query string", Request::post(&format!("/mint?access_token={user_token}"), good().to_string())),
    ] {
        let reply = ask(PROXY, &samehand.admin, &request);
        assert_eq!((reply.status, &reply.json()["error"]), (401, &"invalid_token".into()), "{row}: {reply:?}");
        assert!(reply.header("WWW-Authenticate").is_some_and(|line| line.starts_with("Bearer ")), "{row}: {reply:?}");
    }
    assert_eq!(ask(PROXY, &samehand.admin, &Request::get("/mint").bearer(ADMIN_TOKEN)).status, 405);
    token_in(&ask(PROXY, &samehand.admin, &mint(&good())));
    let lower_case = bare(&[&format!("bearer {ADMIN_TOKEN}")]);
    token_in(&ask(PROXY, &samehand.admin, &lower_case));
}

#[test]
fn what_could_not_work_is_refused_where_it_enters() {
    let samehand = Samehand::start(&[
        ("ADMIN_TOKEN", ADMIN_TOKEN),
        ("SESSION_TTL", "2d"),
        ("TRUSTED_PROXIES", "127.0.0.1,10.1.0.0/24,2001:db8::/64"),
    ]);
    let refused = |row: &str, body: &Value, about: &str| {
        let reply = ask(PROXY, &samehand.admin, &mint(body));
        let error = reply.json();
        assert_eq!((reply.status, &error["error"]), (400, &"invalid_request".into()), "{row}: {reply:?}");
        let description = error["error_description"].as_str().unwrap_or_default();
        assert!(description.contains(about), "{row} does not say {about:?}: {description}");
    };
    for ip in ["", "somebody", "127.0.0.7:443", "127.0.0", "127.0.0.07", "[::1]", "127.0.0.7, 127.0.0.8"] {
        refused(ip, &with("ip", ip.into()), "ip");
    }
    for ip in ["127.0.0.1", "10.1.0.77", "2001:db8::5", "::ffff:127.0.0.1"] {
        refused(ip, &with("ip", ip.into()), "trusted proxy");
    }
    for sub in ["", "two words", "a,b", "al\u{e4}x", "a\nb", &"a".repeat(65)] {
        refused(sub, &with("sub", sub.into()), "sub");
    }
    for user_agent in ["a\nb", "a\r\nX-Forwarded-For: 127.0.0.7", "a\u{0}b", "a\u{7f}b"] {
        refused(user_agent, &with("user_agent", user_agent.into()), "user_agent");
    }
    for ttl in ["49h", "3d", "0s", "8", "-1h", "eight hours", "", "99999999999999999999s"] {
        refused(
            ttl,
            &with("ttl", ttl.into()),
            if ttl.ends_with(['h', 'd']) && ttl != "-1h" { "SESSION_TTL" } else { "" },
        );
    }
    for claim in ["iss", "sub", "aud", "iat", "nbf", "exp", "jti", "sid", "cnf", "fingerprint", "userId"] {
        refused(claim, &with("claims", json!({ claim: "x" })), claim);
    }
    for (claim, value) in [
        ("groups", json!("staff")),
        ("groups", json!(["staff", 7])),
        ("groups", json!(["two words"])),
        ("groups", json!(["a,b"])),
        ("groups", json!({})),
        ("name", json!(7)),
        ("name", json!("line\nbreak")),
        ("email", json!(["a@example.com"])),
        ("email", json!("a@example.com,b@example.com")),
        ("email", json!("two words@example.com")),
    ] {
        refused(&format!("{claim} {value}"), &with("claims", json!({ claim: value })), claim);
    }
    refused("a token over the limit", &with("claims", json!({ "note": "x".repeat(3900) })), "claim");
    for (row, body) in [
        ("an unknown member", with("remember", true.into())),
        ("sub is a number", with("sub", 7.into())),
        ("ip is null", with("ip", Value::Null)),
        ("claims is an array", with("claims", json!([]))),
        ("ttl is a number", with("ttl", 3600.into())),
        ("no user_agent", json!({ "sub": "alice", "ip": "127.0.0.7" })),
        ("no ip", json!({ "sub": "alice", "user_agent": null })),
        ("an array", json!(["alice", "127.0.0.7", FIREFOX])),
    ] {
        refused(row, &body, "");
    }
    let twice = good().to_string().replacen('{', r#"{"sub":"bob","#, 1);
    let reply = ask(
        PROXY,
        &samehand.admin,
        &Request::post("/mint", twice).header("Content-Type", "application/json").bearer(ADMIN_TOKEN),
    );
    assert_eq!(reply.status, 400, "{reply:?}");
}

#[test]
fn a_minted_token_works_in_that_hand_only() {
    let samehand = Samehand::start(&[("ADMIN_TOKEN", ADMIN_TOKEN)]);
    let mut body = good();
    body["sub"] = "Alice".into();
    body["ttl"] = "15m".into();
    body["claims"] = json!({ "groups": ["Staff", "admins"], "email": "a@example.com", "tenant": { "id": 7 } });
    let reply = ask(PROXY, &samehand.admin, &mint(&body));
    let token = token_in(&reply);
    assert_eq!(reply.json()["expires_in"], 900);
    let claims = Token::parse(&token).claims;
    assert_eq!((&claims["tenant"], &claims["sub"]), (&json!({ "id": 7 }), &"alice".into()));
    assert_eq!(claims["exp"].as_u64(), claims["iat"].as_u64().map(|iat| iat + 900));
    let answer = ask_as_proxy(&samehand, &question_of_client(&token));
    let identity = ["Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email"];
    let identity = identity.map(|name| answer.header(name).unwrap_or("absent"));
    assert_eq!((answer.status, identity), (200, ["alice", "staff,admins", "", "a@example.com"]), "{answer:?}");
    let (reply, decision) = decided(&samehand, question(THIEF, FIREFOX).bearer(&token));
    assert_eq!((reply.status, decision.field("changed")), (403, "ip"));
    let (reply, decision) = decided(&samehand, question(CLIENT, CHROME).bearer(&token));
    assert_eq!((reply.status, decision.field("changed")), (403, "user-agent"));

    let without_agent = token_in(&ask(PROXY, &samehand.admin, &mint(&with("user_agent", Value::Null))));
    let silent = String::from_utf8(question(CLIENT, "").bearer(&without_agent).bytes()).expect("text");
    let mut connection = crate::support::client::Connection::open(PROXY, &samehand.tcp);
    connection.send(silent.replace("User-Agent: \r\n", "").as_bytes());
    assert_eq!(connection.reply(false).expect("an answer").status, 200);
    assert_eq!(outcome(&samehand, question_of_client(&without_agent)), (403, "client-changed".to_owned()));
}
