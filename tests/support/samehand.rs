//! The real samehand, with settings and a data directory of its own, on ports of its own choice.

use std::{ops::Deref, path::PathBuf};

use serde_json::Value;

use super::{client::Address, installation::Installation, process::Process};

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
    installation: Installation,
}

/// Commands run on the settings and the store of the service.
impl Deref for Samehand {
    type Target = Installation;

    fn deref(&self) -> &Installation {
        &self.installation
    }
}

impl Samehand {
    /// Starts with these settings, named without `SAMEHAND_`, over those of the tests, and waits until it listens.
    #[track_caller]
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        Self::serve(Installation::new(settings))
    }

    /// Starts on a directory that is there already.
    #[track_caller]
    pub(crate) fn serve(mut installation: Installation) -> Self {
        let socket = format!("127.0.0.1:0,unix:{}", installation.path("samehand.sock").display());
        for (name, value) in
            [("LISTEN", socket.as_str()), ("ADMIN_LISTEN", "127.0.0.1:0"), ("SECRET", SECRET), ("LOG", "debug")]
        {
            installation.set_default(name, value);
        }
        let process = Process::start(installation.command().arg("serve")).expect("cargo builds samehand");
        let listening = |what: &str, side: &str, unix: bool| {
            process.wait_for(what, |line| {
                let address = said(line, "address").filter(|_| said(line, "msg").as_deref() == Some("listening"))?;
                let address = match address.strip_prefix("unix:") {
                    Some(path) => Address::Unix(PathBuf::from(path)),
                    None if side == "admin" => Address::Admin(address.parse().ok()?),
                    None => Address::Tcp(address.parse().ok()?),
                };
                (said(line, "side").as_deref() == Some(side) && matches!(address, Address::Unix(_)) == unix)
                    .then_some(address)
            })
        };
        let tcp = listening("where it listens on TCP", "public", false);
        let unix = listening("where it listens on a Unix socket", "public", true);
        let admin = listening("where it listens for administration", "admin", false);
        Self { process, tcp, unix, admin, installation }
    }

    /// From now on its commands run by way of this program.
    pub(crate) fn wrap_commands_in(&mut self, wrapper: &[&str]) {
        self.installation.wrap_in(wrapper);
    }

    /// Ends the process and starts another one on the same data, with these settings replaced.
    #[track_caller]
    pub(crate) fn restart(self, settings: &[(&str, &str)]) -> Self {
        let mut installation = self.stop();
        installation.set(settings);
        Self::serve(installation)
    }

    /// Ends the process in good order and leaves everything that it kept.
    #[track_caller]
    pub(crate) fn stop(mut self) -> Installation {
        self.process.signal("TERM");
        self.process.wait_for("that it stops", |line| (said(line, "msg")? == "stopping").then_some(()));
        // The second one says that no load balancer has to be waited for.
        self.process.signal("TERM");
        let status = self.process.wait_for_end();
        assert!(status.success(), "{status}: {}", self.process.log());
        self.installation
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

/// The value of `name` in a log line of either format.
pub(crate) fn said(line: &str, name: &str) -> Option<String> {
    if !line.starts_with('{') {
        return field(line, name).map(str::to_owned);
    }
    let object: Value = serde_json::from_str(line).ok()?;
    let value = object.get(name)?;
    Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
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
