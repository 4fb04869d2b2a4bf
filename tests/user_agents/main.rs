//! The family of a `User-Agent`: real histories here, near misses and values nobody has thought of in the modules.
//! It asks the library only; what a fingerprint makes of a family is tested elsewhere.

mod near_misses;
mod programs;
mod properties;

use samehand::check::user_agent::UserAgent;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

fn family(agent: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    UserAgent::from_bytes(Some(agent)).family(&mut out);
    out
}

/// The families in `tests/data/user_agents`, by the name of the file.
#[expect(clippy::unwrap_used, reason = "a test without its histories fails")]
fn histories() -> BTreeMap<String, Vec<String>> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/user_agents");
    let mut histories = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let text = fs::read_to_string(&path).unwrap();
            let lines = text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect();
            histories.insert(path.file_stem().unwrap().to_str().unwrap().to_owned(), lines);
        }
    }
    histories
}

#[test]
fn every_history_of_a_browser_is_one_family() {
    for (name, lines) in histories() {
        let first = family(lines[0].as_bytes());
        for line in &lines {
            assert_eq!(
                family(line.as_bytes()).escape_ascii().to_string(),
                first.escape_ascii().to_string(),
                "{name}: {line}"
            );
        }
    }
}

#[test]
fn no_two_histories_share_a_family() {
    let mut seen = BTreeMap::new();
    for (name, lines) in histories() {
        if let Some(other) = seen.insert(family(lines[0].as_bytes()), name.clone()) {
            panic!("{name} and {other} are one family: {}", lines[0]);
        }
    }
}

#[test]
fn the_big_browsers_have_at_least_twelve_versions_on_each_system() {
    let histories = histories();
    for browser in ["chrome", "firefox", "edge", "safari", "samsung"] {
        let systems: &[&str] = match browser {
            "safari" => &["macos", "iphone", "ipad"],
            "samsung" => &["internet"],
            _ => &["windows", "macos", "linux", "android", "iphone", "ipad"],
        };
        for system in systems {
            let lines = &histories[&format!("{browser}_{system}")];
            let mut different = lines.clone();
            different.sort();
            different.dedup();
            assert!(different.len() >= 12, "{browser}_{system} has {} different lines", different.len());
        }
    }
}

/// The published vectors of recipe v1: changing one of them logs everybody out who has such a browser.
#[test]
fn the_canonical_bytes_of_recipe_v1_do_not_change() {
    let rows: [(&str, &str); 24] = [
        ("chrome_windows", "\x02Windows Chrome Safari"),
        ("chrome_android", "\x02Android+mobile Chrome Safari"),
        ("chrome_android_tablet", "\x02Android Chrome Safari"),
        ("chrome_chromeos", "\x02ChromeOS Chrome Safari"),
        ("chrome_iphone", "\x02iOS+mobile CriOS"),
        ("firefox_linux", "\x02Linux Firefox"),
        ("firefox_android", "\x02Android+mobile Firefox"),
        ("firefox_ipad", "\x02iPadOS+mobile FxiOS"),
        ("safari_macos", "\x02macOS Version Safari"),
        ("safari_ipad", "\x02iPadOS+mobile Version Safari"),
        ("edge_windows", "\x02Windows Chrome Edg"),
        ("edge_android", "\x02Android+mobile Chrome EdgA"),
        ("edge_iphone", "\x02iOS+mobile EdgiOS"),
        ("samsung_internet", "\x02Android+mobile SamsungBrowser Chrome"),
        ("android_webview", "\x02Android+mobile+webview Version Chrome Safari"),
        ("ios_webview", "\x02iOS+mobile"),
        ("facebook_android", "\x02Android+mobile+webview Chrome [FB_IAB/FB4A"),
        ("instagram_iphone", "\x02iOS+mobile Instagram (iPhone"),
        ("googlebot_smartphone", "\x02Android+mobile Chrome (Googlebot"),
        ("desktop_application_macos", "\x02macOS SomeApp Chrome Electron"),
        ("curl", "\x03curl/0"),
        ("aws_sdk_go", "\x03aws-sdk-go/0 (go0; linux; amd64)"),
        ("apache_http_client", "\x03Apache-HttpClient/0 (Java/0)"),
        ("bingbot", "\x03Mozilla/0 (compatible; bingbot/0; +http://www.bing.com/bingbot.htm)"),
    ];
    let histories = histories();
    for (name, expected) in rows {
        assert_eq!(
            family(histories[name][0].as_bytes()).escape_ascii().to_string(),
            expected.as_bytes().escape_ascii().to_string()
        );
    }
}
