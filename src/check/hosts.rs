//! The one reading of hosts: what a proxy forwards, what `Host` and `Origin` name, where browsers may be sent.
//!
//! As the URL standard reads them, and stricter: letters, digits, dash and dot, or an IPv6 address in brackets. An address is
//! parsed and never told by its beginning: `127.example.com` is a name like any other.

use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Longest host name with port, in bytes (RFC 1035 section 2.3.4).
const MAX_HOST: usize = 253 + ":65535".len();

/// A host, and its port where one is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority<'a> {
    name: Cow<'a, [u8]>,
    port: Option<u16>,
}

impl Authority<'_> {
    /// In lower case, without a final dot; an IPv6 address in brackets.
    #[must_use]
    pub fn name(&self) -> &str {
        text(&self.name)
    }

    /// The port that is named.
    #[must_use]
    pub fn port(&self) -> Option<u16> {
        self.port
    }
}

/// Reads `host` or `host:port`. An underscore, which names of containers have, is let through here and refused in
/// [`is_name`].
#[must_use]
pub fn read(host: &[u8]) -> Option<Authority<'_>> {
    if host.len() > MAX_HOST {
        return None;
    }
    let (name, port) = if host.starts_with(b"[") { split_address(host)? } else { split_name(host)? };
    let port = match port {
        None => None,
        Some(digits) if digits.iter().all(u8::is_ascii_digit) => Some(text(digits).parse::<u16>().ok()?),
        Some(_) => return None,
    };
    let name = name.strip_suffix(b".").unwrap_or(name);
    if name.iter().fold(false, |any, byte| any | byte.is_ascii_uppercase()) {
        return Some(Authority { name: Cow::Owned(name.to_ascii_lowercase()), port });
    }
    (!name.is_empty()).then_some(Authority { name: Cow::Borrowed(name), port })
}

/// Whether this is the name of a host: labels of letters, digits and dashes, none empty.
#[must_use]
pub fn is_name(name: &str) -> bool {
    name.split('.')
        .all(|label| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
}

/// Whether browsers take the host for the machine that they run on, and trust it without TLS.
#[must_use]
pub fn is_this_machine(name: &str) -> bool {
    let in_brackets = || name.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
    is_localhost_name(name)
        || name.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || in_brackets().is_some_and(|address| address.is_loopback())
}

/// `localhost`, or a name below it (RFC 6761 section 6.3).
#[must_use]
pub fn is_localhost_name(name: &str) -> bool {
    is_within(name, "localhost")
}

/// Whether a host is the domain itself or below it, label by label; both in lower case.
#[must_use]
pub fn is_within(name: &str, domain: &str) -> bool {
    name == domain || name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// What was found to be visible ASCII.
fn text(visible: &[u8]) -> &str {
    std::str::from_utf8(visible).unwrap_or_default()
}

fn split_address(host: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let end = host.iter().position(|byte| *byte == b']')? + 1;
    let (bracketed, rest) = host.split_at(end);
    text(&bracketed[1..end - 1]).parse::<Ipv6Addr>().ok()?;
    match rest {
        [] => Some((bracketed, None)),
        _ => Some((bracketed, Some(rest.strip_prefix(b":")?))),
    }
}

fn split_name(host: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    // In front of a name stands a dot, as it were: none may follow one.
    let mut last = b'.';
    let mut end = host.len();
    for (place, byte) in host.iter().enumerate() {
        match OF_HOSTS[usize::from(*byte)] {
            OfHosts::Name => {}
            OfHosts::Dot if last != b'.' => {}
            OfHosts::Colon => {
                end = place;
                break;
            }
            OfHosts::Dot | OfHosts::Never => return None,
        }
        last = *byte;
    }
    let (name, port) = (&host[..end], host.get(end + 1..));
    (!name.is_empty()).then_some((name, port))
}

/// What a byte is in the name of a host.
#[derive(Clone, Copy)]
enum OfHosts {
    Name,
    Dot,
    Colon,
    Never,
}

static OF_HOSTS: [OfHosts; 256] = {
    let mut kinds = [OfHosts::Never; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        kinds[byte as usize] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => OfHosts::Name,
            b'.' => OfHosts::Dot,
            b':' => OfHosts::Colon,
            _ => OfHosts::Never,
        };
        byte += 1;
    }
    kinds
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_told_by_address_and_not_by_how_a_name_begins() {
        for (name, expected) in [
            ("localhost", true),
            ("app.demo.localhost", true),
            ("127.0.0.1", true),
            ("127.9.8.7", true),
            ("[::1]", true),
            ("127.example.com", false),
            ("127.0.0.1.example.com", false),
            ("localhost.example.com", false),
            ("notlocalhost", false),
            ("128.0.0.1", false),
            ("[::2]", false),
            ("::1", false),
            ("", false),
        ] {
            assert_eq!(is_this_machine(name), expected, "{name}");
        }
    }

    #[test]
    fn a_name_has_letters_digits_dashes_and_dots() {
        for (name, expected) in [
            ("app.example.com", true),
            ("xn--bcher-kva.example", true),
            ("a-1", true),
            ("evil.example;.example.com", false),
            ("my_app.example.com", false),
            ("a..b", false),
            ("a.", false),
            ("", false),
        ] {
            assert_eq!(is_name(name), expected, "{name}");
        }
    }

    #[test]
    fn a_port_is_told_where_one_is_named() {
        let port = |text: &'static str| read(text.as_bytes()).map(|authority| authority.port());
        assert_eq!(port("nas.example.com:5001"), Some(Some(5001)));
        assert_eq!(port("[2001:db8::1]:80"), Some(Some(80)));
        assert_eq!(port("nas.example.com"), Some(None));
        assert_eq!(port("nas.example.com:+1"), None);
    }
}
