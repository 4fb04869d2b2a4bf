//! The processes that are measured: started, watched until they are ready, and ended in good order. What they write goes
//! into a file, as it would on a server.

use crate::support::process::accepts;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The longest that a server may take to start or to end. Far longer than it takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running server with all its processes.
pub(crate) struct Server {
    child: Child,
    log: PathBuf,
    /// Holds the log, and the configuration where it is made here.
    _directory: TempDir,
}

/// Memory of all processes of a server, in bytes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Memory {
    /// All pages, those of the program file too.
    pub(crate) resident: u64,
    /// What the processes have for themselves.
    pub(crate) anonymous: u64,
}

impl Memory {
    /// The larger one of each.
    pub(crate) fn or_more(self, other: Self) -> Self {
        Self { resident: self.resident.max(other.resident), anonymous: self.anonymous.max(other.anonymous) }
    }
}

impl Server {
    /// Starts it without waiting. `Err`: what is wrong, for the row.
    pub(crate) fn spawn(mut command: Command, directory: TempDir) -> Result<Self, String> {
        let log = directory.path().join("server.log");
        let (out, err) =
            File::create(&log).and_then(|file| Ok((file.try_clone()?, file))).map_err(|e| e.to_string())?;
        let name = command.get_program().display().to_string();
        let spawned = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        let child = spawned.map_err(|error| format!("{name} does not start: {error}"))?;
        Ok(Self { child, log, _directory: directory })
    }

    /// Starts it and waits until it accepts connections.
    pub(crate) fn start(command: Command, directory: TempDir, address: SocketAddr) -> Result<Self, String> {
        let mut server = Self::spawn(command, directory)?;
        server.wait_until(|| accepts(address))?;
        Ok(server)
    }

    /// Waits for what only asking tells.
    pub(crate) fn wait_until(&mut self, mut ready: impl FnMut() -> bool) -> Result<(), String> {
        let started = Instant::now();
        while !ready() {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return Err(format!("it ended: {}", self.log()));
            }
            if started.elapsed() > PATIENCE {
                return Err(format!("it did not become ready: {}", self.log()));
            }
            // Far shorter than any start, so that the time until a server is ready can be told.
            thread::sleep(Duration::from_micros(200));
        }
        Ok(())
    }

    /// Tells its first process to read its settings again (`SIGHUP`).
    pub(crate) fn reload(&self) -> Result<(), String> {
        let id = i32::try_from(self.child.id()).map_err(|error| error.to_string())?;
        kill(Pid::from_raw(id), Signal::SIGHUP).map_err(|error| error.to_string())
    }

    /// What it wrote, on one line.
    pub(crate) fn log(&self) -> String {
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        text.lines().rev().take(3).collect::<Vec<_>>().join(" / ").replace('|', "/")
    }

    /// Processor time of all its processes so far.
    pub(crate) fn processor_time(&self) -> Duration {
        let tasks = self.processes().into_iter().flat_map(|id| fs::read_dir(format!("/proc/{id}/task")));
        // Nanoseconds on a processor: the first number of schedstat.
        let times = tasks.flatten().flatten().filter_map(|task| first_number(&task.path().join("schedstat")));
        Duration::from_nanos(times.sum())
    }

    /// Memory of all its processes now.
    pub(crate) fn memory(&self) -> Memory {
        let sum = |field: &str| self.processes().into_iter().map(|id| status_field(id, field)).sum::<u64>() * 1024;
        Memory { resident: sum("VmRSS:"), anonymous: sum("RssAnon:") }
    }

    /// It and what it has started, and so on.
    fn processes(&self) -> Vec<u32> {
        let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
            .filter_map(|id| Some((id, parent_of(id)?)))
            .collect();
        let mut found = vec![self.child.id()];
        let mut looked_at = 0;
        while looked_at < found.len() {
            let parent = found[looked_at];
            found.extend(parents.iter().filter(|(_, its)| *its == parent).map(|(id, _)| *id));
            looked_at += 1;
        }
        found
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // nginx and HAProxy leave their workers behind when the first process is killed. samehand waits for load balancers
        // to look elsewhere; when it is asked again there are none.
        let id = i32::try_from(self.child.id()).map(Pid::from_raw);
        let asked = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && asked.elapsed() < PATIENCE {
            let _ = id.map(|id| kill(id, Signal::SIGTERM));
            thread::sleep(Duration::from_millis(50));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn first_number(path: &Path) -> Option<u64> {
    fs::read_to_string(path).ok()?.split_whitespace().next()?.parse().ok()
}

fn parent_of(process: u32) -> Option<u32> {
    // The name before it is in parentheses and may hold anything.
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn status_field(process: u32, field: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    line.split_whitespace().next().and_then(|kibibytes| kibibytes.parse().ok()).unwrap_or_default()
}

/// A program from `.tools/`, the system's directories or the search path, whichever has it first.
pub(crate) fn tool(name: &str) -> PathBuf {
    [concat!(env!("CARGO_MANIFEST_DIR"), "/.tools/bin"), "/usr/sbin", "/usr/local/sbin"]
        .map(|place| Path::new(place).join(name))
        .into_iter()
        .find(|path| path.exists())
        .unwrap_or_else(|| name.into())
}
