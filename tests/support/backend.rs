//! The example application, `examples/protected_backend.rs`, as a process of its own behind the proxies.

use std::{cell::RefCell, net::SocketAddr, path::PathBuf, process::Command};

use serde_json::Value;

use super::{
    CLIENT,
    client::{Address, Connection, Request},
    process::Process,
};

/// The running application.
pub(crate) struct Backend {
    pub(crate) address: SocketAddr,
    /// Asked again and again what came, so over one connection.
    questions: RefCell<Connection>,
    _process: Process,
}

impl Backend {
    #[track_caller]
    pub(crate) fn start() -> Self {
        let program = program();
        let process = Process::start(Command::new(&program).args(["--listen", "127.0.0.1:0"])).unwrap_or_else(|_| {
            panic!("{} is not built: run `make test`, or `cargo build --examples` first", program.display())
        });
        let address = process
            .wait_for("where it listens", |line| line.strip_prefix("listening on ").and_then(|text| text.parse().ok()));
        let questions = RefCell::new(Connection::open(CLIENT, &Address::Tcp(address)));
        Self { address, questions, _process: process }
    }

    /// What has reached the application so far.
    #[track_caller]
    pub(crate) fn seen(&self) -> Seen {
        let seen = self.questions.borrow_mut().ask(&Request::get("/seen")).json();
        let requests = seen["requests"].as_u64().expect("a number of requests");
        Seen { requests, last: seen["last"].clone() }
    }
}

/// Cargo puts examples beside the directory that test programs run from.
fn program() -> PathBuf {
    let own = std::env::current_exe().expect("the path of this test");
    own.with_file_name("").join("../examples/protected_backend")
}

/// How many requests reached the application, and the last one as it stood on the wire.
pub(crate) struct Seen {
    pub(crate) requests: u64,
    last: Value,
}

impl Seen {
    pub(crate) fn method(&self) -> &str {
        self.last["method"].as_str().unwrap_or_default()
    }

    pub(crate) fn target(&self) -> &str {
        self.last["target"].as_str().unwrap_or_default()
    }

    pub(crate) fn body_length(&self) -> u64 {
        self.last["body_length"].as_u64().unwrap_or_default()
    }

    /// Every header line, in order.
    pub(crate) fn headers(&self) -> Vec<(&str, &str)> {
        let lines = self.last["headers"].as_array().into_iter().flatten();
        lines.map(|line| (line[0].as_str().unwrap_or_default(), line[1].as_str().unwrap_or_default())).collect()
    }

    /// All values of this name, in order.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        self.headers().into_iter().filter(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect()
    }
}
