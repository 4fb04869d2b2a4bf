//! `hash`, `completions`, `--version`, and readers that go away early.

use std::{io::Read, process::Stdio};

use crate::{FIREFOX, Installation, PASSWORD, refused, run, run_with, session, with_store};

#[test]
fn the_version_is_the_one_of_the_package() {
    let ended = run(&Installation::new(&[]), &["--version"]);
    assert_eq!(ended.results, format!("samehand {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_password_is_hashed_anew_each_time() {
    let installation = Installation::new(&[]);
    let hashes = [(); 2].map(|()| {
        let ended = run_with(&installation, &["hash"], &format!("{PASSWORD}\n"));
        assert_eq!((ended.code, ended.notes.as_str()), (Some(0), ""));
        assert_eq!(ended.results.lines().count(), 1, "{ended:?}");
        assert!(ended.results.starts_with("$argon2id$v=19$m="), "{ended:?}");
        assert!(!ended.results.contains(PASSWORD), "{ended:?}");
        ended.results
    });
    assert_ne!(hashes[0], hashes[1], "two hashes have one salt");
    refused(&installation, &["hash"], "short", 1, &["15"]);
    refused(&installation, &["hash"], "", 1, &[]);
    refused(&installation, &["hash", PASSWORD], "", 2, &[]);
    assert!(!installation.data().exists());
}

#[test]
fn there_are_completions_for_the_shells_people_use() {
    let installation = Installation::new(&[]);
    for shell in ["bash", "zsh", "fish"] {
        let ended = run(&installation, &["completions", shell]);
        assert_eq!((ended.code, ended.notes.as_str()), (Some(0), ""), "{shell}");
        for word in ["samehand", "check-config", "healthcheck", "explain", "rotate", "revoke", "session", "from-file"] {
            assert!(ended.results.contains(word), "{word} is not in the script for {shell}");
        }
    }
}

#[test]
fn a_reader_that_goes_away_early_is_no_failure() {
    let installation = Installation::new(&[]);
    let token =
        installation.succeed(&["token", "mint", "--user", "alice", "--ip", "192.0.2.7", "--user-agent", FIREFOX], "");
    let hash = installation.succeed(&["hash"], PASSWORD);
    // More than a pipe holds, so that writing fails for certain.
    let users: String = (0..3000).map(|number| format!("somebody-with-a-long-name-{number}:{hash}\n")).collect();
    let users = installation.write("users", &users);
    installation.succeed(&["user", "import", &users], "");
    let sessions: Vec<_> = (0..=u8::MAX).map(|number| session(number, "somebody")).collect();
    with_store(&installation, async |store| store.put_sessions(&sessions).await.expect("a store"));
    let rows: [&[&str]; 9] = [
        &["user", "list"],
        &["user", "list", "--json"],
        &["session", "list", "--json"],
        &["check-config"],
        &["completions", "bash"],
        &["keys", "list"],
        &["token", "inspect", &token],
        &["explain", "--proxy", "nginx", "--peer", "127.0.0.1"],
        &["--help"],
    ];
    for arguments in rows {
        let mut command = installation.command();
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("cargo builds samehand");
        // At most one byte is read, and then the pipe is closed, as `head` does it.
        let mut stdout = child.stdout.take().expect("stdout is piped");
        let _first = stdout.read(&mut [0]).expect("a pipe");
        drop(stdout);
        let ended = child.wait_with_output().expect("the command ends");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success() && said.is_empty(), "{arguments:?}: {} {said}", ended.status);
    }
}
