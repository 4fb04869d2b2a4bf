//! What a client may claim about itself in headers: neither the decision nor the application may believe it.

use super::world::World;
use crate::support::{CLIENT, THIEF, client::Request};

/// An address that no test client has. It must not turn up anywhere.
const NOBODY: &str = "203.0.113.66";

/// Header and value. `{ip}` is the address somebody would like to have.
pub(crate) const CLAIMS: [(&str, &str); 46] = [
    ("X-Forwarded-For", "{ip}"),
    ("X-Real-IP", "{ip}"),
    ("Forwarded", "for={ip};host=forged.example.com;proto=https"),
    ("X_Forwarded_For", "{ip}"),
    ("X.Forwarded.For", "{ip}"),
    ("X-Forwarded_For", "{ip}"),
    ("X~Forwarded-For", "{ip}"),
    ("X-Real`IP", "{ip}"),
    ("X-Forwarded-Uri", "/forged"),
    ("X-Forwarded-Method", "FORGED"),
    ("X-Forwarded-Host", "forged.example.com"),
    ("X-Forwarded-Proto", "forged"),
    ("X-Forwarded-Port", "forged"),
    ("X-Forwarded-Prefix", "/forged"),
    ("X-Forwarded-Scheme", "forged"),
    ("X-Forwarded-Server", "forged"),
    ("X-Original-URL", "http://forged.example.com/forged"),
    ("X-Original-URI", "/forged"),
    ("X-Original-Method", "FORGED"),
    ("X-Client-IP", "{ip}"),
    ("True-Client-IP", "{ip}"),
    ("CF-Connecting-IP", "{ip}"),
    ("Remote-User", "forged"),
    ("Remote-Groups", "forged"),
    ("Remote-Name", "forged"),
    ("Remote-Email", "forged@example.com"),
    ("remote_user", "forged"),
    ("Remote.User", "forged"),
    ("REMOTE-USER", "forged"),
    ("Remote_Email", "forged@example.com"),
    ("Remote~User", "forged"),
    ("Remote!User", "forged"),
    ("X-Remote-User", "forged"),
    ("X-Remote-Groups", "forged"),
    ("X-Forwarded-User", "forged"),
    ("X-Forwarded-Groups", "forged"),
    ("X-Forwarded-Email", "forged@example.com"),
    ("X-Forwarded-Preferred-Username", "forged"),
    ("X-WebAuth-User", "forged"),
    ("X-Auth-Request-User", "forged"),
    ("X-Auth-Request-Email", "forged@example.com"),
    ("X-Authenticated-User", "forged"),
    ("X-User", "forged"),
    ("X_Remote_User", "forged"),
    ("Connection", "X-Forwarded-For"),
    ("Connection", "Remote-User"),
];

pub(crate) fn no_forged_header_is_believed(world: &World) {
    for (name, value) in CLAIMS {
        for times in [1, 2] {
            let row = format!("{name}: {value}, {times} time(s)");
            let claim = |request: Request, ip: &str| {
                (0..times).fold(request, |request, _| request.header(name, value.replace("{ip}", ip)))
            };
            the_owner_gains_nothing(world, &row, claim(world.good(Request::get("/page?q=1")), NOBODY));
            the_thief_stays_the_thief(world, &row, claim(world.good(Request::get("/page")), &CLIENT.to_string()));
            nobody_stays_nobody(world, &row, claim(Request::get("/page"), &CLIENT.to_string()));
        }
    }
    all_at_once(world);
}

/// The rightful client makes a claim: allowed as if it had not, and the application sees what the proxy knows.
#[track_caller]
fn the_owner_gains_nothing(world: &World, row: &str, request: Request) {
    let outcome = world.ask(CLIENT, request);
    let seen = outcome.reached_the_application_as_alice(row);
    assert_eq!((seen.method(), seen.target()), ("GET", "/page?q=1"), "{row}");
    for (name, value) in seen.headers() {
        let line = format!("{name}: {value}").to_ascii_lowercase();
        assert!(!line.contains("forged") && !line.contains(NOBODY), "{row}: the application was told {line}");
    }
    assert_eq!(seen.all("X-Forwarded-For"), ["127.0.0.7"], "{row}");
    assert!(seen.all("X-Real-IP").iter().all(|address| *address == "127.0.0.7"), "{row}");
    let decision = world.decision(&outcome);
    let decided = ["remote_ip", "username", "method", "path"].map(|name| decision.field(name));
    assert_eq!(decided, ["127.0.0.7", "alice", "GET", "/page"], "{row}");
}

/// Somebody with another's token claims to be there, too.
#[track_caller]
fn the_thief_stays_the_thief(world: &World, row: &str, request: Request) {
    let outcome = world.ask(THIEF, request);
    outcome.was_refused(row, &[403]);
    let decision = world.decision(&outcome);
    assert_eq!((decision.field("reason"), decision.field("remote_ip")), ("client-changed", "127.0.0.8"), "{row}");
}

/// Somebody without a token claims to be somebody.
#[track_caller]
fn nobody_stays_nobody(world: &World, row: &str, request: Request) {
    let outcome = world.ask(THIEF, request);
    outcome.was_refused(row, &[401]);
    assert_eq!(world.decision(&outcome).field("reason"), "token-missing", "{row}");
}

/// Every claim in one request, and `Connection` asking for all of them to be deleted on the way.
fn all_at_once(world: &World) {
    let names = CLAIMS.map(|(name, _)| name).join(", ");
    let claims = |request: Request, ip: &str| {
        let request = request.header("Connection", names.as_str());
        CLAIMS.iter().fold(request, |request, (name, value)| request.header(name, value.replace("{ip}", ip)))
    };
    let row = "every claim at once";
    the_owner_gains_nothing(world, row, claims(world.good(Request::get("/page?q=1")), NOBODY));
    the_thief_stays_the_thief(world, row, claims(world.good(Request::get("/page")), &CLIENT.to_string()));

    // Some proxies do delete what Connection names: then the question lacks it as well, and is answered accordingly.
    for (name, statuses) in [("User-Agent", [200, 403]), ("Authorization", [200, 401]), ("Cookie", [200, 200])] {
        let row = format!("Connection: {name}");
        let outcome = world.ask(CLIENT, world.good(Request::get("/page")).header("Connection", name));
        assert!(statuses.contains(&outcome.reply.status), "{row}: {:?}", outcome.reply);
        assert_eq!(outcome.seen.is_some(), outcome.reply.status == 200, "{row}");
        if outcome.seen.is_some() {
            outcome.was_told_who_alice_is(&row);
        }
        world.ask(THIEF, world.good(Request::get("/page")).header("Connection", name)).was_refused(&row, &[401, 403]);
    }
}
