//! A listener in the place of samehand that gives one answer to everything and keeps what it was asked, byte for byte.
//!
//! For what a proxy does with answers that samehand gives on a bad day only, and for what the proxy's question looks like.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener},
    os::unix::net::UnixListener,
    sync::{Arc, Mutex},
    thread,
};

use tempfile::TempDir;

use super::client::Address;

/// The listener. Its threads end with the test program.
pub(crate) struct Scripted {
    pub(crate) address: Address,
    asked: Arc<Mutex<Asked>>,
    _directory: TempDir,
}

#[derive(Default)]
struct Asked {
    connections: u32,
    questions: Vec<Vec<String>>,
}

impl Scripted {
    /// Answers on TCP.
    pub(crate) fn on_tcp(answer: &str) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = Address::Tcp(listener.local_addr().expect("a bound address"));
        Self::start(address, TempDir::new().expect("a temporary directory"), answer, move || {
            let (stream, _) = listener.accept()?;
            Ok((stream.try_clone()?, stream))
        })
    }

    /// Answers on a Unix socket.
    pub(crate) fn on_unix(answer: &str) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let path = directory.path().join("socket");
        let listener = UnixListener::bind(&path).expect("a Unix socket");
        Self::start(Address::Unix(path), directory, answer, move || {
            let (stream, _) = listener.accept()?;
            Ok((stream.try_clone()?, stream))
        })
    }

    /// The lines of the last question: the request line and then every header, in order.
    #[track_caller]
    pub(crate) fn last_question(&self) -> Vec<String> {
        self.asked.lock().expect("no connection panics").questions.last().expect("at least one question").clone()
    }

    /// Every question since the last time, line by line.
    pub(crate) fn take_questions(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut self.asked.lock().expect("no connection panics").questions)
    }

    /// How many questions there have been.
    pub(crate) fn questions(&self) -> usize {
        self.asked.lock().expect("no connection panics").questions.len()
    }

    /// How many connections there have been.
    pub(crate) fn connections(&self) -> u32 {
        self.asked.lock().expect("no connection panics").connections
    }

    fn start<R: Read + Send + 'static, W: Write + Send + 'static>(
        address: Address,
        directory: TempDir,
        answer: &str,
        accept: impl Fn() -> io::Result<(R, W)> + Send + 'static,
    ) -> Self {
        let asked = Arc::new(Mutex::new(Asked::default()));
        let (kept, answer) = (Arc::clone(&asked), answer.to_owned());
        thread::spawn(move || {
            while let Ok((input, mut output)) = accept() {
                let (kept, answer) = (Arc::clone(&kept), answer.clone());
                kept.lock().expect("no connection panics").connections += 1;
                thread::spawn(move || {
                    let mut input = BufReader::new(input);
                    while let Some(question) = read_question(&mut input) {
                        kept.lock().expect("no connection panics").questions.push(question);
                        if output.write_all(answer.as_bytes()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, asked, _directory: directory }
    }
}

/// The lines of the next head; its body is read and dropped. `None` when the peer has closed.
fn read_question(input: &mut impl BufRead) -> Option<Vec<String>> {
    let head: Vec<String> = input.lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    let length = |line: &String| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok();
    let body = head.iter().find_map(length).unwrap_or(0);
    io::copy(&mut input.take(body), &mut io::sink()).ok()?;
    (!head.is_empty()).then_some(head)
}
