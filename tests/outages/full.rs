//! The disk of the embedded store is full, or its directory can only be read: a clear message, nothing half written, and
//! decisions go on.
//!
//! samehand runs in a namespace of its own, in which its data directory is a file system of a few megabytes: it needs no
//! rights that others lack, and is gone with the process.

use crate::support::waiting::as_promised;
use crate::support::{
    CLIENT,
    client::ask,
    installation::Installation,
    samehand::{PASSWORD, Samehand},
};
use crate::{
    ADMIN_TOKEN, FIREFOX, PROMISED, PROXY, SALT, mint, minting, readiness, revocation, sign_in, status, token_in, turn,
};
use serde_json::json;
use std::{fs::File, io::Write, path::PathBuf, time::Instant};

const NAMESPACE: [&str; 5] = ["unshare", "--mount", "--map-root-user", "sh", "-c"];

/// An installation whose samehand runs after this script, which finds the data directory as `$1`.
#[track_caller]
fn after(script: &str) -> Installation {
    let mut installation = Installation::new(&[("SALT", SALT), ("ADMIN_TOKEN", ADMIN_TOKEN)]);
    let data = installation.data().display().to_string();
    std::fs::create_dir(&data).expect("a directory in the temporary one");
    let script = format!("{script} && shift && exec \"$@\"");
    installation.wrap_in(&[&NAMESPACE[..], &[&script, "sh", &data]].concat());
    installation
}

/// A file system, as this process sees it from outside.
fn from_outside(samehand: &Samehand, name: &str) -> PathBuf {
    let data = samehand.data();
    let inside = data.strip_prefix("/").expect("an absolute path");
    PathBuf::from(format!("/proc/{}/root", samehand.process.id())).join(inside).join(name)
}

/// Takes the last byte that is free.
#[track_caller]
fn fill_up(samehand: &Samehand) -> PathBuf {
    let path = from_outside(samehand, "filler");
    let mut filler = File::create(&path).expect("a file in the small file system");
    for size in [64 * 1024, 4096, 1] {
        while filler.write_all(&vec![0; size]).is_ok() {}
    }
    path
}

#[test]
fn a_full_disk_is_said_keeps_what_was_promised_and_stops_no_decision() {
    let _turn = turn();
    let mut samehand = Samehand::serve(after("mount -t tmpfs -o size=6m,mode=700 tmpfs \"$1\""));
    let id = samehand.process.id().to_string();
    samehand.wrap_commands_in(&["nsenter", "--user", "--mount", "--preserve-credentials", "--target", &id]);
    samehand.add_user("alice", &[]);
    let session = token_in(&ask(CLIENT, &samehand.tcp, &sign_in()));
    let tokens: Vec<String> = (0..400).map(|_| mint(&samehand, "bob")).collect();
    let filler = fill_up(&samehand);

    // What still fits into what the store has taken already is kept; the first that does not fit is refused.
    let mut tokens = tokens.iter();
    let mut acknowledged = Vec::new();
    let refused = loop {
        let token = tokens.next().expect("the disk is full");
        let reply = ask(PROXY, &samehand.admin, &revocation(&json!({ "token": token })));
        if reply.status == 204 {
            acknowledged.push(token);
            continue;
        }
        assert_eq!(reply.status, 503, "{reply:?}");
        assert!(reply.header("Retry-After").is_some(), "{reply:?}");
        break token;
    };
    println!("{} revocations fitted", acknowledged.len());
    samehand.process.wait_for("that the disk is full", |line| line.contains("its disk is full").then_some(()));
    for _ in 0..3 {
        assert_eq!((status(&samehand, &session), status(&samehand, refused)), (200, 200), "decisions go on");
        for token in &acknowledged {
            assert_eq!(status(&samehand, token), 401, "what was acknowledged holds");
        }
        assert_eq!(readiness(&samehand).0, 200);
        for (from, to, request) in [(CLIENT, &samehand.tcp, sign_in()), (PROXY, &samehand.admin, minting("bob"))] {
            let reply = ask(from, to, &request);
            assert_eq!(reply.status, 503, "{reply:?}");
            assert!(reply.header("Retry-After").is_some(), "{reply:?}");
        }
    }
    let output = samehand.run(&["user", "add", "carol", "--password-stdin"], PASSWORD);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("its disk is full") && said.contains("store"), "{said}");
    std::fs::remove_file(&filler).expect("the filler");
    let freed_at = Instant::now();
    as_promised(freed_at, PROMISED, "it works again by itself", || {
        ask(PROXY, &samehand.admin, &revocation(&json!({ "token": refused }))).status == 204
    });
    assert_eq!(status(&samehand, refused), 401);
    let users = samehand.succeed(&["user", "list"], "");
    assert!(users.contains("alice") && !users.contains("carol"), "{users}");
    samehand.add_user("carol", &[]);
    token_in(&ask(CLIENT, &samehand.tcp, &sign_in()));
    assert_eq!(samehand.succeed(&["user", "list"], "").lines().filter(|line| line.contains("carol")).count(), 1);
}

#[test]
fn a_directory_that_can_only_be_read_is_said_at_the_start() {
    let _turn = turn();
    let read_only = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\"";
    let installation = after(read_only);
    // Nothing is there yet.
    let output = installation.run(&["serve"], "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("Read-only file system") && said.contains("data"), "{said}");
    assert_eq!(std::fs::read_dir(installation.data()).expect("it is there").count(), 0, "nothing was begun");
}

/// What a running service and its command line make of a store that was there and cannot be written any more.
#[test]
fn a_store_that_can_only_be_read_is_said_and_left_as_it_is() {
    let _turn = turn();
    let mut installation = Installation::new(&[("SALT", SALT), ("ADMIN_TOKEN", ADMIN_TOKEN)]);
    installation.add_user("alice", &[]);
    let token = installation.mint("alice", CLIENT, FIREFOX);
    let before = std::fs::read(installation.data().join("samehand.sqlite")).expect("the store");
    let data = installation.data().display().to_string();
    let script = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\" && shift && exec \"$@\"";
    installation.wrap_in(&[&NAMESPACE[..], &[script, "sh", &data]].concat());
    for command in [&["serve"][..], &["user", "add", "bob", "--password-stdin"], &["token", "revoke", &token]] {
        let output = installation.run(command, PASSWORD);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        // To the service it is a bad SAMEHAND_DATA.
        assert!([Some(1), Some(78)].contains(&output.status.code()), "{command:?}: {said}");
        assert!(said.contains("may write there") && said.contains(&data), "{command:?}: {said}");
    }
    assert_eq!(std::fs::read(installation.data().join("samehand.sqlite")).expect("the store"), before);
    installation.wrap_in(&[]);
    let samehand = Samehand::serve(installation);
    assert_eq!(status(&samehand, &mint(&samehand, "alice")), 200, "and it works again");
}
