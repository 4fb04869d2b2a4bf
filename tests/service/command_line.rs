//! Commands beside the running service: what `token revoke` takes back is refused there, without a restart.

use serde_json::Value;

use crate::support::{
    CLIENT,
    client::ask,
    samehand::{PASSWORD, Samehand},
};
use crate::{FIREFOX, ask_as_proxy, eventually, outcome, question_of_client, sign_in_as};

/// A token of a sign-in, and its session as `session list` shows it.
#[track_caller]
fn signed_in(samehand: &Samehand) -> (String, Value) {
    let before = listed(samehand);
    let answer = ask(CLIENT, &samehand.tcp, &sign_in_as("alice", PASSWORD)).json();
    let token = answer["token"].as_str().unwrap_or_else(|| panic!("no token: {answer}")).to_owned();
    let new = listed(samehand).into_iter().find(|session| !before.contains(session)).expect("a new session");
    (token, new)
}

#[track_caller]
fn listed(samehand: &Samehand) -> Vec<Value> {
    let list: Value = serde_json::from_str(&samehand.succeed(&["session", "list", "--json"], "")).expect("JSON");
    list.as_array().expect("an array").clone()
}

#[test]
fn what_the_command_line_revokes_is_refused_by_the_running_service() {
    let samehand = Samehand::start(&[]);
    samehand.add_user("alice", &[]);
    let (token, session) = signed_in(&samehand);
    let sid = session["sid"].as_str().expect("an SID").to_owned();
    assert_eq!((&session["user"], &session["signed_in_by"]), (&"alice".into(), &"password".into()));
    assert!(session["browser"].as_str().is_some_and(|words| words.contains("Firefox")), "{session}");
    let ok = (200, "ok".to_owned());
    for (arguments, reason) in [
        (vec!["token", "revoke", "--session", &sid], "session-ended"),
        (vec!["token", "revoke"], "token-revoked"),
        (vec!["token", "revoke", "--user", "alice"], "token-revoked"),
        (vec!["token", "revoke", "--all"], "token-revoked"),
        (vec!["user", "disable", "alice"], "token-revoked"),
    ] {
        let token = if reason == "session-ended" { token.clone() } else { signed_in(&samehand).0 };
        assert_eq!(outcome(&samehand, question_of_client(&token)), ok, "{arguments:?}");
        samehand.succeed(&arguments, &token);
        eventually("the token is refused", || ask_as_proxy(&samehand, &question_of_client(&token)).status == 401);
        assert_eq!(outcome(&samehand, question_of_client(&token)), (401, reason.to_owned()), "{arguments:?}");
    }
    assert_eq!(listed(&samehand), Vec::<Value>::new());
    let minted = samehand.mint("bob", CLIENT, FIREFOX);
    assert_eq!(outcome(&samehand, question_of_client(&minted)), ok, "what is issued afterwards is good");
}
