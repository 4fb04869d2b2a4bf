//! Environment and file to a valid [`Config`], or the full list of what is wrong.
//!
//! [`load`] gathers (`sources`), puts defaults underneath (`settings`, `raw`), validates one concern per file, and
//! reports everything it found at once. It never opens a socket, never creates a file, and never shows a secret.

mod binding;
mod choices;
mod cookie;
pub(crate) mod duration;
mod findings;
mod lifetimes;
mod listeners;
mod protection;
mod proxies;
mod proxy_headers;
mod public_url;
mod raw;
mod report;
mod secret_strength;
mod secrets;
mod service;
mod settings;
mod signing;
mod sources;
mod store;
mod suggestions;
#[cfg(test)]
mod tests;
mod toml_file;
mod value_file;
mod weaker;
mod well_known;

use crate::check::policy::{Format, Policy};
use crate::check::return_url::ReturnUrls;
use crate::check::room::Room;
use crate::check::sign_in::SignIn;
use crate::keys::KeySettings;
use crate::secret::Secret;
use crate::store::StoreAddress;
use findings::Findings;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use url::Url;

pub use weaker::{Weaker, weaker};

/// The settings file that is read when none is named and it exists.
pub const DEFAULT_FILE: &str = "/etc/samehand/samehand.toml";

/// What a secret that samehand makes itself is shown as.
const GENERATED: &str = "generated in DATA";

/// Settings that are valid.
pub struct Config {
    /// Where the public side listens.
    pub listen: Vec<ListenAddress>,
    /// Permission bits of Unix sockets.
    pub socket_mode: u32,
    /// Group of Unix sockets.
    pub socket_group: Option<String>,
    /// Where the administration side listens; empty when `off`.
    pub admin_listen: Vec<ListenAddress>,
    /// Token of the administration side.
    pub admin_token: Option<Secret>,
    /// Where users, sessions and revocations are kept.
    pub store: StoreAddress,
    /// How long to go on deciding without the store, in seconds.
    pub store_max_stale: u64,
    /// How long a session may stay unused, in seconds.
    pub session_idle: Option<u64>,
    /// How long entries of the audit trail are kept, in seconds.
    pub audit_ttl: u64,
    /// What the settings say about keys, the directory of generated ones included.
    pub keys: KeySettings,
    /// Lifetime of a token in seconds.
    pub token_ttl: u64,
    /// How decisions are made.
    pub policy: Policy,
    /// How the session cookie is set.
    pub cookie: SessionCookie,
    /// Where browsers reach samehand's pages, without a slash at its end; without it there are none.
    pub public_url: Option<Url>,
    /// Where browsers are sent to sign in; without it they get what API clients get.
    pub sign_in: Option<SignIn>,
    /// Number of worker threads.
    pub workers: usize,
    /// `env_logger` filter.
    pub log: String,
    /// Text or JSON.
    pub log_format: LogFormat,
    /// The settings file that was read; nothing where there was none.
    pub settings_file: Option<PathBuf>,
    /// Whether that file sets anything.
    pub file_sets_something: bool,
    /// Every setting with its value (secrets as `set`) and origin, in the order of the documentation.
    pub report: Vec<ReportedSetting>,
    /// What is allowed but worth a second look.
    pub warnings: Vec<String>,
}

/// One line of `check-config`.
pub struct ReportedSetting {
    /// Full name, such as `SAMEHAND_LISTEN`.
    pub name: &'static str,
    /// Value as text; `set` for a secret; empty when unset.
    pub value: String,
    /// Where it came from: `environment`, `file /path`, `default`.
    pub origin: String,
}

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenAddress {
    /// `ip:port`
    Tcp(SocketAddr),
    /// `unix:/path`
    Unix(PathBuf),
}

/// How the session cookie is set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCookie {
    /// The exact name.
    pub name: String,
    /// The domain in whose hosts it is valid; nothing for the host that set it.
    pub domain: Option<String>,
    /// Whether it travels over TLS only.
    pub secure: bool,
    /// Whether a browser that signs out is told to forget all cookies: not only ours, and not only of this host.
    pub signs_out_everything: bool,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// `key=value`
    Text,
    /// One object a line.
    Json,
}

/// Something wrong with one setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Full name of the setting, such as `SAMEHAND_LISTEN`.
    pub setting: String,
    /// What is wrong and what to write instead; never the value of a secret.
    pub message: String,
}

/// The environment of this process: the one place where it is read.
#[expect(clippy::disallowed_methods, reason = "the settings are what the environment is read for")]
pub fn environment() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os()
}

/// The names of the sockets that systemd passed to this process, in their order: one for each, or fewer. Nothing where none
/// were passed, or to another process (`sd_listen_fds(3)`).
#[must_use]
pub fn names_of_passed_sockets() -> Option<Vec<String>> {
    let find = |name: &str| environment().find(|(own, _)| own == name).and_then(|(_, value)| value.into_string().ok());
    let is_ours = find("LISTEN_PID")?.parse() == Ok(std::process::id());
    find("LISTEN_FDS").filter(|_| is_ours)?;
    Some(find("LISTEN_FDNAMES").unwrap_or_default().split(':').map(str::to_owned).collect())
}

/// Reads and validates all settings. `file` is what `--config` names; without it `SAMEHAND_CONFIG` counts, then
/// [`DEFAULT_FILE`] if it exists. A file without a setting in it is a problem. The error holds every problem there is, in no case the value of a secret.
pub fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Config, Vec<Problem>> {
    load_with_default_file(file, Path::new(DEFAULT_FILE), environment)
}

/// The text in a file that somebody names, without one trailing newline; for what holds a password.
///
/// # Errors
/// What to write instead; it never shows what stands in the file.
pub fn file_value(path: &Path) -> Result<String, String> {
    value_file::value(path, value_file::read(path)?.content)
}

fn load_with_default_file(
    file: Option<&Path>,
    default_file: &Path,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Config, Vec<Problem>> {
    let mut findings = Findings::default();
    let mut given = sources::gather(file, default_file, environment, &mut findings);
    let raw = raw::read(&mut given).map_err(|error| error.to_string());
    let config = findings.keep(settings::CONFIG, raw).and_then(|raw| validate(raw, &given, &mut findings));
    match config {
        Some(config) if findings.problems.is_empty() => Ok(Config { warnings: findings.warnings, ..config }),
        Some(_) | None => Err(findings.problems),
    }
}

/// Every check runs, whatever the others found; only then the parts become one.
fn validate(mut raw: raw::Raw, given: &sources::Given, findings: &mut Findings) -> Option<Config> {
    let listeners = listeners::check(&raw, findings);
    let data = service::data(&raw, given.state_directory.clone());
    let service = service::check(&raw, findings);
    let formats = binding::formats(&raw, findings);
    let binding = binding::check(&raw, formats, findings);
    let store = store::check(&raw, &data, formats, findings);
    let secrets = secrets::check(&mut raw, formats, findings);
    let signing_keys = signing::check(&raw, findings);
    let lifetimes = lifetimes::check(&raw, findings);
    let trusted_proxies = proxies::check(&raw.trusted_proxies, findings);
    let public_urls = public_url::check(&raw, findings);
    let cookie = cookie::check(&raw, public_urls.pages.as_ref(), findings);

    if let (Some(pages), Some(listeners)) = (&public_urls.pages, &listeners) {
        public_url::warn_of_own_port(pages, listeners, findings);
    }

    let (listeners, service, binding) = (listeners?, service?, binding?);
    let (store, signing_keys, lifetimes, cookie) = (store?, signing_keys?, lifetimes?, cookie?);
    let sign_in = sign_in(&public_urls, &cookie);
    let mut effective = BTreeMap::from([
        ("DATA", data.display().to_string()),
        ("STORE", shown_store(&store.address)),
        ("SALT", GENERATED.to_owned()),
        ("ALGORITHM", signing::algorithm_in_use(&signing_keys).to_owned()),
        ("COOKIE_DOMAIN", cookie.shown_domain),
        ("COOKIE_NAME", cookie.name.clone()),
        ("WORKERS", service.workers.to_string()),
    ]);
    if let Some(sign_in) = &sign_in {
        effective.insert("SIGN_IN_URL", sign_in.url.to_string());
    }
    if signing_keys.is_empty() || binding.formats.accept(Format::Article) {
        effective.insert("SECRET", GENERATED.to_owned());
    }
    let policy = Policy {
        trusted_proxies: trusted_proxies?,
        token_from: binding.token_from,
        cookie_name: cookie.name,
        issuer: service.issuer,
        audience: service.audience,
        max_lifetime: lifetimes.session,
        formats: binding.formats,
        require_same: binding.require_same,
        watch: binding.watch,
        header_parts: binding.header_parts,
        certificate_header: binding.certificate_header,
        recipe: binding.recipe,
        dpop_nonce: binding.dpop_nonce,
        enforce: binding.enforce,
    };
    findings.keep("ISSUER", Room::under(&policy).is_enough())?;
    Some(Config {
        listen: listeners.listen,
        socket_mode: listeners.socket_mode,
        socket_group: listeners.socket_group,
        admin_listen: listeners.admin_listen,
        admin_token: secrets.admin_token,
        store: store.address,
        store_max_stale: store.max_stale,
        session_idle: lifetimes.idle,
        audit_ttl: lifetimes.audit,
        keys: KeySettings {
            data,
            store_key: secrets.store_key,
            secret: secrets.secret,
            secret_previous: secrets.secret_previous,
            salt: secrets.salt,
            salt_previous: secrets.salt_previous,
            signing_keys,
            accept_article: binding.formats.accept(Format::Article),
            max_lifetime: lifetimes.session,
        },
        token_ttl: lifetimes.token,
        policy,
        cookie: cookie.session,
        public_url: public_urls.pages.map(|pages| pages.url),
        sign_in,
        workers: service.workers,
        log: service.log,
        log_format: service.log_format,
        settings_file: given.settings_file.clone(),
        file_sets_something: given.file_sets_something,
        report: report::lines(given, &effective),
        warnings: Vec::new(),
    })
}

impl Config {
    /// What is wrong when these settings, read again, are without what a file said to the old ones: the file is gone, or
    /// empty, as an editor leaves it for a moment. That would else count as "all defaults".
    #[must_use]
    pub fn lost_file(&self, old: &Self) -> Option<Problem> {
        let lost = old.settings_file.as_ref().filter(|_| old.file_sets_something)?.display();
        let message = match (&self.settings_file, self.file_sets_something) {
            (None, _) => {
                format!(
                    "{lost} was read before and is missing now; put it back, or restart the service to go on without it"
                )
            }
            (Some(_), false) => format!(
                "{lost} had settings before and has none now; write them into it again, or restart the service to go on \
                 without them"
            ),
            (Some(_), true) => return None,
        };
        Some(Problem { setting: format!("{}{}", settings::PREFIX, settings::CONFIG), message })
    }
}

/// Where browsers sign in, and go from there.
fn sign_in(urls: &public_url::PublicUrls, cookie: &cookie::Cookie) -> Option<SignIn> {
    let url = urls.sign_in.clone()?;
    let pages = urls.pages.as_ref().map_or_else(|| url.clone(), |pages| pages.url.clone());
    Some(SignIn { url, returns: ReturnUrls::new(pages, cookie.session.domain.clone()) })
}

/// As it is written, but for passwords.
fn shown_store(address: &StoreAddress) -> String {
    match address {
        StoreAddress::Sqlite(_) => String::from("sqlite"),
        StoreAddress::Postgres(_) | StoreAddress::Valkey(_) => address.to_string(),
    }
}
