//! What a decision is measured against: values only, built once from the settings and passed to every step.

use super::dpop::NonceRule;
use super::parts::{HeaderParts, Parts};
use actix_web::http::header::HeaderName;
use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;

/// Everything an operator chose about decisions; the settings of the same names explain each field.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Whose forwarded headers are believed.
    pub trusted_proxies: TrustedProxies,
    /// Where a token may travel.
    pub token_from: TokenFrom,
    /// Exact name of the session cookie.
    pub cookie_name: String,
    /// The `iss` of keyed tokens.
    pub issuer: String,
    /// The `aud` that keyed tokens must name, when set.
    pub audience: Option<String>,
    /// Longest accepted `exp - iat`, in seconds.
    pub max_lifetime: u64,
    /// Accepted kinds of fingerprint; the first is minted.
    pub formats: Formats,
    /// Parts of the client that must be the same.
    pub require_same: Parts,
    /// Parts whose change is reported and not refused; never overlaps `require_same`.
    pub watch: Parts,
    /// The parts that the proxy's headers tell.
    pub header_parts: HeaderParts,
    /// The header in which the proxy hands over the client's certificate.
    pub certificate_header: Option<HeaderName>,
    /// How precisely a client is described in keyed fingerprints.
    pub recipe: Recipe,
    /// What holds about the nonce of a DPoP proof.
    pub dpop_nonce: NonceRule,
    /// Whether refusals are carried out.
    pub enforce: Enforce,
}

/// How precisely a client is described. It stands in every keyed fingerprint, so that a token that was minted under
/// a looser recipe is recognised when the recipe is tightened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// Leading bits of an IPv4 address that count, 8 to 32.
    pub ipv4_prefix: u8,
    /// Leading bits of an IPv6 address that count, 16 to 128.
    pub ipv6_prefix: u8,
    /// Whether the family or the exact bytes of the `User-Agent` count.
    pub user_agent: UserAgentMatch,
}

/// How two `User-Agent` values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UserAgentMatch {
    /// Browser family, platform class and mobile flag: survives updates.
    Family,
    /// Byte for byte.
    Exact,
}

/// The kinds of token that are accepted, in the order of the setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formats {
    /// The kind that is minted.
    pub minted: Format,
    /// The other kind that is accepted too, when there is one.
    pub also: Option<Format>,
}

impl Formats {
    /// Whether tokens of this kind are accepted.
    #[must_use]
    pub fn accept(self, format: Format) -> bool {
        self.minted == format || self.also == Some(format)
    }
}

/// A kind of token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Keyed fingerprint with a digest per part; has a `kid`.
    Keyed,
    /// `sha256(salt + ip + user-agent)` as the 2023 article mints it; has no `kid`.
    Article,
}

impl Format {
    /// The name in settings and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Keyed => "keyed",
            Self::Article => "article",
        }
    }
}

/// Where a token may travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenFrom {
    /// In `Authorization: Bearer`.
    pub authorization: bool,
    /// In the session cookie.
    pub cookie: bool,
}

/// Whether refusals are carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforce {
    /// Yes.
    On,
    /// Never because the client changed.
    Report,
    /// Never, to a readable question from a trusted proxy.
    Observe,
}

/// The addresses of the proxies whose forwarded headers are believed. Held in canonical form: an IPv4-mapped network
/// is stored as IPv4, so that a comparison can never miss because of a spelling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedProxies {
    networks: Vec<IpNet>,
    /// The same as network and mask, by family: so a request compares with them.
    v4: Vec<(u32, u32)>,
    v6: Vec<(u128, u128)>,
}

impl TrustedProxies {
    /// Takes networks over; IPv4-mapped IPv6 networks become IPv4, host bits are dropped.
    #[must_use]
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Self {
        let networks: Vec<IpNet> = networks.into_iter().map(canonical_network).collect();
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for network in &networks {
            match network {
                IpNet::V4(network) => v4.push((network.network().to_bits(), network.netmask().to_bits())),
                IpNet::V6(network) => v6.push((network.network().to_bits(), network.netmask().to_bits())),
            }
        }
        Self { networks, v4, v6 }
    }

    /// Whether the address belongs to a trusted proxy.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(address) => self.v4.iter().any(|(network, mask)| address.to_bits() & mask == *network),
            IpAddr::V6(address) => self.v6.iter().any(|(network, mask)| address.to_bits() & mask == *network),
        }
    }

    /// The networks, canonical.
    #[must_use]
    pub fn networks(&self) -> &[IpNet] {
        &self.networks
    }
}

/// As the setting is written.
impl fmt::Display for TrustedProxies {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, network) in self.networks.iter().enumerate() {
            let comma = if position == 0 { "" } else { "," };
            match network.prefix_len() == network.max_prefix_len() {
                true => write!(formatter, "{comma}{}", network.addr())?,
                false => write!(formatter, "{comma}{network}")?,
            }
        }
        Ok(())
    }
}

/// `::ffff:10.0.0.0/104` means `10.0.0.0/8`.
fn canonical_network(network: IpNet) -> IpNet {
    const MAPPED_BITS: u8 = 96;
    let network = network.trunc();
    if let IpNet::V6(v6) = network
        && v6.prefix_len() >= MAPPED_BITS
        && let IpAddr::V4(address) = IpAddr::V6(v6.addr()).to_canonical()
        && let Ok(v4) = ipnet::Ipv4Net::new(address, v6.prefix_len() - MAPPED_BITS)
    {
        return IpNet::V4(v4);
    }
    network
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::check::parts::Part;

    /// The defaults of the settings.
    pub(in crate::check) fn usual() -> Policy {
        Policy {
            trusted_proxies: TrustedProxies::new([]),
            token_from: TokenFrom { authorization: true, cookie: true },
            cookie_name: "__Secure-samehand".into(),
            issuer: "samehand".into(),
            audience: None,
            max_lifetime: 2_592_000,
            formats: Formats { minted: Format::Keyed, also: None },
            require_same: [Part::Ip, Part::UserAgent].into_iter().collect(),
            watch: Parts::NONE,
            header_parts: HeaderParts::default(),
            certificate_header: None,
            recipe: Recipe { ipv4_prefix: 32, ipv6_prefix: 64, user_agent: UserAgentMatch::Family },
            dpop_nonce: NonceRule::Required,
            enforce: Enforce::On,
        }
    }

    #[test]
    fn a_mapped_network_is_the_network_it_maps() {
        let trusted = TrustedProxies::new(["::ffff:10.1.2.3/104".parse().unwrap()]);
        assert!(trusted.contains("10.200.0.1".parse().unwrap()));
        assert!(trusted.contains("::ffff:10.0.0.9".parse().unwrap()));
        assert!(!trusted.contains("11.0.0.1".parse().unwrap()));
        let networks = ["192.0.2.7/32", "2001:db8:1::/48", "::1/128", "0.0.0.0/0"].map(|text| text.parse().unwrap());
        for (number, addresses) in [
            (1, &[("192.0.2.7", true), ("192.0.2.6", false), ("2001:db8:1::1", false)][..]),
            (2, &[("2001:db8:1:ffff::1", true), ("2001:db8:2::1", false), ("32.1.13.184", false)]),
            (3, &[("::1", true), ("::2", false), ("0.0.0.1", false)]),
            (4, &[("203.0.113.9", true), ("2001:db8:2::1", false)]),
        ] {
            let trusted = TrustedProxies::new(networks[..number].iter().copied());
            for (address, expected) in addresses {
                assert_eq!(trusted.contains(address.parse().unwrap()), *expected, "{address} in {trusted}");
            }
        }
    }
}
