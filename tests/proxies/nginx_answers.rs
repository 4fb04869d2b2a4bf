//! What nginx makes of samehand's answers and of the client's host, byte for byte.

use super::world::CHROME;
use crate::support::{
    CLIENT,
    backend::Backend,
    client::{Connection, Request, ask},
    nginx,
    samehand::Samehand,
    scripted::Scripted,
    shipped::{Place, tcp},
};

const NOBODY: &str = "Content-Length: 0\r\n\r\n";

#[test]
fn what_a_401_says_reaches_the_client() {
    let challenge = r#"Bearer realm="samehand""#;
    for (kind, body, policy) in [
        (
            "application/json",
            r#"{"error":"signed_out","error_description":"Sign in at https://auth.example.com/login."}"#,
            "",
        ),
        (
            "text/html; charset=utf-8",
            "<!doctype html><title>Your session has ended</title> <p>$1 {x}</p>",
            "default-src 'none'",
        ),
    ] {
        let samehand = Scripted::on_unix(&format!(
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {challenge}\r\nContent-Type: {kind}\r\nSamehand-Body: {body}\r\n\
             Content-Security-Policy: {policy}\r\nCache-Control: no-store\r\n{NOBODY}"
        ));
        let application = Backend::start();
        let proxy = nginx::start(Place::Edge, &samehand.address, application.address);
        for request in [Request::get("/"), Request::post("/form", "a=b")] {
            let reply = ask(CLIENT, &proxy.address, &request);
            assert_eq!((reply.status, String::from_utf8_lossy(&reply.body).as_ref()), (401, body), "{reply:?}");
            for (name, expected) in [
                ("Content-Type", kind),
                ("WWW-Authenticate", challenge),
                ("Cache-Control", "no-store"),
                ("X-Content-Type-Options", "nosniff"),
            ] {
                assert_eq!(reply.all(name), [expected], "{reply:?}");
            }
            assert_eq!(reply.header("Content-Security-Policy").unwrap_or_default(), policy, "{reply:?}");
            assert!(reply.all("Samehand-Body").is_empty(), "{reply:?}");
        }
        assert_eq!(application.seen().requests, 0);
    }
}

#[test]
fn a_form_a_frame_and_a_script_are_told_that_the_session_has_ended() {
    let samehand = Samehand::start(&[("PUBLIC_URL", "https://auth.example.com")]);
    let application = Backend::start();
    let proxy = nginx::start(Place::Edge, &samehand.unix, application.address);
    let page = |request: Request| request.header("Sec-Fetch-Mode", "navigate").header("Accept", "text/html");
    for (request, kind, says) in [
        (page(Request::post("/form", "a=b")), "text/html; charset=utf-8", "session has ended"),
        (page(Request::get("/")).header("Sec-Fetch-Dest", "iframe"), "text/html; charset=utf-8", "session has ended"),
        (
            Request::post("/api", "{}").header("Content-Type", "application/json"),
            "application/json",
            "{\"error\":\"signed_out\"",
        ),
    ] {
        let reply = ask(CLIENT, &proxy.address, &request.header("User-Agent", CHROME));
        let body = String::from_utf8_lossy(&reply.body).into_owned();
        assert_eq!((reply.status, reply.header("Content-Type")), (401, Some(kind)), "{reply:?}");
        assert!(body.contains(says), "{reply:?}");
    }
    assert_eq!(application.seen().requests, 0);
}

#[test]
fn an_answer_with_a_fresh_cookie_is_private_whatever_the_application_says() {
    let application = Scripted::on_tcp(
        "HTTP/1.1 200 OK\r\nCache-Control: public, max-age=86400\r\nExpires: Fri, 01 Jan 2100 00:00:00 GMT\r\n\
         CDN-Cache-Control: max-age=86400\r\nContent-Length: 0\r\n\r\n",
    );
    for (cookie, cache, cdn) in [
        ("", vec!["public, max-age=86400"], vec!["max-age=86400"]),
        (
            "Set-Cookie: __Secure-samehand=fresh; Path=/\r\n",
            vec!["public, max-age=86400", "private, no-store"],
            vec!["max-age=86400", "private, no-store"],
        ),
    ] {
        let samehand = Scripted::on_unix(&format!("HTTP/1.1 200 OK\r\nRemote-User: alice\r\n{cookie}{NOBODY}"));
        let proxy = nginx::start(Place::Edge, &samehand.address, tcp(&application.address));
        let reply = ask(CLIENT, &proxy.address, &Request::get("/logo.svg"));
        assert_eq!((reply.status, reply.all("Set-Cookie").is_empty()), (200, cookie.is_empty()), "{reply:?}");
        assert_eq!((reply.all("Cache-Control"), reply.all("CDN-Cache-Control")), (cache, cdn), "{reply:?}");
    }
}

#[test]
fn a_cache_in_front_keeps_no_answer_with_a_fresh_cookie() {
    let application =
        Scripted::on_tcp("HTTP/1.1 200 OK\r\nCache-Control: public, max-age=86400\r\nContent-Length: 0\r\n\r\n");
    // Told to pass over the cookie, as people tell it who want to cache more.
    for (cookie, asked) in [("", 1), ("Set-Cookie: __Secure-samehand=fresh; Path=/\r\n", 2)] {
        let samehand = Scripted::on_unix(&format!("HTTP/1.1 200 OK\r\nRemote-User: alice\r\n{cookie}{NOBODY}"));
        let proxy = nginx::start(Place::Edge, &samehand.address, tcp(&application.address));
        let front = nginx::start_cache(tcp(&proxy.address));
        for _ in 0..2 {
            assert_eq!(ask(CLIENT, &front.address, &Request::get("/logo.svg")).status, 200);
        }
        assert_eq!(samehand.questions(), asked, "{cookie:?}");
    }
}

#[test]
fn samehand_and_the_application_are_told_the_host_with_the_port_that_the_client_wrote() {
    let samehand = Scripted::on_unix(&format!("HTTP/1.1 200 OK\r\nRemote-User: alice\r\n{NOBODY}"));
    let application = Backend::start();
    let proxy = nginx::start(Place::Edge, &samehand.address, application.address);
    for (line, host, told) in [
        ("GET / HTTP/1.1", "Host: app.example.com\r\n", "app.example.com"),
        ("GET / HTTP/1.1", "Host: app.example.com:5001\r\n", "app.example.com:5001"),
        ("GET / HTTP/1.1", "Host: App.Example.com:5001\r\n", "app.example.com:5001"),
        ("GET / HTTP/1.1", "Host: app.example.com.:5001\r\n", "app.example.com:5001"),
        ("GET / HTTP/1.1", "Host: 127.0.0.1:5001\r\n", "127.0.0.1:5001"),
        ("GET / HTTP/1.1", "Host: [::1]:5001\r\n", "[::1]:5001"),
        // The host of the request line counts, and the other's port is not its own.
        ("GET http://app.example.com/ HTTP/1.1", "Host: other.example.com:5001\r\n", "app.example.com"),
        ("GET http://app.example.com:5001/ HTTP/1.1", "Host: app.example.com:5001\r\n", "app.example.com:5001"),
        // Without a host nginx says what the server is called.
        ("GET / HTTP/1.0", "", "app.example.com"),
    ] {
        let mut connection = Connection::open(CLIENT, &proxy.address);
        connection.send(format!("{line}\r\n{host}\r\n").as_bytes());
        let reply = connection.reply(false).expect("an answer");
        assert_eq!(reply.status, 200, "{line} {host}: {reply:?}");
        let question = samehand.last_question();
        let asked: Vec<&str> = question.iter().filter_map(|line| line.strip_prefix("X-Forwarded-Host: ")).collect();
        assert_eq!(asked, [told], "{line} {host}");
        let seen = application.seen();
        assert_eq!((seen.all("Host"), seen.all("X-Forwarded-Host")), (vec![told], vec![told]), "{line} {host}");
    }
    for odd in ["app.example.com:99999x", "app example", "app.example.com/evil", "a:1:2"] {
        let before = application.seen().requests;
        let reply = ask(CLIENT, &proxy.address, &Request::get("/").host(odd));
        let seen = application.seen();
        let is_clean = seen.requests == before || seen.all("Host") == ["app.example.com"] || seen.all("Host") == ["a"];
        assert!(reply.status == 400 || is_clean, "{odd}: {:?}", seen.headers());
    }
}
