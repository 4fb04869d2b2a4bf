//! `STORE`, `STORE_MAX_STALE`, `STORE_KEY`: where users, sessions and revocations are kept. Opens nothing.

use super::duration::seconds;
use super::findings::Findings;
use super::raw::Raw;
use crate::check::policy::{Format, Formats};
use crate::store::StoreAddress;
use std::path::Path;

/// Longer than a day is not an outage.
const LONGEST_STALE: u64 = 24 * 60 * 60;

/// Where things are kept.
pub(super) struct StoreSettings {
    pub(super) address: StoreAddress,
    /// In seconds.
    pub(super) max_stale: u64,
}

/// Validates the settings of this file.
pub(super) fn check(
    raw: &Raw,
    data: &Path,
    formats: Option<Formats>,
    findings: &mut Findings,
) -> Option<StoreSettings> {
    let address = findings.keep("STORE", StoreAddress::read(&raw.store, data));
    let max_stale = findings.keep("STORE_MAX_STALE", max_stale(&raw.store_max_stale));
    let address = address?;
    if let Some(host) = address.unverified_host() {
        findings.warn(
            "STORE",
            format!(
                "passwords' hashes and sessions go to {host} over a network, and nothing proves that it is {host} who \
                 answers; write `sslmode=verify-full` (PostgreSQL) or `rediss://` (Valkey, Redis)"
            ),
        );
    }
    if address.is_shared() {
        let article = formats.is_some_and(|formats| formats.accept(Format::Article));
        check_shared_secrets(raw, article, findings);
    }
    Some(StoreSettings { address, max_stale: max_stale? })
}

fn max_stale(text: &str) -> Result<u64, String> {
    let seconds = seconds(text)?;
    if (1..=LONGEST_STALE).contains(&seconds) {
        Ok(seconds)
    } else {
        Err(format!("`{text}` does not fit; write from 1s to 24h"))
    }
}

/// Replicas that each made a secret of their own would refuse each other's tokens.
fn check_shared_secrets(raw: &Raw, article: bool, findings: &mut Findings) {
    if raw.store_key.is_some() {
        return;
    }
    let signs_with_secret = raw.signing_key_file.is_none() || article;
    let missing: Vec<_> = [("SECRET", raw.secret.is_none() && signs_with_secret), ("SALT", raw.salt.is_none())]
        .into_iter()
        .filter_map(|(name, is_missing)| is_missing.then_some(name))
        .collect();
    for name in missing {
        findings.problem(
            name,
            "with a shared store all replicas need the same one, and a generated one would be each replica's own; \
             give SAMEHAND_STORE_KEY (the output of `openssl rand -base64 48`, the same for all) and the store keeps the \
             keys, or give this setting to all replicas",
        );
    }
}
