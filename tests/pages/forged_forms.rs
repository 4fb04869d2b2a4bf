//! Signing somebody in as somebody else, from another page than ours (login cross-site request forgery).

use crate::support::{
    THIEF,
    client::{Request, ask},
    samehand::PASSWORD,
};
use crate::{FIREFOX, NAME, PAGES, field, form_token, get, post, send, start, text};

fn filled_in(form: &str) -> Request {
    post("/login", &[("username", "alice"), ("password", PASSWORD), ("form", form)])
}

#[test]
fn a_form_of_another_page_signs_nobody_in() {
    let samehand = start();
    let form = form_token(&samehand);
    for lines in [
        &[("Origin", "https://evil.example.net")][..],
        &[("Origin", "null")],
        &[("Origin", "https://app.example.com")],
        &[("Origin", "https://example.com")],
        &[("Origin", "http://auth.example.com")],
        &[("Origin", "https://auth.example.com.evil.example.net")],
        &[("Origin", PAGES), ("Origin", "https://evil.example.net")],
        &[("Origin", PAGES), ("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "cross-site")],
        &[("Sec-Fetch-Site", "same-site")],
    ] {
        let request = lines.iter().fold(filled_in(&form), |request, (name, value)| request.header(name, *value));
        let reply = send(&samehand, request);
        assert_eq!((reply.status, reply.all("Set-Cookie").len()), (403, 0), "{lines:?}: {reply:?}");
        let text = text(&reply);
        assert!(text.contains("role=\"alert\"") && text.contains("name=\"password\""), "no dead end: {text}");
        assert!(!text.contains("alice"), "what another page sends is not shown: {text}");
    }
    assert!(!samehand.process.log().contains("msg=login"), "no password was looked at");
}

#[test]
fn without_an_origin_the_form_has_to_be_one_that_this_browser_was_handed() {
    let samehand = start();
    let theirs =
        field(&ask(THIEF, &samehand.tcp, &get("/login").header("User-Agent", FIREFOX)), "form").expect("a form");
    let (time, rest) = theirs.split_once('.').expect("a time");
    let later = format!("{}.{rest}", time.parse::<u64>().expect("seconds") + 1);
    for form in [theirs.as_str(), &later, "", "x", "1.v1.x.32-64-family.x.x.x"] {
        let reply = send(&samehand, filled_in(form));
        assert_eq!((reply.status, reply.all("Set-Cookie").len()), (403, 0), "{form}: {reply:?}");
        let text = text(&reply);
        assert!(text.contains("name=\"username\" value=\"alice\"") && !text.contains(PASSWORD), "{text}");
    }
    let reply = send(&samehand, filled_in(&form_token(&samehand)));
    assert_eq!(reply.status, 303, "{reply:?}");
}

#[test]
fn parallel_tabs_and_a_form_that_is_used_twice_are_no_forgery() {
    let samehand = start();
    let (first, second) = (form_token(&samehand), form_token(&samehand));
    for form in [&second, &first, &first] {
        let reply = send(&samehand, filled_in(form).header("Origin", PAGES));
        assert_eq!(reply.status, 303, "{reply:?}");
    }
}

#[test]
fn a_page_that_is_asked_for_sets_no_cookie() {
    let samehand = start();
    for target in ["/login", "/login?rd=https%3A%2F%2Fapp.example.com%2F", "/logout", "/logout?ended=session"] {
        let reply = send(&samehand, get(target).header("Cookie", format!("{NAME}=x")));
        assert_eq!((reply.status, reply.all("Set-Cookie").len()), (200, 0), "{target}: {reply:?}");
    }
}
