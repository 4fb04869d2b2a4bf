//! `samehand explain` says when a token was made with an address that is not the client's.

use serde_json::{Value, json};

use super::{
    COOKIE,
    clients::{BROWSER, ON_IPV4},
    node::Mint,
    start_samehand,
};
use crate::support::samehand::Samehand;

/// What `explain` says about a request with this credential, when the proxy at `peer` writes `forwarded_for`.
#[track_caller]
fn explained(samehand: &Samehand, peer: &str, forwarded_for: &str, credential: [&str; 2]) -> Value {
    let arguments = ["explain", "--json", "--proxy", "nginx", "--peer", peer, "--ip", forwarded_for];
    let arguments = [&arguments[..], &["--user-agent", BROWSER], &credential].concat();
    serde_json::from_str(&samehand.succeed(&arguments, "")).expect("JSON")
}

fn hint(report: &Value) -> Option<&str> {
    let steps = report["steps"].as_array().expect("steps");
    steps.iter().find(|step| step["step"] == "hint").and_then(|step| step["text"].as_str())
}

#[test]
fn a_token_that_was_made_with_the_wrong_address_is_told_so() {
    // 10.0.0.1 is the inner one of two proxies, known by itself; the outer ones are known as a network only.
    let trusted = ("TRUSTED_PROXIES", "127.0.0.9,10.0.0.1,2001:db8:1::1,198.51.100.0/28");
    let samehand = start_samehand(&[("FINGERPRINT", "keyed,article"), trusted]);
    let mut mint = Mint::start();
    let proxy = |address: &str| format!("{address}, a proxy's own address");
    let raw = || "the raw text of X-Forwarded-For".to_owned();
    for (minted_for, peer, forwarded_for, wrong) in [
        ("127.0.0.9", "127.0.0.9", "192.0.2.7", proxy("127.0.0.9")),
        ("::ffff:127.0.0.9", "127.0.0.9", "192.0.2.7", proxy("127.0.0.9")),
        ("127.0.0.9", "unix", "192.0.2.7", proxy("127.0.0.9")),
        ("::ffff:10.0.0.1", "unix", "192.0.2.7", proxy("10.0.0.1")),
        ("2001:db8:1::1", "2001:db8:1::1", "192.0.2.7", proxy("2001:db8:1::1")),
        ("198.51.100.3", "198.51.100.3", "192.0.2.7", proxy("198.51.100.3")),
        ("198.51.100.2", "127.0.0.9", "192.0.2.7, 198.51.100.2", proxy("198.51.100.2")),
        ("192.0.2.7, 198.51.100.2", "127.0.0.9", "192.0.2.7, 198.51.100.2", raw()),
        ("203.0.113.66,192.0.2.7", "127.0.0.9", "203.0.113.66,192.0.2.7", raw()),
        ("192.0.2.7:4711", "127.0.0.9", "192.0.2.7:4711", raw()),
        (
            "203.0.113.66",
            "127.0.0.9",
            "203.0.113.66, 192.0.2.7",
            "203.0.113.66, which X-Forwarded-For lists farther left than the client".to_owned(),
        ),
    ] {
        let token = mint.token(minted_for, &ON_IPV4);
        let expected = format!("the token was made with {wrong}; mint with the client's address, 192.0.2.7");
        let cookie = format!("Cookie: {COOKIE}={token}");
        let bare = format!("Authorization: {token}");
        for credential in [["--token", &token], ["--header", &cookie], ["--header", &bare]] {
            let report = explained(&samehand, peer, forwarded_for, credential);
            let row = format!("{minted_for} for {forwarded_for} at {peer}: {report}");
            assert_eq!((&report["status"], &report["reason"]), (&403.into(), &"client-changed".into()), "{row}");
            assert_eq!(hint(&report), Some(expected.as_str()), "{row}");
            assert_eq!(report["changed"], json!([]), "{row}");
        }
    }
}

#[test]
fn a_good_token_and_one_of_another_client_are_told_nothing_of_the_kind() {
    let samehand = start_samehand(&[("FINGERPRINT", "keyed,article")]);
    let mut mint = Mint::start();
    for (minted_for, reason) in [
        ("192.0.2.7", "ok"),
        ("::ffff:192.0.2.7", "ok"),
        ("192.0.2.8", "client-changed"),
        ("", "client-changed"),
        ("undefined", "client-changed"),
    ] {
        let token = mint.token(minted_for, &ON_IPV4);
        let report = explained(&samehand, "127.0.0.9", "192.0.2.7", ["--token", &token]);
        assert_eq!((&report["reason"], hint(&report)), (&reason.into(), None), "{minted_for}: {report}");
        assert_eq!(report["format"], "article");
    }
    let keyed =
        samehand.succeed(&["token", "mint", "--user", "alice", "--ip", "127.0.0.9", "--user-agent", BROWSER], "");
    let report = explained(&samehand, "127.0.0.9", "192.0.2.7", ["--token", &keyed]);
    assert_eq!((&report["changed"], hint(&report)), (&json!(["ip"]), None), "{report}");
}
