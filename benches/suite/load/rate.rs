//! Requests at a fixed rate: each is due at its own time, whatever became of those before it, and its time counts from
//! when it was due. A server that stands still is charged for everything that would have been asked meanwhile, which a
//! client that waits for answers would leave out (coordinated omission).
//!
//! One thread sends, one reads. A request that is due while every connection waits for an answer waits with them.

use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::prctl::set_timerslack;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 64;
/// How long the last answers may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long each answer took, in nanoseconds from when its request was due; in ascending order.
///
/// # Errors
/// What was answered that should not have been, or how many answers never came.
pub(crate) fn ask(
    address: SocketAddr,
    request: &[u8],
    status: u16,
    per_second: u32,
    time: Duration,
) -> Result<Vec<u64>, String> {
    let streams: Vec<TcpStream> = (0..CONNECTIONS)
        .map(|_| {
            let stream = TcpStream::connect(address)?;
            stream.set_nodelay(true)?;
            Ok(stream)
        })
        .collect::<std::io::Result<_>>()
        .map_err(|error| error.to_string())?;
    let due: Vec<AtomicU64> = (0..CONNECTIONS).map(|_| AtomicU64::new(0)).collect();
    let (free, idle) = channel();
    (0..CONNECTIONS).try_for_each(|place| free.send(place)).map_err(|error| error.to_string())?;
    let interval = Duration::from_secs(1) / per_second;
    let count = u32::try_from(time.as_nanos() / interval.as_nanos()).map_err(|error| error.to_string())?;
    let started = Instant::now();
    let expected = format!("HTTP/1.1 {status} ");
    let reader = Reader { streams: &streams, due: &due, started, expected: expected.as_bytes(), free };
    thread::scope(|scope| {
        let sender = scope.spawn(|| send(&streams, &due, idle, started, interval, count, request));
        let read = reader.read(count, started + time + PATIENCE);
        // The reader's end of the channel is gone by now, so that the sender waits for nothing.
        sender.join().map_err(|_| "the sender panicked".to_owned())??;
        read
    })
}

fn send(
    streams: &[TcpStream],
    due: &[AtomicU64],
    idle: Receiver<usize>,
    started: Instant,
    interval: Duration,
    count: u32,
    request: &[u8],
) -> Result<(), String> {
    // The kernel lets a thread sleep up to 50 µs longer than it asked for, which would be in every figure.
    set_timerslack(1).map_err(|error| error.to_string())?;
    for number in 0..count {
        let at = interval * number;
        let now = started.elapsed();
        if now < at {
            thread::sleep(at - now);
        }
        // An error: the reader has given up, and says why.
        let Ok(place) = idle.recv() else { return Ok(()) };
        due[place].store(nanoseconds(at), Ordering::Release);
        (&streams[place]).write_all(request).map_err(|error| error.to_string())?;
    }
    Ok(())
}

struct Reader<'a> {
    streams: &'a [TcpStream],
    /// When the request that is under way on each connection was due, in nanoseconds.
    due: &'a [AtomicU64],
    started: Instant,
    expected: &'a [u8],
    free: Sender<usize>,
}

impl Reader<'_> {
    fn read(self, count: u32, deadline: Instant) -> Result<Vec<u64>, String> {
        let failed = |error: nix::Error| error.to_string();
        let epoll = Epoll::new(EpollCreateFlags::empty()).map_err(failed)?;
        for (place, stream) in self.streams.iter().enumerate() {
            epoll.add(stream, EpollEvent::new(EpollFlags::EPOLLIN, place as u64)).map_err(failed)?;
        }
        let mut answers: Vec<Vec<u8>> = vec![Vec::new(); self.streams.len()];
        let mut took = Vec::with_capacity(count as usize);
        let mut events = [EpollEvent::empty(); CONNECTIONS];
        let mut buffer = [0; 16 * 1024];
        while took.len() < count as usize {
            if Instant::now() > deadline {
                return Err(format!("{} of {count} answers never came", count as usize - took.len()));
            }
            let ready = epoll.wait(&mut events, EpollTimeout::from(100_u8)).map_err(failed)?;
            for event in &events[..ready] {
                let place = usize::try_from(event.data()).map_err(|error| error.to_string())?;
                let length = (&self.streams[place]).read(&mut buffer).map_err(|error| error.to_string())?;
                let answer = &mut answers[place];
                answer.extend_from_slice(&buffer[..length]);
                if length == 0 {
                    return Err("the connection was closed".into());
                }
                if !is_whole(answer) {
                    continue;
                }
                if !answer.starts_with(self.expected) {
                    let line = answer.split(|byte| *byte == b'\r').next().unwrap_or_default();
                    return Err(format!("answered {}", String::from_utf8_lossy(line)));
                }
                answer.clear();
                let due = self.due[place].load(Ordering::Acquire);
                took.push(nanoseconds(self.started.elapsed()).saturating_sub(due));
                // An error: all were sent.
                let _ = self.free.send(place);
            }
        }
        took.sort_unstable();
        Ok(took)
    }
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Whether head and body of an answer are there. Nobody here answers in chunks.
fn is_whole(answer: &[u8]) -> bool {
    let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    answer.len() >= end + 4 + length.unwrap_or(0)
}
