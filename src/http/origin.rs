//! Does a page of somebody else's make this browser ask? Refuses it where the cookie is what counts (cross-site request
//! forgery); `SameSite=Lax` keeps most of it away already, but not what a sibling host sends.

use crate::check::hosts;
use crate::config::SessionCookie;
use actix_web::http::header::{HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use url::Url;

static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whose pages may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Askers<'a> {
    /// Those at the very origin that was asked, which is also that of samehand's pages at this address. A sibling host is
    /// another one: what it sends would sign people in as somebody else.
    ThisOrigin(&'a Url),
    /// Those of every host that gets the cookie.
    HostsOfTheCookie,
}

/// Whether a page asks that may not. First counts what no page can forge: browsers say themselves where a request comes from
/// (Fetch Metadata, `Sec-Fetch-Site`), also where a page or a proxy hides its `Origin`, which is `null` then. A browser that
/// does not say it names an `Origin`; a client that names neither is no page, or is known by the form's own token.
pub(super) fn is_foreign(headers: &HeaderMap, cookie: &SessionCookie, askers: Askers<'_>) -> bool {
    let (mut sites, mut origins) = (headers.get_all(&SEC_FETCH_SITE), headers.get_all(ORIGIN));
    let (site, origin) = (sites.next(), origins.next());
    if sites.next().is_some() || origins.next().is_some() {
        return true;
    }
    match (site.map(HeaderValue::as_bytes), askers) {
        (Some(b"same-origin"), _) => return false,
        (Some(b"none") | None, _) | (Some(b"same-site"), Askers::HostsOfTheCookie) => {}
        (Some(_), _) => return true,
    }
    let Some(origin) = origin else { return false };
    let Some((scheme, host)) = origin.to_str().ok().and_then(|origin| origin.split_once("://")) else { return true };
    let Some(sender) = hosts::read(host.as_bytes()) else { return true };
    // Over plain http only where the cookie travels over it too.
    let is_safe = scheme == "https" || (scheme == "http" && (!cookie.secure || hosts::is_this_machine(sender.name())));
    let asked = headers.get(HOST).and_then(|line| hosts::read(line.as_bytes()));
    let is_asked = asked.is_some_and(|asked| asked.name() == sender.name());
    match askers {
        Askers::ThisOrigin(pages) => {
            let is_our_page = origin.as_bytes() == pages.origin().ascii_serialization().as_bytes();
            !(is_our_page || (is_asked && is_safe))
        }
        Askers::HostsOfTheCookie => {
            let has_cookie = cookie.domain.as_deref().is_some_and(|domain| hosts::is_within(sender.name(), domain));
            !((is_asked || has_cookie) && is_safe)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn foreign(expected: bool, origins: &[&'static str], host: &'static str, domain: Option<&str>) {
        let cookie = SessionCookie {
            name: "c".into(),
            domain: domain.map(str::to_owned),
            secure: true,
            signs_out_everything: false,
        };
        let mut headers = HeaderMap::new();
        headers.insert(HOST, HeaderValue::from_static(host));
        for origin in origins {
            headers.append(ORIGIN, HeaderValue::from_static(origin));
        }
        assert_eq!(is_foreign(&headers, &cookie, Askers::HostsOfTheCookie), expected, "{origins:?} {host} {domain:?}");
    }

    #[test]
    fn a_form_comes_from_the_very_host_it_goes_to() {
        let cookie = SessionCookie {
            name: "c".into(),
            domain: Some("example.com".into()),
            secure: true,
            signs_out_everything: false,
        };
        let pages = Url::parse("https://auth.example.com/in").unwrap();
        let another = |host: &'static str, lines: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, HeaderValue::from_static(host));
            for (name, value) in lines {
                headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            is_foreign(&headers, &cookie, Askers::ThisOrigin(&pages))
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
            (true, "auth.example.com", &[("sec-fetch-site", "of-tomorrow")]),
            (false, "auth.example.com", &[("origin", "null"), ("sec-fetch-site", "same-origin")]),
            (true, "auth.example.com", &[("origin", "null"), ("sec-fetch-site", "same-site")]),
            (true, "auth.example.com", &[("origin", "null"), ("sec-fetch-site", "none")]),
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
        foreign(true, &["http://127.example.com"], "127.example.com", None);
        foreign(true, &["https://evil.example;.example.com"], "app.example.com", Some("example.com"));
    }
}
