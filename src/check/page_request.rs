//! Is a person's browser asking for a page? Only pages are renewed without a question; scripts and API clients are told.

use actix_web::http::header::{ACCEPT, HeaderMap, HeaderName};

static SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
static X_REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

/// Whether a browser navigates: it says so (Fetch Metadata, `Sec-Fetch-Mode: navigate`), or, where it says nothing, asks
/// for HTML by GET or HEAD and not from a script.
#[must_use]
pub fn is_page_request(method: &str, headers: &HeaderMap) -> bool {
    if let Some(mode) = headers.get(&SEC_FETCH_MODE) {
        return mode.as_bytes() == b"navigate";
    }
    let is_read = matches!(method, "GET" | "HEAD");
    is_read
        && !headers.contains_key(&X_REQUESTED_WITH)
        && headers.get_all(ACCEPT).any(|line| names_html(line.as_bytes()))
}

fn names_html(accept: &[u8]) -> bool {
    let mut types = accept.split(|byte| *byte == b',').filter_map(|range| range.split(|byte| *byte == b';').next());
    types.any(|media_type| media_type.trim_ascii().eq_ignore_ascii_case(b"text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[track_caller]
    fn is_page(expected: bool, method: &str, lines: &[(&'static str, &'static str)]) {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        assert_eq!(is_page_request(method, &headers), expected, "{method} {lines:?}");
    }

    #[test]
    fn a_browser_that_navigates_and_nobody_else_asks_for_a_page() {
        is_page(true, "GET", &[("sec-fetch-mode", "navigate")]);
        is_page(true, "POST", &[("sec-fetch-mode", "navigate")]);
        is_page(false, "GET", &[("sec-fetch-mode", "cors"), ("accept", "text/html")]);
        is_page(false, "GET", &[("sec-fetch-mode", "same-origin"), ("accept", "*/*")]);
        is_page(true, "GET", &[("accept", "text/html,application/xhtml+xml;q=0.9")]);
        is_page(true, "HEAD", &[("accept", "application/json, Text/HTML;q=0.1")]);
        is_page(false, "POST", &[("accept", "text/html")]);
        is_page(false, "GET", &[("accept", "text/html"), ("x-requested-with", "XMLHttpRequest")]);
        is_page(false, "GET", &[("accept", "*/*")]);
        is_page(false, "GET", &[]);
    }
}
