//! The service itself: `DATA`, `WORKERS`, `LOG`, `LOG_FORMAT`, `ISSUER`, `AUDIENCE`. Creates nothing.

use super::LogFormat;
use super::choices::{each, one_of, whole_number};
use super::findings::Findings;
use super::raw::Raw;
use std::path::PathBuf;

/// Where data goes when nobody says.
const DATA_DEFAULT: &str = "./samehand-data";

/// More than the server takes (actix-server), and a slip on any machine.
const MOST_WORKERS: u64 = 512;

/// How the process runs.
pub(super) struct Service {
    pub(super) issuer: String,
    pub(super) audience: Option<String>,
    pub(super) workers: usize,
    pub(super) log: String,
    pub(super) log_format: LogFormat,
}

/// The directory of what samehand keeps for itself.
pub(super) fn data(raw: &Raw, state_directory: Option<PathBuf>) -> PathBuf {
    let given = raw.data.as_ref().map(PathBuf::from);
    given.or(state_directory).unwrap_or_else(|| PathBuf::from(DATA_DEFAULT))
}

/// Validates the settings of this file.
pub(super) fn check(raw: &Raw, findings: &mut Findings) -> Option<Service> {
    let issuer = findings.keep("ISSUER", printable(&raw.issuer));
    let audience = raw.audience.as_deref().map(printable).transpose();
    let audience = findings.keep("AUDIENCE", audience);
    let workers = findings.keep("WORKERS", raw.workers.as_deref().map_or_else(|| Ok(number_of_cores()), workers));
    let log = findings.keep("LOG", log_filter(&raw.log));
    let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
    let log_format = findings.keep("LOG_FORMAT", one_of(&raw.log_format, &formats));
    Some(Service { issuer: issuer?, audience: audience?, workers: workers?, log: log?, log_format: log_format? })
}

fn printable(text: &str) -> Result<String, String> {
    if text.chars().any(char::is_control) {
        return Err(String::from("it holds a control character; write one line of text"));
    }
    Ok(text.to_owned())
}

fn number_of_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(MOST_WORKERS as usize)
}

fn workers(text: &str) -> Result<usize, String> {
    let number = whole_number(text, 1, MOST_WORKERS)?;
    usize::try_from(number).map_err(|error| error.to_string())
}

/// The library that writes every parameter of a statement at `debug`: password hashes, names of sessions, the sealed key ring.
const TELLS_SECRETS: &str = "tokio_postgres";

/// env_logger skips what it cannot read, and the operator would wonder where the lines are.
fn log_filter(text: &str) -> Result<String, String> {
    let levels = ["off", "error", "warn", "info", "debug", "trace"].map(|level| (level, ()));
    let directives = each(text, |directive| {
        let (target, level) = directive.rsplit_once('=').unwrap_or(("samehand", directive));
        let target_is_a_path =
            !target.is_empty() && target.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_:-".contains(&byte));
        if !target_is_a_path {
            return Err(format!(
                "`{target}` is not a target; write a level, or target=level such as samehand::http=debug"
            ));
        }
        let level = level.to_ascii_lowercase();
        one_of(&level, &levels)?;
        // A target means everything that begins with it.
        let is_told_secrets = target.starts_with(TELLS_SECRETS) || TELLS_SECRETS.starts_with(target);
        if is_told_secrets && ["debug", "trace"].contains(&level.as_str()) {
            return Err(format!(
                "`{directive}` would write password hashes and keys into the log; write {TELLS_SECRETS}=info at most"
            ));
        }
        Ok(directive.to_owned())
    })?;
    Ok(directives.join(","))
}
