//! Several cookies of our name: one for the host and one for the domain, one from before, one that somebody planted.

use crate::{SetCookie, call, decided, is, outcome, page, post, sessions, sid, signed_in, start, wait_for_expiry};

fn both(first: &str, second: &str) -> String {
    format!("__Host-samehand={first}; __Host-samehand={second}")
}

#[test]
fn an_expired_cookie_of_another_session_is_in_nobodys_way() {
    let samehand = start(&[("TOKEN_TTL", "2s")]);
    let old = signed_in(&samehand);
    wait_for_expiry(&samehand, &old);
    let samehand = samehand.restart(&[("TOKEN_TTL", "8h")]);
    let good = signed_in(&samehand);
    for cookies in [both(&old, &good), both(&good, &old)] {
        assert_eq!(outcome(&samehand, page(&cookies)), is(200, "ok"));
        let reply = call(&samehand, &post("/renew").header("Cookie", cookies.as_str()));
        assert_eq!((reply.status, sid(&SetCookie::of(&reply).value)), (204, sid(&good)), "{reply:?}");
    }
    let reply = call(&samehand, &post("/logout").header("Cookie", both(&old, &good)));
    assert_eq!(reply.status, 204, "{reply:?}");
    let open: Vec<_> = sessions(&samehand).into_iter().map(|session| session.id.to_string()).collect();
    assert_eq!(open, [sid(&old)], "the one that counts was ended");
}

#[test]
fn rubbish_beside_an_expired_cookie_does_not_sign_out() {
    let samehand = start(&[("TOKEN_TTL", "1s")]);
    let token = signed_in(&samehand);
    wait_for_expiry(&samehand, &token);
    for cookies in [both("rubbish", &token), both(&token, "rubbish")] {
        let (reply, decision) = decided(&samehand, page(&cookies));
        assert_eq!((reply.status, decision.field("reason")), (200, "ok"), "{cookies}");
        assert_eq!(sid(&SetCookie::of(&reply).value), sid(&token));
        assert_eq!(call(&samehand, &post("/renew").header("Cookie", cookies.as_str())).status, 204);
    }
}

#[test]
fn two_live_sessions_are_ambiguous_and_two_tokens_of_one_are_not() {
    let samehand = start(&[]);
    let (first, other) = (signed_in(&samehand), signed_in(&samehand));
    for path in ["/renew", "/logout"] {
        let reply = call(&samehand, &post(path).header("Cookie", both(&first, &other)));
        assert_eq!(reply.status, 401, "{path}: {reply:?}");
    }
    assert_eq!(outcome(&samehand, page(&both(&first, &other))), is(401, "token-ambiguous"));
    let second = SetCookie::of(&call(&samehand, &post("/renew").header("Cookie", crate::cookie(&first)))).value;
    assert_eq!(outcome(&samehand, page(&both(&first, &second))), is(200, "ok"));
    assert_eq!(call(&samehand, &post("/renew").header("Cookie", both(&second, &first))).status, 204);
    assert_eq!(call(&samehand, &post("/logout").header("Cookie", both(&second, &first))).status, 204);
    for token in [&first, &second] {
        assert_eq!(outcome(&samehand, page(&crate::cookie(token))), is(401, "session-ended"));
    }
}

#[test]
fn two_expired_sessions_are_ambiguous_too() {
    let samehand = start(&[("TOKEN_TTL", "1s")]);
    let (first, other) = (signed_in(&samehand), signed_in(&samehand));
    wait_for_expiry(&samehand, &other);
    let reply = call(&samehand, &post("/renew").header("Cookie", both(&first, &other)));
    assert_eq!(reply.status, 401, "{reply:?}");
    assert_eq!(outcome(&samehand, page(&both(&first, &other))).0, 401);
}

#[test]
fn a_cookie_that_was_taken_back_is_in_nobodys_way() {
    let samehand = start(&[]);
    let (left_behind, good) = (signed_in(&samehand), signed_in(&samehand));
    assert_eq!(call(&samehand, &post("/logout").header("Cookie", crate::cookie(&left_behind))).status, 204);
    for cookies in [both(&left_behind, &good), both(&good, &left_behind), both("rubbish", &good)] {
        assert_eq!(outcome(&samehand, page(&cookies)), is(200, "ok"));
        let reply = call(&samehand, &post("/renew").header("Cookie", cookies.as_str()));
        assert_eq!((reply.status, sid(&SetCookie::of(&reply).value)), (204, sid(&good)), "{reply:?}");
    }
    assert_eq!(outcome(&samehand, page(&both("rubbish", &left_behind))), is(401, "session-ended"));
    assert_eq!(call(&samehand, &post("/logout").header("Cookie", both(&left_behind, &good))).status, 204);
    assert_eq!(outcome(&samehand, page(&both(&left_behind, &good))), is(401, "session-ended"));
}
