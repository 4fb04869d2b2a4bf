//! What the question looks like that each shipped configuration asks, byte for byte, and what becomes of a large answer.

use std::net::SocketAddr;

use super::{
    forged::CLAIMS,
    world::{ALICE, CHROME, FIREFOX},
};
use crate::support::{
    CLIENT,
    backend::Backend,
    caddy,
    client::{Address, Request, ask},
    nginx,
    scripted::Scripted,
    shipped::{Kind, Place, Proxy},
    traefik,
};

/// What a proxy may add of its own: where the question goes, and what samehand passes over.
const OF_THE_PROXY: [&str; 5] = ["host", "accept-encoding", "via", "x-forwarded-port", "x-forwarded-server"];

/// The certificate that nobody showed.
const EMPTY: &str = "x-client-cert";

/// What samehand reads, with the value it has to have for [`noisy_request`] of a page.
const READ: [(&str, &str); 15] = [
    ("x-forwarded-for", "127.0.0.7"),
    ("x-forwarded-method", "POST"),
    ("x-forwarded-proto", "http"),
    ("x-forwarded-host", "app.example.com"),
    ("x-forwarded-uri", "/page?policy=evil"),
    ("authorization", "Bearer a-token"),
    ("cookie", "one=1; two=2"),
    ("user-agent", CHROME),
    ("accept", "text/html"),
    ("content-type", "text/plain"),
    ("sec-fetch-mode", "navigate"),
    ("sec-fetch-site", "same-origin"),
    ("sec-fetch-dest", "document"),
    ("x-requested-with", "XMLHttpRequest"),
    ("x-request-id", "a-request"),
];

/// What samehand believes on the paths that clients use.
const BELIEVED: [&str; 5] =
    ["x-forwarded-for", "x-forwarded-method", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-uri"];

/// What must never go along, because a body, a tunnel or an answer of another kind would follow.
const NEVER: [&str; 9] = [
    "content-length",
    "transfer-encoding",
    "connection",
    "upgrade",
    "expect",
    "range",
    "if-none-match",
    "sec-websocket-key",
    "trailer",
];

#[test]
fn nginx_asks_exactly_what_samehand_reads() {
    for place in [Place::Edge, Place::BehindFrontHop] {
        asks_exactly_what_samehand_reads("/auth/nginx", &[], Scripted::on_unix(&allow("")), |samehand, application| {
            nginx::start(place, samehand, application)
        });
    }
}

#[test]
fn traefik_asks_exactly_what_samehand_reads() {
    for place in [Place::Edge, Place::BehindFrontHop] {
        asks_exactly_what_samehand_reads(
            "/auth/traefik",
            &[],
            Scripted::on_tcp(&allow("")),
            |samehand, application| traefik::start(place, samehand, application),
        );
    }
}

#[test]
fn traefik_by_labels_asks_exactly_what_samehand_reads() {
    asks_exactly_what_samehand_reads("/auth/traefik", &[], Scripted::on_tcp(&allow("")), traefik::start_with_labels);
}

#[test]
fn caddy_asks_what_samehand_reads() {
    // Caddy has no list of what may go along, only of what may not.
    let passed_over = ["origin", "x-noise"];
    for place in [Place::Edge, Place::BehindFrontHop] {
        let samehand = Scripted::on_tcp(&allow(""));
        asks_exactly_what_samehand_reads("/auth/caddy", &passed_over, samehand, |samehand, application| {
            caddy::start(place, samehand, application)
        });
    }
}

#[test]
fn an_answer_with_a_long_head_gets_through() {
    // 200 groups of 60 characters, more than a page of memory and less than what other proxies take.
    let groups = vec!["g".repeat(60); 200].join(",");
    let over_unix = Scripted::on_unix(&allow(&groups));
    let over_tcp = Scripted::on_tcp(&allow(&groups));
    let application = Backend::start();
    for proxy in [
        nginx::start(Place::Edge, &over_unix.address, application.address),
        traefik::start(Place::Edge, &over_tcp.address, application.address),
        caddy::start(Place::Edge, &over_tcp.address, application.address),
    ] {
        let reply = ask(CLIENT, &proxy.address, &Request::get("/"));
        assert_eq!(reply.status, 200, "{:?}: {reply:?}", proxy.kind);
        assert_eq!(application.seen().all("Remote-Groups"), [groups.as_str()], "{:?}", proxy.kind);
    }
}

#[track_caller]
fn asks_exactly_what_samehand_reads(
    path: &str,
    passed_over: &[&str],
    samehand: Scripted,
    start: impl Fn(&Address, SocketAddr) -> Proxy,
) {
    let application = Backend::start();
    let proxy = start(&samehand.address, application.address);

    let reply = ask(CLIENT, &proxy.address, &noisy_request("/page?policy=evil"));
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(application.seen().body_length(), 11);
    let question = samehand.last_question();
    assert_eq!(question[0], format!("GET {path} HTTP/1.1"));
    for (name, expected) in READ {
        assert_eq!(values(&question, name), [expected], "{name} in {question:#?}");
    }
    // The version of WebSocket alone tells Traefik's questions about one from the others.
    let version = if path == "/auth/traefik" { &["13"][..] } else { &[] };
    assert_eq!(values(&question, "sec-websocket-version"), version, "{question:#?}");
    for line in &question[1..] {
        let (name, _) = split(line);
        let name = name.as_str();
        let known = READ.iter().any(|(read, _)| *read == name) || OF_THE_PROXY.contains(&name);
        let known = known || name == "sec-websocket-version";
        let known = known || split(line) == (EMPTY.to_owned(), "");
        assert!(known || passed_over.contains(&name), "{name} goes along in {question:#?}");
        assert!(!NEVER.contains(&name), "{name} goes along in {question:#?}");
    }

    for lines in [[CHROME, FIREFOX], [FIREFOX, CHROME]] {
        let request = lines.iter().fold(Request::get("/"), |request, line| request.header("User-Agent", *line));
        assert_eq!(ask(CLIENT, &proxy.address, &request).status, 200);
        let question = samehand.last_question();
        let asked = values(&question, "user-agent");
        assert_eq!(asked.len(), 1, "{question:#?}");
        assert_eq!(
            application.seen().all("User-Agent"),
            asked,
            "decided on one browser, and the application sees another"
        );
    }

    assert_eq!(ask(CLIENT, &proxy.address, &Request::get("/")).status, 200);
    let question = samehand.last_question();
    for name in ["user-agent", "authorization", "cookie"] {
        assert_eq!(values(&question, name), [""; 0], "the client sent none");
    }
    assert_eq!(application.seen().all("User-Agent"), [""; 0]);

    assert_eq!(samehand.connections(), 1, "one connection for questions one after the other");
    let before = application.seen().requests;
    asks_for_the_client_on_published_paths(&samehand, &proxy);
    assert_eq!(application.seen().requests, before, "the application saw what is samehand's");
}

/// The paths that clients use get what the client sent, with the address the proxy knows.
#[track_caller]
fn asks_for_the_client_on_published_paths(samehand: &Scripted, proxy: &Proxy) {
    for path in ["/login", "/logout", "/renew", "/account", "/whoami", "/.well-known/jwks.json"] {
        let request =
            CLAIMS.iter().fold(noisy_request(path), |request, (name, _)| request.header(name, "203.0.113.66"));
        assert_eq!(ask(CLIENT, &proxy.address, &request).status, 200, "{path}");
        let question = samehand.last_question();
        assert!(question[0].starts_with(&format!("POST {path}")), "{question:#?}");
        for (name, expected) in [
            ("x-forwarded-for", "127.0.0.7"),
            ("authorization", "Bearer a-token"),
            ("cookie", "one=1; two=2"),
            ("user-agent", CHROME),
            ("accept", "text/html"),
        ] {
            assert_eq!(values(&question, name), [expected], "{name} in {question:#?}");
        }
        if ["/login", "/logout", "/renew", "/account"].contains(&path) {
            assert_eq!(values(&question, "content-length"), ["11"], "{question:#?}");
            assert_eq!(values(&question, "content-type"), ["text/plain"], "{question:#?}");
            assert_eq!(values(&question, "origin"), ["https://elsewhere.example.com"], "{question:#?}");
        }
        // Traefik passes on as it comes what samehand does not read.
        let is_read = |line: &str| proxy.kind != Kind::Traefik || BELIEVED.contains(&split(line).0.as_str());
        let believed =
            |line: &&String| (line.contains("203.0.113.66") || line.contains("forged")) && is_read(line.as_str());
        assert_eq!(question[1..].iter().find(believed), None, "{question:#?}");
    }
}

/// A request with everything that samehand reads and much that it does not.
fn noisy_request(target: &str) -> Request {
    Request::post(target, "hello world")
        .header("Authorization", "Bearer a-token")
        .header("Cookie", "one=1; two=2")
        .header("User-Agent", CHROME)
        .header("Accept", "text/html")
        .header("Sec-Fetch-Mode", "navigate")
        .header("Sec-Fetch-Site", "same-origin")
        .header("Sec-Fetch-Dest", "document")
        .header("X-Requested-With", "XMLHttpRequest")
        .header("X-Request-Id", "a-request")
        .header("Content-Type", "text/plain")
        .header("Origin", "https://elsewhere.example.com")
        .header("Range", "bytes=0-1")
        .header("If-None-Match", "\"x\"")
        .header("Expect", "100-continue")
        .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        .header("Sec-WebSocket-Version", "13")
        .header("X-Noise", "noise")
        .header("Forwarded", "for=203.0.113.66")
        .header("X-Original-URL", "/forged")
        .header("X-Client-IP", "203.0.113.66")
        .header("X-Forwarded-Uri", "/forged")
        .header("Remote-User", "forged")
}

/// samehand's answer about alice, with these groups instead of hers when there are any.
fn allow(groups: &str) -> String {
    let identity = ALICE.map(|(name, value)| match name {
        "Remote-Groups" if !groups.is_empty() => format!("{name}: {groups}\r\n"),
        _ => format!("{name}: {value}\r\n"),
    });
    format!("HTTP/1.1 200 OK\r\nCache-Control: no-store\r\n{}Content-Length: 0\r\n\r\n", identity.concat())
}

/// All values of this name, in order.
fn values<'question>(question: &'question [String], name: &str) -> Vec<&'question str> {
    question[1..].iter().map(|line| split(line)).filter(|(own, _)| own == name).map(|(_, value)| value).collect()
}

fn split(line: &str) -> (String, &str) {
    let (name, value) = line.split_once(':').expect("a header line");
    (name.to_ascii_lowercase(), value.trim())
}
