//! Malformed, forged, moved and misdelivered tokens of every class we know, put to the real decision.
//!
//! Each class is a function that puts rows into a [`Table`]: a name, a token or a whole request, and the reason and
//! status that must come out. Good tokens of every algorithm, and crafted ones without a fault, stand among them, so
//! that a decision that refuses everything fails as surely as one that accepts too much. Nothing here touches the
//! network or the clock.

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

use table::Table;

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

#[test]
fn every_malformed_token_is_refused_for_its_reason_and_every_good_one_accepted() {
    let mut table = Table::default();
    for (class, rows) in CLASSES {
        table.class(class);
        rows(&mut table);
    }
    table.finish();
}
