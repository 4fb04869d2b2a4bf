//! The parts of a client that a token can be bound to, sets of them, and what they are called.
//!
//! Five are built in. Further ones are opaque values that the operator's proxy puts into a header (a TLS fingerprint, a
//! country, a device's name) and that bear the operator's names; a client's own header is never one.

use actix_web::http::header::{HeaderMap, HeaderName};

/// Most parts that come from headers of the proxy.
pub const MAX_HEADER_PARTS: usize = 8;

/// A part of the client that a token is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// The client's address, shortened to the prefix of the [`Recipe`](super::policy::Recipe).
    Ip,
    /// The `User-Agent`.
    UserAgent,
    /// The secret of the proof cookie.
    Cookie,
    /// The key that signs DPoP proofs (RFC 9449).
    Dpop,
    /// The certificate that the client shows to the proxy (RFC 8705).
    Mtls,
    /// A value from a header of the proxy: its position among the [`HeaderParts`].
    Header(HeaderSlot),
}

/// The position of a part among the [`HeaderParts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HeaderSlot(u8);

impl Part {
    /// The parts that every installation knows, in the order in which they are named everywhere.
    pub const BUILT_IN: [Self; 5] = [Self::Ip, Self::UserAgent, Self::Cookie, Self::Dpop, Self::Mtls];

    /// Whether it is something that only the client has, and not something that can be seen and copied.
    #[must_use]
    pub fn is_proof(self) -> bool {
        match self {
            Self::Cookie | Self::Dpop | Self::Mtls => true,
            Self::Ip | Self::UserAgent | Self::Header(_) => false,
        }
    }

    /// The name of a built-in part in settings, tokens, logs and metrics.
    #[must_use]
    pub fn built_in_name(self) -> Option<&'static str> {
        match self {
            Self::Ip => Some("ip"),
            Self::UserAgent => Some("user-agent"),
            Self::Cookie => Some("cookie"),
            Self::Dpop => Some("dpop"),
            Self::Mtls => Some("mtls"),
            Self::Header(_) => None,
        }
    }

    fn bit(self) -> u16 {
        let position = match self {
            Self::Ip => 0,
            Self::UserAgent => 1,
            Self::Cookie => 2,
            Self::Dpop => 3,
            Self::Mtls => 4,
            Self::Header(HeaderSlot(slot)) => 5 + slot,
        };
        1 << position
    }
}

/// A set of [`Part`]s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Parts(u16);

impl Parts {
    /// No part.
    pub const NONE: Self = Self(0);

    /// Adds a part.
    #[must_use]
    pub fn with(self, part: Part) -> Self {
        Self(self.0 | part.bit())
    }

    /// Whether the part is in the set.
    #[must_use]
    pub fn contains(self, part: Part) -> bool {
        self.0 & part.bit() != 0
    }

    /// The parts in both sets.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The parts in either set.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the set is empty.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The parts: the built-in ones in their order, then those from headers.
    pub fn iter(self) -> impl Iterator<Item = Part> {
        all().filter(move |part| self.contains(*part))
    }
}

fn all() -> impl Iterator<Item = Part> {
    // There are at most eight, see `MAX_HEADER_PARTS`.
    Part::BUILT_IN.into_iter().chain((0..8).map(|slot| Part::Header(HeaderSlot(slot))))
}

impl FromIterator<Part> for Parts {
    fn from_iter<I: IntoIterator<Item = Part>>(parts: I) -> Self {
        parts.into_iter().fold(Self::NONE, Self::with)
    }
}

/// Whether a part from a header may be called so: 1 to 32 of `a-z0-9-`.
#[must_use]
pub fn is_part_name(name: &str) -> bool {
    (1..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// A part that the operator has named, and the header of the proxy that it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderPart {
    /// See [`is_part_name`]; no name of a built-in part.
    pub name: String,
    /// Set, and so overwritten, by the proxy on every request.
    pub header: HeaderName,
}

/// The parts that come from headers of the proxy, in the order of the setting; and the names of all parts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderParts(Vec<HeaderPart>);

impl HeaderParts {
    /// Takes at most [`MAX_HEADER_PARTS`]; nothing for more.
    #[must_use]
    pub fn new(parts: Vec<HeaderPart>) -> Option<Self> {
        (parts.len() <= MAX_HEADER_PARTS).then_some(Self(parts))
    }

    /// Every one, with its place in sets.
    pub fn iter(&self) -> impl Iterator<Item = (Part, &HeaderPart)> {
        (0..).zip(&self.0).map(|(slot, part)| (Part::Header(HeaderSlot(slot)), part))
    }

    /// The first whose header stands on several lines, of which the proxy has written one.
    #[must_use]
    pub fn ambiguous(&self, headers: &HeaderMap) -> Option<Part> {
        self.iter().find(|(_, part)| headers.get_all(&part.header).nth(1).is_some()).map(|(part, _)| part)
    }

    /// The part of this name, built in or not.
    #[must_use]
    pub fn named(&self, name: &str) -> Option<Part> {
        let built_in = Part::BUILT_IN.into_iter().find(|part| part.built_in_name() == Some(name));
        built_in.or_else(|| self.iter().find(|(_, part)| part.name == name).map(|(part, _)| part))
    }

    /// What a part is called in settings, logs and metrics.
    #[must_use]
    pub fn name(&self, part: Part) -> &str {
        match part {
            Part::Header(HeaderSlot(slot)) => self.0.get(usize::from(slot)).map_or("", |part| part.name.as_str()),
            Part::Ip | Part::UserAgent | Part::Cookie | Part::Dpop | Part::Mtls => {
                part.built_in_name().unwrap_or_default()
            }
        }
    }

    /// What the parts of a set are called, separated by commas.
    #[must_use]
    pub fn names(&self, parts: Parts) -> String {
        parts.iter().map(|part| self.name(part)).collect::<Vec<_>>().join(",")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn headers() -> HeaderParts {
        let part = |name: &str, header| HeaderPart { name: name.into(), header: HeaderName::from_static(header) };
        HeaderParts::new(vec![part("ja4", "x-ja4"), part("country", "x-country")]).unwrap()
    }

    #[test]
    fn parts_are_named_in_one_order() {
        let headers = headers();
        let parts: Parts =
            ["country", "mtls", "user-agent", "ja4", "ip"].iter().map(|name| headers.named(name).unwrap()).collect();
        assert_eq!(headers.names(parts), "ip,user-agent,mtls,ja4,country");
        assert_eq!(headers.named("asn"), None);
    }

    #[test]
    fn two_lines_are_ambiguous_even_when_they_are_equal_or_empty() {
        let ambiguous = |lines: &[(&'static str, &'static str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in lines {
                map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            headers().ambiguous(&map).map(|part| headers().name(part).to_owned())
        };
        assert_eq!(ambiguous(&[]), None);
        assert_eq!(ambiguous(&[("x-ja4", "t13"), ("x-country", ""), ("x-other", "1"), ("x-other", "2")]), None);
        assert_eq!(ambiguous(&[("x-ja4", "t13"), ("x-country", "eo"), ("x-country", "eo")]), Some("country".into()));
        assert_eq!(ambiguous(&[("x-ja4", ""), ("x-ja4", "")]), Some("ja4".into()));
    }

    #[test]
    fn every_part_has_a_place_of_its_own() {
        let parts: Vec<Part> = all().collect();
        assert_eq!(parts.len(), Part::BUILT_IN.len() + MAX_HEADER_PARTS);
        for part in &parts {
            let alone = Parts::NONE.with(*part);
            assert_eq!(alone.iter().collect::<Vec<_>>(), [*part]);
        }
    }
}
