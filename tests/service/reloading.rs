//! `SIGHUP`: the settings file and the files of secrets are read again; what is bad is logged and changes nothing.

use crate::support::{
    CLIENT, THIEF,
    installation::Installation,
    samehand::{SECRET, Samehand, said},
    token::Token,
};
use crate::{CHROME, FIREFOX, eventually, outcome, question, question_of_client};

/// How often this was logged so far.
fn times_said(samehand: &Samehand, message: &str) -> usize {
    samehand.process.log().lines().filter(|line| said(line, "msg").is_some_and(|said| said.contains(message))).count()
}

/// Sends the signal and waits until the service has said this once more.
#[track_caller]
fn reload(samehand: &Samehand, message: &str) {
    let before = times_said(samehand, message);
    samehand.process.signal("HUP");
    eventually(message, || times_said(samehand, message) > before);
}

#[test]
fn a_changed_file_counts_and_a_bad_one_changes_nothing() {
    let mut installation = Installation::new(&[]);
    let file = installation.write("samehand.toml", "require_same = \"ip\"\n");
    installation.set(&[("CONFIG", &file)]);
    let samehand = Samehand::serve(installation);
    let token = samehand.mint("alice", CLIENT, FIREFOX);
    let other_browser = || outcome(&samehand, question(CLIENT, CHROME).bearer(&token));
    assert_eq!(other_browser(), (200, "ok".to_owned()));

    samehand.write("samehand.toml", "require_same = \"ip,user-agent\"\n");
    assert_eq!(other_browser(), (200, "ok".to_owned()), "nothing changes before the signal");
    reload(&samehand, "settings read again");
    assert_eq!(other_browser(), (403, "client-changed".to_owned()));

    for (bad, named) in [
        ("require_same = \"ip,user-agnet\"\n", "SAMEHAND_REQUIRE_SAME"),
        ("requires_same = \"none\"\n", "requires_same"),
        ("require_same = \n", "toml"),
        ("token_ttl = \"400d\"\n", "SAMEHAND_TOKEN_TTL"),
    ] {
        samehand.write("samehand.toml", bad);
        reload(&samehand, "the old ones stay");
        let log = samehand.process.log();
        let complaint = log.lines().filter(|line| line.contains("level=error"));
        let tail: Vec<&str> = complaint.collect();
        assert!(tail.iter().any(|line| line.to_lowercase().contains(&named.to_lowercase())), "{bad}: {tail:?}");
        assert_eq!(other_browser(), (403, "client-changed".to_owned()), "{bad}");
    }
    std::fs::remove_file(samehand.path("samehand.toml")).expect("the file is there");
    reload(&samehand, "the old ones stay");
    assert_eq!(other_browser(), (403, "client-changed".to_owned()), "without the file");

    samehand.write("samehand.toml", "require_same = \"ip\"\n");
    reload(&samehand, "settings read again");
    assert_eq!(other_browser(), (200, "ok".to_owned()));
    // What needs a restart is said, and the rest takes effect.
    samehand.write("samehand.toml", "require_same = \"user-agent\"\n");
    reload(&samehand, "settings read again");
    assert_eq!(other_browser(), (403, "client-changed".to_owned()));
    assert_eq!(outcome(&samehand, question(THIEF, FIREFOX).bearer(&token)), (200, "ok".to_owned()));
}

#[test]
fn a_secret_in_a_file_is_rotated_without_signing_anybody_out() {
    const OLDER: &str = "the one before the first, 5Tq8Zx2LmN4";
    const NEW: &str = "the next one, which is better, R7wKp3Vd";
    let mut installation = Installation::new(&[("SECRET", "")]);
    let own = installation.write("secret", &format!("{SECRET}\n"));
    let previous = installation.write("previous", OLDER);
    installation.set(&[("SECRET_FILE", &own), ("SECRET_PREVIOUS_FILE", &previous)]);
    let samehand = Samehand::serve(installation);
    let first = samehand.mint("alice", CLIENT, FIREFOX);
    // One newline at the end of the file is not part of the secret.
    assert_eq!(Token::parse(&first).signed(SECRET), first);

    samehand.write("previous", SECRET);
    samehand.write("secret", NEW);
    reload(&samehand, "settings read again");
    assert_eq!(outcome(&samehand, question_of_client(&first)), (200, "ok".to_owned()));
    let second = samehand.mint("alice", CLIENT, FIREFOX);
    assert_eq!(Token::parse(&second).signed(NEW), second);
    assert_eq!(outcome(&samehand, question_of_client(&second)), (200, "ok".to_owned()));

    samehand.write("secret", "short");
    reload(&samehand, "the old ones stay");
    assert_eq!(outcome(&samehand, question_of_client(&second)), (200, "ok".to_owned()));
    assert!(!samehand.process.log().contains("short\""), "a secret is never shown");

    samehand.write("secret", NEW);
    samehand.write("previous", OLDER);
    reload(&samehand, "settings read again");
    assert_eq!(outcome(&samehand, question_of_client(&first)), (401, "key-unknown".to_owned()));
    assert_eq!(outcome(&samehand, question_of_client(&second)), (200, "ok".to_owned()));
}

#[test]
fn a_settings_file_that_says_nothing_changes_nothing() {
    let mut installation = Installation::new(&[("SECRET", "")]);
    let secret = installation.write("secret", SECRET);
    let without =
        format!("secret_file = {secret:?}\nclient_cert_header = \"x-client-cert\"\nrequire_same = \"ip,user-agent\"\n");
    let whole = without.replace("user-agent\"", "user-agent,mtls\"");
    let file = installation.write("samehand.toml", &without);
    installation.set(&[("CONFIG", &file)]);
    let samehand = Samehand::serve(installation);
    let token = samehand.mint("alice", CLIENT, FIREFOX);
    let without_certificate = || outcome(&samehand, question_of_client(&token));
    assert_eq!(without_certificate(), (200, "ok".to_owned()));
    samehand.write("samehand.toml", &whole);
    reload(&samehand, "settings read again");
    let refused = without_certificate();
    assert_ne!(refused.0, 200, "no certificate was shown");
    let kept = |what: &str, named: &str| {
        let before = samehand.process.log().lines().count();
        reload(&samehand, "the old ones stay");
        let log = samehand.process.log();
        let said = |line: &str| line.contains("level=error") && line.contains(named) && line.contains("setting=");
        assert!(log.lines().skip(before).any(said), "{what}: {log}");
        assert_eq!(without_certificate(), refused, "{what}");
    };
    for (text, said) in [
        ("", "samehand.toml had settings before and has none now"),
        ("\n\n", "samehand.toml had settings before and has none now"),
        ("# require_same = \"ip\"\n", "samehand.toml had settings before and has none now"),
        (&whole[..whole.len() - 5], "samehand.toml is not valid TOML"),
    ] {
        samehand.write("samehand.toml", text);
        kept(text, said);
    }
    std::fs::remove_file(samehand.path("samehand.toml")).expect("the file is there");
    kept("missing", "samehand.toml");

    samehand.write("samehand.toml", &whole);
    samehand.write("secret", "\n");
    kept("an empty secret", "secret is empty");
    std::fs::remove_file(samehand.path("secret")).expect("the file is there");
    kept("a missing secret", "cannot read");
    assert_eq!(times_said(&samehand, "settings read again"), 1);

    // A file that ends too early, at the end of a line, cannot be told from one that was written so.
    samehand.write("secret", SECRET);
    samehand.write("samehand.toml", &without);
    reload(&samehand, "settings read again");
    assert_eq!(without_certificate(), (200, "ok".to_owned()));
    let log = samehand.process.log();
    let weaker: Vec<&str> = log.lines().filter(|line| said(line, "event").as_deref() == Some("weaker")).collect();
    let [line] = weaker.as_slice() else { panic!("not one line: {weaker:#?}") };
    for (name, value) in [
        ("level", "warn"),
        ("setting", "SAMEHAND_REQUIRE_SAME"),
        ("old", "ip,user-agent,mtls"),
        ("new", "ip,user-agent"),
        ("msg", "a client whose `mtls` changed is no longer refused"),
    ] {
        assert_eq!(said(line, name).as_deref(), Some(value), "{line}");
    }
    reload(&samehand, "settings read again");
    let again = samehand.process.log().matches("event=weaker").count();
    assert_eq!(again, 1, "what did not change is not said again");
    assert!(!samehand.process.log().contains(SECRET), "a secret is never shown");
}
