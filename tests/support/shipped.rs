//! The proxy configurations of this repository, with addresses filled in where the shipped ones name the defaults.

use std::{fs, net::SocketAddr, path::Path};

use tempfile::TempDir;

use super::{authority::Authority, client::Address, process::Process};

/// The address that the shipped configurations let the proxy listen on.
pub(crate) const PROXY: &str = "127.0.0.1:8080";
/// The address of the application in the shipped configurations.
pub(crate) const APPLICATION: &str = "127.0.0.1:9191";
/// The address of samehand in the shipped configurations.
pub(crate) const SAMEHAND: &str = "127.0.0.1:9180";

/// Where the proxy stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// Clients connect to it.
    Edge,
    /// A CDN or load balancer connects to it.
    BehindFrontHop,
}

/// What the proxy speaks with clients.
#[derive(Clone, Copy)]
pub(crate) enum Tls<'authority> {
    /// Plain http.
    None,
    /// https, with a certificate of this authority.
    Server(&'authority Authority),
    /// https, and clients may show a certificate of the same authority.
    Both(&'authority Authority),
}

impl<'authority> Tls<'authority> {
    /// Who made the server's certificate.
    pub(crate) fn authority(self) -> Option<&'authority Authority> {
        match self {
            Self::None => None,
            Self::Server(authority) | Self::Both(authority) => Some(authority),
        }
    }
}

/// Which proxy it is, for the few answers that are the proxy's own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Nginx,
    Traefik,
    Caddy,
}

/// A real proxy that runs with a shipped configuration.
pub(crate) struct Proxy {
    pub(crate) kind: Kind,
    pub(crate) address: Address,
    pub(crate) process: Process,
    /// Holds the filled-in configuration for as long as the proxy runs.
    pub(crate) _directory: TempDir,
}

/// A file of the repository.
#[track_caller]
pub(crate) fn file(path: impl AsRef<Path>) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Replaces each text that stands in the shipped file by another. One that is not there has been changed in the file and
/// not here, and the proxy would run with something nobody wrote.
#[track_caller]
pub(crate) fn fill_in(shipped: &str, changes: &[(&str, String)]) -> String {
    changes.iter().fold(shipped.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "the shipped configuration no longer says {from:?}");
        text.replace(from, to)
    })
}

/// Takes the `# ` away from each of these lines, which the shipped file has for those who need them.
#[track_caller]
pub(crate) fn uncomment(shipped: &str, lines: &[&str]) -> String {
    let lines = lines.iter().map(|line| (format!("# {line}"), (*line).to_owned()));
    lines.fold(shipped.to_owned(), |text, (from, to)| fill_in(&text, &[(&from, to)]))
}

/// The TCP port behind an address, for a proxy that speaks TCP only.
#[track_caller]
pub(crate) fn tcp(samehand: &Address) -> SocketAddr {
    match samehand {
        Address::Tcp(address) | Address::Admin(address) | Address::Tls(address, _) => *address,
        Address::Unix(path) => panic!("this proxy cannot connect to {}", path.display()),
    }
}
