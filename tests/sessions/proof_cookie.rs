//! The proof cookie: a token in `Authorization` is worth nothing without the secret that the browser keeps beside it.

use serde_json::json;

use crate::{
    ADMIN_TOKEN, PROXY, SetCookie, cookie,
    hands::{AWAY, HOME, ask_through, bound_by, events, judged, only_token, proof, verdict},
    sessions, start,
    support::{
        client::{Reply, Request, ask},
        samehand::Samehand,
        token::Token,
    },
    token_in, wait_for_expiry,
};

/// The recipe *roam* with a cookie, for tokens that scripts and API clients hold.
const ROAM: [(&str, &str); 3] =
    [("TOKEN_FROM", "authorization"), ("REQUIRE_SAME", "user-agent,cookie"), ("WATCH", "ip")];
const THIRTY_DAYS: u64 = 30 * 24 * 60 * 60;
/// Of the right form, and nobody's.
const TOSSED: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";

#[track_caller]
fn sign_in(samehand: &Samehand) -> (String, String) {
    bound_by(&ask_through(samehand, &HOME.login("alice")))
}

/// The answer of `/mint` for alice at home.
#[track_caller]
fn mint(samehand: &Samehand, token_in: Option<&str>) -> Reply {
    let mut body = json!({ "sub": "alice", "ip": HOME.ip, "user_agent": HOME.user_agent });
    body.as_object_mut().expect("members").extend(token_in.map(|place| ("token_in".to_owned(), place.into())));
    let request = Request::post("/mint", body.to_string()).header("Content-Type", "application/json");
    ask(PROXY, &samehand.admin, &request.bearer(ADMIN_TOKEN))
}

#[test]
fn the_cookie_is_set_with_the_attributes_of_the_session_cookie_but_strict() {
    for (settings, name, attributes) in [
        (&[][..], "__Host-samehand-proof", &["HttpOnly", "Path=/", "SameSite=Strict", "Secure"][..]),
        (
            &[("PUBLIC_URL", "https://auth.example.com")],
            "__Secure-samehand-proof",
            &["Domain=example.com", "HttpOnly", "Path=/", "SameSite=Strict", "Secure"],
        ),
        (
            &[("PUBLIC_URL", "http://app.localhost"), ("COOKIE_NAME", "session")],
            "session-proof",
            &["Domain=app.localhost", "HttpOnly", "Path=/", "SameSite=Strict"],
        ),
    ] {
        let samehand = start(&[&ROAM, settings].concat());
        let reply = ask_through(&samehand, &HOME.login("alice"));
        let set = SetCookie::of(&reply);
        let (rest, age) = set.attributes();
        assert_eq!((set.name.as_str(), rest, set.value.len()), (name, attributes.to_vec(), 43), "{reply:?}");
        assert!((THIRTY_DAYS - 60..=THIRTY_DAYS).contains(&age), "as long as the session: {age}");
        let token = token_in(&reply.json());
        assert!(!Token::parse(&token).claims.to_string().contains(&set.value), "the token tells the secret");
        let with_both = |path| HOME.post(path).bearer(&token).header("Cookie", format!("{name}={}", set.value));
        let cleared = SetCookie::of(&ask_through(&samehand, &with_both("/logout")));
        assert_eq!((cleared.name.as_str(), cleared.value.as_str()), (name, ""));
        assert_eq!(cleared.attributes(), (attributes.to_vec(), 0));
    }
}

#[test]
fn a_token_without_its_secret_is_refused_as_another_client() {
    let samehand = start(&[&ROAM[..], &[("LOG", "trace")]].concat());
    let (token, secret) = sign_in(&samehand);
    let (other_token, other_secret) = sign_in(&samehand);
    assert_ne!(secret, other_secret);
    let ask_with = |cookies: &str| judged(&samehand, HOME.question().bearer(&token).header("Cookie", cookies));
    assert_eq!(ask_with(&proof(&secret)), verdict(200, "ok", ""));
    let refused = verdict(403, "client-changed", "cookie");
    assert_eq!(judged(&samehand, HOME.question().bearer(&token)), refused);
    let header = HOME.question().bearer(&token).header("X-Proof", secret.as_str());
    assert_eq!(judged(&samehand, header), refused);
    for cookies in [
        proof(&other_secret),
        proof(""),
        proof(&secret[1..]),
        proof(&format!("{secret}A")),
        proof(&secret.to_ascii_lowercase()),
        proof(&format!("%{:02X}{}", secret.as_bytes()[0], &secret[1..])),
        format!("__host-samehand-proof={secret}"),
        format!("samehand-proof={secret}"),
        format!("__Host-samehand={secret}"),
    ] {
        assert_eq!(ask_with(&cookies), refused, "{cookies}");
    }
    let other = HOME.question().bearer(&other_token).header("Cookie", proof(&secret));
    assert_eq!(judged(&samehand, other), refused, "another session's cookie");
    // The address may change, and is told.
    let away = AWAY.question().bearer(&token).header("Cookie", proof(&secret));
    assert_eq!(judged(&samehand, away), verdict(200, "ok", "ip"));
    for path in ["/whoami", "/renew"] {
        let request = if path == "/whoami" { Request::get(path) } else { HOME.post(path) };
        let request = request.header("X-Forwarded-For", HOME.ip).bearer(&token);
        assert_ne!(ask_through(&samehand, &request).status, 200, "{path} without the cookie");
    }
    let log = samehand.process.log();
    assert!(
        log.contains("level=debug") && ![&secret, &other_secret].iter().any(|secret| log.contains(*secret)),
        "{log}"
    );
}

#[test]
fn a_cookie_that_a_neighbour_tosses_is_in_nobodys_way_and_becomes_nobodys_proof() {
    let samehand = start(&ROAM);
    let (token, secret) = sign_in(&samehand);
    let (tossed, own) = (proof(TOSSED), proof(&secret));
    for cookies in [format!("{tossed}; {own}"), format!("{own}; {tossed}"), format!("{}; {own}", proof("rubbish"))] {
        let request = HOME.question().bearer(&token).header("Cookie", cookies.as_str());
        assert_eq!(judged(&samehand, request), verdict(200, "ok", ""), "{cookies}");
        let renewed = ask_through(&samehand, &HOME.post("/renew").bearer(&token).header("Cookie", cookies.as_str()));
        assert_eq!(bound_by(&renewed).1, secret, "{cookies}");
    }
    // A sign-in does not adopt what is there.
    let reply = ask_through(&samehand, &HOME.login("alice").header("Cookie", tossed.as_str()));
    assert_ne!(bound_by(&reply).1, TOSSED);
    // Neither does a renewal, while the proof is only watched.
    let samehand = start(&[("TOKEN_FROM", "authorization"), ("REQUIRE_SAME", "ip"), ("WATCH", "cookie")]);
    let (token, _) = sign_in(&samehand);
    let (_, fresh) = bound_by(&ask_through(&samehand, &HOME.post("/renew").bearer(&token).header("Cookie", tossed)));
    assert_ne!(fresh, TOSSED);
}

#[test]
fn a_renewal_keeps_the_secret_and_is_refused_without_it() {
    let samehand = start(&[&ROAM[..], &[("TOKEN_TTL", "1s")]].concat());
    let (old, secret) = sign_in(&samehand);
    wait_for_expiry(&samehand, &old);
    let renew = |token: &str, cookies: &str| {
        ask_through(&samehand, &HOME.post("/renew").bearer(token).header("Cookie", cookies))
    };
    let reply = renew(&old, &proof(&secret));
    let (_, again) = bound_by(&reply);
    assert_eq!(again, secret);
    let (attributes, age) = (SetCookie::of(&reply).attributes().0.join(" "), SetCookie::of(&reply).attributes().1);
    assert_eq!(attributes, "HttpOnly Path=/ SameSite=Strict Secure");
    assert!((THIRTY_DAYS - 60..=THIRTY_DAYS).contains(&age), "{age}");
    let reply = renew(&old, &proof(TOSSED));
    assert_eq!((reply.status, reply.all("Set-Cookie").len()), (403, 0), "{reply:?}");
    let suspected = events(&samehand, "theft-suspected");
    assert!(matches!(&suspected[..], [line] if line.contains("changed=cookie")), "{suspected:?}");
}

#[test]
fn a_back_end_is_handed_the_line_to_pass_on() {
    let samehand = start(&[("REQUIRE_SAME", "user-agent,cookie"), ("WATCH", "ip")]);
    let reply = mint(&samehand, None);
    assert!(reply.all("Set-Cookie").is_empty(), "the back end's own jar is not meant: {reply:?}");
    let body = reply.json();
    let line = body["set_cookie"].as_str().unwrap_or_else(|| panic!("{body}"));
    let (pair, attributes) = line.split_once("; ").expect("attributes");
    let age = attributes
        .strip_prefix("Path=/; Max-Age=")
        .and_then(|rest| rest.strip_suffix("; Secure; HttpOnly; SameSite=Strict"));
    let age: u64 = age.and_then(|age| age.parse().ok()).unwrap_or_else(|| panic!("{attributes}"));
    assert!((THIRTY_DAYS - 60..=THIRTY_DAYS).contains(&age), "as long as the session: {age}");
    let token = token_in(&body);
    let request = || HOME.question().bearer(&token);
    assert_eq!(judged(&samehand, request().header("Cookie", pair)), verdict(200, "ok", ""));
    assert_eq!(judged(&samehand, request()), verdict(403, "client-changed", "cookie"));

    // One that goes into the session cookie is good there and nowhere else.
    let reply = mint(&samehand, Some("cookie"));
    assert_eq!((reply.status, &reply.json()["set_cookie"]), (200, &json!(null)), "{reply:?}");
    let token = token_in(&reply.json());
    let in_cookie = HOME.question().header("Cookie", cookie(&token));
    assert_eq!(judged(&samehand, in_cookie), verdict(200, "ok", ""));
    let in_header = HOME.question().bearer(&token);
    assert_eq!(judged(&samehand, in_header), verdict(403, "client-changed", "cookie"));
    let with_any = HOME.question().bearer(&token).header("Cookie", proof(TOSSED));
    assert_eq!(judged(&samehand, with_any), verdict(403, "client-changed", "cookie"));

    for (place, said) in [("header", "invalid_request"), ("", "invalid_request")] {
        let reply = mint(&samehand, Some(place));
        assert_eq!((reply.status, &reply.json()["error"]), (400, &said.into()), "{place}: {reply:?}");
    }
    for (from, place) in [("authorization", "cookie"), ("cookie", "authorization")] {
        let samehand = start(&[("TOKEN_FROM", from), ("REQUIRE_SAME", "ip,cookie")]);
        let reply = mint(&samehand, Some(place));
        let said = reply.json()["error_description"].to_string();
        assert!(reply.status == 400 && said.contains("SAMEHAND_TOKEN_FROM"), "{reply:?}");
        let is_bound_by_cookie = mint(&samehand, None).json()["set_cookie"].is_string();
        assert_eq!(is_bound_by_cookie, from == "authorization", "what is read decides: {from}");
    }
}

#[test]
fn who_signs_out_loses_the_cookie_and_nobody_else_does() {
    let samehand = start(&ROAM);
    let (token, secret) = sign_in(&samehand);
    // Without the secret too: whoever holds a stolen token may end it.
    let reply = ask_through(&samehand, &HOME.post("/logout").bearer(&token));
    assert_eq!((reply.status, SetCookie::of(&reply).name.as_str()), (204, "__Host-samehand-proof"));
    assert!(sessions(&samehand).is_empty());
    let ended = HOME.question().bearer(&token).header("Cookie", proof(&secret));
    assert_eq!(judged(&samehand, ended), verdict(401, "session-ended", ""));
    let samehand = start(&[]);
    let token = only_token(&ask_through(&samehand, &HOME.login("alice")));
    let logout = HOME.post("/logout").bearer(&token).header("Cookie", proof(TOSSED));
    assert!(ask_through(&samehand, &logout).all("Set-Cookie").is_empty(), "this token has none");
}

#[test]
fn while_it_is_watched_everybody_gets_one_and_a_token_without_is_told() {
    let plain = [("TOKEN_FROM", "authorization"), ("REQUIRE_SAME", "ip,user-agent")];
    let samehand = start(&plain);
    let old = only_token(&ask_through(&samehand, &HOME.login("alice")));
    let samehand = samehand.restart(&[("WATCH", "cookie")]);
    assert_eq!(judged(&samehand, HOME.question().bearer(&old)), verdict(200, "ok", ""), "it was never bound to one");
    let (token, secret) = bound_by(&ask_through(&samehand, &HOME.post("/renew").bearer(&old)));
    let with = HOME.question().bearer(&token).header("Cookie", proof(&secret));
    assert_eq!(judged(&samehand, with), verdict(200, "ok", ""));
    assert_eq!(judged(&samehand, HOME.question().bearer(&token)), verdict(200, "ok", "cookie"));
    // Once it is required, who has it is not asked, and the others are.
    let samehand = samehand.restart(&[("WATCH", "none"), ("REQUIRE_SAME", "ip,user-agent,cookie")]);
    let with = HOME.question().bearer(&token).header("Cookie", proof(&secret));
    assert_eq!(judged(&samehand, with), verdict(200, "ok", ""));
    assert_eq!(judged(&samehand, HOME.question().bearer(&token)), verdict(403, "client-changed", "cookie"));
    assert_eq!(judged(&samehand, HOME.question().bearer(&old)), verdict(401, "policy-outdated", ""));
}

#[test]
fn while_refusals_are_only_reported_a_token_without_its_secret_passes_and_gets_no_new_one() {
    let samehand = start(&[&ROAM[..], &[("ENFORCE", "report")]].concat());
    let (token, _) = sign_in(&samehand);
    assert_eq!(judged(&samehand, HOME.question().bearer(&token)), verdict(200, "client-changed", "cookie"));
    let reply = ask_through(&samehand, &HOME.post("/renew").bearer(&token));
    assert_eq!((reply.status, reply.all("Set-Cookie").len()), (403, 0), "{reply:?}");
}
