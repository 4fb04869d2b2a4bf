//! A data directory and the settings that go with it: what every samehand process of one test shares.

use std::{
    fs,
    io::Write,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use super::samehand::PASSWORD;

/// Where samehand keeps what it keeps, and how it is set up. Nothing is inherited from the environment of the tests.
pub(crate) struct Installation {
    directory: TempDir,
    settings: Vec<(String, String)>,
    /// Other variables of the environment.
    environment: Vec<(String, String)>,
    /// What samehand is started by, if not directly.
    wrapper: Vec<String>,
}

impl Installation {
    /// With these settings, named without `SAMEHAND_`; data is in a directory that does not exist yet.
    #[track_caller]
    pub(crate) fn new(settings: &[(&str, &str)]) -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let data = directory.path().join("data").display().to_string();
        let mut installation =
            Self { directory, settings: vec![("DATA".to_owned(), data)], environment: Vec::new(), wrapper: Vec::new() };
        installation.set(settings);
        installation
    }

    /// Replaces these settings for every process that starts from now on.
    pub(crate) fn set(&mut self, settings: &[(&str, &str)]) {
        for (name, value) in settings {
            self.settings.retain(|(known, _)| known != name);
            self.settings.push(((*name).to_owned(), (*value).to_owned()));
        }
    }

    /// Replaces a setting and says what it was.
    #[track_caller]
    pub(crate) fn set_aside(&mut self, name: &str, value: &str) -> String {
        let was = self.settings.iter().find(|(known, _)| known == name).expect("it was set").1.clone();
        self.set(&[(name, value)]);
        was
    }

    /// Sets what no test has set.
    pub(crate) fn set_default(&mut self, name: &str, value: &str) {
        if !self.settings.iter().any(|(known, _)| known == name) {
            self.set(&[(name, value)]);
        }
    }

    /// Sets a variable of the environment that is none of samehand's.
    pub(crate) fn set_environment(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Gives samehand a clock that is so many seconds ahead, or behind; the one that measures how long something takes is left alone.
    #[track_caller]
    pub(crate) fn set_clock(&mut self, seconds: i64) {
        for (name, value) in faketime() {
            self.set_environment(name, &value);
        }
        self.set_environment("FAKETIME", &format!("{seconds:+}s"));
    }

    /// Gives samehand a clock that jumps while it runs.
    #[track_caller]
    pub(crate) fn follow_clock(&mut self, clock: &JumpingClock) {
        for (name, value) in clock.environment() {
            self.set_environment(name, &value);
        }
    }

    /// From now on samehand is started by this program with these arguments before its own.
    pub(crate) fn wrap_in(&mut self, wrapper: &[&str]) {
        self.wrapper = wrapper.iter().map(|part| (*part).to_owned()).collect();
    }

    /// A file or directory beside the data.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The directory that `DATA` names.
    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    /// Writes a file that only its owner may read, as secrets have to be.
    #[track_caller]
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        write_private(&path, text);
        path.display().to_string()
    }

    /// samehand with these settings, not started.
    pub(crate) fn command(&self) -> Command {
        let mut parts = self.wrapper.iter().map(String::as_str).chain([env!("CARGO_BIN_EXE_samehand")]);
        let mut command = Command::new(parts.next().unwrap_or_default());
        command.args(parts).env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.current_dir(self.directory.path());
        command.envs(self.settings.iter().map(|(name, value)| (format!("SAMEHAND_{name}"), value)));
        command
    }

    /// Runs a command to its end with this text on its standard input.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("cargo builds samehand");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        // A command that reads nothing closes its end first.
        let _ = stdin.write_all(input.as_bytes());
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
}

#[track_caller]
fn write_private(path: &Path, text: &str) {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create(true).truncate(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes())).expect("a file in the temporary directory");
}

/// What gives a program another clock.
#[track_caller]
fn faketime() -> [(&'static str, String); 3] {
    let places = fs::read_dir("/usr/lib").into_iter().flatten().filter_map(Result::ok);
    let libraries = places.map(|place| place.path().join("faketime/libfaketimeMT.so.1"));
    let library = libraries.into_iter().find(|library| library.exists()).expect(
        "libfaketime is not installed, and these tests need the real one: run scripts/install-test-tools.sh faketime",
    );
    let preload = ("LD_PRELOAD", library.display().to_string());
    [preload, ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()), ("DONT_FAKE_MONOTONIC", "1".to_owned())]
}

/// A clock that jumps while programs run by it.
pub(crate) struct JumpingClock(TempDir);

impl JumpingClock {
    /// It is right.
    #[track_caller]
    pub(crate) fn new() -> Self {
        use std::os::unix::fs::PermissionsExt;
        let directory = TempDir::new().expect("a temporary directory");
        // A server may run as somebody else.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
        let clock = Self(directory);
        clock.jump_to(0);
        clock
    }

    /// From now on it is so many seconds ahead of the right time, or behind.
    #[track_caller]
    pub(crate) fn jump_to(&self, seconds: i64) {
        let next = self.0.path().join("next");
        let written = fs::write(&next, format!("{seconds:+}s\n")).and_then(|()| fs::rename(&next, self.path()));
        written.expect("a file in the temporary directory");
    }

    /// What a program is started with that runs by it.
    #[track_caller]
    pub(crate) fn environment(&self) -> Vec<(&'static str, String)> {
        let file = ("FAKETIME_TIMESTAMP_FILE", self.path().display().to_string());
        faketime().into_iter().chain([file, ("FAKETIME_NO_CACHE", "1".to_owned())]).collect()
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("time")
    }
}
