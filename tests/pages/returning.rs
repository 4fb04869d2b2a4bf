//! Open redirects: whatever address is asked for, browsers go to hosts of the cookie or to the default page.

use crate::support::samehand::PASSWORD;
use crate::{PAGES, encoded, field, form_token, get, ours, post, raw_form, send, sign_in, start};

const ELSEWHERE: [&str; 22] = [
    "",
    "/",
    "//evil.example.net/",
    "/\\evil.example.net/",
    "\\\\evil.example.net/",
    "https:evil.example.net",
    "https:///evil.example.net/",
    "https://evil.example.net/",
    "https://app.example.com@evil.example.net/",
    "https://evil.example.net\\@app.example.com/",
    "https://app.example.com\\.evil.example.net/",
    "https://app.example.com%2eevil.example.net/",
    "https://app.example.com%00.evil.example.net/",
    "https://evilexample.com/",
    "https://example.com.evil.example.net/",
    "https://app.example.com.evil.example.net/",
    "https://app.example.com:8443/",
    "http://app.example.com/",
    "https://\u{435}xample.com/",
    "https://app\u{3002}evil\u{3002}net/",
    "javascript:alert(1)",
    "https://app.example.com/\r\nSet-Cookie: a=b",
];

#[test]
fn signing_in_leads_to_no_other_site() {
    let samehand = start();
    for back in ELSEWHERE {
        let reply = sign_in(&samehand, back);
        let expected = format!("{PAGES}/login");
        assert_eq!((reply.status, reply.header("Location")), (303, Some(expected.as_str())), "{back}: {reply:?}");
    }
    let long = format!("https://app.example.com/{}", "a".repeat(2100));
    let body = format!("username=alice&password={}&form={}&rd={long}", encoded(PASSWORD), form_token(&samehand));
    let reply = send(&samehand, ours(raw_form("/login", &body)));
    assert_eq!(reply.header("Location"), Some("https://auth.example.com/login"), "{reply:?}");
    let good = "https://App.example.com/a/../b?c=d#e";
    assert_eq!(sign_in(&samehand, good).header("Location"), Some("https://app.example.com/b?c=d"));
}

#[test]
fn no_page_hands_such_an_address_on() {
    let samehand = start();
    for back in ELSEWHERE {
        for page in ["login", "logout"] {
            let reply = send(&samehand, get(&format!("/{page}?rd={}", encoded(back))));
            assert_eq!((reply.status, field(&reply, "rd")), (200, None), "{page} {back}: {reply:?}");
        }
        let reply = send(&samehand, ours(post("/logout", &[("rd", back)])));
        let expected = format!("{PAGES}/logout?ended=nothing");
        assert_eq!((reply.status, reply.header("Location")), (303, Some(expected.as_str())), "{back}: {reply:?}");
    }
    let twice = "/login?rd=https%3A%2F%2Fapp.example.com%2F&rd=https%3A%2F%2Fapp.example.com%2Fb";
    assert_eq!(field(&send(&samehand, get(twice)), "rd"), None, "two addresses are none");
}
