//! `/whoami`, the split between the public and the administration side, and what every answer has in common.

use std::net::Ipv4Addr;

use crate::support::{
    CLIENT, THIEF,
    client::{Address, Request, ask},
    samehand::Samehand,
    token::Token,
};
use crate::{CHROME, FIREFOX, FIREFOX_UPDATED, PROXY, question_of_client};

fn whoami(user_agent: &str) -> Request {
    Request::get("/whoami").header("User-Agent", user_agent)
}

#[test]
fn whoami_shows_the_claims_to_the_right_hand_only() {
    let samehand = Samehand::start(&[]);
    let token = samehand.mint("alice", CLIENT, FIREFOX);
    let (tcp, unix) = (&samehand.tcp, &samehand.unix);
    let through = |ip: &str| whoami(FIREFOX).bearer(&token).header("X-Forwarded-For", ip);
    let direct = |user_agent: &str| whoami(user_agent).bearer(&token);
    let forged = Token::parse(&token).signed("another secret, which nobody configured");
    let rows: [(&str, Ipv4Addr, &Address, Request, u16, &str); 15] = [
        ("through the proxy", PROXY, tcp, through("127.0.0.7"), 200, ""),
        ("through the proxy, with a forged element", PROXY, tcp, through("203.0.113.9, 127.0.0.7"), 200, ""),
        ("through a Unix socket", PROXY, unix, through("127.0.0.7"), 200, ""),
        ("an untrusted peer is itself the client", CLIENT, tcp, direct(FIREFOX), 200, ""),
        ("an untrusted peer is not believed", CLIENT, tcp, through("127.0.0.8"), 200, ""),
        ("an updated browser", CLIENT, tcp, direct(FIREFOX_UPDATED), 200, ""),
        (
            "a scheme in capitals",
            CLIENT,
            tcp,
            whoami(FIREFOX).header("Authorization", format!("BEARER {token}")),
            200,
            "",
        ),
        ("a thief who says to be the client", THIEF, tcp, through("127.0.0.7"), 403, "forbidden"),
        ("another client of the proxy", PROXY, tcp, through("127.0.0.8"), 403, "forbidden"),
        ("another browser", CLIENT, tcp, direct(CHROME), 403, "forbidden"),
        ("no token", CLIENT, tcp, whoami(FIREFOX), 401, "token_missing"),
        ("a forged token", CLIENT, tcp, whoami(FIREFOX).bearer(&forged), 401, "invalid_token"),
        ("a Unix socket without X-Forwarded-For", PROXY, unix, direct(FIREFOX), 400, "invalid_request"),
        ("an unreadable X-Forwarded-For", PROXY, tcp, through("127.0.0.7, somebody"), 400, "invalid_request"),
        ("two User-Agent lines", CLIENT, tcp, direct(FIREFOX).header("User-Agent", CHROME), 400, "invalid_request"),
    ];
    let claims = Token::parse(&token).claims;
    for (row, from, to, request, status, code) in rows {
        let reply = ask(from, to, &request);
        assert_eq!(reply.status, status, "{row}: {reply:?}");
        match status {
            200 => assert_eq!(reply.json(), serde_json::json!({ "data": claims }), "{row}: {reply:?}"),
            _ => assert_eq!(reply.json()["error"], code, "{row}: {reply:?}"),
        }
        assert_eq!(reply.header("WWW-Authenticate").is_some(), status == 401, "{row}: {reply:?}");
    }
    // A trusted peer that forwards nobody is itself the client.
    let own = samehand.mint("alice", PROXY, FIREFOX);
    assert_eq!(ask(PROXY, tcp, &whoami(FIREFOX).bearer(&own)).status, 200);
    assert_eq!(ask(PROXY, tcp, &direct(FIREFOX)).status, 403);
    for method in ["POST", "PUT", "DELETE"] {
        let request = Request::new(method, "/whoami").bearer(&token).header("User-Agent", FIREFOX);
        assert_eq!(ask(CLIENT, tcp, &request).status, 405, "{method}");
    }
}

#[test]
fn each_side_has_its_own_paths_and_no_other() {
    let samehand = Samehand::start(&[("ADMIN_TOKEN", "an-administration-token-x8Kq2LmWv4Rt")]);
    let token = samehand.mint("alice", CLIENT, FIREFOX);
    let json = |target: &str| Request::post(target, "{}").header("Content-Type", "application/json");
    for (target, public, admin) in [
        ("/healthz", 200, 200),
        ("/readyz", 200, 200),
        ("/metrics", 404, 200),
        ("/whoami", 401, 404),
        ("/.well-known/jwks.json", 200, 404),
        ("/", 404, 404),
        ("/auth", 404, 404),
        ("/auth/", 404, 404),
        ("/auth/haproxy", 404, 404),
        ("/auth/envoy", 404, 404),
        ("/auth/Nginx", 404, 404),
        ("/auth/nginxx", 404, 404),
        ("//auth/nginx", 404, 404),
        ("/%61uth/haproxy", 404, 404),
        ("/account", 404, 404),
        ("/revoke", 404, 405),
    ] {
        for (side, address, status) in [("public", &samehand.tcp, public), ("admin", &samehand.admin, admin)] {
            let reply = ask(PROXY, address, &Request::get(target));
            assert_eq!(reply.status, status, "{target} on the {side} side: {reply:?}");
        }
    }
    for (target, public, admin) in [("/login", 400, 404), ("/mint", 404, 401)] {
        for (side, address, status) in [("public", &samehand.tcp, public), ("admin", &samehand.admin, admin)] {
            assert_eq!(ask(PROXY, address, &json(target)).status, status, "{target} on the {side} side");
        }
    }
    for kind in ["nginx", "nginx/deeper/still", "traefik", "caddy"] {
        // A host to which both sides answer.
        let question = question_of_client(&token).host("localhost");
        let bytes = String::from_utf8(question.bytes()).expect("text");
        let asked = bytes.replacen("/auth/nginx", &format!("/auth/{kind}"), 1);
        for (address, status) in [(&samehand.tcp, 200), (&samehand.unix, 200), (&samehand.admin, 404)] {
            let mut connection = crate::support::client::Connection::open(PROXY, address);
            connection.send(asked.as_bytes());
            let reply = connection.reply(false).expect("an answer");
            assert_eq!(reply.status, status, "/auth/{kind} on {address:?}: {reply:?}");
        }
    }
}

#[test]
fn every_answer_forbids_caching_and_names_its_request() {
    let samehand = Samehand::start(&[("ADMIN_TOKEN", "an-administration-token-x8Kq2LmWv4Rt")]);
    samehand.add_user("alice", &[]);
    let token = samehand.mint("alice", CLIENT, FIREFOX);
    let public = [
        question_of_client(&token),
        question_of_client("not.a.token"),
        crate::question(CLIENT, FIREFOX),
        crate::question("nobody", FIREFOX),
        Request::get("/auth/traefik"),
        Request::get("/whoami"),
        Request::get("/whoami").bearer(&token),
        Request::post("/whoami", ""),
        Request::get("/.well-known/jwks.json"),
        Request::post("/.well-known/jwks.json", ""),
        Request::get("/healthz"),
        Request::new("HEAD", "/healthz"),
        Request::get("/readyz"),
        Request::new("HEAD", "/readyz"),
        Request::post("/readyz", ""),
        Request::get("/login"),
        Request::post("/login", "x"),
        crate::sign_in("{}"),
        crate::sign_in_as("alice", crate::support::samehand::PASSWORD),
        crate::sign_in_as("alice", "wrong"),
        Request::get("/nowhere"),
    ];
    let admin = [
        Request::get("/metrics"),
        Request::post("/metrics", ""),
        Request::get("/mint"),
        Request::post("/mint", "{}"),
        Request::post("/mint", "{}").bearer("an-administration-token-x8Kq2LmWv4Rt"),
        Request::get("/nowhere"),
        Request::get("/healthz"),
    ];
    let public = public.into_iter().map(|request| (&samehand.tcp, request));
    for (address, request) in public.chain(admin.into_iter().map(|request| (&samehand.admin, request))) {
        let row = String::from_utf8_lossy(&request.bytes()).lines().next().unwrap_or_default().to_owned();
        let reply = ask(PROXY, address, &request.clone().header("X-Request-Id", "given-by_the-proxy-7"));
        assert_eq!(reply.header("Cache-Control"), Some("no-store"), "{row}: {reply:?}");
        assert_eq!(reply.header("X-Request-Id"), Some("given-by_the-proxy-7"), "{row}: {reply:?}");
        for unusable in ["", "two words", "<script>", &"a".repeat(65)] {
            let reply = ask(PROXY, address, &request.clone().header("X-Request-Id", unusable));
            let new = reply.header("X-Request-Id").unwrap_or_else(|| panic!("{row}: {reply:?}"));
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            assert!(new != unusable && (1..=64).contains(&new.len()) && new.bytes().all(is_plain), "{row}: {new}");
        }
        let twice = request.header("X-Request-Id", "one").header("X-Request-Id", "two");
        let new = ask(PROXY, address, &twice);
        let new = new.header("X-Request-Id").unwrap_or_default();
        assert!(!["", "one", "two", "one, two"].contains(&new), "{row}: {new}");
    }
}
