//! From the URL of a database to what the driver needs. Connects to nothing, and repeats no part of the URL in a message.
//!
//! `sslmode` means what `libpq` means by it, except that whoever asks for TLS gets a server that was verified:
//! - `disable`: no TLS;
//! - `prefer`, the default: TLS where the server has it, whoever the server is. It keeps listeners out and nobody else;
//! - `require`, `verify-ca`, `verify-full`: TLS, with a certificate for this host name by an authority that this system
//!   trusts, or by the one in the file `sslrootcert`.

use super::tls::{self, Roots};
use std::time::Duration;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;
use url::form_urlencoded;

/// How long one host may take to accept a connection.
pub(super) const CONNECT: Duration = Duration::from_secs(1);
/// A connection on which nothing comes is asked after so long whether it still is one.
const KEEPALIVE: Duration = Duration::from_secs(10);

const SHAPE: &str = "write postgres://USER:PASSWORD@HOST:PORT/DATABASE, options after a `?` as in \
     `?sslmode=verify-full&sslrootcert=/etc/ssl/ca.pem`, and other characters than letters and digits in the password \
     percent-encoded (`@` as %40, `?` as %3F, `%` as %25)";

/// What the driver needs.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
}

/// Reads the URL.
///
/// # Errors
/// What to write instead.
pub(super) fn read(url: &str) -> Result<Target, String> {
    // The driver takes the first `@` for the end of the password; what follows would stand in messages of the server.
    let at = url.find('@');
    if at.is_some() && (url.rfind('@') != at || url.find('?') < at && url.contains('?')) {
        return Err(format!("the address has a `@` or `?` in an unusual place; {SHAPE}"));
    }
    let (rest, query) = url.split_once('?').unwrap_or((url, ""));
    let (mut ssl_mode, mut roots, mut others) = ("prefer", Roots::System, Vec::new());
    for option in query.split('&').filter(|option| !option.is_empty()) {
        match option.split_once('=') {
            Some(("sslmode", mode)) => ssl_mode = mode,
            Some(("sslrootcert", "system")) => roots = Roots::System,
            Some(("sslrootcert", path)) => roots = Roots::File(decode(path)),
            Some(_) | None => others.push(option),
        }
    }
    let reduced = format!("{rest}?{}", others.join("&"));
    let unreadable = |_| format!("the address cannot be read, or has an option that is not known; {SHAPE}");
    let mut config: Config = reduced.parse().map_err(unreadable)?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(format!("the address names no host; {SHAPE}"));
    }
    let (mode, tls) = match ssl_mode {
        "disable" => (SslMode::Disable, tls::unverified()?),
        "prefer" => (SslMode::Prefer, tls::unverified()?),
        "require" | "verify-ca" | "verify-full" => (SslMode::Require, tls::verified(&roots)?),
        _ => return Err("sslmode is none; write disable, prefer, require or verify-full".into()),
    };
    config.ssl_mode(mode).connect_timeout(CONNECT).keepalives_idle(KEEPALIVE).tcp_user_timeout(KEEPALIVE);
    // A standby lags behind: it would not know what was just revoked.
    config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    if config.get_application_name().is_none() {
        config.application_name("samehand");
    }
    Ok(Target { config, tls })
}

/// The hosts that are reached without TLS, or with TLS and whoever answers.
pub(in crate::store) fn unverified_hosts(url: &str) -> Vec<String> {
    let Ok(Target { config, .. }) = read(url) else { return Vec::new() };
    if config.get_ssl_mode() == SslMode::Require {
        return Vec::new();
    }
    if !config.get_hostaddrs().is_empty() {
        return config.get_hostaddrs().iter().map(ToString::to_string).collect();
    }
    let hosts = config.get_hosts().iter().filter_map(|host| match host {
        Host::Tcp(name) => Some(name.clone()),
        Host::Unix(_) => None,
    });
    hosts.collect()
}

/// Without percent-encoding. A `+` is a plus in these URLs.
fn decode(text: &str) -> String {
    let text = format!("x={}", text.replace('+', "%2B"));
    form_urlencoded::parse(text.as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refuses(url: &str, said: &str) {
        let problem = read(url).err().unwrap_or_else(|| panic!("{url} is accepted"));
        assert!(problem.contains(said) && !problem.contains("s3cret"), "{url}: {problem}");
    }

    #[test]
    fn an_address_is_read_with_its_options() {
        let Target { config, .. } =
            read("postgres://same:p%40ss%3F@db.example.com:5433/store?sslmode=disable&application_name=x").unwrap();
        assert_eq!(config.get_hosts(), [Host::Tcp("db.example.com".into())]);
        assert_eq!((config.get_user(), config.get_password()), (Some("same"), Some(&b"p@ss?"[..])));
        assert_eq!((config.get_ports(), config.get_dbname()), (&[5433][..], Some("store")));
        assert_eq!((config.get_ssl_mode(), config.get_application_name()), (SslMode::Disable, Some("x")));
        let Target { config, .. } = read("postgresql://db/store").unwrap();
        assert_eq!((config.get_ssl_mode(), config.get_application_name()), (SslMode::Prefer, Some("samehand")));
        let Target { config, .. } = read("postgres://%2Frun%2Fpostgresql/store?sslmode=disable").unwrap();
        assert_eq!(config.get_hosts(), [Host::Unix("/run/postgresql".into())]);
    }

    #[test]
    fn nobody_reads_from_a_standby() {
        let config = read("postgres://one,two/store?target_session_attrs=any").unwrap().config;
        assert_eq!(config.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
    }

    #[test]
    fn what_cannot_be_read_is_refused_without_being_shown() {
        refuses("postgres://u:s3cret@x@db/store", "%40");
        refuses("postgres://u:s3cret?x@db/store", "%3F");
        refuses("postgres://u:pass@db/store?x=s3cret@", "unusual place");
        refuses("postgres://u:s3cret@db:port/store", "postgres://USER:PASSWORD@HOST");
        refuses("postgres://u:pass@db/store?s3cret=1", "postgres://USER:PASSWORD@HOST");
        refuses("postgres://u:pass@db/store?s3cret", "postgres://USER:PASSWORD@HOST");
        refuses("postgres:///store?user=u&password=s3cret", "names no host");
        refuses("postgres://u:s3cret@db/store?sslmode=allow", "write disable, prefer, require or verify-full");
        refuses("postgres://u:s3cret@db/store?sslmode=require&sslrootcert=%2Fno%2Bwhere.pem", "/no+where.pem");
    }
}
