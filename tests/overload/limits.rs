//! What one connection may do: how long a head may be and take, how much may follow an answer, how long an answer may lie.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpStream},
    time::{Duration, Instant},
};

use super::{FLOOD, PROXY, assert_good, question, service};
use crate::support::client::{Address, Connection, Request, ask};

/// What a head has to be there within, with room for a machine that is busy with other tests.
const HEAD: Duration = Duration::from_secs(5);

#[test]
fn a_slow_head_is_refused_on_a_new_connection_and_on_a_kept_one() {
    let (samehand, token) = service(&[], &[]);
    let mut new = Connection::open(FLOOD, &samehand.tcp);
    let mut kept = Connection::open(FLOOD, &samehand.tcp);
    let mut on_unix = Connection::open(FLOOD, &samehand.unix);
    assert_good(&mut kept, &token);
    assert_good(&mut on_unix, &token);
    let started = Instant::now();
    for connection in [&mut new, &mut kept, &mut on_unix] {
        connection.send(b"GET /auth/nginx HTTP/1.1\r\nHost: app.exa");
    }
    for connection in [&mut new, &mut kept, &mut on_unix] {
        let reply = connection.reply(false).expect("an answer");
        assert_eq!((reply.status, reply.header("Connection")), (408, Some("close")), "{reply:?}");
        assert!(connection.rest().is_empty());
    }
    assert!(started.elapsed() >= HEAD, "{:?}", started.elapsed());
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let (samehand, _) = service(&[], &[]);
    let mut connection = Connection::open(FLOOD, &samehand.tcp);
    let announced = Request::new("POST", "/login").header("Content-Type", "application/json");
    connection.send(&announced.header("Content-Length", "100").bytes());
    connection.send(b"{\"username\"");
    assert_eq!(connection.reply(false).expect("an answer").status, 408);
    assert!(connection.rest().is_empty());
}

#[test]
fn a_head_is_as_long_as_nginx_lets_one_through_and_not_much_longer() {
    let (samehand, token) = service(&[], &[]);
    // The longest that nginx takes with its own settings: four buffers of 8 KiB, and the request line once more.
    let longest = (0..5).fold(question(&token), |request, number| {
        request.header(&format!("X-Padding-{number}"), "x".repeat(8 * 1024 - 64))
    });
    let mut connection = Connection::open(PROXY, &samehand.tcp);
    assert_eq!(connection.ask(&longest).status, 200);
    assert_good(&mut connection, &token);
    for padding in [100, 300, 3000] {
        let mut connection = Connection::open(FLOOD, &samehand.tcp);
        assert_good(&mut connection, &token);
        let reply = connection.ask(&question(&token).header("X-Padding", "x".repeat(padding * 1024)));
        assert_eq!((reply.status, reply.header("Connection")), (431, Some("close")), "{padding} KiB: {reply:?}");
        assert!(connection.rest().is_empty());
    }
    // One that has no end yet is not waited for either.
    let mut connection = Connection::open(FLOOD, &samehand.tcp);
    connection.send(format!("GET / HTTP/1.1\r\nX-Padding: {}", "x".repeat(100 * 1024)).as_bytes());
    assert_eq!(connection.reply(false).expect("an answer").status, 431);
}

#[test]
fn many_short_requests_in_a_row_are_no_long_head() {
    let (samehand, token) = service(&[], &[]);
    let mut connection = Connection::open(PROXY, &samehand.tcp);
    let once = question(&token).bytes();
    let times = 400 * 1024 / once.len();
    connection.send(&once.repeat(times));
    for number in 0..times {
        assert_eq!(connection.reply(false).expect("an answer").status, 200, "{number} of {times}");
    }
}

#[test]
fn what_follows_an_answer_without_end_is_cut_off() {
    const ENOUGH: usize = 256 * 1024 * 1024;
    let (samehand, token) = service(&[], &[]);
    let mut connection = plain(&samehand.tcp);
    connection.write_all(&question(&token).header("Transfer-Encoding", "chunked").bytes()).expect("it listens");
    // Also a chunk that looks like the end of a head is the rest of a body.
    let chunk = format!("4000\r\n{}\r\n\r\n\r\n", "x".repeat(0x4000 - 4));
    let mut sent = 0;
    while connection.write_all(chunk.as_bytes()).is_ok() {
        sent += chunk.len();
        assert!(sent < ENOUGH, "{sent} bytes were taken, and nobody had asked for them");
    }
    assert_good(&mut Connection::open(PROXY, &samehand.tcp), &token);
}

#[test]
fn who_asks_and_never_reads_is_cut_off() {
    let (samehand, token) = service(&[], &[]);
    let mut connection = plain(&samehand.tcp);
    let questions = question(&token).bytes().repeat(100);
    // The connection takes no more once both ends are full, and fails when the other one is closed.
    let failed = loop {
        if let Err(error) = connection.write_all(&questions) {
            break error;
        }
    };
    assert_ne!(failed.kind(), ErrorKind::WouldBlock, "it was not cut off within two minutes");
    assert_good(&mut Connection::open(PROXY, &samehand.tcp), &token);
}

#[test]
fn half_closed_connections_get_their_answer() {
    let (samehand, token) = service(&[], &[]);
    let mut connection = plain(&samehand.tcp);
    connection.write_all(&question(&token).bytes()).expect("it listens");
    connection.shutdown(Shutdown::Write).expect("it is open");
    let mut answer = String::new();
    connection.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let reply = ask(PROXY, &samehand.tcp, &question(&token));
    assert_eq!(reply.status, 200);
}

/// A connection of which the test sees how much it takes; no write waits longer than two minutes.
#[track_caller]
fn plain(to: &Address) -> TcpStream {
    let Address::Tcp(address) = to else { panic!("{to:?} is no TCP address") };
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_write_timeout(Some(Duration::from_secs(120))).expect("a connection");
    stream.set_read_timeout(Some(Duration::from_secs(120))).expect("a connection");
    stream
}
