//! What a question has to say about the client's request, and that nothing else is read.

use std::{fs, net::Ipv4Addr, process::Command};

use super::{BROWSER, FORWARDED, KINDS, PROXY, World, bad_question};
use crate::support::{
    CLIENT, THIEF,
    client::{Connection, Request, ask},
};

#[test]
fn an_allowed_request_is_answered_with_all_identity_headers_and_nothing_else() {
    let mut world = World::start();
    for kind in KINDS {
        let (reply, decision) = world.decided(PROXY, world.question(kind));
        assert_eq!(reply.status, 200, "{reply:?}");
        let identity = ["Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email"].map(|name| reply.header(name));
        assert_eq!(identity, [Some("alice"), Some("staff,admins"), Some(""), Some("")], "{kind}: {reply:?}");
        assert_eq!(reply.header("Content-Length"), Some("0"), "{kind}");
        assert_eq!(reply.header("Cache-Control"), Some("no-store"), "{kind}");
        let decided = ["decision", "proxy", "remote_ip", "host", "path"].map(|name| decision.field(name));
        assert_eq!(decided, ["allow", kind, "127.0.0.7", "app.example.com", "/page"]);

        let over_unix = ask(CLIENT, &world.samehand.unix, &world.question(kind));
        assert_eq!((over_unix.status, over_unix.header("Remote-User")), (200, Some("alice")), "{kind}: {over_unix:?}");
    }
}

#[test]
fn only_a_trusted_proxy_is_answered() {
    let mut world = World::start();
    for kind in KINDS {
        for peer in [CLIENT, THIEF, Ipv4Addr::LOCALHOST] {
            let row = format!("a question from {peer}");
            world.refused(&row, peer, world.question(kind), 403, "proxy-untrusted");
            // A bad proxy is reported before anything it says.
            world.refused(&row, peer, Request::get(&format!("/auth/{kind}")), 403, "proxy-untrusted");
        }
    }
}

/// The system does not know whose a connection was that has been reset, and what has no address is no Unix socket.
#[test]
fn a_client_that_resets_its_connection_is_not_trusted() {
    let mut world = World::start();
    let samehand = world.samehand.process.id().to_string();
    let signal = |name: &str| {
        let sent = Command::new("kill").args([name, &samehand]).status().expect("there is a kill");
        assert!(sent.success());
    };
    // Stopped, so that the connection is reset before samehand looks at it.
    signal("-STOP");
    let is_stopped = || {
        let mut threads = fs::read_dir(format!("/proc/{samehand}/task")).expect("a live process");
        // The state is the first field after the name of the thread, which stands in brackets.
        threads.all(|thread| {
            let stat = fs::read_to_string(thread.expect("a thread").path().join("stat")).expect("a live thread");
            stat.rsplit(") ").next().is_some_and(|fields| fields.starts_with('T'))
        })
    };
    while !is_stopped() {
        std::thread::yield_now();
    }
    let mut connection = Connection::open(THIEF, &world.samehand.tcp);
    connection.send(&world.question("nginx").header("X-Request-Id", "reset").bytes());
    connection.reset();
    signal("-CONT");
    let decision = world.samehand.decision("reset");
    assert_eq!((decision.field("reason"), decision.field("remote_ip")), ("proxy-untrusted", "unknown"), "{decision:?}");
    world.goes_on("a reset connection");
}

#[test]
fn every_forwarded_header_is_required_once_and_readable() {
    let mut world = World::start();
    for kind in KINDS {
        for (name, value) in FORWARDED {
            let status = bad_question(kind);
            let with = |world: &World, value: &[u8]| world.question_without(kind, name).header(name, value);
            let unreadable = if name == "X-Forwarded-For" { "client-ip-unreadable" } else { "forwarded-unreadable" };

            let request = world.question_without(kind, name);
            world.refused(&format!("{kind}, {name} missing"), PROXY, request, status, "forwarded-missing");
            for blank in ["", "  ", "\t"] {
                let request = with(&world, blank.as_bytes());
                world.refused(&format!("{kind}, {name} blank"), PROXY, request, status, "forwarded-missing");
            }
            if name != "X-Forwarded-For" {
                let request = with(&world, value.as_bytes()).header(name, value);
                world.refused(&format!("{kind}, {name} twice"), PROXY, request, status, "forwarded-ambiguous");
            }
            for garbage in [&b"\xff\xfe"[..], "é".as_bytes(), b"caf\xc3\xa9", b"\x80"] {
                let request = with(&world, garbage);
                world.refused(&format!("{kind}, {name}: {garbage:?}"), PROXY, request, status, unreadable);
            }
            let long = [value.as_bytes(), &vec![b'a'; 64 * 1024]].concat();
            let request = with(&world, &long);
            world.refused(&format!("{kind}, {name} of 64 KiB"), PROXY, request, status, unreadable);
        }
    }
}

#[test]
fn a_list_of_addresses_is_read_from_the_right() {
    let mut world = World::start();
    let listed = |world: &World, lines: &[&str]| {
        let request = world.question_without("nginx", "X-Forwarded-For");
        lines.iter().fold(request, |request, line| request.header("X-Forwarded-For", *line))
    };
    for lines in [
        &["127.0.0.7"][..],
        &["127.0.0.7:4711"],
        &["::ffff:127.0.0.7"],
        &["[::ffff:127.0.0.7]:4711"],
        &["203.0.113.66,127.0.0.7"],
        &["rubbish , 127.0.0.7 , 127.0.0.9"],
        &["203.0.113.66", "127.0.0.7", "127.0.0.9,,"],
    ] {
        let (reply, decision) = world.decided(PROXY, listed(&world, lines));
        assert_eq!((reply.status, decision.field("remote_ip")), (200, "127.0.0.7"), "{lines:?}: {reply:?}");
    }
    for lines in [&["127.0.0.7, 127.0.0.8"][..], &["127.0.0.7", "127.0.0.8"]] {
        world.refused(&format!("{lines:?}"), PROXY, listed(&world, lines), 403, "client-changed");
    }
    for lines in
        [&["127.0.0.7, unknown"][..], &["127.0.0.7, 127.0.0.7 127.0.0.7"], &["127.0.0.7", "_gazonk, 127.0.0.9"]]
    {
        world.refused(&format!("{lines:?}"), PROXY, listed(&world, lines), 403, "client-ip-unreadable");
    }
    let many = vec!["203.0.113.66"; 4000].join(",");
    world.refused("a list of 4000 addresses", PROXY, listed(&world, &[&many]), 403, "client-changed");
}

#[test]
fn what_stands_twice_is_not_chosen_from() {
    let mut world = World::start();
    for kind in KINDS {
        let request = world.question(kind).header("User-Agent", BROWSER);
        world.refused("two User-Agent lines", PROXY, request, bad_question(kind), "user-agent-ambiguous");
        let request = world.question(kind).bearer(&world.token);
        world.refused("two Authorization lines", PROXY, request, 401, "token-ambiguous");
    }
    let foreign = ["X-Real-IP", "X-Original-URL", "X-Original-URI", "X-Original-Method", "Forwarded", "X-Client-IP"];
    let request = foreign.iter().fold(world.question("nginx"), |request, name| request.header(name, "203.0.113.66"));
    let (reply, decision) = world.decided(PROXY, request);
    assert_eq!((reply.status, decision.field("remote_ip"), decision.field("path")), (200, "127.0.0.7", "/page"));
    // None of them stands in for one that is missing.
    for (name, _) in FORWARDED {
        let request = world.question_without("traefik", name);
        let request = foreign.iter().fold(request, |request, other| request.header(other, "127.0.0.7"));
        world.refused(name, PROXY, request, 400, "forwarded-missing");
    }
}

#[test]
fn any_method_and_any_path_below_is_the_same_question() {
    let world = World::start();
    for kind in KINDS {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE", "PROPFIND"] {
            for below in ["", "/", "/page", "/a/b/c", "/%2e%2e/x", "?token=x", "/x?X-Forwarded-For=127.0.0.8"] {
                let target = format!("/auth/{kind}{below}");
                let request = FORWARDED.iter().fold(
                    Request::new(method, &target).header("User-Agent", BROWSER).bearer(&world.token),
                    |request, (name, value)| request.header(name, *value),
                );
                let reply = ask(PROXY, &world.samehand.tcp, &request);
                let told = (reply.status, reply.header("Remote-User"), reply.header("Content-Length"));
                assert_eq!(told, (200, Some("alice"), Some("0")), "{method} {target}: {reply:?}");
            }
        }
    }
}

#[test]
fn nothing_but_a_token_lets_anybody_in() {
    let mut world = World::start();
    for agent in ["kube-probe/1.34", "ELB-HealthChecker/2.0", "GoogleHC/1.0", "nginx", "Traefik", "samehand", BROWSER] {
        for kind in KINDS {
            let request = Request::get(&format!("/auth/{kind}")).header("User-Agent", agent);
            let request = FORWARDED.iter().fold(request, |request, (name, value)| request.header(name, *value));
            let request = request.header("Remote-User", "alice").header("X-Forwarded-User", "alice");
            world.refused(agent, PROXY, request, 401, "token-missing");
        }
    }
    for path in ["/", "/login", "/healthz", "/auth/nginx", "/.well-known/acme-challenge/x", "/favicon.ico"] {
        let request = world.question_without("nginx", "X-Forwarded-Uri").header("X-Forwarded-Uri", path);
        let without_token = Request::get("/auth/nginx").header("User-Agent", BROWSER);
        let without_token = FORWARDED.iter().fold(without_token, |request, (name, value)| {
            request.header(name, if *name == "X-Forwarded-Uri" { path } else { value })
        });
        world.refused(path, PROXY, without_token, 401, "token-missing");
        assert_eq!(ask(PROXY, &world.samehand.tcp, &request).status, 200, "{path}");
    }
}
