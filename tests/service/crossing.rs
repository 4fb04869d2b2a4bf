//! Ten thousand mixed requests over kept connections: every answer names who asked, and nobody else.

use std::thread;

use crate::support::{
    client::{Address, Connection, Request},
    samehand::Samehand,
    token::Token,
};
use crate::{CHROME, FIREFOX, PROXY, question};

const USERS: usize = 20;
const CONNECTIONS: usize = 8;
const REQUESTS: usize = 10_000 / CONNECTIONS;

struct User {
    name: String,
    ip: String,
    group: String,
    token: String,
    forged: String,
}

#[track_caller]
fn user(samehand: &Samehand, number: usize) -> User {
    let (name, ip, group) = (format!("user-{number}"), format!("192.0.2.{number}"), format!("group-{number}"));
    let claim = format!("groups=[\"{group}\"]");
    let token = samehand
        .succeed(&["token", "mint", "--user", &name, "--ip", &ip, "--user-agent", FIREFOX, "--claim", &claim], "");
    let forged = Token::parse(&token).signed("another secret, which nobody configured");
    User { name, ip, group, token, forged }
}

/// One request of a kind that changes from turn to turn, and the status and identity of its answer.
fn request(users: &[User], turn: usize) -> (Request, u16, &str, &str) {
    let (own, other) = (&users[turn % USERS], &users[(turn + 7) % USERS]);
    let asked = |ip: &str, agent: &str| question(ip, agent);
    match turn % 7 {
        0 | 3 => (asked(&own.ip, FIREFOX).bearer(&own.token), 200, &own.name, &own.group),
        1 => (
            asked(&own.ip, FIREFOX).header("Cookie", format!("__Host-samehand={}", own.token)),
            200,
            &own.name,
            &own.group,
        ),
        2 => (asked(&other.ip, FIREFOX).bearer(&own.token), 403, "", ""),
        4 => (asked(&own.ip, FIREFOX), 401, "", ""),
        5 => (asked(&own.ip, FIREFOX).bearer(&own.forged), 401, "", ""),
        _ => (asked(&own.ip, CHROME).bearer(&own.token), 403, "", ""),
    }
}

#[test]
fn every_answer_names_its_own_caller() {
    let samehand = Samehand::start(&[("LOG", "warn,samehand::server=info"), ("WORKERS", "2")]);
    let users: Vec<User> = (1..=USERS).map(|number| user(&samehand, number)).collect();
    let (users, samehand) = (&users, &samehand);
    let run = |address: &Address, first: usize| {
        let mut connection = Connection::open(PROXY, address);
        for turn in (first..).step_by(CONNECTIONS).take(REQUESTS) {
            let (request, status, name, group) = request(users, turn);
            let id = format!("turn-{turn}");
            let reply = connection.ask(&request.header("X-Request-Id", id.as_str()));
            let said = |header: &str| reply.header(header).unwrap_or_default();
            let found = (reply.status, said("Remote-User"), said("Remote-Groups"), said("X-Request-Id"));
            assert_eq!(found, (status, name, group, id.as_str()), "turn {turn}: {reply:?}");
        }
    };
    thread::scope(|scope| {
        for number in 0..CONNECTIONS {
            let address = if number % 2 == 0 { &samehand.tcp } else { &samehand.unix };
            scope.spawn(move || run(address, number));
        }
    });
}
