//! `examples/dpop/node/ask.mjs` and `examples/dpop/python/ask.py` as running processes.

use std::{
    ffi::OsString,
    fs,
    io::{BufRead, BufReader, Lines, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::Value;

/// What a client is written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Language {
    Node,
    Python,
}

/// Every one there is.
pub(crate) const LANGUAGES: [Language; 2] = [Language::Node, Language::Python];

/// How a program is to be started.
pub(crate) struct Start<'a> {
    origin: &'a str,
    environment: Vec<(&'static str, OsString)>,
}

impl<'a> Start<'a> {
    pub(crate) fn new(origin: &'a str, username: &str, password: &str) -> Self {
        let environment = [("SERVER", origin), ("USERNAME", username), ("PASSWORD", password)];
        Self { origin, environment: environment.map(|(name, value)| (name, value.into())).to_vec() }
    }

    /// Trusts certificates of this authority.
    pub(crate) fn trusting(mut self, certificate: PathBuf) -> Self {
        let names = ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"];
        self.environment.extend(names.map(|name| (name, certificate.clone().into())));
        self
    }

    /// Signs with the key in this file.
    pub(crate) fn with_key(mut self, file: &Path) -> Self {
        self.environment.push(("KEY_FILE", file.into()));
        self
    }

    /// Has a clock that is as far ahead as this file says whenever it is looked at: `+7h`.
    #[track_caller]
    pub(crate) fn with_clock_of(mut self, file: &Path) -> Self {
        let places = fs::read_dir("/usr/lib").into_iter().flatten().filter_map(Result::ok);
        let mut libraries = places.map(|place| place.path().join("faketime/libfaketimeMT.so.1"));
        let library = libraries.find(|library| library.exists()).expect(
            "libfaketime is not installed, and these tests need the real one: run scripts/install-test-tools.sh faketime",
        );
        self.environment.extend([
            ("LD_PRELOAD", library.into()),
            ("FAKETIME_TIMESTAMP_FILE", file.into()),
            ("FAKETIME_NO_CACHE", "1".into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
            ("DONT_FAKE_MONOTONIC", "1".into()),
        ]);
        self
    }

    #[track_caller]
    pub(crate) fn start(self, language: Language) -> Program {
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/dpop");
        let mut command = match language {
            Language::Node => Command::new("node"),
            // The one that has Debian's python3-cryptography.
            Language::Python => Command::new("/usr/bin/python3"),
        };
        match language {
            Language::Node => command.arg(examples.join("node/ask.mjs")),
            // Leaves no compiled files in the repository.
            Language::Python => command.arg("-B").arg(examples.join("python/ask.py")),
        };
        // A proxy of the machine's own is not on this way.
        for name in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(name);
        }
        command.envs(self.environment).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| {
            panic!(
                "{language:?} does not start ({error}): run `make test` or scripts/install-test-tools.sh node python"
            )
        });
        let input = child.stdin.take().expect("stdin is piped");
        let output = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        Program { child, input, output, origin: self.origin.to_owned() }
    }
}

/// One process for as many lines as there are.
pub(crate) struct Program {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    origin: String,
}

impl Program {
    /// What came of a request; `path` may stand for the whole address.
    #[track_caller]
    pub(crate) fn ask(&mut self, asked: Value) -> Value {
        self.ask_at_once(&[asked]).remove(0)
    }

    /// The same for several requests at the same time.
    #[track_caller]
    pub(crate) fn ask_at_once(&mut self, asked: &[Value]) -> Vec<Value> {
        for one in asked {
            let mut one = one.clone();
            if let Some(path) = one["path"].as_str() {
                one["url"] = format!("{}{path}", self.origin).into();
            }
            writeln!(self.input, "{one}").expect("it reads");
        }
        let mut answer = || {
            let line =
                self.output.next().expect("a line for each line; it said above why there is none").expect("text");
            serde_json::from_str(&line).expect("JSON")
        };
        asked.iter().map(|_| answer()).collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to do about it then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
