//! Which refusals become a way to the sign-in page, as each kind of proxy is told, and what the page then says.

use std::time::{Duration, Instant};

use crate::support::{
    CLIENT,
    client::ask,
    samehand::{SECRET, Samehand},
    token::Token,
    waiting::until,
};
use crate::{FIREFOX, NAME, asked, cookie_of, get, question, send, sign_in, start, text};

const LOCATION: &str = "https://auth.example.com/login?rd=https%3A%2F%2Fapp.example.com%2Fpage%3Fq%3D1";

#[test]
fn each_proxy_is_told_in_its_own_way() {
    let samehand = start();
    for (kind, status) in [("nginx", 401), ("traefik", 303), ("caddy", 303)] {
        let reply = asked(&samehand, question(kind, "https", "app.example.com", "/page?q=1"));
        assert_eq!((reply.status, reply.header("Location")), (status, Some(LOCATION)), "{kind}: {reply:?}");
        assert_eq!((reply.body.len(), reply.all("Set-Cookie").len()), (0, 0), "{kind}: {reply:?}");
        assert_eq!(reply.header("Cache-Control"), Some("no-store"), "{kind}");
        assert_eq!(reply.all("WWW-Authenticate").len(), usize::from(status == 401), "{kind}: {reply:?}");
    }
}

#[test]
fn an_untrusted_proxy_and_a_bad_question_send_nobody_anywhere() {
    let samehand = start();
    let untrusted = ask(CLIENT, &samehand.tcp, &question("caddy", "https", "app.example.com", "/"));
    assert_eq!((untrusted.status, untrusted.all("Location").len()), (403, 0), "{untrusted:?}");
    let unreadable = asked(&samehand, question("caddy", "https", "a.example.com,b.example.com", "/"));
    assert_eq!((unreadable.status, unreadable.all("Location").len()), (400, 0), "{unreadable:?}");
}

#[test]
fn over_plain_http_the_page_says_what_is_the_matter() {
    let samehand = start();
    let reply = asked(&samehand, question("traefik", "http", "app.example.com", "/"));
    assert_eq!((reply.status, reply.header("Location")), (303, Some("https://auth.example.com/login?why=http")));
    let text = text(&send(&samehand, get("/login?why=http")));
    assert!(text.contains("X-Forwarded-Proto") && text.contains("role=\"status\""), "{text}");
}

#[test]
fn what_cannot_be_returned_to_is_left_out() {
    let samehand = start();
    let long = "a".repeat(8000);
    for (host, uri, rest) in [
        ("app.example.com", "/a\\b".to_owned(), ""),
        // Another port of the same host is somebody else's, maybe.
        ("app.example.com:5001", "/".to_owned(), ""),
        ("auth.example.com", "/logout".to_owned(), ""),
        ("app.example.com", "/a?path=C:\\b".to_owned(), "?rd=https%3A%2F%2Fapp.example.com%2Fa%3Fpath%3DC%3A%5Cb"),
        ("app.example.com:443", "/".to_owned(), "?rd=https%3A%2F%2Fapp.example.com%2F"),
        // In steps: without the query, then the host alone.
        ("app.example.com", format!("/a?{long}"), "?rd=https%3A%2F%2Fapp.example.com%2Fa&shortened=1"),
        ("app.example.com", format!("/{long}?b"), "?rd=https%3A%2F%2Fapp.example.com%2F&shortened=1"),
    ] {
        let reply = asked(&samehand, question("nginx", "https", host, &uri));
        let expected = format!("https://auth.example.com/login{rest}");
        assert_eq!((reply.status, reply.header("Location")), (401, Some(expected.as_str())), "{host} {uri}");
    }
    let page = text(&send(&samehand, get("/login?rd=https%3A%2F%2Fapp.example.com%2Fa&shortened=1")));
    assert!(page.contains("too long to be kept") && page.contains("app.example.com/a"), "{page}");
    // The port of the pages is one to go back to.
    let nas = Samehand::start(&[("PUBLIC_URL", "https://nas.example.com:5001"), ("COOKIE_DOMAIN", "host")]);
    for (host, rest) in [
        ("nas.example.com:5001", "?rd=https%3A%2F%2Fnas.example.com%3A5001%2F"),
        ("nas.example.com:5002", ""),
        ("nas.example.com", ""),
    ] {
        let reply = asked(&nas, question("nginx", "https", host, "/"));
        assert_eq!(
            reply.header("Location"),
            Some(format!("https://nas.example.com:5001/login{rest}").as_str()),
            "{host}"
        );
    }
}

#[test]
fn an_own_page_of_the_operator_is_told_the_same() {
    let settings = [("SIGN_IN_URL", "https://www.example.com/in?lang=eo"), ("COOKIE_DOMAIN", "example.com")];
    let samehand = Samehand::start(&settings);
    let reply = asked(&samehand, question("caddy", "https", "app.example.com", "/"));
    let expected = "https://www.example.com/in?lang=eo&rd=https%3A%2F%2Fapp.example.com%2F";
    assert_eq!((reply.status, reply.header("Location")), (303, Some(expected)), "{reply:?}");
    assert_eq!(send(&samehand, get("/login")).status, 405, "samehand has no page of its own");
}

#[test]
fn without_a_sign_in_page_a_page_is_refused_as_anything_else() {
    let samehand = Samehand::start(&[]);
    for kind in ["nginx", "traefik", "caddy"] {
        let reply = asked(&samehand, question(kind, "https", "app.example.com", "/"));
        assert_eq!((reply.status, reply.all("Location").len()), (401, 0), "{kind}: {reply:?}");
    }
}

#[test]
fn explain_says_the_status_that_a_browser_gets() {
    let samehand = start();
    for (accept, expected) in [("Accept: text/html", "status 303"), ("Accept: */*", "status 401")] {
        let arguments = [
            "explain",
            "--proxy",
            "caddy",
            "--peer",
            "127.0.0.1",
            "--ip",
            "192.0.2.7",
            "--url",
            "https://app.example.com/",
            "--user-agent",
            FIREFOX,
        ];
        let said = samehand.succeed(&[&arguments[..], &["--header", accept]].concat(), "");
        assert!(said.contains(expected), "{accept}: {said}");
    }
}

#[test]
fn each_reason_is_a_sentence_and_an_unknown_one_is_none() {
    let samehand = start();
    for why in
        ["ended", "expired", "network", "browser", "client", "two-cookies", "clock", "stricter", "unusable", "http"]
    {
        let shown = text(&send(&samehand, get(&format!("/login?why={why}"))));
        assert!(shown.contains("role=\"status\""), "{why}: {shown}");
        let again = text(&send(&samehand, get(&format!("/login?why={why}&again=1"))));
        assert!(why == "http" || again.contains("role=\"alert\""), "{why}: {again}");
    }
    for unknown in ["why=x", "why=", "why=ended&why=ended"] {
        let shown = text(&send(&samehand, get(&format!("/login?{unknown}"))));
        assert!(!shown.contains("role=\"status\"") && shown.contains("name=\"password\""), "{unknown}: {shown}");
    }
}

#[test]
fn the_page_is_told_why_in_one_word() {
    let samehand = start();
    let good = Token::parse(&samehand.mint("alice", CLIENT, FIREFOX));
    let with = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut token = good.clone();
        change(&mut token.claims);
        token.signed(SECRET)
    };
    let issued_at = good.claims["iat"].as_u64().expect("a time");
    let expired = with(&|claims| {
        claims["iat"] = (issued_at - 100).into();
        claims["exp"] = (issued_at - 50).into();
    });
    let early = with(&|claims| {
        claims["iat"] = (issued_at + 100).into();
        claims["exp"] = (issued_at + 200).into();
    });
    let foreign = good.signed("another secret, which nobody configured");
    let revoked = samehand.mint("alice", CLIENT, FIREFOX);
    samehand.succeed(&["token", "revoke", &revoked], "");
    for (token, why) in [
        (expired.as_str(), "expired"),
        (&early, "clock"),
        (&foreign, "unusable"),
        ("rubbish", "unusable"),
        (&revoked, "ended"),
    ] {
        // What another process has revoked is in force within a second.
        until(Instant::now(), Duration::from_secs(120), why, || {
            let question = question("traefik", "https", "app.example.com", "/page?q=1");
            let reply = asked(&samehand, question.header("Cookie", format!("{NAME}={token}")));
            reply.status == 303 && reply.header("Location") == Some(&format!("{LOCATION}&why={why}"))
        });
    }
}

#[test]
fn a_cookie_that_is_good_here_and_not_there_is_no_dead_end() {
    let samehand = start();
    let cookie = cookie_of(&sign_in(&samehand, "https://app.example.com/"));
    let back = "rd=https%3A%2F%2Fapp.example.com%2F";
    let shown = |query: &str| text(&send(&samehand, get(&format!("/login?{query}")).header("Cookie", cookie.as_str())));
    for (query, words) in [
        (format!("{back}&why=network"), "IPv4 for one and IPv6 for the other"),
        (format!("{back}&why=clock"), "The clocks of two replicas differ"),
        (back.to_owned(), "came to this page and not to app.example.com"),
    ] {
        let page = shown(&query);
        assert!(
            page.contains("<details>") && page.contains(words) && !page.contains("role=\"alert\""),
            "{query}: {page}"
        );
        assert!(page.contains("href=\"https://app.example.com/\""), "{query}: {page}");
        let again = shown(&format!("{query}&again=1"));
        assert!(!again.contains("<details>") && again.contains(words) && again.contains("role=\"alert\""), "{again}");
    }
    assert!(!shown("").contains("<details>"));
}
