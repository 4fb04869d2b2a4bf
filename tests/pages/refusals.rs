//! What a 401 says to whoever is not sent to the sign-in page, and what becomes of a question about that page itself.

use crate::support::{
    CLIENT,
    client::{Reply, Request},
    samehand::Samehand,
};
use crate::{FIREFOX, asked, question, start, text};

const KINDS: [&str; 3] = ["nginx", "traefik", "caddy"];
const HTML: (&str, &str) = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");

/// A question about a request by this method, with these lines of the client's own.
fn by(kind: &str, method: &str, host: &str, uri: &str, lines: &[(&str, &str)]) -> Request {
    let described = [
        ("X-Forwarded-For", CLIENT.to_string()),
        ("X-Forwarded-Method", method.into()),
        ("X-Forwarded-Proto", "https".into()),
        ("X-Forwarded-Host", host.into()),
        ("X-Forwarded-Uri", uri.into()),
    ];
    let request = Request::get(&format!("/auth/{kind}"));
    let request = described.into_iter().fold(request, |request, (name, value)| request.header(name, value));
    lines.iter().fold(request, |request, (name, value)| request.header(name, *value))
}

/// The body, which nginx gets in a header too, on one line of its own.
#[track_caller]
fn body(kind: &str, reply: &Reply) -> String {
    assert_eq!((reply.status, reply.all("Location").len()), (401, 0), "{kind}: {reply:?}");
    assert_eq!(reply.header("Cache-Control"), Some("no-store"), "{kind}: {reply:?}");
    let text = text(reply);
    let copy = (kind == "nginx" && !text.is_empty()).then_some(text.as_str());
    assert_eq!(reply.header("Samehand-Body"), copy, "{kind}: {reply:?}");
    assert!(text.len() < 4096 && text.is_ascii() && !text.contains('\n'), "{kind}: {text}");
    text
}

#[test]
fn a_navigation_that_cannot_be_sent_on_gets_a_page_that_says_what_to_do() {
    let samehand = start();
    let navigates = ("Sec-Fetch-Mode", "navigate");
    for kind in KINDS {
        for (method, destination) in [
            ("POST", "document"),
            ("PUT", "document"),
            ("GET", "iframe"),
            ("GET", "frame"),
            ("GET", "object"),
            ("GET", "embed"),
        ] {
            let lines = [navigates, HTML, ("Sec-Fetch-Dest", destination), ("Content-Type", "application/json")];
            let reply = asked(&samehand, by(kind, method, "app.example.com", "/save", &lines));
            let page = body(kind, &reply);
            assert_eq!(reply.header("Content-Type"), Some("text/html; charset=utf-8"), "{reply:?}");
            assert!(page.contains("Nothing was sent") && page.contains("reload this page"), "{page}");
            // The link leaves the frame, and a frame may show the page.
            assert!(page.contains(r#"href="https://auth.example.com/login" target="_blank""#), "{page}");
            let policy = reply.header("Content-Security-Policy").expect("a policy");
            assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("frame-ancestors"), "{policy}");
            assert!(reply.all("X-Frame-Options").is_empty() && reply.header("WWW-Authenticate").is_some(), "{reply:?}");
        }
        let to_sign_in =
            asked(&samehand, question(kind, "https", "app.example.com", "/").header("Sec-Fetch-Dest", "document"));
        assert!(to_sign_in.header("Location").is_some() && to_sign_in.body.is_empty(), "{to_sign_in:?}");
    }
}

#[test]
fn a_program_that_reads_json_is_told_where_to_sign_in_and_any_other_gets_nothing() {
    let samehand = start();
    for kind in KINDS {
        let ask_with =
            |method: &str, lines: &[(&str, &str)]| asked(&samehand, by(kind, method, "app.example.com", "/api", lines));
        for lines in [
            &[("Accept", "application/json, text/plain, */*")][..],
            &[("Content-Type", "application/json; charset=utf-8"), ("Sec-Fetch-Mode", "cors")],
            &[("Accept", "application/json"), ("Authorization", "Bearer x")],
        ] {
            let reply = ask_with("POST", lines);
            let text = body(kind, &reply);
            assert_eq!(reply.header("Content-Type"), Some("application/json"), "{reply:?}");
            let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(json["error"], "signed_out", "{json}");
            let description = json["error_description"].as_str().expect("a sentence");
            assert!(description.contains("https://auth.example.com/login"), "{description}");
        }
        for lines in [&[][..], &[("Accept", "*/*")], &[HTML], &[("Accept", "text/plain, application/json")]] {
            assert_eq!(body(kind, &ask_with("POST", lines)), "", "{lines:?}");
        }
    }
}

#[test]
fn an_app_that_shows_pages_is_a_browser_and_a_program_that_takes_pages_is_none() {
    let samehand = start();
    for (row, is_page, lines) in [
        (
            "a web view that names its app",
            true,
            &[("User-Agent", FIREFOX), HTML, ("X-Requested-With", "com.example.kiosk")][..],
        ),
        ("a script", false, &[("User-Agent", FIREFOX), HTML, ("X-Requested-With", "XMLHttpRequest")]),
        (
            "pip",
            false,
            &[("User-Agent", "pip/26.0"), ("Accept", "application/vnd.pypi.simple.v1+json, text/html;q=0.01")],
        ),
        ("Java", false, &[("User-Agent", "Java/17.0.12"), ("Accept", "text/html, image/gif, *; q=.2, */*; q=.2")]),
        ("a password", false, &[("User-Agent", FIREFOX), HTML, ("Authorization", "Basic eDp5")]),
        ("a token", false, &[("User-Agent", FIREFOX), HTML, ("Authorization", "Bearer x")]),
        (
            "the application's token",
            true,
            &[("User-Agent", FIREFOX), HTML, ("Authorization", "Bearer x"), ("Cookie", "__Secure-samehand=y")],
        ),
    ] {
        let reply = asked(&samehand, by("caddy", "GET", "app.example.com", "/", lines));
        assert_eq!(reply.status, if is_page { 303 } else { 401 }, "{row}: {reply:?}");
    }
}

#[test]
fn without_a_page_to_sign_in_at_a_browser_is_told_what_is_missing() {
    let samehand = Samehand::start(&[]);
    for kind in KINDS {
        let page = body(kind, &asked(&samehand, question(kind, "https", "app.example.com", "/")));
        assert!(page.contains("SAMEHAND_PUBLIC_URL") && !page.contains("href="), "{page}");
        let json =
            body(kind, &asked(&samehand, by(kind, "GET", "app.example.com", "/", &[("Accept", "application/json")])));
        assert!(json.contains("signed_out"), "{json}");
    }
}

#[test]
fn a_question_about_the_sign_in_page_leads_nowhere_and_the_missing_line_is_told_once() {
    let samehand = start();
    for (kind, line) in [
        ("nginx", "include samehand-endpoints.conf"),
        ("traefik", "Host(`auth.example.com`) && (Path(`/login`)"),
        ("caddy", "import samehand_pages"),
    ] {
        for (method, uri) in
            [("GET", "/login"), ("GET", "/login?rd=https%3A%2F%2Fauth.example.com%2Flogin"), ("POST", "/login")]
        {
            let lines = [("Sec-Fetch-Mode", "navigate"), HTML];
            let page = body(kind, &asked(&samehand, by(kind, method, "auth.example.com", uri, &lines)));
            assert!(page.contains("is not published") && !page.contains("href="), "{page}");
        }
        // The others are told of too, and lead to the sign-in.
        let account = asked(&samehand, question(kind, "https", "auth.example.com", "/account"));
        assert!(account.header("Location").is_some(), "{account:?}");
        let told = |path: &str| {
            let about = format!("{kind} asks samehand about auth.example.com{path},");
            samehand.process.log().lines().filter(|said| said.contains(&about) && said.contains(line)).count()
        };
        assert_eq!((told("/login"), told("/account")), (1, 1), "{kind}: {}", samehand.process.log());
    }
    // A page of that name on another host, or at another port, is the application's.
    for host in ["app.example.com", "auth.example.com:8443"] {
        let reply = asked(&samehand, question("caddy", "https", host, "/login"));
        assert_eq!(reply.status, 303, "{host}: {reply:?}");
    }
    let own = Samehand::start(&[("SIGN_IN_URL", "https://www.example.com/in"), ("COOKIE_DOMAIN", "example.com")]);
    let page = body("caddy", &asked(&own, question("caddy", "https", "www.example.com", "/in")));
    assert!(page.contains("is not published"), "{page}");
    own.process.wait_for("the advice", |said| said.contains("SAMEHAND_SIGN_IN_URL on www.example.com").then_some(()));
}
