//! Signing out with the page: what is ended, who may ask for it, and that an API client is answered as before.

use crate::support::client::Request;
use crate::support::samehand::Samehand;
use crate::{PAGES, asked, cookie_of, get, ours, post, question, send, sign_in, start, text};

const APP: &str = "https://app.example.com/";

#[test]
fn a_link_ends_nothing_and_the_button_says_what_it_ended() {
    let samehand = start();
    let cookie = cookie_of(&sign_in(&samehand, APP));
    let page = send(&samehand, get("/logout").header("Cookie", cookie.as_str()));
    assert!(text(&page).contains("signed in as <strong>alice</strong>"), "{page:?}");
    let status = || {
        asked(&samehand, question("caddy", "https", "app.example.com", "/").header("Cookie", cookie.as_str())).status
    };
    assert_eq!(status(), 200);
    let out = || send(&samehand, ours(post("/logout", &[])).header("Cookie", cookie.as_str()));
    let first = out();
    assert_eq!((first.status, first.header("Location")), (303, Some("https://auth.example.com/logout?ended=session")));
    assert_eq!(status(), 303);
    // Twice is no error.
    let second = out();
    assert_eq!(
        (second.status, second.header("Location")),
        (303, Some("https://auth.example.com/logout?ended=nothing"))
    );
    for reply in [first, second] {
        assert!(reply.all("Clear-Site-Data").is_empty(), "the shops of this domain are others': {reply:?}");
        let line = reply.header("Set-Cookie").expect("it is cleared");
        assert_eq!(line, "__Secure-samehand=; Path=/; Max-Age=0; Domain=example.com; Secure; HttpOnly; SameSite=Lax");
    }
    for (ended, words) in [("session", "has ended"), ("token", "has ended"), ("nothing", "no session")] {
        assert!(text(&send(&samehand, get(&format!("/logout?ended={ended}")))).contains(words), "{ended}");
    }
}

#[test]
fn only_where_the_cookie_is_of_one_host_or_by_wish_all_cookies_go() {
    let rows: [(&[(&str, &str)], bool); 6] = [
        (&[], false),
        (&[("CLEAR_SITE_DATA", "on")], true),
        (&[("CLEAR_SITE_DATA", "off")], false),
        (&[("COOKIE_DOMAIN", "host")], true),
        (&[("COOKIE_DOMAIN", "host"), ("CLEAR_SITE_DATA", "auto")], true),
        (&[("COOKIE_DOMAIN", "host"), ("CLEAR_SITE_DATA", "off")], false),
    ];
    for (settings, is_expected) in rows {
        let samehand = Samehand::start(&[&[("PUBLIC_URL", PAGES)], settings].concat());
        let reply = send(&samehand, ours(post("/logout", &[])));
        let expected: &[&str] = if is_expected { &["\"cookies\""] } else { &[] };
        assert_eq!((reply.status, reply.all("Clear-Site-Data").as_slice()), (303, expected), "{settings:?}: {reply:?}");
        assert_eq!(reply.all("Set-Cookie").len(), 1, "{settings:?}: {reply:?}");
    }
}

#[test]
fn another_site_signs_nobody_out_and_empties_no_browser() {
    let samehand = start();
    let cookie = cookie_of(&sign_in(&samehand, APP));
    for origin in ["https://evil.example.net", "null", "https://evilexample.com"] {
        for cookie in [Some(cookie.as_str()), None] {
            let request = post("/logout", &[]).header("Origin", origin);
            let request = cookie.into_iter().fold(request, |request, cookie| request.header("Cookie", cookie));
            let reply = send(&samehand, request);
            assert_eq!(reply.status, 403, "{origin}: {reply:?}");
            assert!(reply.all("Clear-Site-Data").is_empty() && reply.all("Set-Cookie").is_empty(), "{reply:?}");
        }
    }
    let reply = asked(&samehand, question("caddy", "https", "app.example.com", "/").header("Cookie", cookie));
    assert_eq!(reply.status, 200, "{reply:?}");
}

#[test]
fn an_api_client_is_answered_with_a_status() {
    let samehand = start();
    let cookie = cookie_of(&sign_in(&samehand, APP));
    let reply = send(&samehand, Request::post("/logout", "").header("Cookie", cookie.as_str()).header("Origin", PAGES));
    assert_eq!((reply.status, reply.all("Clear-Site-Data").len()), (204, 0), "{reply:?}");
    let reply = send(&samehand, Request::post("/logout", "").header("Origin", "https://evil.example.net"));
    assert_eq!(reply.status, 401, "{reply:?}");
}
