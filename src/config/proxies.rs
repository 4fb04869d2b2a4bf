//! `TRUSTED_PROXIES`: whose forwarded headers are believed. Never takes a name: addresses of names change.

use super::choices::each;
use super::findings::Findings;
use crate::check::policy::TrustedProxies;
use ipnet::IpNet;
use std::net::IpAddr;

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
    let address = text.parse::<IpAddr>().map(IpNet::from);
    address.or_else(|_| text.parse::<IpNet>()).map_err(|_| {
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
