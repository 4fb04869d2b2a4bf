//! What a script of a thief can carry out of a page that signs in with a key, and what that is worth elsewhere. The thief
//! has the same browser and the same address, and is refused all the same.

use serde_json::{Value, json};

use crate::{
    chromium::Tab,
    dpop::{BOUND, open, open_and_sign_in, sign_in, with_client},
    support::shipped::Kind,
    world::World,
};

/// The thief's script in the page: it tries to take the key, and takes what it can.
const TAKE: &str = "
    const { keys, jwk, token } = await stored();
    const refusals = [];
    for (const format of ['jwk', 'pkcs8', 'raw']) {
        await crypto.subtle.exportKey(format, keys.privateKey).then(() => refusals.push('exported'), ({ name }) => refusals.push(name));
    }
    const copy = structuredClone(keys.privateKey);
    await crypto.subtle.exportKey('jwk', copy).then(() => refusals.push('exported'), ({ name }) => refusals.push(name));
    const sent = [];
    const { fetch } = window;
    window.fetch = (request) => {
        sent.push(request.headers.get('DPoP'));
        return fetch(request);
    };
    const { status } = await client.fetch(server + '/raw');
    window.fetch = fetch;
    return { refusals, extractable: keys.privateKey.extractable, json: JSON.stringify(keys.privateKey), token, jwk, status, proof: sent.at(-1) }";

/// What the application answers to a request with these headers, from this tab.
#[track_caller]
fn ask_with(tab: &Tab, path: &str, method: &str, headers: &Value) -> Value {
    let script = format!(
        "const response = await fetch(server + '{path}', {{ method: '{method}', headers: {headers}, credentials: 'omit' }});
         return [response.status, response.headers.get('WWW-Authenticate')]"
    );
    with_client(tab, &script)
}

#[test]
fn what_a_script_can_copy_is_refused_elsewhere() {
    World::each_with_demo(BOUND, |world| {
        let (victims, thiefs) = (world.window(), world.window());
        let victim = open_and_sign_in(world, &victims);
        let taken = with_client(&victim, TAKE);
        assert_eq!(taken["refusals"], json!(vec!["InvalidAccessError"; 4]), "{taken}");
        assert_eq!(
            (&taken["extractable"], &taken["json"], &taken["status"]),
            (&json!(false), &json!("{}"), &json!(200))
        );

        let thief = open(world, &thiefs);
        let (token, proof) = (taken["token"].as_str().expect("a token"), taken["proof"].as_str().expect("a proof"));
        let (dpop, bearer) = (format!("DPoP {token}"), format!("Bearer {token}"));
        let both = json!({ "Authorization": dpop, "DPoP": proof });
        for (path, method, headers) in [
            ("/raw", "GET", &both),
            ("/raw", "POST", &both),
            ("/other", "GET", &both),
            ("/raw", "GET", &json!({ "Authorization": dpop })),
            ("/raw", "GET", &json!({ "Authorization": bearer })),
            ("/raw", "GET", &json!({ "Authorization": bearer, "DPoP": proof })),
            ("/whoami", "GET", &both),
        ] {
            let answer = ask_with(&thief, path, method, headers);
            assert_eq!(answer[0], 401, "{method} {path} {headers}: {answer}");
            assert!(answer[1].as_str().is_some_and(|line| line.starts_with("DPoP ")), "{answer}");
        }
        for headers in [&both, &json!({ "Authorization": bearer })] {
            // RFC 9449 section 5.
            assert_eq!(ask_with(&thief, "/renew", "POST", headers)[0], 400, "{headers}");
        }
        assert_eq!(with_client(&victim, "return (await client.fetch(server + '/raw')).status"), 200);
    });
}

#[test]
fn a_token_in_the_hand_of_somebody_with_a_key_of_their_own_is_refused() {
    World::each_with_demo(BOUND, |world| {
        world.samehand.add_user("mallory", &[]);
        let (victims, thiefs) = (world.window(), world.window());
        let token = with_client(&open_and_sign_in(world, &victims), "return (await stored()).token");
        let thief = open(world, &thiefs);
        sign_in(&thief, "mallory");
        let script = format!(
            "const own = await stored();
             await store({{ ...own, token: {token} }});
             const thief = new DpopClient({{ server }});
             await thief.ready;
             return await thief.fetch(server + '/raw').then(({{ status }}) => status, ({{ name }}) => name)"
        );
        // The request is refused, and so is the renewal that the module tries then.
        assert_eq!(with_client(&thief, &script), json!("SignedOutError"));
    });
}

#[test]
fn the_policy_of_the_page_runs_no_script_of_a_strangers_and_carries_nothing_out() {
    let world = World::start_with_demo(Kind::Nginx, BOUND);
    let window = world.window();
    let tab = open_and_sign_in(&world, &window);
    let script = "
        const refused = async (act) => {
            try { await act(); return 'done'; } catch ({ name }) { return name; }
        };
        return await Promise.all([
            refused(() => { document.body.innerHTML = '<img src=x onerror=\"window.injected = true\">'; }),
            refused(() => { document.createElement('script').src = 'https://auth.example.com/x.js'; }),
            refused(() => import('https://auth.example.com/x.js')),
            refused(() => fetch('https://auth.example.com/whoami')),
            refused(() => fetch('/raw')),
        ])";
    assert_eq!(with_client(&tab, script), json!(["TypeError", "TypeError", "TypeError", "TypeError", "done"]));
}
