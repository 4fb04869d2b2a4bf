//! Does a page of somebody else's make this browser ask? Refuses it where the cookie is what counts (cross-site request
//! forgery); `SameSite=Lax` keeps most of it away already, but not what a sibling host sends.

use crate::config::SessionCookie;
use actix_web::http::header::{HOST, HeaderMap, HeaderName, ORIGIN};
use url::Url;

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the request names an `Origin` that is not ours: another host than the one asked (which the proxy names in
/// `Host`), and not within the cookie's domain. A client that names none is no page.
pub(super) fn is_foreign(headers: &HeaderMap, cookie: &SessionCookie) -> bool {
    let mut lines = headers.get_all(ORIGIN);
    let Some(origin) = lines.next() else { return false };
    let (None, Ok(origin)) = (lines.next(), origin.to_str()) else { return true };
    let Some(host) = host_of(origin, cookie.secure) else { return true };
    let asked = headers.get(HOST).and_then(|line| line.to_str().ok()).map(without_port);
    let within_domain =
        |domain: &str| {
            host.eq_ignore_ascii_case(domain)
                || host.len().checked_sub(domain.len() + 1).and_then(|dot| host.split_at_checked(dot)).is_some_and(
                    |(_, rest)| rest.strip_prefix('.').is_some_and(|rest| rest.eq_ignore_ascii_case(domain)),
                )
        };
    let is_ours = asked.is_some_and(|asked| asked.eq_ignore_ascii_case(host))
        || cookie.domain.as_deref().is_some_and(within_domain);
    !is_ours
}

/// Whether a form comes from another page than ours: browsers name the site it is from (Fetch Metadata) and its `Origin`,
/// which has to be the very host that was asked or that of our pages. A sibling host is another page here: what it sends
/// would sign people in as somebody else. Where a browser names nothing, the form's own token has to do.
pub(super) fn is_another_page(headers: &HeaderMap, cookie: &SessionCookie, pages: &Url) -> bool {
    let mut sites = headers.get_all(&SEC_FETCH_SITE);
    if sites.next().is_some_and(|site| !matches!(site.as_bytes(), b"same-origin" | b"none")) || sites.next().is_some() {
        return true;
    }
    let mut lines = headers.get_all(ORIGIN);
    let Some(origin) = lines.next() else { return false };
    let (None, Ok(origin)) = (lines.next(), origin.to_str()) else { return true };
    if origin == pages.origin().ascii_serialization() {
        return false;
    }
    let Some(host) = host_of(origin, cookie.secure) else { return true };
    let asked = headers.get(HOST).and_then(|line| line.to_str().ok()).map(without_port);
    !asked.is_some_and(|asked| asked.eq_ignore_ascii_case(host))
}

/// The host of `scheme://host[:port]`; over plain http only where the cookie travels over it too.
fn host_of(origin: &str, secure: bool) -> Option<&str> {
    let (scheme, rest) = origin.split_once("://")?;
    let usable = scheme == "https" || (scheme == "http" && (!secure || is_this_machine(without_port(rest))));
    let host = without_port(rest);
    (usable && !host.is_empty() && !rest.contains(['/', '@', '\\'])).then_some(host)
}

/// Browsers count these as safe whatever the scheme.
fn is_this_machine(host: &str) -> bool {
    host == "localhost" || host.ends_with(".localhost") || host.starts_with("127.") || host == "[::1]"
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') && !port.is_empty() => name,
        Some(_) | None => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[track_caller]
    fn foreign(expected: bool, origins: &[&'static str], host: &'static str, domain: Option<&str>) {
        let cookie = SessionCookie { name: "c".into(), domain: domain.map(str::to_owned), secure: true };
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static(host));
        for origin in origins {
            headers.append(ORIGIN, HeaderValue::from_static(origin));
        }
        assert_eq!(is_foreign(&headers, &cookie), expected, "{origins:?} {host} {domain:?}");
    }

    #[test]
    fn a_form_comes_from_the_very_host_it_goes_to() {
        let cookie = SessionCookie { name: "c".into(), domain: Some("example.com".into()), secure: true };
        let pages = Url::parse("https://auth.example.com/in").unwrap();
        let another = |host: &'static str, lines: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static(host));
            for (name, value) in lines {
                headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            is_another_page(&headers, &cookie, &pages)
        };
        for (expected, host, lines) in [
            (false, "auth.example.com", &[][..]),
            (false, "auth.example.com", &[("origin", "https://auth.example.com")]),
            (false, "auth.example.com", &[("origin", "https://auth.example.com"), ("sec-fetch-site", "same-origin")]),
            (false, "10.0.0.1", &[("origin", "https://auth.example.com")]),
            (false, "app.example.com:8443", &[("origin", "https://app.example.com:8443")]),
            (true, "auth.example.com", &[("origin", "https://app.example.com")]),
            (true, "auth.example.com", &[("origin", "https://example.com")]),
            (true, "auth.example.com", &[("origin", "http://auth.example.com")]),
            (true, "auth.example.com", &[("origin", "https://evil.example.net")]),
            (true, "auth.example.com", &[("origin", "null")]),
            (true, "auth.example.com", &[("origin", "")]),
            (true, "auth.example.com", &[("origin", "https://auth.example.com"), ("origin", "https://evil.net")]),
            (true, "auth.example.com", &[("sec-fetch-site", "cross-site")]),
            (true, "auth.example.com", &[("sec-fetch-site", "same-site")]),
            (true, "auth.example.com", &[("origin", "https://auth.example.com"), ("sec-fetch-site", "same-site")]),
            (true, "auth.example.com", &[("sec-fetch-site", "none"), ("sec-fetch-site", "cross-site")]),
        ] {
            assert_eq!(another(host, lines), expected, "{host} {lines:?}");
        }
    }

    #[test]
    fn only_our_own_pages_may_use_the_cookie() {
        foreign(false, &[], "app.example.com", None);
        foreign(false, &["https://app.example.com"], "app.example.com", None);
        foreign(false, &["https://app.example.com:8443"], "app.example.com", None);
        foreign(false, &["https://APP.example.com"], "app.example.com:443", None);
        foreign(false, &["https://other.example.com"], "app.example.com", Some("example.com"));
        foreign(false, &["https://example.com"], "app.example.com", Some("example.com"));
        foreign(false, &["http://app.localhost:8080"], "app.localhost", None);
        foreign(true, &["https://other.example.com"], "app.example.com", None);
        foreign(true, &["https://evilexample.com"], "app.example.com", Some("example.com"));
        foreign(true, &["https://example.com.evil.net"], "app.example.com", Some("example.com"));
        foreign(true, &["http://app.example.com"], "app.example.com", Some("example.com"));
        foreign(true, &["null"], "app.example.com", Some("example.com"));
        foreign(true, &[""], "app.example.com", None);
        foreign(true, &["https://app.example.com", "https://app.example.com"], "app.example.com", None);
        foreign(true, &["https://user@app.example.com"], "app.example.com", None);
        foreign(true, &["chrome-extension://abc"], "abc", None);
    }
}
