//! The original request, as the proxy that asks describes it.
//!
//! Read are exactly `X-Forwarded-Method`, `-Proto`, `-Host` and `-Uri`, one line each; that `X-Forwarded-For` is there
//! is checked here too, its content in [`client_ip`](super::client_ip). Never read: the query string of the
//! subrequest, `Host`, `X-Real-IP`, `X-Original-*`, `Forwarded` — a caller writes those behind one proxy or another,
//! and a service that falls back from one family of headers to another can be lied to behind every one of them.

use super::dpop::Place;
use actix_web::http::header::{HeaderMap, HeaderName};
use std::borrow::Cow;

/// The header that lists the addresses a request came through.
pub static FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static FORWARDED_METHOD: HeaderName = HeaderName::from_static("x-forwarded-method");
static FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
static FORWARDED_URI: HeaderName = HeaderName::from_static("x-forwarded-uri");

/// Longest accepted request target, in bytes: above the limit of every supported proxy.
const MAX_URI: usize = 32 * 1024;
/// Longest accepted method, in bytes. The longest registered one, `UPDATEREDIRECTREF`, has 17.
const MAX_METHOD: usize = 32;
/// Longest host name with port, in bytes (RFC 1035 section 2.3.4).
const MAX_HOST: usize = 253 + ":65535".len();

/// The proxy that asks, named by the route it asks on and never guessed from headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Proxy {
    /// nginx `auth_request`: understands 2xx, 401 and 403 only.
    Nginx,
    /// Traefik `ForwardAuth`.
    Traefik,
    /// Caddy `forward_auth`.
    Caddy,
}

impl Proxy {
    /// Every proxy.
    pub const ALL: [Self; 3] = [Self::Nginx, Self::Traefik, Self::Caddy];

    /// The name in routes, logs and metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Traefik => "traefik",
            Self::Caddy => "caddy",
        }
    }

    /// The proxy of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|proxy| proxy.name() == name)
    }
}

/// What the client asked the proxy for. Every field has been checked.
#[derive(Debug)]
pub struct ForwardedRequest<'a> {
    method: &'a str,
    scheme: Scheme,
    host: Cow<'a, str>,
    authority: &'a str,
    uri: &'a str,
}

impl<'a> ForwardedRequest<'a> {
    /// The method, case-sensitive (RFC 9110 section 9.1).
    #[must_use]
    pub fn method(&self) -> &'a str {
        self.method
    }

    /// The scheme the client used.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host in lower case, without port and without a trailing dot.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The host as it was sent, with its port if the proxy told it.
    #[must_use]
    pub fn authority(&self) -> &'a str {
        self.authority
    }

    /// The request target, with the query: for the way back to it, and never for a log.
    #[must_use]
    pub fn uri(&self) -> &'a str {
        self.uri
    }

    /// The path without the query.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.uri.split_once('?').map_or(self.uri, |(path, _)| path)
    }
}

/// The scheme of the original request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `http`, or `ws` as Traefik says for WebSockets.
    Http,
    /// `https` or `wss`.
    Https,
}

impl Scheme {
    /// `http` or `https`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// Why the proxy's description cannot be used; names the header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ForwardedError {
    /// Absent or empty.
    Missing(&'static str),
    /// On more than one line.
    Ambiguous(&'static str),
    /// Not ASCII, too long, or not of the header's shape.
    Unreadable(&'static str),
}

impl ForwardedError {
    /// What is wrong, as the end of a sentence about the header.
    #[must_use]
    pub fn problem(self) -> &'static str {
        match self {
            Self::Missing(_) => "missing or empty",
            Self::Ambiguous(_) => "on several lines",
            Self::Unreadable(_) => "not ASCII, too long, or not of its shape",
        }
    }

    /// The header that is at fault, in lower case.
    #[must_use]
    pub fn header(self) -> &'static str {
        match self {
            Self::Missing(name) | Self::Ambiguous(name) | Self::Unreadable(name) => name,
        }
    }
}

/// Reads the proxy's description of the original request.
///
/// # Errors
/// The first header, in the order For, Method, Proto, Host, Uri, that is missing, repeated or unreadable.
pub fn read(headers: &HeaderMap) -> Result<ForwardedRequest<'_>, ForwardedError> {
    if headers.get_all(&FORWARDED_FOR).all(|line| is_blank_list(line.as_bytes())) {
        return Err(ForwardedError::Missing(FORWARDED_FOR.as_str()));
    }
    let method = single(headers, &FORWARDED_METHOD, parse_method)?;
    let scheme = single(headers, &FORWARDED_PROTO, parse_scheme)?;
    let (host, authority) = single(headers, &FORWARDED_HOST, |text| Some((parse_host(text)?, text)))?;
    Ok(ForwardedRequest { method, scheme, host, authority, uri: single(headers, &FORWARDED_URI, parse_uri)? })
}

/// Where the client came to, as a proxy that passes it on to samehand's own endpoints tells it; nothing where it does not.
/// Traefik and Caddy say nothing of the path of what they pass on: it is `path` then, the one that was asked for.
#[must_use]
pub fn place<'a>(headers: &'a HeaderMap, path: &'a str) -> Option<Place<'a>> {
    Some(Place {
        scheme: single(headers, &FORWARDED_PROTO, parse_scheme).ok()?,
        authority: single(headers, &FORWARDED_HOST, |text| parse_host(text).map(|_| text)).ok()?.into(),
        target: match single(headers, &FORWARDED_URI, parse_uri) {
            Ok(target) => target,
            Err(ForwardedError::Missing(_)) => path,
            Err(ForwardedError::Ambiguous(_) | ForwardedError::Unreadable(_)) => return None,
        }
        .into(),
    })
}

fn single<'a, T>(
    headers: &'a HeaderMap,
    header: &'static HeaderName,
    parse: impl FnOnce(&'a str) -> Option<T>,
) -> Result<T, ForwardedError> {
    let name = header.as_str();
    let mut lines = headers.get_all(header);
    let line = lines.next().ok_or(ForwardedError::Missing(name))?;
    if lines.next().is_some() {
        return Err(ForwardedError::Ambiguous(name));
    }
    // `to_str` accepts visible ASCII, blank and tab only.
    let text = line.to_str().map_err(|_| ForwardedError::Unreadable(name))?.trim_matches([' ', '\t']);
    if text.is_empty() {
        return Err(ForwardedError::Missing(name));
    }
    parse(text).ok_or(ForwardedError::Unreadable(name))
}

fn is_blank_list(line: &[u8]) -> bool {
    line.iter().all(|byte| matches!(byte, b' ' | b'\t' | b','))
}

fn parse_method(text: &str) -> Option<&str> {
    (text.len() <= MAX_METHOD && text.bytes().all(is_token_byte)).then_some(text)
}

/// A `tchar` of RFC 9110 section 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn parse_scheme(text: &str) -> Option<Scheme> {
    [("http", Scheme::Http), ("https", Scheme::Https), ("ws", Scheme::Http), ("wss", Scheme::Https)]
        .into_iter()
        .find_map(|(name, scheme)| text.eq_ignore_ascii_case(name).then_some(scheme))
}

fn parse_host(text: &str) -> Option<Cow<'_, str>> {
    if text.len() > MAX_HOST {
        return None;
    }
    let (name, port) = split_port(text)?;
    if !port.is_none_or(|digits| digits.parse::<u16>().is_ok() && digits.bytes().all(|byte| byte.is_ascii_digit())) {
        return None;
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Some(Cow::Owned(name.to_ascii_lowercase()));
    }
    (!name.is_empty()).then_some(Cow::Borrowed(name))
}

fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    if text.starts_with('[') {
        let end = text.find(']')? + 1;
        let (bracketed, rest) = text.split_at(end);
        bracketed[1..end - 1].parse::<std::net::Ipv6Addr>().ok()?;
        return match rest {
            "" => Some((bracketed, None)),
            _ => Some((bracketed, Some(rest.strip_prefix(':')?))),
        };
    }
    let (name, port) = match text.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (text, None),
    };
    let well_formed = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
        && !name.starts_with('.')
        && !name.contains("..");
    well_formed.then_some((name, port))
}

/// Origin form (RFC 9112 section 3.2.1), or `*` for `OPTIONS *`.
fn parse_uri(text: &str) -> Option<&str> {
    let well_formed = text.len() <= MAX_URI
        && (text.starts_with('/') || text == "*")
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    well_formed.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn complete() -> HeaderMap {
        [
            (&FORWARDED_FOR, "192.0.2.1"),
            (&FORWARDED_METHOD, "GET"),
            (&FORWARDED_PROTO, "https"),
            (&FORWARDED_HOST, "app.example.com"),
            (&FORWARDED_URI, "/a?b=c"),
        ]
        .into_iter()
        .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
        .collect()
    }

    #[track_caller]
    fn with(name: &'static HeaderName, value: &[u8]) -> Result<(String, Scheme, String), ForwardedError> {
        let mut headers = complete();
        headers.insert(name.clone(), HeaderValue::from_bytes(value).unwrap());
        read(&headers).map(|request| (request.host().into(), request.scheme(), request.path().into()))
    }

    #[test]
    fn a_complete_description_is_read() {
        let headers = complete();
        let request = read(&headers).unwrap();
        assert_eq!((request.method(), request.scheme()), ("GET", Scheme::Https));
        assert_eq!((request.host(), request.path()), ("app.example.com", "/a"));
    }

    #[test]
    fn each_header_is_required_and_not_empty() {
        for name in [&FORWARDED_FOR, &FORWARDED_METHOD, &FORWARDED_PROTO, &FORWARDED_HOST, &FORWARDED_URI] {
            let mut headers = complete();
            headers.remove(name);
            assert_eq!(read(&headers).unwrap_err(), ForwardedError::Missing(name.as_str()));
            for empty in [&b""[..], b" \t "] {
                assert_eq!(with(name, empty).unwrap_err(), ForwardedError::Missing(name.as_str()));
            }
        }
        assert_eq!(with(&FORWARDED_FOR, b" , ,").unwrap_err(), ForwardedError::Missing(FORWARDED_FOR.as_str()));
    }

    #[test]
    fn all_but_the_address_list_stand_on_one_line() {
        for name in [&FORWARDED_METHOD, &FORWARDED_PROTO, &FORWARDED_HOST, &FORWARDED_URI] {
            let mut headers = complete();
            let again = headers.get(name).cloned().unwrap();
            headers.append(name.clone(), again);
            assert_eq!(read(&headers).unwrap_err(), ForwardedError::Ambiguous(name.as_str()));
        }
    }

    #[test]
    fn hosts_are_compared_in_lower_case_without_port_and_dot() {
        for (sent, read) in [
            ("App.Example.COM", "app.example.com"),
            ("app.example.com:8443", "app.example.com"),
            ("app.example.com.", "app.example.com"),
            ("_", "_"),
            ("[2001:db8::1]:443", "[2001:db8::1]"),
            ("192.0.2.7:80", "192.0.2.7"),
        ] {
            assert_eq!(with(&FORWARDED_HOST, sent.as_bytes()).unwrap().0, read);
        }
    }

    #[test]
    fn what_has_not_the_shape_of_its_header_is_unreadable() {
        let long = |byte: u8, length: usize| vec![byte; length];
        for (name, value) in [
            (&FORWARDED_METHOD, b"GE T".to_vec()),
            (&FORWARDED_METHOD, b"G\xc3\x89T".to_vec()),
            (&FORWARDED_METHOD, long(b'A', 33)),
            (&FORWARDED_PROTO, b"javascript".to_vec()),
            (&FORWARDED_PROTO, b"https,http".to_vec()),
            (&FORWARDED_PROTO, b"https://".to_vec()),
            (&FORWARDED_HOST, b"evil.example/@app.example.com".to_vec()),
            (&FORWARDED_HOST, b"user@app.example.com".to_vec()),
            (&FORWARDED_HOST, b"a.example,b.example".to_vec()),
            (&FORWARDED_HOST, b"app.example.com:".to_vec()),
            (&FORWARDED_HOST, b"app.example.com:99999".to_vec()),
            (&FORWARDED_HOST, b"app..example.com".to_vec()),
            (&FORWARDED_HOST, b".example.com".to_vec()),
            (&FORWARDED_HOST, b"[::1".to_vec()),
            (&FORWARDED_HOST, b"[[::1]".to_vec()),
            (&FORWARDED_HOST, b"[::1]x".to_vec()),
            (&FORWARDED_HOST, b"[app.example.com]".to_vec()),
            (&FORWARDED_HOST, b"app.ex\xc3\xa4mple".to_vec()),
            (&FORWARDED_HOST, long(b'a', 64 * 1024)),
            (&FORWARDED_URI, b"http://app.example.com/".to_vec()),
            (&FORWARDED_URI, b"admin".to_vec()),
            (&FORWARDED_URI, b"/a b".to_vec()),
            (&FORWARDED_URI, b"/caf\xc3\xa9".to_vec()),
            (&FORWARDED_URI, long(b'/', 64 * 1024)),
        ] {
            assert_eq!(with(name, &value).unwrap_err(), ForwardedError::Unreadable(name.as_str()), "{name}: {value:?}");
        }
    }

    #[test]
    fn websockets_and_options_of_the_server_are_read() {
        assert_eq!(with(&FORWARDED_PROTO, b"wss").unwrap().1, Scheme::Https);
        assert_eq!(with(&FORWARDED_PROTO, b"ws").unwrap().1, Scheme::Http);
        assert_eq!(with(&FORWARDED_URI, b"*").unwrap().2, "*");
    }
}
