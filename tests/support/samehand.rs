//! The real samehand, with settings and a data directory of its own, on ports of its own choice.

use std::{
    net::Ipv4Addr,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use super::{client::Address, process::Process};

/// The signing secret of every samehand of the tests, so that a test can sign what samehand would not.
pub(crate) const SECRET: &str = "the tests know this one, 8dJ2mQxv0Lr5";
/// A password that no rule refuses.
pub(crate) const PASSWORD: &str = "seven lighthouses count quietly";

/// A running samehand.
pub(crate) struct Samehand {
    pub(crate) process: Process,
    /// The public listener on TCP.
    pub(crate) tcp: Address,
    /// The public listener on a Unix socket.
    pub(crate) unix: Address,
    /// The listener for administration.
    pub(crate) admin: Address,
    directory: TempDir,
    settings: Vec<(String, String)>,
}

impl Samehand {
    /// Starts with these settings, named without `SAMEHAND_`, over those of the tests, and waits until it listens.
    #[track_caller]
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let socket = directory.path().join("samehand.sock");
        let own = [
            ("LISTEN", format!("127.0.0.1:0,unix:{}", socket.display())),
            ("ADMIN_LISTEN", "127.0.0.1:0".to_owned()),
            ("DATA", directory.path().join("data").display().to_string()),
            ("SECRET", SECRET.to_owned()),
            ("LOG", "debug".to_owned()),
        ];
        let mut all: Vec<_> = own.map(|(name, value)| (name.to_owned(), value)).into();
        for (name, value) in settings {
            all.retain(|(known, _)| known != name);
            all.push(((*name).to_owned(), (*value).to_owned()));
        }
        let process = Process::start(command(&directory, &all).arg("serve")).expect("cargo builds samehand");
        let listening = |what: &str, side: &str, unix: bool| {
            process.wait_for(what, |line| {
                let address = field(line, "address").filter(|_| field(line, "msg") == Some("listening"))?;
                let address = match address.strip_prefix("unix:") {
                    Some(path) => Address::Unix(PathBuf::from(path)),
                    None => Address::Tcp(address.parse().ok()?),
                };
                (field(line, "side") == Some(side) && matches!(address, Address::Unix(_)) == unix).then_some(address)
            })
        };
        let tcp = listening("where it listens on TCP", "public", false);
        let unix = listening("where it listens on a Unix socket", "public", true);
        let admin = listening("where it listens for administration", "admin", false);
        Self { process, tcp, unix, admin, directory, settings: all }
    }

    /// Runs another command on the same settings and store, with this text on its standard input.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = command(&self.directory, &self.settings);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("cargo builds samehand");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        // A command that reads nothing closes its end first.
        let _ = std::io::Write::write_all(&mut stdin, input.as_bytes());
        drop(stdin);
        child.wait_with_output().expect("the command ends")
    }

    /// What a command that has to succeed prints on its standard output, without the end of the line.
    #[track_caller]
    pub(crate) fn succeed(&self, arguments: &[&str], input: &str) -> String {
        let output = self.run(arguments, input);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "samehand {arguments:?} failed: {said}");
        String::from_utf8(output.stdout).expect("text").trim_end().to_owned()
    }

    /// A user who can sign in with [`PASSWORD`].
    #[track_caller]
    pub(crate) fn add_user(&self, name: &str, options: &[&str]) {
        let arguments = [&["user", "add", name, "--password-stdin"], options].concat();
        self.succeed(&arguments, PASSWORD);
    }

    /// A token bound to this client.
    #[track_caller]
    pub(crate) fn mint(&self, user: &str, ip: Ipv4Addr, user_agent: &str) -> String {
        let ip = ip.to_string();
        self.succeed(&["token", "mint", "--user", user, "--ip", &ip, "--user-agent", user_agent], "")
    }

    /// The log line of the decision about the request with this id.
    #[track_caller]
    pub(crate) fn decision(&self, request_id: &str) -> Decision {
        let what = format!("what it decided about {request_id}");
        self.process.wait_for(&what, |line| decision_about(request_id, line))
    }

    /// The same, if that line is there already.
    pub(crate) fn decision_so_far(&self, request_id: &str) -> Option<Decision> {
        self.process.log().lines().find_map(|line| decision_about(request_id, line))
    }
}

/// One decision, as the log tells it.
#[derive(Debug)]
pub(crate) struct Decision(String);

impl Decision {
    /// A field of the line; empty when it is not there.
    pub(crate) fn field(&self, name: &str) -> &str {
        field(&self.0, name).unwrap_or_default()
    }
}

fn decision_about(request_id: &str, line: &str) -> Option<Decision> {
    let is_it = field(line, "request_id") == Some(request_id) && field(line, "decision").is_some();
    is_it.then(|| Decision(line.to_owned()))
}

fn command(directory: &TempDir, settings: &[(String, String)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_samehand"));
    command.env_clear().current_dir(directory.path());
    command.envs(settings.iter().map(|(name, value)| (format!("SAMEHAND_{name}"), value)));
    command
}

/// The value of `name` in a log line of `key=value` and `key="quoted value"`, escapes left as they are.
pub(crate) fn field<'line>(line: &'line str, name: &str) -> Option<&'line str> {
    let mut rest = line;
    loop {
        let (key, value) = rest.split_once('=')?;
        let end = match value.strip_prefix('"') {
            Some(quoted) => end_of_quoted(quoted)? + 2,
            None => value.find(' ').unwrap_or(value.len()),
        };
        if key == name {
            return Some(value[..end].trim_matches('"'));
        }
        rest = value[end..].strip_prefix(' ')?;
    }
}

/// Where the closing quote stands.
fn end_of_quoted(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}
