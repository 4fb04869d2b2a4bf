//! The real PostgreSQL from Debian, on a free loopback port, in a temporary directory, with a password.
//!
//! It keeps on disk what it says it has kept, as an operator's does. Its databases sort by a language and not by bytes.

use super::process::{Process, on_a_free_address};
use samehand::store::StoreAddress;
use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};
use tempfile::TempDir;

/// The password of [`USER`], and of the superuser. Every character of it that can be misread in a URL is in it.
pub(crate) const PASSWORD: &str = "p@ss:w/rd?100%";
const PASSWORD_IN_URL: &str = "p%40ss%3Aw%2Frd%3F100%25";
/// Who owns the databases; no superuser.
const USER: &str = "samehand";
/// The system's user whom the server runs as when we are root: it refuses to be root.
const SYSTEM_USER: &str = "postgres";

/// A server. It ends when this is dropped, or with the test program however that ends.
pub(crate) struct Postgres {
    directory: TempDir,
    address: SocketAddr,
    settings: Vec<String>,
    environment: Vec<(&'static str, String)>,
    process: Mutex<Process>,
    databases: AtomicU32,
    guard: Child,
}

/// A database of a server.
pub(crate) struct Database {
    name: String,
    address: SocketAddr,
}

impl Postgres {
    /// A server that all tests of this program share.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: OnceLock<Postgres> = OnceLock::new();
        SHARED.get_or_init(|| Self::start(|_| Vec::new()))
    }

    /// A server of one's own, with settings such as `ssl=on`, which may name files in its directory.
    #[track_caller]
    pub(crate) fn start(prepare: impl FnOnce(&Path) -> Vec<String>) -> Self {
        Self::start_in(Vec::new(), prepare)
    }

    /// A server with other variables in its environment.
    #[track_caller]
    pub(crate) fn start_in(
        environment: Vec<(&'static str, String)>,
        prepare: impl FnOnce(&Path) -> Vec<String>,
    ) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let password_file = directory.path().join("password");
        fs::write(&password_file, PASSWORD).expect("a file in the temporary directory");
        let settings = prepare(directory.path());
        give_away(directory.path());
        run(program("initdb")
            .args(["--username=admin", "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8"])
            .args(["--locale-provider=icu", "--icu-locale=en-US", "--no-sync"])
            .arg(format!("--pwfile={}", password_file.display()))
            .arg(format!("--pgdata={}", data(directory.path()).display())));
        let guard = guard(directory.path());
        let (process, address) = on_a_free_address(|address| serve(directory.path(), address, &settings, &environment));
        let (process, databases) = (Mutex::new(process), AtomicU32::new(0));
        let server = Self { directory, address, settings, environment, process, databases, guard };
        server.sql("postgres", &format!("CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'"));
        server
    }

    /// An empty database.
    #[track_caller]
    pub(crate) fn database(&self) -> Database {
        let name = format!("store{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name} OWNER {USER}"));
        Database { name, address: self.address }
    }

    /// What the server answers its superuser, one row a line.
    #[track_caller]
    pub(crate) fn sql(&self, database: &str, sql: &str) -> String {
        run(self.psql(database).args(["--command", sql]))
    }

    /// Does this in a transaction that stays open until the process ends, which is when it is dropped at the latest.
    #[track_caller]
    pub(crate) fn hold(&self, database: &Database, sql: &str) -> Process {
        let mut psql = self.psql(&database.name);
        psql.args(["--command", "BEGIN", "--command", sql, "--command", "\\warn done", "--file", "-"]);
        // It reads what does not come.
        let process =
            Process::start_on(Stdio::piped(), &mut psql).unwrap_or_else(|name| panic!("{name} is not installed"));
        process.wait_for("that it is done", |line| (line == "done").then_some(()));
        process
    }

    /// The client of the superuser, with nothing to do yet.
    fn psql(&self, database: &str) -> Command {
        let mut psql = Command::new(binaries().join("psql"));
        psql.args([
            "--no-psqlrc",
            "--quiet",
            "--tuples-only",
            "--no-align",
            "--set=ON_ERROR_STOP=1",
            "--host=127.0.0.1",
        ])
        .args([format!("--port={}", self.address.port()), format!("--dbname={database}")])
        .arg("--username=admin")
        .env("PGPASSWORD", PASSWORD);
        psql
    }

    /// Changes a setting of the running server.
    #[track_caller]
    pub(crate) fn set(&self, setting: &str, value: &str) {
        self.sql("postgres", &format!("ALTER SYSTEM SET {setting} = {value}"));
        // Those who are connected hear of it a moment after the server, who says so.
        self.sql("postgres", "SELECT pg_reload_conf()");
        let said = format!("parameter \"{setting}\" changed to \"{value}\"");
        self.process().wait_for(&said, |line| line.contains(&said).then_some(()));
    }

    /// Cuts every connection to a database but this one.
    #[track_caller]
    pub(crate) fn terminate_backends(&self, database: &Database) {
        let terminate = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()";
        let cut = self.sql(&database.name, terminate);
        assert_ne!(cut.trim(), "0", "nobody was connected");
    }

    /// Stops the server in the middle of whatever it does: it answers nobody, and its connections stay.
    pub(crate) fn pause(&self) {
        let process = self.process();
        // First the one who starts others.
        process.signal("STOP");
        signal_all(&children(process.id()), "STOP");
    }

    /// Lets the server go on.
    pub(crate) fn resume(&self) {
        let process = self.process();
        signal_all(&children(process.id()), "CONT");
        process.signal("CONT");
    }

    /// Ends the whole server at once, as a power cut does, but for what the system has in its memory.
    pub(crate) fn kill_hard(&self) {
        let mut process = self.process();
        process.signal("STOP");
        signal_all(&children(process.id()), "KILL");
        process.signal("KILL");
        process.wait_for_end();
    }

    /// Starts the server again where it was, with what it has kept.
    #[track_caller]
    pub(crate) fn start_again(&self) {
        let started = serve(self.directory.path(), self.address, &self.settings, &self.environment);
        *self.process() = started.unwrap_or_else(|log| panic!("the server does not start again: {log}"));
    }

    fn process(&self) -> std::sync::MutexGuard<'_, Process> {
        self.process.lock().expect("no holder panics")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill_hard();
        // It wakes up, finds nothing to do, and ends.
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

impl Database {
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The URL, with the password; `options` such as `?sslmode=require`.
    pub(crate) fn url(&self, options: &str) -> String {
        self.url_of(&self.address.to_string(), options)
    }

    /// The URL at another host, at another port, or at several hosts.
    pub(crate) fn url_of(&self, hosts: &str, options: &str) -> String {
        self.url_at(hosts, PASSWORD_IN_URL, options)
    }

    /// The URL there, with another password.
    pub(crate) fn url_at(&self, host: &str, password_in_url: &str, options: &str) -> String {
        format!("postgres://{USER}:{password_in_url}@{host}/{}{options}", self.name)
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The address of the store in it.
    pub(crate) fn store(&self) -> StoreAddress {
        address(&self.url(""))
    }
}

/// The address that a URL says.
#[track_caller]
pub(crate) fn address(url: &str) -> StoreAddress {
    StoreAddress::read(url, Path::new("/nowhere")).unwrap_or_else(|problem| panic!("{problem}"))
}

/// Gives a file or directory to the user whom the server runs as.
#[track_caller]
pub(crate) fn give_away(path: &Path) {
    if is_root() {
        run(Command::new("chown").args(["-R", SYSTEM_USER]).arg(path));
    }
}

fn serve(
    directory: &Path,
    address: SocketAddr,
    settings: &[String],
    environment: &[(&'static str, String)],
) -> Result<Process, String> {
    let own = [
        "listen_addresses=127.0.0.1".to_owned(),
        format!("port={}", address.port()),
        "unix_socket_directories=".to_owned(),
        "max_connections=200".to_owned(),
    ];
    let mut command = program_in(environment, "postgres");
    command.arg("-D").arg(data(directory));
    for setting in own.iter().chain(settings) {
        command.args(["-c", setting]);
    }
    let mut process = Process::start(&mut command).unwrap_or_else(|name| panic!("{name} is not installed"));
    let port = address.port();
    process.wait_until(|| is_ready(port))?;
    Ok(process)
}

fn is_ready(port: u16) -> bool {
    let mut asked = Command::new(binaries().join("pg_isready"));
    asked.args(["--quiet", "--host=127.0.0.1", &format!("--port={port}")]);
    asked.status().is_ok_and(|status| status.success())
}

fn data(directory: &Path) -> PathBuf {
    directory.join("data")
}

/// Where the newest server of this system has its programs.
fn binaries() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(Result::ok);
    let versions = versions.filter(|version| version.path().join("bin/initdb").exists());
    let number = |version: &fs::DirEntry| version.file_name().to_string_lossy().parse::<u32>().ok();
    let newest = versions.max_by_key(number).map(|version| version.path().join("bin"));
    newest.expect("PostgreSQL is not installed, and these tests need the real one: run scripts/install-test-tools.sh")
}

/// A program of the server, run as whom the server may be.
fn program(name: &str) -> Command {
    program_in(&[], name)
}

/// The same with other variables in its environment: of its own, because a library that is loaded before must not begin as
/// another user.
fn program_in(environment: &[(&'static str, String)], name: &str) -> Command {
    let path = binaries().join(name);
    let variables = environment.iter().map(|(name, value)| format!("{name}={value}"));
    if !is_root() {
        let mut command = Command::new("env");
        command.args(variables).arg(path);
        return command;
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid", SYSTEM_USER, "--regid", SYSTEM_USER, "--clear-groups", "env"]).args(variables).arg(path);
    // Wherever the tests were started, this user may not look there.
    command.current_dir("/");
    command
}

fn is_root() -> bool {
    run(Command::new("id").arg("-u")).trim() == "0"
}

/// Waits for the test program to end, by its end of a pipe, and then ends the server and removes its directory.
fn guard(directory: &Path) -> Child {
    let script = "cat >/dev/null; if [ -e \"$1/data/postmaster.pid\" ]; then \
         kill -s QUIT \"$(head -n 1 \"$1/data/postmaster.pid\")\"; fi; rm -rf \"$1\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(directory).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("there is a shell")
}

/// The processes that a process has started.
fn children(parent: u32) -> Vec<u32> {
    let processes = fs::read_dir("/proc").expect("/proc").filter_map(Result::ok);
    let is_child = |id: &u32| {
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
        status.lines().any(|line| line.strip_prefix("PPid:").is_some_and(|id| id.trim() == parent.to_string()))
    };
    processes.filter_map(|process| process.file_name().to_string_lossy().parse().ok()).filter(is_child).collect()
}

fn signal_all(processes: &[u32], signal: &str) {
    if !processes.is_empty() {
        let ids = processes.iter().map(u32::to_string);
        // One that has ended meanwhile is none that is waited for.
        let _ = Command::new("kill").args(["-s", signal]).args(ids).stderr(Stdio::null()).status();
    }
}

/// The standard output of a program that succeeds.
#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}:\n{said}{complained}");
    said.into_owned()
}
