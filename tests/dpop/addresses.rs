//! `htu`: one address in several spellings, and others, through each proxy; over TLS, and below a prefix.

use std::net::SocketAddr;

use crate::replays::given_out;
use crate::support::{
    CLIENT,
    authority::Authority,
    backend::Backend,
    caddy,
    client::{Address, Request, ask},
    nginx,
    prover::Prover,
    samehand::Samehand,
    shipped::{Proxy, tcp},
    traefik,
};
use crate::world::{PROGRAM, SITE, World};

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
    let with = |target: &str, host: &str, htu: &str| {
        let proof = world.prover.sign(&world.draft("GET", htu));
        let path = target.split('?').next().expect("a path");
        world.ask(path, Request::get(target).host(host).dpop(&world.token, &proof))
    };
    for spelling in SAME {
        let path = world.path();
        with(&path, "app.example.com", &spelling.replace("{path}", &path)).is_allowed(spelling);
    }
    for spelling in OTHER {
        let path = world.path();
        let outcome = with(&path, "app.example.com", &spelling.replace("{path}", &path));
        outcome.is_refused(spelling, "proof-invalid", "htu", "invalid_dpop_proof");
    }
    // What the client sent is normalised as well, and its query does not count.
    let path = world.path();
    with(&format!("{path}?a=b"), "app.example.com", &format!("{SITE}{path}")).is_allowed("with a query");
    let path = world.path();
    with(&path, "App.Example.COM:80", &format!("{SITE}{path}")).is_allowed("a host in capitals, with its port");
    // A port that the client knows, wherever it is mapped to.
    let path = world.path();
    with(&path, "app.example.com:8443", &format!("http://app.example.com:8443{path}")).is_allowed("another port");
    let path = world.path();
    let outcome = with(&path, "app.example.com:8443", &format!("{SITE}{path}"));
    outcome.is_refused("the port is missing", "proof-invalid", "htu", "invalid_dpop_proof");
    // Encoded characters, in whichever spelling a proxy passes them on: what needs no escape, and what has to stay one.
    for (sent, named) in
        [("/caf%c3%a9", "/caf%C3%A9"), ("/%7euser", "/~user"), ("/a/./b/../c", "/a/c"), ("/a%20b", "/a%20b")]
    {
        let path = world.path();
        let proof = world.prover.sign(&world.draft("GET", &format!("{SITE}{path}{named}")));
        let request = Request::get(&format!("{path}{sent}")).header("User-Agent", PROGRAM);
        let reply = ask(CLIENT, &world.proxy.address, &request.dpop(&world.token, &proof));
        assert_eq!(reply.status, 200, "{sent} as {named}: {reply:?}");
    }
    let path = world.path();
    let proof = world.prover.sign(&world.draft("GET", &format!("{SITE}{path}/caf%C3%AA")));
    let request = Request::get(&format!("{path}/caf%C3%A9")).header("User-Agent", PROGRAM);
    let reply = ask(CLIENT, &world.proxy.address, &request.dpop(&world.token, &proof));
    assert_eq!(reply.status, 401, "another character: {reply:?}");
}

#[test]
fn below_a_prefix_the_address_is_the_one_that_the_client_knows() {
    type Start = fn(&Address, SocketAddr) -> Proxy;
    let starts: [Start; 3] = [nginx::start_below_prefix, traefik::start_below_prefix, caddy::start_below_prefix];
    for start in starts {
        let world = World::start(|samehand, application| start(&samehand.tcp, application));
        let ask = |htu: &str| {
            let path = format!("/app{}", world.path());
            let proof = world.prover.sign(&world.draft("GET", &htu.replace("{path}", &path)));
            let outcome = world.ask(&path, Request::get(&path).dpop(&world.token, &proof));
            (outcome, path)
        };
        let (outcome, path) = ask("http://app.example.com{path}");
        outcome.is_allowed("with the prefix");
        assert_eq!(world.application.seen().target(), path.trim_start_matches("/app"), "{:?}", world.proxy.kind);
        ask("http://app.example.com/x{path}").0.is_refused("another", "proof-invalid", "htu", "invalid_dpop_proof");
        let path = format!("/app{}", world.path());
        let htu = format!("{SITE}{}", path.trim_start_matches("/app"));
        let proof = world.prover.sign(&world.draft("GET", &htu));
        let outcome = world.ask(&path, Request::get(&path).dpop(&world.token, &proof));
        outcome.is_refused("without the prefix", "proof-invalid", "htu", "invalid_dpop_proof");
    }
}

#[test]
fn behind_tls_the_address_is_an_https_one() {
    let authority = Authority::new("DNS:app.example.com");
    type Start = fn(&Authority, &Address, SocketAddr) -> Proxy;
    let starts: [Start; 3] = [nginx::start_https, traefik::start_https, caddy::start_https];
    for start in starts {
        let samehand = Samehand::start(&[("REQUIRE_SAME", "user-agent")]);
        let application = Backend::start();
        let proxy = start(&authority, &samehand.tcp, application.address);
        let prover = Prover::new();
        let (token, nonce) = given_out(&samehand, &prover);
        for (row, (htu, reason)) in [
            ("https://app.example.com{path}", "ok"),
            ("https://app.example.com:443{path}", "ok"),
            ("HTTPS://APP.EXAMPLE.COM{path}?q#f", "ok"),
            ("http://app.example.com{path}", "proof-invalid"),
            ("http://app.example.com:443{path}", "proof-invalid"),
            ("https://app.example.com:80{path}", "proof-invalid"),
            ("https://app.example.com:8443{path}", "proof-invalid"),
        ]
        .into_iter()
        .enumerate()
        {
            let path = format!("/page/{row}");
            let draft = prover.draft("GET", &htu.replace("{path}", &path)).with_token(&token);
            let proof = prover.sign(&draft.with("nonce", nonce.as_str()));
            let request = Request::get(&path).header("User-Agent", PROGRAM).dpop(&token, &proof);
            authority.ask(tcp(&proxy.address), &request).expect("an answer over TLS");
            let decision = samehand.decision_about_path(&path);
            assert_eq!(decision.field("reason"), reason, "{:?} {htu}: {decision:?}", proxy.kind);
        }
    }
}
