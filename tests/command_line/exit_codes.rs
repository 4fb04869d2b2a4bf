//! 0 success, 1 failure, 2 wrong usage, 78 bad configuration; and that failures leave nothing behind.

use crate::{FIREFOX, Installation, PASSWORD, refused, run, run_with};

#[test]
fn each_kind_of_end_has_its_code() {
    let installation = Installation::new(&[]);
    installation.add_user("alice", &[]);
    let mint = |user: &'static str| ["token", "mint", "--user", user, "--ip", "192.0.2.7", "--user-agent", FIREFOX];
    let rows: [(&[&str], i32); 47] = [
        (&["--version"], 0),
        (&["--help"], 0),
        (&["user", "--help"], 0),
        (&["check-config"], 0),
        (&["user", "list"], 0),
        (&mint("alice"), 0),
        (&["token", "revoke", "--user", "alice"], 0),
        (&["token", "revoke", "--all"], 0),
        (&["session", "list"], 0),
        (&["store", "copy", "--from", "sqlite", "--to", "sqlite:copy"], 0),
        (&["keys", "list"], 0),
        (&["keys", "rotate"], 0),
        (&["completions", "bash"], 0),
        (&["explain", "--proxy", "nginx", "--peer", "127.0.0.1"], 0),
        (&["user", "disable", "nobody"], 1),
        (&["user", "remove", "nobody"], 1),
        (&["user", "unlock", "nobody"], 1),
        (&["user", "passwd", "nobody", "--password-stdin"], 1),
        (&["user", "import", "no-such-file"], 1),
        (&["keys", "retire", "no-such-key"], 1),
        (&["token", "inspect", "no.such.token"], 1),
        (&["token", "revoke", "no.such.token"], 1),
        (&["token", "revoke"], 1),
        (&["store", "copy", "--from", "sqlite:nowhere", "--to", "sqlite"], 1),
        (&["healthcheck"], 1),
        (&["frobnicate"], 2),
        (&["token", "revoke", "x", "--all"], 2),
        (&["token", "revoke", "--session", "x"], 2),
        (&["token", "revoke", "--user", "two words"], 2),
        (&["session"], 2),
        (&["session", "list", "--user", "two words"], 2),
        (&["store", "copy", "--from", "sqlite"], 2),
        (&["store", "copy", "--from", "sqlite", "--to", "sqlite"], 2),
        (&["store", "copy", "--from", "sqlite", "--to", "mysql://db"], 2),
        (&["doctor"], 2),
        (&["--frobnicate"], 2),
        (&["user"], 2),
        (&["user", "add"], 2),
        (&["user", "add", "two words", "--password-stdin"], 2),
        (&["user", "add", "bob", "--password", "x"], 2),
        (&["user", "set", "alice"], 2),
        (&["user", "set", "alice", "--no-groups", "--group", "staff"], 2),
        (&["token", "mint", "--user", "alice"], 2),
        (&["explain", "--proxy", "apache", "--peer", "127.0.0.1"], 2),
        (&["explain", "--proxy", "nginx", "--peer", "somewhere"], 2),
        (&["explain", "--proxy", "nginx", "--peer", "unix", "--url", "no-scheme"], 2),
        (&["completions", "cobol"], 2),
    ];
    for (arguments, code) in rows {
        let ended = run(&installation, arguments);
        assert_eq!(ended.code, Some(code), "{arguments:?}: {ended:?}");
        // Results are for scripts: a failure has none. A verdict about a token is one.
        let is_verdict = arguments.starts_with(&["token", "inspect"]);
        assert!(code == 0 || is_verdict || ended.results.is_empty(), "{arguments:?}: {ended:?}");
        assert!(code == 0 || !ended.notes.is_empty(), "{arguments:?} fails without a word");
    }
}

#[test]
fn every_command_that_reads_settings_refuses_bad_ones() {
    let installation = Installation::new(&[("REQUIRE_SAME", "ip,hair-colour")]);
    let said = ["SAMEHAND_REQUIRE_SAME", "hair-colour"];
    let mint = ["token", "mint", "--user", "alice", "--ip", "192.0.2.7", "--user-agent", FIREFOX];
    let rows: [&[&str]; 13] = [
        &["serve"],
        &[],
        &["check-config"],
        &["user", "list"],
        &["user", "add", "alice", "--password-stdin"],
        &["keys", "list"],
        &["token", "inspect", "x"],
        &["explain", "--proxy", "nginx", "--peer", "127.0.0.1"],
        &["healthcheck"],
        &["token", "revoke", "--all"],
        &["session", "list"],
        &["store", "copy", "--from", "sqlite", "--to", "sqlite:copy"],
        &mint,
    ];
    for arguments in rows {
        refused(&installation, arguments, PASSWORD, 78, &said);
    }
    assert!(!installation.data().exists(), "a refusal leaves a directory behind");
    // These need no settings.
    for arguments in [&["--version"][..], &["completions", "zsh"], &["hash"]] {
        assert_eq!(run_with(&installation, arguments, PASSWORD).code, Some(0), "{arguments:?}");
    }
}

#[test]
fn only_what_creates_a_store_creates_one() {
    let installation = Installation::new(&[]);
    let data = installation.data().display().to_string();
    let rows: [&[&str]; 19] = [
        &["user", "list"],
        &["user", "list", "--json"],
        &["user", "set", "alice", "--group", "staff"],
        &["user", "passwd", "alice", "--password-stdin"],
        &["user", "disable", "alice"],
        &["user", "enable", "alice"],
        &["user", "remove", "alice"],
        &["user", "unlock", "alice"],
        &["keys", "list"],
        &["keys", "rotate"],
        &["keys", "retire", "x"],
        &["token", "inspect", "x"],
        &["token", "revoke", "x"],
        &["token", "revoke", "--user", "alice"],
        &["token", "revoke", "--all"],
        &["session", "list"],
        &["session", "list", "--json"],
        &["store", "copy", "--from", "sqlite", "--to", "sqlite:copy"],
        &["explain", "--proxy", "nginx", "--peer", "127.0.0.1", "--json"],
    ];
    for arguments in rows {
        refused(&installation, arguments, PASSWORD, 1, &[&data]);
        assert!(!installation.data().exists(), "{arguments:?} has created {data}");
    }
    refused(&installation, &["user", "import", "no-such-file"], "", 1, &["no-such-file"]);
    refused(&installation, &["user", "add", "alice", "--password-stdin"], "password1234", 1, &[]);
    assert!(!installation.data().exists(), "a refused password has created {data}");
    installation.add_user("alice", &[]);
    assert!(installation.data().join("samehand.sqlite").exists());
}

#[test]
fn a_newer_store_is_refused_with_both_versions() {
    let installation = Installation::new(&[]);
    installation.add_user("alice", &[]);
    let store = installation.data().join("samehand.sqlite");
    let database = rusqlite::Connection::open(&store).expect("a database");
    database.pragma_update(None, "user_version", 41).expect("a version");
    drop(database);
    let said = ["version 41", "knows versions up to", env!("CARGO_PKG_VERSION")];
    refused(&installation, &["user", "list"], "", 1, &said);
    refused(&installation, &["user", "add", "bob", "--password-stdin"], PASSWORD, 1, &said);
    refused(&installation, &["check-config"], "", 78, &said);
    refused(&installation, &["serve"], "", 78, &said);
}
