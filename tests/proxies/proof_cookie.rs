//! The proof cookie through each proxy: given, asked for, kept and taken away.

use serde_json::json;

use super::world::CHROME;
use crate::support::{
    CLIENT, THIEF,
    backend::Backend,
    caddy,
    client::{Reply, Request, ask},
    nginx,
    samehand::{PASSWORD, Samehand},
    shipped::{Place, Proxy},
    traefik,
};

const SETTINGS: [(&str, &str); 2] = [("REQUIRE_SAME", "user-agent,cookie"), ("WATCH", "ip")];
const NAME: &str = "__Host-samehand-proof";

type Start = fn(&Samehand, &Backend) -> Proxy;

const PROXIES: [Start; 4] = [
    |samehand, application| nginx::start(Place::Edge, &samehand.unix, application.address),
    |samehand, application| traefik::start(Place::Edge, &samehand.tcp, application.address),
    |samehand, application| traefik::start_with_labels(&samehand.tcp, application.address),
    |samehand, application| caddy::start(Place::Edge, &samehand.tcp, application.address),
];

/// The value of the one proof cookie that an answer sets, and its attributes.
#[track_caller]
fn proof_of(reply: &Reply) -> (String, Vec<String>) {
    let [line] = reply.all("Set-Cookie")[..] else { panic!("not one cookie: {reply:?}") };
    let mut parts = line.split("; ").map(str::to_owned);
    let pair = parts.next().expect("a pair");
    let value = pair.strip_prefix(&format!("{NAME}=")).unwrap_or_else(|| panic!("{line}")).to_owned();
    let mut attributes: Vec<String> = parts.filter(|part| !part.starts_with("Max-Age=")).collect();
    attributes.sort_unstable();
    (value, attributes)
}

#[test]
fn it_is_given_asked_for_kept_and_taken_away() {
    for start in PROXIES {
        let samehand = Samehand::start(&SETTINGS);
        samehand.add_user("alice", &[]);
        let application = Backend::start();
        let proxy = start(&samehand, &application);
        let kind = proxy.kind;
        let send = |from, request: Request| ask(from, &proxy.address, &request.header("User-Agent", CHROME));
        let body = json!({ "username": "alice", "password": PASSWORD }).to_string();
        let reply = send(CLIENT, Request::post("/login", body).header("Content-Type", "application/json"));
        let (secret, attributes) = proof_of(&reply);
        assert_eq!(attributes, ["HttpOnly", "Path=/", "SameSite=Strict", "Secure"], "{kind:?}");
        let token = reply.json()["token"].as_str().unwrap_or_else(|| panic!("no token: {reply:?}")).to_owned();
        let with = |request: Request| request.bearer(&token).header("Cookie", format!("a=b; {NAME}={secret}; c=d"));

        let before = application.seen().requests;
        assert_eq!(send(CLIENT, Request::get("/page").bearer(&token)).status, 403, "{kind:?}: the token alone");
        assert_eq!(application.seen().requests, before, "{kind:?}");
        // From another address too, which is only watched.
        for from in [CLIENT, THIEF] {
            assert_eq!(send(from, with(Request::get("/page"))).status, 200, "{kind:?} from {from}");
        }
        assert_eq!(application.seen().requests, before + 2, "{kind:?}");

        assert_eq!(send(CLIENT, Request::post("/renew", "").bearer(&token)).status, 403, "{kind:?}");
        let renewed = send(CLIENT, with(Request::post("/renew", "")));
        assert_eq!((renewed.status, proof_of(&renewed).0), (200, secret.clone()), "{kind:?}: {renewed:?}");
        let out = send(CLIENT, with(Request::post("/logout", "")));
        assert_eq!((out.status, proof_of(&out)), (204, (String::new(), attributes)), "{kind:?}: {out:?}");
        assert_eq!(send(CLIENT, with(Request::get("/page"))).status, 401, "{kind:?}");
    }
}
