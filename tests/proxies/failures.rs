//! When samehand cannot decide, is away, or talks nonsense: closed, and the client is told that it was not its fault.

use std::thread;

use crate::support::{
    CLIENT,
    backend::Backend,
    caddy,
    client::{Address, Reply, Request, ask},
    nginx,
    process::free_address,
    scripted::Scripted,
    shipped::{Kind, Place},
    traefik,
};

#[test]
fn an_undecided_request_is_to_be_tried_again_later() {
    let answer =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nCache-Control: no-store\r\nContent-Length: 0\r\n\r\n";
    behind_every_proxy(answer, |kind, reply| {
        assert_eq!(reply.status, 503, "{kind:?}: {reply:?}");
        assert_eq!(reply.all("Retry-After"), ["7"], "{kind:?}");
        assert_eq!(reply.all("Cache-Control"), ["no-store"], "{kind:?}");
    });
}

#[test]
fn the_challenge_of_a_401_arrives() {
    let challenge = r#"Bearer realm="samehand", error="invalid_token""#;
    let answer = format!("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: {challenge}\r\nContent-Length: 0\r\n\r\n");
    behind_every_proxy(&answer, |kind, reply| {
        assert_eq!(reply.status, 401, "{kind:?}: {reply:?}");
        assert_eq!(reply.all("WWW-Authenticate"), [challenge], "{kind:?}");
    });
}

#[test]
fn a_403_arrives() {
    behind_every_proxy("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", |kind, reply| {
        assert_eq!(reply.status, 403, "{kind:?}: {reply:?}");
    });
}

#[test]
fn an_answer_that_no_proxy_expects_opens_nothing() {
    for status in ["302 Found", "400 Bad Request", "404 Not Found", "418 Teapot", "429 Slow Down", "500 Oops"] {
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        let code: u16 = status[..3].parse().expect("a status");
        behind_every_proxy(&answer, |kind, reply| match kind {
            // nginx knows 2xx, 401 and 403; the rest is a failure to it.
            Kind::Nginx => {
                assert_eq!((reply.status, reply.header("Retry-After")), (503, Some("5")), "{status}: {reply:?}")
            }
            Kind::Traefik | Kind::Caddy => {
                assert_eq!(reply.status, code, "{kind:?}, {status}: {reply:?}")
            }
        });
    }
}

#[test]
fn nonsense_opens_nothing() {
    for answer in ["nonsense\r\n\r\n", "\r\n", "HTTP/1.1 2OO OK\r\n\r\n"] {
        behind_every_proxy(answer, |kind, reply| {
            assert!((500..=599).contains(&reply.status), "{kind:?}, {answer:?}: {reply:?}");
        });
    }
}

#[test]
fn a_samehand_that_is_away_opens_nothing() {
    let application = Backend::start();
    let nobody = Address::Tcp(free_address());
    for proxy in [
        nginx::start(Place::Edge, &nobody, application.address),
        traefik::start(Place::Edge, &nobody, application.address),
        caddy::start(Place::Edge, &nobody, application.address),
    ] {
        let reply = ask(CLIENT, &proxy.address, &Request::get("/").bearer("a-token"));
        assert!((500..=599).contains(&reply.status), "{:?}: {reply:?}", proxy.kind);
        if proxy.kind == Kind::Nginx {
            assert_eq!((reply.status, reply.header("Retry-After")), (503, Some("5")));
        }
    }
    assert_eq!(application.seen().requests, 0);
}

#[test]
fn a_samehand_that_hangs_does_not_hang_everybody() {
    // Traefik waits half a minute, and cannot be told otherwise.
    let application = Backend::start();
    let (over_unix, over_tcp) = (Scripted::on_unix(""), Scripted::on_tcp(""));
    let nginx = nginx::start(Place::Edge, &over_unix.address, application.address);
    let caddy = caddy::start(Place::Edge, &over_tcp.address, application.address);
    thread::scope(|scope| {
        for (proxy, status) in [(&nginx, 503), (&caddy, 504)] {
            scope.spawn(move || assert_eq!(ask(CLIENT, &proxy.address, &Request::get("/")).status, status));
        }
    });
    assert_eq!(application.seen().requests, 0);
}

/// Sends one request through every proxy, with this for samehand's answer, and holds that the application never saw it.
#[track_caller]
fn behind_every_proxy(answer: &str, check: impl Fn(Kind, Reply)) {
    let application = Backend::start();
    let (over_unix, over_tcp) = (Scripted::on_unix(answer), Scripted::on_tcp(answer));
    for proxy in [
        nginx::start(Place::Edge, &over_unix.address, application.address),
        traefik::start(Place::Edge, &over_tcp.address, application.address),
        caddy::start(Place::Edge, &over_tcp.address, application.address),
    ] {
        let request = Request::get("/").bearer("a-token").header("Remote-User", "forged");
        check(proxy.kind, ask(CLIENT, &proxy.address, &request));
        assert_eq!(application.seen().requests, 0, "{:?}: the application saw the request", proxy.kind);
    }
}
