//! `POST /renew`: a fresh token in the same hand, and never one in another.

use std::thread;

use crate::support::{
    CLIENT, THIEF,
    client::{Request, ask},
    token::Token,
};
use crate::{
    CHROME, FIREFOX, SetCookie, call, cookie, decided, is, issued_earlier, outcome, post, question, question_from, sid,
    sign_in, signed_in, start, time, token_in, wait_for_expiry, with_token,
};
use serde_json::json;

#[test]
fn who_sends_authorization_gets_a_token_of_the_same_session() {
    let samehand = start(&[]);
    let old = signed_in(&samehand);
    let reply = call(&samehand, &post("/renew").bearer(&old));
    assert_eq!((reply.status, reply.header("Cache-Control")), (200, Some("no-store")), "{reply:?}");
    assert!(reply.all("Set-Cookie").is_empty(), "{reply:?}");
    let body = reply.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&"Bearer".into(), &28800.into()));
    assert_eq!(body.as_object().map(serde_json::Map::len), Some(3), "{body}");
    let new = token_in(&body);
    assert_ne!(old, new);
    assert_eq!(sid(&old), sid(&new));
    assert_ne!(Token::parse(&old).claims["jti"], Token::parse(&new).claims["jti"]);
    assert_eq!(with_token(&samehand, &new), is(200, "ok"));
    assert_eq!(with_token(&samehand, &old), is(200, "ok"), "renewing never ends the old token");
    // And it is in the same hand only.
    assert_eq!(outcome(&samehand, question_from(THIEF).bearer(&new)), is(403, "client-changed"));
}

#[test]
fn who_sends_the_cookie_gets_it_back_with_the_right_attributes() {
    const THIRTY_DAYS: u64 = 30 * 24 * 60 * 60;
    for (settings, name, attributes) in [
        (&[][..], "__Host-samehand", &["HttpOnly", "Path=/", "SameSite=Lax", "Secure"][..]),
        (
            &[("PUBLIC_URL", "https://auth.example.com")],
            "__Secure-samehand",
            &["Domain=example.com", "HttpOnly", "Path=/", "SameSite=Lax", "Secure"],
        ),
        (
            &[("PUBLIC_URL", "https://auth.example.com"), ("COOKIE_DOMAIN", "host")],
            "__Host-samehand",
            &["HttpOnly", "Path=/", "SameSite=Lax", "Secure"],
        ),
        (
            &[("PUBLIC_URL", "http://app.localhost"), ("COOKIE_NAME", "session")],
            "session",
            &["Domain=app.localhost", "HttpOnly", "Path=/", "SameSite=Lax"],
        ),
    ] {
        let samehand = start(settings);
        let old = signed_in(&samehand);
        let reply = call(&samehand, &post("/renew").header("Cookie", format!("a=b; {name}={old}")));
        assert_eq!((reply.status, reply.body.len()), (204, 0), "{name}: {reply:?}");
        assert_eq!(reply.header("Cache-Control"), Some("no-store"));
        let set = SetCookie::of(&reply);
        let (rest, age) = set.attributes();
        assert_eq!((set.name.as_str(), rest), (name, attributes.to_vec()), "{settings:?}");
        // The cookie lives as long as the session: an expired token is what a fresh one is given for.
        assert!((THIRTY_DAYS - 60..=THIRTY_DAYS).contains(&age), "{age}");
        assert_ne!(set.value, old);
        assert_eq!(outcome(&samehand, question().header("Cookie", format!("{name}={}", set.value))), is(200, "ok"));
    }
}

#[test]
fn an_expired_token_is_renewed_while_its_session_lives() {
    let samehand = start(&[("TOKEN_TTL", "1s")]);
    let body = sign_in(&samehand);
    assert_eq!(body["expires_in"], 1);
    let old = token_in(&body);
    wait_for_expiry(&samehand, &old);
    let reply = call(&samehand, &post("/renew").bearer(&old));
    assert_eq!(reply.status, 200, "{reply:?}");
    let new = token_in(&reply.json());
    assert_eq!((sid(&new), time(&new, "exp") - time(&new, "iat")), (sid(&old), 1));
    let reply = call(&samehand, &post("/renew").header("Cookie", cookie(&old)));
    assert_eq!(reply.status, 204, "{reply:?}");
}

#[test]
fn what_is_no_token_of_a_session_is_not_renewed() {
    let samehand = start(&[]);
    let good = signed_in(&samehand);
    let by_hand = samehand.mint("alice", CLIENT, FIREFOX);
    let mut changed = Token::parse(&good);
    changed.claims["sub"] = "bob".into();
    for (row, request, error) in [
        ("no token", post("/renew"), "token_missing"),
        ("rubbish", post("/renew").bearer("rubbish"), "invalid_token"),
        ("a changed token", post("/renew").bearer(&changed.with_its_old_signature()), "invalid_token"),
        ("a token without a session", post("/renew").bearer(&by_hand), "invalid_token"),
        ("two tokens", post("/renew").bearer(&good).header("Cookie", cookie(&by_hand)), "invalid_token"),
    ] {
        let reply = call(&samehand, &request);
        assert_eq!((reply.status, &reply.json()["error"]), (401, &error.into()), "{row}: {reply:?}");
        assert!(reply.all("Set-Cookie").is_empty(), "{row}: {reply:?}");
    }
    let reply = call(&samehand, &Request::get("/renew").bearer(&good));
    assert_eq!((reply.status, reply.header("Allow")), (405, Some("POST")));
}

#[test]
fn somebody_who_signs_as_we_do_cannot_renew_the_session_of_another_user() {
    let samehand = start(&[]);
    samehand.add_user("bob", &[]);
    let mut token = Token::parse(&signed_in(&samehand));
    token.claims["sub"] = "bob".into();
    // The name is no part of the fingerprint, so only the session tells.
    let reply = call(&samehand, &post("/renew").bearer(&token.signed(&signing_secret(&samehand))));
    assert_eq!(reply.status, 401, "{reply:?}");
}

/// The tests' samehand signs with the secret itself.
fn signing_secret(_: &crate::support::samehand::Samehand) -> String {
    crate::support::samehand::SECRET.to_owned()
}

#[test]
fn another_client_is_refused_and_suspected_once() {
    let samehand = start(&[("TOKEN_TTL", "1s")]);
    let token = signed_in(&samehand);
    let from = |ip, user_agent: &str| {
        let request = Request::post("/renew", "").header("User-Agent", user_agent).bearer(&token);
        ask(ip, &samehand.tcp, &request)
    };
    let suspicions = || {
        // The log is written in order: what was said before this decision stands there.
        with_token(&samehand, "flush");
        let log = samehand.process.log();
        let lines = log.lines().filter(|line| line.contains("event=theft-suspected"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let reply = from(THIEF, FIREFOX);
    assert_eq!((reply.status, &reply.json()["error"]), (403, &"forbidden".into()), "{reply:?}");
    let lines = suspicions();
    let [line] = &lines[..] else { panic!("{lines:?}") };
    let sid = format!("sid={}", sid(&token));
    for part in ["level=warn", "username=alice", "remote_ip=127.0.0.8", "changed=ip", sid.as_str()] {
        assert!(line.contains(part), "{part} is missing: {line}");
    }
    assert!(!line.contains(&token[..40]), "{line}");
    assert_eq!(from(CLIENT, CHROME).status, 403);
    assert_eq!(suspicions().len(), 2);
    // An expired token of somebody else is no better.
    wait_for_expiry(&samehand, &token);
    assert_eq!(from(THIEF, FIREFOX).status, 403);
    assert_eq!(suspicions().len(), 3);
    assert_eq!(from(CLIENT, FIREFOX).status, 200, "the right client goes on");
    assert_eq!(suspicions().len(), 3);
}

#[test]
fn parallel_renewals_of_one_page_all_work() {
    let samehand = start(&[]);
    let old = signed_in(&samehand);
    let renewed: Vec<String> = thread::scope(|scope| {
        let asked: Vec<_> =
            (0..16).map(|_| scope.spawn(|| token_in(&call(&samehand, &post("/renew").bearer(&old)).json()))).collect();
        asked.into_iter().map(|thread| thread.join().expect("an answer")).collect()
    });
    for token in renewed.iter().chain([&old]) {
        assert_eq!(with_token(&samehand, token), is(200, "ok"));
    }
    // A token from a renewal is renewed like any other.
    assert_eq!(call(&samehand, &post("/renew").bearer(&renewed[7])).status, 200);
}

#[test]
fn a_fresh_token_says_what_is_true_of_the_user_now() {
    let samehand = start(&[]);
    let old = signed_in(&samehand);
    samehand
        .succeed(&["user", "set", "alice", "--group", "staff", "--group", "admins", "--email", "a@example.com"], "");
    let claims = |token: &str| Token::parse(token).claims;
    assert_eq!(claims(&old)["groups"], json!(["staff"]));
    let new = token_in(&call(&samehand, &post("/renew").bearer(&old)).json());
    let found = claims(&new);
    assert_eq!((&found["groups"], &found["email"]), (&json!(["staff", "admins"]), &"a@example.com".into()));
}

#[test]
fn a_trial_gives_a_changed_client_nothing_that_outlives_it() {
    for enforce in ["report", "observe"] {
        let settings = [("ENFORCE", enforce), ("PUBLIC_URL", "https://app.example.com"), ("COOKIE_DOMAIN", "host")];
        let samehand = start(&settings);
        let token = signed_in(&samehand);
        let stolen = issued_earlier(&token, 7 * 60 * 60);
        let from_thief = |request: Request| ask(THIEF, &samehand.tcp, &request.header("User-Agent", FIREFOX));
        let with = |request: Request| request.header("Cookie", cookie(&stolen));
        let own_page = |request: Request| request.header("Sec-Fetch-Site", "same-origin");
        let form = |request: Request| own_page(request).header("Content-Type", "application/x-www-form-urlencoded");
        for (row, status, reply) in [
            ("a token for a token", 403, from_thief(Request::post("/renew", "").bearer(&token))),
            ("a cookie for a cookie", 403, from_thief(own_page(with(Request::post("/renew", ""))))),
            ("the account", 303, from_thief(with(Request::get("/account").header("Sec-Fetch-Mode", "navigate")))),
            ("ending sessions", 303, from_thief(form(with(Request::post("/account", "do=end-others"))))),
        ] {
            let given = (reply.status, reply.all("Set-Cookie").len());
            assert_eq!(given, (status, 0), "{enforce}: {row}: {reply:?}");
        }
        samehand.process.wait_for("the suspicion", |line| line.contains("event=theft-suspected").then_some(()));
        // The request itself passes, near the end of the token too, and gets no cookie with it.
        let (reply, decision) = decided(&samehand, question_from(THIEF).header("Cookie", cookie(&stolen)));
        assert_eq!((reply.status, decision.field("enforced")), (200, "no"), "{enforce}: {reply:?}");
        assert!(reply.all("Set-Cookie").is_empty(), "{enforce}: {reply:?}");
        assert_eq!(with_token(&samehand, &token), is(200, "ok"), "{enforce}: the session goes on");
    }
}

/// Each renewal is a token more that is good. A hundred tabs that wake up at once are no reason to refuse.
#[test]
fn a_session_is_renewed_so_often_and_then_told_to_wait() {
    const AT_ONCE: usize = 200;
    let samehand = start(&[]);
    let (began, token) = (std::time::Instant::now(), signed_in(&samehand));
    let other = signed_in(&samehand);
    let mut statuses = Vec::new();
    let last = loop {
        let reply = call(&samehand, &post("/renew").bearer(&token));
        statuses.push(reply.status);
        if reply.status != 200 || statuses.len() > AT_ONCE + 100 {
            break reply;
        }
    };
    assert_eq!((last.status, &last.json()["error"]), (429, &"slow_down".into()), "{statuses:?}");
    let renewed = statuses.len() - 1;
    let regained = usize::try_from(began.elapsed().as_secs() / 5).expect("a few") + 1;
    assert!((AT_ONCE..=AT_ONCE + regained).contains(&renewed), "{renewed}");
    let wait = last.header("Retry-After").and_then(|seconds| seconds.parse::<u64>().ok());
    assert!(wait.is_some_and(|seconds| (1..=5).contains(&seconds)), "{last:?}");
    assert_eq!(with_token(&samehand, &token), is(200, "ok"), "the token is as good as before");
    assert_eq!(call(&samehand, &post("/renew").bearer(&other)).status, 200, "another session of the same user");
}
