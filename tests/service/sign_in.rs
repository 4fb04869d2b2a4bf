//! `POST /login`: who gets a token, what is no sign-in at all, and that a refusal tells nothing.

use crate::support::{
    CLIENT,
    client::{Reply, Request, ask},
    samehand::{PASSWORD, Samehand},
    token::Token,
};
use crate::{FIREFOX, ask_as_proxy, eventually, question_of_client, sign_in, sign_in_as};

#[track_caller]
fn start() -> Samehand {
    let samehand = Samehand::start(&[]);
    samehand.add_user(
        "alice",
        &["--group", "staff", "--group", "admins", "--email", "alice@example.com", "--display-name", "Alice A."],
    );
    samehand.add_user("dora", &[]);
    samehand.succeed(&["user", "disable", "dora"], "");
    samehand
}

/// What does not name the request or the moment.
fn timeless(reply: &Reply) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let lines = reply.headers.iter().filter(|(name, _)| !["date", "x-request-id"].contains(&&*name.to_lowercase()));
    // Their order changes from answer to answer.
    let mut lines: Vec<_> = lines.cloned().collect();
    lines.sort();
    (reply.status, lines, reply.body.clone())
}

#[test]
fn a_right_password_gives_a_token_that_works_in_this_hand_and_carries_what_is_known() {
    let samehand = start();
    for name in ["alice", "ALICE", "Alice"] {
        let reply = ask(CLIENT, &samehand.tcp, &sign_in_as(name, PASSWORD));
        assert_eq!(reply.status, 200, "{name}: {reply:?}");
        let body = reply.json();
        assert_eq!((&body["token_type"], &body["expires_in"]), (&"Bearer".into(), &28800.into()), "{reply:?}");
        assert_eq!(body.as_object().map(serde_json::Map::len), Some(3), "{reply:?}");
        let token = body["token"].as_str().expect("a token");
        let claims = Token::parse(token).claims;
        assert_eq!(claims["sub"], "alice");
        assert_eq!(claims["groups"], serde_json::json!(["staff", "admins"]));
        assert_eq!((&claims["name"], &claims["email"]), (&"Alice A.".into(), &"alice@example.com".into()));
        let answer = ask_as_proxy(&samehand, &question_of_client(token));
        let identity = ["Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email"];
        let identity = identity.map(|name| answer.header(name).unwrap_or("absent"));
        assert_eq!(identity, ["alice", "staff,admins", "Alice A.", "alice@example.com"], "{answer:?}");
    }
}

#[test]
fn unknown_wrong_and_disabled_get_the_very_same_answer() {
    let samehand = start();
    let refused = |name: &str, password: &str| {
        let reply = ask(CLIENT, &samehand.tcp, &sign_in_as(name, password));
        assert_eq!((reply.status, &reply.json()["error"]), (401, &"invalid_credentials".into()), "{name}: {reply:?}");
        timeless(&reply)
    };
    let wrong = refused("alice", "seven lighthouses count aloud");
    for (row, name, password) in [
        ("disabled, right password", "dora", PASSWORD),
        ("disabled, wrong password", "dora", "seven lighthouses count aloud"),
        ("unknown", "nobody", PASSWORD),
        ("no name at all", "", PASSWORD),
        ("a name that cannot be", "al ice\r\n", PASSWORD),
        ("a name that is too long", &"a".repeat(500), PASSWORD),
        ("no password", "alice", ""),
        ("a prefix of the password", "alice", &PASSWORD[..20]),
        ("the password and more", "alice", &format!("{PASSWORD} ")),
        ("a password in capitals", "alice", &PASSWORD.to_uppercase()),
        ("a long password", "alice", &"p".repeat(3000)),
    ] {
        assert_eq!(refused(name, password), wrong, "{row}");
    }
}

/// Each row is refused with this status and code, in the one shape of errors.
#[track_caller]
fn refused(samehand: &Samehand, row: &str, request: &Request, status: u16, code: &str) {
    let reply = ask(CLIENT, &samehand.tcp, request);
    let error = reply.json();
    assert_eq!((reply.status, &error["error"]), (status, &code.into()), "{row}: {reply:?}");
    assert!(error["error_description"].as_str().is_some_and(|text| !text.is_empty()), "{row}: {reply:?}");
    assert!(!String::from_utf8_lossy(&reply.body).contains("lighthouses"), "{row} echoes the password: {reply:?}");
    assert_eq!(reply.header("Cache-Control"), Some("no-store"), "{row}: {reply:?}");
    assert!(reply.header("X-Request-Id").is_some(), "{row}: {reply:?}");
}

#[test]
fn what_is_no_sign_in_is_refused_by_name() {
    let samehand = start();
    let good = serde_json::json!({ "username": "alice", "password": PASSWORD }).to_string();
    let member = |text: &str| good.replacen('}', &format!(",{text}}}"), 1);
    let invalid = "invalid_request";
    for (row, body) in [
        ("nothing", String::new()),
        ("no JSON", "username=alice&password=seven+lighthouses".to_owned()),
        ("half of it", good[..20].to_owned()),
        ("more after it", format!("{good}{good}")),
        ("an array", serde_json::json!(["alice", PASSWORD]).to_string()),
        ("a string", format!("\"{PASSWORD}\"")),
        ("null", "null".to_owned()),
        ("no password", r#"{"username":"alice"}"#.to_owned()),
        ("no name", serde_json::json!({ "password": PASSWORD }).to_string()),
        ("two names", member(r#""username":"bob""#)),
        ("two names, one escaped", member(r#""\u0075sername":"bob""#)),
        ("two passwords", member(r#""password":"seven lighthouses""#)),
        ("an unknown member", member(r#""remember":true"#)),
        ("a member in capitals", good.replace("username", "Username")),
        ("a password that is a number", r#"{"username":"alice","password":7}"#.to_owned()),
        ("a password that is null", r#"{"username":"alice","password":null}"#.to_owned()),
        ("a name in an array", good.replace("\"alice\"", "[\"alice\"]")),
    ] {
        refused(&samehand, row, &sign_in(body), 400, invalid);
    }
    let latin1: Vec<u8> = good.bytes().map(|byte| if byte == b'i' { 0xe9 } else { byte }).collect();
    refused(&samehand, "no UTF-8", &sign_in(latin1), 400, invalid);
    let two_agents = sign_in(good.clone()).header("User-Agent", "curl/8");
    refused(&samehand, "two User-Agent lines", &two_agents, 400, invalid);
    let unreadable = sign_in(good.clone()).header("X-Forwarded-For", "not an address");
    let reply = ask(crate::PROXY, &samehand.tcp, &unreadable);
    assert_eq!((reply.status, &reply.json()["error"]), (400, &invalid.into()), "{reply:?}");

    let of_type = |content_type: Option<&str>| {
        let request = Request::post("/login", good.clone()).header("User-Agent", FIREFOX);
        content_type.into_iter().fold(request, |request, line| request.header("Content-Type", line))
    };
    for content_type in [
        None,
        Some("application/x-www-form-urlencoded"),
        Some("text/plain"),
        Some("application/jsonp"),
        Some("text/json; application/json"),
    ] {
        let row = content_type.unwrap_or("no content type");
        refused(&samehand, row, &of_type(content_type), 415, "unsupported_media_type");
    }
    let two_types = of_type(Some("application/json")).header("Content-Type", "text/plain");
    refused(&samehand, "two content types", &two_types, 415, "unsupported_media_type");
    for content_type in ["application/json; charset=utf-8", "Application/JSON"] {
        let reply = ask(CLIENT, &samehand.tcp, &of_type(Some(content_type)));
        assert_eq!(reply.status, 200, "{content_type}: {reply:?}");
    }
    let padded = |length: usize| format!("{good}{}", " ".repeat(length - good.len()));
    assert_eq!(ask(CLIENT, &samehand.tcp, &sign_in(padded(4096))).status, 200, "4 KiB are not too much");
    refused(&samehand, "one byte over 4 KiB", &sign_in(padded(4097)), 413, "too_large");
    refused(&samehand, "1 MiB", &sign_in(padded(1 << 20)), 413, "too_large");
}

#[test]
fn only_a_post_signs_in() {
    let samehand = start();
    for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"] {
        let request = Request::new(method, "/login").header("Content-Type", "application/json");
        let reply = ask(CLIENT, &samehand.tcp, &request);
        assert_eq!((reply.status, reply.header("Allow")), (405, Some("POST")), "{method}: {reply:?}");
        assert_eq!(reply.header("Cache-Control"), Some("no-store"), "{method}: {reply:?}");
    }
    let query = format!("/login?username=alice&password={}", PASSWORD.replace(' ', "+"));
    let reply = ask(CLIENT, &samehand.tcp, &Request::post(&query, "").header("Content-Type", "application/json"));
    assert_eq!(reply.status, 400, "{reply:?}");
}

#[test]
fn changes_of_users_beside_the_service_count_at_once() {
    let samehand = Samehand::start(&[]);
    let status = |name: &str, password: &str| ask(CLIENT, &samehand.tcp, &sign_in_as(name, password)).status;
    assert_eq!(status("erin", PASSWORD), 401);
    samehand.add_user("erin", &[]);
    eventually("a new user signs in", || status("erin", PASSWORD) == 200);
    samehand.succeed(&["user", "disable", "erin"], "");
    eventually("a disabled user is refused", || status("erin", PASSWORD) == 401);
    samehand.succeed(&["user", "enable", "erin"], "");
    eventually("an enabled user signs in", || status("erin", PASSWORD) == 200);
    let new = "nine herons wade slowly home";
    samehand.succeed(&["user", "passwd", "erin", "--password-stdin"], new);
    eventually("the new password counts", || status("erin", new) == 200);
    assert_eq!(status("erin", PASSWORD), 401);
    samehand.succeed(&["user", "set", "erin", "--group", "night-shift"], "");
    eventually("the new group is in new tokens", || {
        let token = ask(CLIENT, &samehand.tcp, &sign_in_as("erin", new)).json();
        Token::parse(token["token"].as_str().expect("a token")).claims["groups"] == serde_json::json!(["night-shift"])
    });
    samehand.succeed(&["user", "remove", "erin"], "");
    eventually("a removed user is refused", || status("erin", new) == 401);
}
