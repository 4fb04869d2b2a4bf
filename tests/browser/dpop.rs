//! The demo of DPoP and its module, `examples/dpop/browser`: signing in with a key, reloading, several tabs, requests at the
//! same time, clocks that are wrong. Behind nginx and Caddy on one host, behind Traefik from another origin.

use serde_json::{Value, json};

use crate::{
    chromium::{Tab, Window},
    demo::{APPLICATION, Demo},
    support::{samehand::PASSWORD, shipped::Kind},
    world::World,
};

/// The key and the browser have to be the same, the address need not.
pub(crate) const BOUND: &[(&str, &str)] = &[("REQUIRE_SAME", "user-agent,dpop")];

/// Opens the demo.
#[track_caller]
pub(crate) fn open(world: &World, window: &Window) -> Tab {
    let tab = window.tab();
    assert_eq!(tab.open(Demo::address(world.kind())), 200);
    tab
}

/// Fills in the form of the demo and sends it.
#[track_caller]
pub(crate) fn sign_in(tab: &Tab, name: &str) {
    tab.comes_to_say("You are not signed in.");
    tab.fill("User name", name);
    tab.fill("Password", PASSWORD);
    tab.press_here("Sign in");
    tab.comes_to_say("You are signed in.");
}

/// Opens the demo and signs alice in.
#[track_caller]
pub(crate) fn open_and_sign_in(world: &World, window: &Window) -> Tab {
    let tab = open(world, window);
    sign_in(&tab, "alice");
    tab
}

/// Runs this with a client of the page's, `client`, and the origin of the application, `server`; what it returns.
#[track_caller]
pub(crate) fn with_client(tab: &Tab, script: &str) -> Value {
    tab.run(&format!(
        "(async () => {{
            const {{ DpopClient, SignedOutError }} = await import('./dpop.js');
            const server = '{APPLICATION}';
            const client = new DpopClient({{ server }});
            await client.ready;
            {STORED}
            {script}
        }})()"
    ))
}

/// `stored()`: what the browser keeps; `store(value)` keeps something else.
const STORED: &str = "
    const opened = () => new Promise((resolve, reject) => {
        const opening = indexedDB.open('dpop', 1);
        opening.onsuccess = () => resolve(opening.result);
        opening.onerror = () => reject(opening.error);
    });
    const transacted = async (act) => {
        const database = await opened();
        const asked = act(database.transaction('sign-in', 'readwrite').objectStore('sign-in'));
        return new Promise((resolve) => { asked.onsuccess = () => { database.close(); resolve(asked.result); }; });
    };
    const stored = () => transacted((store) => store.get('session'));
    const store = (value) => transacted((store) => store.put(value, 'session'));
";

/// The page's clock goes wrong by so many minutes.
fn set_clock(tab: &Tab, minutes: i32) {
    tab.run(&format!("(() => {{ const now = Date.now; Date.now = () => now() + {minutes} * 60_000; }})()"));
}

#[track_caller]
fn ask(tab: &Tab) {
    tab.press_here("Ask the application");
    tab.comes_to_say("200 {\"data\":");
    tab.says("\"sub\":\"alice\"");
}

#[track_caller]
fn renewals(world: &World) -> usize {
    world.samehand.process.log().matches("msg=\"token renewed\"").count()
}

#[test]
fn a_person_signs_in_with_a_key_and_is_there_after_a_reload_and_in_every_tab() {
    World::each_with_demo(BOUND, |world| {
        let window = world.window();
        let tab = open(world, &window);
        tab.comes_to_say("You are not signed in.");
        tab.is_accessible();
        sign_in(&tab, "alice");
        tab.is_accessible();
        ask(&tab);
        tab.reload();
        tab.comes_to_say("You are signed in.");
        ask(&tab);
        let other = open(world, &window);
        other.comes_to_say("You are signed in.");
        ask(&other);
        other.press_here("Sign out");
        for tab in [&tab, &other] {
            tab.comes_to_say("You are not signed in.");
        }
        assert_eq!(with_client(&tab, "return (await stored()) ?? null"), Value::Null, "the key is gone");
        assert_eq!(window.cookies().len(), 0);
        sign_in(&tab, "alice");
        other.comes_to_say("You are signed in.");
        ask(&other);
    });
}

#[test]
fn a_wrong_password_is_said_and_nothing_is_kept() {
    World::each_with_demo(BOUND, |world| {
        let window = world.window();
        let tab = open(world, &window);
        tab.comes_to_say("You are not signed in.");
        tab.fill("User name", "alice");
        tab.fill("Password", "not this one, surely");
        tab.press_here("Sign in");
        tab.comes_to_say("the user name or password is not right");
        assert_eq!(with_client(&tab, "return [client.signedIn, (await stored()) ?? null]"), json!([false, null]));
    });
}

#[test]
fn requests_of_every_kind_reach_the_application_with_the_identity() {
    World::each_with_demo(BOUND, |world| {
        let window = world.window();
        let tab = open_and_sign_in(world, &window);
        let script = "
            const addresses = ['/raw', '/raw?q=1&r=%2F#there', '/a%20b/%C3%BC/~c', '/a/../raw/', '/'];
            const asked = addresses.flatMap((path) => [
                client.fetch(server + path),
                client.fetch(server + path, { method: 'POST', body: 'a body'.repeat(1000) }),
                client.fetch(new Request(server + path, { method: 'PUT', body: new Blob(['x']) })),
                client.fetch(server + path, { method: 'DELETE' }),
            ]);
            return (await Promise.all(asked)).map(({ status }) => status)";
        // All of them before the first nonce is known to this client.
        assert_eq!(with_client(&tab, script), json!(vec![200; 20]));
        let script = "
            const response = await client.fetch(server + '/raw', { method: 'POST', body: '12345' });
            return await response.json()";
        let seen = with_client(&tab, script);
        assert_eq!((&seen["method"], &seen["body_length"]), (&json!("POST"), &json!(5)), "after a refusal, whole");
        let headers = seen["headers"].as_array().expect("headers");
        assert!(headers.contains(&json!(["Remote-User", "alice"])), "{seen}");
    });
}

#[test]
fn no_other_origin_is_given_the_token() {
    let world = World::start_with_demo(Kind::Nginx, BOUND);
    let window = world.window();
    let tab = open_and_sign_in(&world, &window);
    let before = world.application.seen().requests;
    let script = "
        const other = new DpopClient({ server: 'https://auth.example.com' });
        await other.ready;
        return await other.fetch('/raw').then(() => 'asked', String)";
    let error = with_client(&tab, script);
    assert_eq!(error, json!("TypeError: https://app.example.com is not one of the origins of this client"));
    assert_eq!(world.application.seen().requests, before);
}

#[test]
fn tabs_renew_one_token_once() {
    World::each_with_demo(BOUND, |world| {
        let window = world.window();
        let tabs = [open_and_sign_in(world, &window), open(world, &window)];
        let old =
            with_client(&tabs[0], "await store({ ...(await stored()), renewAt: 0 }); return (await stored()).token");
        // Both begin only when both are ready, so that they want the renewal at the same time.
        let script = "
            await new Promise((resolve) => {
                const other = new BroadcastChannel('test');
                other.onmessage = ({ data }) => { if (!data) other.postMessage(true); resolve(); };
                other.postMessage(false);
            });
            const asked = Array.from({ length: 10 }, () => client.fetch(server + '/raw'));
            return (await Promise.all(asked)).map(({ status }) => status)";
        std::thread::scope(|scope| {
            let asking: Vec<_> = tabs.iter().map(|tab| scope.spawn(|| with_client(tab, script))).collect();
            for asked in asking {
                assert_eq!(asked.join().expect("a tab that can ask"), json!(vec![200; 10]));
            }
        });
        assert_eq!(renewals(world), 1);
        let new = with_client(&tabs[1], "return (await stored()).token");
        assert_ne!(new, old);
        ask(&tabs[0]);
    });
}

#[test]
fn a_token_that_lives_for_a_moment_is_renewed_and_no_request_is_refused() {
    World::each_with_demo(&[BOUND, &[("TOKEN_TTL", "6s")]].concat(), |world| {
        let window = world.window();
        let tab = open_and_sign_in(world, &window);
        let script = "
            const tokens = new Set();
            while (tokens.size < 2) {
                const response = await client.fetch(server + '/raw');
                if (response.status !== 200) return response.status;
                tokens.add((await stored()).token);
            }
            return 'renewed'";
        assert_eq!(with_client(&tab, script), json!("renewed"));
    });
}

#[test]
fn a_clock_that_is_wrong_is_set_right_and_may_go_right_later() {
    World::each_with_demo(BOUND, |world| {
        for minutes in [-7, 7, -60 * 24 * 400] {
            let window = world.window();
            let tab = open(world, &window);
            set_clock(&tab, minutes);
            sign_in(&tab, "alice");
            ask(&tab);
            // Somebody has set the clock meanwhile.
            tab.reload();
            tab.comes_to_say("You are signed in.");
            ask(&tab);
            set_clock(&tab, -minutes);
            ask(&tab);
        }
    });
}

#[test]
fn a_session_that_was_taken_back_leads_to_the_form() {
    World::each_with_demo(BOUND, |world| {
        let window = world.window();
        let tab = open_and_sign_in(world, &window);
        ask(&tab);
        world.samehand.succeed(&["token", "revoke", "--user", "alice"], "");
        let script = "return await client.fetch(server + '/raw').then(({ status }) => status, ({ name }) => name)";
        world.until("the revocation is known", || with_client(&tab, script) == json!("SignedOutError"));
        tab.comes_to_say("You are not signed in.");
        assert_eq!(with_client(&tab, "return (await stored()) ?? null"), Value::Null);
    });
}

#[test]
fn with_ed25519_without_nonces_and_without_memory_it_is_the_same() {
    World::each_with_demo(&[BOUND, &[("DPOP_NONCE", "off")]].concat(), |world| {
        let window = world.window();
        let tab = open(world, &window);
        let script = format!(
            "
            for (const options of [{{ algorithm: 'EdDSA', name: 'edwards' }}, {{ remember: false }}]) {{
                const own = new DpopClient({{ server, ...options }});
                await own.signIn('alice', '{PASSWORD}');
                const {{ status }} = await own.fetch(server + '/raw');
                if (status !== 200) return status;
            }}
            return (await stored()) ?? null"
        );
        assert_eq!(with_client(&tab, &script), Value::Null);
    });
}

#[test]
fn a_token_that_is_bound_to_no_key_is_not_kept() {
    // Tokens of this kind have no room for a key.
    let world = World::start_with_demo(Kind::Caddy, &[("FINGERPRINT", "article")]);
    let window = world.window();
    let tab = open(&world, &window);
    let script = format!("return await client.signIn('alice', '{PASSWORD}').then(() => 'signed in', String)");
    assert_eq!(with_client(&tab, &script), json!("AnswerError: the token is not bound to the key"));
}
