//! The real Valkey (and Redis): one server, a cluster of three, and a primary with a replica that a sentinel watches. On
//! loopback and free ports, with a password, in temporary directories that are gone with them.

pub(crate) mod cluster;
pub(crate) mod sentinel;

use super::process::{Process, accepts, free_address, on_a_free_address};
use super::waiting;
use redis::{Client, Connection, FromRedisValue, cmd};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The password of all of these servers: one that a URL cannot hold as it is.
pub(crate) const PASSWORD: &str = "p@ss/w%rd:of?tests#";
/// The same in a URL.
pub(crate) const PASSWORD_IN_URL: &str = "p%40ss%2Fw%25rd%3Aof%3Ftests%23";

/// Far longer than a failover takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Which program is the server.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Program {
    /// The newest Valkey; without TLS.
    Valkey,
    /// Debian's Redis, which is older and knows no WAITAOF; with TLS.
    Redis,
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Self::Valkey => "valkey-server",
            Self::Redis => "redis-server",
        }
    }
}

/// A running server and its data.
pub(crate) struct Server {
    process: Option<Process>,
    address: SocketAddr,
    program: Program,
    settings: Vec<String>,
    environment: Vec<(&'static str, String)>,
    data: TempDir,
}

/// What makes an acknowledged change durable.
pub(crate) const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

impl Server {
    /// A server that keeps what it acknowledges.
    #[track_caller]
    pub(crate) fn start(program: Program) -> Self {
        Self::start_with(program, &DURABLE)
    }

    /// A server with these settings.
    #[track_caller]
    pub(crate) fn start_with(program: Program, settings: &[&str]) -> Self {
        Self::start_in(Vec::new(), program, settings)
    }

    /// A server with other variables in its environment.
    #[track_caller]
    pub(crate) fn start_in(environment: Vec<(&'static str, String)>, program: Program, settings: &[&str]) -> Self {
        let data = TempDir::new().expect("a temporary directory");
        let settings: Vec<String> = settings.iter().map(|setting| (*setting).to_owned()).collect();
        let (process, address) = on_a_free_address(|address| run(program, address, &settings, &environment, &data));
        Self { process: Some(process), address, program, settings, environment, data }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of its store.
    pub(crate) fn url(&self) -> String {
        format!("redis://:{PASSWORD_IN_URL}@{}", self.address)
    }

    /// It stands still, and its connections with it.
    #[track_caller]
    pub(crate) fn pause(&self) {
        self.process().signal("STOP");
    }

    /// It goes on.
    #[track_caller]
    pub(crate) fn resume(&self) {
        self.process().signal("CONT");
    }

    /// It ends without being told that it will.
    #[track_caller]
    pub(crate) fn kill_hard(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.signal("KILL");
        process.wait_for_end();
    }

    /// The same server again, on what is left of its data.
    #[track_caller]
    pub(crate) fn start_again(&mut self) {
        let process = run(self.program, self.address, &self.settings, &self.environment, &self.data);
        self.process = Some(process.unwrap_or_else(|log| panic!("it does not start again; it said:\n{log}")));
    }

    /// Asks the server, past samehand.
    #[track_caller]
    pub(crate) fn ask<T: FromRedisValue>(&self, command: &[&str]) -> T {
        ask(self.address, command)
    }

    fn process(&self) -> &Process {
        self.process.as_ref().expect("it runs")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that stands still is killed all the same; its connections end now, too.
        self.process.take();
    }
}

fn run(
    program: Program,
    address: SocketAddr,
    settings: &[String],
    environment: &[(&'static str, String)],
    data: &TempDir,
) -> Result<Process, String> {
    let mut process = Process::start_tool(program.name(), |command| {
        let (ip, port) = (address.ip().to_string(), address.port().to_string());
        command.args([
            "--bind",
            &ip,
            "--port",
            &port,
            "--save",
            "",
            "--requirepass",
            PASSWORD,
            "--masterauth",
            PASSWORD,
        ]);
        command.args(settings).current_dir(data.path());
        command.envs(environment.iter().map(|(name, value)| (*name, value)));
    });
    let mut is_ready = false;
    process.wait_until(|| {
        is_ready = is_ready || accepts(address) && process_is_ready(address);
        is_ready
    })?;
    Ok(process)
}

/// Whether it answers, and has read its data.
fn process_is_ready(address: SocketAddr) -> bool {
    let answer = connection(address).and_then(|mut connection| cmd("PING").query::<String>(&mut connection));
    answer.is_ok_and(|answer| answer == "PONG")
}

fn connection(address: SocketAddr) -> redis::RedisResult<Connection> {
    let client = Client::open(format!("redis://:{PASSWORD_IN_URL}@{address}"))?;
    loop {
        match client.get_connection_with_timeout(PATIENCE) {
            // A signal to this program came in between, such as that a child has ended (EINTR): no answer of the server.
            Err(error) if error.to_string().contains("(os error 4)") => {}
            outcome => return outcome,
        }
    }
}

#[track_caller]
fn ask<T: FromRedisValue>(address: SocketAddr, command: &[&str]) -> T {
    let mut connection = connection(address).unwrap_or_else(|error| panic!("{address}: {error}"));
    let answer = cmd(command[0]).arg(&command[1..]).query(&mut connection);
    answer.unwrap_or_else(|error| panic!("{command:?}: {error}"))
}

/// Waits until a server that has no event for it says so.
#[track_caller]
fn until(what: &str, is_so: impl FnMut() -> bool) {
    waiting::until(Instant::now(), PATIENCE, what, is_so);
}

/// Asks a store until it says that it is not there: what it says then.
pub(crate) async fn when_it_is_away<T, E>(ask: impl AsyncFn() -> Result<T, E>) -> E {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask().await {
            Ok(_) => assert!(Instant::now() < deadline, "it goes on answering"),
            Err(error) => return error,
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Asks a store until it answers: what it says when it is there again, which nobody is told.
pub(crate) async fn when_it_is_back<T, E: std::fmt::Display>(ask: impl AsyncFn() -> Result<T, E>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(error) => assert!(Instant::now() < deadline, "it does not come back: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
