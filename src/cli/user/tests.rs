//! The commands of [`super`] as a person or a script runs them, each on a store of its own. It starts no process.

use super::super::console::testing::{Told, piped, typed};
use super::*;
use crate::check::identifiers::{Revision, SessionId};
use crate::check::revocation::RevokedId;
use crate::store::{Session, SignedInBy};
use clap::Parser;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use tempfile::TempDir;

const PASSWORD: &str = "trousers marmalade lighthouse";
const OTHER_PASSWORD: &str = "gherkin velvet thunderstorm";
const BCRYPT: &str = "$2y$05$abcdefghijklmnopqrstuuXYxWC.PI2GcFhDApbEEHDz/d8fr1muG";

#[derive(clap::Parser)]
struct CommandLine {
    #[command(flatten)]
    args: Args,
}

struct Installation(TempDir);

fn installation() -> Installation {
    Installation(tempfile::tempdir().unwrap())
}

fn parse(arguments: &str) -> Result<Args, clap::Error> {
    // A tilde stands for a blank inside an argument, a dash alone for an empty one.
    let arguments = arguments.split(' ').map(|argument| match argument {
        "-" => String::new(),
        other => other.replace('~', " "),
    });
    CommandLine::try_parse_from(std::iter::once("user".to_owned()).chain(arguments)).map(|line| line.args)
}

impl Installation {
    fn path(&self) -> PathBuf {
        self.0.path().join("data/samehand.db")
    }

    fn address(&self) -> StoreAddress {
        StoreAddress::Sqlite(self.path())
    }

    fn piped(&self, input: &str, arguments: &str) -> Told {
        let args = parse(arguments).unwrap();
        piped(input.as_bytes(), |console| execute(args, &self.address(), room(), 100, console))
    }

    fn typed(&self, lines: &[&str], arguments: &str) -> Told {
        let args = parse(arguments).unwrap();
        typed(lines, |console| execute(args, &self.address(), room(), 200, console))
    }

    fn with_alice(self) -> Self {
        let added = self.piped(PASSWORD, "add alice --group staff --email alice@example.com --display-name Alice~A");
        added.succeeded();
        self
    }

    fn user(&self, name: &str) -> Option<User> {
        let store = self.store();
        store.wait(store.user(&UserName::enter(name).unwrap())).unwrap()
    }

    fn store(&self) -> Opened {
        Opened::at(&self.address(), Access::Existing).unwrap()
    }

    fn open_sessions_of_alice(&self, count: u8) {
        let store = self.store();
        for number in 0..count {
            let session = Session {
                id: SessionId::new([number; 16]),
                user: UserName::enter("alice").unwrap(),
                signed_in_by: SignedInBy::Password,
                created_at: 100,
                last_seen_at: 100,
                ends_at: 200,
                device: "Firefox on Linux".into(),
                network: "203.0.113.0/24".into(),
            };
            store.wait(store.open_session(&session)).unwrap();
        }
    }

    /// The last revocation of all that was issued to alice.
    fn revoked(&self) -> Option<Revision> {
        self.store().revocations().unwrap().user(RevokedId::user(&UserName::enter("alice").unwrap()))
    }

    fn import(&self, text: &str) -> Told {
        let file = self.0.path().join("htpasswd");
        fs::write(&file, text).unwrap();
        let args = parse(&format!("import {}", file.display())).unwrap();
        piped(b"", |console| execute(args, &self.address(), room(), 100, console))
    }
}

/// What the default settings leave.
fn room() -> Room {
    let Ok(config) = crate::config::load(None, []) else { panic!("the defaults are good") };
    Room::under(&config.policy)
}

#[track_caller]
fn has_password(user: &User, password: &str) {
    let hash = PasswordHash::read(user.password.hash()).unwrap_or_else(|error| panic!("{error}"));
    assert!(hash.verify(password.as_bytes()));
}

#[test]
fn adding_the_first_user_creates_the_store() {
    let installation = installation();
    let added = installation.piped(&format!("{PASSWORD}\n"), "add Alice --group Staff --group ops --group staff");
    assert_eq!(added.results, "", "nothing to read for a script");
    assert!(added.notes.contains("alice added"), "{}", added.notes);
    added.succeeded();
    let alice = installation.user("alice").unwrap();
    assert_eq!(alice.groups.joined(), "staff,ops");
    assert_eq!((alice.created_at, alice.updated_at, alice.disabled), (100, 100, false));
    has_password(&alice, PASSWORD);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&installation.path()), 0o600);
    assert_eq!(mode(installation.path().parent().unwrap()), 0o700);
}

#[test]
fn a_person_types_the_password_of_a_new_user_twice() {
    let installation = installation();
    installation.typed(&[PASSWORD, PASSWORD], "add alice").succeeded();
    has_password(&installation.user("alice").unwrap(), PASSWORD);
    assert!(installation.typed(&[PASSWORD, OTHER_PASSWORD], "add bob").failed().contains("not the same"));
    assert!(installation.user("bob").is_none());
}

#[test]
fn a_refused_password_adds_nobody_and_creates_nothing() {
    let installation = installation();
    for (password, said) in [("", "no password"), ("short", "fewer than 15"), ("alice alice alice", "easily guessed")] {
        let message = installation.piped(password, "add alice --password-stdin").failed();
        assert!(message.contains(said), "{message}");
    }
    assert!(!installation.path().exists());
    assert!(!installation.path().parent().unwrap().exists());
}

#[test]
fn a_user_who_exists_is_not_added_again_and_nobody_is_asked_for_a_password() {
    let installation = installation().with_alice();
    let message = installation.typed(&[], "add ALICE").failed();
    assert!(message.contains("samehand user passwd alice"), "{message}");
    has_password(&installation.user("alice").unwrap(), PASSWORD);
}

#[test]
fn only_add_and_import_create_a_store_and_the_others_say_where_they_looked() {
    for arguments in ["set a --no-groups", "passwd a", "list", "list --json", "disable a", "enable a", "remove a"] {
        let installation = installation();
        let message = installation.piped(PASSWORD, arguments).failed();
        assert!(message.contains(&installation.path().display().to_string()), "{arguments}: {message}");
        assert!(!installation.path().exists(), "{arguments}");
    }
}

#[test]
fn a_user_who_is_not_there_is_a_failure() {
    let installation = installation().with_alice();
    for arguments in ["set bob --no-groups", "passwd bob", "disable bob", "enable bob", "remove bob"] {
        let message = installation.typed(&[], arguments).failed();
        assert!(message.contains("no user bob"), "{arguments}: {message}");
    }
}

#[test]
fn set_changes_what_is_named_and_leaves_the_rest() {
    let installation = installation().with_alice();
    let before = installation.user("alice").unwrap();
    let check = |arguments: &str, expected: &User| {
        installation.typed(&[], arguments).succeeded();
        assert_eq!(installation.user("alice").as_ref(), Some(expected), "{arguments}");
    };
    let group = |name: &str| Groups::new([GroupName::enter(name).unwrap()]).unwrap();
    let mut expected = User { updated_at: 200, groups: group("ops"), ..before };
    check("set alice --group ops", &expected);
    expected.email = Some(Email::read("a@b").unwrap());
    check("set alice --email a@b", &expected);
    expected.display_name = Some(DisplayName::read("Älice").unwrap());
    check("set alice --display-name Älice", &expected);
    expected.groups = Groups::default();
    check("set Alice --no-groups", &expected);
    expected.email = None;
    expected.display_name = None;
    check("set alice --email - --display-name -", &expected);
}

#[test]
fn set_takes_a_password_from_standard_input_only() {
    let installation = installation().with_alice();
    installation.piped(OTHER_PASSWORD, "set alice --password-stdin").succeeded();
    let alice = installation.user("alice").unwrap();
    has_password(&alice, OTHER_PASSWORD);
    assert_eq!(alice.groups.joined(), "staff");
    let message = installation.piped(PASSWORD, "set alice").wrong_usage();
    assert!(message.contains("nothing to change"), "{message}");
}

#[test]
fn passwd_sets_another_password_by_the_same_rules() {
    let installation = installation().with_alice();
    installation.typed(&[OTHER_PASSWORD, OTHER_PASSWORD], "passwd alice").succeeded();
    has_password(&installation.user("alice").unwrap(), OTHER_PASSWORD);
    let message = installation.piped("alice@example.com", "passwd alice --password-stdin").failed();
    assert!(message.contains("easily guessed"), "{message}");
    has_password(&installation.user("alice").unwrap(), OTHER_PASSWORD);
}

#[test]
fn a_user_is_disabled_enabled_and_removed() {
    let installation = installation().with_alice();
    installation.typed(&[], "disable alice").succeeded();
    assert!(installation.user("alice").unwrap().disabled);
    installation.typed(&[], "enable alice").succeeded();
    assert!(!installation.user("alice").unwrap().disabled);
    installation.typed(&[], "remove alice").succeeded();
    assert!(installation.user("alice").is_none());
}

#[test]
fn what_takes_rights_away_revokes_what_was_issued_and_says_what_it_ended() {
    for (sessions, said) in [(0, "tokens issued before are refused"), (1, "1 session ended"), (2, "2 sessions ended")] {
        for taking in ["disable alice", "remove alice", "passwd alice", "set alice --no-groups"] {
            let installation = installation().with_alice();
            installation.open_sessions_of_alice(sessions);
            let told = installation.typed(&[OTHER_PASSWORD, OTHER_PASSWORD], taking);
            assert!(told.notes.contains(said), "{taking}: {}", told.notes);
            told.succeeded();
            assert!(installation.revoked().is_some(), "{taking}");
        }
    }
}

#[test]
fn what_takes_no_rights_away_revokes_nothing() {
    let installation = installation().with_alice();
    for harmless in ["enable alice", "set alice --group staff --group ops", "set alice --email a@b --display-name A"] {
        let told = installation.typed(&[], harmless);
        assert!(!told.notes.contains("refused"), "{harmless}: {}", told.notes);
        told.succeeded();
        assert_eq!(installation.revoked(), None, "{harmless}");
    }
}

#[test]
fn the_list_is_a_table_or_json_and_shows_no_hash() {
    let installation = installation().with_alice();
    installation.piped(PASSWORD, "add bob").succeeded();
    installation.typed(&[], "disable bob").succeeded();
    let table = installation.typed(&[], "list").succeeded();
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines[1], "alice  enabled   staff  alice@example.com  Alice A");
    assert_eq!(lines[2], "bob    disabled");
    let json = installation.typed(&[], "list --json").succeeded();
    let expected = serde_json::json!([
        {"name": "alice", "display_name": "Alice A", "email": "alice@example.com", "groups": ["staff"],
         "disabled": false, "created_at": 100, "updated_at": 100},
        {"name": "bob", "display_name": null, "email": null, "groups": [],
         "disabled": true, "created_at": 100, "updated_at": 200},
    ]);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), expected);
    assert!(!table.contains("argon2") && !json.contains("argon2"));
}

#[test]
fn a_file_of_hashes_is_imported_and_creates_the_store() {
    let installation = installation();
    let told = installation.import(&format!("alice:{BCRYPT}\nBob:{BCRYPT}\n"));
    assert!(told.notes.contains("2 users added"), "{}", told.notes);
    told.succeeded();
    let bob = installation.user("bob").unwrap();
    assert_eq!(bob.password.hash(), BCRYPT);
    has_password(&bob, PASSWORD);
    let told = installation.import(&format!("carol:{BCRYPT}\n"));
    assert!(told.notes.starts_with("1 user added"), "{}", told.notes);
}

#[test]
fn a_bad_line_imports_nobody_and_every_problem_is_named() {
    let installation = installation();
    let message = installation.import(&format!("alice:{BCRYPT}\nbob:hunter2\ncarol:$2y$05$.x\n")).failed();
    assert!(message.contains("htpasswd, line 2: ") && message.contains("htpasswd, line 3: "), "{message}");
    assert!(!installation.path().exists());
    assert!(installation.import("# nobody\n").failed().contains("no users"));
}

#[test]
fn a_name_that_exists_imports_nobody() {
    let installation = installation().with_alice();
    let message = installation.import(&format!("bob:{BCRYPT}\nalice:{BCRYPT}\n")).failed();
    assert!(message.contains("user alice exists"), "{message}");
    assert!(installation.user("bob").is_none());
}

#[test]
fn a_missing_file_is_named() {
    let installation = installation();
    let message = installation.piped("", "import does-not-exist").failed();
    assert!(message.contains("does-not-exist"), "{message}");
}

#[track_caller]
fn is_wrong_usage(arguments: &str, said: &str) {
    let message = parse(arguments).err().unwrap_or_else(|| panic!("{arguments} is accepted")).to_string();
    assert!(message.contains(said), "{arguments}: {message}");
}

#[test]
fn what_is_no_name_or_address_is_wrong_usage() {
    is_wrong_usage("add al:ice", "':'");
    is_wrong_usage("add -", "is empty");
    is_wrong_usage("add alice --group a,b", "','");
    is_wrong_usage("add alice --email alice", "alice@example.com");
    is_wrong_usage("add alice --display-name a\u{1b}b", "control character");
    is_wrong_usage("add alice --password secret", "--password");
    is_wrong_usage("set alice --group a --no-groups", "--no-groups");
}

#[test]
fn groups_that_do_not_fit_into_one_header_are_wrong_usage() {
    let groups: String = (0..32).map(|number| format!(" --group {number:064}")).collect();
    let installation = installation().with_alice();
    for command in ["add bob", "set alice"] {
        let message = installation.piped(PASSWORD, &format!("{command}{groups}")).wrong_usage();
        assert!(message.contains("fewer groups"), "{message}");
    }
}

/// `count` groups of 15 letters.
fn in_groups(count: usize) -> String {
    (0..count).map(|number| format!(" --group department-{number:04}")).collect()
}

#[test]
fn what_would_not_fit_into_a_token_is_refused_where_it_is_given() {
    let installation = installation();
    let message = installation.piped(PASSWORD, &format!("add alice --password-stdin{}", in_groups(120))).wrong_usage();
    assert!(message.contains("bytes in a token") && message.contains("fewer groups"), "{message}");
    assert!(!installation.path().exists());
    installation.piped(PASSWORD, &format!("add alice --password-stdin{}", in_groups(60))).succeeded();
    let before = installation.user("alice").unwrap();
    for grown in [in_groups(120), format!(" --display-name {}{}", "\u{1f98a}".repeat(128), in_groups(90))] {
        let message = installation.typed(&[], &format!("set alice{grown}")).wrong_usage();
        assert!(message.contains("bytes in a token"), "{message}");
        assert_eq!(installation.user("alice").unwrap(), before);
    }
}
