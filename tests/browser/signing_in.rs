//! From a page that somebody wants to see to the sign-in page and back, and what can go wrong on the way.

use crate::{
    chromium::{Kind, Tab},
    support::{
        CLIENT, THIEF,
        samehand::{PASSWORD, SECRET},
        token::Token,
    },
    world::{HTTPS, ONE_HOST, World},
};

const DEEP: &str = "https://app.example.com/reports/2026?from=%2Fa%20b&to=1%262#summary";

/// Fills in the form of the sign-in page and sends it.
#[track_caller]
pub(crate) fn sign_in(tab: &Tab, name: &str, password: &str) {
    tab.fill("User name", name);
    tab.fill("Password", password);
    tab.press("Sign in");
}

/// Opens a page of the application, signs in on the way, and is there.
#[track_caller]
pub(crate) fn arrive(tab: &Tab, address: &str) {
    tab.open(address);
    sign_in(tab, "alice", PASSWORD);
    assert_eq!(tab.address(), address);
    tab.says("Hello, alice.");
}

#[test]
fn who_follows_a_deep_link_signs_in_and_is_there_with_query_and_fragment() {
    World::each(HTTPS, |world| {
        let window = world.window();
        let tab = window.tab();
        tab.open(DEEP);
        assert!(tab.address().starts_with("https://auth.example.com/login?"), "{}", tab.address());
        tab.says("You are signing in to app.example.com.");
        sign_in(&tab, "alice", PASSWORD);
        assert_eq!(tab.address(), DEEP);
        tab.says("Hello, alice.");
    });
}

#[test]
fn without_scripts_it_is_the_same() {
    World::each(HTTPS, |world| {
        let window = world.window_of(Kind { java_script: false, ..Kind::default() });
        arrive(&window.tab(), DEEP);
    });
}

#[test]
fn at_one_host_it_is_the_same() {
    World::each(ONE_HOST, |world| {
        let window = world.window();
        arrive(&window.tab(), DEEP);
    });
}

#[test]
fn a_wrong_password_shows_the_form_again_with_the_name() {
    World::each(HTTPS, |world| {
        let window = world.window();
        let tab = window.tab();
        tab.open(DEEP);
        sign_in(&tab, "alice", "not this one, surely");
        tab.says("The user name or the password is not right.");
        assert_eq!((tab.value("User name").as_str(), tab.value("Password").as_str()), ("alice", ""));
        tab.focus_comes_to("Password");
        assert_eq!(window.cookies().len(), 0);
        tab.type_text(PASSWORD);
        tab.key_that_leaves("Enter");
        assert_eq!(tab.address(), DEEP);
    });
}

#[test]
fn with_the_keyboard_alone_one_signs_in() {
    World::each(HTTPS, |world| {
        let window = world.window();
        let tab = window.tab();
        tab.open(DEEP);
        tab.focus_comes_to("User name");
        tab.type_text("alice");
        tab.key("Tab");
        tab.focus_comes_to("Password");
        tab.type_text(PASSWORD);
        tab.key("Tab");
        tab.focus_comes_to("Sign in");
        tab.key_that_leaves("Space");
        assert_eq!(tab.address(), DEEP);
    });
}

#[test]
fn two_tabs_that_both_ask_to_sign_in_both_arrive() {
    World::each(HTTPS, |world| {
        let window = world.window();
        let (one, other) = (window.tab(), window.tab());
        one.open("https://app.example.com/one");
        other.open("https://app.example.com/other");
        sign_in(&one, "alice", PASSWORD);
        assert_eq!(one.address(), "https://app.example.com/one");
        // The form of the other tab is still good, and the tab goes where it was going.
        sign_in(&other, "alice", PASSWORD);
        assert_eq!(other.address(), "https://app.example.com/other");
        assert_eq!(window.cookies().len(), 1);
        assert_eq!(one.reload(), 200);
    });
}

#[test]
fn the_back_button_after_signing_in_shows_no_dead_end() {
    World::each(HTTPS, |world| {
        let window = world.window();
        let tab = window.tab();
        tab.open("https://app.example.com/first");
        sign_in(&tab, "alice", PASSWORD);
        tab.back();
        // The sign-in page sees that somebody is signed in, and shows the way on.
        tab.says("You are signed in as alice.");
        tab.follow("Go on to app.example.com");
        assert_eq!(tab.address(), "https://app.example.com/first");
    });
}

#[test]
fn a_session_that_was_ended_meanwhile_is_said_and_signing_in_again_is_one_step() {
    World::each(HTTPS, |world| {
        let window = world.window();
        let tab = window.tab();
        arrive(&tab, "https://app.example.com/work");
        world.samehand.succeed(&["token", "revoke", "--user", "alice"], "");
        world.until_asked_to_sign_in(&tab, "https://app.example.com/work?draft=1", "Your session was ended.");
        sign_in(&tab, "alice", PASSWORD);
        assert_eq!(tab.address(), "https://app.example.com/work?draft=1");
    });
}

#[test]
fn a_session_that_is_over_is_said_and_signing_in_again_is_one_step() {
    const LIFETIME: u64 = 3600;
    let settings = [HTTPS, &[("SESSION_TTL", "1h"), ("TOKEN_TTL", "1h")]].concat();
    World::each(&settings, |world| {
        let window = world.window();
        let tab = window.tab();
        arrive(&tab, "https://app.example.com/work");
        // The browser drops the cookie when the session ends.
        let cookie = window.cookie("__Secure-samehand");
        let mut token = Token::parse(cookie.text("value"));
        let ends_at = token.claims["iat"].as_u64().expect("a time") + LIFETIME;
        assert!(ends_at.abs_diff(cookie.expires_at()) < 60, "{cookie:?}");
        // Had it begun two hours ago, and were the browser's clock wrong.
        for claim in ["iat", "exp"] {
            token.claims[claim] = (token.claims[claim].as_u64().expect("a time") - 2 * LIFETIME).into();
        }
        let store = rusqlite::Connection::open(world.samehand.data().join("samehand.sqlite")).expect("the store");
        let earlier = "UPDATE sessions SET created_at = created_at - ?1, last_seen_at = last_seen_at - ?1, ends_at = ends_at - ?1";
        assert_eq!(store.execute(earlier, [i64::try_from(2 * LIFETIME).expect("small")]).expect("older sessions"), 1);
        window.put_back(&cookie.with_value(&token.signed(SECRET)));
        world.until_asked_to_sign_in(&tab, "https://app.example.com/work", "Your session is over.");
        sign_in(&tab, "alice", PASSWORD);
        assert_eq!(tab.address(), "https://app.example.com/work");
    });
}

#[test]
fn somebody_who_changes_the_network_signs_in_again_in_one_step() {
    World::each(HTTPS, |world| {
        let window = world.window();
        let tab = window.tab();
        arrive(&tab, "https://app.example.com/work");
        world.road.move_to(THIEF);
        let reason = "You are on another network than the one you signed in from.";
        world.until_asked_to_sign_in(&tab, "https://app.example.com/work?more", reason);
        sign_in(&tab, "alice", PASSWORD);
        assert_eq!(tab.address(), "https://app.example.com/work?more");
        // Going home is another network again.
        world.road.move_to(CLIENT);
        world.until_asked_to_sign_in(&tab, "https://app.example.com/work", reason);
    });
}

#[test]
fn a_browser_that_was_updated_stays_signed_in_and_another_browser_does_not() {
    World::each(HTTPS, |world| {
        let window = world.window();
        let tab = window.tab();
        arrive(&tab, "https://app.example.com/work");
        let own = tab.run("navigator.userAgent");
        let own = own.as_str().expect("a text");
        let updated = own.replace("Chrome/156", "Chrome/157");
        assert_ne!(own, updated);
        tab.calls_itself(&updated);
        assert_eq!(tab.reload(), 200);
        tab.says("Hello, alice.");
        tab.calls_itself("Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0");
        let reason = "This is another browser than the one you signed in with.";
        world.until_asked_to_sign_in(&tab, "https://app.example.com/work", reason);
        sign_in(&tab, "alice", PASSWORD);
        tab.says("Hello, alice.");
    });
}

#[test]
fn a_script_whose_session_is_gone_gets_a_401_and_no_page() {
    World::each(HTTPS, |world| {
        let window = world.window();
        let tab = window.tab();
        arrive(&tab, "https://app.example.com/work");
        let fetch = "fetch('/data').then(async (answer) => [answer.status, answer.redirected, await answer.text()])";
        assert_eq!(tab.run(fetch)[0], 200);
        world.samehand.succeed(&["token", "revoke", "--user", "alice"], "");
        world.until("the revocation is in force", || tab.run(fetch)[0] == 401);
        let answer = tab.run(fetch);
        assert_eq!((&answer[0], &answer[1]), (&401.into(), &false.into()));
        assert_eq!(answer[2], "");
    });
}
