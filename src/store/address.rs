//! Where a store is: `sqlite`, `postgres://…`, `redis://…`. The address may hold a password, which is never shown.

use super::postgres;
use super::valkey::ValkeyUrl;
use crate::secret::Secret;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// The embedded store's file in `DATA`.
const FILE: &str = "samehand.sqlite";
const POSTGRES: [&str; 2] = ["postgres", "postgresql"];
const VALKEY: [&str; 6] = ["redis", "rediss", "redis-sentinel", "rediss-sentinel", "redis-cluster", "rediss-cluster"];

/// Options of a URL that are shown.
const HARMLESS: [&str; 3] = ["sslmode", "tls-ca", "sentinel-auth"];

/// Where a store is.
#[derive(Clone)]
pub enum StoreAddress {
    /// The embedded store's file.
    Sqlite(PathBuf),
    /// A PostgreSQL database.
    Postgres(StoreUrl),
    /// A Valkey or Redis server, a cluster of them, or what sentinels watch.
    Valkey(StoreUrl),
}

impl StoreAddress {
    /// Reads `sqlite` (in the directory `data`), `sqlite:PATH`, or the URL of a database.
    ///
    /// # Errors
    /// What to write instead; it does not show the text, which may hold a password.
    pub fn read(text: &str, data: &Path) -> Result<Self, String> {
        if text == "sqlite" {
            return Ok(Self::Sqlite(data.join(FILE)));
        }
        if let Some(path) = text.strip_prefix("sqlite:").filter(|path| !path.is_empty()) {
            return Ok(Self::Sqlite(PathBuf::from(path)));
        }
        let scheme = text.split_once("://").map_or("", |(scheme, _)| scheme);
        let url = || StoreUrl { whole: Secret::new(text.as_bytes().to_vec()), shown: without_password(text) };
        match scheme {
            _ if POSTGRES.contains(&scheme) => Ok(Self::Postgres(url())),
            _ if VALKEY.contains(&scheme) => ValkeyUrl::read(text).map(|_| Self::Valkey(url())),
            _ => Err("it is no store; write sqlite, postgres://USER:PASSWORD@HOST/DATABASE, or redis://HOST:6379 \
                 (rediss:// for TLS, redis-sentinel:// and redis-cluster:// with several hosts)"
                .into()),
        }
    }

    /// Whether several machines can use it.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(_) | Self::Valkey(_) => true,
        }
    }

    /// A host to which passwords and keys go over a network, where nobody says that it is this host: no TLS, or TLS with
    /// whoever answers. What cannot be read is refused elsewhere.
    #[must_use]
    pub fn unverified_host(&self) -> Option<String> {
        let hosts = match self {
            Self::Sqlite(_) => Vec::new(),
            Self::Postgres(url) => postgres::unverified_hosts(url.danger_whole()),
            Self::Valkey(url) => ValkeyUrl::read(url.danger_whole()).map_or(Vec::new(), |url| url.unverified_hosts()),
        };
        hosts.into_iter().find(|host| !is_this_machine(host))
    }

    /// Whether both are one place.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Sqlite(own), Self::Sqlite(other)) => own == other,
            (Self::Postgres(own) | Self::Valkey(own), Self::Postgres(other) | Self::Valkey(other)) => {
                own.whole.equals(other.whole.expose())
            }
            (Self::Sqlite(_), Self::Postgres(_) | Self::Valkey(_))
            | (Self::Postgres(_) | Self::Valkey(_), Self::Sqlite(_)) => false,
        }
    }
}

impl fmt::Display for StoreAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(formatter),
            Self::Postgres(url) | Self::Valkey(url) => url.fmt(formatter),
        }
    }
}

fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    address.map_or(host == "localhost" || host.ends_with(".localhost"), |address| address.to_canonical().is_loopback())
}

/// The URL of a database. Its `Display` leaves passwords out.
#[derive(Clone)]
pub struct StoreUrl {
    whole: Secret,
    shown: String,
}

impl StoreUrl {
    /// The whole URL, for the one call that connects.
    #[must_use]
    pub fn danger_whole(&self) -> &str {
        // It was text when it was read.
        std::str::from_utf8(self.whole.expose()).unwrap_or_default()
    }
}

impl fmt::Display for StoreUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown)
    }
}

/// What stands before an `@` may be a password, whatever else is odd about the URL; of the rest, options that are not
/// known to be harmless are left out. Where a part may be one of a password that was not encoded, nothing is shown.
fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
    if query.is_some_and(|query| query.contains('@')) || has_odd_port(rest) {
        return format!("{scheme}://***");
    }
    let (user, rest) = match rest.rsplit_once('@') {
        Some((credentials, rest)) => {
            let user = credentials.split(':').next().unwrap_or_default();
            (format!("{user}:***@"), rest)
        }
        None => (String::new(), rest),
    };
    let harmless = |option: &&str| {
        let name = option.split('=').next().unwrap_or_default();
        HARMLESS.contains(&name)
    };
    let options: Vec<&str> = query.map_or(Vec::new(), |query| query.split('&').filter(harmless).collect());
    let query = if options.is_empty() { String::new() } else { format!("?{}", options.join("&")) };
    format!("{scheme}://{user}{rest}{query}")
}

/// Whether one of the hosts has a port that is none: who forgets the host writes the password in its place.
fn has_odd_port(rest: &str) -> bool {
    let rest = rest.rsplit_once('@').map_or(rest, |(_, rest)| rest);
    let hosts = rest.split('/').next().unwrap_or_default();
    hosts.split(',').any(|host| match host.rsplit_once(':') {
        // In brackets stands an address.
        Some((_, port)) => !port.ends_with(']') && !port.bytes().all(|byte| byte.is_ascii_digit()),
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn shows(text: &str, expected: &str) {
        let address = StoreAddress::read(text, Path::new("/data")).unwrap_or_else(|problem| panic!("{problem}"));
        assert_eq!(address.to_string(), expected);
    }

    #[test]
    fn an_address_shows_no_password() {
        shows("sqlite", "/data/samehand.sqlite");
        shows("sqlite:/other/file.db", "/other/file.db");
        shows("postgres://db/samehand", "postgres://db/samehand");
        shows(
            "postgres://samehand:s3cret@db:5432/x?sslmode=require",
            "postgres://samehand:***@db:5432/x?sslmode=require",
        );
        shows("postgres://db/x?user=a&password=s3cret", "postgres://db/x");
        shows("postgres://a:p@ss/w@db/x", "postgres://a:***@db/x");
        shows("redis://:s3cret@cache:6379/0", "redis://:***@cache:6379/0");
        shows("redis-cluster://u:p@a:1,b:2,c:3", "redis-cluster://u:***@a:1,b:2,c:3");
        shows("postgres://u:p@[2001:db8::1]:5432,[::1]/x", "postgres://u:***@[2001:db8::1]:5432,[::1]/x");
    }

    #[test]
    fn a_host_on_a_network_without_verified_tls_is_told() {
        for (text, expected) in [
            ("sqlite", None),
            ("postgres://u:p@127.0.0.1/x", None),
            ("postgres://u:p@localhost:5432/x", None),
            ("postgres://u:p@[::1]/x", None),
            ("postgres://%2Frun%2Fpostgresql/x", None),
            ("postgres://u:p@db.example/x", Some("db.example")),
            ("postgres://u:p@db.example/x?sslmode=disable", Some("db.example")),
            ("postgres://u:p@localhost,10.0.0.7/x", Some("10.0.0.7")),
            ("postgres://u:p@127.example/x", Some("127.example")),
            ("redis://127.0.0.2", None),
            ("redis://[::1]:6379", None),
            ("redis://cache.example", Some("cache.example")),
            ("rediss://cache.example", None),
            ("redis-sentinel://localhost,b.example/primary", Some("b.example")),
            ("redis-cluster://a.example", Some("a.example")),
        ] {
            let address = StoreAddress::read(text, Path::new("/data")).unwrap_or_else(|problem| panic!("{problem}"));
            assert_eq!(address.unverified_host().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_password_that_was_not_encoded_is_not_taken_for_a_host() {
        for text in [
            "postgres://u:s3cret?x@db/store",
            "postgres://u:x?s3cret@db/store",
            "postgres://u:s3cret/store",
            "postgres://u:s3cret",
            "postgres://one:5432,u:s3cret/store",
            "postgres://db/store?user=u@s3cret",
        ] {
            shows(text, "postgres://***");
        }
    }

    #[test]
    fn what_is_no_store_is_refused_without_being_shown() {
        for text in ["", "mysql://root:s3cret@db", "s3cret", "sqlite:", "Postgres://db", "postgres:/db"] {
            let problem = StoreAddress::read(text, Path::new("/data")).err().unwrap();
            assert!(problem.contains("postgres://USER") && !problem.contains("s3cret"), "{problem}");
        }
    }
}
