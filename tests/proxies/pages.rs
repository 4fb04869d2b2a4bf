//! Signing in with a browser through each proxy, without the browser: its requests, line by line.

use crate::support::{
    CLIENT, THIEF,
    backend::Backend,
    caddy,
    client::{Reply, Request, ask},
    nginx,
    samehand::{PASSWORD, Samehand},
    shipped::{Kind, Place, Proxy},
    traefik,
};
use std::net::{Ipv4Addr, SocketAddr};

use super::world::{CHROME, FIREFOX};

const APP: &str = "app.demo.localhost";
const AUTH: &str = "auth.demo.localhost";
const COOKIE: &str = "samehand";

type Start = fn(&Samehand, SocketAddr) -> Proxy;

#[test]
fn through_nginx() {
    every_page(|samehand, application| nginx::start(Place::Edge, &samehand.unix, application));
}

#[test]
fn through_traefik_with_the_file_provider() {
    every_page(|samehand, application| traefik::start(Place::Edge, &samehand.tcp, application));
}

#[test]
fn through_traefik_with_the_labels_of_the_compose_file() {
    every_page(|samehand, application| traefik::start_with_labels(&samehand.tcp, application));
}

#[test]
fn through_caddy() {
    every_page(|samehand, application| caddy::start(Place::Edge, &samehand.tcp, application));
}

#[test]
fn on_a_host_of_their_own_behind_nginx() {
    let samehand = Samehand::start(&[("PUBLIC_URL", "https://auth.example.com")]);
    let application = Backend::start();
    let proxy = nginx::start(Place::Edge, &samehand.unix, application.address);
    let browser = Browser { proxy: &proxy, from: CLIENT, user_agent: CHROME, cookie: None };
    for (target, status) in [("/login", 200), ("/logout", 200), ("/whoami", 401), ("/", 404), ("/auth/nginx", 404)] {
        assert_eq!(browser.navigate("auth.example.com", target).status, status, "{target}");
    }
    assert_eq!(application.seen().requests, 0);
}

/// A browser at this address with the cookie that it keeps.
struct Browser<'a> {
    proxy: &'a Proxy,
    from: Ipv4Addr,
    user_agent: &'static str,
    cookie: Option<String>,
}

impl Browser<'_> {
    fn send(&self, request: Request) -> Reply {
        let request = request.header("User-Agent", self.user_agent);
        let request = self.cookie.iter().fold(request, |request, cookie| request.header("Cookie", cookie.as_str()));
        ask(self.from, &self.proxy.address, &request)
    }

    fn navigate(&self, host: &str, target: &str) -> Reply {
        self.send(navigation(Request::get(target)).host(host))
    }

    /// Fills in the form that stands on a page.
    fn submit(&self, target: &str, page: &Reply, password: &str) -> Reply {
        let body = format!(
            "username=alice&password={}&form={}{}",
            password.replace(' ', "+"),
            value_of(page, "form").expect("a token"),
            value_of(page, "rd").map_or_else(String::new, |back| format!("&rd={}", encoded(&back)))
        );
        self.send(
            posted(target, body).header("Origin", format!("http://{AUTH}")).header("Sec-Fetch-Site", "same-origin"),
        )
    }

    fn keep(&mut self, reply: &Reply) {
        let line = reply.header("Set-Cookie").unwrap_or_else(|| panic!("a cookie: {reply:?}"));
        self.cookie = line.split(';').next().map(str::to_owned);
    }
}

fn navigation(request: Request) -> Request {
    request.header("Sec-Fetch-Mode", "navigate").header("Accept", "text/html")
}

fn posted(target: &str, body: impl Into<Vec<u8>>) -> Request {
    navigation(Request::post(target, body)).host(AUTH).header("Content-Type", "application/x-www-form-urlencoded")
}

/// The value of the hidden field of this name.
fn value_of(page: &Reply, name: &str) -> Option<String> {
    let text = String::from_utf8_lossy(&page.body).into_owned();
    let start = format!("name=\"{name}\" value=\"");
    let value = text.split_once(&start)?.1.split_once('"')?.0;
    Some(value.replace("&#38;", "&").replace("&amp;", "&"))
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// The path and query of a `Location` on the sign-in host.
#[track_caller]
fn sign_in_target(reply: &Reply) -> String {
    assert_eq!(reply.status, 303, "{reply:?}");
    assert_eq!(reply.header("Cache-Control"), Some("no-store"), "{reply:?}");
    let location = reply.header("Location").unwrap_or_else(|| panic!("one Location: {reply:?}"));
    let target = location.strip_prefix(&format!("http://{AUTH}")).unwrap_or_else(|| panic!("elsewhere: {location}"));
    target.to_owned()
}

fn every_page(start: Start) {
    let samehand = Samehand::start(&[("PUBLIC_URL", &format!("http://{AUTH}"))]);
    samehand.add_user("alice", &[]);
    let application = Backend::start();
    let proxy = start(&samehand, application.address);
    let mut browser = Browser { proxy: &proxy, from: CLIENT, user_agent: CHROME, cookie: None };

    from_a_deep_link_and_back(&mut browser);
    what_is_no_page_is_told_so(&browser);
    another_hand_signs_in_itself(&browser);
    a_host_without_the_cookie_is_told_so(&browser);
    a_browser_that_keeps_no_cookie_does_not_go_round(&browser);
    signing_out_says_what_it_ended(&mut browser);
}

fn from_a_deep_link_and_back(browser: &mut Browser<'_>) {
    let target = sign_in_target(&browser.navigate(APP, "/a/b?c=d&e=%26"));
    assert_eq!(target, "/login?rd=http%3A%2F%2Fapp.demo.localhost%2Fa%2Fb%3Fc%3Dd%26e%3D%2526");
    assert_eq!(sign_in_target(&browser.send(navigation(Request::new("HEAD", "/a/b?c=d&e=%26")).host(APP))), target);
    // Raw letters, as a link of a small program has them, come back as a browser writes them.
    let letters = sign_in_target(&browser.navigate(APP, "/caf\u{e9}?q=\u{e9}"));
    assert_eq!(letters, "/login?rd=http%3A%2F%2Fapp.demo.localhost%2Fcaf%25C3%25A9%3Fq%3D%25C3%25A9");

    let page = browser.navigate(AUTH, &target);
    assert_eq!((page.status, page.header("Content-Type")), (200, Some("text/html; charset=utf-8")), "{page:?}");
    assert!(page.all("Set-Cookie").is_empty(), "{page:?}");
    let policy = page.header("Content-Security-Policy").expect("a policy");
    for part in ["default-src 'none'", "frame-ancestors 'none'", "form-action 'self' https: http:"] {
        assert!(policy.contains(part), "{part}: {policy}");
    }
    let wrong = browser.submit(&target, &page, "another password, just as long");
    assert_eq!((wrong.status, wrong.all("Set-Cookie").len()), (401, 0), "{wrong:?}");
    let text = String::from_utf8_lossy(&wrong.body).into_owned();
    assert!(text.contains("role=\"alert\"") && text.contains("name=\"username\" value=\"alice\""), "{text}");
    assert!(!text.contains("another password"), "{text}");

    let signed_in = browser.submit(&target, &wrong, PASSWORD);
    assert_eq!(
        (signed_in.status, signed_in.header("Location")),
        (303, Some("http://app.demo.localhost/a/b?c=d&e=%26")),
        "{signed_in:?}"
    );
    browser.keep(&signed_in);
    let line = signed_in.header("Set-Cookie").expect("a cookie");
    assert!(
        line.starts_with(&format!("{COOKIE}=")) && line.ends_with("; Domain=demo.localhost; HttpOnly; SameSite=Lax"),
        "{line}"
    );
    assert_eq!(browser.navigate(APP, "/a/b?c=d&e=%26").status, 200);

    let again = browser.navigate(AUTH, &target);
    let text = String::from_utf8_lossy(&again.body).into_owned();
    assert!(again.status == 200 && text.contains("You are signed in as <strong>alice</strong>"), "{text}");
    assert!(!text.contains("role=\"alert\""), "going back is no loop: {text}");
}

fn what_is_no_page_is_told_so(browser: &Browser<'_>) {
    let stranger = Browser { cookie: None, ..*browser };
    let plain = |request: Request| request.host(APP).header("Accept", "application/json");
    for (what, says, request) in [
        ("an API client", "\"signed_out\"", plain(Request::get("/a"))),
        ("a script", "\"signed_out\"", plain(Request::get("/a")).header("Sec-Fetch-Mode", "cors")),
        (
            "an old script",
            "",
            Request::get("/a").host(APP).header("Accept", "text/html").header("X-Requested-With", "XMLHttpRequest"),
        ),
        ("a form", "Nothing was sent", navigation(Request::post("/a", "b=c")).host(APP)),
        ("a page with a token of its own", "", navigation(Request::get("/a")).host(APP).bearer("x.y.z")),
    ] {
        let reply = stranger.send(request);
        assert_eq!(reply.status, 401, "{what}: {reply:?}");
        assert!(reply.all("Location").is_empty() && reply.all("Set-Cookie").is_empty(), "{what}: {reply:?}");
        assert!(reply.header("WWW-Authenticate").is_some_and(|line| line.starts_with("Bearer ")), "{what}: {reply:?}");
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        let is_told = text.contains(says) && text.is_empty() == says.is_empty();
        assert!(is_told || (text.is_empty() && browser.proxy.kind == Kind::Nginx), "{what}: {reply:?}");
    }
    let body = format!(r#"{{"username":"alice","password":"{PASSWORD}"}}"#);
    let json = Request::post("/login", body).host(AUTH).header("Content-Type", "application/json");
    let reply = stranger.send(json);
    assert_eq!((reply.status, reply.all("Set-Cookie").len()), (200, 0), "{reply:?}");
}

fn another_hand_signs_in_itself(browser: &Browser<'_>) {
    let cookie = browser.cookie.clone();
    for (why, from, user_agent) in
        [("network", THIEF, CHROME), ("browser", CLIENT, FIREFOX), ("client", THIEF, FIREFOX)]
    {
        let other = Browser { proxy: browser.proxy, from, user_agent, cookie: cookie.clone() };
        let target = sign_in_target(&other.navigate(APP, "/a"));
        assert!(target.contains(&format!("&why={why}")), "{target}");
        let page = other.navigate(AUTH, &target);
        assert_eq!(page.status, 200, "{page:?}");
        assert!(String::from_utf8_lossy(&page.body).contains("name=\"password\""), "one step: {page:?}");
        let script = Request::get("/a").host(APP).header("Sec-Fetch-Mode", "cors");
        assert_eq!(other.send(script).status, 403);
    }
}

fn a_host_without_the_cookie_is_told_so(browser: &Browser<'_>) {
    let stranger = Browser { cookie: None, ..*browser };
    let reply = stranger.navigate("app.other.localhost", "/a");
    let told = match browser.proxy.kind {
        Kind::Nginx => {
            let target = sign_in_target(&reply);
            assert_eq!(target, "/login?why=other-site");
            stranger.navigate(AUTH, &target)
        }
        Kind::Traefik | Kind::Caddy => reply,
    };
    let text = String::from_utf8_lossy(&told.body).into_owned();
    assert_eq!((told.status, told.header("Location")), (403, None), "{told:?}");
    assert!(text.contains("SAMEHAND_COOKIE_DOMAIN") && !text.contains("<form"), "{text}");
}

fn a_browser_that_keeps_no_cookie_does_not_go_round(browser: &Browser<'_>) {
    let forgetful = Browser { cookie: None, ..*browser };
    let target = sign_in_target(&forgetful.navigate(APP, "/round"));
    let page = forgetful.navigate(AUTH, &target);
    assert_eq!(forgetful.submit(&target, &page, PASSWORD).status, 303);
    let target = sign_in_target(&forgetful.navigate(APP, "/round"));
    assert!(target.ends_with("&again=1"), "{target}");
    let text = String::from_utf8_lossy(&forgetful.navigate(AUTH, &target).body).into_owned();
    assert!(text.contains("The browser did not keep the cookie samehand"), "{text}");
    // Somebody else who comes to the same place goes the usual way.
    let other = Browser { from: THIEF, ..forgetful };
    assert!(!sign_in_target(&other.navigate(APP, "/round")).contains("again"));
}

fn signing_out_says_what_it_ended(browser: &mut Browser<'_>) {
    let page = browser.navigate(AUTH, "/logout?rd=http%3A%2F%2Fapp.demo.localhost%2F");
    assert_eq!((page.status, value_of(&page, "rd").as_deref()), (200, Some("http://app.demo.localhost/")), "{page:?}");
    assert_eq!(browser.navigate(APP, "/a").status, 200, "a link ends nothing");
    let out = |origin: &str| {
        let body = format!("rd={}", encoded("http://app.demo.localhost/"));
        browser.send(posted("/logout", body).header("Origin", origin))
    };
    let foreign = out("http://evil.example.net");
    assert_eq!((foreign.status, foreign.all("Clear-Site-Data").len()), (403, 0), "{foreign:?}");
    let reply = out(&format!("http://{AUTH}"));
    let target = sign_in_target(&reply);
    assert_eq!(target, "/logout?ended=session&rd=http%3A%2F%2Fapp.demo.localhost%2F");
    assert_eq!(reply.header("Clear-Site-Data"), None, "the cookie is of a domain");
    assert!(
        reply
            .header("Set-Cookie")
            .is_some_and(|line| line.starts_with("samehand=; Path=/; Max-Age=0; Domain=demo.localhost")),
        "{reply:?}"
    );
    let text = String::from_utf8_lossy(&browser.navigate(AUTH, &target).body).into_owned();
    assert!(text.contains("The session in this browser has ended"), "{text}");
    assert!(sign_in_target(&browser.navigate(APP, "/a")).ends_with("&why=ended"));
}
