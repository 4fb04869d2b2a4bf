//! `token revoke`: what it ends, what it says about that, and what other commands say of the tokens afterwards.

use samehand::{check::revocation::RevokedId, store::Changes};
use serde_json::{Value, json};

use crate::support::token::Token;
use crate::{FIREFOX, Installation, SECRET, now, refused, run, run_with, session, with_store};

fn installation() -> Installation {
    let installation = Installation::new(&[("SECRET", SECRET)]);
    installation.add_user("alice", &[]);
    installation
}

#[track_caller]
fn mint(installation: &Installation) -> String {
    installation.succeed(&["token", "mint", "--user", "alice", "--ip", "192.0.2.7", "--user-agent", FIREFOX], "")
}

/// A token with these claims instead.
#[track_caller]
fn crafted(installation: &Installation, claims: &[(&str, Value)]) -> String {
    let mut token = Token::parse(&mint(installation));
    for (name, value) in claims {
        token.claims[*name] = value.clone();
    }
    token.signed(SECRET)
}

/// What `token inspect` says of it.
#[track_caller]
fn reason(installation: &Installation, token: &str) -> String {
    let report: Value =
        serde_json::from_str(&run(installation, &["token", "inspect", "--json", token]).results).expect("JSON");
    report["reason"].as_str().expect("text").to_owned()
}

/// What `explain` says of the token and of the decision.
#[track_caller]
fn explained(installation: &Installation, token: &str) -> (String, String) {
    let arguments = ["explain", "--proxy", "nginx", "--peer", "unix", "--ip", "192.0.2.7", "--user-agent", FIREFOX];
    let text = installation.succeed(&[&arguments[..], &["--token", token]].concat(), "");
    let line = |step: &str| text.lines().find(|line| line.starts_with(step)).unwrap_or_default().to_owned();
    (line("token:"), line("decision:"))
}

/// Revokes, and returns what was said.
#[track_caller]
fn revoke(installation: &Installation, arguments: &[&str], input: &str) -> String {
    let ended = run_with(installation, &[&["token", "revoke"], arguments].concat(), input);
    assert_eq!((ended.code, ended.results.as_str()), (Some(0), ""), "{arguments:?}: {ended:?}");
    assert!(!ended.notes.contains("eyJ"), "a token is shown: {ended:?}");
    ended.notes
}

#[test]
fn a_token_is_taken_from_an_argument_and_from_standard_input() {
    let installation = installation();
    let other = mint(&installation);
    for (dash, piped) in [(false, false), (true, true), (false, true)] {
        let token = mint(&installation);
        let argument = if dash { "-" } else { token.as_str() };
        let arguments = if piped && !dash { &[][..] } else { &[argument] };
        let input = if piped { format!("{token}\n") } else { String::new() };
        assert_eq!(reason(&installation, &token), "ok");
        let said = revoke(&installation, arguments, &input);
        assert!(said.contains("alice") && said.contains("no session"), "{said}");
        assert_eq!(reason(&installation, &token), "token-revoked");
        let (step, decision) = explained(&installation, &token);
        assert!(
            step.contains("revoked") && decision.contains("challenge, token-revoked, status 401"),
            "{step} {decision}"
        );
        assert_eq!(reason(&installation, &other), "ok", "another token of the same user");
    }
}

#[test]
fn the_session_of_a_token_ends_with_it_and_so_do_its_other_tokens() {
    let installation = installation();
    let open = session(1, "alice");
    with_store(&installation, async |store| store.open_session(&open).await.expect("a store"));
    let sid = [("sid", json!(open.id.as_str()))];
    let (token, sibling) = (crafted(&installation, &sid), mint(&installation));
    let sibling = {
        let mut sibling = Token::parse(&sibling);
        sibling.claims["sid"] = json!(open.id.as_str());
        sibling.signed(SECRET)
    };
    let said = revoke(&installation, &[&token], "");
    assert!(said.contains(&format!("its session {} ended", open.id)), "{said}");
    assert_eq!(reason(&installation, &token), "token-revoked");
    assert_eq!(reason(&installation, &sibling), "session-ended");
    let (step, decision) = explained(&installation, &sibling);
    assert!(
        step.contains("its session has ended") && decision.contains("session-ended, status 401"),
        "{step} {decision}"
    );
    let left = with_store(&installation, async |store| store.session(&open.id).await.expect("a store"));
    assert_eq!(left, None);
    let said = revoke(&installation, &[&sibling], "");
    assert!(said.contains("had ended before"), "{said}");
}

#[test]
fn what_cannot_be_used_now_is_revoked_all_the_same() {
    let installation = installation();
    let open = session(1, "alice");
    with_store(&installation, async |store| store.open_session(&open).await.expect("a store"));
    let past = [("iat", json!(now() - 900)), ("exp", json!(now() - 300))];
    let said = revoke(&installation, &[&crafted(&installation, &past)], "");
    let ago = said.split_once("expired ").and_then(|(_, rest)| rest.split_once(" s ago")?.0.parse().ok());
    // Some seconds may pass before the command looks at the clock.
    assert!(ago.is_some_and(|seconds: u64| (300..360).contains(&seconds)), "{said}");
    assert!(said.contains("there is nothing to revoke"), "{said}");
    let expired = [&past[..], &[("sid", json!(open.id.as_str()))]].concat();
    let said = revoke(&installation, &[&crafted(&installation, &expired)], "");
    assert!(said.contains("expired") && said.contains(&format!("its session {} ended", open.id)), "{said}");
    // Not valid yet, but it will be.
    let token = crafted(&installation, &[("nbf", json!(now() + 3600)), ("exp", json!(now() + 7200))]);
    assert_eq!(reason(&installation, &token), "token-not-yet-valid");
    revoke(&installation, &[&token], "");
    let jti = Token::parse(&token).claims["jti"].as_str().expect("a jti").to_owned();
    let Changes { entries, .. } =
        with_store(&installation, async |store| store.changes(Default::default(), 100).await.expect("a store"));
    assert!(entries.iter().any(|entry| entry.id == RevokedId::token(&jti)), "{entries:?}");
}

#[test]
fn a_session_a_user_and_everything_are_ended_with_their_number_said() {
    let installation = installation();
    let sessions =
        [session(1, "alice"), session(2, "alice"), session(3, "bob"), session(0xfb, "carol"), session(5, "dora")];
    with_store(&installation, async |store| store.put_sessions(&sessions).await.expect("a store"));
    let token = mint(&installation);
    let sid = sessions[3].id.as_str();
    assert!(sid.starts_with('-'), "{sid} is to show that an SID may begin with a hyphen");
    for (arguments, said) in [
        (vec!["--session", sid], format!("session {sid} ended")),
        (vec!["--session", sid], "had ended before, or never began".into()),
        (vec!["--user", "Alice"], "user alice: 2 sessions ended".into()),
        (vec!["--user", "bob"], "user bob: 1 session ended".into()),
        (vec!["--all"], "everything: 1 session ended".into()),
        (vec!["--all"], "everything: tokens issued before are refused".into()),
    ] {
        let notes = revoke(&installation, &arguments, "");
        assert!(notes.contains(&said) && !notes.contains("warning"), "{arguments:?}: {notes}");
        if arguments[1..] == ["Alice"] {
            assert_eq!(reason(&installation, &token), "token-revoked");
            assert_eq!(reason(&installation, &mint(&installation)), "ok", "minted after the revocation");
        }
    }
    let before = mint(&installation);
    revoke(&installation, &["--all"], "");
    assert_eq!(reason(&installation, &before), "token-revoked");
    assert_eq!(installation.succeed(&["session", "list"], ""), "");
}

#[test]
fn a_name_that_was_never_seen_is_warned_about_and_revoked() {
    let installation = installation();
    with_store(&installation, async |store| store.open_session(&session(1, "visitor")).await.expect("a store"));
    for (name, warns) in [("alice", false), ("visitor", false), ("alcie", true), ("alcie", false), ("visitor", false)] {
        let notes = revoke(&installation, &["--user", name], "");
        assert_eq!(notes.contains("warning: ") && notes.contains("spelled"), warns, "{name}: {notes}");
        assert!(notes.contains(&format!("user {name}: ")), "{notes}");
    }
}

#[test]
fn what_is_no_token_of_ours_revokes_nothing() {
    let installation = installation();
    let token = Token::parse(&mint(&installation));
    let forged = token.signed("another secret, which nobody configured");
    for (text, reason) in [("nonsense", "token-malformed"), ("", "token-malformed"), (&forged, "signature-invalid")] {
        refused(&installation, &["token", "revoke", "-"], text, 1, &[reason, "nothing was revoked"]);
    }
    for arguments in [
        &["x", "--all"][..],
        &["--all", "--user", "alice"],
        &["--user", "alice", "--session", "AAAAAAAAAAAAAAAAAAAAAA"],
        &["--session", "tooshort"],
        &["--user", "two words"],
    ] {
        refused(&installation, &[&["token", "revoke"], arguments].concat(), "", 2, &[]);
    }
    let revision = with_store(&installation, async |store| store.revision().await.expect("a store"));
    assert_eq!(revision.number(), 0, "something was revoked");
}
