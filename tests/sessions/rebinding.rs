//! What is watched may change: it is told, bound anew at a renewal, and not without end.

use std::time::Instant;

use crate::{
    PATIENCE, SetCookie, cookie, decided,
    hands::{AWAY, HOME, Hand, ask_through, events, judged, only_token, verdict},
    issued_earlier, start,
    support::{client::Reply, samehand::Samehand, waiting::until},
};

const WATCHED: [(&str, &str); 2] = [("REQUIRE_SAME", "user-agent"), ("WATCH", "ip")];
/// So many changes a session has at once.
const CHANGES: usize = 12;

#[track_caller]
fn sign_in(samehand: &Samehand) -> String {
    only_token(&ask_through(samehand, &HOME.login("alice")))
}

#[track_caller]
fn renew(samehand: &Samehand, hand: Hand, token: &str) -> Reply {
    ask_through(samehand, &hand.post("/renew").bearer(token))
}

/// Renews from here and there until no change is left. The token is then bound to home.
#[track_caller]
fn used_up(samehand: &Samehand, token: &str) -> String {
    let mut token = token.to_owned();
    for change in 0..CHANGES {
        let hand = if change % 2 == 0 { AWAY } else { HOME };
        token = only_token(&renew(samehand, hand, &token));
    }
    token
}

#[test]
fn a_change_is_told_with_each_request_and_bound_anew_at_a_renewal() {
    let samehand = start(&WATCHED);
    let token = sign_in(&samehand);
    for _ in 0..3 {
        let (reply, decision) = decided(&samehand, AWAY.question().header("Cookie", cookie(&token)));
        assert_eq!((reply.status, decision.field("changed")), (200, "ip"));
        assert!(reply.all("Set-Cookie").is_empty(), "a change is no reason to renew: {reply:?}");
    }
    assert!(events(&samehand, "rebound").is_empty());
    let moved = only_token(&renew(&samehand, AWAY, &token));
    assert_eq!(judged(&samehand, AWAY.question().bearer(&moved)), verdict(200, "ok", ""));
    assert_eq!(judged(&samehand, HOME.question().bearer(&moved)), verdict(200, "ok", "ip"));
    let lines = events(&samehand, "rebound");
    let [line] = &lines[..] else { panic!("{lines:?}") };
    for part in ["level=info", "username=alice", "changed=ip", "remote_ip=198.51.100.9", "sid="] {
        assert!(line.contains(part), "{part} is missing: {line}");
    }
    // What has to be the same is never bound anew.
    let curl = Hand { user_agent: "curl/8.5.0", ..AWAY };
    assert_eq!(renew(&samehand, curl, &moved).status, 403);
    assert_eq!(events(&samehand, "rebound").len(), 1);
}

#[test]
fn a_cookie_is_bound_anew_on_the_way_when_it_is_due() {
    let samehand = start(&[&WATCHED[..], &[("TOKEN_TTL", "3h")]].concat());
    let token = issued_earlier(&sign_in(&samehand), 150 * 60);
    let mut fresh = None;
    // A good request waits for a slow store a moment only; then a later one is tried again, after some seconds.
    until(Instant::now(), PATIENCE, "a fresh cookie", || {
        let (reply, decision) = decided(&samehand, AWAY.question().header("Cookie", cookie(&token)));
        assert_eq!((reply.status, decision.field("changed")), (200, "ip"));
        fresh = (!reply.all("Set-Cookie").is_empty()).then(|| SetCookie::of(&reply).value);
        fresh.is_some()
    });
    let fresh = cookie(&fresh.expect("it was set"));
    assert_eq!(judged(&samehand, AWAY.question().header("Cookie", fresh)), verdict(200, "ok", ""));
    assert_eq!(events(&samehand, "rebound").len(), 1);
}

#[test]
fn too_many_changes_end_the_renewals_and_nothing_else() {
    let samehand = start(&WATCHED);
    let (session, other) = (sign_in(&samehand), sign_in(&samehand));
    // What does not change costs none.
    for _ in 0..2 * CHANGES {
        only_token(&renew(&samehand, HOME, &session));
    }
    let last = used_up(&samehand, &session);
    let data = samehand.data().display().to_string();
    let replica = Samehand::start(&[&WATCHED[..], &[("DATA", &data)]].concat());
    for process in [&samehand, &replica, &samehand, &replica] {
        let reply = renew(process, AWAY, &last);
        assert_eq!((reply.status, &reply.json()["error"]), (429, &"slow_down".into()), "{reply:?}");
        let wait: u64 = reply.header("Retry-After").and_then(|wait| wait.parse().ok()).expect("seconds");
        // Less what the test took.
        assert!((3 * 60 * 60 - 600..=3 * 60 * 60).contains(&wait), "{wait}");
    }
    assert_eq!(
        judged(&samehand, AWAY.question().bearer(&last)),
        verdict(200, "ok", "ip"),
        "it lives until its own end"
    );
    only_token(&renew(&samehand, HOME, &last));
    only_token(&renew(&samehand, AWAY, &other));
    let said = [events(&samehand, "rebind-limit"), events(&replica, "rebind-limit")].concat();
    assert!(matches!(&said[..], [line] if line.contains("level=warn") && line.contains("username=alice")), "{said:?}");
}

#[test]
fn a_cookie_over_the_limit_lives_until_its_own_end() {
    let samehand = start(&[&WATCHED[..], &[("TOKEN_TTL", "3h")]].concat());
    let last = used_up(&samehand, &sign_in(&samehand));
    let expired = cookie(&issued_earlier(&last, 190 * 60));
    for (row, cookie, outcome) in [
        ("new", cookie(&last), (200, "ok")),
        ("in its last third", cookie(&issued_earlier(&last, 150 * 60)), (200, "ok")),
        ("expired", expired.clone(), (401, "token-expired")),
    ] {
        let page = AWAY.question().header("Sec-Fetch-Mode", "navigate").header("Cookie", cookie);
        let (reply, decision) = decided(&samehand, page);
        assert_eq!((reply.status, decision.field("reason")), outcome, "{row}");
        assert!(reply.all("Set-Cookie").is_empty(), "{row}: {reply:?}");
    }
    // At the address that it is bound to it is renewed as ever.
    let (reply, _) = decided(&samehand, HOME.question().header("Sec-Fetch-Mode", "navigate").header("Cookie", expired));
    assert_eq!((reply.status, reply.all("Set-Cookie").len()), (200, 1), "{reply:?}");
    assert_eq!(events(&samehand, "rebind-limit").len(), 1);
}

#[test]
fn a_trial_has_the_same_limit() {
    let samehand = start(&[&WATCHED[..], &[("ENFORCE", "report")]].concat());
    let token = used_up(&samehand, &sign_in(&samehand));
    assert_eq!(renew(&samehand, AWAY, &token).status, 429);
    assert_eq!(events(&samehand, "rebound").len(), CHANGES);
    assert_eq!(events(&samehand, "rebind-limit").len(), 1);
    assert_eq!(judged(&samehand, AWAY.question().bearer(&token)), verdict(200, "ok", "ip"), "nobody is refused for it");
}
