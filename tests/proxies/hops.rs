//! Two hops: a CDN or load balancer before the proxy, and samehand with both in `TRUSTED_PROXIES`.

use super::world::World;
use crate::support::{CLIENT, FRONT_HOP, THIEF, client::Request};

pub(crate) fn the_client_is_found_through_the_front_hop(world: &World) {
    let through = |lines: &[&str]| {
        let request = world.good(Request::get("/page"));
        lines.iter().fold(request, |request, line| request.header("X-Forwarded-For", *line))
    };

    for lines in [
        &["127.0.0.7"][..],
        // What stands left of the client is what the client wrote.
        &["203.0.113.66, 127.0.0.7"],
        &["127.0.0.8,127.0.0.7"],
        &["rubbish, 127.0.0.7"],
        &["127.0.0.8", "127.0.0.7"],
        // A second front hop of the same list.
        &["127.0.0.7, 127.0.0.9"],
    ] {
        let row = format!("through the front hop, X-Forwarded-For {lines:?}");
        let outcome = world.ask(FRONT_HOP, through(lines));
        outcome.reached_the_application_as_alice(&row);
        assert_eq!(world.decision(&outcome).field("remote_ip"), "127.0.0.7", "{row}");
    }

    for lines in [&["127.0.0.8"][..], &["127.0.0.7, 127.0.0.8"], &["127.0.0.7", "127.0.0.8"]] {
        let row = format!("a thief through the front hop, X-Forwarded-For {lines:?}");
        let outcome = world.ask(FRONT_HOP, through(lines));
        outcome.was_refused(&row, &[403]);
        assert_eq!(world.decision(&outcome).field("remote_ip"), "127.0.0.8", "{row}");
    }

    // Unreadable where the client should stand: the client is not known, and nobody else's place is taken.
    for lines in [&["127.0.0.7, unknown"][..], &["127.0.0.7, 127.0.0.7x"], &["127.0.0.7, _hidden"], &[]] {
        let row = format!("through the front hop, X-Forwarded-For {lines:?}");
        let outcome = world.ask(FRONT_HOP, through(lines));
        outcome.was_refused(&row, &[400, 403]);
        assert_ne!(world.decision(&outcome).field("remote_ip"), "127.0.0.7", "{row}");
    }

    let request = || through(&["127.0.0.7"]).header("X-Forwarded-Proto", "https");
    let outcome = world.ask(FRONT_HOP, request());
    let seen = outcome.reached_the_application_as_alice("https ends at the front hop");
    assert_eq!(seen.all("X-Forwarded-Proto"), ["https"]);

    // A front hop passes on what clients send under these names, and they are claims all the same.
    let claims = request().header("X-Forwarded-Uri", "/forged").header("X-Forwarded-Method", "FORGED");
    let claims = claims.header("X-Forwarded-Host", "forged.example.com").header("X-Forwarded-Prefix", "/forged");
    let claims = claims.header("X-Real-IP", "203.0.113.66").header("X-Forwarded-Port", "forged");
    let claims = claims.header("Forwarded", "for=203.0.113.66").header("Remote-User", "forged");
    let outcome =
        world.ask(FRONT_HOP, claims.header("remote_user", "forged").header("X_Forwarded_For", "203.0.113.66"));
    let seen = outcome.reached_the_application_as_alice("forged headers through the front hop");
    for (name, value) in seen.headers() {
        let line = format!("{name}: {value}").to_ascii_lowercase();
        assert!(!line.contains("forged") && !line.contains("203.0.113.66"), "the application was told {line}");
    }
    let decision = world.decision(&outcome);
    assert_eq!(["method", "path"].map(|name| decision.field(name)), ["GET", "/page"]);
    assert!(decision.field("host").starts_with("app.example.com"), "{decision:?}");
}

pub(crate) fn nobody_else_can_claim_to_be_a_front_hop(world: &World) {
    let claim = |address: &str| world.good(Request::get("/page")).header("X-Forwarded-For", address);

    let outcome = world.ask(THIEF, claim("127.0.0.7"));
    outcome.was_refused("a thief who connects directly and claims the client's address", &[403]);
    assert_eq!(world.decision(&outcome).field("remote_ip"), "127.0.0.8");

    let outcome = world.ask(THIEF, claim("127.0.0.7, 127.0.0.9"));
    outcome.was_refused("a thief who connects directly and claims to come through the front hop", &[403]);

    let outcome = world.ask(CLIENT, claim("127.0.0.8").header("X-Forwarded-Proto", "https"));
    let seen = outcome.reached_the_application_as_alice("the client who connects directly");
    assert_eq!(seen.all("X-Forwarded-For"), ["127.0.0.7"]);
    assert_eq!(seen.all("X-Forwarded-Proto"), ["http"]);
}
