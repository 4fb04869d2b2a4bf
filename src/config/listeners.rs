//! `LISTEN`, `SOCKET_MODE`, `SOCKET_GROUP`, `ADMIN_LISTEN`. Opens nothing: that is the server's.

use super::ListenAddress;
use super::choices::each;
use super::findings::Findings;
use super::raw::Raw;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Before a path in a list of addresses.
const UNIX: &str = "unix:";

/// Longest path that Linux takes for a socket (`sun_path` is 108 bytes with its final zero).
const LONGEST_SOCKET_PATH: usize = 98;

/// Permission bit that lets every user of the machine connect.
const WRITABLE_BY_OTHERS: u32 = 0o002;

/// Where the service can be reached.
pub(super) struct Listeners {
    pub(super) listen: Vec<ListenAddress>,
    pub(super) socket_mode: u32,
    pub(super) socket_group: Option<String>,
    pub(super) admin_listen: Vec<ListenAddress>,
}

/// Validates the settings of this file.
pub(super) fn check(raw: &Raw, findings: &mut Findings) -> Option<Listeners> {
    let listen = findings.keep("LISTEN", addresses(&raw.listen));
    let admin_listen = match raw.admin_listen.as_str() {
        "off" => Some(Vec::new()),
        text => findings.keep("ADMIN_LISTEN", addresses(text)),
    };
    for address in admin_listen.iter().flatten().filter(|address| address.is_reachable_from_elsewhere()) {
        findings.warn(
            "ADMIN_LISTEN",
            format!("{address} can be reached from other machines; metrics are readable there without a token"),
        );
    }
    for address in listen.iter().flatten() {
        if let Some(other) = admin_listen.iter().flatten().find(|other| address.overlaps(other)) {
            let message =
                format!("{other} is taken by SAMEHAND_LISTEN ({address}); write another port or path, or `off`");
            findings.problem("ADMIN_LISTEN", message);
        }
    }
    let socket_mode = findings.keep("SOCKET_MODE", socket_mode(&raw.socket_mode));
    let socket_group = findings.keep("SOCKET_GROUP", raw.socket_group.clone().map(existing_group).transpose());
    Some(Listeners {
        listen: listen?,
        socket_mode: socket_mode?,
        socket_group: socket_group?,
        admin_listen: admin_listen?,
    })
}

fn addresses(text: &str) -> Result<Vec<ListenAddress>, String> {
    let addresses = each(text, address)?;
    for (position, address) in addresses.iter().enumerate() {
        if let Some(other) = addresses[..position].iter().find(|other| address.overlaps(other)) {
            return Err(format!("{address} and {other} cannot both be listened on; remove one of them"));
        }
    }
    Ok(addresses)
}

fn address(text: &str) -> Result<ListenAddress, String> {
    let Some(path) = text.strip_prefix(UNIX) else {
        return text.parse().map(ListenAddress::Tcp).map_err(|_| {
            format!("`{text}` is not an address; write ip:port or unix:/path, such as 127.0.0.1:9180 or [::1]:9180")
        });
    };
    if !path.starts_with('/') || path.ends_with('/') {
        return Err(format!(
            "`{text}` does not name a socket; write unix: and an absolute path, such as unix:/run/samehand/auth.sock"
        ));
    }
    if path.len() > LONGEST_SOCKET_PATH {
        return Err(format!("`{text}` is too long; a socket's path has at most {LONGEST_SOCKET_PATH} bytes"));
    }
    Ok(ListenAddress::Unix(PathBuf::from(path)))
}

fn socket_mode(text: &str) -> Result<u32, String> {
    let octal = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| u32::from_str_radix(text, 8).ok()).flatten();
    let Some(mode) = octal.filter(|mode| *mode <= 0o777) else {
        return Err(format!("`{text}` is not a mode; write octal permission bits such as 0660"));
    };
    if mode & WRITABLE_BY_OTHERS != 0 {
        return Err(format!(
            "with {text} every user of this machine could pose as the proxy; \
             write 0660 and set SAMEHAND_SOCKET_GROUP to the proxy's group"
        ));
    }
    Ok(mode)
}

/// A service that cannot give its socket away would be started again and again, and never answer.
fn existing_group(name: String) -> Result<String, String> {
    match nix::unistd::Group::from_name(&name) {
        Ok(Some(_)) => Ok(name),
        Ok(None) => {
            Err(format!("there is no group `{name}` here; write the name of the proxy's group, such as www-data"))
        }
        Err(error) => Err(format!("the group `{name}` cannot be looked up: {error}")),
    }
}

impl ListenAddress {
    fn is_reachable_from_elsewhere(&self) -> bool {
        match self {
            Self::Tcp(address) => !address.ip().to_canonical().is_loopback(),
            Self::Unix(_) => false,
        }
    }

    /// Whether binding both would fail. Port 0 is another port each time.
    fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tcp(one), Self::Tcp(two)) => {
                let same_port = one.port() == two.port() && one.port() != 0;
                let same_address = one.ip().to_canonical() == two.ip().to_canonical();
                same_port && (same_address || covers(one, two) || covers(two, one))
            }
            (Self::Unix(one), Self::Unix(two)) => one == two,
            (Self::Tcp(_), Self::Unix(_)) | (Self::Unix(_), Self::Tcp(_)) => false,
        }
    }
}

/// Whether the first is "every address" of a family that includes the second; `[::]` takes IPv4 too.
fn covers(every: &SocketAddr, address: &SocketAddr) -> bool {
    every.ip().is_unspecified() && (every.is_ipv6() || address.is_ipv4())
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(formatter),
            Self::Unix(path) => write!(formatter, "{UNIX}{}", path.display()),
        }
    }
}
