//! `session list`: who is signed in, in an order that can be read, and nobody else.

use samehand::store::Session;
use serde_json::{Value, json};

use crate::{Installation, now, refused, run, session, with_store};

/// alice twice, bob once, one that has ended, and one that was not used for ten minutes.
fn installation(settings: &[(&str, &str)]) -> (Installation, Vec<Session>) {
    let installation = Installation::new(settings);
    let sessions = vec![
        Session { last_seen_at: now() - 5, device: "Safari on iOS".into(), ..session(1, "alice") },
        Session { network: "2001:db8:1:2::/64".into(), ..session(2, "alice") },
        Session { ends_at: now() - 1, ..session(3, "alice") },
        Session { last_seen_at: now() - 600, ..session(4, "alice") },
        Session { device: "somebody\u{1b}[2J".into(), ..session(5, "bob") },
    ];
    with_store(&installation, async |store| store.put_sessions(&sessions).await.expect("a store"));
    (installation, sessions)
}

#[track_caller]
fn listed(installation: &Installation, more: &[&str]) -> Vec<Value> {
    let list = installation.succeed(&[&["session", "list", "--json"], more].concat(), "");
    serde_json::from_str::<Value>(&list).expect("JSON").as_array().expect("an array").clone()
}

#[test]
fn open_sessions_are_listed_by_user_and_by_when_they_were_seen() {
    let (installation, sessions) = installation(&[]);
    let sids = |listed: &[Value]| listed.iter().map(|one| one["sid"].clone()).collect::<Vec<_>>();
    let named = |numbers: &[usize]| numbers.iter().map(|at| json!(sessions[*at].id.as_str())).collect::<Vec<_>>();
    let everybody = listed(&installation, &[]);
    assert_eq!(sids(&everybody), named(&[3, 1, 0, 4]));
    assert_eq!(sids(&listed(&installation, &["--user", "Alice"])), named(&[3, 1, 0]));
    assert_eq!(listed(&installation, &["--user", "nobody"]), Vec::<Value>::new());
    let expected = json!({
        "sid": sessions[1].id.as_str(), "user": "alice", "signed_in_by": "password",
        "created_at": sessions[1].created_at, "last_seen_at": sessions[1].last_seen_at, "ends_at": sessions[1].ends_at,
        "browser": "Firefox on Linux", "network": "2001:db8:1:2::/64",
    });
    assert_eq!(everybody[1], expected);
}

#[test]
fn an_unused_session_is_not_open_where_there_is_an_idle_limit() {
    let (installation, sessions) = installation(&[("SESSION_IDLE", "5m")]);
    let listed = listed(&installation, &[]);
    let idle = sessions[3].id.as_str();
    assert!(listed.len() == 3 && listed.iter().all(|one| one["sid"] != idle), "{listed:?}");
}

#[test]
fn the_table_has_times_in_utc_and_nothing_that_a_terminal_obeys() {
    let (installation, sessions) = installation(&[]);
    let ended = run(&installation, &["session", "list"]);
    assert_eq!((ended.code, ended.notes.as_str()), (Some(0), ""));
    let lines: Vec<&str> = ended.results.lines().collect();
    let [head, first, .., last] = lines[..] else { panic!("{ended:?}") };
    let columns: Vec<&str> = head.split("  ").map(str::trim).filter(|column| !column.is_empty()).collect();
    assert_eq!(columns, ["SID", "USER", "CREATED", "LAST SEEN", "NETWORK", "BROWSER"]);
    let cells: Vec<&str> = first.split_whitespace().collect();
    assert_eq!((lines.len(), cells[0], cells[1]), (5, sessions[3].id.as_str(), "alice"), "{ended:?}");
    let created = sessions[3].created_at;
    // The day that the shell has for it, so that the conversion is not compared with itself.
    let date = std::process::Command::new("date").args(["-u", "-d", &format!("@{created}"), "+%FT%TZ"]).output();
    let date = String::from_utf8(date.expect("there is date").stdout).expect("text");
    assert_eq!(cells[2], date.trim_end());
    assert_eq!(first.find(cells[2]), head.find("CREATED"), "columns stand under their heads: {ended:?}");
    assert!(last.contains("bob") && !last.contains('\u{1b}') && last.contains("somebody"), "{last:?}");
}

#[test]
fn that_nobody_is_signed_in_is_said_beside_the_result() {
    let installation = Installation::new(&[]);
    installation.add_user("alice", &[]);
    let ended = run(&installation, &["session", "list", "--user", "alice"]);
    assert_eq!((ended.code, ended.results.as_str()), (Some(0), ""));
    assert!(ended.notes.contains("no open sessions of alice"), "{ended:?}");
    assert_eq!(installation.succeed(&["session", "list", "--json"], ""), "[]");
    refused(&installation, &["session", "list", "--user", "two words"], "", 2, &["--user"]);
}
