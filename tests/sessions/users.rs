//! What happens to a user ends what was issued: disabled, another password, another group less, removed.

use std::time::Instant;

use crate::support::{CLIENT, samehand::PASSWORD, waiting::as_promised};
use crate::{FIREFOX, PROMISED, call, is, mint, post, sessions, signed_in, start, with_token};
use serde_json::json;

#[test]
fn disabling_removing_and_another_password_end_everything_within_a_second() {
    let other_password = "eleven lanterns swing slowly";
    let changes: [(&str, &[&str], &str); 4] = [
        ("another password", &["user", "passwd", "alice", "--password-stdin"], other_password),
        ("a group less", &["user", "set", "alice", "--no-groups"], ""),
        ("disabled", &["user", "disable", "alice"], ""),
        ("removed", &["user", "remove", "alice"], ""),
    ];
    for (row, arguments, input) in changes {
        let samehand = start(&[]);
        samehand.add_user("bob", &[]);
        let tokens = [signed_in(&samehand), mint(&samehand, &json!({})), samehand.mint("alice", CLIENT, FIREFOX)];
        let bobs = mint(&samehand, &json!({ "sub": "bob" }));
        samehand.succeed(arguments, input);
        let acknowledged = Instant::now();
        // The store is asked, so renewing is over at once.
        for token in &tokens {
            assert_eq!(call(&samehand, &post("/renew").bearer(token)).status, 401, "{row}");
        }
        for token in &tokens {
            let refused = || with_token(&samehand, token) == is(401, "token-revoked");
            as_promised(acknowledged, PROMISED, row, refused);
        }
        assert_eq!(with_token(&samehand, &bobs), is(200, "ok"), "{row}");
        let open = sessions(&samehand);
        assert!(open.iter().all(|session| session.user.as_str() == "bob"), "{row}: {open:?}");
    }
}

#[test]
fn a_user_who_is_enabled_again_signs_in_anew() {
    let samehand = start(&[]);
    let old = signed_in(&samehand);
    samehand.succeed(&["user", "disable", "alice"], "");
    samehand.succeed(&["user", "enable", "alice"], "");
    as_promised(Instant::now(), PROMISED, "the old token stays over", || {
        with_token(&samehand, &old) == is(401, "token-revoked")
    });
    assert_eq!(call(&samehand, &post("/renew").bearer(&old)).status, 401);
    assert_eq!(with_token(&samehand, &signed_in(&samehand)), is(200, "ok"));
    // The same password again is another password, too.
    let before = signed_in(&samehand);
    samehand.succeed(&["user", "passwd", "alice", "--password-stdin"], PASSWORD);
    as_promised(Instant::now(), PROMISED, "it is over", || with_token(&samehand, &before) == is(401, "token-revoked"));
}

#[test]
fn somebody_of_the_same_name_later_is_somebody_else() {
    let samehand = start(&[]);
    let old = signed_in(&samehand);
    samehand.succeed(&["user", "remove", "alice"], "");
    samehand.add_user("alice", &[]);
    assert_eq!(call(&samehand, &post("/renew").bearer(&old)).status, 401);
    as_promised(Instant::now(), PROMISED, "the old token is over", || {
        with_token(&samehand, &old) == is(401, "token-revoked")
    });
    assert_eq!(with_token(&samehand, &signed_in(&samehand)), is(200, "ok"));
}

#[test]
fn more_groups_and_another_name_end_nothing() {
    let samehand = start(&[]);
    let token = signed_in(&samehand);
    samehand.succeed(&["user", "set", "alice", "--group", "staff", "--group", "admins", "--display-name", "Alice"], "");
    assert_eq!(call(&samehand, &post("/renew").bearer(&token)).status, 200);
    assert_eq!(with_token(&samehand, &token), is(200, "ok"));
}
