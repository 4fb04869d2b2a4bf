//! Is a person's browser asking for a page? Pages are sent to sign in, and told what happened; scripts and programs get a
//! status.

use actix_web::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, USER_AGENT};

static SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
static SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
static X_REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

/// Whether a browser navigates: it says so (Fetch Metadata, `Sec-Fetch-Mode: navigate`), or, where it says nothing, it is a
/// browser by name that wants HTML most, by GET or HEAD, and sends neither a password nor the mark of a script. That a token
/// of ours in `Authorization` is no browser's is for the caller to know. `X-Requested-With` with another value is an app's
/// own name, which the web view of Android sends with every page.
#[must_use]
pub fn is_page_request(method: &str, headers: &HeaderMap) -> bool {
    if let Some(mode) = headers.get(&SEC_FETCH_MODE) {
        return mode.as_bytes() == b"navigate";
    }
    let is_script = headers.get_all(&X_REQUESTED_WITH).any(|line| line.as_bytes() == b"XMLHttpRequest");
    let is_browser = headers.get(USER_AGENT).is_some_and(|line| line.as_bytes().starts_with(b"Mozilla/"));
    matches!(method, "GET" | "HEAD") && !is_script && is_browser && !sends_password(headers) && wants_html_most(headers)
}

/// Whether a browser that navigates can be sent elsewhere: the body of a form would be lost, and no sign-in page is shown
/// inside another page.
#[must_use]
pub fn can_be_redirected(method: &str, headers: &HeaderMap) -> bool {
    let is_framed = headers
        .get_all(&SEC_FETCH_DEST)
        .any(|line| matches!(line.as_bytes(), b"iframe" | b"frame" | b"object" | b"embed"));
    matches!(method, "GET" | "HEAD") && !is_framed
}

/// Whether a program reads JSON: it sends some, or asks for it first.
#[must_use]
pub fn reads_json(headers: &HeaderMap) -> bool {
    let is_json = |text: &[u8]| media_type(text).eq_ignore_ascii_case(b"application/json");
    let first = headers.get(ACCEPT).and_then(|line| line.as_bytes().split(|byte| *byte == b',').next());
    headers.get(CONTENT_TYPE).is_some_and(|line| is_json(line.as_bytes())) || first.is_some_and(is_json)
}

fn sends_password(headers: &HeaderMap) -> bool {
    let is_basic =
        |line: &[u8]| line.trim_ascii_start().get(..5).is_some_and(|name| name.eq_ignore_ascii_case(b"basic"));
    headers.get_all(AUTHORIZATION).any(|line| is_basic(line.as_bytes()))
}

/// `Accept` names `text/html` with a quality above 0, and no other type with a higher one (RFC 9110 section 12.5.1).
fn wants_html_most(headers: &HeaderMap) -> bool {
    let (mut html, mut others) = (0, 0);
    for range in headers.get_all(ACCEPT).flat_map(|line| line.as_bytes().split(|byte| *byte == b',')) {
        let best = if media_type(range).eq_ignore_ascii_case(b"text/html") { &mut html } else { &mut others };
        *best = quality(range).max(*best);
    }
    html > 0 && html >= others
}

fn media_type(range: &[u8]) -> &[u8] {
    range.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}

/// In thousandths. A weight that is none of RFC 9110 section 12.4.2 counts as the highest: then nothing is certain.
fn quality(range: &[u8]) -> u32 {
    const HIGHEST: u32 = 1000;
    let mut parameters = range.split(|byte| *byte == b';').skip(1).map(<[u8]>::trim_ascii);
    let weight = parameters.find_map(|parameter| parameter.strip_prefix(b"q=").or(parameter.strip_prefix(b"Q=")));
    let Some(weight) = weight else { return if media_type(range).is_empty() { 0 } else { HIGHEST } };
    let (whole, fraction) = match weight.split_first() {
        Some((b'0', rest)) => (0, rest),
        Some((b'1', _)) => return HIGHEST,
        // Java's own client writes `q=.2`.
        Some((b'.', _)) => (0, weight),
        Some(_) | None => return HIGHEST,
    };
    let digits = fraction.strip_prefix(b".").unwrap_or(fraction);
    if digits.len() > 3 || !digits.iter().all(u8::is_ascii_digit) {
        return HIGHEST;
    }
    let padded = digits.iter().copied().chain(std::iter::repeat(b'0')).take(3);
    padded.fold(whole, |sum, digit| sum * 10 + u32::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    const BROWSER: (&str, &str) =
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0");

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        headers
    }

    #[track_caller]
    fn is_page(expected: bool, method: &str, lines: &[(&'static str, &'static str)]) {
        assert_eq!(is_page_request(method, &headers(lines)), expected, "{method} {lines:?}");
    }

    #[test]
    fn a_browser_that_navigates_and_nobody_else_asks_for_a_page() {
        is_page(true, "GET", &[("sec-fetch-mode", "navigate")]);
        is_page(true, "POST", &[("sec-fetch-mode", "navigate")]);
        is_page(false, "GET", &[BROWSER, ("sec-fetch-mode", "cors"), ("accept", "text/html")]);
        is_page(false, "GET", &[BROWSER, ("sec-fetch-mode", "same-origin"), ("accept", "*/*")]);
        let html = ("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
        is_page(true, "GET", &[BROWSER, html]);
        is_page(true, "HEAD", &[BROWSER, html]);
        is_page(false, "POST", &[BROWSER, html]);
        is_page(true, "GET", &[BROWSER, html, ("x-requested-with", "com.example.kiosk")]);
        is_page(false, "GET", &[BROWSER, html, ("x-requested-with", "XMLHttpRequest")]);
        is_page(false, "GET", &[BROWSER, html, ("authorization", "basic eDp5")]);
        is_page(true, "GET", &[BROWSER, html, ("authorization", "Token x")]);
        is_page(false, "GET", &[html, ("user-agent", "pip/26.0")]);
        is_page(false, "GET", &[html, ("user-agent", "curl/8 Mozilla/5.0")]);
        is_page(false, "GET", &[html]);
        is_page(false, "GET", &[BROWSER]);
        for (expected, accept) in [
            (true, "text/html"),
            (true, "application/json;q=0.1, Text/HTML; q=0.1"),
            (true, "text/html;level=1;q=0.5, */*;q=.5"),
            (true, "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"),
            (false, "application/json, text/html;q=0.9"),
            (false, "application/vnd.pypi.simple.v1+json, text/html;q=0.01"),
            (false, "text/html;q=0.9, */*;q=0.901"),
            (false, "text/html;q=0"),
            (false, "text/html;q=0.000, text/plain;q=0"),
            (false, "text/html;q=0.5, text/plain;q=nan"),
            (false, "*/*"),
            (false, "text/*"),
            (false, ""),
        ] {
            is_page(expected, "GET", &[BROWSER, ("accept", accept)]);
        }
    }

    #[test]
    fn forms_and_frames_are_not_sent_elsewhere() {
        for (expected, method, destination) in [
            (true, "GET", "document"),
            (true, "HEAD", "document"),
            (false, "POST", "document"),
            (false, "PUT", "empty"),
            (false, "GET", "iframe"),
            (false, "GET", "frame"),
            (false, "GET", "object"),
            (false, "GET", "embed"),
        ] {
            let found = can_be_redirected(method, &headers(&[("sec-fetch-dest", destination)]));
            assert_eq!(found, expected, "{method} {destination}");
        }
        assert!(can_be_redirected("GET", &HeaderMap::new()));
    }

    #[test]
    fn json_is_read_by_whoever_sends_it_or_asks_for_it_first() {
        for (expected, lines) in [
            (true, &[("content-type", "application/json")][..]),
            (true, &[("content-type", "Application/JSON; charset=utf-8"), ("accept", "*/*")]),
            (true, &[("accept", "application/json, text/plain, */*")]),
            (false, &[("accept", "text/plain, application/json")]),
            (false, &[("accept", "application/jsonp")]),
            (false, &[]),
        ] {
            assert_eq!(reads_json(&headers(lines)), expected, "{lines:?}");
        }
    }
}
