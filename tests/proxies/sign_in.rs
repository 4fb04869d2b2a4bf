//! The paths of samehand that a proxy publishes, and those that it does not.

use serde_json::json;

use super::world::{CHROME, World};
use crate::support::{
    CLIENT, THIEF,
    client::{Reply, Request},
    samehand::{PASSWORD, field},
};

const PUBLISHED: [&str; 6] = ["/login", "/logout", "/renew", "/whoami", "/account", "/.well-known/jwks.json"];

const HIDDEN: [&str; 12] = [
    "/auth/nginx",
    "/auth/traefik",
    "/auth/caddy",
    "/auth/nginx/and/below",
    "/auth/",
    "/auth",
    "/auth/nginx?and=more",
    "/%61uth/nginx",
    "//auth/nginx",
    "/page/../auth/nginx",
    "/healthz",
    "/readyz",
];

/// Paths that are one thing to a proxy and could be another to samehand.
const TWO_FACED: [&str; 8] = [
    "/auth/nginx/../../login",
    "/auth/traefik/../../login",
    "/auth/caddy/../../whoami",
    "/login/../auth/nginx",
    "/login/..%2fauth%2fcaddy",
    "/whoami/%2e%2e/auth/traefik",
    "/login%0a",
    "/_samehand",
];

pub(crate) fn published_paths_reach_samehand_and_no_others(world: &World) {
    for path in PUBLISHED {
        let outcome = world.ask(CLIENT, world.good(Request::get(path)));
        assert!(outcome.seen.is_none(), "{path} went to the application");
        // Every answer of samehand says so, and none of a proxy does.
        assert_eq!(outcome.reply.header("Cache-Control"), Some("no-store"), "{path}: {:?}", outcome.reply);
    }
    for path in HIDDEN {
        let outcome = world.ask(CLIENT, world.good(Request::get(path)));
        outcome.was_refused(path, &[404]);
        assert!(outcome.reply.all("Cache-Control").is_empty(), "{path} was answered by samehand: {:?}", outcome.reply);
    }
    for path in TWO_FACED {
        let id = format!("two-faced{path}").replace(|character: char| !character.is_ascii_alphanumeric(), "-");
        let request = Request::get(path).header("User-Agent", CHROME).header("X-Request-Id", id.as_str());
        // It must not be a question, whoever answers it: a question of a stranger has the stranger's identity in its answer.
        let reply = crate::support::client::ask(CLIENT, &world.proxy.address, &request);
        assert!(reply.all("Remote-User").is_empty(), "{path}: {reply:?}");
        // A later request has been decided, so whatever was decided about this one is in the log.
        let later = world.ask(CLIENT, world.good(Request::get("/")));
        world.decision(&later);
        let log = world.samehand.process.log();
        let about = |line: &&str| field(line, "request_id") == Some(&id) && field(line, "decision").is_some();
        if let Some(line) = log.lines().find(about) {
            let asked_by_the_proxy = field(line, "remote_ip") == Some("127.0.0.7") && field(line, "path").is_some();
            assert!(asked_by_the_proxy && reply.status != 400, "{path} was a question: {line}");
        }
    }
}

pub(crate) fn a_token_from_login_is_bound_to_the_client_and_not_to_the_proxy(world: &World) {
    let page = |token: &str| Request::get("/page").header("User-Agent", CHROME).bearer(token);

    let token = token_of(&world.ask(CLIENT, login(PASSWORD)).reply);
    world.ask(CLIENT, page(&token)).reached_the_application_as_alice("a token from login");
    world.ask(THIEF, page(&token)).was_refused("another's token from login", &[403]);

    // Who signs in from one address with another in the headers gets a token for the former.
    let claims =
        |ip: &str| login(PASSWORD).header("X-Forwarded-For", ip).header("X-Real-IP", ip).header("Forwarded", ip);
    let token = token_of(&world.ask(THIEF, claims("127.0.0.7")).reply);
    world.ask(CLIENT, page(&token)).was_refused("a token that somebody made for the client", &[403]);
    world.ask(THIEF, page(&token)).reached_the_application_as_alice("a token of the address it was asked from");

    let outcome = world.ask(CLIENT, login("another password, just as long"));
    assert_eq!((outcome.reply.status, &outcome.reply.json()["error"]), (401, &json!("invalid_credentials")));

    let whoami = || world.good(Request::get("/whoami"));
    let reply = world.ask(CLIENT, whoami()).reply;
    assert_eq!((reply.status, &reply.json()["data"]["sub"]), (200, &json!("alice")), "{reply:?}");
    let reply =
        world.ask(THIEF, whoami().header("X-Forwarded-For", "127.0.0.7").header("X-Real-IP", "127.0.0.7")).reply;
    assert_eq!(reply.status, 403, "{reply:?}");
}

fn login(password: &str) -> Request {
    let body = json!({ "username": "alice", "password": password }).to_string();
    Request::post("/login", body).header("Content-Type", "application/json").header("User-Agent", CHROME)
}

#[track_caller]
fn token_of(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["token"].as_str().unwrap_or_else(|| panic!("no token: {reply:?}")).to_owned()
}
