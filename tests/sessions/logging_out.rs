//! `POST /logout`: ends the session of a token, at once.

use crate::support::{
    CLIENT, THIEF,
    client::{Request, ask},
    samehand::{SECRET, Samehand},
    token::Token,
};
use crate::{
    CHROME, FIREFOX, SetCookie, call, cookie, is, mint, outcome, page, post, question, revoked, sessions, sid,
    signed_in, start, time, token_in, wait_for_expiry, with_token,
};
use serde_json::json;

#[test]
fn the_session_is_over_at_once_with_all_its_tokens_and_with_nobody_elses() {
    let samehand = start(&[]);
    let (first, other) = (signed_in(&samehand), signed_in(&samehand));
    let second = token_in(&call(&samehand, &post("/renew").bearer(&first)).json());
    let reply = call(&samehand, &post("/logout").bearer(&second));
    assert_eq!((reply.status, reply.body.len()), (204, 0), "{reply:?}");
    assert_eq!(reply.header("Cache-Control"), Some("no-store"));
    assert!(reply.all("Set-Cookie").is_empty(), "no cookie was used: {reply:?}");
    for token in [&first, &second] {
        assert_eq!(with_token(&samehand, token), is(401, "session-ended"));
        assert_eq!(call(&samehand, &post("/renew").bearer(token)).status, 401);
        assert_eq!(
            ask(CLIENT, &samehand.tcp, &Request::get("/whoami").header("User-Agent", FIREFOX).bearer(token)).status,
            401
        );
        assert_eq!(outcome(&samehand, page(&cookie(token))), is(401, "session-ended"));
    }
    assert_eq!(with_token(&samehand, &other), is(200, "ok"));
    let open: Vec<_> = sessions(&samehand).into_iter().map(|session| session.id.to_string()).collect();
    assert_eq!(open, [sid(&other)]);
    let log = samehand.process.log();
    let line = log.lines().find(|line| line.contains("msg=logout")).expect("it is said");
    for part in ["username=alice", "remote_ip=127.0.0.7", &format!("sid={}", sid(&first))] {
        assert!(line.contains(part), "{part} is missing: {line}");
    }
}

#[test]
fn the_cookie_is_cleared_with_the_attributes_it_was_set_with() {
    for (settings, name) in
        [(&[][..], "__Host-samehand"), (&[("PUBLIC_URL", "https://auth.example.com")], "__Secure-samehand")]
    {
        let samehand = start(settings);
        let token = signed_in(&samehand);
        let with_cookie = |path| post(path).header("Cookie", format!("{name}={token}"));
        let set = SetCookie::of(&call(&samehand, &with_cookie("/renew")));
        let reply = call(&samehand, &with_cookie("/logout"));
        assert_eq!(reply.status, 204, "{reply:?}");
        let cleared = SetCookie::of(&reply);
        assert_eq!((cleared.name.as_str(), cleared.value.as_str()), (name, ""));
        assert_eq!(cleared.attributes().0, set.attributes().0);
        assert_eq!(cleared.attributes().1, 0);
    }
}

/// Until when the revocations in the store last.
#[track_caller]
fn ends_of_revocations(samehand: &Samehand) -> Vec<u64> {
    let connection = rusqlite::Connection::open(samehand.data().join("samehand.sqlite")).expect("the store");
    let mut statement = connection.prepare("SELECT expires_at FROM revocations").expect("the revocations");
    let rows = statement.query_map([], |row| row.get::<_, i64>(0).map(i64::unsigned_abs)).expect("rows");
    rows.map(|row| row.expect("a time")).collect()
}

#[test]
fn signing_out_twice_is_no_error_and_remembers_nothing_for_longer() {
    let samehand = start(&[("SESSION_TTL", "9h")]);
    let token = signed_in(&samehand);
    let entries = || ends_of_revocations(&samehand);
    assert_eq!(call(&samehand, &post("/logout").bearer(&token)).status, 204);
    let end = time(&token, "iat") + 9 * 60 * 60;
    assert_eq!(entries(), [end], "it lasts as long as the session would have");
    assert_eq!(call(&samehand, &post("/logout").bearer(&token)).status, 204);
    assert_eq!(entries(), [end]);
}

#[test]
fn any_token_with_a_good_signature_will_do() {
    // One that has expired.
    let samehand = start(&[("TOKEN_TTL", "1s")]);
    let token = signed_in(&samehand);
    wait_for_expiry(&samehand, &token);
    assert_eq!(call(&samehand, &post("/logout").header("Cookie", cookie(&token))).status, 204);
    assert_eq!(call(&samehand, &post("/renew").bearer(&token)).status, 401);
    // One without a session that has expired by this clock, which may be a fast one: elsewhere it may be good.
    let mint = ["token", "mint", "--user", "alice", "--ip", "127.0.0.7", "--user-agent", FIREFOX, "--ttl", "1s"];
    let token = samehand.succeed(&mint, "").trim().to_owned();
    wait_for_expiry(&samehand, &token);
    assert_eq!(call(&samehand, &post("/logout").bearer(&token)).status, 204);
    assert_eq!(ends_of_revocations(&samehand).iter().filter(|end| **end == time(&token, "exp")).count(), 1);
    // One in another hand: who has found a stolen token may end it.
    let samehand = start(&[]);
    let token = signed_in(&samehand);
    let request = Request::post("/logout", "").header("User-Agent", CHROME).bearer(&token);
    assert_eq!(ask(THIEF, &samehand.tcp, &request).status, 204);
    assert_eq!(with_token(&samehand, &token), is(401, "session-ended"));
    // One without a session: it ends itself.
    let (token, other) = (samehand.mint("alice", CLIENT, FIREFOX), samehand.mint("alice", CLIENT, FIREFOX));
    assert_eq!(call(&samehand, &post("/logout").bearer(&token)).status, 204);
    assert_eq!(with_token(&samehand, &token), is(401, "token-revoked"));
    assert_eq!(with_token(&samehand, &other), is(200, "ok"));
    // One that a fast clock has issued, and that is not valid yet.
    let early = from_a_fast_clock(&signed_in(&samehand));
    assert_eq!(with_token(&samehand, &early), is(401, "token-not-yet-valid"));
    assert_eq!(call(&samehand, &post("/logout").bearer(&early)).status, 204);
    assert!(!sessions(&samehand).iter().any(|session| session.id.as_str() == sid(&early)));
}

#[test]
fn a_token_that_is_not_valid_yet_can_be_revoked() {
    let samehand = start(&[]);
    let token = from_a_fast_clock(&samehand.mint("alice", CLIENT, FIREFOX));
    assert_eq!(with_token(&samehand, &token), is(401, "token-not-yet-valid"));
    revoked(&samehand, &json!({ "token": token }));
    // The same token, now that its time has come: the name in it is what counts.
    let mut today = Token::parse(&token);
    for claim in ["iat", "exp"] {
        today.claims[claim] = (today.claims[claim].as_u64().expect("a time") - 60).into();
    }
    assert_eq!(with_token(&samehand, &today.signed(SECRET)), is(401, "token-revoked"));
}

/// The token as a minter whose clock is a minute ahead would have issued it.
fn from_a_fast_clock(token: &str) -> String {
    let mut token = Token::parse(token);
    for claim in ["iat", "exp"] {
        token.claims[claim] = (token.claims[claim].as_u64().expect("a time") + 60).into();
    }
    token.signed(SECRET)
}

#[test]
fn what_is_none_of_ours_ends_nothing() {
    let samehand = start(&[]);
    let token = signed_in(&samehand);
    let mut forged = Token::parse(&token);
    forged.claims["jti"] = "other".into();
    for (row, request, error) in [
        ("no token", post("/logout"), "token_missing"),
        ("a forged one", post("/logout").bearer(&forged.with_its_old_signature()), "invalid_token"),
        ("another secret", post("/logout").bearer(&forged.signed("some other secret of good length")), "invalid_token"),
        ("two", post("/logout").bearer(&token).header("Cookie", cookie(&mint(&samehand, &json!({})))), "invalid_token"),
    ] {
        let reply = call(&samehand, &request);
        assert_eq!((reply.status, &reply.json()["error"]), (401, &error.into()), "{row}: {reply:?}");
    }
    assert_eq!(call(&samehand, &Request::get("/logout").bearer(&token)).status, 405);
    assert_eq!(outcome(&samehand, question().bearer(&token)), is(200, "ok"));
}
