//! `TRUSTED_PROXIES`: whose forwarded headers are believed. Never takes a name: addresses of names change.

use super::choices::each;
use super::findings::Findings;
use crate::check::client_ip::parse_address;
use crate::check::policy::TrustedProxies;
use ipnet::IpNet;

const NAME: &str = "TRUSTED_PROXIES";

/// Validates the list. Width is judged after `::ffff:0.0.0.0/96` has become the `0.0.0.0/0` that it means.
pub(super) fn check(text: &str, findings: &mut Findings) -> Option<TrustedProxies> {
    let networks = findings.keep(NAME, each(text, network))?;
    let trusted = TrustedProxies::new(networks);
    let too_wide: Vec<String> = trusted.networks().iter().filter_map(|network| refusal(*network)).collect();
    if !too_wide.is_empty() {
        findings.problem(NAME, too_wide.join("; "));
        return None;
    }
    for network in trusted.networks().iter().filter(|network| is_wide(network)) {
        findings.warn(
            NAME,
            format!("{network} is wide: whoever is inside may claim any client address; list the proxies themselves"),
        );
    }
    Some(trusted)
}

fn network(text: &str) -> Result<IpNet, String> {
    let network = match text.split_once('/') {
        None => parse_address(text).map(IpNet::from),
        // RFC 4007 section 11.7: the zone stands before the length.
        Some((address, length)) => {
            let length = length.bytes().all(|byte| byte.is_ascii_digit()).then(|| length.parse().ok()).flatten();
            parse_address(address).zip(length).and_then(|(address, length)| IpNet::new(address, length).ok())
        }
    };
    network.ok_or_else(|| {
        format!("`{text}` is not an address; write the addresses of the proxies, such as 127.0.0.1, ::1 or 10.0.0.8/30")
    })
}

fn refusal(network: IpNet) -> Option<String> {
    let narrowest = match network {
        IpNet::V4(_) => 8,
        IpNet::V6(_) => 16,
    };
    (network.prefix_len() < narrowest).then(|| {
        format!(
            "{network} is wider than /{narrowest}: almost anybody could claim any client address; \
             list the proxies themselves"
        )
    })
}

fn is_wide(network: &IpNet) -> bool {
    match network {
        IpNet::V4(network) => network.prefix_len() < 24,
        IpNet::V6(network) => network.prefix_len() < 64,
    }
}
