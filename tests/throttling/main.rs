//! Guessing at passwords, put to the real service: who is told to wait, who is not, and what the log says about it.
//!
//! Clients are addresses of 127.0.0.0/8, from which they connect themselves; none of them is a trusted proxy.

#[path = "../support/mod.rs"]
mod support;

mod counting;
mod fail2ban;
mod guessing;
mod sharing;

use std::{net::Ipv4Addr, time::Instant};

use support::{
    client::{Address, Connection, Reply, Request, ask},
    samehand::{PASSWORD, Samehand},
};

/// No user of these tests has it.
const WRONG: &str = "seven lighthouses count aloud";
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

/// Strangers have so many attempts at one user before they have to wait.
const OF_STRANGERS: usize = 20;
/// A client that the user has signed in from has so many of its own.
const OF_KNOWN_CLIENT: usize = 50;
/// An address has so many, whoever is asked for.
const OF_ADDRESS: usize = 100;
/// Strangers get another attempt at a user after so many seconds.
const WAIT_OF_STRANGERS: u64 = 18 * 60;

fn sign_in(name: &str, password: &str) -> Request {
    let body = serde_json::json!({ "username": name, "password": password }).to_string();
    Request::post("/login", body).header("Content-Type", "application/json").header("User-Agent", BROWSER)
}

/// A client in a network of its own, which is not that of [`CLIENT`](support::CLIENT).
#[track_caller]
fn somewhere(number: usize) -> Ipv4Addr {
    assert_ne!(number, 0);
    Ipv4Addr::new(127, 0, u8::try_from(number).expect("a byte"), 7)
}

/// What a sign-in with the right password is answered.
#[track_caller]
fn right(samehand: &Samehand, name: &str, from: Ipv4Addr) -> u16 {
    checked(&ask(from, &samehand.tcp, &sign_in(name, PASSWORD)))
}

/// What a sign-in with a wrong password is answered.
#[track_caller]
fn wrong(samehand: &Samehand, name: &str, from: Ipv4Addr) -> u16 {
    checked(&ask(from, &samehand.tcp, &sign_in(name, WRONG)))
}

/// The status; holds that who has to wait is told so in the one way.
#[track_caller]
fn checked(reply: &Reply) -> u16 {
    if reply.status == 429 {
        assert_eq!(reply.json()["error"], "slow_down", "{reply:?}");
        assert_eq!(reply.header("Cache-Control"), Some("no-store"), "{reply:?}");
        assert!((1..=4 * WAIT_OF_STRANGERS).contains(&retry_after(reply)), "{reply:?}");
    }
    reply.status
}

#[track_caller]
fn retry_after(reply: &Reply) -> u64 {
    let seconds = reply.header("Retry-After").and_then(|seconds| seconds.parse().ok());
    seconds.unwrap_or_else(|| panic!("no Retry-After: {reply:?}"))
}

/// How many wrong passwords are hashed before this client has to wait.
#[track_caller]
fn wrong_until_told_to_wait(samehand: &Samehand, name: &str, from: Ipv4Addr) -> usize {
    let mut connection = Connection::open(from, &samehand.tcp);
    for count in 0.. {
        match checked(&connection.ask(&sign_in(name, WRONG))) {
            401 => {}
            429 => return count,
            status => panic!("{status} for {name} from {from}"),
        }
    }
    unreachable!("some limit is reached")
}

/// So many attempts an address may have got back since then: one after each half minute.
fn regained(since: Instant) -> usize {
    usize::try_from(since.elapsed().as_secs() / 30).expect("a few") + 1
}

/// Whether this client has to wait, at whose address nothing was left a moment ago: what the address has got back since is
/// used up first.
#[track_caller]
fn has_to_wait(samehand: &Samehand, name: &str, from: Ipv4Addr) -> bool {
    right(samehand, name, from) == 429 || {
        wrong(samehand, name, from);
        right(samehand, name, from) == 429
    }
}

/// How often samehand says it answered a sign-in with this result.
#[track_caller]
fn counted(samehand: &Samehand, result: &str) -> usize {
    let page = ask(Ipv4Addr::LOCALHOST, &samehand.admin, &Request::get("/metrics"));
    let page = String::from_utf8(page.body).expect("text");
    let line = format!("samehand_logins_total{{result=\"{result}\"}} ");
    page.lines().find_map(|text| text.strip_prefix(&line)).map_or(0, |count| count.parse().expect("a number"))
}

/// Adds users who have [`PASSWORD`], all with one command.
#[track_caller]
fn import(samehand: &Samehand, names: &[String]) {
    let hash = samehand.succeed(&["hash"], PASSWORD);
    let lines: String = names.iter().map(|name| format!("{name}:{hash}\n")).collect();
    let file = samehand.write("users", &lines);
    samehand.succeed(&["user", "import", &file], "");
}

/// Sends one request from each client at the same time and reads the answers.
#[track_caller]
fn at_once(to: &Address, asked: &[(Ipv4Addr, Request)]) -> Vec<Reply> {
    let mut connections: Vec<Connection> = asked.iter().map(|(from, _)| Connection::open(*from, to)).collect();
    for (connection, (_, request)) in connections.iter_mut().zip(asked) {
        connection.send(&request.bytes());
    }
    connections.iter_mut().map(|connection| connection.reply(false).expect("an answer")).collect()
}
