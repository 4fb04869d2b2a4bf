//! Commands on stores that are reached over a network, the real PostgreSQL and the real Redis: everything is copied there
//! and back, and `check-config` says whether they answer without hanging when they do not.

use samehand::store::Session;
use std::time::{Duration, Instant};

use crate::support::{
    postgres::{self, Postgres},
    valkey::{self, Program, Server},
    waiting::is_in_time,
};
use crate::{Ended, FIREFOX, Installation, SECRET, refused, run, session, with_store};

const SALT: &str = "a salt of the tests, Jd83kLq0";

/// No password of a server is in it, in any spelling.
#[track_caller]
fn tells_no_password(ended: &Ended) {
    for secret in [postgres::PASSWORD, "p%40ss", valkey::PASSWORD, valkey::PASSWORD_IN_URL] {
        assert!(!ended.notes.contains(secret) && !ended.results.contains(secret), "{ended:?}");
    }
}

/// Copies from files to this server and back, and compares what commands say on the way.
#[track_caller]
fn goes_there_and_back(url: &str) {
    let mut installation = Installation::new(&[("SECRET", SECRET), ("SALT", SALT)]);
    for (name, group) in [("alice", "staff"), ("b-ob", "staff"), ("b.ob", "ops"), ("bob", "ops"), ("a_lice", "ops")] {
        installation.add_user(name, &["--group", group]);
    }
    let mint = ["token", "mint", "--user", "alice", "--ip", "192.0.2.7", "--user-agent", FIREFOX];
    let (good, revoked) = (installation.succeed(&mint, ""), installation.succeed(&mint, ""));
    installation.succeed(&["token", "revoke", &revoked], "");
    installation.succeed(&["token", "revoke", "--user", "bob"], "");
    // Names that a language sorts otherwise than bytes do.
    let sessions: Vec<Session> = [0, 0xff, 0xfb, 0x13, 0xe7, 0x6b].map(|number| session(number, "alice")).into();
    with_store(&installation, async |store| {
        store.put_sessions(&sessions).await.expect("a store");
        assert!(store.put_keys(b"sealed", 0).await.expect("a store"));
    });
    let told = |installation: &Installation| {
        let list = |what: &str| installation.succeed(&[what, "list", "--json"], "");
        (list("user"), list("session"))
    };
    let before = told(&installation);
    let file = installation.write("url", url);
    let back = installation.path("back.sqlite").display().to_string();
    let all = "copied and compared: 5 users, 6 sessions, 2 revocations, the key ring\n";
    let to_file = ["--from", "sqlite", "--to-file", &file];
    for arguments in [to_file, to_file, ["--from-file", &file, "--to", &format!("sqlite:{back}")]] {
        let ended = run(&installation, &[&["store", "copy"], &arguments[..]].concat());
        assert_eq!((ended.code, ended.results.as_str()), (Some(0), all), "{arguments:?}: {ended:?}");
        tells_no_password(&ended);
    }
    let same = ["store", "copy", "--from-file", &file, "--to-file", &file];
    refused(&installation, &same, "", 2, &["the same store"]);
    let inspect = |installation: &Installation, token: &str| run(installation, &["token", "inspect", token]).code;
    for settings in [("STORE_FILE", file.as_str()), ("STORE", &format!("sqlite:{back}"))] {
        installation.set(&[settings]);
        assert_eq!(told(&installation), before, "{settings:?}");
        assert_eq!((inspect(&installation, &good), inspect(&installation, &revoked)), (Some(0), Some(1)));
        installation.set(&[("STORE_FILE", "")]);
    }
    installation.set(&[("STORE", ""), ("STORE_FILE", &file)]);
    let ended = run(&installation, &["token", "revoke", "--user", "Alice"]);
    assert!(ended.code == Some(0) && ended.notes.contains("6 sessions ended"), "{ended:?}");
    assert_eq!(inspect(&installation, &good), Some(1), "the store's revocation covers what was issued before the copy");
    assert_eq!(installation.succeed(&["session", "list"], ""), "");
}

#[test]
fn everything_goes_to_postgresql_and_back() {
    goes_there_and_back(&Postgres::shared().database().url(""));
}

#[test]
fn everything_goes_to_redis_and_back() {
    goes_there_and_back(&Server::start(Program::Redis).url());
}

#[test]
fn a_token_of_a_sealed_ring_is_revoked_too_and_its_ring_copied() {
    let (first, second) = (Postgres::shared().database(), Server::start(Program::Redis));
    let mut installation = Installation::new(&[("STORE_KEY", "the tests share this one, Zq81mVx0Lr5Tn")]);
    let first = installation.write("first", &first.url(""));
    let second = installation.write("second", &second.url());
    installation.set(&[("STORE_FILE", &first)]);
    let mint = ["token", "mint", "--user", "alice", "--ip", "192.0.2.7", "--user-agent", FIREFOX];
    let (good, revoked) = (installation.succeed(&mint, ""), installation.succeed(&mint, ""));
    installation.succeed(&["token", "revoke"], &revoked);
    let copied = run(&installation, &["store", "copy", "--from-file", &first, "--to-file", &second]);
    assert_eq!(copied.results, "copied and compared: 0 users, 0 sessions, 1 revocation, the key ring\n", "{copied:?}");
    for store in [&first, &second] {
        installation.set(&[("STORE_FILE", store)]);
        let inspect = |token: &str| run(&installation, &["token", "inspect", token]).code;
        assert_eq!((inspect(&good), inspect(&revoked)), (Some(0), Some(1)), "{store}");
    }
}

/// `check-config` with this store, and how long it took.
#[track_caller]
fn checked(url: &str) -> (Ended, Duration) {
    let mut installation = Installation::new(&[("SECRET", SECRET), ("SALT", SALT)]);
    let file = installation.write("url", url);
    installation.set(&[("STORE_FILE", &file)]);
    let began = Instant::now();
    let ended = run(&installation, &["check-config"]);
    tells_no_password(&ended);
    (ended, began.elapsed())
}

/// It ends well, says this about the store, and warns or not.
#[track_caller]
fn says((ended, took): (Ended, Duration), state: &str, warns: bool) {
    let line = ended.results.lines().find(|line| line.starts_with("store: ")).unwrap_or_default();
    assert!(ended.code == Some(0) && line.ends_with(&format!(" ({state})")), "{ended:?}");
    let warned = ended.results.lines().any(|line| line.starts_with("warning: ") && line.contains("does not answer"));
    assert_eq!(warned, warns, "{ended:?}");
    assert!(is_in_time(took, Duration::from_secs(15)), "it took {took:?}");
}

#[test]
fn a_database_is_asked_whether_it_answers_for_a_moment() {
    let postgres = Postgres::start(|_| Vec::new());
    let database = postgres.database();
    let new = "answers; samehand has not been there yet";
    says(checked(&database.url("")), new, false);
    with_database(&database.url(""));
    says(checked(&database.url("")), "answers", false);
    postgres.pause();
    says(checked(&database.url("")), "does not answer", true);
    postgres.resume();
    let redis = Server::start(Program::Redis);
    says(checked(&redis.url()), new, false);
    with_database(&redis.url());
    says(checked(&redis.url()), "answers", false);
    redis.pause();
    says(checked(&redis.url()), "does not answer", true);
    redis.resume();
    // Nobody listens there.
    says(checked("postgres://a:b@127.0.0.1:1/x"), "does not answer", true);
    says(checked("redis://127.0.0.1:1/0"), "does not answer", true);
}

/// Sets a store up, as the service does.
#[track_caller]
fn with_database(url: &str) {
    let mut installation = Installation::new(&[("SECRET", SECRET), ("SALT", SALT)]);
    let file = installation.write("url", url);
    installation.set(&[("STORE_FILE", &file)]);
    installation.add_user("alice", &[]);
}

#[test]
fn a_database_that_refuses_us_is_a_bad_setting() {
    let database = Postgres::shared().database();
    let url = database.url_at(&format!("127.0.0.1:{}", database.port()), "not-the-password", "");
    let (ended, _) = checked(&url);
    assert_eq!((ended.code, ended.results.as_str()), (Some(78), ""), "{ended:?}");
    assert!(ended.notes.starts_with("SAMEHAND_STORE: ") && !ended.notes.contains("not-the-password"), "{ended:?}");
}
