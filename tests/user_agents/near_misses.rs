//! What differs from a browser or from another agent by little, and what is nothing but hostile.

use super::family;
use samehand::check::user_agent::UserAgent;

#[track_caller]
fn same(one: &[u8], other: &[u8]) {
    assert_eq!(family(one), family(other), "{} and {}", one.escape_ascii(), other.escape_ascii());
}

#[track_caller]
fn different(one: &[u8], other: &[u8]) {
    assert_ne!(family(one), family(other), "{} and {}", one.escape_ascii(), other.escape_ascii());
}

pub(crate) const CHROME: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";
const SAFARI: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15";

#[test]
fn what_is_nearly_a_browser_is_not_that_browser() {
    for near in [
        format!("{CHROME} SomeApp/1.2"),
        format!("{CHROME} SomeApp"),
        format!("{CHROME} (SomeApp)"),
        format!("{CHROME} [SomeApp]"),
        format!("{CHROME} Safari2/1"),
        CHROME.replace("Mozilla/5.0", "Mozilla/4.0"),
        CHROME.replace("Mozilla/5.0", "mozilla/5.0"),
        CHROME.replace("Mozilla/5.0", "Mozilla/5.0.1"),
        CHROME.replace("Chrome", "chrome"),
        CHROME.replace("Chrome", "Chromium"),
        CHROME.replace("Chrome", "HeadlessChrome"),
        CHROME.replace("Chrome/126.0.0.0 ", ""),
        CHROME.replace("Safari/537.36", ""),
        CHROME.replace("AppleWebKit/537.36 ", ""),
        CHROME.replace("Chrome", "Version/4.0 Chrome"),
        CHROME.replace("Chrome/126.0.0.0", "Chrome/126.0.0.0 Mobile"),
        CHROME.replace("(KHTML, like Gecko)", "(KHTML, like Gecko; compatible; SomeBot/1.0)"),
        CHROME.replace("Win64; x64", "wv"),
        CHROME.replace("Win64; x64", "Mobile"),
        CHROME.replace("Win64; x64", "compatible"),
        CHROME.replace("Win64; x64", "Xbox; Xbox One"),
        CHROME.replace("Windows NT 10.0; Win64; x64", "X11; Linux x86_64"),
        CHROME.replace("Windows NT 10.0; Win64; x64", "BeOS"),
        CHROME.replace("Windows NT 10.0; Win64; x64", ""),
        CHROME.replace("Windows NT 10.0; Win64; x64", "WindowsNT"),
        CHROME.replace(") AppleWebKit", " AppleWebKit"),
        CHROME.replace("(Windows NT 10.0; Win64; x64) ", ""),
    ] {
        different(CHROME.as_bytes(), near.as_bytes());
    }
    for near in [
        SAFARI.replace("Version/17.5 ", ""),
        SAFARI.replace("Safari/605.1.15", ""),
        SAFARI.replace("Macintosh; Intel Mac OS X 10_15_7", "iPad; CPU OS 17_5 like Mac OS X"),
        format!("{SAFARI} Ddg/17.5"),
        format!("{SAFARI} (Applebot/0.1; +http://www.apple.com/go/applebot)"),
    ] {
        different(SAFARI.as_bytes(), near.as_bytes());
    }
}

#[test]
fn names_of_their_own_count_by_their_order_and_not_by_their_version() {
    let with = |names: &str| format!("{CHROME} {names}");
    same(with("App/1.2").as_bytes(), with("App/2.0-beta").as_bytes());
    same(with("App 1.2").as_bytes(), with("App 3").as_bytes());
    same(with("App/1").as_bytes(), with("App/1 /2 3.4").as_bytes());
    same(with("[App/1.2;net=wifi]/1").as_bytes(), with("[App/3;net=5g and more]/2").as_bytes());
    same(with("(App/1.2; 17 beta)").as_bytes(), with("(App/1.3, 18 beta)").as_bytes());
    same(with("App/1").as_bytes(), with("\t  App/1").as_bytes());
    different(with("App/1").as_bytes(), with("Other/1").as_bytes());
    different(with("App/1 Other/1").as_bytes(), with("Other/1 App/1").as_bytes());
    different(with("App/1 Other/1").as_bytes(), with("App-Other/1").as_bytes());
    different(with("(App)").as_bytes(), with("[App]").as_bytes());
    different(with("(App Other)").as_bytes(), with("(App) (Other)").as_bytes());
    different(with("(App)").as_bytes(), with("App").as_bytes());
    different(with("caf\u{e9}/1").as_bytes(), with("cafe/1").as_bytes());
}

#[test]
fn every_byte_of_another_agent_counts_but_its_versions() {
    let equal: [(&str, &str); 14] = [
        ("curl/8.5.0", "curl/7.88.1"),
        ("curl/8", "curl/8.5.0"),
        ("Foo/v1.2", "Foo/v10.0.3"),
        ("Foo 1.2", "Foo 3"),
        ("Foo v1.2", "Foo v2"),
        ("Foo/1_2_3", "Foo/2"),
        ("Foo/1.2-3+4", "Foo/5"),
        ("Foo/1.2.3-rc", "Foo/2.0.0-rc"),
        ("Foo (go1.22; linux)", "Foo (go1.9.3; linux)"),
        ("Linux/6.5.0-1018-aws", "Linux/6.8.0-1021-aws"),
        ("Dalvik/2.1.0 (Linux; U; Android 13; SM-A536B)", "Dalvik/2.1.0 (Linux; U; Android 14; SM-A536B)"),
        (
            "Mozilla/5.0 (compatible; FooBot/2.1; +http://foo.example/bot)",
            "Mozilla/5.0 (compatible; FooBot/3.0; +http://foo.example/bot)",
        ),
        (
            "Opera/9.80 (Windows NT 6.1) Presto/2.12.388 Version/12.16",
            "Opera/9.80 (Windows NT 6.1) Presto/2.12.388 Version/12.18",
        ),
        ("caf\u{e9} 1", "caf\u{e9} 2"),
    ];
    for (one, other) in equal {
        same(one.as_bytes(), other.as_bytes());
    }
    let unequal: [(&str, &str); 17] = [
        ("curl/8.5.0", "Curl/8.5.0"),
        ("curl/8.5.0", "curl"),
        ("curl/8.5.0", "curl/"),
        ("curl/8.5.0", "curl 8.5.0"),
        ("curl/8.5.0", "curl/v8.5.0"),
        ("curl/8.5.0", "curl/8.5.0-DEV"),
        ("curl/8.5.0", "curl/8.5.0 x"),
        ("curl/8.5.0", "curl//8.5.0"),
        ("curl/8.5.0", "curl/8.5."),
        ("curl/8.5.0", "curl/8..5"),
        ("Foo/1.2-windows", "Foo/1.2-linux"),
        ("Foo (serial-17)", "Foo (serial-18)"),
        ("Foo (; 17)", "Foo (; 18)"),
        ("Foo7", "Foo8"),
        ("x86_64", "x86_32"),
        (
            "Mozilla/5.0 (compatible; FooBot/2.1; +http://foo.example/bot)",
            "Mozilla/5.0 (compatible; BarBot/2.1; +http://foo.example/bot)",
        ),
        ("SomeApp/1 CFNetwork/1410.0.3 Darwin/22.6.0", "OtherApp/1 CFNetwork/1410.0.3 Darwin/22.6.0"),
    ];
    for (one, other) in unequal {
        different(one.as_bytes(), other.as_bytes());
    }
}

#[test]
fn values_are_bytes_and_never_text() {
    different(b"caf\xe9/1", "caf\u{e9}/1".as_bytes());
    different(b"\xff\xfe", b"\xff\xff");
    different(b"a\0b", b"a b");
    same(b"\xff/1.2", b"\xff/2");
    different(format!("{CHROME} \u{fffd}").as_bytes(), &[CHROME.as_bytes(), b" \xff"].concat());
}

/// A quarter of a megabyte each: whatever is not linear in the length does not end here.
#[test]
fn hostile_values_take_linear_time() {
    const LENGTH: usize = 1 << 18;
    for start in ["", "Mozilla/5.0 (", "Mozilla/5.0 (Linux) ", CHROME] {
        for part in [
            "(",
            ")",
            "()",
            "[",
            "[]",
            "1",
            "1.",
            "/1",
            "/v1",
            "a 1",
            ";",
            " ",
            "\t",
            "/",
            "(a",
            "Android;",
            "compatible;",
            "\u{fe}",
        ] {
            let value = [start, &part.repeat(LENGTH / part.len())].concat();
            let agent = UserAgent::from_bytes(Some(value.as_bytes()));
            let mut out = Vec::new();
            agent.family(&mut out);
            assert!(out.len() <= value.len() + 64, "{start}{part}");
            assert!(agent.in_words().len() <= 80, "{start}{part}");
        }
    }
}
