//! The paths that clients use, without a proxy in between: whose address counts there.

use std::net::Ipv4Addr;

use super::{BROWSER, FORWARDED, PROXY, World};
use crate::support::{
    CLIENT, THIEF,
    client::{Address, Request, ask},
    samehand::PASSWORD,
};

#[test]
fn signing_in_directly_binds_to_the_peer_and_not_to_what_it_says() {
    let world = World::start();
    let login = |from: Ipv4Addr, forwarded_for: Option<&str>| {
        let body = format!(r#"{{"username":"alice","password":"{PASSWORD}"}}"#);
        let request = Request::post("/login", body).header("Content-Type", "application/json");
        let request = request.header("User-Agent", BROWSER);
        let request = forwarded_for.into_iter().fold(request, |request, ip| request.header("X-Forwarded-For", ip));
        let reply = ask(from, &world.samehand.tcp, &request);
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["token"].as_str().expect("a token").to_owned()
    };
    let works_for = |token: &str, client: &str| {
        let request = Request::get("/auth/nginx").header("User-Agent", BROWSER).bearer(token);
        let request = FORWARDED.iter().fold(request, |request, (name, value)| {
            request.header(name, if *name == "X-Forwarded-For" { client } else { value })
        });
        ask(PROXY, &world.samehand.tcp, &request).status
    };

    let token = login(THIEF, Some("127.0.0.7"));
    assert_eq!([works_for(&token, "127.0.0.8"), works_for(&token, "127.0.0.7")], [200, 403]);
    let token = login(CLIENT, None);
    assert_eq!([works_for(&token, "127.0.0.8"), works_for(&token, "127.0.0.7")], [403, 200]);
    let token = login(PROXY, Some("203.0.113.66, 127.0.0.7"));
    assert_eq!([works_for(&token, "127.0.0.7"), works_for(&token, "203.0.113.66")], [200, 403]);
}

#[test]
fn a_unix_socket_has_no_address_to_fall_back_to() {
    let world = World::start();
    let whoami = Request::get("/whoami").header("User-Agent", BROWSER).bearer(&world.token);
    let ask_whoami = |from: Ipv4Addr, to: &Address, request: Request| ask(from, to, &request).status;
    let (tcp, unix) = (&world.samehand.tcp, &world.samehand.unix);
    assert_eq!(ask_whoami(CLIENT, unix, whoami.clone()), 400);
    assert_eq!(ask_whoami(CLIENT, unix, whoami.clone().header("X-Forwarded-For", "127.0.0.7")), 200);
    assert_eq!(ask_whoami(CLIENT, tcp, whoami.clone()), 200);
    assert_eq!(ask_whoami(THIEF, tcp, whoami.clone().header("X-Forwarded-For", "127.0.0.7")), 403);
    assert_eq!(ask_whoami(PROXY, tcp, whoami.header("X-Forwarded-For", "127.0.0.7")), 200);
}

/// Names and passwords of the same letters, whichever keyboard wrote them.
#[test]
fn somebody_signs_in_from_every_keyboard() {
    let world = World::start();
    let decomposed = "gru\u{308}ner Wecker, nasser Igel";
    world.samehand.succeed(&["user", "add", " Zoe", "--password-stdin"], decomposed);
    let imported = world.samehand.succeed(&["hash"], "gr\u{fc}ner\u{a0}Wecker, nasser Igel");
    let file = world.samehand.write("htpasswd", &format!("kim:{imported}\n"));
    world.samehand.succeed(&["user", "import", &file], "");
    let sign_in = |name: &str, password: &str| {
        let body = serde_json::json!({ "username": name, "password": password }).to_string();
        let request = Request::post("/login", body).header("Content-Type", "application/json");
        ask(CLIENT, &world.samehand.tcp, &request.header("User-Agent", BROWSER)).status
    };
    for name in ["zoe", "Zoe ", "\u{ff3a}oe", "kim\t"] {
        for password in [decomposed, "gr\u{fc}ner Wecker, nasser Igel", "gr\u{fc}ner Wecker,\u{2009}nasser Igel"] {
            assert_eq!(sign_in(name, password), 200, "{name:?}, {password:?}");
        }
    }
    assert_eq!(sign_in("zoe", "gru\u{308}ner Wecker, nasser Esel"), 401);
}
