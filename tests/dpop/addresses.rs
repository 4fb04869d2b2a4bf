//! `htu`: one address in several spellings, and others, through each proxy; over TLS, and below a prefix.

use crate::support::{client::Request, shipped::Kind};
use crate::world::{SITE, World};

/// `htu` for the same request: for the path as the client sent it.
const SAME: [&str; 9] = [
    "http://app.example.com{path}",
    "HTTP://APP.example.com{path}",
    "http://app.example.com:80{path}",
    "http://app.example.com:{path}",
    "http://app.example.com.{path}",
    "http://app.example.com{path}?another=query",
    "http://app.example.com{path}#fragment",
    "http://app.example.com/x/..{path}",
    "http://app.example.com/.{path}",
];

const OTHER: [&str; 9] = [
    "https://app.example.com{path}",
    "http://app.example.com:8080{path}",
    "http://api.example.com{path}",
    "http://app.example.com.evil.example{path}",
    "http://app.example.com{path}/",
    "http://app.example.com{path}%2F",
    "http://app.example.com/x{path}",
    "{path}",
    "http://app.example.com@evil.example{path}",
];

pub(crate) fn an_address_counts_and_not_how_it_is_written(world: &World) {
    let ask = |target: &str, host: &str, htu: &str| {
        let proof = world.prover.sign(&world.draft("GET", htu));
        let path = target.split('?').next().expect("a path");
        world.ask(path, Request::get(target).host(host).dpop(&world.token, &proof))
    };
    for spelling in SAME {
        let path = world.path();
        ask(&path, "app.example.com", &spelling.replace("{path}", &path)).is_allowed(spelling);
    }
    for spelling in OTHER {
        let path = world.path();
        let outcome = ask(&path, "app.example.com", &spelling.replace("{path}", &path));
        outcome.is_refused(spelling, "proof-invalid", "htu", "invalid_dpop_proof");
    }
    // What the client sent is normalised as well, and its query does not count.
    let path = world.path();
    ask(&format!("{path}?a=b"), "app.example.com", &format!("{SITE}{path}")).is_allowed("with a query");
    let path = world.path();
    ask(&path, "App.Example.COM:80", &format!("{SITE}{path}")).is_allowed("a host in capitals, with its port");
    // A port that the client knows, wherever it is mapped to.
    let path = world.path();
    ask(&path, "app.example.com:8443", &format!("http://app.example.com:8443{path}")).is_allowed("another port");
    let path = world.path();
    let outcome = ask(&path, "app.example.com:8443", &format!("{SITE}{path}"));
    outcome.is_refused("the port is missing", "proof-invalid", "htu", "invalid_dpop_proof");
    // Encoded characters: what needs no escape, and what is no slash.
    let path = format!("{}/caf%c3%a9/%7euser", world.path());
    let htu = format!("{SITE}{}", path.replace("%c3%a9", "%C3%A9").replace("%7e", "~"));
    let asked = if world.proxy.kind == Kind::Traefik { path.replace("%7e", "~") } else { path.clone() };
    let proof = world.prover.sign(&world.draft("GET", &htu));
    let before = world.application.seen().requests;
    let reply = crate::support::client::ask(
        crate::support::CLIENT,
        &world.proxy.address,
        &Request::get(&path).header("User-Agent", crate::world::PROGRAM).dpop(&world.token, &proof),
    );
    assert_eq!(reply.status, 200, "{asked}: {reply:?}");
    assert!(world.application.seen().requests > before);
}
