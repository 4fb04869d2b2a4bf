//! Which sockets the service listens on: those that systemd passed, those that a process before this one gives, and new ones
//! for the rest. Accepts no connection.

use super::StartError;
use super::passed::Passed;
use super::socket;
use super::takeover::Predecessor;
use crate::config::{Config, ListenAddress};
use log::warn;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

/// One side of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// `SAMEHAND_LISTEN`
    Public,
    /// `SAMEHAND_ADMIN_LISTEN`
    Admin,
}

/// A socket that listens, with the address to tell.
pub(super) enum Listener {
    Tcp(TcpListener, SocketAddr),
    Unix(UnixListener, PathBuf),
}

/// A socket of one side, as the settings call it.
pub(super) struct Named {
    pub(super) side: Side,
    /// The address in the settings, by which a process after this one asks for the socket; port 0 is port 0.
    pub(super) configured: String,
    pub(super) listener: Listener,
}

impl fmt::Display for Side {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Public => "public",
            Self::Admin => "admin",
        })
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(_, address) => address.fmt(formatter),
            Self::Unix(_, path) => write!(formatter, "unix:{}", path.display()),
        }
    }
}

impl Listener {
    /// A TCP listener with the address that it has.
    pub(super) fn tcp(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        Ok(Self::Tcp(listener, address))
    }

    /// A second descriptor of the same socket.
    pub(super) fn descriptor(&self) -> io::Result<OwnedFd> {
        match self {
            Self::Tcp(listener, _) => listener.try_clone().map(OwnedFd::from),
            Self::Unix(listener, _) => listener.try_clone().map(OwnedFd::from),
        }
    }
}

/// Opens what the service listens on.
///
/// # Errors
/// [`StartError`], naming the address that cannot be had.
pub(super) fn open(
    config: &Config,
    mut passed: Passed,
    mut predecessor: Option<&mut Predecessor>,
) -> Result<Vec<Named>, StartError> {
    let mut all = Vec::new();
    for (side, name, addresses) in [
        (Side::Public, "SAMEHAND_LISTEN", &config.listen),
        (Side::Admin, "SAMEHAND_ADMIN_LISTEN", &config.admin_listen),
    ] {
        let given = passed.take(side);
        if given.is_empty() {
            for address in addresses {
                let from = predecessor.as_mut().and_then(|before| before.take(side, &address.to_string()));
                let listener =
                    one(config, address, from).map_err(|error| StartError(refused(name, address, &error)))?;
                all.push(Named { side, configured: address.to_string(), listener });
            }
            continue;
        }
        let is_set = config.report.iter().any(|setting| setting.name == name && setting.origin != "default");
        let is_same = addresses.iter().all(|one| given.iter().any(|listener| listener.to_string() == one.to_string()));
        if is_set && !is_same {
            warn!(setting = name; "not used: systemd passed the sockets of this side");
        }
        all.extend(given.into_iter().map(|listener| Named { side, configured: listener.to_string(), listener }));
    }
    Ok(all)
}

/// What the operator reads when an address cannot be had: which setting it is from, and what to write.
fn refused(setting: &str, address: &ListenAddress, error: &io::Error) -> String {
    let remedies = [
        (
            ErrorKind::AddrInUse,
            "another program, or another samehand, listens there; end it, or write another address in",
        ),
        (ErrorKind::AddrNotAvailable, "this machine does not have that address; write one that it has in"),
        (
            ErrorKind::PermissionDenied,
            "this user may not listen there; write a port from 1024 on, or a path that it may write to, in",
        ),
    ];
    let known = remedies.into_iter().find(|(kind, _)| *kind == error.kind());
    let remedy = known.map_or("write another address in", |(_, remedy)| remedy);
    format!("{setting}: cannot listen on {address}: {error}; {remedy} {setting}")
}

fn one(config: &Config, address: &ListenAddress, from: Option<OwnedFd>) -> io::Result<Listener> {
    let group = config.socket_group.as_deref();
    match (address, from) {
        (ListenAddress::Tcp(address), None) => Listener::tcp(socket::tcp(*address)?),
        (ListenAddress::Tcp(_), Some(from)) => Listener::tcp(TcpListener::from(from)),
        (ListenAddress::Unix(path), None) => {
            Ok(Listener::Unix(socket::unix(path, config.socket_mode, group)?, path.clone()))
        }
        (ListenAddress::Unix(path), Some(from)) => {
            socket::permit(path, config.socket_mode, group)?;
            Ok(Listener::Unix(UnixListener::from(from), path.clone()))
        }
    }
}

/// Where a process asks the one before it for its sockets: beside what both keep, where nobody else may enter.
pub(super) fn takeover_socket(data: &Path) -> PathBuf {
    data.join("takeover.sock")
}
