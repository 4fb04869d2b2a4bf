//! Pages of other sites: with the cookie they may neither renew nor sign out; who holds the token may.

use crate::support::{client::Request, samehand::Samehand};
use crate::{call, cookie, is, post, signed_in, start, with_token};

const PATHS: [&str; 2] = ["/renew", "/logout"];

fn with_cookie(path: &str, token: &str, origins: &[&str]) -> Request {
    let request = post(path).header("Cookie", cookie(token));
    origins.iter().fold(request, |request, origin| request.header("Origin", *origin))
}

#[test]
fn a_page_of_another_site_can_do_nothing_with_the_cookie() {
    let samehand = start(&[]);
    let token = signed_in(&samehand);
    for path in PATHS {
        for origins in [
            &["https://evil.example.net"][..],
            &["null"],
            &[""],
            &["https://app.example.com.evil.example.net"],
            &["https://notapp.example.com"],
            &["https://example.com"],
            &["http://app.example.com"],
            &["https://app.example.com@evil.example.net"],
            &["https://app.example.com", "https://evil.example.net"],
            &["file://"],
        ] {
            let reply = call(&samehand, &with_cookie(path, &token, origins));
            let error = (reply.status, reply.json()["error"].as_str().unwrap_or_default().to_owned());
            assert_eq!(error, (403, "forbidden".to_owned()), "{path} {origins:?}");
            assert!(reply.all("Set-Cookie").is_empty(), "{path} {origins:?}: {reply:?}");
        }
    }
    assert_eq!(with_token(&samehand, &token), is(200, "ok"), "nobody was signed out");
}

#[test]
fn what_the_browser_says_of_the_site_decides_before_its_origin() {
    let samehand = start(&[]);
    let status = |path: &str, token: &str, origin: Option<&str>, site: &str| {
        let request = with_cookie(path, token, origin.as_slice()).header("Sec-Fetch-Site", site);
        call(&samehand, &request).status
    };
    let token = signed_in(&samehand);
    for path in PATHS {
        for (origin, site) in [
            (None, "cross-site"),
            (Some("https://app.example.com"), "cross-site"),
            (Some("null"), "cross-site"),
            (Some("null"), "same-site"),
            (None, "of-tomorrow"),
        ] {
            assert_eq!(status(path, &token, origin, site), 403, "{path} {origin:?} {site}");
        }
    }
    // A proxy that adds `Referrer-Policy: no-referrer` makes browsers hide the origin of our own pages.
    for path in PATHS {
        assert_eq!(status(path, &token, Some("null"), "same-origin"), 204, "{path}");
    }
}

#[test]
fn own_pages_and_clients_that_are_no_pages_can() {
    let samehand = start(&[]);
    // The tests' client asks for app.example.com.
    for origins in [&[][..], &["https://app.example.com"], &["https://app.example.com:8443"]] {
        let token = signed_in(&samehand);
        for path in PATHS {
            let reply = call(&samehand, &with_cookie(path, &token, origins));
            assert_eq!(reply.status, 204, "{path} {origins:?}: {reply:?}");
        }
    }
    let samehand = start(&[("PUBLIC_URL", "https://auth.example.com")]);
    let token = signed_in(&samehand);
    let sibling = |origin: &str| {
        let request = post("/renew").header("Cookie", format!("__Secure-samehand={token}"));
        call(&samehand, &request.header("Origin", origin)).status
    };
    assert_eq!(sibling("https://shop.example.com"), 204, "a host that has the cookie anyway");
    assert_eq!(sibling("https://example.com.evil.example.net"), 403);
}

#[test]
fn who_holds_the_token_may_ask_from_anywhere() {
    let samehand = start(&[]);
    let with_header = |samehand: &Samehand, path: &str, token: &str| {
        call(samehand, &post(path).bearer(token).header("Origin", "https://evil.example.net")).status
    };
    let token = signed_in(&samehand);
    assert_eq!(with_header(&samehand, "/renew", &token), 200);
    assert_eq!(with_header(&samehand, "/logout", &token), 204);
}
