//! What each shipped configuration hands over of a client's certificate: the one that the proxy verified, and nothing that
//! a client only claims.

use crate::{
    NAMES, authority,
    support::{
        CLIENT,
        authority::{Authority, Client, Greeting},
        backend::Backend,
        caddy,
        client::{Address, Request, ask, try_to_ask},
        nginx,
        scripted::Scripted,
        shipped::{Kind, Proxy, tcp},
        traefik,
    },
};
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use samehand::check::{certificate, thumbprint::Thumbprint};
use std::net::SocketAddr;

const ALLOW: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nRemote-User: alice\r\n\r\n";

/// A question about a page, and a path of samehand's own.
const TARGETS: [&str; 2] = ["/page", "/login"];

#[test]
fn nginx_hands_over_what_it_verified() {
    let samehand = Scripted::on_unix(ALLOW);
    only_what_was_verified(samehand, "X-Client-Cert", nginx::start_mtls);
}

#[test]
fn traefik_hands_over_what_it_verified() {
    only_what_was_verified(Scripted::on_tcp(ALLOW), "X-Forwarded-Tls-Client-Cert", traefik::start_mtls);
}

#[test]
fn caddy_hands_over_what_it_verified() {
    only_what_was_verified(Scripted::on_tcp(ALLOW), "X-Client-Cert", caddy::start_mtls);
}

/// A proxy that asks for client certificates, and who listens behind it.
struct Handshakes {
    authority: Authority,
    samehand: Scripted,
    application: Backend,
    proxy: Proxy,
    header: HeaderName,
}

#[track_caller]
fn only_what_was_verified(samehand: Scripted, header: &str, start: impl Fn(&Authority, &Address, SocketAddr) -> Proxy) {
    let authority = authority();
    let application = Backend::start();
    let proxy = start(&authority, &samehand.address, application.address);
    let header = header.parse().expect("a name");
    let hands = Handshakes { authority, samehand, application, proxy, header };

    let alice = hands.authority.client("alice");
    let bob = hands.authority.client("bob");
    hands.is_handed_over(&alice);
    hands.is_handed_over(&bob);
    let longer = hands.authority.client("with its chain");
    let thumbprint = longer.thumbprint();
    longer.also_sends(&hands.authority.certificate());
    hands.asks(&hands.greeting(Some(&longer)), Some(thumbprint), "the authority's certificate is sent too");
    hands.asks(&hands.greeting(None), None, "no certificate");

    hands.never_asks(&hands.authority.expired_client("old"), "an expired certificate");
    let elsewhere = Authority::new("DNS:elsewhere.example.com");
    hands.never_asks(&elsewhere.client("alice"), "a certificate of another authority");

    hands.claims_count_for_nothing(&alice, &bob);
}

impl Handshakes {
    fn greeting(&self, client: Option<&Client>) -> Greeting {
        self.authority.greeting(client)
    }

    fn address(&self, greeting: &Greeting) -> Address {
        Address::Tls(tcp(&self.proxy.address), greeting.clone())
    }

    /// In the first handshake, and in one that goes on with its session.
    #[track_caller]
    fn is_handed_over(&self, client: &Client) {
        let greeting = self.greeting(Some(client));
        for row in ["a whole handshake", "a resumed session"] {
            self.asks(&greeting, Some(client.thumbprint()), row);
        }
    }

    #[track_caller]
    fn asks(&self, greeting: &Greeting, expected: Option<Thumbprint>, row: &str) {
        for target in TARGETS {
            self.asks_with(greeting, Request::get(target), expected, &format!("{row}, {target}"));
        }
    }

    #[track_caller]
    fn asks_with(&self, greeting: &Greeting, request: Request, expected: Option<Thumbprint>, row: &str) {
        let before = self.samehand.questions();
        let reply = ask(CLIENT, &self.address(greeting), &request);
        assert_eq!((reply.status, self.samehand.questions()), (200, before + 1), "{row}: {reply:?}");
        let question = self.samehand.last_question();
        let mut headers = HeaderMap::new();
        for line in &question[1..] {
            let (name, value) = line.split_once(':').expect("a header line");
            let name: HeaderName = name.parse().expect("a name");
            headers.append(name, HeaderValue::from_bytes(value.trim().as_bytes()).expect("a value"));
        }
        assert_eq!(certificate::read(&headers, &self.header), Ok(expected), "{row}: {question:#?}");
    }

    /// samehand is not asked, and the application sees nothing.
    #[track_caller]
    fn never_asks(&self, client: &Client, row: &str) {
        let (questions, requests) = (self.samehand.questions(), self.application.seen().requests);
        let address = self.address(&self.greeting(Some(client)));
        match (self.proxy.kind, try_to_ask(CLIENT, &address, &Request::get("/page"))) {
            // nginx finishes the handshake and refuses the request.
            (Kind::Nginx, Ok(reply)) => assert_eq!(reply.status, 400, "{row}: {reply:?}"),
            (Kind::Traefik | Kind::Caddy, Err(_)) => {}
            (_, answer) => panic!("{row}: {answer:?}"),
        }
        assert_eq!((self.samehand.questions(), self.application.seen().requests), (questions, requests), "{row}");
    }

    /// Headers that a client writes: neither samehand nor the application is told another certificate.
    #[track_caller]
    fn claims_count_for_nothing(&self, own: &Client, other: &Client) {
        let claim: String = other.pem().lines().filter(|line| !line.starts_with('-')).collect();
        for (client, expected) in [(None, None), (Some(own), Some(own.thumbprint()))] {
            let greeting = self.greeting(client);
            for name in NAMES.iter().copied().chain(["Connection"]) {
                let value = if name == "Connection" { self.header.as_str() } else { claim.as_str() };
                for target in TARGETS {
                    let row = format!("{name} written by a client with {expected:?}, {target}");
                    let twice = Request::get(target).header(name, value).header(name, value);
                    self.asks_with(&greeting, twice, expected, &row);
                }
                let seen = self.application.seen();
                let told = seen.all(self.header.as_str());
                assert!(told.iter().all(|value| !value.contains(&claim)), "{name}: the application was told {told:?}");
            }
        }
    }
}
