//! Signing out, and what is left afterwards.

use crate::{
    signing_in::{arrive, sign_in},
    support::samehand::PASSWORD,
    world::{HTTPS, ONE_HOST, World},
};

const WORK: &str = "https://app.example.com/work";
const SIGN_OUT: &str = "https://auth.example.com/logout?rd=https%3A%2F%2Fapp.example.com%2Fwork";

#[test]
fn signing_out_ends_the_session_everywhere_and_says_so() {
    World::each(HTTPS, |world| {
        let window = world.window();
        let (tab, other) = (window.tab(), window.tab());
        arrive(&tab, WORK);
        other.open("https://wiki.example.com/");
        other.says("Hello, alice.");
        let cookie = window.cookie("__Secure-samehand");
        tab.open(SIGN_OUT);
        tab.says("You are signed in as alice.");
        // A link to this page ends nothing.
        other.reload();
        other.says("Hello, alice.");
        tab.press("Sign out");
        tab.says("You are signed out");
        tab.says("The session in this browser has ended");
        assert_eq!(window.cookies().len(), 0, "the browser knows which cookie is meant");
        other.reload();
        assert_eq!(other.title(), "Sign in to wiki.example.com");
        // Whoever kept the cookie has nothing.
        window.put_back(&cookie);
        other.open(WORK);
        assert_eq!(other.title(), "Sign in to app.example.com");
        tab.follow("Back to app.example.com");
        sign_in(&tab, "alice", PASSWORD);
        assert_eq!(tab.address(), WORK);
    });
}

#[test]
fn the_back_button_after_signing_out_shows_nothing_that_is_old() {
    World::each(ONE_HOST, |world| {
        let window = world.window();
        let tab = window.tab();
        arrive(&tab, WORK);
        tab.open("https://app.example.com/account");
        tab.says("You are signed in as alice.");
        tab.open("https://app.example.com/logout");
        tab.press("Sign out");
        tab.says("You are signed out");
        tab.back();
        tab.says("You are not signed in here.");
        tab.back();
        assert_eq!(tab.title(), "Sign in to app.example.com", "in the place of the account page");
    });
}

#[test]
fn signing_out_also_clears_what_applications_keep_in_cookies() {
    World::each(ONE_HOST, |world| {
        let window = world.window();
        let tab = window.tab();
        arrive(&tab, WORK);
        // A page hands its cookie over to the browser, and does not wait until it is kept.
        tab.run("document.cookie = 'basket=full; Path=/'");
        world.until("the browser keeps it", || window.cookies().len() == 2);
        tab.open("https://app.example.com/logout");
        tab.press("Sign out");
        tab.says("You are signed out");
        assert_eq!(window.cookies().len(), 0);
    });
}
