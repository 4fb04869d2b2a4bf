//! What a decision costs: requests per second of `/auth/nginx` against a handler in the same server that answers the same
//! bytes and does nothing. Run with `cargo bench`.
//!
//! One worker serves both; keep-alive connections ask in short rounds that alternate, so that the ratio holds on a machine
//! whose speed drifts. Two ratios are told: of the requests per second that client and server reach together, and of the
//! processor time that the server alone takes for a request, which does not depend on how the client wakes up. Every
//! answer must be 200, or the run is void.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot start says so and stops")]

use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use actix_web::{App as Routes, HttpResponse, HttpServer, web};
use samehand::app::{App, State, now};
use samehand::check::client_ip::ClientIp;
use samehand::check::fingerprint::ObservedClient;
use samehand::check::names::{GroupName, Groups, UserName};
use samehand::check::user_agent::UserAgent;
use samehand::config::{self, Config};
use samehand::http;
use samehand::issue::{Grant, Minter};
use samehand::keys::{self, Missing};
use samehand::store::Store;
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

fn main() {
    let directory = tempfile::tempdir().unwrap();
    println!(
        "| algorithm | /auth/nginx per second | empty handler per second | ratio: median (lowest to highest) \
         | /auth/nginx, server µs each | empty handler, server µs each | ratio: median (lowest to highest) |"
    );
    println!("|---|---|---|---|---|---|---|");
    for algorithm in ["HS256", "EdDSA", "ES256", "RS256"] {
        let config = settings(directory.path(), algorithm);
        let keys = keys::load(&config.keys, Missing::Create(now())).unwrap();
        let token = mint(&config, &keys);
        let address = serve(&config, keys);
        measure(algorithm, address, &token);
    }
}

fn settings(directory: &Path, algorithm: &str) -> Config {
    let mut variables = vec![("SAMEHAND_DATA".to_owned(), directory.display().to_string())];
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
    let client = ObservedClient {
        ip: ClientIp::vouched("192.0.2.1".parse().unwrap()),
        user_agent: UserAgent::from_bytes(Some(USER_AGENT.as_bytes())),
    };
    let minter = Minter::new(&config.policy, keys, config.token_ttl);
    minter.mint(grant, &client, &config.policy, None, now()).unwrap().token
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

fn serve(config: &Config, keys: keys::Keys) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let store = Store::create(&config.store).unwrap();
    let app = web::Data::new(App::new(State::new(config, keys), store, Hasher::new(1, 1)));
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

fn measure(algorithm: &str, address: SocketAddr, token: &str) {
    let decide = request("/auth/nginx", token);
    let nothing = request("/nothing", token);
    let mut connections: Vec<TcpStream> = (0..CONNECTIONS).map(|_| TcpStream::connect(address).unwrap()).collect();
    round(&mut connections, &decide);
    round(&mut connections, &nothing);
    let rounds: Vec<(Round, Round)> =
        (0..ROUNDS).map(|_| (round(&mut connections, &decide), round(&mut connections, &nothing))).collect();
    let column = |measured: fn(&Round) -> f64| {
        let decided = rounds.iter().map(|(decided, _)| measured(decided));
        let idle = rounds.iter().map(|(_, idle)| measured(idle));
        let ratios = decided.clone().zip(idle.clone()).map(|(decided, idle)| decided / idle);
        (sorted(decided)[ROUNDS / 2], sorted(idle)[ROUNDS / 2], sorted(ratios))
    };
    let (decided, idle, ratios) = column(|round| round.per_second);
    print!("| {algorithm} | {decided:.0} | {idle:.0} | {} ", spread(&ratios));
    let (decided, idle, ratios) = column(|round| round.server_microseconds);
    println!("| {decided:.1} | {idle:.1} | {} |", spread(&ratios));
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

fn request(path: &str, token: &str) -> Vec<u8> {
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
