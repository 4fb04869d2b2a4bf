//! What the browser does with the proof cookie: the page's own requests bring it, and nothing that a script reads does.

use serde_json::json;

use crate::{
    chromium::Tab,
    signing_in::arrive,
    support::{THIEF, samehand::PASSWORD},
    world::World,
};

const WORK: &str = "https://app.example.com/work";
const ROAM: &[(&str, &str)] =
    &[("PUBLIC_URL", "https://auth.example.com"), ("REQUIRE_SAME", "user-agent,cookie"), ("WATCH", "ip")];

/// A script of the page signs in and keeps the token.
#[track_caller]
fn token_by_script(tab: &Tab) -> String {
    let body = json!({ "username": "alice", "password": PASSWORD });
    let options = format!(
        "{{ method: 'POST', headers: {{ 'Content-Type': 'application/json' }}, body: JSON.stringify({body}) }}"
    );
    let token =
        tab.run(&format!("fetch('/login', {options}).then((answer) => answer.json()).then(({{ token }}) => token)"));
    token.as_str().unwrap_or_else(|| panic!("no token: {token}")).to_owned()
}

/// The status of what a script asks for with the token.
#[track_caller]
fn status(tab: &Tab, path: &str, token: &str, options: &str) -> u64 {
    let options = format!("{{ headers: {{ Authorization: 'Bearer {token}' }}, {options} }}");
    tab.run(&format!("fetch('{path}', {options}).then(({{ status }}) => status)")).as_u64().expect("a status")
}

#[test]
fn a_token_that_a_script_reads_is_worth_nothing_without_the_cookie_that_none_reads() {
    World::each(ROAM, |world| {
        let window = world.window();
        let tab = window.tab();
        arrive(&tab, WORK);
        // The page stays; what it was loaded with goes.
        tab.forget_cookies();
        let token = token_by_script(&tab);
        let cookies = window.cookies();
        assert_eq!(cookies.len(), 1, "{cookies:?}");
        let cookie = window.cookie("__Secure-samehand-proof");
        assert_eq!(
            (cookie.text("domain"), cookie.text("path"), cookie.text("sameSite")),
            (".example.com", "/", "Strict")
        );
        assert_eq!((cookie.is("secure"), cookie.is("httpOnly"), cookie.text("value").len()), (true, true, 43));
        assert_eq!(tab.run("document.cookie"), "", "no script sees it");
        assert_eq!(status(&tab, "/data", &token, ""), 200);
        assert_eq!(status(&tab, "/data", &token, "credentials: 'omit'"), 403, "the token alone");
        // Networks change, and nobody is asked to sign in again.
        world.road.move_to(THIEF);
        assert_eq!(status(&tab, "/data", &token, ""), 200);
        assert_eq!(status(&tab, "/renew", &token, "method: 'POST'"), 200);
        assert_eq!(window.cookie("__Secure-samehand-proof").text("value"), cookie.text("value"));
        assert_eq!(status(&tab, "/logout", &token, "method: 'POST'"), 204);
        assert_eq!(window.cookies().len(), 0);
        assert_eq!(status(&tab, "/data", &token, ""), 401);
    });
}

#[test]
fn who_comes_by_a_link_from_another_site_is_still_signed_in() {
    World::each(ROAM, |world| {
        let window = world.window();
        let tab = window.tab();
        arrive(&tab, WORK);
        assert_eq!(window.cookies().len(), 1, "beside the session cookie a proof cookie would prove nothing");
        tab.open("https://app.example.net/");
        tab.run_and_leave(&format!("location.href = '{WORK}'"));
        tab.says("Hello, alice.");
    });
}
