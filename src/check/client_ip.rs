//! The caller's address: right to left through trusted proxies; what cannot be read is a refusal.
//!
//! `X-Forwarded-For` grows at its right end, so only elements that a trusted hop appended are believed: the walk starts
//! at the right, goes on while the hop is trusted, and stops at the first that is not. An unreadable element met on the
//! way refuses the request — skipping it would let the client choose who it is. What stands further left was written by
//! the client or by somebody unknown and is not looked at.

use super::forwarded::{FORWARDED_FOR, trim_blanks};
use super::policy::TrustedProxies;
use actix_web::http::header::HeaderMap;
use ipnet::IpNet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest zone of an address, in bytes: names of network devices have at most 15 on Linux, and words elsewhere.
const LONGEST_ZONE: usize = 64;

/// Who opened the connection to samehand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// A TCP client.
    Tcp(IpAddr),
    /// Whoever may open the Unix socket; its permissions say who that is.
    Unix,
    /// A TCP client that the system cannot name any more: it reset its connection after it had sent its request. It is
    /// nobody, and above all no Unix socket.
    Unknown,
}

impl Peer {
    /// Whether this peer's forwarded headers are believed.
    #[must_use]
    pub fn is_trusted(self, trusted: &TrustedProxies) -> bool {
        match self {
            Self::Tcp(address) => trusted.contains(address),
            Self::Unix => true,
            Self::Unknown => false,
        }
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.to_canonical().fmt(formatter),
            Self::Unix => formatter.write_str("unix"),
            Self::Unknown => formatter.write_str("unknown"),
        }
    }
}

/// The address of the caller, canonical: IPv4-mapped IPv6 is IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientIp(IpAddr);

impl ClientIp {
    /// An address that somebody vouched for: an administrator, or a back end on the administration side.
    #[must_use]
    pub fn vouched(address: IpAddr) -> Self {
        Self(address.to_canonical())
    }

    /// The canonical address.
    #[must_use]
    pub fn address(self) -> IpAddr {
        self.0
    }

    /// The network it belongs to, as far as people tell networks apart: /24 and /64.
    #[must_use]
    pub fn network(self) -> IpNet {
        match self.0 {
            IpAddr::V4(_) => self.within(24),
            IpAddr::V6(_) => self.within(64),
        }
    }

    /// The network with a prefix of so many bits, which are at most those of the address.
    #[must_use]
    pub fn within(self, bits: u8) -> IpNet {
        IpNet::new(self.0, bits).unwrap_or(IpNet::from(self.0)).trunc()
    }
}

impl fmt::Display for ClientIp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Why the caller's address is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientIpError {
    /// The peer is a trusted proxy that named nobody.
    Missing,
    /// An element that had to be read is not an address, or the peer that would be the client has none any more.
    Unreadable,
}

/// The caller behind a trusted proxy that asks about a request.
///
/// # Errors
/// [`ClientIpError::Missing`] when no address is listed, [`ClientIpError::Unreadable`] when one that counts is not one.
pub fn behind_proxy(headers: &HeaderMap, trusted: &TrustedProxies) -> Result<ClientIp, ClientIpError> {
    let mut lines = headers.get_all(&FORWARDED_FOR).map(|line| line.as_bytes());
    let first = lines.next().unwrap_or_default();
    // The iterator cannot be walked backwards; there is one line in all but hostile requests.
    let others: Vec<&[u8]> = lines.collect();
    let mut leftmost = None;
    for line in others.into_iter().rev().chain([first]) {
        let mut rest = Some(line);
        while let Some(line) = rest {
            let comma = line.iter().rposition(|byte| *byte == b',');
            let element = trim_blanks(&line[comma.map_or(0, |comma| comma + 1)..]);
            rest = comma.map(|comma| &line[..comma]);
            if element.is_empty() {
                continue;
            }
            let address = parse_element(element).ok_or(ClientIpError::Unreadable)?;
            if !trusted.contains(address) {
                return Ok(ClientIp(address));
            }
            leftmost = Some(address);
        }
    }
    leftmost.map(ClientIp).ok_or(ClientIpError::Missing)
}

/// The caller of samehand's own pages: a peer that is not a trusted proxy, or a proxy that names nobody, is itself the
/// client; a Unix socket has no address of its own.
///
/// # Errors
/// As [`behind_proxy`]; `Missing` only for a Unix socket.
pub fn of_page(headers: &HeaderMap, peer: Peer, trusted: &TrustedProxies) -> Result<ClientIp, ClientIpError> {
    match peer {
        Peer::Tcp(address) if !trusted.contains(address) => return Ok(ClientIp(address.to_canonical())),
        Peer::Unknown => return Err(ClientIpError::Unreadable),
        Peer::Tcp(_) | Peer::Unix => {}
    }
    match (behind_proxy(headers, trusted), peer) {
        (Err(ClientIpError::Missing), Peer::Tcp(address)) => Ok(ClientIp(address.to_canonical())),
        (outcome, _) => outcome,
    }
}

/// Reads `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1`, `[2001:db8::1]` and `[2001:db8::1]:80`, canonical. No octal, short or
/// decimal IPv4 forms. A zone, as in `fe80::1%eth0`, is left out.
#[must_use]
pub fn parse_element(element: &[u8]) -> Option<IpAddr> {
    // Nearly every one is of this kind, and what is not is read with more care.
    if let Some(address) = dotted(element) {
        return Some(IpAddr::V4(address));
    }
    let text = std::str::from_utf8(element).ok()?;
    let address = if let Some(rest) = text.strip_prefix('[') {
        let (address, after) = rest.split_once(']')?;
        if !after.is_empty() {
            parse_port(after.strip_prefix(':')?)?;
        }
        IpAddr::V6(without_zone(address)?.parse::<Ipv6Addr>().ok()?)
    } else if let Some(address) = parse_address(text) {
        address
    } else {
        let (address, port) = text.split_once(':')?;
        parse_port(port)?;
        IpAddr::V4(address.parse().ok()?)
    };
    Some(address.to_canonical())
}

/// Reads an address alone, without brackets and port: one that a person or a back end wrote. A zone is left out.
#[must_use]
pub fn parse_address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address);
    }
    without_zone(text)?.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}

/// An IPv6 address without its zone, which names a link of the machine that wrote it (RFC 4007 section 11): `fe80::1%eth0`,
/// or `fe80::1%25eth0` as addresses of pages have it (RFC 6874). It says nothing about the client, whom two proxies would
/// call by two zones. Nothing where the zone is no zone.
#[must_use]
pub fn without_zone(text: &str) -> Option<&str> {
    let Some((address, zone)) = text.split_once('%') else { return Some(text) };
    let is_of_zones = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    let zone = zone.strip_prefix("25").filter(|rest| !rest.is_empty()).unwrap_or(zone);
    let is_zone = (1..=LONGEST_ZONE).contains(&zone.len()) && zone.bytes().all(is_of_zones);
    is_zone.then_some(address)
}

/// Four decimal numbers without zeros in front.
fn dotted(element: &[u8]) -> Option<Ipv4Addr> {
    let (mut octets, mut place, mut digits) = ([0_u8; 4], 0, 0);
    for byte in element {
        match byte {
            b'.' if digits > 0 && place < 3 => (place, digits) = (place + 1, 0),
            b'0'..=b'9' if digits == 0 || octets[place] > 0 => {
                octets[place] = octets[place].checked_mul(10)?.checked_add(byte - b'0')?;
                digits += 1;
            }
            _ => return None,
        }
    }
    (place == 3 && digits > 0).then_some(octets.into())
}

fn parse_port(digits: &str) -> Option<u16> {
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn trusted() -> TrustedProxies {
        TrustedProxies::new(["127.0.0.0/8", "10.0.0.0/8", "2001:db8:ffff::/48"].map(|text| text.parse().unwrap()))
    }

    fn lines(lines: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR.clone(), HeaderValue::from_str(line).unwrap());
        }
        headers
    }

    #[track_caller]
    fn behind(sent: &[&str], expected: &str) {
        let found = match behind_proxy(&lines(sent), &trusted()) {
            Ok(client) => client.to_string(),
            Err(ClientIpError::Missing) => "missing".into(),
            Err(ClientIpError::Unreadable) => "unreadable".into(),
        };
        assert_eq!(found, expected, "{sent:?}");
    }

    #[test]
    fn the_first_untrusted_hop_from_the_right_is_the_client() {
        behind(&["192.0.2.1"], "192.0.2.1");
        behind(&["6.6.6.6, 192.0.2.1"], "192.0.2.1");
        behind(&["6.6.6.6,192.0.2.1,10.0.0.9"], "192.0.2.1");
        behind(&["6.6.6.6", "192.0.2.1, 10.1.1.1", "127.0.0.1"], "192.0.2.1");
        behind(&["garbage, 192.0.2.1"], "192.0.2.1");
        behind(&[" , 192.0.2.1 ,, "], "192.0.2.1");
    }

    #[test]
    fn lines_without_an_address_name_nobody() {
        for nobody in [&[][..], &[""], &[" \t "], &[" , ,"], &[",", " "]] {
            behind(nobody, "missing");
        }
        behind(&[",", "192.0.2.1 ,"], "192.0.2.1");
    }

    #[test]
    fn when_every_hop_is_trusted_the_leftmost_is_the_client() {
        behind(&["10.0.0.1, 10.0.0.2"], "10.0.0.1");
        behind(&["127.0.0.1"], "127.0.0.1");
    }

    #[test]
    fn an_unreadable_hop_that_counts_is_a_refusal() {
        for bad in [
            "unknown",
            "_hidden",
            "1.2.3",
            "01.2.3.4",
            "0x7f.0.0.1",
            "16909060",
            "1.2.3.4:x",
            "1.2.3.4:",
            "1.2.3.4:99999",
            "1.2.3.4:+80",
            "[1.2.3.4]",
            "[::1",
            "::1]",
            "[::1]80",
            "[::1]:",
            "fe80::1%",
            "fe80::1%eth 0",
            "fe80::1%eth0%eth1",
            "fe80::1%eth0:80",
            "fe80::1%eth0/64",
            "[fe80::1%eth0",
            "[fe80::1]%eth0",
            "192.0.2.1%eth0",
            "2001:db8::1:80:x",
            "\"1.2.3.4\"",
            "1.2.3.4 5.6.7.8",
            "for=1.2.3.4",
        ] {
            behind(&[bad], "unreadable");
            behind(&[&format!("192.0.2.1, {bad}")], "unreadable");
            behind(&[&format!("192.0.2.1, {bad}, 10.0.0.1")], "unreadable");
        }
    }

    #[test]
    fn an_address_has_many_spellings_and_one_form() {
        for spelling in ["192.0.2.1", "192.0.2.1:443", "::ffff:192.0.2.1", "[::ffff:192.0.2.1]:443", "::ffff:c000:201"]
        {
            behind(&[spelling], "192.0.2.1");
        }
        for spelling in ["2001:db8::1", "2001:DB8:0:0:0:0:0:1", "[2001:db8::1]", "[2001:0db8::0001]:8080"] {
            behind(&[spelling], "2001:db8::1");
        }
        behind(&["192.0.2.1, ::ffff:10.0.0.1"], "192.0.2.1");
        behind(&["192.0.2.1, [2001:db8:ffff::5]:9"], "192.0.2.1");
    }

    #[test]
    fn a_zone_is_left_out() {
        for spelling in [
            "fe80::1",
            "fe80::1%eth0",
            "FE80::1%12",
            "[fe80::1%eth0]",
            "[fe80::1%25eth0]:443",
            "[fe80:0:0:0:0:0:0:1%br-lan.7]:9",
            "fe80::1%25eth0",
            "fe80::1%25",
        ] {
            behind(&[spelling], "fe80::1");
            behind(&[&format!("6.6.6.6, {spelling}, 10.0.0.1")], "fe80::1");
        }
        behind(&["192.0.2.1, 2001:db8:ffff::5%eth0"], "192.0.2.1");
        behind(&[&format!("fe80::1%{}", "z".repeat(64))], "fe80::1");
        behind(&[&format!("fe80::1%{}", "z".repeat(65))], "unreadable");
    }

    #[test]
    fn four_numbers_are_read_as_everybody_reads_them() {
        let pieces = [
            "0", "1", "9", "00", "01", "10", "010", "99", "100", "255", "256", "300", "999", "1000", "", "+1", "a",
            " 1",
        ];
        for first in pieces {
            for last in pieces {
                for text in [
                    format!("{first}.2.3.{last}"),
                    format!("1.{first}.{last}.4"),
                    format!("{first}.{last}"),
                    format!("1.2.3.{first}.{last}"),
                    format!(".{first}.2.{last}."),
                ] {
                    assert_eq!(dotted(text.as_bytes()), text.parse().ok(), "{text}");
                }
            }
        }
    }

    #[test]
    fn bytes_beyond_ascii_are_unreadable() {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_bytes(b"192.0.2.1\xe2\x80\x80").unwrap();
        headers.append(FORWARDED_FOR.clone(), value);
        assert_eq!(behind_proxy(&headers, &trusted()), Err(ClientIpError::Unreadable));
    }

    #[test]
    fn a_page_is_also_asked_for_directly() {
        let direct = Peer::Tcp("192.0.2.9".parse().unwrap());
        let proxy = Peer::Tcp("127.0.0.1".parse().unwrap());
        let row = |sent: &[&str], peer| of_page(&lines(sent), peer, &trusted()).map(|client| client.to_string());
        assert_eq!(row(&["6.6.6.6"], direct).unwrap(), "192.0.2.9");
        assert_eq!(row(&[], direct).unwrap(), "192.0.2.9");
        assert_eq!(row(&["6.6.6.6"], proxy).unwrap(), "6.6.6.6");
        assert_eq!(row(&[], proxy).unwrap(), "127.0.0.1");
        assert_eq!(row(&["unknown"], proxy), Err(ClientIpError::Unreadable));
        assert_eq!(row(&["6.6.6.6"], Peer::Unix).unwrap(), "6.6.6.6");
        assert_eq!(row(&[], Peer::Unix), Err(ClientIpError::Missing));
        assert_eq!(row(&["6.6.6.6"], Peer::Unknown), Err(ClientIpError::Unreadable));
        assert_eq!(row(&[], Peer::Unknown), Err(ClientIpError::Unreadable));
    }
}
