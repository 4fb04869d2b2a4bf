//! `htu`: the address of a request, in the one form in which two of them are compared.
//!
//! RFC 9449 section 4.3 asks for the syntax-based and scheme-based normalisation of RFC 3986 sections 6.2.2 and 6.2.3, and
//! for a comparison without query and fragment. Read by hand: the `url` crate reads as browsers do, where a backslash is a
//! slash, `0x7f.1` an address and a line break nothing at all. What is not a plain address is refused, never repaired.

use crate::check::forwarded::Scheme;
use std::net::Ipv6Addr;

/// An address of a web page or service, normalised: equal where RFC 3986 says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpUrl {
    scheme: Scheme,
    host: String,
    port: u16,
    path: String,
}

impl HttpUrl {
    /// Reads an absolute `http` or `https` address.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let scheme = [Scheme::Http, Scheme::Https].into_iter().find(|one| scheme.eq_ignore_ascii_case(one.name()))?;
        let (authority, target) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        Self::of_parts(scheme, authority, target)
    }

    /// The address of a request: its `Host`, with or without a port, and its target in origin form.
    #[must_use]
    pub fn of_parts(scheme: Scheme, authority: &str, target: &str) -> Option<Self> {
        let (host, port) = read_authority(authority)?;
        let port = port.unwrap_or(match scheme {
            Scheme::Http => 80,
            Scheme::Https => 443,
        });
        let path = target.split(['?', '#']).next().unwrap_or_default();
        Some(Self { scheme, host, port, path: normal_path(path)? })
    }
}

/// The host in lower case, and the port if one is named. No user and no password: they are no part of a request.
fn read_authority(authority: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = match authority.rfind(']') {
        Some(end) => authority.split_at(end + 1),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    // An empty port is the default one (RFC 3986 section 6.2.3).
    let port = match port.strip_prefix(':') {
        None if port.is_empty() => None,
        None => return None,
        Some("") => None,
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => Some(digits.parse().ok()?),
        Some(_) => return None,
    };
    if let Some(bracketed) = host.strip_prefix('[') {
        let address: Ipv6Addr = bracketed.strip_suffix(']')?.parse().ok()?;
        return Some((format!("[{address}]"), port));
    }
    let name = normal_escapes(host)?.to_ascii_lowercase();
    let name = name.strip_suffix('.').unwrap_or(&name);
    let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    (!name.is_empty() && name.bytes().all(is_of_names)).then(|| (name.to_owned(), port))
}

/// RFC 3986 sections 6.2.2 and 6.2.3: escapes, then dot segments; nothing is `/`. A slash at the end counts, and an
/// encoded slash is no slash.
fn normal_path(path: &str) -> Option<String> {
    let path = normal_escapes(path)?;
    let Some(below) = path.strip_prefix('/') else { return path.is_empty().then(|| "/".to_owned()) };
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = below.split('/').peekable();
    while let Some(segment) = segments.next() {
        match segment {
            "." => {}
            ".." => _ = kept.pop(),
            _ => {
                kept.push(segment);
                continue;
            }
        }
        // "/a/." and "/a/b/.." end with the slash.
        if segments.peek().is_none() {
            kept.push("");
        }
    }
    Some(format!("/{}", kept.join("/")))
}

/// Decodes what needs no escape, and writes the digits of the other escapes in upper case.
fn normal_escapes(text: &str) -> Option<String> {
    let mut normal = String::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            let is_plain = byte.is_ascii_graphic() && byte != b'\\';
            normal.push(is_plain.then_some(char::from(byte))?);
            continue;
        }
        let mut digit = || bytes.next().and_then(|digit| char::from(digit).to_digit(16));
        let byte = u8::try_from(digit()? * 16 + digit()?).ok()?;
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            normal.push(char::from(byte));
        } else {
            normal.push_str(&format!("%{byte:02X}"));
        }
    }
    Some(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_are_the_same() {
        for (one, other) in [
            ("https://app.example.com/a", "HTTPS://App.Example.COM/a"),
            ("https://app.example.com/a", "https://app.example.com:443/a"),
            ("https://app.example.com/a", "https://app.example.com:/a"),
            ("https://app.example.com/a", "https://app.example.com./a"),
            ("http://app.example.com/a", "http://app.example.com:80/a"),
            ("https://app.example.com", "https://app.example.com/"),
            ("https://app.example.com?b", "https://app.example.com/#c"),
            ("https://app.example.com/a?b=c", "https://app.example.com/a#d"),
            ("https://app.example.com/a?b=/../c", "https://app.example.com/a?"),
            ("https://app.example.com/~user/-._", "https://app.example.com/%7Euser/%2d%2E%5f"),
            ("https://app.example.com/a%2Fb", "https://app.example.com/a%2fb"),
            ("https://app.example.com/caf%C3%A9", "https://app.example.com/%63af%c3%a9"),
            ("https://app.example.com/a/b/c/./../../g", "https://app.example.com/a/g"),
            ("https://app.example.com/mid/content=5/../6", "https://app.example.com/mid/6"),
            ("https://app.example.com/a/%2e%2E/b", "https://app.example.com/b"),
            ("https://app.example.com/../../a", "https://app.example.com/a"),
            ("https://app.example.com/a/.", "https://app.example.com/a/"),
            ("https://app.example.com/a/b/..", "https://app.example.com/a/"),
            ("https://app.example.com/..", "https://app.example.com/"),
            ("https://%61pp.example.com/", "https://app.example.com/"),
            ("http://[2001:DB8:0::1]:80/", "http://[2001:db8::1]/"),
        ] {
            let read = |text| HttpUrl::read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(read(one), read(other));
        }
    }

    #[test]
    fn addresses_that_are_not() {
        let one = HttpUrl::read("https://app.example.com/a/b").unwrap();
        for other in [
            "http://app.example.com/a/b",
            "https://app.example.com:8443/a/b",
            "https://app.example.com:80/a/b",
            "https://api.example.com/a/b",
            "https://app.example.com.evil.net/a/b",
            "https://app.example.com/a/b/",
            "https://app.example.com/A/b",
            "https://app.example.com/a%2Fb",
            "https://app.example.com/a//b",
            "https://app.example.com//a/b",
            "https://app.example.com/a/b;c",
            "https://app.example.com/a/b%3Fc",
            "https://app.example.com/a/b%23c",
            "https://app.example.com/a/b%00",
            "https://app.example.com/a/b.",
            "https://app.example.com/a/...",
            "https://app.example.com/a/%252e%252e/a/b",
            "https://app.example.com/",
        ] {
            let other = HttpUrl::read(other).unwrap_or_else(|| panic!("{other}"));
            assert_ne!(one, other);
        }
        assert_ne!(HttpUrl::read("https://h/a//b"), HttpUrl::read("https://h/a/b"));
    }

    #[test]
    fn what_is_no_plain_address_is_none() {
        for text in [
            "",
            "/a",
            "//app.example.com/a",
            "app.example.com/a",
            "https:app.example.com/a",
            "https:/app.example.com/a",
            "https:///a",
            "https://",
            "https://:443/",
            "ftp://app.example.com/a",
            "wss://app.example.com/a",
            "javascript://app.example.com/a",
            "https ://app.example.com/",
            " https://app.example.com/",
            "https://user@app.example.com/",
            "https://user:password@app.example.com/",
            "https://app.example.com\\@evil.net/",
            "https://app.example.com/a\\b",
            "https://app.example.com/a b",
            "https://app.example.com/a\tb",
            "https://app.example.com/a\nb",
            "https://app.example.com/caf\u{e9}",
            "https://b\u{fc}cher.example.com/",
            "https://app.example.com/%",
            "https://app.example.com/%4",
            "https://app.example.com/%g1",
            "https://app.example.com/%+1",
            "https://app%2eexample.com%2f/",
            "https://app.example.com:99999/",
            "https://app.example.com:+80/",
            "https://app.example.com:80:80/",
            "https://app.example.com:http/",
            "https://[::1/",
            "https://[::1]x/",
            "https://[app]/",
            "https://::1/",
            "https://app,example.com/",
            "https://*.example.com/",
        ] {
            assert_eq!(HttpUrl::read(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_forwarded_parts_are_the_address() {
        let of = |scheme, host, target| HttpUrl::of_parts(scheme, host, target);
        let expected = HttpUrl::read("https://app.example.com/a/b");
        for (host, target) in [
            ("app.example.com", "/a/b"),
            ("APP.example.com:443", "/a/b?c=d"),
            ("app.example.com", "/a/./b#e"),
            ("app.example.com", "/a/x/%2e%2e/b"),
        ] {
            assert_eq!(of(Scheme::Https, host, target), expected);
        }
        assert_ne!(of(Scheme::Http, "app.example.com", "/a/b"), expected);
        assert_eq!(of(Scheme::Https, "app.example.com", "*"), None);
        assert_eq!(of(Scheme::Https, "app.example.com", "/%"), None);
        assert_eq!(of(Scheme::Https, "", "/"), None);
    }
}
