//! What bindings are worth: warns where a combination of settings that is allowed protects against nothing, or against less
//! than it looks. Never refuses anything.

use super::binding::Binding;
use super::findings::Findings;
use crate::check::dpop::NonceRule;
use crate::check::parts::{Part, Parts};
use crate::check::policy::{Enforce, Format};

/// With fewer bits an address is that of a provider, or of a country.
const NARROWEST: [(&str, u8); 2] = [("IPV4_PREFIX", 16), ("IPV6_PREFIX", 32)];

/// Warns of what protects little.
pub(super) fn check(binding: &Binding, findings: &mut Findings) {
    if binding.formats.accept(Format::Keyed) {
        what_is_required(binding, findings);
        wide_prefixes(binding, findings);
        proofs(binding, findings);
    }
    article_tokens(binding, findings);
    if binding.dpop_nonce == NonceRule::IfPresent {
        let message = "with `off` proofs that were made in advance are good at their time; write `required`";
        findings.warn("DPOP_NONCE", message);
    }
    match binding.enforce {
        Enforce::On => {}
        Enforce::Report => {
            findings.warn("ENFORCE", "with `report` a stolen token is only logged; write `on` to refuse it");
        }
        Enforce::Observe => findings.warn(
            "ENFORCE",
            "OBSERVING ONLY: with `observe` nobody is refused, not even without a token; write `on` to protect",
        ),
    }
}

fn what_is_required(binding: &Binding, findings: &mut Findings) {
    let watched = binding.header_parts.names(binding.watch);
    let reported = match binding.watch.is_empty() {
        true => String::new(),
        false => format!(", and SAMEHAND_WATCH={watched} only reports it"),
    };
    if binding.require_same.is_empty() {
        let message =
            format!("with `none` a stolen token works anywhere{reported}; write ip,user-agent to bind tokens");
        findings.warn("REQUIRE_SAME", message);
    } else if binding.require_same == Parts::NONE.with(Part::UserAgent) {
        let message = format!(
            "with `user-agent` alone a stolen token works anywhere{reported}: whoever copies a token copies the User-Agent \
             with it; add `ip`, or a proof such as `cookie`"
        );
        findings.warn("REQUIRE_SAME", message);
    }
}

/// Only where the address is all there is but for the `User-Agent`, which can be copied.
fn wide_prefixes(binding: &Binding, findings: &mut Findings) {
    let required = binding.require_same;
    let is_address_all = required.iter().all(|part| matches!(part, Part::Ip | Part::UserAgent));
    if !required.contains(Part::Ip) || !is_address_all {
        return;
    }
    let chosen = [binding.recipe.ipv4_prefix, binding.recipe.ipv6_prefix];
    for ((setting, narrowest), bits) in NARROWEST.into_iter().zip(chosen) {
        if bits < narrowest {
            let message = format!(
                "/{bits} is as wide as a provider, and a stolen token works for all its customers; write at least \
                 {narrowest}, or require a proof such as `cookie` and put `ip` into SAMEHAND_WATCH"
            );
            findings.warn(setting, message);
        }
    }
}

fn proofs(binding: &Binding, findings: &mut Findings) {
    let names = &binding.header_parts;
    let only_proofs = |parts: Parts| parts.iter().filter(|part| part.is_proof()).collect::<Parts>();
    let watched = only_proofs(binding.watch);
    if !watched.is_empty() && only_proofs(binding.require_same).is_empty() {
        let watched = names.names(watched);
        let message = format!(
            "a proof that is only watched proves nothing: there are tokens that work without `{watched}`; move it to \
             SAMEHAND_REQUIRE_SAME once every token has it"
        );
        findings.warn("WATCH", message);
    }
    let setting = match (binding.require_same.contains(Part::Cookie), binding.watch.contains(Part::Cookie)) {
        (true, _) => "REQUIRE_SAME",
        (false, true) => "WATCH",
        (false, false) => return,
    };
    let from = binding.token_from;
    if !from.authorization {
        let message = "with SAMEHAND_TOKEN_FROM=cookie `cookie` adds nothing: the token is in a cookie itself, and whoever \
                       has taken that has taken both; write `dpop` or `mtls`, or keep `ip`";
        findings.warn(setting, message);
    } else if from.cookie && binding.require_same.contains(Part::Cookie) {
        let others: Parts = binding.require_same.iter().filter(|part| *part != Part::Cookie).collect();
        let others = if others.is_empty() { "nothing".to_owned() } else { format!("`{}` alone", names.names(others)) };
        let message = format!(
            "`cookie` protects tokens in Authorization only; to one in the session cookie it adds nothing, and that is \
             bound to {others}; if nobody signs in with a page, write SAMEHAND_TOKEN_FROM=authorization"
        );
        findings.warn(setting, message);
    }
}

fn article_tokens(binding: &Binding, findings: &mut Findings) {
    let held_to: Parts = [Part::Ip, Part::UserAgent].into_iter().collect();
    let more: Parts = binding.require_same.iter().filter(|part| !held_to.contains(*part)).collect();
    if binding.formats.accept(Format::Article) && !more.is_empty() {
        let message = format!(
            "article tokens are bound to address and User-Agent and to nothing else: SAMEHAND_REQUIRE_SAME={} does not \
             count for them; remove `article` once the last of them has expired",
            binding.header_parts.names(binding.require_same)
        );
        findings.warn("FINGERPRINT", message);
    }
}
