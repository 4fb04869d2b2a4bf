//! Every setting as text, deserialised by envy; nothing is validated yet.
//!
//! envy only ever sees pairs made here: given values before defaults, names without prefix, nothing empty. Its own
//! reading of the environment panics on text that is not UTF-8, strips a repeated prefix and ignores misspelt names.

use super::settings::{Kind, SETTINGS};
use super::sources::Given;
use crate::secret::Secret;
use serde::{Deserialize, Deserializer};

/// The texts of all settings, given or default. The fields are explained where they are validated.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    pub(super) listen: String,
    pub(super) socket_mode: String,
    pub(super) socket_group: Option<String>,
    pub(super) admin_listen: String,
    #[serde(default, deserialize_with = "secret")]
    pub(super) admin_token: Option<Secret>,
    pub(super) data: Option<String>,
    pub(super) store: String,
    pub(super) store_max_stale: String,
    #[serde(default, deserialize_with = "secret")]
    pub(super) store_key: Option<Secret>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) secret: Option<Secret>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) salt: Option<Secret>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) secret_previous: Option<Secret>,
    #[serde(default, deserialize_with = "secret")]
    pub(super) salt_previous: Option<Secret>,
    pub(super) signing_key_file: Option<String>,
    pub(super) algorithm: Option<String>,
    pub(super) issuer: String,
    pub(super) audience: Option<String>,
    pub(super) token_ttl: String,
    pub(super) session_ttl: String,
    pub(super) session_idle: Option<String>,
    pub(super) audit_ttl: String,
    pub(super) token_from: String,
    pub(super) trusted_proxies: String,
    pub(super) fingerprint: String,
    pub(super) require_same: String,
    pub(super) watch: String,
    pub(super) header_parts: Option<String>,
    pub(super) client_cert_header: Option<String>,
    pub(super) ipv4_prefix: String,
    pub(super) ipv6_prefix: String,
    pub(super) user_agent_match: String,
    pub(super) dpop_nonce: String,
    pub(super) enforce: String,
    pub(super) public_url: Option<String>,
    pub(super) sign_in_url: Option<String>,
    pub(super) cookie_domain: Option<String>,
    pub(super) cookie_name: Option<String>,
    pub(super) clear_site_data: String,
    pub(super) workers: Option<String>,
    pub(super) log: String,
    pub(super) log_format: String,
}

/// Puts the defaults under the given values. Secrets are taken out of `given`, so that no second copy stays in memory.
pub(super) fn read(given: &mut Given) -> Result<Raw, envy::Error> {
    let pairs = SETTINGS.iter().filter_map(|setting| {
        let text = match (given.values.get_mut(setting.name), setting.kind) {
            (Some(value), Kind::Secret) => Some(std::mem::take(&mut value.text)),
            (Some(value), Kind::Text | Kind::List) => Some(value.text.clone()),
            (None, Kind::Secret | Kind::Text | Kind::List) => setting.default.map(str::to_owned),
        };
        text.map(|text| (setting.name.to_owned(), text))
    });
    envy::from_iter(pairs)
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    String::deserialize(deserializer).map(|text| Some(Secret::new(text.into_bytes())))
}
