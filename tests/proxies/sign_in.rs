//! The paths of samehand that a proxy publishes, and those that it does not.

use serde_json::json;

use super::world::{CHROME, World};
use crate::support::{
    CLIENT, THIEF,
    client::{Reply, Request},
    samehand::PASSWORD,
    shipped::Kind,
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
const TWO_FACED: [&str; 7] = [
    "/auth/nginx/../../login",
    "/auth/traefik/../../login",
    "/auth/caddy/../../whoami",
    "/login/../auth/nginx",
    "/login/..%2fauth%2fcaddy",
    "/whoami/%2e%2e/auth/traefik",
    "/login%0a",
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
        // The application's own, and asked about as every path is.
        outcome.reached_the_application_as_alice(path);
        assert_eq!(world.decision(&outcome).field("reason"), "ok", "{path}");
        world.ask(THIEF, world.good(Request::get(path))).was_refused(path, &[403]);
        assert!(outcome.reply.all("Cache-Control").is_empty(), "{path} was answered by samehand: {:?}", outcome.reply);
    }
    for path in TWO_FACED {
        let outcome = world.ask(CLIENT, world.good(Request::get(path)));
        assert!(outcome.reply.all("Remote-User").is_empty(), "{path} was a question: {:?}", outcome.reply);
        if let Some(decision) = world.decision_if_any(&outcome) {
            // It was decided on as a page of the application is, and not as a question that the client asked.
            assert_eq!(decision.field("reason"), "ok", "{path} was a question: {decision:?}");
            outcome.reached_the_application_as_alice(path);
        }
    }
    if world.proxy.kind == Kind::Nginx {
        world.ask(CLIENT, world.good(Request::get("/_samehand"))).was_refused("nginx's own location", &[404]);
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

pub(crate) fn renewing_and_signing_out_work_for_the_right_client_and_its_own_pages(world: &World) {
    let post = |path: &str| Request::post(path, "").header("User-Agent", CHROME);
    let page = |token: &str| world.ask(CLIENT, Request::get("/page").header("User-Agent", CHROME).bearer(token));
    let token = token_of(&world.ask(CLIENT, login(PASSWORD)).reply);
    let cookie = format!("__Secure-samehand={token}");
    let with_cookie = |path: &str, origin: &str| post(path).header("Cookie", cookie.as_str()).header("Origin", origin);

    let outcome = world.ask(CLIENT, post("/renew").bearer(&token));
    assert!(outcome.seen.is_none(), "/renew went to the application");
    let fresh = token_of(&outcome.reply);
    page(&fresh).reached_the_application_as_alice("a renewed token");
    // From another address with the right one in the headers.
    let claims = post("/renew").header("X-Forwarded-For", "127.0.0.7").header("X-Real-IP", "127.0.0.7").bearer(&token);
    world.ask(THIEF, claims).was_refused("renewing from another client", &[403]);

    let reply = world.ask(CLIENT, with_cookie("/renew", "https://app.example.com")).reply;
    assert_eq!(reply.status, 204, "{reply:?}");
    let line = reply.header("Set-Cookie").unwrap_or_else(|| panic!("one cookie: {reply:?}"));
    assert!(line.starts_with("__Secure-samehand=") && line.ends_with("; Secure; HttpOnly; SameSite=Lax"), "{line}");
    for path in ["/renew", "/logout"] {
        for origin in ["https://evil.example.net", "null", "https://app.example.com.evil.example.net"] {
            let outcome = world.ask(CLIENT, with_cookie(path, origin));
            outcome.was_refused(&format!("{path} with the cookie, from a page of {origin}"), &[403]);
        }
    }
    page(&token).reached_the_application_as_alice("nobody was signed out");

    let reply = world.ask(CLIENT, with_cookie("/logout", "https://app.example.com")).reply;
    assert_eq!(reply.status, 204, "{reply:?}");
    let line = reply.header("Set-Cookie").unwrap_or_else(|| panic!("one cookie: {reply:?}"));
    assert!(line.starts_with("__Secure-samehand=; ") && line.contains("; Max-Age=0;"), "{line}");
    for token in [&token, &fresh] {
        let outcome = page(token);
        outcome.was_refused("a token after signing out", &[401]);
        assert_eq!(world.decision(&outcome).field("reason"), "session-ended");
        world.ask(CLIENT, post("/renew").bearer(token)).was_refused("renewing after signing out", &[401]);
    }
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
