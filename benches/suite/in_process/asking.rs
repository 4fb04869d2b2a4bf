//! A client that asks two things in short rounds which alternate, so that a ratio holds on a machine whose speed drifts.
//!
//! Every answer must have the status that was expected, or the run is void.

use super::USER_AGENT;
use std::collections::HashMap;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 64;
/// How long a round takes that only warms up.
const WARM: Duration = Duration::from_millis(300);

/// The question of a proxy, with one client's credentials after the other's.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) path: &'a str,
    /// Header lines, each with its end: `Authorization` and what else a client shows. There may be none at all.
    pub(crate) shown: &'a [String],
    /// The client as the proxy names it.
    pub(crate) client: &'a str,
    /// What has to be answered.
    pub(crate) status: u16,
}

impl<'a> Asking<'a> {
    /// The same question on another path.
    pub(crate) fn at(self, path: &'a str) -> Self {
        Self { path, ..self }
    }

    /// The head of the answer to the first question.
    pub(crate) fn once(&self) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let mut request = Vec::new();
        self.write(0, &mut request);
        stream.write_all(&request).unwrap();
        let mut answer = [0; 4096];
        let length = read_answer(&mut stream, &mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
        assert!(answer.starts_with(&self.expected()), "{answer}");
        answer
    }

    fn expected(&self) -> String {
        format!("HTTP/1.1 {} ", self.status)
    }

    /// Puts the question of this number into the buffer.
    pub(crate) fn write(&self, number: usize, to: &mut Vec<u8>) {
        to.clear();
        let (path, client) = (self.path, self.client);
        write!(to, "GET {path} HTTP/1.1\r\nHost: samehand\r\nUser-Agent: {USER_AGENT}\r\n").unwrap();
        if let Some(lines) = self.shown.get(number % self.shown.len().max(1)) {
            to.extend_from_slice(lines.as_bytes());
        }
        write!(
            to,
            "X-Forwarded-For: {client}\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Proto: https\r\n\
             X-Forwarded-Host: app.example.com\r\nX-Forwarded-Uri: /some/path?with=query\r\nAccept: text/html\r\n\r\n"
        )
        .unwrap();
    }
}

/// How long a round is.
#[derive(Clone, Copy)]
enum Length {
    For(Duration),
    /// Until each was shown once.
    EachOnce,
}

/// What alternating rounds of two questions measured.
#[derive(Default)]
pub(crate) struct Comparison {
    one: Vec<Round>,
    other: Vec<Round>,
}

/// What one round reached.
struct Round {
    per_second: f64,
    /// Processor time of the server for one answer.
    server_microseconds: f64,
}

impl Comparison {
    /// Asks both in turns, after a round to warm up. `Err`: what was answered that should not have been.
    pub(crate) fn run(one: &Asking<'_>, other: &Asking<'_>, rounds: usize, length: Duration) -> Result<Self, String> {
        let (mut to_one, mut to_other) = (Client::connect(one), Client::connect(other));
        to_one.round(Length::For(WARM))?;
        to_other.round(Length::For(WARM))?;
        let mut compared = Self::default();
        for _ in 0..rounds {
            compared.one.push(to_one.round(Length::For(length))?);
            compared.other.push(to_other.round(Length::For(length))?);
        }
        Ok(compared)
    }

    /// Answers per second of both, round by round.
    pub(crate) fn per_second(&self) -> [Vec<f64>; 2] {
        [&self.one, &self.other].map(|rounds| rounds.iter().map(|round| round.per_second).collect())
    }

    /// The server's processor time for an answer of both, in microseconds, round by round.
    pub(crate) fn server_microseconds(&self) -> [Vec<f64>; 2] {
        [&self.one, &self.other].map(|rounds| rounds.iter().map(|round| round.server_microseconds).collect())
    }

    /// Adds a round in which everything is shown once, to each.
    pub(crate) fn each_once(&mut self, one: &Asking<'_>, other: &Asking<'_>) -> Result<(), String> {
        let (mut to_one, mut to_other) = (Client::connect(one), Client::connect(other));
        to_other.round(Length::For(WARM))?;
        self.one.push(to_one.round(Length::EachOnce)?);
        self.other.push(to_other.round(Length::EachOnce)?);
        Ok(())
    }
}

/// Shows each once.
pub(crate) fn show_each(asking: &Asking<'_>) -> Result<(), String> {
    Client::connect(asking).round(Length::EachOnce).map(|_| ())
}

/// Connections that stay open, and how much was shown.
struct Client<'a> {
    asking: &'a Asking<'a>,
    connections: Vec<TcpStream>,
    shown: usize,
}

impl<'a> Client<'a> {
    fn connect(asking: &'a Asking<'a>) -> Self {
        let connections = (0..CONNECTIONS).map(|_| TcpStream::connect(asking.address).unwrap()).collect();
        Self { asking, connections, shown: 0 }
    }

    /// Connections are written to, then all are read, so that the worker always has work.
    fn round(&mut self, length: Length) -> Result<Round, String> {
        let (started, server_before, first) = (Instant::now(), server_times(), self.shown);
        loop {
            let at_once = match length {
                Length::For(time) if started.elapsed() < time => CONNECTIONS,
                Length::For(_) => 0,
                Length::EachOnce => CONNECTIONS.min(first + self.asking.shown.len() - self.shown),
            };
            if at_once == 0 {
                break;
            }
            self.exchange(at_once)?;
        }
        #[expect(clippy::cast_precision_loss, reason = "a few million answers")]
        let answered = (self.shown - first) as f64;
        #[expect(clippy::cast_precision_loss, reason = "some seconds in nanoseconds fit")]
        let server_nanoseconds = server_time_since(&server_before) as f64;
        Ok(Round {
            per_second: answered / started.elapsed().as_secs_f64(),
            server_microseconds: server_nanoseconds / 1000.0 / answered,
        })
    }

    fn exchange(&mut self, connections: usize) -> Result<(), String> {
        let expected = self.asking.expected();
        let (mut request, mut answer) = (Vec::new(), [0; 4096]);
        for connection in &mut self.connections[..connections] {
            self.asking.write(self.shown, &mut request);
            self.shown += 1;
            connection.write_all(&request).map_err(|error| error.to_string())?;
        }
        for connection in &mut self.connections[..connections] {
            let length = read_answer(connection, &mut answer)?;
            if !answer[..length].starts_with(expected.as_bytes()) {
                let answer = String::from_utf8_lossy(&answer[..length]);
                return Err(format!("answered {}", answer.lines().next().unwrap_or_default()));
            }
        }
        Ok(())
    }
}

/// The length of an answer without a body, as all of them are.
fn read_answer(connection: &mut TcpStream, answer: &mut [u8]) -> Result<usize, String> {
    let mut read = 0;
    while !answer[..read].ends_with(b"\r\n\r\n") {
        match connection.read(&mut answer[read..]) {
            Ok(0) => return Err("the connection was closed".into()),
            Ok(more) => read += more,
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(read)
}

/// Processor time of each thread of this process but the client's, by its number, in nanoseconds (Linux,
/// `/proc/PID/task/*/schedstat`).
fn server_times() -> HashMap<OsString, u64> {
    let own = std::fs::read_link("/proc/thread-self").unwrap();
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().map(|task| task.unwrap());
    let others = tasks.filter(|task| Some(task.file_name().as_os_str()) != own.file_name());
    others
        .map(|task| {
            let text = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            let time = text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or_default();
            (task.file_name(), time)
        })
        .collect()
}

/// Since then, of the threads that there are: those of a service that was measured before may end meanwhile.
fn server_time_since(before: &HashMap<OsString, u64>) -> u64 {
    server_times().iter().map(|(thread, time)| time.saturating_sub(before.get(thread).copied().unwrap_or(0))).sum()
}
