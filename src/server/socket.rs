//! Opening listeners: TCP, and Unix sockets that only those may connect to whom the operator names.

use std::fs::{DirBuilder, Permissions};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

/// Connections that may wait to be accepted; the kernel takes no more than `net.core.somaxconn`, which is 4096 by default.
/// The standard library asks for 128. Once they are full, a TCP client waits a second, and nginx answers 502 for a Unix
/// socket at once.
const BACKLOG: i32 = 4096;

/// A TCP listener.
pub(super) fn tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address)?;
    rustix::net::listen(&listener, BACKLOG)?;
    Ok(listener)
}

/// A Unix socket with this mode and group. A stale socket is replaced; a live one, or any other file, is an error.
///
/// Whoever may connect is trusted as a proxy, so the socket is made in a directory that nobody else may enter, and
/// appears at its path only with its final permissions.
pub(super) fn unix(path: &Path, mode: u32, group: Option<&str>) -> io::Result<UnixListener> {
    refuse_occupied(path)?;
    let private = path.with_file_name(format!(".{}", std::process::id()));
    remove_left_over(&private)?;
    DirBuilder::new().mode(0o700).create(&private)?;
    let draft = private.join("s");
    let placed = UnixListener::bind(&draft).and_then(|listener| {
        rustix::net::listen(&listener, BACKLOG)?;
        permit(&draft, mode, group)?;
        std::fs::rename(&draft, path)?;
        Ok(listener)
    });
    std::fs::remove_dir_all(&private)?;
    placed
}

/// Gives a socket its mode and group.
pub(super) fn permit(path: &Path, mode: u32, group: Option<&str>) -> io::Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(mode))?;
    give_to_group(path, group)
}

fn refuse_occupied(path: &Path) -> io::Result<()> {
    let kind = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !kind.is_socket() {
        return Err(io::Error::new(ErrorKind::AlreadyExists, "there is a file that is not a socket"));
    }
    match UnixStream::connect(path) {
        Ok(_) => Err(io::Error::new(
            ErrorKind::AddrInUse,
            "another process listens there; `samehand serve --takeover` would replace it",
        )),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error),
    }
}

/// A process that died in between has left its directory behind, and in a container the next one has the same number.
fn remove_left_over(private: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(private) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn give_to_group(path: &Path, group: Option<&str>) -> io::Result<()> {
    let Some(name) = group else { return Ok(()) };
    let group = nix::unistd::Group::from_name(name)?
        .ok_or_else(|| io::Error::new(ErrorKind::NotFound, format!("SAMEHAND_SOCKET_GROUP: no group {name:?}")))?;
    std::os::unix::fs::chown(path, None, Some(group.gid.as_raw()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_appears_with_its_mode_and_replaces_a_stale_one() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("samehand.sock");
        for _ in 0..2 {
            let listener = unix(&path, 0o640, None).unwrap();
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o640);
            assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
            drop(listener);
        }
    }

    #[test]
    fn a_live_socket_and_a_plain_file_are_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("samehand.sock");
        let _listener = unix(&path, 0o660, None).unwrap();
        assert_eq!(unix(&path, 0o660, None).unwrap_err().kind(), ErrorKind::AddrInUse);
        let file = directory.path().join("notes.txt");
        std::fs::write(&file, "keep").unwrap();
        assert_eq!(unix(&file, 0o660, None).unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "keep");
    }

    #[test]
    fn a_draft_that_was_left_behind_is_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("samehand.sock");
        let private = directory.path().join(format!(".{}", std::process::id()));
        std::fs::create_dir(&private).unwrap();
        drop(UnixListener::bind(private.join("s")).unwrap());
        let _listener = unix(&path, 0o660, None).unwrap();
        assert!(!private.exists());
    }

    #[test]
    fn an_unknown_group_is_named_and_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("samehand.sock");
        let error = unix(&path, 0o660, Some("no-such-group-here")).unwrap_err();
        assert!(error.to_string().contains("SAMEHAND_SOCKET_GROUP"), "{error}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
