//! The stream of one connection, under limits that the web server does not have: a head is small and soon there, also the
//! second one; what comes while a request is answered waits in the kernel; nobody reads an answer for ever.
//! Never looks at what the bytes say: where a request ends is told by the [`Progress`] that its handler notes.

use super::connections::{End, Phase, Progress};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The longest head, in bytes, give or take one reading. What nginx lets through by default is 40 KiB at most: 32 KiB of
/// header lines, and the request line once more in `X-Original-URI`; other proxies let more through, and what has one header
/// of 64 KiB is still told what is wrong with it.
pub(super) const MOST_HEAD: usize = 80 * 1024;
/// So much is read ahead while a request is answered, its body included; bodies that anybody reads have 5 KiB at most.
const MOST_AHEAD: usize = 64 * 1024;
/// So much is thrown away of what a refused client goes on sending, so that it gets to read why.
const MOST_THROWN_AWAY: usize = 1024 * 1024;

macro_rules! refusal {
    ($status:literal, $more:literal) => {
        concat!(
            "HTTP/1.1 ",
            $status,
            "\r\ncontent-length: 0\r\nconnection: close\r\ncache-control: no-store\r\n",
            $more,
            "\r\n"
        )
        .as_bytes()
    };
}

/// The head was not complete in time.
pub(super) const TOO_SLOW: &[u8] = refusal!("408 Request Timeout", "");
/// The head is longer than [`MOST_HEAD`].
const TOO_LARGE: &[u8] = refusal!("431 Request Header Fields Too Large", "");
/// There are too many connections, and all of them are being answered.
pub(super) const BUSY: &[u8] = refusal!("503 Service Unavailable", "retry-after: 1\r\n");

/// A stream under limits.
pub(super) struct Guarded<T> {
    stream: T,
    progress: Rc<Progress>,
    /// The server had a turn to make a request of all that has come.
    had_its_turn: bool,
}

impl<T> Guarded<T> {
    /// Watches over a stream.
    pub(super) fn new(stream: T, progress: Rc<Progress>) -> Self {
        Self { stream, progress, had_its_turn: false }
    }

    /// The stream itself.
    pub(super) fn stream(&self) -> &T {
        &self.stream
    }

    /// How far it has come.
    pub(super) fn progress(&self) -> Rc<Progress> {
        Rc::clone(&self.progress)
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        self.progress.leave();
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> Guarded<T> {
    /// Whether more may be read now.
    fn admit(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.progress.is_blocked() {
            // That an answer is taken wakes us; until then there are no further ones to be kept.
            return Poll::Pending;
        }
        let received = self.progress.received.get();
        match self.progress.phase() {
            Phase::Handling if received >= MOST_AHEAD => {
                // Nobody asks the kernel for more; that the answer is given wakes us.
                self.progress.wait(context.waker());
                return Poll::Pending;
            }
            Phase::Head if received >= MOST_HEAD && !self.had_its_turn => {
                // Maybe these are several requests in a row.
                self.had_its_turn = true;
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Phase::Head if received >= MOST_HEAD => self.progress.refuse(TOO_LARGE),
            Phase::Idle | Phase::Head | Phase::Handling => self.had_its_turn &= received >= MOST_HEAD,
        }
        Poll::Ready(())
    }

    /// Tells the client why, and throws away what it has sent: closed at once, the kernel would take the answer back.
    fn end(&mut self, context: &mut Context<'_>, end: End) -> Poll<io::Result<()>> {
        if let End::Refused(answer) = end {
            self.progress.wait(context.waker());
            // Nothing was written for a while, and so little fits in at once. That it ends there is heard with it.
            match ready!(Pin::new(&mut self.stream).poll_write(context, answer)) {
                Ok(_) => {
                    let _ = Pin::new(&mut self.stream).poll_shutdown(context);
                    self.progress.told();
                }
                Err(_) => self.progress.closed(),
            }
        }
        let mut scratch = [0; 4096];
        let mut thrown_away = 0;
        while self.progress.end() == Some(End::Told) {
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = Pin::new(&mut self.stream).poll_read(context, &mut buffer);
            self.progress.wait(context.waker());
            thrown_away += buffer.filled().len();
            if ready!(read).is_err() || buffer.filled().is_empty() || thrown_away > MOST_THROWN_AWAY {
                self.progress.closed();
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for Guarded<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.admit(context));
        if let Some(end) = self.progress.end() {
            return self.end(context, end);
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        match &read {
            Poll::Ready(_) => self.progress.came(buffer.filled().len() - before),
            Poll::Pending => self.progress.wait(context.waker()),
        }
        read
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guarded<T> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.progress.end().is_some() {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.progress.blocked(written.is_pending());
        if written.is_pending() {
            self.progress.wait(context.waker());
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
