//! `token mint` and `token inspect`.

use serde_json::{Value, json};

use crate::support::token::Token;
use crate::{FIREFOX, Installation, PASSWORD, SECRET, refused, run, run_with};

fn mint<'a>(user: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["token", "mint", "--user", user, "--ip", "192.0.2.7", "--user-agent", FIREFOX], more].concat()
}

#[test]
fn the_token_and_nothing_else_is_printed() {
    let installation = Installation::new(&[]);
    let details = ["--group", "staff", "--email", "alice@example.com", "--display-name", "Alice A."];
    installation.add_user("alice", &details);
    let ended =
        run(&installation, &mint("alice", &["--claim", "tenant=7", "--claim", "note=plain text", "--ttl", "15m"]));
    assert_eq!((ended.code, ended.notes.as_str()), (Some(0), ""));
    assert_eq!(ended.results.lines().count(), 1, "{}", ended.results);
    let token = Token::parse(ended.results.trim_end());
    assert_eq!(token.header["typ"], "samehand+jwt");
    let claims = token.claims;
    for (claim, value) in [
        ("iss", json!("samehand")),
        ("sub", json!("alice")),
        ("groups", json!(["staff"])),
        ("email", json!("alice@example.com")),
        ("name", json!("Alice A.")),
        ("tenant", json!(7)),
        ("note", json!("plain text")),
    ] {
        assert_eq!(claims[claim], value, "{claim}");
    }
    let lifetime = claims["exp"].as_u64().expect("exp") - claims["iat"].as_u64().expect("iat");
    assert_eq!(lifetime, 900);
    let text = claims.to_string();
    assert!(!text.contains("192.0.2.7") && !text.contains("Firefox"), "the token tells who its client is: {text}");
}

#[test]
fn what_is_odd_is_a_warning_and_what_cannot_be_is_refused() {
    let installation = Installation::new(&[("SESSION_TTL", "2d")]);
    installation.add_user("dora", &[]);
    installation.succeed(&["user", "disable", "dora"], "");
    let stranger = run(&installation, &mint("stranger", &[]));
    assert_eq!(stranger.code, Some(0), "{stranger:?}");
    assert!(stranger.notes.contains("warning") && stranger.notes.contains("stranger"), "{stranger:?}");
    assert_eq!(stranger.results.trim_end().split('.').count(), 3, "{stranger:?}");
    let proxy = ["token", "mint", "--user", "stranger", "--ip", "127.0.0.1", "--user-agent", ""];
    let proxy = run(&installation, &proxy);
    assert!(proxy.code == Some(0) && proxy.notes.contains("trusted proxy"), "{proxy:?}");

    refused(&installation, &mint("dora", &[]), "", 1, &["dora", "disabled"]);
    refused(&installation, &mint("alice", &["--ttl", "3d"]), "", 1, &["SESSION_TTL"]);
    for (more, said) in [
        (["--ttl", "soon"], "ttl"),
        (["--claim", "novalue"], "claim"),
        (["--claim", "=x"], "claim"),
        (["--claim", "sub=bob"], "sub"),
        (["--claim", "exp=1"], "exp"),
        (["--claim", "fingerprint=x"], "fingerprint"),
        (["--claim", "userId=7"], "userId"),
        (["--claim", "groups=staff"], "groups"),
        (["--claim", "groups=[\"a b\"]"], "groups"),
        (["--claim", "email=a,b"], "email"),
    ] {
        refused(&installation, &mint("alice", &more), "", 2, &[said]);
    }
    refused(&installation, &mint("alice", &["--claim", "a=1", "--claim", "a=2"]), "", 2, &["twice"]);
    refused(&installation, &mint("two words", &[]), "", 2, &["user"]);
    let nowhere = ["token", "mint", "--user", "alice", "--ip", "nowhere", "--user-agent", "x"];
    refused(&installation, &nowhere, "", 2, &["nowhere"]);
    let two_lines = ["token", "mint", "--user", "alice", "--ip", "192.0.2.7", "--user-agent", "a\nb"];
    refused(&installation, &two_lines, "", 2, &["--user-agent", "control character"]);
}

#[test]
fn a_cookie_proof_is_given_where_the_settings_ask_for_it() {
    const PROOF: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    let installation = Installation::new(&[("REQUIRE_SAME", "user-agent,cookie")]);
    installation.add_user("alice", &[]);
    // Its settings are warned about, and nothing but the token stands on standard output.
    let record = |proof: &str| {
        let ended = run(&installation, &mint("alice", &["--cookie-proof", proof]));
        assert_eq!((ended.code, ended.results.lines().count()), (Some(0), 1), "{ended:?}");
        let claims = Token::parse(ended.results.trim_end()).claims;
        assert!(!claims.to_string().contains(PROOF), "{claims}");
        claims["fingerprint"].as_str().and_then(|claim| claim.split('.').nth(2)).expect("a record").to_owned()
    };
    assert_eq!(record(PROOF), "ip:32:64,!user-agent:family,!cookie");
    assert_eq!(record("session"), "ip:32:64,!user-agent:family,!cookie:session");
    let said = ["SAMEHAND_REQUIRE_SAME", "--cookie-proof", "__Host-samehand-proof", "openssl rand 32", "`session`"];
    refused(&installation, &mint("alice", &[]), "", 2, &said);
    for unusable in ["", "short", &PROOF[1..], &format!("{PROOF}="), "Session"] {
        refused(&installation, &mint("alice", &["--cookie-proof", unusable]), "", 2, &["neither `session` nor"]);
    }
    let plain = Installation::new(&[]);
    refused(&plain, &mint("alice", &["--cookie-proof", PROOF]), "", 2, &["bind no new token to a cookie"]);
}

#[test]
fn a_token_is_inspected_as_text_as_json_and_from_standard_input() {
    let installation = Installation::new(&[("SECRET", SECRET)]);
    installation.add_user("alice", &[]);
    let token = installation.succeed(&mint("alice", &[]), "");
    for (arguments, input) in [
        (vec!["token", "inspect", "--json", &token], String::new()),
        (vec!["token", "inspect", "--json"], format!("{token}\n")),
        (vec!["token", "inspect", "--json", "-"], format!("{token}\n")),
    ] {
        let ended = run_with(&installation, &arguments, &input);
        assert_eq!((ended.code, ended.notes.as_str()), (Some(0), ""));
        let report: Value = serde_json::from_str(&ended.results).expect("one JSON object");
        assert_eq!(report["claims"], Token::parse(&token).claims);
        assert_eq!(report["header"], Token::parse(&token).header);
        assert_eq!((&report["valid"], &report["reason"]), (&json!(true), &json!("ok")));
        assert_eq!(report["size_bytes"], token.len());
        assert!(report["age_seconds"].as_u64().is_some_and(|age| age < 60), "{report}");
        assert!(report["verdict"].as_str().is_some_and(|text| text.contains("client not checked")), "{report}");
    }
    let text = installation.succeed(&["token", "inspect", &token], "");
    for wanted in ["alice", "HS256", "client not checked", "bytes", "expires"] {
        assert!(text.contains(wanted), "{wanted:?} is not in {text}");
    }
}

#[test]
fn a_token_that_is_not_valid_is_shown_all_the_same_and_the_exit_code_tells() {
    let installation = Installation::new(&[("SECRET", SECRET)]);
    let token = Token::parse(&installation.succeed(&mint("alice", &[]), ""));
    let changed = |claim: &str, value: Value| {
        let mut token = token.clone();
        token.claims[claim] = value;
        token
    };
    let mut expired = token.clone();
    (expired.claims["iat"], expired.claims["exp"]) = (json!(1_600_000_000), json!(1_600_000_100));
    let mut unknown_key = token.clone();
    unknown_key.header["kid"] = "AAAAAAAA".into();
    let rows = [
        ("nonsense".to_owned(), "token-malformed"),
        (String::new(), "token-malformed"),
        (token.unsigned(), "token-malformed"),
        (changed("sub", json!("bob")).with_its_old_signature(), "signature-invalid"),
        (token.signed("another secret, which nobody configured"), "signature-invalid"),
        (unknown_key.signed(SECRET), "key-unknown"),
        (expired.signed(SECRET), "token-expired"),
        (changed("nbf", json!(4_000_000_000_u64)).signed(SECRET), "token-not-yet-valid"),
        (changed("iss", json!("somebody")).signed(SECRET), "token-claims"),
        (changed("sub", json!("\u{1b}[31m\u{202e}")).with_its_old_signature(), "signature-invalid"),
    ];
    for (token, reason) in rows {
        let ended = run_with(&installation, &["token", "inspect", "--json"], &token);
        assert_eq!(ended.code, Some(1), "{reason}: {ended:?}");
        let report: Value = serde_json::from_str(&ended.results).expect("one JSON object");
        assert_eq!((&report["valid"], &report["reason"]), (&json!(false), &json!(reason)), "{report}");
        assert!(ended.notes.contains(reason), "{ended:?}");
        let ended = run_with(&installation, &["token", "inspect"], &token);
        assert!(ended.code == Some(1) && ended.results.contains(reason), "{ended:?}");
        let printable = |text: &str| text.chars().all(|character| matches!(character, '\n' | ' '..='~'));
        assert!(printable(&ended.results) && printable(&ended.notes), "{ended:?}");
    }
    // Another installation does not know the key.
    let elsewhere = Installation::new(&[]);
    elsewhere.add_user("alice", &[]);
    elsewhere.succeed(&mint("alice", &[]), "");
    let token = installation.succeed(&mint("alice", &[]), "");
    let ended = run(&elsewhere, &["token", "inspect", &token]);
    assert!(ended.code == Some(1) && ended.results.contains("key-unknown"), "{ended:?}");
    assert!(!format!("{ended:?}").contains(PASSWORD));
}
