//! What a decision costs: requests per second of `/auth/nginx` against a handler in the same server that answers the same
//! bytes and does nothing. Run with `cargo bench`.
//!
//! One worker serves both; blocking clients on keep-alive connections ask in short rounds that alternate, so that the
//! ratio holds on a machine whose speed drifts. Every answer must be 200, or the run is void.

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
use std::time::{Duration, Instant};

const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const CONNECTIONS: usize = 8;
const ROUND: Duration = Duration::from_millis(500);
const ROUNDS: usize = 20;

fn main() {
    let directory = tempfile::tempdir().unwrap();
    println!("| algorithm | /auth/nginx per second | empty handler per second | ratio: median | lowest | highest |");
    println!("|---|---|---|---|---|---|");
    for algorithm in ["HS256", "EdDSA", "ES256", "RS256"] {
        let config = settings(directory.path(), algorithm);
        let keys = keys::load(&config.keys, Missing::Create(now())).unwrap();
        let token = mint(&config, &keys);
        let address = serve(&config, keys);
        measure(algorithm, address, &token);
    }
}

fn settings(directory: &std::path::Path, algorithm: &str) -> Config {
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
    let mut pairs: Vec<(f64, f64)> = Vec::new();
    for _ in 0..ROUNDS {
        pairs.push((round(&mut connections, &decide), round(&mut connections, &nothing)));
    }
    let mut ratios: Vec<f64> = pairs.iter().map(|(decide, nothing)| decide / nothing).collect();
    let (mut decided, mut did_nothing): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
    println!(
        "| {algorithm} | {:.0} | {:.0} | {:.3} | {:.3} | {:.3} |",
        median(&mut decided),
        median(&mut did_nothing),
        median(&mut ratios),
        ratios[0],
        ratios[ROUNDS - 1],
    );
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn request(path: &str, token: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: samehand\r\nUser-Agent: {USER_AGENT}\r\nAuthorization: Bearer {token}\r\n\
         X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Proto: https\r\n\
         X-Forwarded-Host: app.example.com\r\nX-Forwarded-Uri: /some/path?with=query\r\nAccept: text/html\r\n\r\n"
    )
    .into_bytes()
}

/// Requests per second over one round: all connections are written to, then all are read, so that the worker always has
/// work.
fn round(connections: &mut [TcpStream], request: &[u8]) -> f64 {
    let started = Instant::now();
    let mut answered = 0;
    let mut answer = [0; 4096];
    while started.elapsed() < ROUND {
        for connection in connections.iter_mut() {
            connection.write_all(request).unwrap();
        }
        for connection in connections.iter_mut() {
            let mut read = 0;
            while !answer[..read].ends_with(b"\r\n\r\n") {
                read += connection.read(&mut answer[read..]).unwrap();
            }
            assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer[..read]));
            answered += 1;
        }
    }
    f64::from(answered) / started.elapsed().as_secs_f64()
}
