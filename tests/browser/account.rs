//! The account page: where somebody is signed in, ending sessions there, and another password.

use serde_json::Value;

use crate::{
    chromium::{Kind, Tab, Window},
    signing_in::{arrive, sign_in},
    support::samehand::PASSWORD,
    world::{HTTPS, ONE_HOST, World},
};

const WORK: &str = "https://app.example.com/work";
const ACCOUNT: &str = "https://auth.example.com/account";
const NEW: &str = "nine walnuts under a quiet bridge";

#[track_caller]
fn change_password(tab: &Tab, present: &str, chosen: &str, again: &str) {
    tab.fill("Current password", present);
    tab.fill("New password", chosen);
    tab.fill("New password once more", again);
    tab.press("Change password");
}

#[test]
fn who_is_not_signed_in_signs_in_and_sees_the_account() {
    World::each(HTTPS, |world| {
        let window = world.window();
        let tab = window.tab();
        tab.open(ACCOUNT);
        assert_eq!(tab.title(), "Sign in to auth.example.com");
        sign_in(&tab, "alice", PASSWORD);
        assert_eq!(tab.address(), ACCOUNT);
        tab.says("You are signed in as alice.");
        tab.says("Chrome on Linux, this browser");
        tab.says("127.0.0.0/24");
        tab.says("There is no other session of yours.");
    });
}

#[test]
fn one_session_is_ended_and_the_others_stay_also_without_scripts() {
    World::each(HTTPS, |world| {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
        let without_scripts = Kind { java_script: false, ..Kind::default() };
        let windows = [world.window_of(without_scripts), world.window(), world.window()];
        let [here, kept, lost] = windows.each_ref().map(Window::tab);
        lost.calls_itself(firefox);
        for tab in [&here, &kept, &lost] {
            arrive(tab, WORK);
        }
        here.open(ACCOUNT);
        here.press_in("Firefox", "End");
        here.says("That session has ended.");
        here.does_not_say("Firefox");
        world.until_asked_to_sign_in(&lost, WORK, "Your session was ended.");
        for tab in [&here, &kept] {
            tab.open(WORK);
            tab.says("Hello, alice.");
        }
    });
}

#[test]
fn nobody_ends_a_session_of_somebody_else() {
    World::each(HTTPS, |world| {
        world.samehand.add_user("bob", &[]);
        let windows = [world.window(), world.window(), world.window()];
        let [here, own, bob] = windows.each_ref().map(Window::tab);
        arrive(&here, WORK);
        arrive(&own, WORK);
        bob.open(WORK);
        sign_in(&bob, "bob", PASSWORD);
        // By name: when a session was last seen is written now and then.
        let listed = || -> Vec<Value> {
            let printed = world.samehand.succeed(&["session", "list", "--user", "bob", "--json"], "");
            let listed: Vec<Value> = serde_json::from_str(&printed).expect("JSON");
            listed.into_iter().map(|session| session["sid"].clone()).collect()
        };
        let before = listed();
        assert_eq!(before.len(), 1);
        here.open(ACCOUNT);
        here.run(&format!("document.querySelector('[name=session]').value = {}", before[0]));
        here.press("End");
        // The same words as for a session that is not there.
        here.says("That session has ended.");
        assert_eq!(listed(), before);
        bob.open(WORK);
        bob.says("Hello, bob.");
    });
}

#[test]
fn all_other_sessions_are_ended_at_once() {
    World::each(ONE_HOST, |world| {
        let windows = [world.window(), world.window(), world.window()];
        let [here, one, other] = windows.each_ref().map(Window::tab);
        for tab in [&here, &one, &other] {
            arrive(tab, WORK);
        }
        here.open("https://app.example.com/account");
        here.press("End all other sessions");
        here.says("All your other sessions have ended.");
        here.says("There is no other session of yours.");
        for tab in [&one, &other] {
            world.until_asked_to_sign_in(tab, WORK, "Your session was ended.");
        }
        here.open(WORK);
        here.says("Hello, alice.");
    });
}

#[test]
fn another_password_ends_every_other_session_and_keeps_this_browser_signed_in() {
    World::each(HTTPS, |world| {
        let (here, other) = (world.window(), world.window());
        let (tab, other_tab) = (here.tab(), other.tab());
        arrive(&tab, WORK);
        arrive(&other_tab, WORK);
        let before = here.cookie("__Secure-samehand");
        tab.open(ACCOUNT);
        change_password(&tab, PASSWORD, NEW, NEW);
        tab.says("Your password is changed.");
        tab.says("There is no other session of yours.");
        tab.open(WORK);
        tab.says("Hello, alice.");
        // It is another session: who had got hold of the old cookie has nothing any more.
        let after = here.cookie("__Secure-samehand");
        assert_ne!(before.text("value"), after.text("value"));
        here.put_back(&before);
        world.until_asked_to_sign_in(&tab, WORK, "Your session was ended.");
        world.until_asked_to_sign_in(&other_tab, WORK, "Your session was ended.");
        sign_in(&other_tab, "alice", PASSWORD);
        other_tab.says("The user name or the password is not right.");
        sign_in(&other_tab, "alice", NEW);
        other_tab.says("Hello, alice.");
    });
}

#[test]
fn a_password_that_cannot_be_set_is_said_beside_the_form_and_nothing_changes() {
    World::each(HTTPS, |world| {
        let window = world.window();
        let tab = window.tab();
        arrive(&tab, WORK);
        tab.open(ACCOUNT);
        change_password(&tab, "not this one, surely", NEW, NEW);
        tab.says("The current password is not right. Nothing was changed.");
        tab.focus_comes_to("Current password");
        change_password(&tab, PASSWORD, NEW, &format!("{NEW}x"));
        tab.says("The new password and its repetition are not the same.");
        tab.focus_comes_to("New password once more");
        change_password(&tab, PASSWORD, "passwordpassword", "passwordpassword");
        tab.says("the password is easily guessed");
        tab.focus_comes_to("New password");
        tab.is_accessible();
        change_password(&tab, PASSWORD, NEW, NEW);
        tab.says("Your password is changed.");
    });
}

#[test]
fn the_account_page_renews_a_session_whose_token_has_expired() {
    let short = [HTTPS, &[("TOKEN_TTL", "2s")]].concat();
    World::each(&short, |world| {
        let window = world.window();
        let tab = window.tab();
        arrive(&tab, WORK);
        let before = window.cookie("__Secure-samehand");
        world.until("the token is renewed", || {
            tab.open(ACCOUNT);
            tab.says("You are signed in as alice.");
            window.cookie("__Secure-samehand").text("value") != before.text("value")
        });
    });
}

#[test]
fn another_site_cannot_send_the_forms() {
    World::each(HTTPS, |world| {
        let window = world.window();
        let tab = window.tab();
        arrive(&tab, WORK);
        tab.open(ACCOUNT);
        let token = tab.run("document.querySelector('[name=form]').value");
        // A sibling host, from which browsers send the cookie, and with a token that is even good.
        tab.open(WORK);
        let send = format!(
            "(() => {{ const form = document.createElement('form'); form.method = 'post'; form.action = '{ACCOUNT}'; \
             for (const [name, value] of Object.entries({{ do: 'end-others', form: {token} }})) {{ \
             const field = document.createElement('input'); field.name = name; field.value = value; form.append(field); }} \
             document.body.append(form); form.submit(); }})()"
        );
        tab.run_and_leave(&send);
        assert_eq!(tab.address(), ACCOUNT);
        tab.says("Another site sent this form, so nothing was done.");
    });
}
