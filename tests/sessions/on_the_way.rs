//! Fresh cookies with the answer to the subrequest, and pages that are served although their token has just expired.

use std::time::Instant;

use crate::support::{THIEF, client::Request, token::Token, waiting::until};
use crate::{
    CHROME, FIREFOX, PATIENCE, SetCookie, cookie, decided, fetch, is, issued_earlier, mint, outcome, page, question,
    question_from, sid, signed_in, start, time, wait_for_expiry,
};
use serde_json::json;

#[test]
fn a_cookie_in_the_last_third_of_its_life_is_renewed_with_the_answer() {
    let samehand = start(&[("TOKEN_TTL", "3h")]);
    let asked = |request: Request| {
        let (reply, decision) = decided(&samehand, request);
        assert_eq!((reply.status, decision.field("reason")), (200, "ok"), "{reply:?}");
        reply
    };
    // A page, a script, an upload: whatever comes.
    let kinds: [fn(&str) -> Request; 3] = [page, fetch, |cookie| question().header("Cookie", cookie)];
    for kind in kinds {
        let new = signed_in(&samehand);
        let reply = asked(kind(&cookie(&issued_earlier(&new, 115 * 60))));
        assert!(reply.all("Set-Cookie").is_empty(), "not yet in the last third: {reply:?}");
        let token = issued_earlier(&new, 125 * 60);
        let mut fresh = None;
        // A good request waits for a slow store a moment only; then a later one is tried again, after some seconds.
        until(Instant::now(), PATIENCE, "a fresh cookie", || {
            let reply = asked(kind(&cookie(&token)));
            fresh = (!reply.all("Set-Cookie").is_empty()).then(|| SetCookie::of(&reply));
            fresh.is_some()
        });
        let set = fresh.expect("it was set");
        // One for all the requests of a page, and none for who sends Authorization and would not see it.
        for request in [page(&cookie(&token)), question().bearer(&token)] {
            let reply = asked(request);
            assert!(reply.all("Set-Cookie").is_empty(), "{reply:?}");
        }
        assert_eq!((set.name.as_str(), sid(&set.value)), ("__Host-samehand", sid(&token)));
        assert_eq!(set.attributes().0, ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]);
        assert!(time(&set.value, "exp") > time(&token, "exp"));
        assert_eq!(outcome(&samehand, page(&cookie(&set.value))), is(200, "ok"));
    }
}

#[test]
fn no_cookie_rides_on_what_a_shared_cache_may_keep() {
    let samehand = start(&[("TOKEN_TTL", "3h")]);
    let due = cookie(&issued_earlier(&signed_in(&samehand), 125 * 60));
    let for_element = |destination: &str| {
        let (reply, decision) = decided(&samehand, fetch(&due).header("Sec-Fetch-Dest", destination));
        assert_eq!((reply.status, decision.field("reason")), (200, "ok"), "{destination}: {reply:?}");
        reply.all("Set-Cookie").len()
    };
    for destination in ["script", "style", "image", "font", "audio", "video", "track", "manifest", "worker", "object"] {
        assert_eq!(for_element(destination), 0, "{destination}");
    }
    until(Instant::now(), PATIENCE, "a fresh cookie for a script's own request", || for_element("empty") == 1);
}

#[test]
fn a_page_whose_token_has_expired_is_served_with_what_is_true_of_the_user_now() {
    let samehand = start(&[("TOKEN_TTL", "1s")]);
    let token = signed_in(&samehand);
    samehand
        .succeed(&["user", "set", "alice", "--group", "staff", "--group", "night", "--display-name", "Alice A."], "");
    wait_for_expiry(&samehand, &token);
    let plain = question().header("Accept", "text/html,*/*;q=0.8").header("Cookie", cookie(&token));
    for request in [page(&cookie(&token)), plain] {
        let (reply, decision) = decided(&samehand, request);
        assert_eq!((reply.status, decision.field("decision"), decision.field("reason")), (200, "allow", "ok"));
        let identity = ["Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email"];
        let identity = identity.map(|name| reply.header(name).unwrap_or("absent"));
        assert_eq!(identity, ["alice", "staff,night", "Alice A.", ""], "{reply:?}");
        let fresh = SetCookie::of(&reply).value;
        assert_eq!((sid(&fresh), time(&fresh, "exp") - time(&fresh, "iat")), (sid(&token), 1));
        assert_eq!(Token::parse(&fresh).claims["groups"], json!(["staff", "night"]));
    }
}

#[test]
fn explain_says_what_the_service_would_ask_the_store() {
    let samehand = start(&[("TOKEN_TTL", "1s")]);
    let token = signed_in(&samehand);
    wait_for_expiry(&samehand, &token);
    let cookie = format!("Cookie: {}", cookie(&token));
    let explained = |mode: &str| {
        let mode = format!("Sec-Fetch-Mode: {mode}");
        let client = ["--ip", "127.0.0.7", "--user-agent", FIREFOX, "--header", &cookie, "--header", &mode];
        samehand.succeed(&[&["explain", "--proxy", "nginx", "--peer", "unix"], &client[..]].concat(), "")
    };
    let page = explained("navigate");
    assert!(page.contains("renewal:       this is a page") && page.contains("challenge, token-expired"), "{page}");
    let script = explained("cors");
    assert!(!script.contains("renewal:"), "{script}");
}

#[test]
fn nobody_but_a_page_of_the_same_client_is_served_with_an_expired_token() {
    let samehand = start(&[("TOKEN_TTL", "1s")]);
    let token = signed_in(&samehand);
    wait_for_expiry(&samehand, &token);
    let cookie = cookie(&token);
    let navigation = || question().header("Sec-Fetch-Mode", "navigate").header("Accept", "text/html");
    let from_thief = question_from(THIEF).header("Sec-Fetch-Mode", "navigate").header("Cookie", cookie.as_str());
    for (row, request) in [
        ("a script", fetch(&cookie)),
        ("an API client", question().header("Cookie", cookie.as_str())),
        ("a script that says so itself", page(&cookie).header("X-Requested-With", "XMLHttpRequest")),
        ("Authorization", navigation().bearer(&token)),
        ("another client", from_thief),
    ] {
        if row == "a script that says so itself" {
            // Fetch Metadata cannot be written by scripts, so it counts for more.
            assert_eq!(outcome(&samehand, request), is(200, "ok"), "{row}");
            continue;
        }
        let (reply, decision) = decided(&samehand, request);
        assert_eq!((reply.status, decision.field("reason")), (401, "token-expired"), "{row}");
        assert!(reply.all("Set-Cookie").is_empty(), "{row}: {reply:?}");
        assert_eq!(reply.header("WWW-Authenticate"), Some(r#"Bearer realm="samehand", error="invalid_token""#));
    }
    let other_browser = String::from_utf8(page(&cookie).bytes()).expect("text").replace(FIREFOX, CHROME);
    let mut connection = crate::support::client::Connection::open(crate::PROXY, &samehand.tcp);
    connection.send(other_browser.as_bytes());
    assert_eq!(connection.reply(false).expect("an answer").status, 401);
}

#[test]
fn an_expired_token_of_a_session_that_ended_is_an_expired_token() {
    let samehand = start(&[("TOKEN_TTL", "1s")]);
    let (token, disabled) = (signed_in(&samehand), signed_in(&samehand));
    wait_for_expiry(&samehand, &disabled);
    crate::revoked(&samehand, &json!({ "session": sid(&token) }));
    assert_eq!(outcome(&samehand, page(&cookie(&token))).0, 401);
    samehand.succeed(&["user", "disable", "alice"], "");
    let (reply, _) = decided(&samehand, page(&cookie(&disabled)));
    assert_eq!(reply.status, 401, "the store is asked: nothing has to be heard of first");
    assert!(reply.all("Set-Cookie").is_empty(), "{reply:?}");
}

#[test]
fn what_a_back_end_said_about_the_user_is_said_again() {
    let samehand = start(&[]);
    let claims = json!({ "groups": ["gold"], "name": "Customer 7", "tenant": { "id": 7 } });
    let token = mint(&samehand, &json!({ "sub": "customer-7", "ttl": "1s", "claims": claims }));
    wait_for_expiry(&samehand, &token);
    let (reply, _) = decided(&samehand, page(&cookie(&token)));
    let identity = ["Remote-User", "Remote-Groups", "Remote-Name"].map(|name| reply.header(name).unwrap_or("absent"));
    assert_eq!((reply.status, identity), (200, ["customer-7", "gold", "Customer 7"]), "{reply:?}");
    let fresh = Token::parse(&SetCookie::of(&reply).value).claims;
    assert_eq!(fresh["tenant"], json!({ "id": 7 }));
}

#[test]
fn observe_says_who_it_is_and_report_does_not_serve_another_client() {
    let samehand = start(&[("TOKEN_TTL", "1s"), ("ENFORCE", "observe")]);
    let token = signed_in(&samehand);
    let nobody = || {
        let (reply, decision) = decided(&samehand, fetch(&cookie(&token)));
        assert_eq!(reply.status, 200, "observe refuses nothing");
        decision.field("reason") == "token-expired" && reply.header("Remote-User") == Some("")
    };
    until(Instant::now(), PATIENCE, "the token expires", nobody);
    let (reply, decision) = decided(&samehand, page(&cookie(&token)));
    assert_eq!((reply.header("Remote-User"), decision.field("enforced")), (Some("alice"), "yes"), "{reply:?}");

    let samehand = start(&[("TOKEN_TTL", "1s"), ("ENFORCE", "report")]);
    let token = signed_in(&samehand);
    wait_for_expiry(&samehand, &token);
    let from_thief = question_from(THIEF).header("Sec-Fetch-Mode", "navigate").header("Cookie", cookie(&token));
    assert_eq!(outcome(&samehand, from_thief), is(401, "token-expired"));
}
