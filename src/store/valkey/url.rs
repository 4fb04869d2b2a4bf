//! Reads the URL of a Valkey or Redis store, strictly: what is not understood is refused, and never shown.

use crate::secret::Secret;
use std::path::PathBuf;

/// Where servers listen when the URL names no port.
const PORT: u16 = 6379;
/// Where sentinels do.
const SENTINEL_PORT: u16 = 26379;

/// How a store is reached.
pub(in crate::store) struct ValkeyUrl {
    /// Whom to connect to.
    pub(super) servers: Servers,
    /// With which name and password.
    pub(super) login: Login,
    /// How, if with TLS.
    pub(super) tls: Option<Tls>,
    /// In which of the server's numbered databases the keys are.
    pub(super) database: i64,
}

/// Whom to connect to.
pub(super) enum Servers {
    /// One server.
    One(Host),
    /// The primary that these sentinels name.
    Watched {
        /// The sentinels.
        sentinels: Vec<Host>,
        /// What they call the primary.
        primary: String,
        /// Whether they ask for the same name and password.
        same_login: bool,
    },
    /// The nodes of a cluster; some of them are enough.
    Cluster(Vec<Host>),
}

/// A host and its port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) port: u16,
}

/// Name and password, where the server asks for them.
#[derive(Clone, Default)]
pub(super) struct Login {
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
}

/// TLS, and whose certificates are believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tls {
    /// A file of certificates of authorities; without one the system's.
    pub(super) authorities: Option<PathBuf>,
}

impl ValkeyUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// What to write instead; it shows nothing of the URL, in which a password may stand anywhere.
    pub(in crate::store) fn read(text: &str) -> Result<Self, String> {
        let (scheme, rest) = text.split_once("://").ok_or("write redis://HOST:6379")?;
        let (rest, query) = rest.split_once('?').map_or((rest, ""), |(rest, query)| (rest, query));
        let (authority, path) = rest.split_once('/').map_or((rest, ""), |(authority, path)| (authority, path));
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (read_login(login)?, hosts),
            None => (Login::default(), authority),
        };
        let (kind, has_tls) = match scheme.strip_prefix("rediss") {
            Some(kind) => (kind, true),
            None => (scheme.strip_prefix("redis").unwrap_or(scheme), false),
        };
        let options = Options::read(query)?;
        if options.authorities.is_some() && !has_tls {
            return Err("tls-ca makes sense with TLS only: write rediss:// instead of redis://".into());
        }
        if options.same_login && (kind != "-sentinel" || login.password.is_none()) {
            return Err("sentinel-auth=same belongs to redis-sentinel://USER:PASSWORD@HOST/NAME".into());
        }
        let (servers, database) = match kind {
            "" => (one(hosts)?, read_database(path)?),
            "-sentinel" => {
                let (name, database) = path.split_once('/').unwrap_or((path, ""));
                let primary = decoded(name).filter(|name| !name.is_empty()).ok_or(
                    "name the primary as the sentinels do, after the hosts: \
                     redis-sentinel://HOST:26379,HOST2:26379/mymaster",
                )?;
                let (sentinels, same_login) = (read_hosts(hosts, SENTINEL_PORT)?, options.same_login);
                (Servers::Watched { sentinels, primary, same_login }, read_database(database)?)
            }
            "-cluster" if !path.is_empty() => {
                return Err("a cluster has no numbered databases: leave out what stands after the hosts".into());
            }
            "-cluster" => (Servers::Cluster(read_hosts(hosts, PORT)?), 0),
            _ => return Err("write redis://, rediss:// (TLS), redis-sentinel:// or redis-cluster://".into()),
        };
        let tls = has_tls.then_some(Tls { authorities: options.authorities });
        Ok(Self { servers, login, tls, database })
    }
}

impl ValkeyUrl {
    /// The hosts that are reached without TLS. Where there is TLS, certificates are verified.
    pub(in crate::store) fn unverified_hosts(&self) -> Vec<String> {
        let hosts = match &self.servers {
            Servers::One(host) => std::slice::from_ref(host),
            Servers::Watched { sentinels, .. } => sentinels,
            Servers::Cluster(nodes) => nodes,
        };
        if self.tls.is_some() { Vec::new() } else { hosts.iter().map(|host| host.name.clone()).collect() }
    }
}

fn one(text: &str) -> Result<Servers, String> {
    if text.contains(',') {
        return Err(
            "redis:// has one host; several are written redis-sentinel://HOST,HOST2/NAME where sentinels watch \
             them, or redis-cluster://HOST,HOST2"
                .into(),
        );
    }
    read_host(text, PORT).map(Servers::One)
}

/// What may stand after the `?`.
#[derive(Default)]
struct Options {
    authorities: Option<PathBuf>,
    same_login: bool,
}

impl Options {
    fn read(query: &str) -> Result<Self, String> {
        let mut options = Self::default();
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            let value = decoded(value).ok_or("an option after the ? has a broken %")?;
            match name {
                "tls-ca" if value.starts_with('/') => options.authorities = Some(PathBuf::from(value)),
                "tls-ca" => return Err("tls-ca takes the whole path of a file: tls-ca=/etc/ssl/valkey-ca.pem".into()),
                "sentinel-auth" if value == "same" => options.same_login = true,
                _ => {
                    return Err(
                        "an option after the ? is not known; there are tls-ca=/PATH and sentinel-auth=same (in a \
                         password write ? as %3F)"
                            .into(),
                    );
                }
            }
        }
        Ok(options)
    }
}

/// `USER:PASSWORD`, or `:PASSWORD` for the user `default`.
fn read_login(text: &str) -> Result<Login, String> {
    const CODES: &str = "in a password write : as %3A, @ as %40, / as %2F, ? as %3F, # as %23 and % as %25";
    let (user, password) = text.split_once(':').ok_or("write USER:PASSWORD@ or :PASSWORD@ before the host")?;
    if password.contains([':', '@', '#']) || user.contains(['@', '#']) {
        return Err(CODES.into());
    }
    let (user, password) = decoded(user).zip(decoded(password)).ok_or(CODES)?;
    if password.is_empty() {
        return Err("the password is empty; leave out what stands before the @, or write USER:PASSWORD@".into());
    }
    Ok(Login { user: Some(user).filter(|user| !user.is_empty()), password: Some(Secret::new(password.into_bytes())) })
}

fn read_hosts(text: &str, port: u16) -> Result<Vec<Host>, String> {
    text.split(',').map(|host| read_host(host, port)).collect()
}

fn read_host(text: &str, port: u16) -> Result<Host, String> {
    const EXPECTED: &str = "a host is no name, or its port no number; write HOST, HOST:6379 or [::1]:6379 (in a password \
         write / as %2F, ? as %3F and # as %23)";
    let (name, port_number) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, after) = rest.split_once(']').ok_or(EXPECTED)?;
            address.parse::<std::net::Ipv6Addr>().map_err(|_| EXPECTED)?;
            (address, after.strip_prefix(':').or((!after.is_empty()).then_some("none")))
        }
        None => text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port))),
    };
    let is_name = |name: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        !name.is_empty() && name.bytes().all(fits)
    };
    let port = match port_number {
        _ if !text.starts_with('[') && !is_name(name) => return Err(EXPECTED.into()),
        None => port,
        Some(number) => number.parse().ok().filter(|port| *port > 0).ok_or(EXPECTED)?,
    };
    Ok(Host { name: name.to_owned(), port })
}

fn read_database(text: &str) -> Result<i64, String> {
    match text {
        "" => Ok(0),
        _ => text.parse::<u16>().map(i64::from).map_err(|_| {
            "what stands after the host is the number of a database: redis://HOST:6379/0 (in a password write / as %2F)"
                .into()
        }),
    }
}

/// The text with `%40` and the like taken back.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                let digits = std::str::from_utf8(&digits).ok().filter(|digits| !digits.starts_with('+'))?;
                u8::from_str_radix(digits, 16).ok()?
            }
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn read(text: &str) -> ValkeyUrl {
        ValkeyUrl::read(text).unwrap_or_else(|problem| panic!("{text}: {problem}"))
    }

    fn host(name: &str, port: u16) -> Host {
        Host { name: name.to_owned(), port }
    }

    fn password(url: &ValkeyUrl) -> Option<&[u8]> {
        url.login.password.as_ref().map(Secret::expose)
    }

    #[test]
    fn one_server() {
        for (text, expected, database) in [
            ("redis://cache", host("cache", 6379), 0),
            ("redis://10.0.0.7:7000/3", host("10.0.0.7", 7000), 3),
            ("rediss://[2001:db8::1]:7000/", host("2001:db8::1", 7000), 0),
            ("redis://[::1]", host("::1", 6379), 0),
        ] {
            let url = read(text);
            assert!(matches!(&url.servers, Servers::One(host) if *host == expected), "{text}");
            assert_eq!(url.database, database, "{text}");
            assert_eq!(url.tls.is_some(), text.starts_with("rediss"), "{text}");
        }
    }

    #[test]
    fn names_and_passwords() {
        let url = read("redis://samehand:p%40ss%2Fw%25rd@cache");
        assert_eq!((url.login.user.as_deref(), password(&url)), (Some("samehand"), Some(&b"p@ss/w%rd"[..])));
        let url = read("redis://:s3cret@cache");
        assert_eq!((url.login.user.as_deref(), password(&url)), (None, Some(&b"s3cret"[..])));
        assert!(password(&read("redis://cache")).is_none());
    }

    #[test]
    fn sentinels_and_clusters() {
        let url = read("rediss-sentinel://u:p@a,b:7,[::1]:8/mymaster/2?sentinel-auth=same&tls-ca=/etc/ca.pem");
        let Servers::Watched { sentinels, primary, same_login } = &url.servers else { panic!("sentinels") };
        assert_eq!(*sentinels, [host("a", 26379), host("b", 7), host("::1", 8)]);
        assert_eq!((primary.as_str(), *same_login, url.database), ("mymaster", true, 2));
        assert_eq!(url.tls, Some(Tls { authorities: Some(PathBuf::from("/etc/ca.pem")) }));
        let url = read("redis-cluster://a:1,b:2,c");
        let Servers::Cluster(nodes) = &url.servers else { panic!("a cluster") };
        assert_eq!(*nodes, [host("a", 1), host("b", 2), host("c", 6379)]);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_what_to_write() {
        for (text, fragment) in [
            ("redis://", "HOST:6379"),
            ("redis://:6379", "HOST:6379"),
            ("redis://cache:", "HOST:6379"),
            ("redis://cache:0", "HOST:6379"),
            ("redis://cache:65536", "HOST:6379"),
            ("redis://ca che", "HOST:6379"),
            ("redis://::1", "[::1]:6379"),
            ("redis://[::1", "[::1]:6379"),
            ("redis://[s3cret]", "[::1]:6379"),
            ("redis://[::1]6379", "[::1]:6379"),
            ("redis://a,b", "redis-cluster://HOST,HOST2"),
            ("redis://cache/x", "redis://HOST:6379/0"),
            ("redis://cache/-1", "redis://HOST:6379/0"),
            ("redis://cache#s3cret", "%23"),
            ("redis://s3cret@cache", ":PASSWORD@"),
            ("redis://u:@cache", "the password is empty"),
            ("redis://u:s3c:ret@cache", "%3A"),
            ("redis://u:s3cret@x@cache", "%40"),
            ("redis://u:s3cret%4@cache", "%25"),
            ("redis://u:s3cret%ff@cache", "%25"),
            ("redis://u:s3/cret@cache", "%2F"),
            ("redis://u:s3?cret@cache", "%3F"),
            ("redis://u:1234?s3cret@cache", "%3F"),
            ("redis://cache?tls-ca=/etc/ca.pem", "rediss://"),
            ("rediss://cache?tls-ca=ca.pem", "/etc/ssl"),
            ("redis://cache?timeout=1", "tls-ca=/PATH"),
            ("redis://u:p@cache?sentinel-auth=same", "redis-sentinel://"),
            ("redis-sentinel://a,b", "/mymaster"),
            ("redis-sentinel://a,b//0", "/mymaster"),
            ("redis-sentinel://a,b/mymaster/x", "redis://HOST:6379/0"),
            ("redis-sentinel://a,b/mymaster?sentinel-auth=same", "USER:PASSWORD"),
            ("redis-cluster://a,,b", "HOST:6379"),
            ("redis-cluster://a,b/0", "no numbered databases"),
        ] {
            let problem = ValkeyUrl::read(text).err().unwrap_or_else(|| panic!("{text} was taken"));
            assert!(problem.contains(fragment) && !problem.contains("s3c"), "{text}: {problem}");
        }
    }
}
