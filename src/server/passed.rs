//! Sockets that systemd opened before it started this process (`sd_listen_fds(3)`): they stay open while it is replaced, and
//! connections wait in them. A socket named `admin` is the administration's, all others are public.
//! Opens nothing itself.

use super::listeners::{Listener, Side};
use crate::config::{self, Problem};
use listenfd::ListenFd;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// `FileDescriptorName=` of the administration's sockets.
const ADMIN: &str = "admin";
/// Permission bit that lets every user of the machine connect.
const WRITABLE_BY_OTHERS: u32 = 0o002;

/// The sockets that were passed to this process, if any were.
#[derive(Default)]
pub struct Passed(Vec<(Side, Listener)>);

impl Passed {
    /// Takes them over. To be called once, before there are other threads: it removes what it read from the environment,
    /// so that no child takes the sockets for its own.
    ///
    /// # Errors
    /// A socket that cannot be used, and what to write in its unit instead.
    pub fn take_over() -> Result<Self, Problem> {
        let Some(names) = config::names_of_passed_sockets() else { return Ok(Self::default()) };
        let mut descriptors = ListenFd::from_env();
        let mut sockets = Vec::new();
        for place in 0..descriptors.len() {
            let side = match names.get(place).map(String::as_str) {
                Some(ADMIN) => Side::Admin,
                Some(_) | None => Side::Public,
            };
            let listener = listener(&mut descriptors, place).map_err(|problem| Problem {
                setting: "LISTEN_FDS".into(),
                message: format!("descriptor {} of {}: {problem}", place + 1, descriptors.len()),
            })?;
            sockets.push((side, listener));
        }
        Ok(Self(sockets))
    }

    /// What there is, for people: side and address of each.
    pub fn described(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(side, listener)| format!("{side} {listener}"))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those of one side.
    pub(super) fn take(&mut self, side: Side) -> Vec<Listener> {
        self.0.extract_if(.., |(own, _)| *own == side).map(|(_, listener)| listener).collect()
    }
}

fn listener(descriptors: &mut ListenFd, place: usize) -> Result<Listener, String> {
    let said = |error: io::Error| error.to_string();
    let listener = match descriptors.take_tcp_listener(place) {
        Ok(Some(listener)) => {
            let listener = accepting(listener)?;
            Listener::tcp(listener).map_err(said)?
        }
        Ok(None) | Err(_) => {
            let listener = descriptors.take_unix_listener(place);
            let listener =
                listener.ok().flatten().ok_or("neither a TCP nor a Unix stream socket; write ListenStream=")?;
            let listener = accepting(listener)?;
            let address = listener.local_addr().map_err(said)?;
            let path = address.as_pathname().ok_or("a Unix socket without a path; write ListenStream=/run/...")?;
            refuse_open_to_all(path)?;
            Listener::Unix(listener, path.to_owned())
        }
    };
    Ok(listener)
}

fn accepting<T: std::os::fd::AsFd>(listener: T) -> Result<T, String> {
    match rustix::net::sockopt::socket_acceptconn(&listener) {
        Ok(true) => Ok(listener),
        Ok(false) | Err(_) => Err("it does not listen; leave Accept=no, which is the default".into()),
    }
}

/// Who may connect is trusted as a proxy, and systemd's own default lets everybody.
fn refuse_open_to_all(path: &Path) -> Result<(), String> {
    let mode = std::fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?.permissions().mode();
    if mode & WRITABLE_BY_OTHERS == 0 {
        return Ok(());
    }
    Err(format!(
        "with mode {:04o} of {} every user of this machine could pose as the proxy; \
         write SocketMode=0660 and SocketGroup= with the proxy's group",
        mode & 0o7777,
        path.display()
    ))
}
