//! Generated keys: tokens outlive restarts and rotations, and end when their key is retired, beside a running service.

use serde_json::Value;

use crate::support::{CLIENT, samehand::Samehand, token::Token};
use crate::{FIREFOX, ask_as_proxy, eventually, outcome, question_of_client};

fn kid(token: &str) -> String {
    Token::parse(token).header["kid"].as_str().expect("a kid").to_owned()
}

/// `kid` and state of each key, in the order of the list.
#[track_caller]
fn listed(samehand: &Samehand) -> Vec<(String, String)> {
    let keys: Value = serde_json::from_str(&samehand.succeed(&["keys", "list", "--json"], "")).expect("JSON");
    let text = |key: &Value, name: &str| key[name].as_str().expect("text").to_owned();
    keys.as_array().expect("an array").iter().map(|key| (text(key, "kid"), text(key, "state"))).collect()
}

#[test]
fn tokens_outlive_restart_and_rotation_and_end_with_their_key() {
    let samehand = Samehand::start(&[("SECRET", "")]);
    let first = samehand.mint("alice", CLIENT, FIREFOX);
    let ok = (200, "ok".to_owned());
    assert_eq!(outcome(&samehand, question_of_client(&first)), ok);

    let samehand = samehand.restart(&[]);
    assert_eq!(outcome(&samehand, question_of_client(&first)), ok, "after a restart");

    let before = listed(&samehand);
    let next = before.iter().find(|(_, state)| state == "next").expect("a next key").0.clone();
    let active = samehand.succeed(&["keys", "rotate"], "");
    assert_eq!(active, next, "the key that was announced signs");
    let second = samehand.mint("alice", CLIENT, FIREFOX);
    assert_eq!(kid(&second), active);
    assert_ne!(kid(&first), active);
    // It was in the ring as `next` before, so that no token is refused in the moment of the rotation.
    for token in [&first, &second] {
        assert_eq!(outcome(&samehand, question_of_client(token)), ok, "after a rotation");
    }
    let states = listed(&samehand);
    let state = |wanted: &str| states.iter().find(|(kid, _)| kid == wanted).map(|(_, state)| state.as_str());
    assert_eq!((state(&kid(&first)), state(&active)), (Some("old"), Some("active")), "{states:?}");

    let active_stays = samehand.run(&["keys", "retire", &active], "");
    assert_eq!(active_stays.status.code(), Some(1));
    let samehand = samehand.restart(&[]);
    samehand.succeed(&["keys", "retire", &kid(&first)], "");
    eventually("the retired key is refused", || ask_as_proxy(&samehand, &question_of_client(&first)).status == 401);
    assert_eq!(outcome(&samehand, question_of_client(&first)), (401, "key-unknown".to_owned()));
    assert_eq!(outcome(&samehand, question_of_client(&second)), ok);
    let samehand = samehand.restart(&[]);
    assert_eq!(outcome(&samehand, question_of_client(&first)), (401, "key-unknown".to_owned()));
    assert_eq!(outcome(&samehand, question_of_client(&second)), ok);
}

#[test]
fn a_key_file_that_cannot_be_used_leaves_the_service_as_it_was() {
    let samehand = Samehand::start(&[("SECRET", "")]);
    let token = samehand.mint("alice", CLIENT, FIREFOX);
    samehand.write("data/keys.json", "{ half of it");
    samehand.process.wait_for("that the keys cannot be used", |line| {
        (line.contains("level=error") && line.contains("the old ones stay")).then_some(())
    });
    assert_eq!(outcome(&samehand, question_of_client(&token)), (200, "ok".to_owned()));
}

#[test]
fn a_changed_salt_ends_tokens_unless_the_old_one_is_kept() {
    const OLD: &str = "an old salt, kXw82nQpLz";
    const NEW: &str = "a newer salt, Vb71mTrYcD";
    let samehand = Samehand::start(&[("SALT", OLD)]);
    let token = samehand.mint("alice", CLIENT, FIREFOX);
    assert_eq!(outcome(&samehand, question_of_client(&token)), (200, "ok".to_owned()));
    let samehand = samehand.restart(&[("SALT", NEW)]);
    assert_eq!(outcome(&samehand, question_of_client(&token)), (401, "key-unknown".to_owned()));
    let samehand = samehand.restart(&[("SALT_PREVIOUS", OLD)]);
    assert_eq!(outcome(&samehand, question_of_client(&token)), (200, "ok".to_owned()));
    let thief = crate::question(crate::support::THIEF, FIREFOX).bearer(&token);
    assert_eq!(outcome(&samehand, thief), (403, "client-changed".to_owned()));
    let newer = samehand.mint("alice", CLIENT, FIREFOX);
    let samehand = samehand.restart(&[("SALT_PREVIOUS", "")]);
    assert_eq!(outcome(&samehand, question_of_client(&newer)), (200, "ok".to_owned()), "minted with the new one");
    assert_eq!(outcome(&samehand, question_of_client(&token)), (401, "key-unknown".to_owned()));
}
