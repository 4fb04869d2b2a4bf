//! Questions put to samehand directly, as no well-configured proxy would: every one is answered or cut off, none lets
//! anybody in, and after each the same process answers the next good question.
//!
//! The trusted proxy of these tests is 127.0.0.9, so that an untrusted peer can exist on one host.

mod support;

use std::{net::Ipv4Addr, sync::OnceLock};

use support::{
    CLIENT, FRONT_HOP, THIEF,
    client::{Address, Connection, Reply, Request, ask},
    samehand::{Decision, PASSWORD, Samehand},
};

/// The trusted proxy.
const PROXY: Ipv4Addr = FRONT_HOP;
const KINDS: [&str; 3] = ["nginx", "traefik", "caddy"];
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
/// The headers that describe the client's request, as a proxy writes them.
const FORWARDED: [(&str, &str); 5] = [
    ("X-Forwarded-For", "127.0.0.7"),
    ("X-Forwarded-Method", "GET"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "app.example.com"),
    ("X-Forwarded-Uri", "/page?q=1"),
];

/// One samehand and a token of alice, for [`CLIENT`] with [`BROWSER`].
struct World {
    samehand: Samehand,
    token: String,
    id: u32,
    count: u32,
}

impl World {
    #[track_caller]
    fn start() -> Self {
        let samehand = Samehand::start(&[("TRUSTED_PROXIES", "127.0.0.9")]);
        samehand.add_user("alice", &["--group", "staff", "--group", "admins"]);
        let token = samehand.mint("alice", CLIENT, BROWSER);
        let id = samehand.process.id();
        Self {
            samehand,
            token,
            id,
            count: 0,
        }
    }

    /// The good question, but for the forwarded headers named here.
    fn question_without(&self, kind: &str, missing: &str) -> Request {
        let request = Request::get(&format!("/auth/{kind}"))
            .header("User-Agent", BROWSER)
            .bearer(&self.token);
        let headers = FORWARDED.iter().filter(|(name, _)| *name != missing);
        headers.fold(request, |request, (name, value)| {
            request.header(name, *value)
        })
    }

    fn question(&self, kind: &str) -> Request {
        self.question_without(kind, "nothing")
    }

    /// Asks, and says what was decided.
    #[track_caller]
    fn decided(&mut self, from: Ipv4Addr, request: Request) -> (Reply, Decision) {
        self.count += 1;
        let name = format!("request-{}", self.count);
        let reply = ask(
            from,
            &self.samehand.tcp,
            &request.header("X-Request-Id", name.as_str()),
        );
        assert_eq!(
            reply.header("X-Request-Id"),
            Some(name.as_str()),
            "{reply:?}"
        );
        (reply, self.samehand.decision(&name))
    }

    /// Asks something that is refused like this, and holds that nobody's identity is in the answer.
    #[track_caller]
    fn refused(&mut self, row: &str, from: Ipv4Addr, request: Request, status: u16, reason: &str) {
        let (reply, decision) = self.decided(from, request);
        assert_eq!(
            (reply.status, decision.field("reason")),
            (status, reason),
            "{row}: {reply:?}"
        );
        assert_closed(row, &reply);
        self.goes_on(row);
    }

    /// The same process answers the next good question.
    #[track_caller]
    fn goes_on(&mut self, row: &str) {
        assert!(
            self.samehand.process.is_alive(),
            "after {row}:\n{}",
            self.samehand.process.log()
        );
        assert_eq!(self.samehand.process.id(), self.id);
        let reply = ask(PROXY, &self.samehand.tcp, &self.question("nginx"));
        assert_eq!(
            (reply.status, reply.header("Remote-User")),
            (200, Some("alice")),
            "after {row}: {reply:?}"
        );
    }
}

#[track_caller]
fn assert_closed(row: &str, reply: &Reply) {
    assert_ne!(reply.status, 200, "{row}: {reply:?}");
    for name in [
        "Remote-User",
        "Remote-Groups",
        "Remote-Name",
        "Remote-Email",
    ] {
        assert!(
            reply.all(name).is_empty(),
            "{row}: a refusal says who somebody is: {reply:?}"
        );
    }
}

/// What the proxy that asks on this path understands of a question that cannot be used.
fn bad_question(kind: &str) -> u16 {
    if kind == "nginx" { 403 } else { 400 }
}

#[test]
fn an_allowed_request_is_answered_with_all_identity_headers_and_nothing_else() {
    let mut world = World::start();
    for kind in KINDS {
        let (reply, decision) = world.decided(PROXY, world.question(kind));
        assert_eq!(reply.status, 200, "{reply:?}");
        let identity = [
            "Remote-User",
            "Remote-Groups",
            "Remote-Name",
            "Remote-Email",
        ]
        .map(|name| reply.header(name));
        assert_eq!(
            identity,
            [Some("alice"), Some("staff,admins"), Some(""), Some("")],
            "{kind}: {reply:?}"
        );
        assert_eq!(reply.header("Content-Length"), Some("0"), "{kind}");
        assert_eq!(reply.header("Cache-Control"), Some("no-store"), "{kind}");
        let decided =
            ["decision", "proxy", "remote_ip", "host", "path"].map(|name| decision.field(name));
        assert_eq!(
            decided,
            ["allow", kind, "127.0.0.7", "app.example.com", "/page"]
        );

        let over_unix = ask(CLIENT, &world.samehand.unix, &world.question(kind));
        assert_eq!(
            (over_unix.status, over_unix.header("Remote-User")),
            (200, Some("alice")),
            "{kind}: {over_unix:?}"
        );
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
            world.refused(
                &row,
                peer,
                Request::get(&format!("/auth/{kind}")),
                403,
                "proxy-untrusted",
            );
        }
    }
}

#[test]
fn every_forwarded_header_is_required_once_and_readable() {
    let mut world = World::start();
    for kind in KINDS {
        for (name, value) in FORWARDED {
            let status = bad_question(kind);
            let with = |world: &World, value: &[u8]| {
                world.question_without(kind, name).header(name, value)
            };
            let unreadable = if name == "X-Forwarded-For" {
                "client-ip-unreadable"
            } else {
                "forwarded-unreadable"
            };

            let request = world.question_without(kind, name);
            world.refused(
                &format!("{kind}, {name} missing"),
                PROXY,
                request,
                status,
                "forwarded-missing",
            );
            for blank in ["", "  ", "\t"] {
                let request = with(&world, blank.as_bytes());
                world.refused(
                    &format!("{kind}, {name} blank"),
                    PROXY,
                    request,
                    status,
                    "forwarded-missing",
                );
            }
            if name != "X-Forwarded-For" {
                let request = with(&world, value.as_bytes()).header(name, value);
                world.refused(
                    &format!("{kind}, {name} twice"),
                    PROXY,
                    request,
                    status,
                    "forwarded-ambiguous",
                );
            }
            for garbage in [&b"\xff\xfe"[..], "é".as_bytes(), b"caf\xc3\xa9", b"\x80"] {
                let request = with(&world, garbage);
                world.refused(
                    &format!("{kind}, {name}: {garbage:?}"),
                    PROXY,
                    request,
                    status,
                    unreadable,
                );
            }
            let long = [value.as_bytes(), &vec![b'a'; 64 * 1024]].concat();
            let request = with(&world, &long);
            world.refused(
                &format!("{kind}, {name} of 64 KiB"),
                PROXY,
                request,
                status,
                unreadable,
            );
        }
    }
}

#[test]
fn a_list_of_addresses_is_read_from_the_right() {
    let mut world = World::start();
    let listed = |world: &World, lines: &[&str]| {
        let request = world.question_without("nginx", "X-Forwarded-For");
        lines.iter().fold(request, |request, line| {
            request.header("X-Forwarded-For", *line)
        })
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
        assert_eq!(
            (reply.status, decision.field("remote_ip")),
            (200, "127.0.0.7"),
            "{lines:?}: {reply:?}"
        );
    }
    for lines in [&["127.0.0.7, 127.0.0.8"][..], &["127.0.0.7", "127.0.0.8"]] {
        world.refused(
            &format!("{lines:?}"),
            PROXY,
            listed(&world, lines),
            403,
            "client-changed",
        );
    }
    for lines in [
        &["127.0.0.7, unknown"][..],
        &["127.0.0.7, 127.0.0.7 127.0.0.7"],
        &["127.0.0.7", "_gazonk, 127.0.0.9"],
    ] {
        world.refused(
            &format!("{lines:?}"),
            PROXY,
            listed(&world, lines),
            403,
            "client-ip-unreadable",
        );
    }
    let many = vec!["203.0.113.66"; 4000].join(",");
    world.refused(
        "a list of 4000 addresses",
        PROXY,
        listed(&world, &[&many]),
        403,
        "client-changed",
    );
}

#[test]
fn what_stands_twice_is_not_chosen_from() {
    let mut world = World::start();
    for kind in KINDS {
        let request = world.question(kind).header("User-Agent", BROWSER);
        world.refused(
            "two User-Agent lines",
            PROXY,
            request,
            bad_question(kind),
            "user-agent-ambiguous",
        );
        let request = world.question(kind).bearer(&world.token);
        world.refused(
            "two Authorization lines",
            PROXY,
            request,
            401,
            "token-ambiguous",
        );
    }
    let foreign = [
        "X-Real-IP",
        "X-Original-URL",
        "X-Original-URI",
        "X-Original-Method",
        "Forwarded",
        "X-Client-IP",
    ];
    let request = foreign
        .iter()
        .fold(world.question("nginx"), |request, name| {
            request.header(name, "203.0.113.66")
        });
    let (reply, decision) = world.decided(PROXY, request);
    assert_eq!(
        (
            reply.status,
            decision.field("remote_ip"),
            decision.field("path")
        ),
        (200, "127.0.0.7", "/page")
    );
    // None of them stands in for one that is missing.
    for (name, _) in FORWARDED {
        let request = world.question_without("traefik", name);
        let request = foreign
            .iter()
            .fold(request, |request, other| request.header(other, "127.0.0.7"));
        world.refused(name, PROXY, request, 400, "forwarded-missing");
    }
}

#[test]
fn any_method_and_any_path_below_is_the_same_question() {
    let world = World::start();
    for kind in KINDS {
        for method in [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE", "PROPFIND",
        ] {
            for below in [
                "",
                "/",
                "/page",
                "/a/b/c",
                "/%2e%2e/x",
                "?token=x",
                "/x?X-Forwarded-For=127.0.0.8",
            ] {
                let target = format!("/auth/{kind}{below}");
                let request = FORWARDED.iter().fold(
                    Request::new(method, &target)
                        .header("User-Agent", BROWSER)
                        .bearer(&world.token),
                    |request, (name, value)| request.header(name, *value),
                );
                let reply = ask(PROXY, &world.samehand.tcp, &request);
                let told = (
                    reply.status,
                    reply.header("Remote-User"),
                    reply.header("Content-Length"),
                );
                assert_eq!(
                    told,
                    (200, Some("alice"), Some("0")),
                    "{method} {target}: {reply:?}"
                );
            }
        }
    }
}

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
        (
            "HTTP/1.0, close",
            old.replacen(host, "Connection: close\r\n", 1),
        ),
        ("a promised body", end("Content-Length: 1048576\r\n")),
        (
            "a promised body in chunks",
            end("Transfer-Encoding: chunked\r\n"),
        ),
        (
            "a promised upload",
            end("Content-Length: 10\r\n").replacen("GET", "POST", 1),
        ),
        (
            "an upgrade to WebSocket",
            end("Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"),
        ),
        (
            "an upgrade to h2c",
            end("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA\r\n"),
        ),
        (
            "an expectation",
            end("Content-Length: 5\r\nExpect: 100-continue\r\n").replacen("GET", "POST", 1),
        ),
    ] {
        assert!(
            bytes.contains(first_line.split(' ').nth(1).expect("a path")),
            "{row}"
        );
        let mut connection = Connection::open(PROXY, &world.samehand.tcp);
        connection.send(bytes.as_bytes());
        // The very first line: an interim answer is a failure to nginx.
        let status_line = connection
            .take(12)
            .unwrap_or_else(|error| panic!("{row}: no answer ({error})"));
        let status_line = String::from_utf8_lossy(&status_line).into_owned();
        assert!(
            status_line.starts_with("HTTP/1.") && status_line.ends_with(" 200"),
            "{row}: {status_line}"
        );
        drop(connection);
        world.goes_on(row);
    }
}

#[test]
fn a_connection_is_kept_for_the_next_question() {
    let world = World::start();
    for address in [&world.samehand.tcp, &world.samehand.unix] {
        let mut connection = Connection::open(PROXY, address);
        for turn in 0..20 {
            let good = connection.ask(&world.question("nginx"));
            assert_eq!(
                (good.status, good.header("Remote-User")),
                (200, Some("alice")),
                "{turn}: {good:?}"
            );
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
        (0..count).fold(question.clone(), |request, turn| {
            request.header(&format!("X-Padding-{turn}"), vec![b'p'; length])
        })
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
        ("a blank before the colon", b"GET /auth/nginx HTTP/1.1\r\nHost: x\r\nX-Forwarded-For : 127.0.0.7\r\n\r\n".to_vec()),
        ("a folded line", b"GET /auth/nginx HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 127.0.0.7\r\n 8\r\n\r\n".to_vec()),
        ("two lengths", b"GET /auth/nginx HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n".to_vec()),
        (
            "length and chunks",
            b"POST /auth/nginx HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_vec(),
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
        let request = Request::get("/auth/nginx")
            .header("User-Agent", BROWSER)
            .header("Authorization", authorization);
        FORWARDED.iter().fold(request, |request, (name, value)| {
            request.header(name, *value)
        })
    };
    let token = world.token.clone();
    for (value, reason) in [
        (b"Bearer".to_vec(), "token-malformed"),
        (b"Bearer \xff\xff\xff".to_vec(), "token-malformed"),
        (
            [b"Bearer ".as_slice(), &vec![b'a'; 64 * 1024]].concat(),
            "token-malformed",
        ),
        (
            format!("Bearer {token}, Bearer {token}").into_bytes(),
            "token-malformed",
        ),
        (
            format!("Bearer {token} {token}").into_bytes(),
            "token-malformed",
        ),
        (format!("Bearer ..{token}").into_bytes(), "token-malformed"),
        (b"Basic YWxpY2U6c2VjcmV0".to_vec(), "token-missing"),
        (b"Digest \xff".to_vec(), "token-missing"),
    ] {
        let row = String::from_utf8_lossy(&value[..value.len().min(60)]).into_owned();
        world.refused(&row, PROXY, with(&value), 401, reason);
    }
    for scheme in ["bearer", "BEARER", "bEaReR"] {
        let reply = ask(
            PROXY,
            &world.samehand.tcp,
            &with(format!("{scheme} {token}").as_bytes()),
        );
        assert_eq!(reply.status, 200, "{scheme}: {reply:?}");
    }
    for agent in [
        &b"\xff\xfe\x00"[..2],
        "Ünïcode".as_bytes(),
        &vec![b'a'; 64 * 1024],
    ] {
        let request = Request::get("/auth/nginx")
            .header("User-Agent", agent)
            .bearer(&token);
        let request = FORWARDED.iter().fold(request, |request, (name, value)| {
            request.header(name, *value)
        });
        world.refused("an odd browser", PROXY, request, 403, "client-changed");
    }
}

/// Shared, because none of these rows changes anything.
fn sign_in_world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::start)
}

#[test]
fn signing_in_directly_binds_to_the_peer_and_not_to_what_it_says() {
    let world = sign_in_world();
    let login = |from: Ipv4Addr, forwarded_for: Option<&str>| {
        let body = format!(r#"{{"username":"alice","password":"{PASSWORD}"}}"#);
        let request = Request::post("/login", body).header("Content-Type", "application/json");
        let request = request.header("User-Agent", BROWSER);
        let request = forwarded_for
            .into_iter()
            .fold(request, |request, ip| request.header("X-Forwarded-For", ip));
        let reply = ask(from, &world.samehand.tcp, &request);
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["token"].as_str().expect("a token").to_owned()
    };
    let works_for = |token: &str, client: &str| {
        let request = Request::get("/auth/nginx")
            .header("User-Agent", BROWSER)
            .bearer(token);
        let request = FORWARDED.iter().fold(request, |request, (name, value)| {
            request.header(
                name,
                if *name == "X-Forwarded-For" {
                    client
                } else {
                    value
                },
            )
        });
        ask(PROXY, &world.samehand.tcp, &request).status
    };

    let token = login(THIEF, Some("127.0.0.7"));
    assert_eq!(
        [
            works_for(&token, "127.0.0.8"),
            works_for(&token, "127.0.0.7")
        ],
        [200, 403]
    );
    let token = login(CLIENT, None);
    assert_eq!(
        [
            works_for(&token, "127.0.0.8"),
            works_for(&token, "127.0.0.7")
        ],
        [403, 200]
    );
    let token = login(PROXY, Some("203.0.113.66, 127.0.0.7"));
    assert_eq!(
        [
            works_for(&token, "127.0.0.7"),
            works_for(&token, "203.0.113.66")
        ],
        [200, 403]
    );
}

#[test]
fn a_unix_socket_has_no_address_to_fall_back_to() {
    let world = sign_in_world();
    let whoami = Request::get("/whoami")
        .header("User-Agent", BROWSER)
        .bearer(&world.token);
    let ask_whoami =
        |from: Ipv4Addr, to: &Address, request: Request| ask(from, to, &request).status;
    let (tcp, unix) = (&world.samehand.tcp, &world.samehand.unix);
    assert_eq!(ask_whoami(CLIENT, unix, whoami.clone()), 400);
    assert_eq!(
        ask_whoami(
            CLIENT,
            unix,
            whoami.clone().header("X-Forwarded-For", "127.0.0.7")
        ),
        200
    );
    assert_eq!(ask_whoami(CLIENT, tcp, whoami.clone()), 200);
    assert_eq!(
        ask_whoami(
            THIEF,
            tcp,
            whoami.clone().header("X-Forwarded-For", "127.0.0.7")
        ),
        403
    );
    assert_eq!(
        ask_whoami(PROXY, tcp, whoami.header("X-Forwarded-For", "127.0.0.7")),
        200
    );
}
