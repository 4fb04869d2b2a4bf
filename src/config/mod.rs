//! Environment and file to a valid [`Config`], or the full list of what is wrong.

use crate::check::policy::Policy;
use crate::secret::Secret;
use std::net::SocketAddr;
use std::path::PathBuf;

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
    /// Directory of the embedded store and generated keys.
    pub data: PathBuf,
    /// The embedded store's file.
    pub store: PathBuf,
    /// HMAC signing key, when set.
    pub secret: Option<Secret>,
    /// Still accepted.
    pub secret_previous: Option<Secret>,
    /// Secret of the fingerprint, when set.
    pub salt: Option<Secret>,
    /// Still accepted.
    pub salt_previous: Option<Secret>,
    /// Keys of `SIGNING_KEY_FILE`, the first signs.
    pub signing_keys: Vec<crate::keys::pem::PemKey>,
    /// Lifetime of a token in seconds.
    pub token_ttl: u64,
    /// Longest lifetime in seconds.
    pub session_ttl: u64,
    /// How decisions are made.
    pub policy: Policy,
    /// Number of worker threads.
    pub workers: usize,
    /// `env_logger` filter.
    pub log: String,
    /// Text or JSON.
    pub log_format: LogFormat,
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
