//! Open redirects that got through elsewhere, and the addresses that have to get through here.

use super::*;

fn of(pages: &str, domain: Option<&str>) -> ReturnUrls {
    ReturnUrls::new(Url::parse(pages).unwrap(), domain.map(str::to_owned))
}

fn example() -> ReturnUrls {
    of("https://auth.example.com/", Some("example.com"))
}

#[track_caller]
fn sent(urls: &ReturnUrls, text: &str, expected: &str) {
    assert_eq!(urls.read(text).as_ref().map(ReturnUrl::as_str), Ok(expected), "{text}");
    assert_eq!(urls.read(expected).as_ref().map(ReturnUrl::as_str), Ok(expected), "{text}: read again");
}

#[test]
fn hosts_of_the_cookie_are_returned_to() {
    let urls = example();
    sent(&urls, "https://app.example.com/", "https://app.example.com/");
    sent(&urls, "https://app.example.com", "https://app.example.com/");
    sent(&urls, "https://example.com/a/b?c=d&e=%2F%5C", "https://example.com/a/b?c=d&e=%2F%5C");
    sent(&urls, "https://a.b.c.example.com/?q=https://evil.net", "https://a.b.c.example.com/?q=https://evil.net");
    sent(&urls, "https://APP.Example.com/Path", "https://app.example.com/Path");
    sent(&urls, "https://app.example.com:443/", "https://app.example.com/");
    sent(&urls, "https://app.example.com/a/../b", "https://app.example.com/b");
    sent(&urls, "https://app.example.com//evil.net/", "https://app.example.com//evil.net/");
    sent(&urls, "https://xn--bcher-kva.example.com/", "https://xn--bcher-kva.example.com/");
    sent(&urls, "https://app.example.com/a#fragment", "https://app.example.com/a");
    sent(&urls, "HTTPS://app.example.com/", "https://app.example.com/");
    sent(&urls, "https://app.example.com/?path=C:\\x\\y", "https://app.example.com/?path=C:\\x\\y");
    // An application may have pages of these names.
    sent(&urls, "https://app.example.com/login", "https://app.example.com/login");
    sent(&urls, "https://auth.example.com/account", "https://auth.example.com/account");
    sent(&urls, "https://auth.example.com/?next=/login", "https://auth.example.com/?next=/login");
    let host = of("https://app.example.com/in", None);
    sent(&host, "https://app.example.com/x", "https://app.example.com/x");
    let address = of("https://192.0.2.7:8443/", None);
    sent(&address, "https://192.0.2.7:8443/x", "https://192.0.2.7:8443/x");
    let here = of("http://auth.demo.localhost:8080/", Some("demo.localhost"));
    sent(&here, "http://app.demo.localhost:8080/x?y", "http://app.demo.localhost:8080/x?y");
    sent(&here, "https://app.demo.localhost/", "https://app.demo.localhost/");
}

#[track_caller]
fn refused(urls: &ReturnUrls, expected: ReturnUrlError, texts: &[&str]) {
    for text in texts {
        assert_eq!(urls.read(text), Err(expected), "{text:?}");
    }
}

#[test]
fn other_sites_are_not_returned_to() {
    let others = [
        "https://evil.net/",
        "https://evilexample.com/",
        "https://evil-example.com/",
        "https://example.com.evil.net/",
        "https://app.example.com.evil.net/",
        "https://app.example.co/",
        "https://xample.com/",
        "https://com/",
        "https://localhost/",
        "https://192.0.2.1/",
        "https://0xc0000201/",
        "https://3221225985/",
        "https://[2001:db8::1]/",
        "https://[::ffff:192.0.2.1]/",
        "https://app.example.com./",
        "https://.example.com/",
        "https://app..example.com/",
        "https://example.com../",
        "https://xn--xample-9uf.com/",
    ];
    for text in others {
        assert!(example().read(text).is_err(), "{text}");
    }
    refused(
        &of("https://app.example.com/", None),
        ReturnUrlError::OtherSite,
        &["https://example.com/", "https://a.app.example.com/"],
    );
    refused(
        &of("https://192.0.2.7/", None),
        ReturnUrlError::OtherSite,
        &["https://192.0.2.8/", "https://1.192.0.2.7.net/"],
    );
}

#[test]
fn what_can_be_understood_in_two_ways_is_refused() {
    let long = format!("https://app.example.com/{}", "a".repeat(MAX_RETURN_URL));
    refused(&example(), ReturnUrlError::TooLong, &[&long]);
    let below = of("https://app.example.com/in/", None);
    refused(&below, ReturnUrlError::Doubtful, &["https://app.example.com/in/login"]);
    sent(&below, "https://app.example.com/login", "https://app.example.com/login");
    // Each of these letters is three when it is encoded.
    let grows = format!("https://app.example.com/{}", "\"".repeat(MAX_RETURN_URL / 2));
    refused(&example(), ReturnUrlError::TooLong, &[&grows]);
    refused(
        &example(),
        ReturnUrlError::Doubtful,
        &[
            "",
            "/",
            "/page",
            "//evil.net/",
            "///evil.net/",
            "/\\evil.net/",
            "\\\\evil.net/",
            "\\/evil.net",
            "/%09/evil.net",
            "/\t/evil.net",
            "/%5cevil.net",
            "app.example.com/",
            "https:app.example.com/",
            "https:/app.example.com/",
            "https:///app.example.com/",
            "https:\\\\app.example.com/",
            " https://app.example.com/",
            "https://app.example.com/ ",
            "https://app.example.com/a\tb",
            "https://app.example.com/a\r\nSet-Cookie: a=b",
            "https://app.example.com\u{0}/",
            "ht\ttps://app.example.com/",
            "https://app.example.com@evil.net/",
            "https://evil.net@app.example.com/",
            "https://user:word@app.example.com/",
            "https://@app.example.com/",
            "https://app.example.com%2f@evil.net/",
            "https://app.example.com%00.evil.net/",
            "https://evil.net%23.example.com/",
            "https://evil.net%2eexample.com/",
            "https://evil.net\\.example.com/",
            "https://evil.net\\@app.example.com/",
            "https://app.example.com:8443/",
            "https://app.example.com:80/",
            "https://app.example.com:99999/",
            "https://app.example.com:/../evil:1",
            "https://\u{65}xampl\u{435}.com/",
            "https://evil\u{3002}net/",
            "https://app\u{ff0e}example\u{ff0e}com/",
            "https://app.example.com\u{ff0f}evil.net/",
            "https://b\u{fc}cher.example.com/",
            "javascript://app.example.com/%0aalert(1)",
            "javascript:alert(1)",
            "data:text/html,x",
            "ftp://app.example.com/",
            "wss://app.example.com/",
            "blob:https://app.example.com/x",
            "view-source:https://app.example.com/",
            "https://[::1]evil.net/",
            "https://evil.example;.example.com/",
            "https://my_app.example.com/",
            "https://evil.net'.example.com/",
            "https://auth.example.com/login",
            "https://auth.example.com/logout?rd=https://app.example.com/",
            "https://auth.example.com/Logout/",
            "https://auth.example.com//login#x",
            "https://auth.example.com/%6cog%6Fut",
            "https://auth.example.com/x/../login",
        ],
    );
}

#[test]
fn plain_http_is_for_localhost_names_only() {
    refused(&example(), ReturnUrlError::PlainHttp, &["http://app.example.com/", "http://auth.example.com/"]);
    let local = of("http://auth.demo.localhost:8080/", Some("demo.localhost"));
    refused(&local, ReturnUrlError::Doubtful, &["http://app.demo.localhost/", "http://app.demo.localhost:8081/"]);
    refused(&local, ReturnUrlError::OtherSite, &["http://demo.localhost.evil.net:8080/", "http://localhost:8080/"]);
}
