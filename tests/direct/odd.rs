//! Old and odd HTTP: too much of it, half of it, and what is none at all.

use super::{BROWSER, FORWARDED, KINDS, PROXY, World, assert_closed};
use crate::support::client::{Connection, Request, ask};

#[test]
fn old_http_and_bodies_that_never_come_are_answered_at_once() {
    let mut world = World::start();
    let question = String::from_utf8(world.question("nginx").bytes()).expect("text");
    let first_line = "GET /auth/nginx HTTP/1.1\r\n";
    let host = "Host: app.example.com\r\n";
    let end = |lines: &str| question.replacen("\r\n\r\n", &format!("\r\n{lines}\r\n"), 1);
    let old = question.replacen("HTTP/1.1", "HTTP/1.0", 1);
    for (row, bytes) in [
        ("HTTP/1.0", old.clone()),
        ("HTTP/1.0 without Host", old.replacen(host, "", 1)),
        ("HTTP/1.0, close", old.replacen(host, "Connection: close\r\n", 1)),
        ("a promised body", end("Content-Length: 1048576\r\n")),
        ("a promised body in chunks", end("Transfer-Encoding: chunked\r\n")),
        ("a promised upload", end("Content-Length: 10\r\n").replacen("GET", "POST", 1)),
        ("an upgrade to WebSocket", end("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n")),
        ("an upgrade to h2c", end("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n")),
    ] {
        assert!(bytes.contains(first_line.split(' ').nth(1).expect("a path")), "{row}");
        let mut connection = Connection::open(PROXY, &world.samehand.tcp);
        connection.send(bytes.as_bytes());
        // The very first line: an interim answer is a failure to nginx.
        let status_line = connection.take(12).unwrap_or_else(|error| panic!("{row}: no answer ({error})"));
        let status_line = String::from_utf8_lossy(&status_line).into_owned();
        assert!(status_line.starts_with("HTTP/1.") && status_line.ends_with(" 200"), "{row}: {status_line}");
        drop(connection);
        world.goes_on(row);
    }
}

/// nginx and HAProxy take an interim answer for a failure: whoever expects `100 Continue` gets the decision at once.
#[test]
fn no_interim_answer_goes_before_a_decision() {
    let mut world = World::start();
    let expecting = |request: Request| request.header("Content-Length", "1048576").header("Expect", "100-continue");
    for (kind, address) in KINDS.iter().flat_map(|kind| [(kind, &world.samehand.tcp), (kind, &world.samehand.unix)]) {
        let mut connection = Connection::open(PROXY, address);
        connection.send(&expecting(world.question(kind)).bytes());
        let first = connection.head().unwrap_or_else(|error| panic!("{kind}: no answer ({error})"));
        assert_eq!((first.status, first.header("Remote-User")), (200, Some("alice")), "{kind}: {first:?}");
        assert_eq!(first.header("Content-Length"), Some("0"), "{kind}: {first:?}");
        let below = format!("/auth/{kind}/below");
        assert_closed(kind, &ask(PROXY, address, &expecting(Request::get(&below))));
    }
    world.goes_on("an expectation");
}

#[test]
fn a_connection_is_kept_for_the_next_question() {
    let world = World::start();
    for address in [&world.samehand.tcp, &world.samehand.unix] {
        let mut connection = Connection::open(PROXY, address);
        for turn in 0..20 {
            let good = connection.ask(&world.question("nginx"));
            assert_eq!((good.status, good.header("Remote-User")), (200, Some("alice")), "{turn}: {good:?}");
            let bad = connection.ask(&world.question_without("nginx", "X-Forwarded-Uri"));
            assert_eq!(bad.status, 403, "{turn}: {bad:?}");
            assert_eq!(bad.header("Content-Length"), Some("0"), "{turn}");
        }
    }
}

#[test]
fn too_much_and_rubbish_are_cut_off() {
    let mut world = World::start();
    let question = world.question("nginx");
    let padded = |count: usize, length: usize| {
        (0..count)
            .fold(question.clone(), |request, turn| request.header(&format!("X-Padding-{turn}"), vec![b'p'; length]))
    };
    for (row, bytes) in [
        ("128 KiB of headers in 16 lines", padded(16, 8 * 1024).bytes()),
        ("128 KiB in one line", padded(1, 128 * 1024).bytes()),
        ("1 MiB of headers", padded(64, 16 * 1024).bytes()),
        ("500 headers", padded(500, 1).bytes()),
        ("a target of 200 KiB", Request::get(&format!("/auth/nginx/{}", "a".repeat(200 * 1024))).bytes()),
        ("zeroes", vec![0; 4096]),
        ("every byte", (0..=255).cycle().take(8192).collect()),
        ("TLS", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(20)),
        ("HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00".to_vec()),
        ("HTTP/9.9", b"GET /auth/nginx HTTP/9.9\r\nHost: x\r\n\r\n".to_vec()),
        ("no version", b"GET /auth/nginx\r\n\r\n".to_vec()),
        ("no Host", b"GET /auth/nginx HTTP/1.1\r\n\r\n".to_vec()),
        ("two Hosts", b"GET /auth/nginx HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n".to_vec()),
        (
            "a blank before the colon",
            b"GET /auth/nginx HTTP/1.1\r\nHost: x\r\nX-Forwarded-For : 127.0.0.7\r\n\r\n".to_vec(),
        ),
        ("a folded line", b"GET /auth/nginx HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 127.0.0.7\r\n 8\r\n\r\n".to_vec()),
        (
            "two lengths",
            b"GET /auth/nginx HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_vec(),
        ),
        (
            "length and chunks",
            b"POST /auth/nginx HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
                .to_vec(),
        ),
        ("a raw umlaut in the target", "GET /auth/nginx/ä HTTP/1.1\r\nHost: x\r\n\r\n".as_bytes().to_vec()),
    ] {
        for address in [world.samehand.tcp.clone(), world.samehand.unix.clone()] {
            let mut connection = Connection::open(PROXY, &address);
            connection.send(&bytes);
            if let Ok(reply) = connection.reply(false) {
                assert!((400..500).contains(&reply.status), "{row}: {reply:?}");
                assert_closed(row, &reply);
            }
            drop(connection);
            world.goes_on(row);
        }
    }
    let log = world.samehand.process.log();
    assert!(!log.contains("level=error"), "rubbish is nothing that keeps samehand from its work: {log}");
    // Less than a whole head, and then nothing: the others are served meanwhile.
    let halves: Vec<Connection> = (0..50)
        .map(|_| {
            let mut connection = Connection::open(PROXY, &world.samehand.tcp);
            connection.send(b"GET /auth/nginx HTTP/1.1\r\nHost: x\r\nX-Forwa");
            connection
        })
        .collect();
    world.goes_on("fifty heads that stop in the middle");
    drop(halves);
    world.goes_on("fifty callers who went away");
}

#[test]
fn odd_credentials_are_refused_and_nothing_breaks() {
    let mut world = World::start();
    let with = |authorization: &[u8]| {
        let request = Request::get("/auth/nginx").header("User-Agent", BROWSER).header("Authorization", authorization);
        FORWARDED.iter().fold(request, |request, (name, value)| request.header(name, *value))
    };
    let token = world.token.clone();
    for (value, reason) in [
        (b"Bearer".to_vec(), "token-malformed"),
        (b"Bearer \xff\xff\xff".to_vec(), "token-malformed"),
        ([b"Bearer ".as_slice(), &vec![b'a'; 64 * 1024]].concat(), "token-malformed"),
        (format!("Bearer {token}, Bearer {token}").into_bytes(), "token-malformed"),
        (format!("Bearer {token} {token}").into_bytes(), "token-malformed"),
        (format!("Bearer ..{token}").into_bytes(), "token-malformed"),
        (b"Basic YWxpY2U6c2VjcmV0".to_vec(), "token-missing"),
        (b"Digest \xff".to_vec(), "token-missing"),
    ] {
        let row = String::from_utf8_lossy(&value[..value.len().min(60)]).into_owned();
        world.refused(&row, PROXY, with(&value), 401, reason);
    }
    for scheme in ["bearer", "BEARER", "bEaReR"] {
        let reply = ask(PROXY, &world.samehand.tcp, &with(format!("{scheme} {token}").as_bytes()));
        assert_eq!(reply.status, 200, "{scheme}: {reply:?}");
    }
    for agent in [&b"\xff\xfe\x00"[..2], "Ünïcode".as_bytes(), &vec![b'a'; 64 * 1024]] {
        let request = Request::get("/auth/nginx").header("User-Agent", agent).bearer(&token);
        let request = FORWARDED.iter().fold(request, |request, (name, value)| request.header(name, *value));
        world.refused("an odd browser", PROXY, request, 403, "client-changed");
    }
}
