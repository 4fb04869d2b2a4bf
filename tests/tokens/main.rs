//! Malformed, forged, moved and misdelivered tokens of every class we know, put to the real decision.
//!
//! Each class is a function that puts rows into a [`Table`]: a name, a token or a whole request, and the reason and
//! status that must come out. Good tokens of every algorithm, and crafted ones without a fault, stand among them, so
//! that a decision that refuses everything fails as surely as one that accepts too much. Every row is put to the library;
//! those that fit the settings of one running service are put to that, too.

#[path = "../support/mod.rs"]
mod support;

mod algorithms;
mod bindings;
mod claims;
mod clients;
mod craft;
mod headers;
mod json;
mod numbers;
mod rotation;
mod signatures;
mod table;
mod times;
mod transport;
mod world;

use support::samehand::Samehand;
use table::Table;
use world::{COOKIE, SALT, SECRET, Signing, World};

/// A class: its name, and what puts its rows into the table.
type Class = (&'static str, fn(&mut Table));

/// The classes, by the names they have in the list of known attacks.
const CLASSES: [Class; 19] = [
    ("C good tokens", algorithms::good),
    ("T1 alg none", algorithms::none),
    ("T2 alg value", algorithms::values),
    ("T3 algorithm confusion", algorithms::confusion),
    ("T4 forged", algorithms::forged),
    ("T5 key injection", headers::keys),
    ("T6 kid injection", headers::key_names),
    ("T7 signature", signatures::broken),
    ("T8 malleability", signatures::malleable),
    ("T9 JSON", json::shapes),
    ("T10 JSON denial of service", json::bombs),
    ("T11 size", json::sizes),
    ("T12 duplicates", json::duplicates),
    ("T13 time", times::times),
    ("T14 issuer, audience, subject, type", claims::names),
    ("T15 crit, b64, JWE, nested, zip", headers::extensions),
    ("T16 fingerprint", bindings::fingerprints),
    ("T17 transport", transport::carriers),
    ("T17 article tokens", transport::article),
];

/// The class whose rows hold in one second only, which a running service does not wait for.
const IN_THIS_SECOND: &str = "T13 time";

#[test]
fn every_malformed_token_is_refused_for_its_reason_and_every_good_one_accepted() {
    let mut table = Table::default();
    for (class, rows) in CLASSES {
        table.class(class);
        rows(&mut table);
    }
    table.finish(950, 50);
}

#[test]
fn a_running_service_refuses_them_too_and_serves_on() {
    let samehand = Samehand::start(&[("SECRET", SECRET), ("SALT", SALT), ("COOKIE_NAME", COOKIE)]);
    let id = samehand.process.id();
    let mut table = Table::served(samehand);
    for (class, rows) in CLASSES.into_iter().filter(|(class, _)| *class != IN_THIS_SECOND) {
        table.class(class);
        rows(&mut table);
    }
    let mut samehand = table.finish(500, 25).expect("the service that was asked");
    assert!(samehand.process.is_alive());
    assert_eq!(samehand.process.id(), id);
    let log = samehand.process.log();
    // A token starts with the encoded beginning of a JSON object; a header that a token smuggled in would start a line.
    assert!(!log.contains("eyJ"), "a token is in the log");
    assert!(!log.lines().any(|line| line.starts_with("Remote-User")), "a token wrote into the log");
    let mut last = Table::served(samehand);
    last.class("after all of them");
    last.token(&World::new(Signing::Hs256), "ok 200", "a good token", World::new(Signing::Hs256).mint());
    last.finish(0, 1);
}
