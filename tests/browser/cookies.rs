//! What the browser does with the session cookie: whether it stores it, for whom, and when it sends it.

use serde_json::json;

use crate::{
    chromium::{Tab, Window},
    signing_in::{arrive, sign_in},
    support::{CLIENT, THIEF, installation::Installation, samehand::PASSWORD},
    world::{HTTPS, ONE_HOST, World},
};

const WORK: &str = "https://app.example.com/work";

/// What the browser calls itself.
#[track_caller]
fn user_agent(tab: &Tab) -> String {
    tab.run("navigator.userAgent").as_str().expect("a text").to_owned()
}

/// The browser stored one cookie, with these properties.
#[track_caller]
fn stored(window: &Window, name: &str, domain: &str, secure: bool) {
    let cookies = window.cookies();
    assert_eq!(cookies.len(), 1, "{cookies:?}");
    let cookie = window.cookie(name);
    assert_eq!((cookie.text("domain"), cookie.text("path"), cookie.text("sameSite")), (domain, "/", "Lax"));
    assert_eq!((cookie.is("secure"), cookie.is("httpOnly")), (secure, true), "{cookie:?}");
}

#[test]
fn a_cookie_of_the_domain_lets_this_browser_in_at_this_address_only() {
    World::each(HTTPS, |world| {
        let window = world.window();
        let tab = window.tab();
        let token = world.samehand.mint("alice", CLIENT, &user_agent(&tab));
        window.has_cookie(json!({
            "name": "__Secure-samehand", "value": token, "domain": ".example.com", "path": "/", "secure": true,
        }));
        assert_eq!(tab.open(WORK), 200);
        tab.says("Hello, alice.");
        world.road.move_to(THIEF);
        tab.reload();
        assert_eq!(tab.title(), "Sign in to app.example.com", "another address");
        world.road.move_to(CLIENT);
        tab.open(WORK);
        tab.says("Hello, alice.");
    });
}

#[test]
fn several_hosts_share_a_cookie_of_their_domain() {
    World::each(HTTPS, |world| {
        let window = world.window();
        let tab = window.tab();
        arrive(&tab, WORK);
        stored(&window, "__Secure-samehand", ".example.com", true);
        tab.open("https://wiki.example.com/");
        tab.says("Hello, alice.");
        assert_eq!(tab.run("document.cookie"), "", "no script sees it");
    });
}

#[test]
fn one_host_has_a_cookie_that_no_other_host_gets() {
    World::each(ONE_HOST, |world| {
        let window = world.window();
        let tab = window.tab();
        arrive(&tab, WORK);
        stored(&window, "__Host-samehand", "app.example.com", true);
        tab.open("https://wiki.example.com/");
        tab.does_not_say("Hello");
    });
}

#[test]
fn names_below_localhost_need_neither_dns_nor_certificates() {
    World::each_at_localhost(|world| {
        let window = world.window_without_road();
        let tab = window.tab();
        let address = |host: &str, rest: &str| format!("http://{host}.demo.localhost:{}{rest}", world.port());
        let deep = address("app", "/reports?year=2026#summary");
        arrive(&tab, &deep);
        stored(&window, "samehand", ".demo.localhost", false);
        tab.open(&address("wiki", "/"));
        tab.says("Hello, alice.");
        tab.open(&address("auth", "/account"));
        tab.says("You are signed in as alice.");
        tab.follow("Sign out");
        tab.press("Sign out");
        tab.says("You are signed out");
        assert_eq!(window.cookies().len(), 0);
        tab.open(&deep);
        assert_eq!(tab.title(), "Sign in to app.demo.localhost");
    });
}

#[test]
fn a_host_outside_of_the_domain_is_told_so_and_goes_in_no_circle() {
    World::each(HTTPS, |world| {
        let window = world.window();
        let tab = window.tab();
        arrive(&tab, WORK);
        tab.open("https://app.example.net/");
        tab.says("The sign-in does not cover this site");
        tab.says("SAMEHAND_COOKIE_DOMAIN");
    });
}

#[test]
fn the_cookie_of_another_installation_is_no_obstacle() {
    World::each(&[("PUBLIC_URL", "https://auth.team.example.com")], |world| {
        let window = world.window();
        let tab = window.tab();
        // The one of example.com has a cookie of the same name, which browsers send to every host below.
        let other = Installation::new(&[("SECRET", "of another installation, 4hT7pWz1qLx9")]);
        let token = other.mint("alice", CLIENT, &user_agent(&tab));
        window.has_cookie(json!({
            "name": "__Secure-samehand", "value": token, "domain": ".example.com", "path": "/", "secure": true,
        }));
        let address = "https://app.team.example.com/work";
        arrive(&tab, address);
        assert_eq!(window.cookies().len(), 2);
        tab.open("https://wiki.team.example.com/");
        tab.says("Hello, alice.");
    });
}

#[test]
fn a_cookie_that_a_sibling_tosses_makes_nobody_somebody_else() {
    World::each(HTTPS, |world| {
        let window = world.window();
        let tab = window.tab();
        arrive(&tab, WORK);
        // In the same network, with the same browser: nothing but the session is mallory's.
        world.samehand.add_user("mallory", &[]);
        let thief = world.window();
        let theirs = thief.tab();
        theirs.open(WORK);
        sign_in(&theirs, "mallory", PASSWORD);
        let tossed = thief.cookie("__Secure-samehand");
        // A script cannot replace the cookie, which is HttpOnly; but it can set one that browsers send first.
        let attributes = "Domain=example.com; Path=/work; Secure";
        tab.run(&format!("document.cookie = '__Secure-samehand={}; {attributes}'", tossed.text("value")));
        world.until("the browser keeps it", || window.cookies().len() == 2);
        tab.open(WORK);
        tab.does_not_say("mallory");
        tab.says("The browser sends two cookies of the name __Secure-samehand");
        tab.open("https://app.example.com/elsewhere");
        tab.says("Hello, alice.");
    });
}
