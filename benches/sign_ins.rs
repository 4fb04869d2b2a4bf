//! What a hundred sign-ins at once do to decisions: their latency with and without, round by round, in the real program with
//! its own settings. Run with `cargo bench --bench sign_ins`.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot start says so and stops")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

const AT_ONCE: usize = 100;
const ROUNDS: usize = 9;
const QUIET: Duration = Duration::from_secs(1);
const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
const PASSWORD: &str = "seven lighthouses count quietly";

fn main() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path();
    let hash = run(data, &["hash"], PASSWORD);
    let people: String = (0..AT_ONCE).map(|number| format!("person-{number}:{hash}\n")).collect();
    let file = data.join("people");
    std::fs::write(&file, people).unwrap();
    run(data, &["user", "import", file.to_str().unwrap()], "");
    let mint = ["token", "mint", "--user", "person-0", "--ip", "192.0.2.1", "--user-agent", USER_AGENT];
    let token = run(data, &mint, "");
    let question = format!(
        "GET /auth/nginx HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\nX-Forwarded-Method: GET\r\n\
         X-Forwarded-Proto: https\r\nX-Forwarded-Host: app.example.com\r\nX-Forwarded-Uri: /\r\n\
         User-Agent: {USER_AGENT}\r\nAuthorization: Bearer {token}\r\n\r\n"
    );
    let (mut service, address) = serve(data);
    let mut decisions = TcpStream::connect(&address).unwrap();
    println!("| decisions | p50, µs | p99, µs | sign-ins, ms | signed in |");
    println!("|---|---|---|---|---|");
    let (mut quiet_p99, mut busy_p99, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let until = Instant::now() + QUIET;
        let quiet = latencies(&mut decisions, &question, || Instant::now() < until);
        println!("| quiet | {} | {} | | |", at(&quiet, 50), at(&quiet, 99));
        let (done, is_done) = mpsc::channel();
        let started = Instant::now();
        let address = address.clone();
        thread::spawn(move || done.send(sign_in_all(&address)));
        let mut signed_in = None;
        let busy = latencies(&mut decisions, &question, || {
            signed_in = is_done.try_recv().ok();
            signed_in.is_none()
        });
        let (took, signed_in) = (started.elapsed().as_millis(), signed_in.unwrap_or_default());
        println!("| {AT_ONCE} sign-ins | {} | {} | {took} | {signed_in} |", at(&busy, 50), at(&busy, 99));
        quiet_p99.push(at(&quiet, 99));
        busy_p99.push(at(&busy, 99));
        ratios.push(at(&busy, 99) * 100 / at(&quiet, 99));
    }
    for column in [&mut quiet_p99, &mut busy_p99, &mut ratios] {
        column.sort_unstable();
    }
    let middle = ROUNDS / 2;
    println!(
        "\np99 quiet {} µs, with {AT_ONCE} sign-ins {} µs (medians of {ROUNDS} rounds); ratio {:.2} ({:.2} to {:.2})",
        quiet_p99[middle],
        busy_p99[middle],
        hundredth(ratios[middle]),
        hundredth(ratios[0]),
        hundredth(ratios[ROUNDS - 1])
    );
    service.kill().unwrap();
    service.wait().unwrap();
}

fn hundredth(value: u64) -> f64 {
    f64::from(u32::try_from(value).unwrap()) / 100.0
}

fn samehand(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_samehand"));
    command.args(arguments).env_clear().env("SAMEHAND_DATA", data.join("data"));
    command.env("SAMEHAND_LISTEN", "127.0.0.1:0").env("SAMEHAND_ADMIN_LISTEN", "off");
    command
}

fn run(data: &Path, arguments: &[&str], input: &str) -> String {
    let mut child = samehand(data, arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // A command that reads nothing closes its end first.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "samehand {arguments:?} failed");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn serve(data: &Path) -> (Child, String) {
    let mut child = samehand(data, &["serve"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let address = lines.find_map(|line| Some(line.split_once("address=")?.1.trim_matches('"').to_owned())).unwrap();
    // Nobody else reads it, and a full pipe would stop the service.
    thread::spawn(move || lines.for_each(drop));
    (child, address)
}

/// How long each of as many decisions took as fit in, in microseconds, in order.
fn latencies(connection: &mut TcpStream, question: &str, mut goes_on: impl FnMut() -> bool) -> Vec<u64> {
    let mut took = Vec::new();
    let mut buffer = [0; 4096];
    while goes_on() {
        let started = Instant::now();
        connection.write_all(question.as_bytes()).unwrap();
        let length = connection.read(&mut buffer).unwrap();
        assert!(buffer[..length].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&buffer[..length]));
        took.push(u64::try_from(started.elapsed().as_micros()).unwrap());
    }
    took.sort_unstable();
    took
}

fn at(sorted: &[u64], percent: usize) -> u64 {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

/// Everybody at once, each over a connection of their own; says how many were let in. The others were told to come back.
fn sign_in_all(address: &str) -> usize {
    let mut connections: Vec<_> = (0..AT_ONCE).map(|_| TcpStream::connect(address).unwrap()).collect();
    for (number, connection) in connections.iter_mut().enumerate() {
        let body = format!(r#"{{"username":"person-{number}","password":"{PASSWORD}"}}"#);
        let head = "POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nConnection: close\r\n";
        let length = body.len();
        let request = format!("{head}User-Agent: {USER_AGENT}\r\nContent-Length: {length}\r\n\r\n{body}");
        connection.write_all(request.as_bytes()).unwrap();
    }
    let answered = connections.iter_mut().map(|connection| {
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer.get(9..12).unwrap_or_default().to_owned()
    });
    let answered: Vec<_> = answered.collect();
    assert!(answered.iter().all(|status| status == "200" || status == "429"), "{answered:?}");
    answered.iter().filter(|status| *status == "200").count()
}
