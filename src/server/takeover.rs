//! One process takes the listening sockets of another over, which then ends: nobody's connection is refused, because the
//! sockets never close, and none is lost, because both accept from the same queue until the old one stops.
//!
//! They pass through a Unix socket in the data directory that only the same user may enter (`SCM_RIGHTS`, unix(7)). The new
//! process asks once it could serve, and says so once it does; one that fails before that changes nothing.
//! Only `samehand serve --takeover` asks: a second start by accident finds its addresses in use.

use super::listeners::{Named, Side, takeover_socket};
use super::socket;
use actix_rt::net as asynchronous;
use log::{info, warn};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// What a new process says when it serves.
const SERVING: &[u8] = b"serving\n";
/// How long a new process waits for the one before it, and that one for the word that the new one serves.
const PATIENCE: Duration = Duration::from_secs(30);
/// More descriptors do not go into one message (`SCM_MAX_FD`).
const MOST: usize = 253;
/// Longest list of addresses, in bytes.
const LONGEST: usize = MOST * 128;

/// What the process has to give to the one after it: second descriptors of its sockets.
pub(super) struct ToGive {
    /// Side and address of each socket, a line for each, and an empty one.
    list: String,
    sockets: Vec<OwnedFd>,
}

impl ToGive {
    /// Of these.
    pub(super) fn of(listeners: &[Named]) -> io::Result<Self> {
        let listeners = &listeners[..listeners.len().min(MOST)];
        let sockets = listeners.iter().map(|named| named.listener.descriptor()).collect::<io::Result<_>>()?;
        let list: String = listeners.iter().map(|named| format!("{} {}\n", named.side, named.configured)).collect();
        Ok(Self { list: list + "\n", sockets })
    }
}

/// Where the process after this one asks.
pub(super) struct Successors {
    asking: asynchronous::UnixListener,
    to_give: ToGive,
}

impl Successors {
    /// Waits for a process after this one in the data directory. That this cannot be is no reason not to serve.
    pub(super) fn expect(data: &Path, to_give: ToGive) -> Option<Self> {
        let path = takeover_socket(data);
        let open = || -> io::Result<_> {
            let asking = socket::unix(&path, 0o600, None)?;
            asking.set_nonblocking(true)?;
            asynchronous::UnixListener::from_std(asking)
        };
        match open() {
            Ok(asking) => Some(Self { asking, to_give }),
            Err(error) => {
                info!("this process cannot be taken over: {}: {error}", path.display());
                None
            }
        }
    }

    /// Returns when another process serves on these sockets. It waits for us to let go, which is to drop what is returned.
    pub(super) async fn taken_over(self) -> Heir {
        loop {
            match self.one().await {
                Ok(stream) => return Heir { _successors: self, _stream: stream },
                Err(error) => warn!("another process asked for the sockets and does not serve on them: {error}"),
            }
        }
    }

    async fn one(&self) -> io::Result<asynchronous::UnixStream> {
        let (mut stream, _) = self.asking.accept().await?;
        stream.writable().await?;
        let descriptors: Vec<_> = self.to_give.sockets.iter().map(AsFd::as_fd).collect();
        let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(descriptors.len()))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
        sendmsg(&stream, &[IoSlice::new(self.to_give.list.as_bytes())], &mut control, SendFlags::NOSIGNAL)?;
        let mut word = [0; SERVING.len()];
        tokio::time::timeout(PATIENCE, stream.read_exact(&mut word)).await.map_err(io::Error::from)??;
        Ok(stream)
    }
}

/// A process that serves on the sockets of this one, and what this one still has of them. It hears that it is alone when
/// this is dropped, in this order.
pub(super) struct Heir {
    _successors: Successors,
    _stream: asynchronous::UnixStream,
}

/// The process before this one.
pub(super) struct Predecessor {
    stream: UnixStream,
    sockets: Vec<(String, OwnedFd)>,
}

impl Predecessor {
    /// Asks the process that serves from this data directory; nothing when there is none.
    pub(super) fn ask(data: &Path) -> io::Result<Option<Self>> {
        let stream = match UnixStream::connect(takeover_socket(data)) {
            Ok(stream) => stream,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut list = Vec::new();
        let mut sockets = Vec::new();
        while !list.ends_with(b"\n\n") {
            if list.len() > LONGEST {
                return Err(io::Error::other("it does not say which sockets it gives"));
            }
            let mut buffer = [0; 4096];
            let mut space = vec![MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let read = recvmsg(&stream, &mut [IoSliceMut::new(&mut buffer)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
            for message in control.drain() {
                if let RecvAncillaryMessage::ScmRights(descriptors) = message {
                    sockets.extend(descriptors);
                }
            }
            if read.bytes == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            list.extend_from_slice(&buffer[..read.bytes]);
        }
        let list = String::from_utf8_lossy(&list).into_owned();
        let names = list.lines().filter(|line| !line.is_empty()).map(str::to_owned);
        Ok(Some(Self { stream, sockets: names.zip(sockets).collect() }))
    }

    /// The socket that it has at this address, once.
    pub(super) fn take(&mut self, side: Side, configured: &str) -> Option<OwnedFd> {
        let name = format!("{side} {configured}");
        let place = self.sockets.iter().position(|(own, _)| *own == name)?;
        Some(self.sockets.remove(place).1)
    }

    /// Tells it that this process serves, and waits until it has let go.
    pub(super) async fn end(self) -> io::Result<()> {
        self.stream.set_nonblocking(true)?;
        let mut stream = asynchronous::UnixStream::from_std(self.stream)?;
        stream.write_all(SERVING).await?;
        match tokio::time::timeout(PATIENCE, stream.read(&mut [0])).await.map_err(io::Error::from)?? {
            0 => Ok(()),
            _ => Err(ErrorKind::InvalidData.into()),
        }
    }
}
