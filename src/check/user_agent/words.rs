//! Says in a few words which browser an agent claims to be, for logs and lists. It never shows a version or a byte that
//! a terminal or a log line could mistake, and nothing is ever decided by it.

use super::family::{Browser, Name, name_of, names_in};

/// Longest name that is shown of an agent we do not know.
const LONGEST_NAME: usize = 40;

/// What browsers and the best-known applications call themselves, and what people call them.
const KNOWN: [(&[u8], &str); 26] = [
    (b"Edg", "Edge"),
    (b"EdgA", "Edge"),
    (b"EdgiOS", "Edge"),
    (b"Edge", "Edge Legacy"),
    (b"OPR", "Opera"),
    (b"OPT", "Opera"),
    (b"OPX", "Opera GX"),
    (b"SamsungBrowser", "Samsung Internet"),
    (b"YaBrowser", "Yandex Browser"),
    (b"Vivaldi", "Vivaldi"),
    (b"DuckDuckGo", "DuckDuckGo"),
    (b"Ddg", "DuckDuckGo"),
    (b"CriOS", "Chrome"),
    (b"FxiOS", "Firefox"),
    (b"HeadlessChrome", "headless Chrome"),
    (b"GSA", "Google app"),
    (b"Silk", "Silk"),
    (b"Whale", "Whale"),
    (b"UCBrowser", "UC Browser"),
    (b"OculusBrowser", "Meta Quest Browser"),
    (b"Instagram", "Instagram"),
    (b"Line", "LINE"),
    (b"MicroMessenger", "WeChat"),
    (b"FBAN/FBIOS", "Facebook"),
    (b"FB_IAB/FB4A", "Facebook"),
    (b"like", "Internet Explorer"),
];

/// The words for a value that is not empty.
pub(super) fn describe(agent: &[u8]) -> String {
    let Some(browser) = Browser::recognise(agent) else {
        return printable(other_agent(agent));
    };
    let form = match (browser.mobile, browser.webview) {
        (false, false) => "",
        (true, false) => " (mobile)",
        (false, true) => " (web view)",
        (true, true) => " (mobile, web view)",
    };
    format!("{} on {}{form}", browser_name(&browser), browser.system.name())
}

/// A known name before an unknown one, and an unknown one before those that everyone sends.
fn browser_name(browser: &Browser<'_>) -> String {
    let mut unknown = None;
    let mut common = None;
    for name in browser.names() {
        let (Name::Product(name) | Name::Group(name) | Name::Comment(name)) = name;
        if let Some((_, known)) = KNOWN.iter().find(|(own_name, _)| *own_name == name) {
            return (*known).to_owned();
        }
        match name {
            b"Firefox" => common = Some("Firefox"),
            b"Chrome" => common = Some("Chrome"),
            b"Safari" => common = common.or(Some("Safari")),
            b"Version" => {}
            _ => unknown = unknown.or(Some(name)),
        }
    }
    unknown.map_or_else(|| common.unwrap_or("an application").to_owned(), printable)
}

/// The first name of an agent without a browser's shape; crawlers put theirs behind `compatible`.
fn other_agent(agent: &[u8]) -> &[u8] {
    const COMPATIBLE: &[u8] = b"compatible;";
    let own_part = agent
        .windows(COMPATIBLE.len())
        .position(|window| window == COMPATIBLE)
        .and_then(|position| agent.get(position + COMPATIBLE.len()..))
        .unwrap_or(agent);
    let first_word = |part| names_in(part).next();
    first_word(own_part).unwrap_or_else(|| name_of(agent))
}

/// The beginning of a name, everything but visible ASCII as `?`.
fn printable(name: &[u8]) -> String {
    if name.is_empty() {
        return "an unknown agent".to_owned();
    }
    name.iter().take(LONGEST_NAME).map(|byte| if byte.is_ascii_graphic() { char::from(*byte) } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use crate::check::user_agent::UserAgent;

    #[track_caller]
    fn says(expected: &str, agent: &[u8]) {
        assert_eq!(UserAgent::from_bytes(Some(agent)).in_words(), expected);
    }

    #[test]
    fn agents_are_called_what_people_call_them() {
        says("Firefox on Windows", b"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0");
        says(
            "Chrome on Android (mobile)",
            b"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36",
        );
        says(
            "Safari on macOS",
            b"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
        );
        says(
            "Edge on Windows",
            b"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0",
        );
        says(
            "Chrome on iOS (mobile)",
            b"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1",
        );
        says(
            "Facebook on Android (mobile, web view)",
            b"Mozilla/5.0 (Linux; Android 13; SM-A536B Build/TP1A.220624.014; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/115.0.5790.166 Mobile Safari/537.36 [FB_IAB/FB4A;FBAV/427.0.0.31.63;]",
        );
        says(
            "SomeApp on macOS",
            b"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) SomeApp/1.2 Chrome/124.0.6367.243 Electron/30.1.0 Safari/537.36",
        );
        says(
            "Applebot on macOS",
            b"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.1.1 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)",
        );
        says("Internet Explorer on Windows", b"Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko");
        says("Googlebot", b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)");
        says("curl", b"curl/8.5.0");
        says("python-requests", b"python-requests/2.31.0");
        says("an unknown agent", b"8.5.0");
        assert_eq!(UserAgent::from_bytes(None).in_words(), "no User-Agent");
        assert_eq!(UserAgent::from_bytes(Some(b" ")).in_words(), "no User-Agent");
    }

    #[test]
    fn what_is_shown_is_short_and_printable() {
        says("?[31mred", b"\x1b[31mred/1");
        says("caf??", "caf\u{e9}/1".as_bytes());
        says("a??b", b"a\r\nb");
    }

    #[test]
    fn a_long_name_is_shown_up_to_its_fortieth_character() {
        says(&"x".repeat(40), "x".repeat(100_000).as_bytes());
    }
}
