//! Real Node.js: the Express service of `examples/node`, and its programs that answer one line with another.

use std::{
    io::{BufRead, BufReader, Lines, Write},
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::{Value, json};

use super::{PROXY, SALT, SECRET, clients::Client};
use crate::support::{
    client::{Address, Reply, Request, ask},
    process::Process,
    samehand::Samehand,
};

/// Whom the service lets in, and the password of all of them.
const USERS: &str = r#"{
    "alice": {"userId": "alice", "password": "for the tests"},
    "number": {"userId": 42, "password": "for the tests"}
}"#;

/// The Express service.
pub(crate) struct Service {
    pub(crate) address: Address,
    _process: Process,
}

impl Service {
    /// Listens on this address of the host, on a port of its own choice, and trusts the proxy of the tests.
    #[track_caller]
    pub(crate) fn start(host: &str) -> Self {
        let program = program("service.js");
        let process = Process::start_tool("node", |command| {
            let settings = [("SECRET", SECRET), ("SALT", SALT), ("USERS", USERS), ("HOST", host), ("PORT", "0")];
            command.arg(&program).envs(settings).env("TRUSTED_PROXIES", PROXY.to_string());
        });
        Self { address: where_it_listens(&process), _process: process }
    }

    /// The token that the service gives to this user on this client.
    #[track_caller]
    pub(crate) fn sign_in(&self, user: &str, client: &Client) -> String {
        token_of(&ask(PROXY, &self.address, &client.describe(sign_in_of(user))))
    }

    /// The service's answer to the client with this token.
    #[track_caller]
    pub(crate) fn profile(&self, client: &Client, token: &str) -> Reply {
        ask(PROXY, &self.address, &client.describe(Request::get("/profile")).header("Authorization", token))
    }
}

/// The sign-in page of the operator's own.
pub(crate) struct OwnPage {
    pub(crate) address: Address,
    _process: Process,
}

impl OwnPage {
    /// Asks this samehand for tokens, and trusts the proxy of the tests.
    #[track_caller]
    pub(crate) fn start(samehand: &Samehand, admin_token: &str, origin: &str, cookie_domain: &str) -> Self {
        let program = program("own-page.js");
        let Address::Admin(admin) = samehand.admin else { panic!("the administration side listens on TCP") };
        let process = Process::start_tool("node", |command| {
            let mint = format!("http://{admin}/mint");
            let settings = [("ADMIN_TOKEN", admin_token), ("MINT_URL", &mint), ("OWN_ORIGIN", origin), ("PORT", "0")];
            command.arg(&program).envs(settings).env("TRUSTED_PROXIES", PROXY.to_string());
            command.env("COOKIE_DOMAIN", cookie_domain).env("USERS", USERS);
        });
        Self { address: where_it_listens(&process), _process: process }
    }
}

#[track_caller]
fn where_it_listens(process: &Process) -> Address {
    process.wait_for("where it listens", |line| {
        let (ip, port) = line.strip_prefix("listening on ")?.split_once(" port ")?;
        // A dual-stack socket is reached over IPv4, and that is what the tests are about.
        let ip: IpAddr = ip.parse().ok()?;
        Some(Address::Tcp(SocketAddr::new(ip.to_canonical(), port.parse().ok()?)))
    })
}

/// The request with which a user signs in.
pub(crate) fn sign_in_of(user: &str) -> Request {
    let body = json!({ "username": user, "password": "for the tests" }).to_string();
    Request::post("/login", body).header("Content-Type", "application/json")
}

#[track_caller]
pub(crate) fn token_of(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["token"].as_str().expect("a token").to_owned()
}

/// `mint.js` or `check.js`: one process for as many lines as there are.
pub(crate) struct Program {
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Program {
    #[track_caller]
    fn start(name: &str, secret: &str, salt: &str) -> Self {
        let mut command = Command::new("node");
        command.arg(program(name)).envs([("SECRET", secret), ("SALT", salt)]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap_or_else(|error| {
            panic!("node does not start ({error}): run `make test` or scripts/install-test-tools.sh node")
        });
        let input = child.stdin.take().expect("stdin is piped");
        let output = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        Self { child, input, output }
    }

    #[track_caller]
    fn answer(&mut self, question: &Value) -> Value {
        writeln!(self.input, "{question}").expect("node reads");
        let line = self.output.next().expect("a line for each line").expect("text");
        serde_json::from_str(&line).expect("JSON")
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing to do about it then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `mint.js`.
pub(crate) struct Mint(Program);

impl Mint {
    /// With the secret and salt of the tests.
    #[track_caller]
    pub(crate) fn start() -> Self {
        Self::with(SECRET, SALT)
    }

    #[track_caller]
    pub(crate) fn with(secret: &str, salt: &str) -> Self {
        Self(Program::start("mint.js", secret, salt))
    }

    /// A token for alice, made with this text in the place of the address.
    #[track_caller]
    pub(crate) fn token(&mut self, address: &str, client: &Client) -> String {
        self.token_with(json!({ "userId": "alice", "address": address }), client)
    }

    /// A token as asked for, with the client's `User-Agent`.
    #[track_caller]
    pub(crate) fn token_with(&mut self, mut asked: Value, client: &Client) -> String {
        tell_user_agent(&mut asked, client);
        self.0.answer(&asked)["token"].as_str().expect("a token").to_owned()
    }
}

/// `check.js`.
pub(crate) struct Check(Program);

impl Check {
    /// With the secret and salt of the tests.
    #[track_caller]
    pub(crate) fn start() -> Self {
        Self::with(SECRET, SALT)
    }

    #[track_caller]
    pub(crate) fn with(secret: &str, salt: &str) -> Self {
        Self(Program::start("check.js", secret, salt))
    }

    /// What Node makes of the token when this client presents it.
    #[track_caller]
    pub(crate) fn verdict(&mut self, token: &str, client: &Client) -> Value {
        let mut asked = json!({ "token": token, "address": client.forwarded_for });
        tell_user_agent(&mut asked, client);
        self.0.answer(&asked)
    }
}

fn tell_user_agent(asked: &mut Value, client: &Client) {
    if let Some(user_agent) = client.user_agent_in_node() {
        asked["userAgent"] = user_agent.into();
    }
}

#[track_caller]
fn program(name: &str) -> PathBuf {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/node");
    for package in ["express", "jsonwebtoken"] {
        assert!(
            example.join("node_modules").join(package).is_dir(),
            "{package} is not installed, and these tests need the real one: run `make test` or scripts/install-test-tools.sh node"
        );
    }
    example.join(name)
}
