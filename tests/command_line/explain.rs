//! `explain`: what the short options write, what it says in words, and that it agrees with the running service.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::support::{
    client::{Request, ask},
    samehand::Samehand,
};
use crate::{FIREFOX, Installation, SECRET, refused, run};

#[track_caller]
fn explained(installation: &Installation, arguments: &[&str]) -> Value {
    let ended = run(installation, &[&["explain", "--json"], arguments].concat());
    assert_eq!(ended.code, Some(0), "{arguments:?}: {ended:?}");
    serde_json::from_str(&ended.results).expect("one JSON object")
}

#[test]
fn short_options_and_headers_say_the_same() {
    let installation = Installation::new(&[("SECRET", SECRET), ("SALT", "a salt of the tests, Jd83kLq0")]);
    let owner = ["--ip", "192.0.2.7", "--user-agent", FIREFOX];
    let token = installation.succeed(&[&["token", "mint", "--user", "alice"], &owner[..]].concat(), "");
    let short = [&["--proxy", "nginx", "--peer", "127.0.0.1", "--token", &token], &owner[..]].concat();
    let user_agent = format!("User-Agent: {FIREFOX}");
    let authorization = format!("authorization: bearer {token}");
    let headers = [
        "X-Forwarded-For: 203.0.113.66, 192.0.2.7",
        "X-Forwarded-Method: GET",
        "X-Forwarded-Proto: http",
        "X-Forwarded-Host: localhost",
        "X-Forwarded-Uri: /",
        &user_agent,
        &authorization,
    ];
    let long = ["--proxy", "nginx", "--peer", "127.0.0.1"].into_iter();
    let long: Vec<&str> = long.chain(headers.iter().flat_map(|line| ["--header", line])).collect();
    let (short, long) = (explained(&installation, &short), explained(&installation, &long));
    for field in ["decision", "status", "reason", "client_ip", "changed", "identity"] {
        assert_eq!(short[field], long[field], "{field}: {short} and {long}");
    }
    assert_eq!((&short["status"], &short["client_ip"]), (&json!(200), &json!("192.0.2.7")), "{short}");
    let through_socket = explained(&installation, &["--proxy", "caddy", "--peer", "unix", "--ip", "192.0.2.7"]);
    assert_eq!(through_socket["reason"], "token-missing", "{through_socket}");
}

#[test]
fn each_step_is_said_in_words_and_nothing_upsets_a_terminal() {
    let installation = Installation::new(&[("SECRET", SECRET), ("SALT", "a salt of the tests, Jd83kLq0")]);
    let owner = ["--ip", "192.0.2.7", "--user-agent", FIREFOX];
    let token = installation.succeed(&[&["token", "mint", "--user", "alice"], &owner[..]].concat(), "");
    let url = "https://app.example.com/page?secret=1";
    let common = ["explain", "--proxy", "nginx", "--peer", "127.0.0.1", "--url", url, "--token", &token];
    let text = installation.succeed(&[&common[..], &owner[..]].concat(), "");
    for wanted in ["127.0.0.1", "app.example.com", "192.0.2.7", "Firefox", "alice", "allow, ok, status 200"] {
        assert!(text.contains(wanted), "{wanted:?} is not in {text}");
    }
    assert!(!text.contains(&token), "the token is repeated: {text}");
    assert!(!text.contains("secret=1"), "the query string is not read: {text}");
    let stolen = [&common[..], &["--ip", "192.0.2.8", "--user-agent", "\u{9b}31m\u{202e}"]].concat();
    let text = installation.succeed(&stolen, "");
    assert!(text.contains("forbid, client-changed, status 403") && text.contains("changed ip,user-agent"), "{text}");
    assert!(text.chars().all(|character| matches!(character, '\n' | ' '..='~')), "{text:?}");
    for line in ["no colon", "bad name: x", "X-Forwarded-For: a\nb"] {
        refused(&installation, &["explain", "--proxy", "nginx", "--peer", "unix", "--header", line], "", 2, &[]);
    }
}

#[test]
fn a_url_is_asked_for_as_a_client_would() {
    let installation = Installation::new(&[("SECRET", SECRET), ("SALT", "a salt of the tests, Jd83kLq0")]);
    let step = |url: &str| {
        let report =
            explained(&installation, &["--proxy", "nginx", "--peer", "unix", "--ip", "192.0.2.7", "--url", url]);
        let steps = report["steps"].as_array().expect("steps").clone();
        let step = steps.into_iter().find(|step| matches!(step["step"].as_str(), Some("request" | "forwarded")));
        step.and_then(|step| step["text"].as_str().map(str::to_owned)).expect("what was asked for")
    };
    for (url, request) in [
        ("https://app.example.com", "GET / on app.example.com over https"),
        ("https://app.example.com?x=1", "GET / on app.example.com over https"),
        ("https://app.example.com/page#part", "GET /page on app.example.com over https"),
        ("https://app.example.com#part", "GET / on app.example.com over https"),
        ("http://name:password@app.example.com:8080/a@b", "GET /a@b on app.example.com over http"),
        ("https://[2001:db8::1]/a//../b", "GET /a//../b on [2001:db8::1] over https"),
    ] {
        assert_eq!(step(url), request, "{url}");
    }
    for (url, header) in [
        ("https:///page", "x-forwarded-host"),
        ("ftp://app.example.com/", "x-forwarded-proto"),
        ("https://app.example.com/two words", "x-forwarded-uri"),
    ] {
        assert!(step(url).starts_with(header), "{url}: {}", step(url));
    }
}

#[test]
fn the_client_is_the_first_from_the_right_or_the_leftmost() {
    let installation = Installation::new(&[("SECRET", SECRET), ("SALT", "a salt of the tests, Jd83kLq0")]);
    for (list, said) in [
        ("203.0.113.66, 192.0.2.7, 127.0.0.1", "192.0.2.7, the first from the right that is not a trusted proxy"),
        ("::1, 127.0.0.1", "::1, the leftmost, because every address in X-Forwarded-For is a trusted proxy"),
    ] {
        let text = installation.succeed(&["explain", "--proxy", "nginx", "--peer", "unix", "--ip", list], "");
        assert!(text.contains(said), "{list}: {text}");
    }
}

#[test]
fn the_service_answers_as_explained() {
    let samehand = Samehand::start(&[]);
    let token = samehand.mint("alice", Ipv4Addr::new(192, 0, 2, 7), FIREFOX);
    for (kind, ip, user_agent, token) in [
        ("nginx", "192.0.2.7", FIREFOX, token.as_str()),
        ("traefik", "192.0.2.8", FIREFOX, &token),
        ("caddy", "[192.0.2.7]", "curl/8.0", &token),
        ("caddy", "nobody", FIREFOX, &token),
        ("nginx", "192.0.2.7", FIREFOX, "not.a.token"),
    ] {
        let headers = [
            ("X-Forwarded-For", ip),
            ("X-Forwarded-Method", "GET"),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "app.example.com"),
            ("X-Forwarded-Uri", "/"),
            ("User-Agent", user_agent),
        ];
        let request = headers
            .into_iter()
            .fold(Request::get(&format!("/auth/{kind}")).bearer(token), |request, line| request.header(line.0, line.1));
        let answer = ask(Ipv4Addr::LOCALHOST, &samehand.tcp, &request);
        let url = "https://app.example.com/";
        let options = ["--proxy", kind, "--peer", "127.0.0.1", "--ip", ip, "--user-agent", user_agent, "--url", url];
        let report = explained(&samehand, &[&options[..], &["--token", token]].concat());
        assert_eq!(report["status"], answer.status, "{report}: {answer:?}");
        let user = report["identity"]["user"].as_str();
        assert_eq!(user, answer.header("Remote-User"), "{report}: {answer:?}");
    }
}
