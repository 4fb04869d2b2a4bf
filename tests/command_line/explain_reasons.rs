//! Every reason of this release, reached by `explain` at least once, with the decision, the status and the fields.

use serde_json::{Value, json};

use crate::support::token::Token;
use crate::{CHROME, FIREFOX, Installation, SECRET, run_with};

const SALT: &str = "a salt of the tests, Jd83kLq0";

/// Settings that need no file, so that nothing has to exist.
fn installation(more: &[(&str, &str)]) -> Installation {
    let mut installation = Installation::new(&[("SECRET", SECRET), ("SALT", SALT)]);
    installation.set(more);
    installation
}

/// A token of alice for 192.0.2.7 with Firefox, minted elsewhere under the same secrets.
#[track_caller]
fn token(more: &[(&str, &str)]) -> Token {
    let mint = [
        "token",
        "mint",
        "--user",
        "alice",
        "--ip",
        "192.0.2.7",
        "--user-agent",
        FIREFOX,
        "--claim",
        "groups=[\"staff\"]",
    ];
    Token::parse(&installation(more).succeed(&mint, ""))
}

/// What `explain --json` says about a request of the owner, but for these options; the token comes on standard input.
#[track_caller]
fn explained(installation: &Installation, options: &[&str], token: Option<&str>) -> Value {
    let common = ["explain", "--json", "--url", "https://app.example.com/page?q=1"];
    let given = |option: &str| options.contains(&option);
    let mut arguments = [&common[..], options].concat();
    for (option, value) in
        [("--proxy", "nginx"), ("--peer", "127.0.0.1"), ("--ip", "192.0.2.7"), ("--user-agent", FIREFOX)]
    {
        if !given(option) {
            arguments.extend([option, value]);
        }
    }
    if token.is_some() {
        arguments.extend(["--token", "-"]);
    }
    let ended = run_with(installation, &arguments, token.unwrap_or_default());
    assert_eq!((ended.code, ended.notes.as_str()), (Some(0), ""), "{options:?}: {ended:?}");
    assert_eq!(ended.results.lines().count(), 1, "one object on one line: {ended:?}");
    serde_json::from_str(&ended.results).expect("one JSON object")
}

/// The token with one claim replaced, signed again.
fn with_claim(token: &Token, claim: &str, value: Value) -> String {
    let mut token = token.clone();
    token.claims[claim] = value;
    token.signed(SECRET)
}

/// Reason, options, token, decision, status.
type Row<'a> = (&'a str, &'a [&'a str], Option<&'a String>, &'a str, u16);

#[test]
fn every_reason_is_reached() {
    let plain = installation(&[]);
    let token = token(&[]);
    let good = token.signed(SECRET);
    let mut unknown_key = token.clone();
    unknown_key.header["kid"] = "AAAAAAAA".into();
    let authorization = format!("Authorization: Bearer {good}");
    let cookie = format!("Cookie: __Host-samehand={}", with_claim(&token, "jti", json!("AAAAAAAAAAAAAAAAAAAAAA")));
    let outdated = self::token(&[("IPV4_PREFIX", "24")]).signed(SECRET);
    let far = json!(4_000_000_000_u64);
    let malformed = "a.b.c".to_owned();
    let forged = token.signed("another secret, which nobody configured");
    let unknown = unknown_key.signed(SECRET);
    let mut past = token.clone();
    past.claims["iat"] = json!(1_600_000_000);
    let expired = with_claim(&past, "exp", json!(1_600_000_100));
    let early = with_claim(&token, "nbf", far);
    let of_another = with_claim(&token, "iss", json!("somebody"));
    let rows: [Row<'_>; 19] = [
        ("ok", &[], Some(&good), "allow", 200),
        ("token-missing", &[], None, "challenge", 401),
        ("token-ambiguous", &["--header", &authorization, "--header", &cookie], None, "challenge", 401),
        ("token-malformed", &[], Some(&malformed), "challenge", 401),
        ("token-expired", &[], Some(&expired), "challenge", 401),
        ("token-not-yet-valid", &[], Some(&early), "challenge", 401),
        ("token-claims", &[], Some(&of_another), "challenge", 401),
        ("signature-invalid", &[], Some(&forged), "challenge", 401),
        ("key-unknown", &[], Some(&unknown), "challenge", 401),
        ("client-changed", &["--ip", "192.0.2.8"], Some(&good), "forbid", 403),
        ("policy-outdated", &[], Some(&outdated), "challenge", 401),
        ("proxy-untrusted", &["--peer", "198.51.100.1"], Some(&good), "reject", 403),
        ("forwarded-missing", &["--ip", ""], Some(&good), "reject", 403),
        ("forwarded-ambiguous", &["--header", "X-Forwarded-Uri: /other"], Some(&good), "reject", 403),
        ("forwarded-unreadable", &["--method", "GE T"], Some(&good), "reject", 403),
        ("client-ip-unreadable", &["--ip", "somebody"], Some(&good), "reject", 403),
        ("user-agent-ambiguous", &["--header", "User-Agent: curl/8"], Some(&good), "reject", 403),
        ("client-ip-unreadable", &["--ip", "somebody", "--proxy", "traefik"], Some(&good), "reject", 400),
        ("proxy-untrusted", &["--peer", "198.51.100.1", "--proxy", "caddy"], Some(&good), "reject", 403),
    ];
    for (reason, options, token, decision, status) in rows {
        let report = explained(&plain, options, token.map(String::as_str));
        let found = (&report["reason"], &report["decision"], &report["status"]);
        assert_eq!(found, (&json!(reason), &json!(decision), &json!(status)), "{report}");
        let identity = json!({ "user": "alice", "groups": ["staff"], "name": "", "email": "" });
        match reason {
            "ok" => assert_eq!(report["identity"], identity, "{report}"),
            _ => assert_eq!(report["identity"], Value::Null, "{report}"),
        }
        let no_client =
            ["proxy-untrusted", "client-ip-unreadable"].contains(&reason) || reason.starts_with("forwarded-");
        assert_eq!(report["client_ip"].is_null(), no_client, "{report}");
        assert!(report["steps"].as_array().is_some_and(|steps| !steps.is_empty()), "{report}");
        let changed = if reason == "client-changed" { json!(["ip"]) } else { json!([]) };
        assert_eq!(report["changed"], changed, "{report}");
    }
    assert!(!plain.data().exists(), "explaining has side effects");
}

#[test]
fn the_policy_is_the_one_of_the_settings() {
    let token = token(&[]).signed(SECRET);
    let other_hand = ["--ip", "203.0.113.9", "--user-agent", CHROME];
    for (settings, status, changed, user) in [
        (&[][..], 403, json!(["ip", "user-agent"]), None),
        (&[("REQUIRE_SAME", "none"), ("WATCH", "user-agent")], 200, json!(["user-agent"]), Some("alice")),
        (&[("ENFORCE", "report")], 200, json!(["ip", "user-agent"]), Some("alice")),
        (&[("ENFORCE", "observe")], 200, json!(["ip", "user-agent"]), None),
    ] {
        let report = explained(&installation(settings), &other_hand, Some(&token));
        assert_eq!((&report["status"], &report["changed"]), (&json!(status), &changed), "{settings:?}: {report}");
        assert_eq!(report["identity"]["user"].as_str(), user, "{settings:?}: {report}");
    }
}

#[test]
fn article_tokens_are_explained_with_what_went_wrong() {
    use sha2::{Digest, Sha256};
    let settings = installation(&[("FINGERPRINT", "keyed,article")]);
    let made_with = |address: &str| {
        let fingerprint = hex::encode(Sha256::digest(format!("{SALT}{address}{FIREFOX}")));
        let claims = json!({ "userId": 7, "fingerprint": fingerprint, "iat": now() - 10, "exp": now() + 3600 });
        let mut token = token(&[]);
        (token.header, token.claims) = (json!({ "alg": "HS256", "typ": "JWT" }), claims);
        token.signed(SECRET)
    };
    let report = explained(&settings, &[], Some(&made_with("192.0.2.7")));
    assert_eq!(
        (&report["status"], &report["format"], &report["identity"]["user"]),
        (&json!(200), &json!("article"), &json!("7")),
        "{report}"
    );
    for (address, hint) in [
        ("127.0.0.1", "127.0.0.1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("203.0.113.66, 192.0.2.7", "raw text of X-Forwarded-For"),
    ] {
        let ip = if address.contains(',') { address } else { "192.0.2.7" };
        let report = explained(&settings, &["--ip", ip], Some(&made_with(address)));
        assert_eq!((&report["status"], &report["reason"]), (&json!(403), &json!("client-changed")), "{report}");
        assert!(report["steps"].to_string().contains(hint), "{address} is not told: {report}");
    }
}

fn now() -> u64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
    since.expect("a clock after 1970").as_secs()
}
