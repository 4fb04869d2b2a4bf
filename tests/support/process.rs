//! A program that runs for the length of a test: its output is kept, waited for by event, and it is killed when dropped.
//!
//! Children stay in the process group of the test run, so that Ctrl-C at a terminal ends them too.

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, ErrorKind, Read},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread,
    time::{Duration, Instant},
};

/// The longest anything may take to start or to say what it was waited for. Far longer than it takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running program and what it has written so far.
pub(crate) struct Process {
    name: String,
    child: Child,
    output: Arc<Output>,
}

/// Lines of standard output and standard error, in the order they came.
#[derive(Default)]
struct Output {
    so_far: Mutex<SoFar>,
    changed: Condvar,
}

#[derive(Default)]
struct SoFar {
    lines: Vec<String>,
    streams_closed: u8,
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
        follow(child.stdout.take().expect("stdout is piped"), &output);
        follow(child.stderr.take().expect("stderr is piped"), &output);
        Ok(Self { name, child, output })
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

    /// Everything written so far.
    pub(crate) fn log(&self) -> String {
        self.output.so_far.lock().expect("no reader panics").lines.join("\n")
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
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                return status;
            }
            assert!(Instant::now() < deadline, "{} does not end; it said:\n{}", self.name, self.log());
            // Waiting for a child has no limit of time in the standard library.
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Everything that a program that has ended wrote.
    #[track_caller]
    pub(crate) fn rest(&self) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut so_far = self.output.so_far.lock().expect("no reader panics");
        while so_far.streams_closed < 2 {
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{} has ended, and somebody else holds its output open", self.name);
            so_far = self.output.changed.wait_timeout(so_far, left).expect("no reader panics").0;
        }
        so_far.lines.join("\n")
    }

    /// The first line for which `wanted` answers, waiting for it if it has not come yet.
    #[track_caller]
    pub(crate) fn wait_for<T>(&self, what: &str, wanted: impl Fn(&str) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut looked_at = 0;
        let mut so_far = self.output.so_far.lock().expect("no reader panics");
        loop {
            if let Some(found) = so_far.lines[looked_at..].iter().find_map(|line| wanted(line)) {
                return found;
            }
            looked_at = so_far.lines.len();
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || so_far.streams_closed == 2 {
                panic!("{} never said {what}; it said:\n{}", self.name, so_far.lines.join("\n"));
            }
            so_far = self.output.changed.wait_timeout(so_far, left).expect("no reader panics").0;
        }
    }

    /// Waits until `ready` says so. `Err` holds what the program wrote before it ended.
    pub(crate) fn wait_until(&mut self, mut ready: impl FnMut() -> bool) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        while !ready() {
            if !self.is_alive() {
                return Err(self.log());
            }
            assert!(Instant::now() < deadline, "{} did not become ready; it said:\n{}", self.name, self.log());
            // A foreign program has no event to wait for but its port, and a port can only be tried.
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to do about it then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn follow(stream: impl Read + Send + 'static, output: &Arc<Output>) {
    let output = Arc::clone(output);
    thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            output.so_far.lock().expect("no reader panics").lines.push(line);
            output.changed.notify_all();
        }
        output.so_far.lock().expect("no reader panics").streams_closed += 1;
        output.changed.notify_all();
    });
}

/// An address on which nothing listened a moment ago, for programs that cannot choose one themselves. Never the same twice.
pub(crate) fn free_address() -> SocketAddr {
    static GIVEN_AWAY: Mutex<BTreeSet<SocketAddr>> = Mutex::new(BTreeSet::new());
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        if GIVEN_AWAY.lock().expect("no holder panics").insert(address) {
            return address;
        }
    }
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
