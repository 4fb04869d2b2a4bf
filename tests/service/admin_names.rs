//! The administration side: it answers no question of a proxy, and on loopback no name that somebody else may let lead here.

use crate::{
    PROXY, question,
    support::{
        CLIENT,
        client::{Address, Connection, Request, ask},
        samehand::Samehand,
    },
};

const ADMIN_TOKEN: &str = "a-back-end-knows-this-one-h7Gk2LmQ9x";

/// The first line of what is answered to these bytes.
#[track_caller]
fn status_line(samehand: &Samehand, bytes: &str) -> String {
    let mut connection = Connection::open(PROXY, &samehand.admin);
    connection.send(bytes.as_bytes());
    connection.reply(false).map_or_else(|error| error.to_string(), |reply| reply.status.to_string())
}

#[test]
fn on_loopback_the_administration_side_answers_to_names_of_this_machine_only() {
    let samehand = Samehand::start(&[("ADMIN_TOKEN", ADMIN_TOKEN)]);
    let Address::Admin(address) = samehand.admin else { panic!("the administration side listens on TCP") };
    let address = address.to_string();
    for host in [address.as_str(), "127.0.0.1", "[::1]:9181", "localhost", "LOCALHOST:9181", "samehand.localhost:9181"]
    {
        for path in ["/metrics", "/healthz", "/readyz"] {
            assert_eq!(ask(PROXY, &samehand.admin, &Request::get(path).host(host)).status, 200, "{host} {path}");
        }
    }
    for host in [
        "attacker.example",
        "attacker.example:9181",
        "127.0.0.1.attacker.example",
        "localhost.attacker.example",
        "x@localhost",
        "",
    ] {
        for path in ["/metrics", "/healthz", "/readyz", "/mint", "/revoke", "/nothing"] {
            let request = Request::get(path).host(host).header("X-Request-Id", "from-elsewhere");
            let reply = ask(PROXY, &samehand.admin, &request);
            assert_eq!(reply.status, 421, "{host} {path}: {reply:?}");
            assert_eq!(reply.json()["error"], "misdirected_request", "{host} {path}");
            assert_eq!(reply.header("X-Request-Id"), Some("from-elsewhere"), "{host} {path}");
        }
        let revoke = Request::post("/revoke", r#"{"all":true}"#).header("Content-Type", "application/json");
        let with_the_token = revoke.bearer(ADMIN_TOKEN).host(host);
        assert_eq!(ask(PROXY, &samehand.admin, &with_the_token).status, 421, "{host}: the token is no name");
    }
    for (bytes, status) in [
        ("GET /metrics HTTP/1.0\r\n\r\n", "200"),
        ("GET /metrics HTTP/1.0\r\nHost: attacker.example\r\n\r\n", "421"),
        ("GET http://attacker.example/metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", "421"),
        ("GET http://localhost/metrics HTTP/1.1\r\nHost: attacker.example\r\n\r\n", "421"),
        ("GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: attacker.example\r\n\r\n", "400"),
    ] {
        assert_eq!(status_line(&samehand, bytes), status, "{bytes:?}");
    }
}

#[test]
fn who_listens_for_other_machines_and_on_a_unix_socket_is_asked_by_any_name() {
    let samehand = Samehand::start(&[("ADMIN_LISTEN", "0.0.0.0:0")]);
    assert_eq!(ask(PROXY, &samehand.admin, &Request::get("/metrics").host("samehand:9181")).status, 200);
    for address in [&samehand.tcp, &samehand.unix] {
        assert_eq!(ask(PROXY, address, &Request::get("/healthz").host("samehand:9180")).status, 200, "{address:?}");
    }
}

#[test]
fn the_administration_side_answers_no_question_of_a_proxy_whatever_it_expects() {
    let samehand = Samehand::start(&[]);
    for kind in ["nginx", "traefik", "caddy"] {
        for path in [format!("/auth/{kind}"), format!("/auth/{kind}/below")] {
            let whole = String::from_utf8(question(CLIENT, "curl/8").host("localhost").bytes()).expect("text");
            let expecting = "\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\nx";
            let asked = whole.replacen("/auth/nginx", &path, 1).replacen("\r\n\r\n", expecting, 1);
            for (row, bytes) in [("plain", whole.replacen("/auth/nginx", &path, 1)), ("expecting", asked)] {
                assert_eq!(status_line(&samehand, &bytes), "404", "{row} {path}");
            }
        }
    }
}
