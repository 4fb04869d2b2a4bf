//! No weaker presentation of a stronger token, no older token under a stricter policy, and no looser policy for a token that
//! was given out with a proof.

use crate::{
    FIREFOX, cookie,
    hands::{AWAY, HOME, HOME_SIX, Hand, NEXT_DOOR, ask_through, bound_by, judged, only_token, proof, verdict},
    start,
    support::{
        CLIENT,
        client::{Request, ask},
    },
};

const NEWER_FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0";
const UPDATED: Hand = Hand { user_agent: NEWER_FIREFOX, ..HOME };
const HEADER_ONLY: (&str, &str) = ("TOKEN_FROM", "authorization");

#[test]
fn a_stricter_policy_makes_older_tokens_sign_in_again() {
    for (row, before, after) in [
        ("a proof", [("REQUIRE_SAME", "ip"), HEADER_ONLY], ("REQUIRE_SAME", "ip,cookie")),
        ("a longer prefix", [("IPV4_PREFIX", "24"), HEADER_ONLY], ("IPV4_PREFIX", "32")),
        ("a longer prefix of the other family", [("IPV6_PREFIX", "48"), HEADER_ONLY], ("IPV6_PREFIX", "64")),
        ("the exact browser", [("USER_AGENT_MATCH", "family"), HEADER_ONLY], ("USER_AGENT_MATCH", "exact")),
    ] {
        let samehand = start(&before);
        let old = only_token(&ask_through(&samehand, &HOME.login("alice")));
        assert_eq!(judged(&samehand, HOME.question().bearer(&old)), verdict(200, "ok", ""), "{row}");
        let samehand = samehand.restart(&[after]);
        assert_eq!(judged(&samehand, HOME.question().bearer(&old)), verdict(401, "policy-outdated", ""), "{row}");
        let reply = ask_through(&samehand, &HOME.post("/renew").bearer(&old));
        assert_eq!(reply.status, 401, "{row}: a renewal does not lift it: {reply:?}");
        let reply = ask_through(&samehand, &HOME.login("alice").bearer(&old));
        assert_eq!(reply.status, 200, "{row}: a sign-in does");
    }
}

#[test]
fn whatever_is_recorded_precisely_enough_needs_no_sign_in() {
    for (row, before, after) in [
        ("a shorter prefix", ("IPV4_PREFIX", "32"), ("IPV4_PREFIX", "24")),
        ("the family of the browser", ("USER_AGENT_MATCH", "exact"), ("USER_AGENT_MATCH", "family")),
        ("more parts, which are always recorded", ("REQUIRE_SAME", "ip"), ("REQUIRE_SAME", "ip,user-agent")),
    ] {
        let samehand = start(&[before]);
        let old = only_token(&ask_through(&samehand, &HOME.login("alice")));
        let samehand = samehand.restart(&[after]);
        assert_eq!(judged(&samehand, HOME.question().bearer(&old)), verdict(200, "ok", ""), "{row}");
        // A token is compared as it was made, until it is renewed.
        let (looser, changed) = match row {
            "a shorter prefix" => (NEXT_DOOR, "ip"),
            "the family of the browser" => (UPDATED, "user-agent"),
            _ => (Hand { user_agent: "curl/8.5.0", ..HOME }, "user-agent"),
        };
        assert_eq!(judged(&samehand, looser.question().bearer(&old)), verdict(403, "client-changed", changed), "{row}");
        let renewed = only_token(&ask_through(&samehand, &HOME.post("/renew").bearer(&old)));
        let expected = match row {
            "more parts, which are always recorded" => verdict(403, "client-changed", changed),
            _ => verdict(200, "ok", ""),
        };
        assert_eq!(judged(&samehand, looser.question().bearer(&renewed)), expected, "{row}");
    }
}

#[test]
fn a_looser_policy_does_not_loosen_a_token_that_has_a_proof() {
    for looser in ["user-agent", "none"] {
        let samehand = start(&[("REQUIRE_SAME", "user-agent,cookie"), HEADER_ONLY]);
        let (token, secret) = bound_by(&ask_through(&samehand, &HOME.login("alice")));
        let samehand = samehand.restart(&[("REQUIRE_SAME", looser)]);
        let refused = verdict(403, "client-changed", "cookie");
        assert_eq!(judged(&samehand, HOME.question().bearer(&token)), refused, "{looser}");
        let with = HOME.question().bearer(&token).header("Cookie", proof(&secret));
        assert_eq!(judged(&samehand, with), verdict(200, "ok", ""), "{looser}");
        assert_eq!(ask_through(&samehand, &HOME.post("/renew").bearer(&token)).status, 403, "{looser}");
        // Whoever has shown it gets what everybody gets now.
        let renew = HOME.post("/renew").bearer(&token).header("Cookie", proof(&secret));
        let renewed = only_token(&ask_through(&samehand, &renew));
        assert_eq!(judged(&samehand, AWAY.question().bearer(&renewed)), verdict(200, "ok", ""), "{looser}");
    }
}

#[test]
fn no_weaker_presentation_of_a_stronger_token_is_accepted() {
    let samehand = start(&[("REQUIRE_SAME", "ip,user-agent,cookie")]);
    let (token, secret) = bound_by(&ask_through(&samehand, &HOME.login("alice")));
    let with_secret = |hand: Hand| hand.question().bearer(&token).header("Cookie", proof(&secret));
    for (row, request, changed) in [
        ("without the secret", HOME.question().bearer(&token), "cookie"),
        ("in the session cookie, without the secret", HOME.question().header("Cookie", cookie(&token)), "cookie"),
        ("from another address", with_secret(NEXT_DOOR), "ip"),
        ("over a family that it does not know", with_secret(HOME_SIX), "ip"),
        ("with another browser", with_secret(Hand { user_agent: "curl/8.5.0", ..HOME }), "user-agent"),
        ("without a browser", with_secret(Hand { user_agent: "", ..HOME }), "user-agent"),
        ("all of it", Hand { user_agent: "curl/8.5.0", ..AWAY }.question().bearer(&token), "ip,user-agent,cookie"),
    ] {
        assert_eq!(judged(&samehand, request), verdict(403, "client-changed", changed), "{row}");
    }
    assert_eq!(judged(&samehand, with_secret(HOME)), verdict(200, "ok", ""));
    // While refusals are only reported, each is, and passes.
    let samehand = samehand.restart(&[("ENFORCE", "report")]);
    let passes = judged(&samehand, HOME.question().bearer(&token));
    assert_eq!(passes, verdict(200, "client-changed", "cookie"));
}

#[test]
fn a_browser_is_told_that_the_rules_have_become_stricter() {
    let samehand =
        start(&[("PUBLIC_URL", "https://app.example.com"), ("COOKIE_DOMAIN", "host"), ("IPV4_PREFIX", "24")]);
    let token = only_token(&ask_through(&samehand, &HOME.login("alice")));
    let samehand = samehand.restart(&[("IPV4_PREFIX", "32")]);
    let navigation = HOME.question().header("Sec-Fetch-Mode", "navigate").header("Cookie", cookie(&token));
    let reply = ask_through(&samehand, &navigation);
    let location = reply.header("Location").unwrap_or_else(|| panic!("{reply:?}"));
    assert!(location.contains("&why=stricter"), "{location}");
    let get = Request::get("/login?why=stricter").header("Sec-Fetch-Mode", "navigate");
    let shown = ask(CLIENT, &samehand.tcp, &get.header("User-Agent", FIREFOX));
    let text = String::from_utf8_lossy(&shown.body).into_owned();
    assert!(text.contains("have become stricter since you signed in"), "{text}");
}
