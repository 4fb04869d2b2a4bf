//! What must be the same, how precisely, and what happens when it is not: one samehand per row of settings.

use std::net::Ipv4Addr;

use crate::support::{
    CLIENT, THIEF,
    client::{Request, ask},
    samehand::Samehand,
    token::Token,
};
use crate::{CHROME, FIREFOX, FIREFOX_UPDATED, PROXY, decided, outcome, question};

/// Status, reason and changed parts for the owner's token in these hands: the owner's own, the owner's updated browser,
/// another browser, a neighbour in the same /24, somebody far away, somebody far away with another browser.
type Row = [(u16, &'static str, &'static str); 6];

const OK: (u16, &str, &str) = (200, "ok", "");
const NOT_BROWSER: (u16, &str, &str) = (403, "client-changed", "user-agent");
const NOT_IP: (u16, &str, &str) = (403, "client-changed", "ip");
const NOT_BOTH: (u16, &str, &str) = (403, "client-changed", "ip,user-agent");

#[track_caller]
fn row(settings: &[(&str, &str)], wanted: Row) {
    let far = Ipv4Addr::new(203, 0, 113, 5);
    let samehand = Samehand::start(settings);
    let token = samehand.mint("alice", CLIENT, FIREFOX);
    let hands = [
        (CLIENT, FIREFOX),
        (CLIENT, FIREFOX_UPDATED),
        (CLIENT, CHROME),
        (THIEF, FIREFOX),
        (far, FIREFOX),
        (far, CHROME),
    ];
    for ((ip, user_agent), wanted) in hands.into_iter().zip(wanted) {
        let (reply, decision) = decided(&samehand, question(ip, user_agent).bearer(&token));
        let found = (reply.status, decision.field("reason"), decision.field("changed"));
        assert_eq!(found, wanted, "{settings:?}: {ip} with {user_agent}");
        assert_eq!(reply.header("Remote-User") == Some("alice"), wanted.0 == 200, "{settings:?}: {reply:?}");
    }
}

#[test]
fn what_must_be_the_same_is_chosen_by_the_operator() {
    let watched = |changed: &'static str| (200, "ok", changed);
    row(&[], [OK, OK, NOT_BROWSER, NOT_IP, NOT_IP, NOT_BOTH]);
    row(&[("REQUIRE_SAME", "ip")], [OK, OK, OK, NOT_IP, NOT_IP, NOT_IP]);
    row(&[("REQUIRE_SAME", "user-agent")], [OK, OK, NOT_BROWSER, OK, OK, NOT_BROWSER]);
    row(&[("REQUIRE_SAME", "none")], [OK; 6]);
    let all_watched = [OK, OK, watched("user-agent"), watched("ip"), watched("ip"), watched("ip,user-agent")];
    row(&[("REQUIRE_SAME", "none"), ("WATCH", "ip,user-agent")], all_watched);
    let half_watched = [OK, OK, NOT_BROWSER, watched("ip"), watched("ip"), NOT_BOTH];
    row(&[("REQUIRE_SAME", "user-agent"), ("WATCH", "ip")], half_watched);
    row(&[("IPV4_PREFIX", "24")], [OK, OK, NOT_BROWSER, OK, NOT_IP, NOT_BOTH]);
    row(&[("USER_AGENT_MATCH", "exact")], [OK, NOT_BROWSER, NOT_BROWSER, NOT_IP, NOT_IP, NOT_BOTH]);
}

#[test]
fn of_an_ipv6_address_the_network_counts() {
    let samehand = Samehand::start(&[]);
    let token =
        samehand.succeed(&["token", "mint", "--user", "alice", "--ip", "2001:db8:1:2::7", "--user-agent", FIREFOX], "");
    for (ip, status) in [
        ("2001:db8:1:2::7", 200),
        ("2001:0db8:0001:0002:0000:0000:0000:0007", 200),
        ("[2001:db8:1:2::7]:443", 200),
        ("2001:db8:1:2:ffff::1", 200),
        ("2001:db8:1:3::7", 403),
        ("2001:db8::7", 403),
        ("127.0.0.7", 403),
    ] {
        assert_eq!(outcome(&samehand, question(ip, FIREFOX).bearer(&token)).0, status, "{ip}");
    }
}

#[test]
fn a_token_of_a_looser_policy_is_not_taken_for_one_of_a_stricter() {
    for (loose, strict, outdated) in [
        (("IPV4_PREFIX", "24"), ("IPV4_PREFIX", "32"), true),
        (("IPV6_PREFIX", "48"), ("IPV6_PREFIX", "64"), true),
        (("USER_AGENT_MATCH", "family"), ("USER_AGENT_MATCH", "exact"), true),
        (("IPV4_PREFIX", "32"), ("IPV4_PREFIX", "24"), false),
        (("USER_AGENT_MATCH", "exact"), ("USER_AGENT_MATCH", "family"), false),
        (("REQUIRE_SAME", "ip"), ("REQUIRE_SAME", "ip,user-agent"), false),
    ] {
        let samehand = Samehand::start(&[loose]);
        let token = samehand.mint("alice", CLIENT, FIREFOX);
        let samehand = samehand.restart(&[strict]);
        let wanted = if outdated { (401, "policy-outdated") } else { (200, "ok") };
        let (status, reason) = outcome(&samehand, question(CLIENT, FIREFOX).bearer(&token));
        assert_eq!((status, reason.as_str()), wanted, "{loose:?} to {strict:?}");
        if !outdated {
            // What was recorded is compared as it was recorded.
            assert_eq!(outcome(&samehand, question(THIEF, CHROME).bearer(&token)).0, 403, "{loose:?} to {strict:?}");
        }
    }
}

#[test]
fn issuer_and_audience_are_checked() {
    let claims = |settings: &[(&str, &str)]| {
        let samehand = Samehand::start(settings);
        let token = samehand.mint("alice", CLIENT, FIREFOX);
        assert_eq!(outcome(&samehand, question(CLIENT, FIREFOX).bearer(&token)), (200, "ok".to_owned()));
        let claims = Token::parse(&token).claims;
        (samehand, token, claims)
    };
    let (first, token, of_first) = claims(&[("ISSUER", "https://one.example"), ("AUDIENCE", "app-one")]);
    assert_eq!((&of_first["iss"], &of_first["aud"]), (&"https://one.example".into(), &"app-one".into()));
    let refused = (401, "token-claims".to_owned());
    let first = first.restart(&[("AUDIENCE", "app-two")]);
    assert_eq!(outcome(&first, question(CLIENT, FIREFOX).bearer(&token)), refused, "another audience");
    let first = first.restart(&[("AUDIENCE", "")]);
    assert_eq!(outcome(&first, question(CLIENT, FIREFOX).bearer(&token)).0, 200, "no audience asked for");
    let first = first.restart(&[("ISSUER", "https://two.example")]);
    assert_eq!(outcome(&first, question(CLIENT, FIREFOX).bearer(&token)), refused, "another issuer");
    let (second, plain, of_plain) = claims(&[]);
    assert_eq!((&of_plain["iss"], of_plain.get("aud")), (&"samehand".into(), None));
    let second = second.restart(&[("AUDIENCE", "app-one")]);
    assert_eq!(outcome(&second, question(CLIENT, FIREFOX).bearer(&plain)), refused, "no audience in the token");
}

#[test]
fn what_is_let_pass_is_said() {
    // Mode, then status, identity and `enforced` for: the owner, another client, a forged token, no token, and a
    // question that cannot be read.
    let untouched = [(200, "alice", "yes"), (403, "", "yes"), (401, "", "yes"), (401, "", "yes"), (403, "", "yes")];
    let mut report = untouched;
    report[1] = (200, "alice", "no");
    let mut observe = untouched;
    (observe[1], observe[2], observe[3]) = ((200, "", "no"), (200, "", "no"), (200, "", "no"));
    for (mode, wanted) in [("on", untouched), ("report", report), ("observe", observe)] {
        let samehand = Samehand::start(&[("ENFORCE", mode)]);
        let token = samehand.mint("alice", CLIENT, FIREFOX);
        let forged = Token::parse(&token).signed("another secret, which nobody configured");
        let unreadable = Request::get("/auth/nginx").header("User-Agent", FIREFOX).bearer(&token);
        let questions = [
            question(CLIENT, FIREFOX).bearer(&token),
            question(THIEF, FIREFOX).bearer(&token),
            question(CLIENT, FIREFOX).bearer(&forged),
            question(CLIENT, FIREFOX),
            unreadable,
        ];
        let reasons = ["ok", "client-changed", "signature-invalid", "token-missing", "forwarded-missing"];
        for ((question, reason), wanted) in questions.into_iter().zip(reasons).zip(wanted) {
            let (reply, decision) = decided(&samehand, question);
            let user = reply.header("Remote-User").unwrap_or_default();
            assert_eq!((reply.status, user, decision.field("enforced")), wanted, "{mode}, {reason}: {reply:?}");
            assert_eq!(decision.field("reason"), reason, "{mode}");
            if reply.status == 200 {
                for name in ["Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email"] {
                    assert!(reply.header(name).is_some(), "{mode}, {reason}: {name} is not there: {reply:?}");
                }
            }
        }
        // Who is not a trusted proxy is believed under no setting.
        let untrusted = ask(THIEF, &samehand.tcp, &question(CLIENT, FIREFOX).bearer(&token));
        assert_eq!(untrusted.status, 403, "{mode}");
        let page = ask(PROXY, &samehand.admin, &Request::get("/metrics"));
        let page = String::from_utf8(page.body).expect("text");
        let passed: Vec<&str> = page.lines().filter(|line| line.contains(r#"enforced="no""#)).collect();
        let expected = wanted.iter().filter(|(_, _, enforced)| *enforced == "no").count();
        assert_eq!(passed.len(), expected, "{mode}: {passed:?}");
        assert!(passed.iter().all(|line| line.ends_with(" 1")), "{mode}: {passed:?}");
        let warned =
            samehand.process.log().lines().any(|line| line.contains("level=warn") && line.contains("SAMEHAND_ENFORCE"));
        assert_eq!(warned, mode != "on", "{mode}: {}", samehand.process.log());
    }
}
