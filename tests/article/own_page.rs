//! A sign-in page of the operator's own, `examples/node/own-page.js`, which gets its tokens from `POST /mint`.

use crate::support::{
    CLIENT, THIEF,
    client::{Reply, Request, ask},
    samehand::Samehand,
};
use crate::{PROXY, node::OwnPage};
use std::net::Ipv4Addr;

const ADMIN_TOKEN: &str = "an-operator-knows-this-one-h7Gk2LmQ9x";
const ORIGIN: &str = "https://login.example.com";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

struct World {
    samehand: Samehand,
    page: OwnPage,
}

fn start(require_same: &str) -> World {
    let sign_in = format!("{ORIGIN}/sign-in");
    let settings = [
        ("TRUSTED_PROXIES", "127.0.0.9"),
        ("ADMIN_TOKEN", ADMIN_TOKEN),
        ("SIGN_IN_URL", sign_in.as_str()),
        ("PUBLIC_URL", "https://auth.example.com"),
        ("REQUIRE_SAME", require_same),
    ];
    let samehand = Samehand::start(&settings);
    let page = OwnPage::start(&samehand, ADMIN_TOKEN, ORIGIN, "example.com");
    World { samehand, page }
}

impl World {
    /// A browser at this address opens the page behind Traefik.
    fn open(&self, from: Ipv4Addr, cookie: Option<&str>) -> Reply {
        let question = [
            ("X-Forwarded-For", from.to_string().as_str()),
            ("X-Forwarded-Method", "GET"),
            ("X-Forwarded-Proto", "https"),
            ("X-Forwarded-Host", "app.example.com"),
            ("X-Forwarded-Uri", "/work?a=b"),
            ("User-Agent", FIREFOX),
            ("Sec-Fetch-Mode", "navigate"),
        ]
        .into_iter()
        .fold(Request::get("/auth/traefik"), |request, (name, value)| request.header(name, value));
        let question = cookie.into_iter().fold(question, |request, cookie| request.header("Cookie", cookie));
        ask(PROXY, &self.samehand.tcp, &question)
    }

    fn sign_in(&self, password: &str, origin: &str, rd: &str) -> Reply {
        let body = format!("username=alice&password={password}&rd={rd}");
        let form = Request::post("/sign-in", body)
            .header("Content-Type", "application/x-www-form-urlencoded")
            .header("Origin", origin)
            .header("User-Agent", FIREFOX)
            .header("X-Forwarded-For", CLIENT.to_string());
        ask(PROXY, &self.page.address, &form)
    }
}

#[test]
fn a_page_of_ones_own_signs_in_with_minted_tokens() {
    signs_in("ip,user-agent");
}

#[test]
fn a_page_of_ones_own_signs_in_where_a_cookie_is_asked_for() {
    signs_in("ip,cookie");
}

#[track_caller]
fn signs_in(require_same: &str) {
    let world = start(require_same);
    let refused = world.open(CLIENT, None);
    assert_eq!(refused.status, 303, "{refused:?}");
    let rd = "https%3A%2F%2Fapp.example.com%2Fwork%3Fa%3Db";
    assert_eq!(refused.header("Location"), Some(format!("{ORIGIN}/sign-in?rd={rd}").as_str()));
    let form = ask(PROXY, &world.page.address, &Request::get(&format!("/sign-in?rd={rd}")));
    assert!(String::from_utf8_lossy(&form.body).contains("https://app.example.com/work?a=b"), "{form:?}");

    let wrong = world.sign_in("guessed", ORIGIN, rd);
    assert_eq!((wrong.status, wrong.all("Set-Cookie").len()), (401, 0), "{wrong:?}");
    let foreign = world.sign_in("for+the+tests", "https://evil.example.net", rd);
    assert_eq!((foreign.status, foreign.all("Set-Cookie").len()), (403, 0), "{foreign:?}");
    let right = world.sign_in("for+the+tests", ORIGIN, rd);
    assert_eq!((right.status, right.header("Location")), (303, Some("https://app.example.com/work?a=b")), "{right:?}");
    let cookie = right.header("Set-Cookie").expect("a cookie").split(';').next().expect("a pair").to_owned();

    let served = world.open(CLIENT, Some(&cookie));
    assert_eq!((served.status, served.header("Remote-User")), (200, Some("alice")), "{served:?}");
    assert_eq!(world.open(THIEF, Some(&cookie)).status, 303, "another hand has to sign in itself");
}

#[test]
fn it_sends_nobody_to_a_stranger() {
    let world = start("ip,user-agent");
    for rd in
        ["https%3A%2F%2Fevil.example.net", "%2F%2Fevil.example.net", "https%3A%2F%2Fevilexample.com", "javascript%3A1"]
    {
        let reply = world.sign_in("for+the+tests", ORIGIN, rd);
        assert_eq!(reply.header("Location"), Some(format!("{ORIGIN}/sign-in").as_str()), "{rd}: {reply:?}");
    }
}
