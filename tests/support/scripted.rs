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
    questions: Arc<Mutex<Vec<Vec<String>>>>,
    _directory: TempDir,
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
        self.questions.lock().expect("no connection panics").last().expect("at least one question").clone()
    }

    fn start<R: Read + Send + 'static, W: Write + Send + 'static>(
        address: Address,
        directory: TempDir,
        answer: &str,
        accept: impl Fn() -> io::Result<(R, W)> + Send + 'static,
    ) -> Self {
        let questions = Arc::new(Mutex::new(Vec::new()));
        let (kept, answer) = (Arc::clone(&questions), answer.to_owned());
        thread::spawn(move || {
            while let Ok((input, mut output)) = accept() {
                let (kept, answer) = (Arc::clone(&kept), answer.clone());
                thread::spawn(move || {
                    let mut lines = BufReader::new(input).lines().map_while(Result::ok);
                    loop {
                        let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
                        if head.is_empty() {
                            return;
                        }
                        kept.lock().expect("no connection panics").push(head);
                        if output.write_all(answer.as_bytes()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { address, questions, _directory: directory }
    }
}
