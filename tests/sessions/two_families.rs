//! A client with IPv4 and IPv6 is one client, once it has signed in over both: it goes on with its session, and nothing else
//! does.

use serde_json::json;

use crate::{
    CHROME, cookie,
    hands::{
        AWAY, AWAY_SIX, HOME, HOME_SIX, Hand, NEXT_DOOR, ask_through, bound_by, judged, only_token, proof, verdict,
    },
    mint, revoked, sessions, sid, start,
    support::{
        client::Request,
        samehand::{PASSWORD, SECRET, Samehand},
        token::Token,
    },
    wait_for_expiry,
};

#[track_caller]
fn sign_in(samehand: &Samehand, hand: Hand) -> String {
    only_token(&ask_through(samehand, &hand.login("alice")))
}

/// alice signs in again with what comes along.
#[track_caller]
fn again(samehand: &Samehand, hand: Hand, along: impl Fn(Request) -> Request) -> String {
    only_token(&ask_through(samehand, &along(hand.login("alice"))))
}

const CHANGED: (u16, &str, &str) = (403, "client-changed", "ip");

#[track_caller]
fn knows(samehand: &Samehand, token: &str, hands: &[Hand], others: &[Hand]) {
    for hand in hands {
        assert_eq!(judged(samehand, hand.question().bearer(token)), verdict(200, "ok", ""), "{}", hand.ip);
    }
    for hand in others {
        let (status, reason, changed) = CHANGED;
        assert_eq!(judged(samehand, hand.question().bearer(token)), verdict(status, reason, changed), "{}", hand.ip);
    }
}

#[test]
fn who_signs_in_over_the_other_family_goes_on_and_is_not_asked_again() {
    for in_cookie in [false, true] {
        let samehand = start(&[]);
        let four = sign_in(&samehand, HOME);
        knows(&samehand, &four, &[HOME], &[HOME_SIX, AWAY]);
        assert_eq!(ask_through(&samehand, &HOME_SIX.post("/renew").bearer(&four)).status, 403);
        let both = again(&samehand, HOME_SIX, |login| match in_cookie {
            true => login.header("Cookie", cookie(&four)),
            false => login.bearer(&four),
        });
        assert_eq!(sid(&both), sid(&four));
        assert_eq!(sessions(&samehand).len(), 1, "no second session in the list");
        knows(&samehand, &both, &[HOME, HOME_SIX, HOME], &[NEXT_DOOR, AWAY, AWAY_SIX]);
        // Each renewal, over either, keeps both.
        let mut token = both;
        for hand in [HOME, HOME_SIX, HOME_SIX, HOME] {
            token = only_token(&ask_through(&samehand, &hand.post("/renew").bearer(&token)));
            knows(&samehand, &token, &[HOME, HOME_SIX], &[AWAY, AWAY_SIX]);
        }
        // The token from before knows no more than it did.
        knows(&samehand, &four, &[HOME], &[HOME_SIX]);
        // Whoever changes the network after that is another client, as ever, and begins anew.
        let away = again(&samehand, AWAY, |login| login.bearer(&token));
        assert_ne!(sid(&away), sid(&token));
        knows(&samehand, &away, &[AWAY], &[HOME, HOME_SIX]);
    }
}

#[test]
fn an_expired_token_of_a_session_that_lives_will_do() {
    let samehand = start(&[("TOKEN_TTL", "1s")]);
    let four = sign_in(&samehand, HOME);
    wait_for_expiry(&samehand, &four);
    let both = again(&samehand, HOME_SIX, |login| login.bearer(&four));
    assert_eq!(sid(&both), sid(&four));
}

#[test]
fn nothing_else_goes_on() {
    let samehand = start(&[("SALT", "the tests know this salt, 7hK3")]);
    samehand.add_user("mallory", &[]);
    let four = sign_in(&samehand, HOME);
    let mallory = only_token(&ask_through(&samehand, &HOME.login("mallory")));
    let ended = sign_in(&samehand, HOME);
    revoked(&samehand, &json!({ "session": sid(&ended) }));
    let mut renamed = Token::parse(&mallory);
    renamed.claims["sub"] = "alice".into();
    let mut foreign = Token::parse(&four);
    foreign.claims["jti"] = "another-token-of-ours".into();
    let of_back_end = mint(&samehand, &json!({ "ip": HOME.ip, "user_agent": HOME.user_agent }));
    let by_hand = samehand.mint("alice", "192.0.2.7".parse().expect("an address"), HOME.user_agent);
    let chrome = Hand { user_agent: CHROME, ..HOME_SIX };
    for (row, hand, token) in [
        ("the same client", HOME, four.as_str()),
        ("another address of a family it knows", NEXT_DOOR, &four),
        ("another browser", chrome, &four),
        ("another user", HOME_SIX, &mallory),
        ("another user's session under this name", HOME_SIX, &renamed.signed(SECRET)),
        ("the fingerprint of another token", HOME_SIX, &foreign.signed(SECRET)),
        ("a signature of somebody else", HOME_SIX, &Token::parse(&four).signed("another secret, 4gT6yU8iO0pA2sD")),
        ("a session that was ended", HOME_SIX, &ended),
        ("a session that a back end opened", HOME_SIX, &of_back_end),
        ("a token without a session", HOME_SIX, &by_hand),
        ("rubbish", HOME_SIX, "rubbish"),
    ] {
        let before = sessions(&samehand).len();
        let new = again(&samehand, hand, |login| login.bearer(token));
        assert_eq!(sessions(&samehand).len(), before + 1, "{row}");
        assert_ne!(sid(&new), sid(&four), "{row}");
        let others: Vec<Hand> = [HOME, HOME_SIX].into_iter().filter(|other| other.ip != hand.ip).collect();
        for other in others {
            let other = Hand { user_agent: hand.user_agent, ..other };
            let (status, reason, changed) = CHANGED;
            let told = judged(&samehand, other.question().bearer(&new));
            assert_eq!(told, verdict(status, reason, changed), "{row}: {}", other.ip);
        }
    }
    let before = sessions(&samehand).len();
    let two = again(&samehand, HOME_SIX, |login| login.bearer(&four).header("Cookie", cookie(&mallory)));
    assert_eq!((sid(&two) == sid(&four), sessions(&samehand).len()), (false, before + 1), "two tokens");
    // A wrong password goes on with nothing.
    let body = json!({ "username": "alice", "password": format!("{PASSWORD}!") }).to_string();
    let wrong =
        Request::post("/login", body).header("Content-Type", "application/json").header("X-Forwarded-For", HOME_SIX.ip);
    assert_eq!(ask_through(&samehand, &wrong.header("User-Agent", HOME_SIX.user_agent).bearer(&four)).status, 401);

    // What would be made otherwise today is begun anew.
    let samehand =
        samehand.restart(&[("SALT", "and this one, 9jL5"), ("SALT_PREVIOUS", "the tests know this salt, 7hK3")]);
    assert_ne!(sid(&again(&samehand, HOME_SIX, |login| login.bearer(&four))), sid(&four), "another salt");
    let four = sign_in(&samehand, HOME);
    let samehand = samehand.restart(&[("IPV4_PREFIX", "24")]);
    assert_ne!(sid(&again(&samehand, HOME_SIX, |login| login.bearer(&four))), sid(&four), "another recipe");
}

#[test]
fn the_proof_has_to_come_along() {
    let samehand = start(&[("TOKEN_FROM", "authorization"), ("REQUIRE_SAME", "ip,cookie")]);
    let (four, secret) = bound_by(&ask_through(&samehand, &HOME.login("alice")));
    let without = bound_by(&ask_through(&samehand, &HOME_SIX.login("alice").bearer(&four)));
    assert_ne!(sid(&without.0), sid(&four));
    let login = HOME_SIX.login("alice").bearer(&four).header("Cookie", proof(&secret));
    let (both, fresh) = bound_by(&ask_through(&samehand, &login));
    assert_eq!(sid(&both), sid(&four));
    for hand in [HOME, HOME_SIX] {
        let with = |secret: &str| judged(&samehand, hand.question().bearer(&both).header("Cookie", proof(secret)));
        assert_eq!(with(&fresh), verdict(200, "ok", ""));
        assert_eq!(with(&secret), verdict(403, "client-changed", "cookie"), "a sign-in makes a new secret");
    }
}

#[test]
fn while_the_address_is_watched_the_next_renewal_learns_the_other_family() {
    let samehand = start(&[("REQUIRE_SAME", "user-agent"), ("WATCH", "ip")]);
    let four = sign_in(&samehand, HOME);
    assert_eq!(judged(&samehand, HOME_SIX.question().bearer(&four)), verdict(200, "ok", "ip"));
    let both = only_token(&ask_through(&samehand, &HOME_SIX.post("/renew").bearer(&four)));
    for hand in [HOME, HOME_SIX, HOME] {
        assert_eq!(judged(&samehand, hand.question().bearer(&both)), verdict(200, "ok", ""), "{}", hand.ip);
    }
    assert_eq!(judged(&samehand, AWAY_SIX.question().bearer(&both)), verdict(200, "ok", "ip"));
}
