//! Counters that replicas share, that the command line empties, that outlive the service, and what holds without them.

use rusqlite::Connection;

use crate::{
    OF_KNOWN_CLIENT, OF_STRANGERS, WRONG, checked, counted, right, sign_in, somewhere,
    support::{
        CLIENT, THIEF,
        client::ask,
        samehand::{PASSWORD, Samehand, said},
    },
    wrong, wrong_until_told_to_wait,
};

/// Another process on the same data.
#[track_caller]
fn replica_of(samehand: &Samehand) -> Samehand {
    Samehand::start(&[("DATA", samehand.data().to_str().expect("a path that is text"))])
}

#[test]
fn replicas_on_one_store_share_the_counters() {
    let one = Samehand::start(&[]);
    one.add_user("alice", &[]);
    let other = replica_of(&one);
    for number in 1..=OF_STRANGERS {
        let replica = [&one, &other][number % 2];
        assert_eq!(wrong(replica, "alice", somewhere(number)), 401, "{number}");
    }
    for replica in [&one, &other] {
        assert_eq!(right(replica, "alice", CLIENT), 429);
    }
    one.succeed(&["user", "unlock", "alice"], "");
    assert_eq!(right(&one, "alice", CLIENT), 200);
    // A client that one of them has seen is known to both.
    assert_eq!(wrong_until_told_to_wait(&one, "alice", somewhere(1)), OF_STRANGERS);
    assert_eq!(right(&other, "alice", CLIENT), 200);
    assert_eq!(wrong_until_told_to_wait(&other, "alice", CLIENT), OF_KNOWN_CLIENT);
    assert_eq!(right(&one, "alice", CLIENT), 429);
}

#[test]
fn a_restart_forgets_neither_guesses_nor_known_clients() {
    let samehand = Samehand::start(&[]);
    samehand.add_user("alice", &[]);
    assert_eq!(right(&samehand, "alice", CLIENT), 200);
    assert_eq!(wrong_until_told_to_wait(&samehand, "alice", THIEF), OF_STRANGERS);
    let samehand = samehand.restart(&[]);
    assert_eq!(right(&samehand, "alice", THIEF), 429);
    assert_eq!(right(&samehand, "alice", CLIENT), 200);
}

/// The store answers but cannot write: signing in with article tokens goes on without it, and guessing must not be free.
#[test]
fn when_the_store_cannot_count_a_stricter_limit_holds() {
    let samehand = Samehand::start(&[("FINGERPRINT", "article")]);
    samehand.add_user("alice", &[]);
    assert_eq!(right(&samehand, "alice", CLIENT), 200);
    let store = Connection::open(samehand.data().join("samehand.sqlite")).expect("the store");
    let full = "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END";
    for table in ["attempts", "remembered"] {
        let trigger = format!("CREATE TRIGGER no_{table} BEFORE INSERT ON {table} {full}");
        store.execute_batch(&trigger).expect("a trigger");
    }
    assert_eq!(right(&samehand, "alice", somewhere(1)), 200, "an attempt that is right is put back here too");
    assert_eq!(wrong_until_told_to_wait(&samehand, "alice", THIEF), OF_STRANGERS / 4);
    assert_eq!(right(&samehand, "alice", somewhere(1)), 429);
    assert_eq!(right(&samehand, "alice", CLIENT), 200, "the store still knows the client");
    assert_eq!(wrong_until_told_to_wait(&samehand, "alice", CLIENT), OF_KNOWN_CLIENT / 4);
    let alone = |line: &str| said(line, "msg").is_some_and(|msg| msg.contains("cannot be counted in the store"));
    assert_eq!(samehand.process.log().lines().filter(|line| alone(line)).count(), 1, "{}", samehand.process.log());

    for table in ["attempts", "remembered"] {
        store.execute_batch(&format!("DROP TRIGGER no_{table}")).expect("the trigger");
    }
    assert_eq!(right(&samehand, "alice", THIEF), 200, "the store counts again, and has seen none of it");
    samehand.process.wait_for("that the store counts again", |line| {
        said(line, "msg").filter(|msg| msg.contains("counted in the store again")).map(drop)
    });
}

#[test]
fn the_store_holds_neither_names_nor_addresses_of_those_who_tried() {
    let samehand = Samehand::start(&[]);
    samehand.add_user("alice", &[]);
    assert_eq!(wrong(&samehand, "my-password-in-the-wrong-field", somewhere(211)), 401);
    assert_eq!(checked(&ask(somewhere(211), &samehand.tcp, &sign_in(WRONG, PASSWORD))), 401);
    assert_eq!(counted(&samehand, "unknown-user"), 2);
    let installation = samehand.stop();
    let mut looked_at = 0;
    for entry in std::fs::read_dir(installation.data()).expect("the data directory") {
        let entry = entry.expect("an entry");
        if !entry.file_type().expect("its kind").is_file() {
            continue;
        }
        let bytes = std::fs::read(entry.path()).expect("a file");
        looked_at += bytes.len();
        for text in ["in-the-wrong-field", "lighthouses", "127.0.211"] {
            assert!(!bytes.windows(text.len()).any(|window| window == text.as_bytes()), "{text}");
        }
    }
    assert!(looked_at > 10_000, "the store has moved");
}
