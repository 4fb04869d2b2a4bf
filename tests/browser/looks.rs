//! Every page as people see it, light and dark: axe finds nothing, and nothing runs out of a narrow window.
//!
//! With `PICTURES=1` (`make pictures`) it also draws them, for the documentation.

use std::path::PathBuf;

use crate::{
    chromium::{Kind, Tab},
    signing_in::{arrive, sign_in},
    support::{CLIENT, THIEF, samehand::PASSWORD, shipped},
    world::{HTTPS, World},
};

const WORK: &str = "https://app.example.com/work";
/// Without the "headless" that would stand in the pictures.
const CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
const FIREFOX: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0";

#[test]
fn every_page_is_accessible_light_and_dark_and_in_a_narrow_window() {
    for dark in [false, true] {
        let world = World::start(shipped::Kind::Caddy, HTTPS);
        let window = world.window_of(Kind { dark, ..Kind::default() });
        every_page(&world, &Look { tab: window.tab(), shade: if dark { "dark" } else { "light" } });
    }
}

/// A tab whose pages are looked at.
struct Look {
    tab: Tab,
    shade: &'static str,
}

impl Look {
    #[track_caller]
    fn at(&self, name: &str) {
        let tab = &self.tab;
        tab.is_accessible();
        assert_eq!(tab.run(ground()), self.shade, "{name}: the ground is as the browser prefers it");
        // 1280 pixels at a zoom of 400 %, WCAG 2.2 criterion 1.4.10.
        tab.resize(320, 600);
        let overflow = tab.run("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        assert_eq!(overflow, 0, "{name}: one has to scroll sideways");
        tab.resize(800, 600);
        if pictures_are_wanted() {
            let folder: PathBuf = [env!("CARGO_MANIFEST_DIR"), "docs", "images"].iter().collect();
            tab.picture(&folder.join(format!("{name}-{}.png", self.shade)));
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a wish of who runs the tests, and no setting of samehand")]
fn pictures_are_wanted() -> bool {
    std::env::var_os("PICTURES").is_some()
}

/// `light` or `dark`, by what the page is painted on.
fn ground() -> &'static str {
    "getComputedStyle(document.body).backgroundColor.match(/\\d+/)[0] > 127 ? 'light' : 'dark'"
}

#[track_caller]
fn every_page(world: &World, look: &Look) {
    let tab = &look.tab;
    tab.calls_itself(CHROME);
    tab.open(WORK);
    look.at("sign-in");
    sign_in(tab, "alice", "not this one, surely");
    look.at("sign-in-refused");
    sign_in(tab, "alice", PASSWORD);
    tab.says("Hello, alice.");
    tab.open("https://auth.example.com/login");
    look.at("signed-in");

    let other = world.window();
    let other = other.tab();
    other.calls_itself(FIREFOX);
    arrive(&other, WORK);
    tab.open("https://auth.example.com/account");
    tab.says("Firefox on Windows");
    look.at("account");
    tab.press_in("Firefox", "End");
    look.at("account-session-ended");

    tab.open("https://app.example.net/");
    tab.says("The sign-in does not cover this site");
    look.at("other-site");
    world.road.move_to(THIEF);
    world.until_asked_to_sign_in(tab, WORK, "You are on another network");
    look.at("sign-in-other-network");
    world.road.move_to(CLIENT);

    tab.open("https://auth.example.com/logout?rd=https%3A%2F%2Fapp.example.com%2Fwork");
    look.at("sign-out");
    tab.press("Sign out");
    look.at("signed-out");
    goes_round(tab);
    look.at("loop");
}

/// Signs in again and again with a browser that keeps no cookie, until the page says what is the matter.
#[track_caller]
fn goes_round(tab: &Tab) {
    tab.open(WORK);
    // It keeps what it has, and takes nothing new.
    sign_in(tab, "alice", PASSWORD);
    tab.says("Hello, alice.");
    tab.forget_cookies();
    tab.open(WORK);
    tab.says("You signed in a moment ago");
}
