//! Fresh cookies on their way from samehand to the browser, beside those of the application; and what a browser gets when
//! samehand cannot say whether a session lives.

use std::time::{Duration, Instant};

use serde_json::json;

use super::world::CHROME;
use crate::support::{
    CLIENT, THIEF,
    backend::Backend,
    caddy,
    client::{Reply, Request, ask},
    nginx,
    samehand::{PASSWORD, SECRET, Samehand},
    scripted::Scripted,
    shipped::{Kind, Place, Proxy, tcp},
    token::Token,
    traefik,
    waiting::until,
};

/// Not 200, so that it shows whether a cookie gets lost with an error of the application.
const ANSWER: &str = "HTTP/1.1 404 Not Found\r\nSet-Cookie: theme=dark; Path=/; HttpOnly\r\nSet-Cookie: lang=eo; Max-Age=60; Priority=High\r\n\
                      Content-Length: 0\r\n\r\n";
const OF_THE_APPLICATION: [&str; 2] = ["theme=dark; Path=/; HttpOnly", "lang=eo; Max-Age=60; Priority=High"];
const PATIENCE: Duration = Duration::from_secs(120);

type Start = fn(&Samehand, &Scripted) -> Proxy;

fn address(application: &Scripted) -> std::net::SocketAddr {
    tcp(&application.address)
}

const NGINX: Start = |samehand, application| nginx::start(Place::Edge, &samehand.unix, address(application));
const TRAEFIK: Start = |samehand, application| traefik::start(Place::Edge, &samehand.tcp, address(application));
const TRAEFIK_LABELS: Start = |samehand, application| traefik::start_with_labels(&samehand.tcp, address(application));
const CADDY: Start = |samehand, application| caddy::start(Place::Edge, &samehand.tcp, address(application));

#[test]
fn through_nginx() {
    every_cookie_arrives(NGINX, &[]);
}

#[test]
fn through_traefik_with_the_file_provider() {
    every_cookie_arrives(TRAEFIK, &[]);
}

#[test]
fn through_traefik_with_the_labels_of_the_compose_file() {
    every_cookie_arrives(TRAEFIK_LABELS, &[]);
}

#[test]
fn through_caddy() {
    every_cookie_arrives(CADDY, &[]);
}

#[test]
fn under_each_name_that_samehand_gives_it() {
    for start in [NGINX, TRAEFIK, TRAEFIK_LABELS, CADDY] {
        every_cookie_arrives(start, &[("PUBLIC_URL", "https://auth.example.com")]);
        every_cookie_arrives(start, &[("PUBLIC_URL", "http://app.localhost")]);
    }
}

/// Traefik writes the cookies of an answer anew that a fresh one of ours is put to, with the attributes that it knows.
fn without_priority(line: &str) -> &str {
    line.trim_end_matches("; Priority=High")
}

#[track_caller]
fn every_cookie_arrives(start: Start, settings: &[(&str, &str)]) {
    let samehand = Samehand::start(&[&[("TOKEN_TTL", "1s")], settings].concat());
    samehand.add_user("alice", &[]);
    let application = Scripted::on_tcp(ANSWER);
    let proxy = start(&samehand, &application);
    let row = format!("{:?} {settings:?}", proxy.kind);
    let (name, attributes) = match settings {
        [] => ("__Host-samehand", &["HttpOnly", "Path=/", "SameSite=Lax", "Secure"][..]),
        [(_, "https://auth.example.com")] => {
            ("__Secure-samehand", &["Domain=example.com", "HttpOnly", "Path=/", "SameSite=Lax", "Secure"][..])
        }
        _ => ("samehand", &["Domain=app.localhost", "HttpOnly", "Path=/", "SameSite=Lax"][..]),
    };
    let token = sign_in(&samehand);
    let cookie = format!("a=b; {name}={token}");
    // A host that gets the cookie.
    let host = if name == "samehand" { "app.localhost" } else { "app.example.com" };
    let page = |from| ask(from, &proxy.address, &navigation().host(host).header("Cookie", cookie.as_str()));
    let script = || {
        let request = Request::get("/data").header("User-Agent", CHROME).header("Sec-Fetch-Mode", "cors");
        ask(CLIENT, &proxy.address, &request.header("Cookie", cookie.as_str()))
    };
    until(Instant::now(), PATIENCE, "the token expires", || {
        let reply = script();
        // While it is good, the application's cookies are all there is, unless it is about to end.
        let own = reply.all("Set-Cookie").into_iter().filter(|line| !line.starts_with(name));
        let own: Vec<&str> = own.map(without_priority).collect();
        let expected = OF_THE_APPLICATION.map(without_priority);
        assert_eq!(own, if reply.status == 404 { &expected[..] } else { &[] }, "{row}");
        reply.status == 401
    });

    let reply = page(CLIENT);
    assert_eq!(reply.status, 404, "{row}: the application answers: {reply:?}");
    let (ours, others): (Vec<&str>, Vec<&str>) =
        reply.all("Set-Cookie").into_iter().partition(|line| line.starts_with(&format!("{name}=")));
    let expected = OF_THE_APPLICATION.map(|line| match proxy.kind {
        Kind::Traefik => without_priority(line),
        Kind::Nginx | Kind::Caddy => line,
    });
    assert_eq!(others, expected, "{row}");
    let [ours] = ours[..] else { panic!("{row}: {reply:?}") };
    let mut parts: Vec<&str> = ours.split("; ").filter(|part| !part.starts_with("Max-Age=")).collect();
    let fresh = parts.remove(0).split_once('=').expect("a value").1;
    parts.sort_unstable();
    assert_eq!(parts, attributes, "{row}");
    assert!(ours.contains("; Max-Age=259"), "thirty days, less a moment: {ours}");
    assert_eq!(Token::parse(fresh).claims["sid"], Token::parse(&token).claims["sid"], "{row}");
    // The application heard who it is, and nothing of the cookie that is under way.
    let question = application.last_question();
    let told = |line: &str| question.iter().any(|own| own.eq_ignore_ascii_case(line));
    assert!(told("Remote-User: alice"), "{row}: {question:?}");
    assert!(!question.iter().any(|line| line.contains(fresh)), "{row}: {question:?}");

    // To the sign-in page, where there is one.
    let refused = if settings.is_empty() { 401 } else { 303 };
    let reply = page(THIEF);
    assert_eq!((reply.status, reply.all("Set-Cookie").len()), (refused, 0), "{row}: {reply:?}");

    // The store fails: whether the session lives cannot be said, and nobody is signed out by it.
    let connection = rusqlite::Connection::open(samehand.data().join("samehand.sqlite")).expect("the store");
    connection.busy_timeout(Duration::from_secs(5)).expect("a time");
    connection.execute("ALTER TABLE sessions RENAME TO gone", []).expect("another name");
    let reply = page(CLIENT);
    assert_eq!((reply.status, reply.all("Retry-After")), (503, vec!["5"]), "{row}: {reply:?}");
    assert_eq!((reply.header("Cache-Control"), reply.all("Set-Cookie").len()), (Some("no-store"), 0), "{row}");
}

#[test]
fn a_cookie_that_is_good_for_long_brings_no_line() {
    for start in [NGINX, TRAEFIK, CADDY] {
        let samehand = Samehand::start(&[]);
        samehand.add_user("alice", &[]);
        let application = Scripted::on_tcp(ANSWER);
        let proxy = start(&samehand, &application);
        let cookie = format!("__Host-samehand={}", sign_in(&samehand));
        let reply = ask(CLIENT, &proxy.address, &navigation().header("Cookie", cookie));
        assert_eq!(reply.all("Set-Cookie"), OF_THE_APPLICATION, "{:?}: {reply:?}", proxy.kind);
    }
}

#[test]
fn no_cookie_is_lost_on_a_web_socket() {
    let starts: [fn(&Samehand, &Backend) -> Proxy; 4] = [
        |samehand, application| nginx::start(Place::Edge, &samehand.unix, application.address),
        |samehand, application| traefik::start(Place::Edge, &samehand.tcp, application.address),
        |samehand, application| traefik::start_with_labels(&samehand.tcp, application.address),
        |samehand, application| caddy::start(Place::Edge, &samehand.tcp, application.address),
    ];
    for start in starts {
        let samehand = Samehand::start(&[]);
        samehand.add_user("alice", &[]);
        let application = Backend::start();
        let proxy = start(&samehand, &application);
        let cookie = format!("__Host-samehand={}", in_its_last_third(&samehand));
        let asked = |request: Request| {
            let request = request.header("User-Agent", CHROME).header("Cookie", cookie.as_str());
            ask(CLIENT, &proxy.address, &request)
        };
        // As Chromium shakes hands: without Sec-Fetch-Mode.
        let reply = asked(
            Request::get("/ws")
                .header("Connection", "Upgrade")
                .header("Upgrade", "websocket")
                .header("Sec-WebSocket-Version", "13")
                .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        );
        let arrived = reply.all("Set-Cookie").len();
        assert_eq!(reply.status, 101, "{:?}: {reply:?}", proxy.kind);
        let reply = asked(Request::get("/data").header("Sec-Fetch-Mode", "cors").header("Sec-Fetch-Dest", "empty"));
        let afterwards = reply.all("Set-Cookie").len();
        assert_eq!(arrived + afterwards, 1, "{:?}: the fresh cookie arrives: {reply:?}", proxy.kind);
        if proxy.kind == Kind::Traefik {
            assert_eq!(afterwards, 1, "with the next answer that can carry it");
        }
    }
}

#[test]
fn no_shared_cache_keeps_an_answer_with_a_cookie() {
    const PUBLIC: &str = "HTTP/1.1 200 OK\r\nCache-Control: public, max-age=600\r\nSurrogate-Control: max-age=600\r\n\
                          CDN-Cache-Control: max-age=600\r\nContent-Length: 0\r\n\r\n";
    for start in [TRAEFIK, TRAEFIK_LABELS, CADDY] {
        let samehand = Samehand::start(&[]);
        samehand.add_user("alice", &[]);
        let application = Scripted::on_tcp(PUBLIC);
        let proxy = start(&samehand, &application);
        let (due, good) = (in_its_last_third(&samehand), sign_in(&samehand));
        let asked = |token: &str, destination| {
            let request = Request::get("/page").header("User-Agent", CHROME).header("Sec-Fetch-Dest", destination);
            let reply = ask(CLIENT, &proxy.address, &request.header("Cookie", format!("__Host-samehand={token}")));
            let told = ["Cache-Control", "Surrogate-Control", "CDN-Cache-Control"];
            let told = told.map(|name| reply.header(name).unwrap_or_default().to_owned());
            (reply.all("Set-Cookie").len(), told)
        };
        let of_the_application = ["public, max-age=600", "max-age=600", "max-age=600"].map(str::to_owned);
        for (token, destination) in [(&good, "document"), (&due, "script"), (&due, "image"), (&due, "style")] {
            assert_eq!(asked(token, destination), (0, of_the_application.clone()), "{:?} {destination}", proxy.kind);
        }
        let told = match proxy.kind {
            Kind::Caddy => ["private, no-store", "", ""].map(str::to_owned),
            // It cannot be told to: docs/traefik.md says so.
            Kind::Traefik | Kind::Nginx => of_the_application,
        };
        assert_eq!(asked(&due, "document"), (1, told), "{:?}", proxy.kind);
    }
}

/// A token of a session that is about to end.
#[track_caller]
fn in_its_last_third(samehand: &Samehand) -> String {
    let mut token = Token::parse(&sign_in(samehand));
    for time in ["iat", "exp"] {
        token.claims[time] = (token.claims[time].as_u64().expect("a time") - 6 * 60 * 60).into();
    }
    token.signed(SECRET)
}

fn navigation() -> Request {
    let request = Request::get("/page").header("User-Agent", CHROME).header("Sec-Fetch-Mode", "navigate");
    request.header("Accept", "text/html")
}

/// A token of a session, for the client with Chrome.
#[track_caller]
fn sign_in(samehand: &Samehand) -> String {
    let body = json!({ "username": "alice", "password": PASSWORD }).to_string();
    let request = Request::post("/login", body).header("Content-Type", "application/json");
    token_of(&ask(CLIENT, &samehand.tcp, &request.header("User-Agent", CHROME)))
}

#[track_caller]
fn token_of(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["token"].as_str().unwrap_or_else(|| panic!("no token: {reply:?}")).to_owned()
}
