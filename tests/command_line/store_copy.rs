//! `store copy`: everything arrives, nobody is signed out, a run that was killed is taken up again, and what does not go
//! together is left alone.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
    time::{Duration, Instant},
};

use samehand::{
    check::{
        identifiers::{Revision, SessionId},
        names::UserName,
        revocation::{Entry, Reach, RevokedId},
    },
    store::{Session, StoreAddress, StoredPassword, User, all_users, open_sessions},
};
use serde_json::Value;

use crate::support::{token::Token, waiting::until};
use crate::{FIREFOX, Installation, PASSWORD, SECRET, now, refused, run, session, with_store, with_store_at};

/// Enough for several pages of each part.
const MANY: u64 = 6000;
/// The first row of the page at which a run is met.
const MIDDLE: i64 = 3000;

fn target(installation: &Installation) -> (StoreAddress, String) {
    let path = installation.path("target.sqlite");
    (StoreAddress::Sqlite(path.clone()), format!("sqlite:{}", path.display()))
}

fn user(name: &str) -> User {
    User {
        name: UserName::enter(name).expect("a name"),
        display_name: None,
        email: None,
        groups: Default::default(),
        password: StoredPassword::new("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA".into(), "argon2id".into()),
        disabled: false,
        created_at: now() - 1000,
        updated_at: now() - 1000,
    }
}

#[test]
fn everything_arrives_and_nobody_is_signed_out() {
    let mut installation = Installation::new(&[("SECRET", SECRET)]);
    installation.add_user("alice", &["--group", "staff", "--email", "alice@example.com"]);
    installation.add_user("bob", &[]);
    installation.succeed(&["user", "disable", "bob"], "");
    let mint = ["token", "mint", "--user", "alice", "--ip", "192.0.2.7", "--user-agent", FIREFOX];
    let (good, revoked) = (installation.succeed(&mint, ""), installation.succeed(&mint, ""));
    installation.succeed(&["token", "revoke", &revoked], "");
    let sessions = [session(1, "alice"), session(2, "alice")];
    with_store(&installation, async |store| {
        store.put_sessions(&sessions).await.expect("a store");
        assert!(store.put_keys(b"sealed", 0).await.expect("a store"));
    });
    let users = installation.succeed(&["user", "list", "--json"], "");
    let listed = installation.succeed(&["session", "list", "--json"], "");

    let (_, to) = target(&installation);
    let ended = run(&installation, &["store", "copy", "--from", "sqlite", "--to", &to]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(ended.results, "copied and compared: 2 users, 2 sessions, 2 revocations, the key ring\n");
    for said in [&format!("SAMEHAND_STORE to {to}"), "from now on is not copied", "users: 2 of 2", "SAMEHAND_STORE_KEY"]
    {
        assert!(ended.notes.contains(said), "{said:?} is not said: {ended:?}");
    }
    assert!(!ended.notes.contains('\u{1b}') && !ended.notes.contains('\r'), "plain lines where there is no terminal");

    installation.set(&[("STORE", &to)]);
    assert_eq!(installation.succeed(&["user", "list", "--json"], ""), users);
    assert_eq!(installation.succeed(&["session", "list", "--json"], ""), listed);
    installation.succeed(&["token", "inspect", &good], "");
    refused_token(&installation, &revoked);
    // What the target revokes from now on covers what was issued before the copy.
    installation.succeed(&["token", "revoke", "--user", "alice"], "");
    refused_token(&installation, &good);
    installation.succeed(&["token", "inspect", &installation.succeed(&mint, "")], "");
}

#[track_caller]
fn refused_token(installation: &Installation, token: &str) {
    let ended = run(installation, &["token", "inspect", token]);
    assert!(ended.code == Some(1) && ended.notes.contains("token-revoked"), "{ended:?}");
}

#[test]
fn a_copy_that_was_killed_is_taken_up_again() {
    let installation = Installation::new(&[]);
    let users: Vec<User> = (0..MANY).map(|number| user(&format!("user-{number:06}"))).collect();
    let sessions: Vec<Session> = (0..MANY)
        .map(|number| {
            let id = SessionId::new(u128::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_0c2b).to_be_bytes());
            Session { id, ..session(0, &format!("user-{number:06}")) }
        })
        .collect();
    let revoked: Vec<Entry> = (0..MANY)
        .map(|number| Entry {
            id: RevokedId::token(&number.to_string()),
            reach: Reach::Itself,
            revision: Revision::new(number),
            expires_at: now() + 3600,
        })
        .collect();
    with_store(&installation, async |store| {
        store.put_users(&users).await.expect("a store");
        store.put_sessions(&sessions).await.expect("a store");
        store.put_revocations(&revoked).await.expect("a store");
    });
    let (address, to) = target(&installation);
    let mut wanted = sessions;
    wanted.sort_by(|one, other| one.id.cmp(&other.id));
    // So that it is there, and can be made slow.
    with_store_at(&address, async |_| {});
    let database = rusqlite::Connection::open(installation.path("target.sqlite")).expect("a database");
    let middle = MIDDLE as usize;
    let revoked = revoked[middle].id.bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    for (table, row) in [
        ("users", format!("NEW.name = '{}'", users[middle].name)),
        ("sessions", format!("NEW.id = '{}'", wanted[middle].id)),
        ("revocations", format!("NEW.id = x'{revoked}'")),
    ] {
        // Putting the row in the middle takes hours, so that the copy can be met there.
        let slow = "SELECT count(*) FROM users AS a, users AS b, users AS c";
        let trigger = format!("CREATE TRIGGER slow BEFORE INSERT ON {table} WHEN {row} BEGIN {slow}; END");
        database.execute_batch(&trigger).expect("a trigger");
        let mut command = installation.command();
        command.args(["store", "copy", "--from", "sqlite", "--to", &to]).stdin(Stdio::null());
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("cargo builds samehand");
        let lines = BufReader::new(child.stderr.take().expect("stderr is piped")).lines();
        let before = format!("{table}: {MIDDLE} of {MANY}");
        assert!(lines.map_while(Result::ok).any(|line| line == before), "it never said {before:?}");
        child.kill().expect("a child of ours");
        assert_eq!(child.wait().expect("a child of ours").code(), None, "it ended by itself");
        let count = format!("SELECT count(*) FROM {table}");
        let count: i64 = database.query_row(&count, [], |row| row.get(0)).expect("a number");
        // Whole pages, and of the page that was begun nothing; one revocation carries the revision.
        assert_eq!(count, MIDDLE + i64::from(table == "revocations"), "{table}");
        database.execute_batch("DROP TRIGGER slow").expect("a trigger");
    }
    let ended = run(&installation, &["store", "copy", "--from", "sqlite", "--to", &to]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let all = format!("copied and compared: {MANY} users, {MANY} sessions, {MANY} revocations\n");
    assert_eq!(ended.results, all, "{ended:?}");
    with_store_at(&address, async |store| {
        assert!(all_users(store).await.expect("a store") == users, "the users differ");
        assert!(open_sessions(store, None, now()).await.expect("a store") == wanted, "the sessions differ");
    });
}

#[test]
fn what_does_not_go_together_is_left_alone() {
    let mut installation = Installation::new(&[]);
    installation.add_user("alice", &[]);
    let (_, to) = target(&installation);
    let copy = ["store", "copy", "--from", "sqlite", "--to", &to];
    let link = installation.path("link.sqlite");
    std::os::unix::fs::symlink(installation.data().join("samehand.sqlite"), &link).expect("a link");
    let link = format!("sqlite:{}", link.display());
    refused(&installation, &["store", "copy", "--from", "sqlite", "--to", &link], "", 2, &["the same store"]);
    // A user of that name, but not that one; and one that the source does not have.
    let source = installation.data().display().to_string();
    installation.set(&[("STORE", &to)]);
    installation.add_user("alice", &["--group", "somebody-else"]);
    installation.add_user("carol", &[]);
    let before = installation.succeed(&["user", "list", "--json"], "");
    let from = format!("sqlite:{source}/samehand.sqlite");
    for (name, said) in [("alice", "another user alice"), ("carol", "a user carol, and the source has not")] {
        refused(&installation, &["store", "copy", "--from", &from, "--to", &to], "", 1, &[said, "user remove"]);
        installation.succeed(&["user", "remove", name], "");
    }
    assert!(before.contains("somebody-else") && before.contains("carol"));
    assert_eq!(installation.succeed(&["user", "list", "--json"], ""), "[]", "something was copied all the same");
    assert_eq!(run(&installation, &["store", "copy", "--from", &from, "--to", &to]).code, Some(0));
    installation.set(&[("STORE", "sqlite")]);
    // Of two changes in one second nobody can tell which is the later one.
    let copied_at = now();
    until(Instant::now(), Duration::from_secs(120), "the second is over", || now() > copied_at);
    // Changed in the source since: that is what a second run is for.
    installation.succeed(&["user", "passwd", "alice", "--password-stdin"], "thirteen kettles whistle softly");
    installation.succeed(&["user", "set", "alice", "--display-name", "Alice"], "");
    let source = installation.succeed(&["user", "list", "--json"], "");
    assert_eq!(run(&installation, &copy).code, Some(0));
    installation.set(&[("STORE", &to)]);
    assert_eq!(installation.succeed(&["user", "list", "--json"], ""), source);
}

#[test]
fn an_address_is_taken_from_a_file_and_its_password_never_shown() {
    let installation = Installation::new(&[]);
    installation.add_user("alice", &[]);
    let (_, to) = target(&installation);
    let from = installation.write("from", "sqlite\n");
    let to = installation.write("to", &format!("{to}\n"));
    let ended = run(&installation, &["store", "copy", "--from-file", &from, "--to-file", &to]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let secret = "mysql://root:s3cret-Wm4@db/x";
    let file = installation.write("secret", secret);
    for (arguments, code) in [
        (["--from", secret, "--to", "sqlite:x"], 2),
        (["--from", "sqlite", "--to", secret], 2),
        (["--from-file", &file, "--to", "sqlite:x"], 2),
        (["--from-file", "no-such-file", "--to", secret], 1),
        (["--from", "postgres://a:s3cret-Wm4@127.0.0.1:1/x", "--to", "sqlite:x"], 1),
        (["--from", "sqlite", "--to", "redis://:s3cret-Wm4@127.0.0.1:1/0"], 1),
        (["--from", secret, "--from-file", &file], 2),
        (["--from", secret, "--too", "x"], 2),
    ] {
        let ended = run(&installation, &[&["store", "copy"], &arguments[..]].concat());
        assert_eq!((ended.code, ended.results.as_str()), (Some(code), ""), "{arguments:?}: {ended:?}");
        assert!(!ended.notes.contains("s3cret-Wm4"), "{arguments:?} shows a password: {ended:?}");
    }
    assert!(!installation.path("x").exists(), "a store was made for nothing");
}

#[test]
fn a_person_at_a_terminal_sees_a_bar() {
    let installation = Installation::new(&[]);
    installation.add_user("alice", &[]);
    let (_, to) = target(&installation);
    // A terminal of its own, from a tool that every Debian has.
    let command = format!("{} store copy --from sqlite --to {to}", env!("CARGO_BIN_EXE_samehand"));
    let mut script = std::process::Command::new("script");
    script.args(["--quiet", "--return", "--command", &command, "/dev/null"]).stdin(Stdio::null());
    script.env("SAMEHAND_DATA", installation.data()).env("TERM", "xterm").current_dir(installation.path("."));
    let output = script.output().expect("there is script");
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && shown.contains('\u{2588}') && shown.contains("1 of 1"), "{shown:?}");
    assert!(shown.contains("users: 1 of 1\r\n") && shown.contains("copied and compared: 1 user, "), "{shown:?}");
}

#[test]
fn tokens_of_generated_keys_need_the_keys_and_that_is_said() {
    let installation = Installation::new(&[]);
    installation.add_user("alice", &[]);
    let mint = ["token", "mint", "--user", "alice", "--ip", "192.0.2.7", "--user-agent", FIREFOX];
    let token = Token::parse(&installation.succeed(&mint, ""));
    assert_eq!(token.claims["sub"], Value::from("alice"));
    let (_, to) = target(&installation);
    let ended = run(&installation, &["store", "copy", "--from", "sqlite", "--to", &to]);
    assert!(ended.code == Some(0) && ended.notes.contains("keys.json"), "{ended:?}");
    assert!(!format!("{ended:?}").contains(PASSWORD));
}

#[test]
fn with_a_store_key_the_keys_of_the_file_move_into_the_store() {
    let mut installation = Installation::new(&[]);
    let mint = ["token", "mint", "--user", "alice", "--ip", "192.0.2.7", "--user-agent", FIREFOX];
    let token = installation.succeed(&mint, "");
    assert!(installation.data().join("keys.json").exists());
    installation.set(&[("STORE_KEY", STORE_KEY)]);
    let (_, to) = target(&installation);
    let ended = run(&installation, &["store", "copy", "--from", "sqlite", "--to", &to]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.notes.contains("keys.json are in the store now, under SAMEHAND_STORE_KEY"), "{ended:?}");

    // Another machine: it has the store and the key, and no file.
    let elsewhere = installation.path("elsewhere").display().to_string();
    installation.set(&[("STORE", &to), ("DATA", &elsewhere)]);
    installation.succeed(&["token", "inspect", &token], "");
    let ended = run(&installation, &["store", "copy", "--from", "sqlite", "--to", &to]);
    assert_eq!(ended.code, Some(1), "there is no store in the other directory: {ended:?}");

    installation.set(&[("STORE_KEY", "another one, k3Jd82LsPq0Zx7Vb5Nm1")]);
    let ended = run(&installation, &["token", "inspect", &token]);
    assert_eq!(ended.code, Some(78), "{ended:?}");
    assert!(ended.notes.contains("SAMEHAND_STORE_KEY"), "{ended:?}");
}

/// What the key ring in a store is sealed with.
const STORE_KEY: &str = "sealed with this, 9fTq2vXw8Lr4Yd6Kc3";
