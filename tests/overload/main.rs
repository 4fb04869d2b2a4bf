//! What somebody who reaches samehand can do to it with connections alone, and that everybody else is answered meanwhile:
//! the real samehand, and clients that misbehave.

#[path = "../support/mod.rs"]
mod support;

mod crowds;
mod limits;

use std::net::Ipv4Addr;
use support::{
    CLIENT,
    client::{Connection, Request},
    installation::Installation,
    samehand::Samehand,
};

/// Where the good proxy asks from.
const PROXY: Ipv4Addr = Ipv4Addr::LOCALHOST;
/// Where those ask from who mean no good; trusted like a proxy, so that nothing but their behaviour tells them.
const FLOOD: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 66);
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

/// A service that trusts both, started by this program if not directly, and a token of somebody.
#[track_caller]
fn service(wrapper: &[&str], settings: &[(&str, &str)]) -> (Samehand, String) {
    let mut installation = Installation::new(&[("TRUSTED_PROXIES", "127.0.0.1,127.0.0.66"), ("LOG", "info")]);
    installation.set(settings);
    installation.wrap_in(wrapper);
    let samehand = Samehand::serve(installation);
    samehand.add_user("alice", &[]);
    let token = samehand.mint("alice", CLIENT, FIREFOX);
    (samehand, token)
}

/// What the proxy asks about a request with this token.
fn question(token: &str) -> Request {
    Request::about_page(CLIENT, FIREFOX).bearer(token)
}

/// The answer is a good one, and the connection stays open.
#[track_caller]
fn assert_good(connection: &mut Connection, token: &str) {
    let reply = connection.ask(&question(token));
    assert_eq!((reply.status, reply.header("Remote-User")), (200, Some("alice")), "{reply:?}");
}
