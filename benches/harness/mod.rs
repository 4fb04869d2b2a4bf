//! What the benchmarks stand on: the real service in this process with one worker, and a client that asks it in short
//! rounds which alternate, so that a ratio holds on a machine whose speed drifts.
//!
//! Every answer must be 200, or the run is void.

use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use actix_web::{App as Routes, HttpResponse, HttpServer, web};
use samehand::app::{App, now};
use samehand::check::client_ip::ClientIp;
use samehand::check::identifiers::Revision;
use samehand::check::names::{GroupName, Groups, UserName};
use samehand::check::observed::ObservedClient;
use samehand::check::revocation::Entry;
use samehand::check::user_agent::UserAgent;
use samehand::config::{self, Config};
use samehand::http;
use samehand::issue::{Grant, Minter, Terms, new_session_id};
use samehand::keys::{self, Missing};
use samehand::revocations::Health;
use samehand::store::{self, Access};
use samehand::users::hasher::Hasher;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const CONNECTIONS: usize = 64;
const ROUND: Duration = Duration::from_millis(500);
const ROUNDS: usize = 20;

/// The service under one signing algorithm, and a token of a session that it accepts.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    pub(crate) token: String,
}

impl Service {
    /// Starts it on a data directory, with these revocations known.
    pub(crate) fn start(directory: &Path, algorithm: &str, revocations: &[Entry]) -> Self {
        let config = settings(directory, algorithm);
        let keys = keys::load(&config.keys, Missing::Create(now())).unwrap();
        let token = mint(&config, &keys);
        let store = store::at(&config.store, Access::Create).unwrap();
        let app = web::Data::new(App::new(config, keys, store, Hasher::new(1, 1)));
        // Nobody follows the store here: the set is complete as it is.
        app.revocations().add(revocations);
        app.revocations().is_complete(Instant::now(), Health::default());
        Self { address: serve(app), token }
    }
}

fn settings(directory: &Path, algorithm: &str) -> Config {
    let mut variables = vec![
        ("SAMEHAND_DATA".to_owned(), directory.display().to_string()),
        ("SAMEHAND_STORE_MAX_STALE".into(), "24h".into()),
    ];
    if algorithm != "HS256" {
        let name = match algorithm {
            "EdDSA" => "ed25519",
            "ES256" => "p256",
            _ => "rsa",
        };
        let path = format!("{}/tests/data/keys/{name}-ours.pem", env!("CARGO_MANIFEST_DIR"));
        variables.push(("SAMEHAND_SIGNING_KEY_FILE".into(), path));
    }
    let environment = variables.into_iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    config::load(None, environment).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn mint(config: &Config, keys: &keys::Keys) -> String {
    let groups = ["staff", "developers"].map(|name| GroupName::read(name).unwrap());
    let grant = Grant { groups: Groups::new(groups).unwrap(), ..Grant::of(UserName::read("alice").unwrap()) };
    let user_agent = UserAgent::from_bytes(Some(USER_AGENT.as_bytes()));
    let client = ObservedClient::new(ClientIp::vouched("192.0.2.1".parse().unwrap()), user_agent);
    let minter = Minter::new(&config.policy, keys, config.token_ttl);
    let session = Some((new_session_id().unwrap(), now() + config.policy.max_lifetime));
    let terms = Terms { issued_under: Revision::new(now() * 1000), session, before: None, ttl: None, now: now() };
    minter.mint(grant, &client, &config.policy, &terms).unwrap().token
}

/// The same headers as an allow, and nothing decided.
async fn nothing() -> HttpResponse {
    let mut response = HttpResponse::Ok().finish();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in http::IDENTITY_HEADERS.iter().zip(["alice", "staff,developers", "", ""]) {
        headers.insert(name.clone(), HeaderValue::from_static(value));
    }
    headers.insert(HeaderName::from_static("x-request-id"), HeaderValue::from_static("0123456789abcdef-0000"));
    response
}

fn serve(app: web::Data<App>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let routes = move || {
            Routes::new()
                .app_data(app.clone())
                .service(web::resource("/nothing").to(nothing))
                .configure(http::public_routes)
        };
        let server = HttpServer::new(routes).workers(1).disable_signals().listen(listener).unwrap();
        actix_rt::System::new().block_on(server.run()).unwrap();
    });
    address
}

/// Two requests that are asked in turns.
pub(crate) struct Comparison {
    rounds: Vec<(Round, Round)>,
}

impl Comparison {
    /// Asks both, round by round.
    pub(crate) fn run(one: (SocketAddr, &[u8]), other: (SocketAddr, &[u8])) -> Self {
        let connect = |address| (0..CONNECTIONS).map(|_| TcpStream::connect(address).unwrap()).collect::<Vec<_>>();
        let (mut to_one, mut to_other) = (connect(one.0), connect(other.0));
        round(&mut to_one, one.1);
        round(&mut to_other, other.1);
        let rounds = (0..ROUNDS).map(|_| (round(&mut to_one, one.1), round(&mut to_other, other.1))).collect();
        Self { rounds }
    }

    /// Medians of requests per second of both, and their ratio.
    pub(crate) fn per_second(&self) -> String {
        let (one, other, ratios) = self.column(|round| round.per_second);
        format!("{one:.0} | {other:.0} | {}", spread(&ratios))
    }

    /// Medians of the server's processor time for a request of both, in microseconds, and their ratio.
    pub(crate) fn server_microseconds(&self) -> String {
        let (one, other, ratios) = self.column(|round| round.server_microseconds);
        format!("{one:.1} | {other:.1} | {}", spread(&ratios))
    }

    fn column(&self, measured: fn(&Round) -> f64) -> (f64, f64, Vec<f64>) {
        let one = self.rounds.iter().map(|(one, _)| measured(one));
        let other = self.rounds.iter().map(|(_, other)| measured(other));
        let ratios = one.clone().zip(other.clone()).map(|(one, other)| one / other);
        (sorted(one)[ROUNDS / 2], sorted(other)[ROUNDS / 2], sorted(ratios))
    }
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

fn spread(ratios: &[f64]) -> String {
    format!("{:.2} ({:.2} to {:.2})", ratios[ROUNDS / 2], ratios[0], ratios[ROUNDS - 1])
}

/// What one round reached.
struct Round {
    per_second: f64,
    server_microseconds: f64,
}

/// Processor time of every thread of this process but the client's, in nanoseconds (Linux, `/proc/PID/task/*/schedstat`).
fn server_time() -> u64 {
    let time = |path: &Path| -> u64 {
        let text = std::fs::read_to_string(path.join("schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|nanoseconds| nanoseconds.parse().ok()).unwrap_or_default()
    };
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks.map(|task| time(&task.unwrap().path())).sum::<u64>() - time(Path::new("/proc/thread-self"))
}

/// The question of a proxy.
pub(crate) fn request(path: &str, token: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: samehand\r\nUser-Agent: {USER_AGENT}\r\nAuthorization: Bearer {token}\r\n\
         X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Proto: https\r\n\
         X-Forwarded-Host: app.example.com\r\nX-Forwarded-Uri: /some/path?with=query\r\nAccept: text/html\r\n\r\n"
    )
    .into_bytes()
}

/// One round: all connections are written to, then all are read, so that the worker always has work.
fn round(connections: &mut [TcpStream], request: &[u8]) -> Round {
    let (started, server_before) = (Instant::now(), server_time());
    let mut answered = 0;
    let mut answer = [0; 4096];
    while started.elapsed() < ROUND {
        for connection in connections.iter_mut() {
            connection.write_all(request).unwrap();
        }
        for connection in connections.iter_mut() {
            let mut read = 0;
            while !answer[..read].ends_with(b"\r\n\r\n") {
                let more = connection.read(&mut answer[read..]).unwrap();
                assert!(more > 0, "connection closed after {}", String::from_utf8_lossy(&answer[..read]));
                read += more;
            }
            assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer[..read]));
            answered += 1;
        }
    }
    let answered = f64::from(answered);
    #[expect(clippy::cast_precision_loss, reason = "some seconds in nanoseconds fit")]
    let server_nanoseconds = (server_time() - server_before) as f64;
    Round {
        per_second: answered / started.elapsed().as_secs_f64(),
        server_microseconds: server_nanoseconds / 1000.0 / answered,
    }
}
