//! The original request, as the proxy that asks describes it.
//!
//! Read are exactly `X-Forwarded-Method`, `-Proto`, `-Host` and `-Uri`, one line each; `X-Forwarded-For` in
//! [`client_ip`](super::client_ip). Never read: the query string of the subrequest, `Host`, `X-Real-IP`, `X-Original-*`,
//! `Forwarded` — a caller writes those behind one proxy or another, and a service that falls back from one family of
//! headers to another can be lied to behind every one of them.

use super::dpop::Place;
use super::hosts::{self, Authority};
use actix_web::http::header::{HeaderMap, HeaderName};
use std::borrow::Cow;
use std::fmt::Write as _;
use url::Url;

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
    method: &'a [u8],
    scheme: Scheme,
    host: Authority<'a>,
    authority: &'a [u8],
    uri: &'a [u8],
}

/// What was found to be visible ASCII. It becomes text when somebody wants to read it, which is seldom.
pub(super) fn text(visible: &[u8]) -> &str {
    std::str::from_utf8(visible).unwrap_or_default()
}

/// A request target as text. Its bytes are visible; those beyond ASCII, which small programs send as they are, are written
/// as an address has them (RFC 3987 section 3.1): `/caf%C3%A9`.
pub(super) fn escaped(target: &[u8]) -> Cow<'_, str> {
    if target.is_ascii() {
        return Cow::Borrowed(text(target));
    }
    let mut written = String::with_capacity(target.len() * 3);
    for byte in target {
        match byte.is_ascii() {
            true => written.push(char::from(*byte)),
            // Writing into a string does not fail.
            false => _ = write!(written, "%{byte:02X}"),
        }
    }
    Cow::Owned(written)
}

impl<'a> ForwardedRequest<'a> {
    /// The method, case-sensitive (RFC 9110 section 9.1).
    #[must_use]
    pub fn method(&self) -> &'a str {
        text(self.method)
    }

    /// The scheme the client used.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host in lower case, without port and without a trailing dot.
    #[must_use]
    pub fn host(&self) -> &str {
        self.host.name()
    }

    /// The host as it was sent, with its port if the proxy told it.
    #[must_use]
    pub fn authority(&self) -> &'a str {
        text(self.authority)
    }

    /// The port, where one was told: without one it is the scheme's own.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.host.port()
    }

    /// Whether it is at the host of this address, and at its port where the proxy told one.
    #[must_use]
    pub fn is_at(&self, url: &Url) -> bool {
        let port = self.port();
        url.host_str() == Some(self.host()) && port.is_none_or(|port| url.port_or_known_default() == Some(port))
    }

    /// Method, authority and request target as they were sent.
    pub(super) fn as_sent(&self) -> (&'a [u8], &'a [u8], &'a [u8]) {
        (self.method, self.authority, self.uri)
    }

    /// The request target, with the query: for the way back to it, and never for a log. Bytes beyond ASCII are escaped.
    #[must_use]
    pub fn uri(&self) -> Cow<'a, str> {
        escaped(self.uri)
    }

    /// The path without the query, likewise.
    #[must_use]
    pub fn path(&self) -> Cow<'a, str> {
        path_of(self.uri)
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
    /// Absent.
    Missing(&'static str),
    /// There, and empty.
    Empty(&'static str),
    /// On more than one line.
    Ambiguous(&'static str),
    /// Too long, or not of the header's shape.
    Unreadable(&'static str),
}

impl ForwardedError {
    /// What is wrong, as the end of a sentence about the header.
    #[must_use]
    pub fn problem(self) -> &'static str {
        match self {
            Self::Missing(_) => "missing",
            Self::Empty(_) => "empty",
            Self::Ambiguous(_) => "on several lines",
            Self::Unreadable(name) if name == FORWARDED_METHOD.as_str() => "too long, or no method in form",
            Self::Unreadable(name) if name == FORWARDED_PROTO.as_str() => "neither http nor https",
            Self::Unreadable(name) if name == FORWARDED_HOST.as_str() => "too long, or no name of a host in form",
            Self::Unreadable(_) => "too long, not beginning with a slash, or with a blank or a control character in it",
        }
    }

    /// The header that is at fault, in lower case.
    #[must_use]
    pub fn header(self) -> &'static str {
        match self {
            Self::Missing(name) | Self::Empty(name) | Self::Ambiguous(name) | Self::Unreadable(name) => name,
        }
    }

    /// Whether a request that a client made up can be the cause, behind a proxy that is set up well. Proxies pass on odd
    /// methods, hosts and targets as they come, and for HTTP/1.0 without `Host` an empty host.
    #[must_use]
    pub fn may_be_the_clients(self) -> bool {
        match self {
            Self::Missing(_) | Self::Ambiguous(_) => false,
            Self::Empty(name) => name == FORWARDED_HOST.as_str(),
            Self::Unreadable(name) => name != FORWARDED_PROTO.as_str(),
        }
    }
}

/// Reads the proxy's description of the original request.
///
/// # Errors
/// The first header, in the order Method, Proto, Host, Uri, that is missing, repeated or unreadable.
pub fn read(headers: &HeaderMap) -> Result<ForwardedRequest<'_>, ForwardedError> {
    let method = single(headers, &FORWARDED_METHOD, parse_method)?;
    let scheme = single(headers, &FORWARDED_PROTO, parse_scheme)?;
    let (host, authority) = single(headers, &FORWARDED_HOST, |sent| Some((hosts::read(sent)?, sent)))?;
    Ok(ForwardedRequest { method, scheme, host, authority, uri: single(headers, &FORWARDED_URI, parse_uri)? })
}

/// What can be read of a description that cannot be used, for a log. What cannot be read is empty.
#[derive(Debug, Default)]
pub struct Legible<'a> {
    /// The method.
    pub method: &'a str,
    /// The host, as of a [`ForwardedRequest`].
    pub host: Cow<'a, str>,
    /// The path without the query, likewise.
    pub path: Cow<'a, str>,
}

/// Reads each header for itself.
#[must_use]
pub fn legible(headers: &HeaderMap) -> Legible<'_> {
    Legible {
        method: single(headers, &FORWARDED_METHOD, parse_method).map(text).unwrap_or_default(),
        host: single(headers, &FORWARDED_HOST, host_as_text).unwrap_or_default(),
        path: single(headers, &FORWARDED_URI, parse_uri).map(path_of).unwrap_or_default(),
    }
}

fn host_as_text(sent: &[u8]) -> Option<Cow<'_, str>> {
    hosts::read(sent).map(|authority| Cow::Owned(authority.name().to_owned()))
}

fn path_of(uri: &[u8]) -> Cow<'_, str> {
    escaped(uri.split(|byte| *byte == b'?').next().unwrap_or_default())
}

/// Where the client came to, as a proxy that passes it on to samehand's own endpoints tells it; nothing where it does not.
/// Traefik and Caddy say nothing of the path of what they pass on: it is `path` then, the one that was asked for.
#[must_use]
pub fn place<'a>(headers: &'a HeaderMap, path: &'a str) -> Option<Place<'a>> {
    Some(Place {
        scheme: single(headers, &FORWARDED_PROTO, parse_scheme).ok()?,
        authority: single(headers, &FORWARDED_HOST, |sent| hosts::read(sent).map(|_| text(sent))).ok()?.into(),
        target: match single(headers, &FORWARDED_URI, parse_uri) {
            Ok(target) => escaped(target),
            Err(ForwardedError::Missing(_) | ForwardedError::Empty(_)) => path.into(),
            Err(ForwardedError::Ambiguous(_) | ForwardedError::Unreadable(_)) => return None,
        },
    })
}

fn single<'a, T>(
    headers: &'a HeaderMap,
    header: &'static HeaderName,
    parse: impl FnOnce(&'a [u8]) -> Option<T>,
) -> Result<T, ForwardedError> {
    let name = header.as_str();
    let mut lines = headers.get_all(header);
    let line = lines.next().ok_or(ForwardedError::Missing(name))?;
    if lines.next().is_some() {
        return Err(ForwardedError::Ambiguous(name));
    }
    let bytes = trim_blanks(line.as_bytes());
    if bytes.is_empty() {
        return Err(ForwardedError::Empty(name));
    }
    parse(bytes).ok_or(ForwardedError::Unreadable(name))
}

pub(super) fn trim_blanks(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

fn parse_method(method: &[u8]) -> Option<&[u8]> {
    (method.len() <= MAX_METHOD && method.iter().all(|byte| is_token_byte(*byte))).then_some(method)
}

/// A `tchar` of RFC 9110 section 5.6.2.
fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn parse_scheme(scheme: &[u8]) -> Option<Scheme> {
    [("https", Scheme::Https), ("http", Scheme::Http), ("ws", Scheme::Http), ("wss", Scheme::Https)]
        .into_iter()
        .find_map(|(name, known)| scheme.eq_ignore_ascii_case(name.as_bytes()).then_some(known))
}

/// Origin form (RFC 9112 section 3.2.1), or `*` for `OPTIONS *`. No blank and no control character. Bytes beyond ASCII may
/// stand in it, whatever they spell: the proxies pass them on, and nothing of ours shows them as they are.
fn parse_uri(uri: &[u8]) -> Option<&[u8]> {
    let well_formed = uri.len() <= MAX_URI
        && (uri.starts_with(b"/") || uri == b"*")
        // Without a branch for each byte, so that many are looked at at once.
        && uri.iter().fold(true, |all, byte| all & (*byte > b' ') & (*byte != 0x7f));
    well_formed.then_some(uri)
}

#[cfg(test)]
mod tests;
