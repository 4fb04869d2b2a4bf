//! A worker remembers the tokens that it has verified and the clients that it has let pass with them. Nothing that is
//! found out later is found out later for that: each refusal here comes to a request right after an accepted one, from the
//! one worker there is, over HS256 and over signatures that are dear to verify.

use crate::support::client::{Request, ask};
use crate::support::installation::Installation;
use crate::support::samehand::{PASSWORD, SECRET, Samehand, said};
use crate::support::token::Token;
use crate::support::waiting::until;
use crate::support::{CLIENT, THIEF};
use crate::{
    ADMIN_TOKEN, CHROME, FIREFOX, PATIENCE, PROXY, SetCookie, call, is, mint, outcome, post, revoked, sid, signed_in,
    start, token_in, wait_for_expiry, with_token,
};
use serde_json::json;
use std::net::Ipv4Addr;
use std::time::Instant;

/// A service with one worker that signs with the secret, and one that signs with a key of its own; alice is known to both.
fn services() -> [Samehand; 2] {
    let key = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/keys/p256-ours.pem");
    [&[("WORKERS", "1")][..], &[("WORKERS", "1"), ("SECRET", ""), ("SIGNING_KEY_FILE", key)]].map(start)
}

/// What a proxy asks about a request of this client.
fn question(ip: Ipv4Addr, user_agent: &str, token: &str) -> Request {
    Request::about_page(ip, user_agent).bearer(token)
}

/// Asks until the worker must know the token and its client.
#[track_caller]
fn known(samehand: &Samehand, token: &str) {
    for time in 0..3 {
        assert_eq!(with_token(samehand, token), is(200, "ok"), "question {time}");
    }
}

#[test]
fn what_was_taken_back_is_refused_at_once() {
    for samehand in services() {
        let (first, second, third) = (signed_in(&samehand), signed_in(&samehand), signed_in(&samehand));
        for (order, token, reason) in [
            (json!({ "token": first }), &first, "token-revoked"),
            (json!({ "session": sid(&second) }), &second, "session-ended"),
            (json!({ "user": "alice" }), &third, "token-revoked"),
        ] {
            known(&samehand, token);
            revoked(&samehand, &order);
            assert_eq!(with_token(&samehand, token), is(401, reason), "{order}");
        }
        let (ended, everybodys) = (signed_in(&samehand), signed_in(&samehand));
        known(&samehand, &ended);
        assert_eq!(call(&samehand, &post("/logout").bearer(&ended)).status, 204);
        assert_eq!(with_token(&samehand, &ended), is(401, "session-ended"));
        known(&samehand, &everybodys);
        revoked(&samehand, &json!({ "all": true }));
        assert_eq!(with_token(&samehand, &everybodys), is(401, "token-revoked"));
    }
}

#[test]
fn another_client_is_refused_at_once_and_the_right_one_is_served_on() {
    for samehand in services() {
        let token = signed_in(&samehand);
        let updated = FIREFOX.replace("143", "144");
        for (request, wanted) in [
            (question(THIEF, FIREFOX, &token), is(403, "client-changed")),
            (question(CLIENT, CHROME, &token), is(403, "client-changed")),
            (question(CLIENT, "", &token), is(403, "client-changed")),
            (question(CLIENT, FIREFOX, &token).header("User-Agent", FIREFOX), is(403, "user-agent-ambiguous")),
            (question(CLIENT, FIREFOX, &token).bearer(&token), is(401, "token-ambiguous")),
            // Not the same bytes, and the same client all the same.
            (question(CLIENT, &updated, &token), is(200, "ok")),
        ] {
            known(&samehand, &token);
            let asked = String::from_utf8_lossy(&request.bytes()).into_owned();
            assert_eq!(outcome(&samehand, request), wanted, "{asked}");
        }
        known(&samehand, &token);
    }
}

#[test]
fn a_proof_or_a_header_of_the_proxy_that_is_missing_or_another_is_refused_at_once() {
    let samehand = start(&[
        ("WORKERS", "1"),
        ("TOKEN_FROM", "authorization"),
        ("HEADER_PARTS", "network:X-Network"),
        ("REQUIRE_SAME", "user-agent,cookie,network"),
    ]);
    let login = Request::post("/login", json!({ "username": "alice", "password": PASSWORD }).to_string())
        .header("Content-Type", "application/json")
        .header("X-Forwarded-For", CLIENT.to_string())
        .header("User-Agent", FIREFOX)
        .header("X-Network", "home");
    let reply = ask(PROXY, &samehand.tcp, &login);
    assert_eq!(reply.status, 200, "{reply:?}");
    let (token, set) = (token_in(&reply.json()), SetCookie::of(&reply));
    let with = |secret: &str, network: Option<&str>| {
        let request = question(CLIENT, FIREFOX, &token).header("Cookie", format!("{}={secret}", set.name));
        let request = network.into_iter().fold(request, |request, network| request.header("X-Network", network));
        outcome(&samehand, request)
    };
    // Another letter at every place of the secret, which is compared whole; the last one has two bits that do not count.
    let altered = |place: usize| {
        let mut secret = set.value.clone().into_bytes();
        secret[place] = if secret[place] == b'A' { b'Q' } else { b'A' };
        String::from_utf8(secret).expect("ASCII")
    };
    let refused = is(403, "client-changed");
    for (secret, network) in [
        (String::new(), Some("home")),
        (altered(0), Some("home")),
        (altered(20), Some("home")),
        (altered(set.value.len() - 1), Some("home")),
        (set.value[1..].to_owned(), Some("home")),
        (set.value.clone(), Some("elsewhere")),
        (set.value.clone(), Some("homes")),
        (set.value.clone(), Some("")),
        (set.value.clone(), None),
    ] {
        for time in 0..3 {
            assert_eq!(with(&set.value, Some("home")), is(200, "ok"), "question {time}");
        }
        assert_eq!(with(&secret, network), refused, "{secret} {network:?}");
    }
    assert_eq!(outcome(&samehand, question(CLIENT, FIREFOX, &token).header("X-Network", "home")), refused, "no cookie");
    assert_eq!(with(&set.value, Some("home")), is(200, "ok"));
}

#[test]
fn a_token_that_differs_in_one_byte_is_another_token() {
    for samehand in services() {
        let token = signed_in(&samehand);
        for place in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(bytes).expect("ASCII");
            let reply = ask(PROXY, &samehand.tcp, &question(CLIENT, FIREFOX, &other));
            assert_eq!(reply.status, 401, "byte {place} of {token}");
            if place % 50 == 0 {
                known(&samehand, &token);
            }
        }
        for other in [format!("{token}A"), token[..token.len() - 1].to_owned(), format!("{token}.")] {
            assert_eq!(with_token(&samehand, &other).0, 401, "{other}");
        }
        known(&samehand, &token);
    }
}

#[test]
fn a_token_expires_while_it_is_in_use() {
    for samehand in services() {
        let token = mint(&samehand, &json!({ "ttl": "2s" }));
        // Asks without a pause, so that the worker knows it at every moment.
        wait_for_expiry(&samehand, &token);
        assert_eq!(with_token(&samehand, &token), is(401, "token-expired"));
    }
}

#[test]
fn other_keys_and_a_stricter_policy_count_from_the_next_request_on() {
    const OTHER: &str = "another one than that of the tests, Xq4Lz81nVb";
    let mut installation = Installation::new(&[("SECRET", ""), ("WORKERS", "1"), ("ADMIN_TOKEN", ADMIN_TOKEN)]);
    let secret = installation.write("secret", SECRET);
    let settings = installation.write("samehand.toml", "require_same = \"ip\"\n");
    installation.set(&[("SECRET_FILE", &secret), ("CONFIG", &settings)]);
    let samehand = Samehand::serve(installation);
    samehand.add_user("alice", &[]);
    let token = signed_in(&samehand);
    let other_browser = || outcome(&samehand, question(CLIENT, CHROME, &token));
    known(&samehand, &token);
    assert_eq!(other_browser(), is(200, "ok"));
    assert_eq!(other_browser(), is(200, "ok"));

    samehand.write("samehand.toml", "require_same = \"ip,user-agent\"\n");
    reload(&samehand, 1);
    assert_eq!(other_browser(), is(403, "client-changed"));
    known(&samehand, &token);

    samehand.write("samehand.toml", "require_same = \"ip,user-agent\"\naudience = \"another.example\"\n");
    reload(&samehand, 2);
    assert_eq!(with_token(&samehand, &token), is(401, "token-claims"));
    samehand.write("samehand.toml", "require_same = \"ip,user-agent\"\n");
    reload(&samehand, 3);
    known(&samehand, &token);

    samehand.write("secret", OTHER);
    reload(&samehand, 4);
    assert_eq!(with_token(&samehand, &token), is(401, "key-unknown"));
}

#[test]
fn a_key_that_is_taken_away_counts_at_once_although_its_signature_is_known() {
    const OURS: &str = include_str!("../data/keys/p256-ours.pem");
    const OTHER: &str = include_str!("../data/keys/p256-attacker.pem");
    let mut installation = Installation::new(&[("SECRET", ""), ("WORKERS", "1"), ("ADMIN_TOKEN", ADMIN_TOKEN)]);
    let key = installation.write("key.pem", OURS);
    installation.set(&[("SIGNING_KEY_FILE", &key)]);
    let samehand = Samehand::serve(installation);
    samehand.add_user("alice", &[]);
    let token = signed_in(&samehand);
    known(&samehand, &token);
    samehand.write("key.pem", OTHER);
    reload(&samehand, 1);
    assert_eq!(with_token(&samehand, &token), is(401, "key-unknown"));
    samehand.write("key.pem", OURS);
    reload(&samehand, 2);
    known(&samehand, &token);

    // A generated one, which is retired beside the running service.
    let samehand = start(&[("SECRET", ""), ("WORKERS", "1")]);
    let token = signed_in(&samehand);
    let kid = Token::parse(&token).header["kid"].as_str().expect("a kid").to_owned();
    samehand.succeed(&["keys", "rotate"], "");
    known(&samehand, &token);
    samehand.succeed(&["keys", "retire", &kid], "");
    until(Instant::now(), PATIENCE, "the key is retired", || with_token(&samehand, &token).0 != 200);
    assert_eq!(with_token(&samehand, &token), is(401, "key-unknown"));
}

/// Has the settings and the secret read again, for the time of this number.
#[track_caller]
fn reload(samehand: &Samehand, number: usize) {
    samehand.process.signal("HUP");
    let times = || {
        let log = samehand.process.log();
        log.lines().filter(|line| said(line, "msg").is_some_and(|message| message == "settings read again")).count()
    };
    until(Instant::now(), PATIENCE, "the settings are read again", || times() == number);
}
