//! `keys list | rotate | retire`.

use serde_json::Value;

use crate::support::token::Token;
use crate::{FIREFOX, Installation, SECRET, refused, run};

#[track_caller]
fn listed(installation: &Installation) -> Vec<Value> {
    let list = installation.succeed(&["keys", "list", "--json"], "");
    serde_json::from_str::<Value>(&list).expect("JSON").as_array().expect("an array").clone()
}

#[track_caller]
fn kid_in_state<'a>(keys: &'a [Value], state: &str) -> &'a str {
    let found: Vec<&Value> = keys.iter().filter(|key| key["state"] == state).collect();
    let [key] = found[..] else { panic!("not one {state} key: {keys:?}") };
    key["kid"].as_str().expect("a kid")
}

#[test]
fn keys_go_from_next_to_active_to_old_and_away() {
    let installation = Installation::new(&[]);
    installation.succeed(&["token", "mint", "--user", "alice", "--ip", "192.0.2.7", "--user-agent", FIREFOX], "");
    let first = listed(&installation);
    assert_eq!(first.len(), 2, "{first:?}");
    for key in &first {
        assert_eq!(key["algorithm"], "HS256", "{key}");
        assert!(key["created"].is_u64() && key["safe_to_retire"].is_null() && key["setting"].is_null(), "{key}");
        assert!(key.get("secret").is_none(), "{key}");
    }
    let (active, next) = (kid_in_state(&first, "active"), kid_in_state(&first, "next"));
    for (kid, why) in [(active, "rotate"), (next, "signed nothing"), ("no-such-key", "keys list")] {
        refused(&installation, &["keys", "retire", kid], "", 1, &[kid, why]);
    }
    let rotated = run(&installation, &["keys", "rotate"]);
    assert_eq!((rotated.code, rotated.results.trim_end()), (Some(0), next), "{rotated:?}");
    let second = listed(&installation);
    assert_eq!((second.len(), kid_in_state(&second, "active"), kid_in_state(&second, "old")), (3, next, active));
    let old = second.iter().find(|key| key["state"] == "old").expect("an old key");
    let (safe, created) = (old["safe_to_retire"].as_u64(), old["created"].as_u64());
    // Thirty days is how long a token may be good.
    assert!(safe >= created.map(|created| created + 30 * 86_400), "{old}");
    let text = installation.succeed(&["keys", "list"], "");
    assert!(["next", "active", "old", "safe to retire in"].iter().all(|word| text.contains(word)), "{text}");
    let retired = run(&installation, &["keys", "retire", active]);
    assert_eq!((retired.code, retired.results.as_str()), (Some(0), ""), "{retired:?}");
    assert!(retired.notes.contains("end now"), "tokens may still be good, and nobody is told: {retired:?}");
    assert_eq!(listed(&installation).len(), 2);
    refused(&installation, &["keys", "retire", active], "", 1, &[active]);
}

#[test]
fn a_key_that_a_setting_gives_is_rotated_by_the_setting() {
    let pem = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/keys/ed25519-ours.pem");
    let file_text = std::fs::read_to_string(pem).expect("a key of the tests");
    for (name, value, said) in [
        ("SECRET", SECRET.to_owned(), "SAMEHAND_SECRET_PREVIOUS"),
        ("SIGNING_KEY_FILE", file_text, "SAMEHAND_SIGNING_KEY_FILE"),
    ] {
        let mut installation = Installation::new(&[]);
        let value = if name == "SECRET" { value } else { installation.write("signing.pem", &value) };
        installation.set(&[(name, &value)]);
        let mint = ["token", "mint", "--user", "alice", "--ip", "192.0.2.7", "--user-agent", FIREFOX];
        let kid = Token::parse(&installation.succeed(&mint, "")).header["kid"].as_str().expect("a kid").to_owned();
        refused(&installation, &["keys", "rotate"], "", 1, &[said]);
        refused(&installation, &["keys", "retire", &kid], "", 1, &[said]);
        let keys = listed(&installation);
        assert_eq!(kid_in_state(&keys, "active"), kid, "{keys:?}");
        assert!(keys.iter().any(|key| key["setting"] == format!("SAMEHAND_{name}")), "{keys:?}");
        assert!(!format!("{keys:?}").contains("8dJ2mQxv0Lr5"), "{keys:?}");
    }
}

#[test]
fn a_name_that_begins_with_a_hyphen_is_a_name() {
    let installation = Installation::new(&[]);
    std::fs::create_dir(installation.data()).expect("a new directory");
    let ring = serde_json::json!({
        "version": 1,
        "salt": "a salt of the tests, Jd83kLq0",
        "keys": [
            { "state": "old", "created": 1, "replaced": 2, "secret": "a secret whose key has a hyphen, 66" },
            { "state": "active", "created": 2, "secret": "another secret of these tests, 7Hq2" },
        ],
    });
    installation.write("data/keys.json", &ring.to_string());
    assert_eq!(kid_in_state(&listed(&installation), "old"), "-Gg63s4i");
    let ended = run(&installation, &["keys", "retire", "-Gg63s4i"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(listed(&installation).len(), 1);
}

#[test]
fn a_ring_in_the_store_is_rotated_and_retired_there() {
    let installation = Installation::new(&[("STORE_KEY", "sealed with this, 9fTq2vXw8Lr4Yd6Kc3")]);
    let absent = run(&installation, &["keys", "list"]);
    assert_eq!(absent.code, Some(1), "{absent:?}");
    let mint = ["token", "mint", "--user", "alice", "--ip", "192.0.2.7", "--user-agent", FIREFOX];
    let first = installation.succeed(&mint, "");
    assert!(!installation.data().join("keys.json").exists(), "the keys are in the store");
    let rotated = installation.succeed(&["keys", "rotate"], "");
    let second = installation.succeed(&mint, "");
    for token in [&first, &second] {
        installation.succeed(&["token", "inspect", token], "");
    }
    let kid = |token: &str| Token::parse(token).header["kid"].as_str().expect("a kid").to_owned();
    assert_eq!(kid(&second), rotated);
    installation.succeed(&["keys", "retire", &kid(&first)], "");
    assert_eq!(run(&installation, &["token", "inspect", &first]).code, Some(1));
    installation.succeed(&["token", "inspect", &second], "");
}
