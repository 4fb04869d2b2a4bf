//! The worked example of docs/scaling.md: three replicas that have a database and one key in common, behind nginx with the
//! file of `examples/replicas/`.

use std::time::{Duration, Instant};

use crate::support::{
    CLIENT, THIEF,
    backend::Backend,
    client::{Connection, Reply, Request},
    nginx,
    postgres::Postgres,
    samehand::{PASSWORD, Samehand},
    shipped::Proxy,
    valkey::{Program, Server},
    waiting::as_promised,
};
use crate::world::CHROME;

/// What all replicas have in common; the line for `SAMEHAND_TRUSTED_PROXIES` of the example is the default.
const STORE_KEY: &str = "sealed with this, 9fTq2vXw8Lr4Yd6Kc3";

#[test]
fn three_replicas_on_postgresql_behind_nginx() {
    let database = Postgres::shared().database();
    the_example_works(&database.url(""));
}

#[test]
fn three_replicas_on_valkey_behind_nginx() {
    let valkey = Server::start(Program::Valkey);
    the_example_works(&valkey.url());
}

#[track_caller]
fn the_example_works(store: &str) {
    // They make the keys and the tables between them; nothing else is given to them.
    let settings = [("STORE", store), ("STORE_KEY", STORE_KEY), ("SECRET", "")];
    let mut replicas = [(); 3].map(|()| Samehand::start(&settings));
    replicas[0].add_user("alice", &["--group", "staff"]);
    let application = Backend::start();
    let nginx = nginx::start_with_replicas([0, 1, 2].map(|number| &replicas[number].tcp), application.address);

    let credentials = serde_json::json!({ "username": "alice", "password": PASSWORD }).to_string();
    let login = Request::post("/login", credentials).header("Content-Type", "application/json");
    let answer = ask(&nginx, CLIENT, login.header("User-Agent", CHROME));
    assert_eq!(answer.status, 200, "{answer:?}");
    let token = answer.json()["token"].as_str().expect("a token").to_owned();

    // nginx asks them in turns, so each of them is asked.
    for _ in 0..9 {
        assert_eq!(page(&nginx, CLIENT, &token).status, 200);
        assert_eq!(page(&nginx, THIEF, &token).status, 403);
    }
    let decided = |replica: &Samehand| replica.process.log().contains("reason=client-changed");
    assert!(replicas.iter().all(decided), "a replica was never asked");

    replicas[2].process.signal("KILL");
    replicas[2].process.wait_for_end();
    for _ in 0..12 {
        assert_eq!(page(&nginx, CLIENT, &token).status, 200, "one replica less");
    }

    let revoked_at = Instant::now();
    replicas[0].succeed(&["token", "revoke", "--user", "alice"], "");
    as_promised(revoked_at, Duration::from_secs(2), "both replicas refuse what was revoked", || {
        (0..6).all(|_| page(&nginx, CLIENT, &token).status == 401)
    });
}

fn page(nginx: &Proxy, from: std::net::Ipv4Addr, token: &str) -> Reply {
    ask(nginx, from, Request::get("/page").header("User-Agent", CHROME).bearer(token))
}

fn ask(nginx: &Proxy, from: std::net::Ipv4Addr, request: Request) -> Reply {
    Connection::open(from, &nginx.address).ask(&request)
}
