//! A part of a client as the bytes that are digested.

use super::record::Kind;
use crate::check::observed::{CookieProof, ObservedClient};
use crate::check::parts::HeaderParts;
use crate::check::policy::{Recipe, UserAgentMatch};
use std::net::IpAddr;

/// In front of a value that may be absent.
const ABSENT: u8 = 0;
const PRESENT: u8 = 1;

/// Appends the value of a part: empty for a proof that was not shown, which is no proof's value.
pub(super) fn append(
    message: &mut Vec<u8>,
    kind: &Kind,
    client: &ObservedClient<'_>,
    recipe: Recipe,
    names: &HeaderParts,
) {
    let proofs = &client.proofs;
    match kind {
        Kind::Ip => address(message, client.ip.address(), recipe),
        Kind::UserAgent => match recipe.user_agent {
            UserAgentMatch::Family => client.user_agent.family(message),
            UserAgentMatch::Exact => client.user_agent.exact(message),
        },
        Kind::Cookie => match proofs.cookie {
            CookieProof::Secret(secret) => message.extend(secret.as_bytes()),
            CookieProof::None | CookieProof::Session => {}
        },
        Kind::SessionCookie => match proofs.cookie {
            CookieProof::Session => message.push(PRESENT),
            CookieProof::None | CookieProof::Secret(_) => {}
        },
        Kind::Dpop => message.extend(proofs.key.iter().flat_map(|key| key.as_bytes())),
        Kind::Mtls => message.extend(proofs.certificate.iter().flat_map(|certificate| certificate.as_bytes())),
        Kind::Header(name) => {
            let named = names.iter().find(|(_, part)| part.name == *name);
            let value = named.and_then(|(_, part)| proofs.proxy_headers?.get(&part.header));
            // Some proxies leave an empty header out, others send it: both are absent.
            match value.map(|value| value.as_bytes().trim_ascii()).filter(|value| !value.is_empty()) {
                Some(value) => {
                    message.push(PRESENT);
                    message.extend(value);
                }
                None => message.push(ABSENT),
            }
        }
    }
}

/// Family byte, prefix length, and the address with its host bits cleared.
fn address(message: &mut Vec<u8>, address: IpAddr, recipe: Recipe) {
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(recipe.ipv4_prefix)).unwrap_or(0);
            message.extend([4, recipe.ipv4_prefix]);
            message.extend((v4.to_bits() & mask).to_be_bytes());
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(recipe.ipv6_prefix)).unwrap_or(0);
            message.extend([6, recipe.ipv6_prefix]);
            message.extend((v6.to_bits() & mask).to_be_bytes());
        }
    }
}
