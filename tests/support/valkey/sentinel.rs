//! A primary and a replica that a sentinel watches.

use super::{DURABLE, PASSWORD, PASSWORD_IN_URL, Program, Server, TempDir, until};
use crate::support::process::{Process, accepts, on_a_free_address};
use redis::{Client, cmd};
use std::fs;
use std::net::SocketAddr;

/// What the sentinel calls the primary.
const NAME: &str = "samehand-primary";

/// A primary, its replica, and the sentinel.
pub(crate) struct Watched {
    pub(crate) primary: Server,
    pub(crate) replica: Server,
    sentinel: SocketAddr,
    _process: Process,
    _directory: TempDir,
}

impl Watched {
    /// Starts them; returns when the replica follows and the sentinel knows it.
    #[track_caller]
    pub(crate) fn start() -> Self {
        let primary = Server::start(Program::Valkey);
        let (ip, port) = (primary.address().ip().to_string(), primary.address().port().to_string());
        let follow = format!("{ip} {port}");
        let replica = Server::start_with(Program::Valkey, &[&DURABLE[..], &["--replicaof", &follow]].concat());
        let directory = TempDir::new().expect("a temporary directory");
        let (process, sentinel) = on_a_free_address(|address| {
            let file = directory.path().join("sentinel.conf");
            let text = format!(
                "bind {}\nport {}\nsentinel monitor {NAME} {ip} {port} 1\nsentinel auth-pass {NAME} {PASSWORD}\n\
                 sentinel down-after-milliseconds {NAME} 60000\nsentinel failover-timeout {NAME} 5000\n",
                address.ip(),
                address.port()
            );
            fs::write(&file, text).expect("a file in the temporary directory");
            let mut process = Process::start_tool("valkey-server", |command| {
                command.arg(&file).arg("--sentinel").current_dir(directory.path());
            });
            process.wait_until(|| accepts(address))?;
            Ok(process)
        });
        let watched = Self { primary, replica, sentinel, _process: process, _directory: directory };
        until("the replica follows", || {
            let info: String = watched.replica.ask(&["INFO", "replication"]);
            info.contains("master_link_status:up")
        });
        until("the sentinel knows the replica", || watched.sentinel_says().contains("num-slaves 1"));
        watched
    }

    /// The URL of its store.
    pub(crate) fn url(&self) -> String {
        format!("redis-sentinel://:{PASSWORD_IN_URL}@{}/{NAME}", self.sentinel)
    }

    /// Waits until the replica has all that was written.
    #[track_caller]
    pub(crate) fn replica_has_all(&self) {
        let offset = |server: &Server| {
            let info: String = server.ask(&["INFO", "replication"]);
            info.lines().find_map(|line| line.strip_prefix("master_repl_offset:").map(str::to_owned))
        };
        until("the replica has all", || offset(&self.primary) == offset(&self.replica));
    }

    /// From now on a primary that is killed or paused is soon taken for gone. Before that, one that waits for its disk or for
    /// its turn on a busy machine is none that is replaced.
    #[track_caller]
    pub(crate) fn notices_soon(&self) {
        let mut connection = self.ask_sentinel();
        let set =
            cmd("SENTINEL").arg("SET").arg(NAME).arg("down-after-milliseconds").arg(500).query::<()>(&mut connection);
        set.expect("the sentinel watches it");
    }

    /// Has the sentinel make the replica the primary, while the old one lives.
    #[track_caller]
    pub(crate) fn fail_over(&self) {
        let mut connection = self.ask_sentinel();
        // It hears now and then only that the replica is good for it.
        until("the sentinel has a good replica", || {
            cmd("SENTINEL").arg("FAILOVER").arg(NAME).query::<String>(&mut connection).is_ok()
        });
    }

    fn ask_sentinel(&self) -> redis::Connection {
        let client = Client::open(format!("redis://{}", self.sentinel)).expect("an address");
        client.get_connection().expect("the sentinel listens")
    }

    /// What the sentinel knows about the primary, as one text.
    fn sentinel_says(&self) -> String {
        let mut connection = self.ask_sentinel();
        let known: Vec<String> = cmd("SENTINEL").arg("MASTER").arg(NAME).query(&mut connection).expect("it watches it");
        known.join(" ")
    }
}
