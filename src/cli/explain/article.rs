//! What went wrong with an article token that is refused because its client changed.
//!
//! Its one hash cannot say what differs, but it can be compared with what the mistakes of such services would have
//! made: minting with the address of the proxy, or with `X-Forwarded-For` as it stands there. Never decides anything.

use crate::check::client_ip::{ClientIp, Peer, parse_element};
use crate::check::credential::{self, Presented};
use crate::check::decision::Reason;
use crate::check::forwarded::FORWARDED_FOR;
use crate::check::policy::{Format, Policy};
use crate::check::token::danger_unverified;
use crate::check::{Gate, Judgement, Question};
use std::net::IpAddr;

/// The mistake that made this token, if it is one of those.
pub(super) fn hint(question: &Question<'_>, judgement: &Judgement<'_>, gate: &Gate) -> Option<String> {
    let seen = &judgement.seen;
    if (judgement.reason, seen.format) != (Reason::ClientChanged, Some(Format::Article)) {
        return None;
    }
    let (client, user_agent) = (seen.client_ip?, seen.user_agent?);
    let claimed = claimed_fingerprint(question, &gate.policy)?;
    let made_with = |text: &str| gate.fingerprints.iter().any(|key| key.article(text, user_agent) == claimed);
    let lines: Vec<&str> = question.headers.get_all(&FORWARDED_FOR).filter_map(|line| line.to_str().ok()).collect();
    let raw = lines.join(", ");
    if made_with(&raw) {
        return Some(mint_with("the raw text of X-Forwarded-For", client));
    }
    let made_with_address = |address: &IpAddr| spellings(*address).iter().any(|spelling| made_with(spelling));
    if let Some(proxy) = proxies(question.peer, &gate.policy).into_iter().find(made_with_address) {
        return Some(mint_with(&format!("{proxy}, a proxy's own address"), client));
    }
    let mut listed = raw.split(',').filter_map(|element| parse_element(element.trim().as_bytes()));
    let element = listed.find(made_with_address)?;
    let what = match gate.policy.trusted_proxies.contains(element) {
        true => format!("{element}, a proxy's own address"),
        false => format!("{element}, which X-Forwarded-For lists farther left than the client"),
    };
    Some(mint_with(&what, client))
}

fn mint_with(wrong: &str, client: ClientIp) -> String {
    format!("the token was made with {wrong}; mint with the client's address, {client}")
}

/// The `fingerprint` claim of the one token of the request. Of several cookies none is chosen from.
fn claimed_fingerprint(question: &Question<'_>, policy: &Policy) -> Option<String> {
    let Ok(Presented::One(token)) = credential::read(question.headers, policy) else { return None };
    let claims = danger_unverified(std::str::from_utf8(token.bytes()).ok()?).1?;
    Some(claims.get("fingerprint")?.as_str()?.to_owned())
}

/// The addresses that connections of a proxy come from, as far as they are known one by one.
fn proxies(peer: Peer, policy: &Policy) -> Vec<IpAddr> {
    let peer = match peer {
        Peer::Tcp(address) => Some(address.to_canonical()),
        Peer::Unix | Peer::Unknown => None,
    };
    let networks = policy.trusted_proxies.networks().iter();
    let single = networks.filter(|network| network.prefix_len() == network.max_prefix_len());
    peer.into_iter().chain(single.map(|network| network.addr())).collect()
}

/// An address as Node writes it, on a socket of its own family and on a dual-stack one.
fn spellings(address: IpAddr) -> Vec<String> {
    match address {
        IpAddr::V4(v4) => vec![v4.to_string(), format!("::ffff:{v4}")],
        IpAddr::V6(v6) => vec![v6.to_string()],
    }
}
