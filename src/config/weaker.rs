//! What protects less after the settings were read again than before: a setting each, with its old and new value, in
//! words. Never judges what is set at the start, and never shows the value of a secret.

use super::Config;
use crate::check::dpop::NonceRule;
use crate::check::policy::{Enforce, Format, Policy, TrustedProxies, UserAgentMatch};
use ipnet::IpNet;

/// One setting that protects less than before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weaker {
    /// Full name, such as `SAMEHAND_REQUIRE_SAME`.
    pub setting: &'static str,
    /// The value before; `set` for a secret, `unset` for none.
    pub old: String,
    /// The value now, in the same way.
    pub new: String,
    /// What that means, as a sentence.
    pub what: String,
}

/// Everything that became weaker from the old settings to the new ones.
#[must_use]
pub fn weaker(old: &Config, new: &Config) -> Vec<Weaker> {
    let (before, after) = (&old.policy, &new.policy);
    let (recipe_before, recipe_after) = (before.recipe, after.recipe);
    let rows = [
        ("SAMEHAND_REQUIRE_SAME", no_longer_required(before, after)),
        ("SAMEHAND_WATCH", no_longer_reported(before, after)),
        ("SAMEHAND_HEADER_PARTS", header_parts(before, after)),
        ("SAMEHAND_CLIENT_CERT_HEADER", certificate_header(before, after)),
        ("SAMEHAND_ENFORCE", enforce(before.enforce, after.enforce)),
        ("SAMEHAND_TRUSTED_PROXIES", proxies(&before.trusted_proxies, &after.trusted_proxies)),
        ("SAMEHAND_IPV4_PREFIX", shorter(recipe_before.ipv4_prefix, recipe_after.ipv4_prefix)),
        ("SAMEHAND_IPV6_PREFIX", shorter(recipe_before.ipv6_prefix, recipe_after.ipv6_prefix)),
        ("SAMEHAND_USER_AGENT_MATCH", user_agent(recipe_before.user_agent, recipe_after.user_agent)),
        ("SAMEHAND_DPOP_NONCE", nonce(before.dpop_nonce, after.dpop_nonce)),
        ("SAMEHAND_FINGERPRINT", formats(before, after)),
        ("SAMEHAND_TOKEN_FROM", token_from(before, after)),
        ("SAMEHAND_AUDIENCE", audience(before, after)),
        ("SAMEHAND_TOKEN_TTL", longer("a token is good for", old.token_ttl, new.token_ttl)),
        ("SAMEHAND_SESSION_TTL", longer("a session lasts", before.max_lifetime, after.max_lifetime)),
        ("SAMEHAND_SESSION_IDLE", idle(old.session_idle, new.session_idle)),
        (
            "SAMEHAND_STORE_MAX_STALE",
            longer("without the store, revocations may stay unknown for", old.store_max_stale, new.store_max_stale),
        ),
        ("SAMEHAND_AUDIT_TTL", audit(old.audit_ttl, new.audit_ttl)),
        ("SAMEHAND_ADMIN_TOKEN", admin_token(old, new)),
        ("SAMEHAND_COOKIE_DOMAIN", cookie_domain(old.cookie.domain.as_deref(), new.cookie.domain.as_deref())),
        ("SAMEHAND_COOKIE_NAME", cookie_name(&old.cookie.name, &new.cookie.name)),
        ("SAMEHAND_PUBLIC_URL", cookie_secure(old.cookie.secure, new.cookie.secure)),
    ];
    let told = |(setting, what): (&'static str, Option<String>)| {
        Some(Weaker { setting, old: shown(old, setting), new: shown(new, setting), what: what? })
    };
    rows.into_iter().filter_map(told).collect()
}

/// As `check-config` prints it.
fn shown(config: &Config, setting: &str) -> String {
    let line = config.report.iter().find(|line| line.name == setting).filter(|line| !line.value.is_empty());
    line.map_or_else(|| String::from("unset"), |line| line.value.clone())
}

fn some(is_weaker: bool, what: &str) -> Option<String> {
    is_weaker.then(|| what.to_owned())
}

/// Parts are compared by their names: the place of a part from a header changes with the list.
fn no_longer_required(before: &Policy, after: &Policy) -> Option<String> {
    let lost = before.require_same.iter().map(|part| before.header_parts.name(part));
    let lost = lost.filter(|name| after.header_parts.named(name).is_none_or(|part| !after.require_same.contains(part)));
    let (watched, lost): (Vec<&str>, Vec<&str>) =
        lost.partition(|name| after.header_parts.named(name).is_some_and(|part| after.watch.contains(part)));
    let mut sentences = Vec::new();
    if !lost.is_empty() {
        sentences.push(format!("a client whose {} changed is no longer refused", listed(&lost)));
    }
    if !watched.is_empty() {
        sentences.push(format!("a client whose {} changed is only reported, and no longer refused", listed(&watched)));
    }
    (!sentences.is_empty()).then(|| sentences.join("; "))
}

fn no_longer_reported(before: &Policy, after: &Policy) -> Option<String> {
    let compared = after.watch.union(after.require_same);
    let lost: Vec<&str> = before
        .watch
        .iter()
        .map(|part| before.header_parts.name(part))
        .filter(|name| after.header_parts.named(name).is_none_or(|part| !compared.contains(part)))
        .collect();
    (!lost.is_empty()).then(|| format!("a client whose {} changed is no longer reported", listed(&lost)))
}

fn header_parts(before: &Policy, after: &Policy) -> Option<String> {
    let header =
        |name: &str| after.header_parts.iter().find(|(_, part)| part.name == name).map(|(_, part)| &part.header);
    let (mut gone, mut moved) = (Vec::new(), Vec::new());
    for (_, part) in before.header_parts.iter() {
        match header(&part.name) {
            None => gone.push(part.name.as_str()),
            Some(now) if *now != part.header => moved.push(part.name.as_str()),
            Some(_) => {}
        }
    }
    let mut sentences = Vec::new();
    if !gone.is_empty() {
        sentences.push(format!("{} is no longer read", listed(&gone)));
    }
    if !moved.is_empty() {
        sentences.push(format!("{} is read from another header, {OVERWRITTEN}", listed(&moved)));
    }
    (!sentences.is_empty()).then(|| sentences.join("; "))
}

const OVERWRITTEN: &str = "which the proxy must overwrite on every request, or clients write it";

fn certificate_header(before: &Policy, after: &Policy) -> Option<String> {
    match (&before.certificate_header, &after.certificate_header) {
        (Some(_), None) => Some(String::from("certificates of clients are no longer read")),
        (Some(before), Some(after)) if before != after => {
            Some(format!("certificates of clients are read from another header, {OVERWRITTEN}"))
        }
        (Some(_) | None, Some(_)) | (None, None) => None,
    }
}

fn enforce(before: Enforce, after: Enforce) -> Option<String> {
    match (before, after) {
        (Enforce::On, Enforce::Report) => Some(String::from("a client that changed is no longer refused")),
        (Enforce::On | Enforce::Report, Enforce::Observe) => Some(String::from("nobody is refused any more")),
        (Enforce::On | Enforce::Report | Enforce::Observe, Enforce::On)
        | (Enforce::Report | Enforce::Observe, Enforce::Report)
        | (Enforce::Observe, Enforce::Observe) => None,
    }
}

/// Two halves of a network are the network.
fn proxies(before: &TrustedProxies, after: &TrustedProxies) -> Option<String> {
    let before = IpNet::aggregate(&before.networks().to_vec());
    let is_new = |network: &&IpNet| !before.iter().any(|known| known.contains(*network));
    let new: TrustedProxies = TrustedProxies::new(after.networks().iter().filter(is_new).copied());
    (!new.networks().is_empty()).then(|| format!("whoever connects from {new} may claim to be any client"))
}

fn shorter(before: u8, after: u8) -> Option<String> {
    (after < before).then(|| format!("more addresses count as the same client: /{after}, before /{before}"))
}

fn user_agent(before: UserAgentMatch, after: UserAgentMatch) -> Option<String> {
    some(after < before, "every version of a browser counts as the same client")
}

fn nonce(before: NonceRule, after: NonceRule) -> Option<String> {
    let is_weaker = match (before, after) {
        (NonceRule::Required, NonceRule::IfPresent) => true,
        (NonceRule::Required | NonceRule::IfPresent, NonceRule::Required)
        | (NonceRule::IfPresent, NonceRule::IfPresent) => false,
    };
    some(is_weaker, "a DPoP proof may have been made before it is needed, since it needs no nonce")
}

fn formats(before: &Policy, after: &Policy) -> Option<String> {
    let (before, after) = (before.formats, after.formats);
    let more =
        [Format::Keyed, Format::Article].into_iter().find(|format| after.accept(*format) && !before.accept(*format));
    let minted = (before.minted == Format::Keyed && after.minted == Format::Article)
        .then(|| String::from("new tokens are bound to address and User-Agent only"));
    let more = more.map(|format| format!("`{}` tokens are accepted, which were refused before", format.name()));
    let sentences: Vec<String> = more.into_iter().chain(minted).collect();
    (!sentences.is_empty()).then(|| sentences.join("; "))
}

fn token_from(before: &Policy, after: &Policy) -> Option<String> {
    let (before, after) = (before.token_from, after.token_from);
    let more = (after.authorization && !before.authorization) || (after.cookie && !before.cookie);
    some(more, "a token is accepted in one more place")
}

fn audience(before: &Policy, after: &Policy) -> Option<String> {
    some(before.audience.is_some() && after.audience.is_none(), "tokens for any audience are accepted")
}

fn longer(what: &str, before: u64, after: u64) -> Option<String> {
    (after > before).then(|| format!("{what} {after} seconds, before {before}"))
}

fn idle(before: Option<u64>, after: Option<u64>) -> Option<String> {
    match (before, after) {
        (Some(before), Some(after)) => longer("a session may stay unused for", before, after),
        (Some(_), None) => Some(String::from("a session that is not used does not end before its time")),
        (None, Some(_) | None) => None,
    }
}

fn audit(before: u64, after: u64) -> Option<String> {
    (after < before).then(|| format!("entries of the audit trail are removed after {after} seconds, before {before}"))
}

fn admin_token(old: &Config, new: &Config) -> Option<String> {
    let is_opened = old.admin_token.is_none() && new.admin_token.is_some();
    some(is_opened, "whoever knows the token may use `/mint` and `/revoke` of the administration side")
}

fn cookie_domain(before: Option<&str>, after: Option<&str>) -> Option<String> {
    let after = after?;
    let was_reached = before.is_some_and(|before| {
        after == before || after.strip_suffix(before).is_some_and(|labels| labels.ends_with('.'))
    });
    (!was_reached).then(|| format!("browsers send the session cookie to every host of {after}"))
}

fn cookie_name(before: &str, after: &str) -> Option<String> {
    some(promise(after) < promise(before), "browsers protect the session cookie less, since its name promises less")
}

/// How much browsers enforce for a cookie of this name.
fn promise(name: &str) -> u8 {
    let name = name.to_ascii_lowercase();
    match (name.starts_with("__host-"), name.starts_with("__secure-")) {
        (true, true | false) => 2,
        (false, true) => 1,
        (false, false) => 0,
    }
}

fn cookie_secure(before: bool, after: bool) -> Option<String> {
    some(before && !after, "the session cookie travels over plain http too")
}

fn listed(names: &[&str]) -> String {
    format!("`{}`", names.join("`, `"))
}
