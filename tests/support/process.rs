//! A program that runs for the length of a test: its output is kept, waited for by event, and it is killed when dropped.
//!
//! Children stay in the process group of the test run, so that Ctrl-C at a terminal ends them too.

use std::{
    collections::BTreeSet,
    fs,
    io::{ErrorKind, Read},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    ops::Range,
    os::fd::{AsFd, OwnedFd},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard},
    thread,
    time::{Duration, Instant},
};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use rustix::io::ioctl_fionread;

use super::waiting::ask_while;

/// The longest anything may take to start or to say what it was waited for. Far longer than it takes: where it is over,
/// something hangs, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running program and what it has written so far.
pub(crate) struct Process {
    name: String,
    child: Child,
    output: Arc<Output>,
    /// Where its standard output and standard error come out.
    pipes: [OwnedFd; STREAMS],
}

const STREAMS: usize = 2;

/// Lines of standard output and standard error, in the order they came.
#[derive(Default)]
struct Output {
    so_far: Mutex<SoFar>,
    changed: Condvar,
}

#[derive(Default)]
struct SoFar {
    lines: Vec<String>,
    /// How many bytes came out of each stream.
    bytes: [u64; STREAMS],
    streams_closed: usize,
}

impl Output {
    fn so_far(&self) -> MutexGuard<'_, SoFar> {
        self.so_far.lock().expect("no reader panics")
    }

    /// Waits until there is more.
    fn more<'a>(&'a self, so_far: MutexGuard<'a, SoFar>, patience: Duration) -> MutexGuard<'a, SoFar> {
        self.changed.wait_timeout(so_far, patience).expect("no reader panics").0
    }
}

impl Process {
    /// Starts a program. `Err`: there is no such program.
    pub(crate) fn start(command: &mut Command) -> Result<Self, String> {
        Self::start_on(Stdio::null(), command)
    }

    /// Starts a program with this for its standard input.
    pub(crate) fn start_on(stdin: Stdio, command: &mut Command) -> Result<Self, String> {
        let name = command.get_program().to_string_lossy().into_owned();
        let spawned = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut child = match spawned {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(name),
            Err(error) => panic!("{name} does not start: {error}"),
        };
        let output = Arc::new(Output::default());
        let pipes = [
            follow(child.stdout.take().expect("stdout is piped"), 0, &output),
            follow(child.stderr.take().expect("stderr is piped"), 1, &output),
        ];
        Ok(Self { name, child, output, pipes })
    }

    /// Starts a tool from `.tools/`, the system's directories or the search path, whichever has it first.
    #[track_caller]
    pub(crate) fn start_tool(name: &str, prepare: impl Fn(&mut Command)) -> Self {
        let places = [concat!(env!("CARGO_MANIFEST_DIR"), "/.tools/bin"), "/usr/sbin", "/usr/local/sbin", ""];
        for place in places {
            let mut command = Command::new(Path::new(place).join(name));
            prepare(&mut command);
            if let Ok(process) = Self::start(&mut command) {
                return process;
            }
        }
        panic!(
            "{name} is not installed, and these tests need the real one: run `make test` or scripts/install-test-tools.sh"
        );
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether the program still runs, under the same process id.
    pub(crate) fn is_alive(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Everything written so far: also what still lies in the pipe, because whoever has an answer of the program counts on
    /// what it wrote before.
    pub(crate) fn log(&self) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut so_far = self.output.so_far();
        // Bytes are taken out under the lock, so that none is on its way from one to the other.
        let lying: Vec<u64> = self.pipes.iter().map(|pipe| ioctl_fionread(pipe).unwrap_or_default()).collect();
        let whole: Vec<u64> = so_far.bytes.iter().zip(lying).map(|(read, lying)| read + lying).collect();
        while so_far.streams_closed < STREAMS && so_far.bytes.iter().zip(&whole).any(|(read, whole)| read < whole) {
            assert!(Instant::now() < deadline, "nobody reads what {} says", self.name);
            so_far = self.output.more(so_far, PATIENCE);
        }
        so_far.lines.join("\n")
    }

    /// Sends the signal of this name, such as `HUP`.
    #[track_caller]
    pub(crate) fn signal(&self, name: &str) {
        // The shell knows how to send signals; a library would be needed for nothing else.
        let arguments = ["-c", "kill -s \"$1\" \"$2\"", "sh", name, &self.id().to_string()];
        let status = Command::new("sh").args(arguments).stderr(Stdio::null()).status();
        // A process that has ended already is what the caller waits for anyway.
        status.expect("there is a shell");
    }

    /// Waits for the program to end by itself.
    #[track_caller]
    pub(crate) fn wait_for_end(&mut self) -> ExitStatus {
        let mut status = None;
        // Waiting for a child has no limit of time in the standard library.
        let has_ended = ask_while(Instant::now(), in_patience, || {
            status = self.child.try_wait().expect("a child of ours");
            status.is_some()
        });
        assert!(has_ended.is_ok(), "{} does not end; it said:\n{}", self.name, self.log());
        status.expect("it has ended")
    }

    /// Everything that a program that has ended wrote.
    #[track_caller]
    pub(crate) fn rest(&self) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut so_far = self.output.so_far();
        while so_far.streams_closed < STREAMS {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{} has ended, and somebody else holds its output open", self.name);
            so_far = self.output.more(so_far, left);
        }
        so_far.lines.join("\n")
    }

    /// The first line for which `wanted` answers, waiting for it if it has not come yet.
    #[track_caller]
    pub(crate) fn wait_for<T>(&self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut looked_at = 0;
        let mut so_far = self.output.so_far();
        loop {
            if let Some(found) = so_far.lines[looked_at..].iter().find_map(|line| wanted(line)) {
                return found;
            }
            looked_at = so_far.lines.len();
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || so_far.streams_closed == STREAMS {
                panic!("{} never said {what}; it said:\n{}", self.name, so_far.lines.join("\n"));
            }
            so_far = self.output.more(so_far, left);
        }
    }

    /// Waits until `ready` says so. `Err` holds what the program wrote before it ended.
    pub(crate) fn wait_until(&mut self, mut ready: impl FnMut() -> bool) -> Result<(), String> {
        let mut is_ready = false;
        let is_settled = ask_while(Instant::now(), in_patience, || {
            is_ready = ready();
            is_ready || !self.is_alive()
        });
        assert!(is_settled.is_ok(), "{} did not become ready; it said:\n{}", self.name, self.log());
        if is_ready { Ok(()) } else { Err(self.log()) }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to do about it then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn in_patience(so_far: Duration) -> bool {
    so_far < PATIENCE
}

/// Reads a stream to its end, on a thread of its own; returns another handle of it.
fn follow(mut stream: impl Read + AsFd + Send + 'static, number: usize, output: &Arc<Output>) -> OwnedFd {
    let pipe = stream.as_fd().try_clone_to_owned().expect("a descriptor");
    let output = Arc::clone(output);
    thread::spawn(move || {
        let (mut buffer, mut begun) = ([0; 16 * 1024], Vec::new());
        loop {
            // Whoever asks what there is must not wait for bytes that do not come: they are waited for without the lock.
            let mut waited_for = [PollFd::new(stream.as_fd(), PollFlags::POLLIN)];
            if poll(&mut waited_for, PollTimeout::NONE).is_err() {
                continue;
            }
            let mut so_far = output.so_far();
            let length = match stream.read(&mut buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => 0,
            };
            let is_over = length == 0;
            so_far.bytes[number] += u64::try_from(length).expect("a small number");
            begun.extend_from_slice(&buffer[..length]);
            if is_over && !begun.is_empty() {
                begun.push(b'\n');
            }
            while let Some(end) = begun.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = begun.drain(..=end).take(end).collect();
                so_far.lines.push(String::from_utf8_lossy(&line).into_owned());
            }
            so_far.streams_closed += usize::from(is_over);
            drop(so_far);
            output.changed.notify_all();
            if is_over {
                return;
            }
        }
    });
    pipe
}

/// An address on which nothing listened a moment ago, for programs that cannot choose one themselves. Never the same twice,
/// and none that the system gives to whoever wants any: no connection of another test takes it while nobody listens there,
/// before a program starts and while it is started again.
pub(crate) fn free_address() -> SocketAddr {
    static GIVEN_AWAY: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let ports = ports_that_the_system_keeps();
    let count = u32::try_from(ports.len()).expect("at most 65,536");
    // Other test programs that run at the same time begin elsewhere.
    let mut number = std::process::id().wrapping_mul(7919);
    loop {
        number = number.wrapping_add(1);
        // Port 0 is any, where the system keeps none.
        let port = number.checked_rem(count).and_then(|at| u16::try_from(at).ok()).map_or(0, |at| ports.start + at);
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).and_then(|listener| listener.local_addr());
        if let Ok(address) = free
            && GIVEN_AWAY.lock().expect("no holder panics").insert(address.port())
        {
            return address;
        }
    }
}

/// The ports below those that the system gives away, and above most that have names.
fn ports_that_the_system_keeps() -> Range<u16> {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    10_000..range.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or_default()
}

/// Whether something accepts connections there.
pub(crate) fn accepts(address: SocketAddr) -> bool {
    TcpStream::connect(address).is_ok()
}

/// Starts a proxy on a free address until it gets one: between choosing and binding, another test may take it.
#[track_caller]
pub(crate) fn on_a_free_address(start: impl Fn(SocketAddr) -> Result<Process, String>) -> (Process, SocketAddr) {
    let mut said = String::new();
    for _ in 0..5 {
        let address = free_address();
        match start(address) {
            Ok(process) => return (process, address),
            Err(log) => said = log,
        }
        if !said.contains("in use") {
            break;
        }
    }
    panic!("the proxy does not start with the shipped configuration; it said:\n{said}");
}
