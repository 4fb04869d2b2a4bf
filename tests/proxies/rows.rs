//! The table: what every proxy lets through and what it refuses.

use super::world::{CHROME, CHROME_UPDATED, FIREFOX, Outcome, World};
use crate::support::{
    CLIENT, THIEF,
    client::{Connection, Request, ask},
    samehand::SECRET,
    shipped::Kind,
    token::Token,
};

/// A challenge that names no error, because there was no token.
const NO_TOKEN: &str = r#"Bearer realm="samehand""#;

pub(crate) fn a_token_works_for_its_client_only(world: &World) {
    let get = || Request::get("/page?q=1");
    let token = world.token.as_str();

    let outcome = world.ask(CLIENT, world.good(get()));
    let seen = outcome.reached_the_application_as_alice("good token, same client");
    assert_eq!((seen.method(), seen.target()), ("GET", "/page?q=1"));
    let decision = world.decision(&outcome);
    let told = ["decision", "reason", "remote_ip", "username", "method", "host"].map(|name| decision.field(name));
    assert_eq!(&told[..5], ["allow", "ok", "127.0.0.7", "alice", "GET"], "{decision:?}");
    assert!(told[5].starts_with("app.example.com"), "{decision:?}");

    let outcome = world.ask(CLIENT, world.good(get()).header("Cookie", format!("__Secure-samehand={token}")));
    outcome.reached_the_application_as_alice("the same token in header and cookie");

    let outcome = world.ask(CLIENT, get().header("User-Agent", CHROME_UPDATED).bearer(token));
    outcome.reached_the_application_as_alice("browser updated");

    let outcome = world.ask(CLIENT, get().header("User-Agent", CHROME));
    refused(world, &outcome, "no token", 401, "token-missing");
    assert_eq!(outcome.reply.all("WWW-Authenticate"), [NO_TOKEN]);

    let outcome = world.ask(CLIENT, Request::get(&format!("/page?access_token={token}&token={token}")));
    refused(world, &outcome, "token in the query string", 401, "token-missing");

    let outcome = world.ask(THIEF, world.good(get()));
    refused(world, &outcome, "another address", 403, "client-changed");
    assert_eq!(world.decision(&outcome).field("remote_ip"), "127.0.0.8");

    let outcome = world.ask(CLIENT, get().header("User-Agent", FIREFOX).bearer(token));
    refused(world, &outcome, "another browser", 403, "client-changed");

    let outcome = world.ask(CLIENT, get().bearer(token));
    refused(world, &outcome, "no User-Agent", 403, "client-changed");

    let outcome = world.ask(CLIENT, get().header("User-Agent", "").bearer(token));
    refused(world, &outcome, "an empty User-Agent", 403, "client-changed");

    // No User-Agent is a browser of its own, and not the end of the comparison.
    let quiet = world.samehand.mint("alice", CLIENT, "");
    world.ask(CLIENT, get().bearer(&quiet)).reached_the_application_as_alice("no User-Agent, as when it was issued");
    let outcome = world.ask(CLIENT, get().header("User-Agent", CHROME).bearer(&quiet));
    refused(world, &outcome, "a browser with the token of a client without User-Agent", 403, "client-changed");

    two_user_agent_lines(world, CHROME, FIREFOX);
    two_user_agent_lines(world, FIREFOX, CHROME);
}

/// Proxies make one value of two lines, each in its own way. Whatever it is, the application has to see the value that was
/// decided on, and no value that is not the token's own may get through.
#[track_caller]
fn two_user_agent_lines(world: &World, first: &str, second: &str) {
    let row = format!("User-Agent {first} and {second}");
    let request = Request::get("/").header("User-Agent", first).header("User-Agent", second).bearer(&world.token);
    let outcome = world.ask(CLIENT, request);
    match &outcome.seen {
        None => outcome.was_refused(&row, &[403]),
        Some(seen) => {
            outcome.reached_the_application_as_alice(&row);
            assert_eq!(seen.all("User-Agent"), [CHROME], "{row}");
        }
    }
    if matches!(world.proxy.kind, Kind::Traefik | Kind::Caddy) {
        assert_eq!(outcome.seen.is_some(), first == CHROME, "{row}: the first line is the one decided on");
    }
}

pub(crate) fn broken_tokens_are_refused(world: &World) {
    let token = || Token::parse(&world.token);

    let mut tampered = token();
    tampered.claims["sub"] = "bob".into();
    rejected(world, "tampered claims", &tampered.with_its_old_signature(), "signature-invalid");

    let mut expired = token();
    let two_days = 2 * 24 * 60 * 60;
    for time in ["iat", "exp"] {
        expired.claims[time] = (expired.claims[time].as_u64().expect("a time") - two_days).into();
    }
    rejected(world, "expired", &expired.signed(SECRET), "token-expired");

    let foreign = token().signed("another key of good length, 5fGh2");
    rejected(world, "signed with another key", &foreign, "signature-invalid");

    let mut unknown = token();
    unknown.header["kid"] = "nobody".into();
    rejected(world, "a key nobody has", &unknown.signed(SECRET), "key-unknown");

    for algorithm in ["none", "None", "NONE", "nOnE"] {
        let mut none = token();
        none.header["alg"] = algorithm.into();
        rejected(world, "no algorithm and no signature", &none.unsigned(), "token-malformed");
        rejected(world, "no algorithm and a signature", &none.signed(SECRET), "signature-invalid");
    }

    let mut bare = token();
    bare.claims.as_object_mut().expect("an object").remove("fingerprint");
    rejected(world, "no fingerprint", &bare.signed(SECRET), "token-malformed");

    let mut moved = token();
    moved.claims["jti"] = "another-token-identifier".into();
    let request = Request::get("/").header("User-Agent", CHROME).bearer(&moved.signed(SECRET));
    refused(world, &world.ask(CLIENT, request), "the fingerprint of another token", 403, "client-changed");

    rejected(world, "not a token", "rubbish", "token-malformed");
    rejected(world, "half a token", &world.token[..world.token.len() / 2], "token-malformed");

    let other = world.samehand.mint("alice", CLIENT, CHROME);
    let request = world.good(Request::get("/")).bearer(&other);
    let outcome = world.ask(CLIENT, request);
    match world.proxy.kind {
        // nginx answers two Authorization lines itself.
        Kind::Nginx => outcome.was_refused("two tokens in two lines", &[400]),
        Kind::Traefik | Kind::Caddy => refused(world, &outcome, "two tokens in two lines", 401, "token-ambiguous"),
    }
    let outcome =
        world.ask(CLIENT, world.good(Request::get("/")).header("Cookie", format!("__Secure-samehand={other}")));
    refused(world, &outcome, "one token in the header and another in the cookie", 401, "token-ambiguous");
}

pub(crate) fn every_kind_of_request_gets_through(world: &World) {
    const TEN_MEGABYTES: u64 = 10 * 1024 * 1024;
    let upload = || Request::post("/upload", vec![b'x'; TEN_MEGABYTES as usize]);

    let outcome = world.ask(CLIENT, world.good(upload()));
    let seen = outcome.reached_the_application_as_alice("an upload of 10 MB");
    assert_eq!((seen.method(), seen.body_length()), ("POST", TEN_MEGABYTES));
    assert_eq!(world.decision(&outcome).field("method"), "POST");

    for method in ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"] {
        let row = format!("{method} with a good token");
        let outcome = world.ask(CLIENT, world.good(Request::new(method, "/page")));
        assert_eq!(outcome.reached_the_application_as_alice(&row).method(), method);
        assert_eq!(world.decision(&outcome).field("method"), method);

        let outcome = world.ask(CLIENT, Request::new(method, "/page"));
        refused(world, &outcome, &format!("{method} without a token"), 401, "token-missing");
    }

    // The connection to samehand is kept and reused: the answer to one request must not be that to another.
    let mut connection = Connection::open(CLIENT, &world.proxy.address);
    for turn in 0..10 {
        let outcome = world.ask_over(&mut connection, world.good(Request::get("/")));
        outcome.reached_the_application_as_alice(&format!("good request {turn} of one connection"));
        let outcome = world.ask_over(&mut connection, Request::get("/").header("User-Agent", CHROME));
        outcome.was_refused(&format!("bad request {turn} of one connection"), &[401]);
    }
}

pub(crate) fn the_application_learns_the_name_in_the_log(world: &World) {
    let outcome = world.ask(CLIENT, world.good(Request::get("/page")));
    let seen = outcome.reached_the_application_as_alice("a request with a name");
    assert_eq!(seen.all("X-Request-Id"), [world.decision(&outcome).field("request_id")]);

    // A name that would not fit into a log line is replaced, and the client's is not passed on.
    let request = world.good(Request::get("/page")).header("X-Request-Id", "two words");
    let reply = ask(CLIENT, &world.proxy.address, &request);
    assert_eq!(reply.status, 200, "{reply:?}");
    let seen = world.application.seen();
    let [name] = seen.all("X-Request-Id")[..] else { panic!("{:?}", seen.headers()) };
    assert_eq!(world.samehand.decision(name).field("path"), "/page");
}

pub(crate) fn a_web_socket_gets_through(world: &World) {
    let upgrade = |request: Request| {
        // Key and answer are the example of RFC 6455 section 1.3.
        request
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
    };

    let mut connection = Connection::open(CLIENT, &world.proxy.address);
    let outcome = world.ask_over(&mut connection, upgrade(world.good(Request::get("/ws"))));
    assert_eq!(outcome.reply.status, 101, "{:?}", outcome.reply);
    assert_eq!(outcome.reply.header("Sec-WebSocket-Accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    outcome.was_told_who_alice_is("WebSocket");
    // A final text frame of five bytes, masked as every client's is; and what a server sends for it.
    connection.send(b"\x81\x85\x01\x02\x03\x04igohn");
    assert_eq!(connection.take(7).expect("the echo"), b"\x81\x05hello");

    let outcome = world.ask(THIEF, upgrade(world.good(Request::get("/ws"))));
    refused(world, &outcome, "WebSocket with another's token", 403, "client-changed");
    let outcome = world.ask(CLIENT, upgrade(Request::get("/ws")));
    refused(world, &outcome, "WebSocket without a token", 401, "token-missing");

    let tunnel = world.good(Request::get("/")).header("Connection", "Upgrade, HTTP2-Settings");
    let outcome = world.ask(CLIENT, tunnel.header("Upgrade", "h2c").header("HTTP2-Settings", "AAMAAABkAAQAAP__"));
    let seen = outcome.reached_the_application_as_alice("an upgrade to h2c");
    assert_eq!(seen.all("Upgrade"), [""; 0], "h2c: a tunnel in which nobody is asked any more");
}

/// The request reached neither the application nor got any answer but this one, and samehand says why.
#[track_caller]
fn refused(world: &World, outcome: &Outcome, row: &str, status: u16, reason: &str) {
    outcome.was_refused(row, &[status]);
    let decision = world.decision(outcome);
    assert_eq!(decision.field("reason"), reason, "{row}: {decision:?}");
}

/// A token that is refused for itself, whoever sends it.
#[track_caller]
fn rejected(world: &World, row: &str, token: &str, reason: &str) {
    let outcome = world.ask(CLIENT, Request::get("/").header("User-Agent", CHROME).bearer(token));
    refused(world, &outcome, row, 401, reason);
    let challenge = format!(r#"{NO_TOKEN}, error="invalid_token""#);
    assert_eq!(outcome.reply.all("WWW-Authenticate"), [challenge], "{row}");
}
