//! The store over TLS: who is believed, and what is said when somebody is not.

use super::address;
use crate::conformance::{name, now, run, token, user};
use crate::support::authority::Authority;
use crate::support::process::free_address;
use crate::support::valkey::{DURABLE, PASSWORD_IN_URL, Program, Server};
use samehand::store::{self, Access, StoreError};
use std::net::SocketAddr;

/// A server with the certificate of this authority, and where it speaks TLS.
fn start(authority: &Authority) -> (Server, SocketAddr) {
    let address = free_address();
    let [certificate, key] =
        [authority.server_certificate(), authority.server_key()].map(|path| path.display().to_string());
    let port = address.port().to_string();
    let tls =
        ["--tls-port", &port, "--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-auth-clients", "no"];
    (Server::start_with(Program::Redis, &[&DURABLE[..], &tls].concat()), address)
}

fn url(host: &str, server: SocketAddr, query: &str) -> String {
    format!("rediss://:{PASSWORD_IN_URL}@{host}:{}{query}", server.port())
}

fn believing(authority: &Authority) -> String {
    format!("?tls-ca={}", authority.certificate().display())
}

#[test]
fn a_server_is_believed_by_the_authority_that_the_url_names() {
    run(async {
        let authority = Authority::new("IP:127.0.0.1");
        let (_server, tls) = start(&authority);
        let url = url("127.0.0.1", tls, &believing(&authority));
        let store = store::open(&address(&url), Access::Create).await.unwrap();
        assert!(store.place().starts_with("rediss://:***@127.0.0.1"), "{}", store.place());
        store.add_users(&[user("bob")]).await.unwrap();
        assert_eq!(store.user(&name("bob")).await.unwrap(), Some(user("bob")));
        let mut news = store.subscribe().await.unwrap();
        let now = now(&*store).await;
        store.revoke(&[token("x", now)]).await.unwrap();
        news.next().await.unwrap();
    });
}

#[test]
fn who_is_not_believed_is_refused_with_what_to_write() {
    run(async {
        let (authority, other) = (Authority::new("IP:127.0.0.1"), Authority::new("IP:127.0.0.1"));
        let (server, tls) = start(&authority);
        for (url, fragment) in [
            // Somebody else's authority; the system's; the right one, but the certificate is for another name.
            (url("127.0.0.1", tls, &believing(&other)), "?tls-ca=/PATH"),
            (url("127.0.0.1", tls, ""), "?tls-ca=/PATH"),
            (url("localhost", tls, &believing(&authority)), "the host as the certificate does"),
            (url("127.0.0.1", tls, "?tls-ca=/nowhere/ca.pem"), "/nowhere/ca.pem"),
        ] {
            let refused = store::open(&address(&url), Access::Create).await.err().expect(&url);
            assert!(matches!(refused, StoreError::Refused { .. }), "{url}: {refused}");
            assert!(refused.to_string().contains(fragment), "{url}: {refused}");
            assert!(!refused.to_string().contains(PASSWORD_IN_URL), "{refused}");
        }
        assert_eq!(server.ask::<u64>(&["DBSIZE"]), 0);
    });
}

#[test]
fn what_speaks_no_tls_where_tls_is_asked_for_is_no_store_and_the_other_way_round() {
    run(async {
        let authority = Authority::new("IP:127.0.0.1");
        let (server, tls) = start(&authority);
        let plain = format!("redis://:{PASSWORD_IN_URL}@{tls}");
        for url in [url("127.0.0.1", server.address(), &believing(&authority)), plain] {
            assert!(store::open(&address(&url), Access::Create).await.is_err(), "{url}");
        }
    });
}
