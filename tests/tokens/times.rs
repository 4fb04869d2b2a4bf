//! The class that is about time (T13).

use super::table::Table;
use super::world::{MAX_LIFETIME, NOW, Signing, World};

/// T13: `exp`, `iat` and `nbf` that are missing, of another type, out of range, or past.
pub(crate) fn times(table: &mut Table) {
    let world = World::new(Signing::Hs256);
    for claim in ["exp", "iat"] {
        let token = world.draft().without_claim(claim).ours();
        table.token(&world, "token-claims 401", &format!("no {claim}"), token);
    }
    let (good, text, fraction, scientific, milliseconds) = (
        *NOW + 60,
        format!("\"{}\"", *NOW + 60),
        format!("{}.5", *NOW + 60),
        format!("{}e0", *NOW + 60),
        format!("{}000", *NOW + 60),
    );
    for claim in ["exp", "iat", "nbf"] {
        let integer = format!("{good}.0");
        for (name, json) in [
            ("a string", text.as_str()),
            ("null", "null"),
            ("true", "true"),
            ("an array", "[]"),
            ("an array of one", "[1]"),
            ("an object", "{}"),
            ("negative", "-1"),
            ("the smallest integer", "-9223372036854775808"),
            ("a fraction", &fraction),
            ("a whole number with a fraction", &integer),
            ("with an exponent", &scientific),
            ("two to the 64", "18446744073709551616"),
        ] {
            let token = world.draft().claim(claim, json).ours();
            table.token(&world, "token-claims 401", &format!("{claim} {name}"), token);
        }
        for (name, json) in [
            ("NaN", "NaN"),
            ("Infinity", "Infinity"),
            ("minus Infinity", "-Infinity"),
            ("1e400", "1e400"),
            ("hexadecimal", "0x6B49D200"),
            ("a leading zero", "01800000060"),
            ("a leading plus", "+1800000060"),
            ("with underscores", "1_800_000_060"),
            ("a date", "2027-01-15T08:00:00Z"),
            ("nothing", ""),
        ] {
            let token = world.draft().claim(claim, json).ours();
            table.token(&world, "token-malformed 401", &format!("{claim} {name}"), token);
        }
    }
    let never = format!("{}", u64::MAX);
    let at = |seconds: u64| seconds.to_string();
    for (expected, name, claims) in [
        ("token-claims 401", "exp the largest integer", vec![("exp", never.clone())]),
        ("token-claims 401", "exp in milliseconds", vec![("exp", milliseconds)]),
        ("token-claims 401", "exp in the year 2100", vec![("exp", at(4_102_444_800))]),
        ("token-claims 401", "iat and exp the largest integer", vec![("iat", never.clone()), ("exp", never.clone())]),
        ("token-claims 401", "exp before iat", vec![("exp", at(*NOW - 1))]),
        ("token-claims 401", "exp at iat", vec![("exp", at(*NOW))]),
        ("token-claims 401", "exp zero", vec![("exp", "0".into())]),
        ("token-claims 401", "a second over the longest lifetime", vec![("exp", at(*NOW + MAX_LIFETIME + 1))]),
        ("ok 200", "the longest lifetime", vec![("exp", at(*NOW + MAX_LIFETIME))]),
        ("token-expired 401", "exp now", vec![("iat", at(*NOW - 60)), ("exp", at(*NOW))]),
        ("token-expired 401", "exp a second ago", vec![("iat", at(*NOW - 60)), ("exp", at(*NOW - 1))]),
        ("token-expired 401", "exp at the beginning of time", vec![("iat", "0".into()), ("exp", "1".into())]),
        ("ok 200", "exp in a second", vec![("iat", at(*NOW - 60)), ("exp", at(*NOW + 1))]),
        ("ok 200", "iat 30 s ahead", vec![("iat", at(*NOW + 30))]),
        ("token-not-yet-valid 401", "iat 31 s ahead", vec![("iat", at(*NOW + 31))]),
        ("token-not-yet-valid 401", "iat an hour ahead", vec![("iat", at(*NOW + 3600))]),
        ("ok 200", "nbf now", vec![("nbf", at(*NOW))]),
        ("ok 200", "nbf 30 s ahead", vec![("nbf", at(*NOW + 30))]),
        ("token-not-yet-valid 401", "nbf 31 s ahead", vec![("nbf", at(*NOW + 31))]),
        ("token-not-yet-valid 401", "nbf the largest integer", vec![("nbf", never)]),
        ("ok 200", "nbf long ago", vec![("nbf", "0".into())]),
    ] {
        let draft = claims.iter().fold(world.draft(), |draft, (claim, json)| draft.claim(claim, json));
        table.token(&world, expected, name, draft.ours());
    }
}
