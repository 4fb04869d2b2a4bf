//! Tokens of Node here and ours there: accepted for the very same client, refused for every other.

use serde_json::{Value, json};

use super::{
    COOKIE, PROXY, World,
    clients::{BROWSER, Client, ON_IPV4, ON_IPV6, ON_MAPPED, USER_AGENTS},
    decided,
    node::{Check, Mint, Service, sign_in_of, token_of},
    question, sign_in, start_samehand,
};
use crate::support::{
    CLIENT,
    client::{Request, ask},
    token::Token,
};

/// A token of the administration side.
const ADMIN_TOKEN: &str = "mWq7Zt2yVb4Kx1Rw9Lp6Ns3Jd5Hf0GcA8uE";

/// Every way in which samehand accepts a token, and whom it recognises.
#[track_caller]
fn assert_accepted(world: &World, client: &Client, token: &str, user: &str) {
    for kind in ["nginx", "traefik", "caddy"] {
        for (header, value) in [
            ("Authorization", format!("Bearer {token}")),
            ("Authorization", token.to_owned()),
            ("Cookie", format!("theme=dark; {COOKIE}={token}")),
        ] {
            let reply = ask(PROXY, &world.samehand.tcp, &question(kind, client).header(header, value));
            let told = ["Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email"].map(|name| reply.header(name));
            let expected = [Some(user), Some(""), Some(""), Some("")];
            assert_eq!((reply.status, told), (200, expected), "{client:?}, {kind}, {header}: {reply:?}");
        }
    }
}

#[test]
fn a_token_of_node_is_accepted_here_for_the_very_same_client() {
    let world = World::start("article");
    for address in [ON_IPV4, ON_IPV6, ON_MAPPED] {
        for user_agent in USER_AGENTS {
            let client = address.with_user_agent(user_agent);
            for (user, named) in [("alice", "alice"), ("number", "42")] {
                let token = world.service.sign_in(user, &client);
                assert_eq!(world.service.profile(&client, &token).status, 200, "{client:?}");
                assert_accepted(&world, &client, &token, named);
            }
        }
    }
}

#[test]
fn a_token_that_node_minted_on_a_dual_stack_socket_is_accepted_here() {
    let world = World::start("article");
    let dual_stack = Service::start("::ffff:127.0.0.1");
    // Without a proxy: Node takes the address from the connection, and writes it as ::ffff:127.0.0.7.
    let request = sign_in_of("alice").header("User-Agent", BROWSER);
    let token = token_of(&ask(CLIENT, &dual_stack.address, &request));
    let client = ON_IPV4.with_address("127.0.0.7");
    let mapped = client.with_address("::ffff:127.0.0.7");
    assert_eq!(Check::start().verdict(&token, &mapped)["status"], 200);
    assert_eq!(Check::start().verdict(&token, &client)["status"], 403);
    assert_accepted(&world, &client, &token, "alice");
    assert_accepted(&world, &mapped, &token, "alice");
}

#[test]
fn any_user_id_that_can_stand_in_a_header_is_accepted_and_no_other() {
    let samehand = start_samehand(&[("FINGERPRINT", "article")]);
    let mut mint = Mint::start();
    for (user_id, expected) in [
        (json!("alice"), Ok("alice")),
        (json!("Alice"), Ok("Alice")),
        (json!("b427a317"), Ok("b427a317")),
        (json!("507f1f77bcf86cd799439011"), Ok("507f1f77bcf86cd799439011")),
        (json!("0b0f7c1e-5c2b-4a54-9a53-8f6a3d2e1c00"), Ok("0b0f7c1e-5c2b-4a54-9a53-8f6a3d2e1c00")),
        (json!("alice@example.com"), Ok("alice@example.com")),
        (json!(0), Ok("0")),
        (json!(9_007_199_254_740_991_u64), Ok("9007199254740991")),
        (json!(-1), Err("token-claims")),
        (json!(1.5), Err("token-claims")),
        (json!(null), Err("token-claims")),
        (json!(true), Err("token-claims")),
        (json!(["alice"]), Err("token-claims")),
        (json!(""), Err("token-claims")),
        (json!("two words"), Err("token-claims")),
        (json!("alice,admin"), Err("token-claims")),
        (json!("ålice"), Err("token-claims")),
        (json!("alice\r\nRemote-Groups: admin"), Err("token-claims")),
    ] {
        let token = mint.token_with(json!({ "userId": user_id, "address": ON_IPV4.forwarded_for }), &ON_IPV4);
        let reply = ask(PROXY, &samehand.tcp, &question("nginx", &ON_IPV4).bearer(&token));
        match expected {
            Ok(user) => assert_eq!((reply.status, reply.header("Remote-User")), (200, Some(user)), "{user_id}"),
            Err(reason) => assert_eq!(decided(&samehand, &ON_IPV4, &token), (403, reason.to_owned()), "{user_id}"),
        }
    }
}

#[test]
fn a_token_of_ours_is_accepted_by_node_for_the_very_same_client() {
    for fingerprint in ["article", "article,keyed"] {
        let world = World::start(fingerprint);
        for address in [ON_IPV4, ON_IPV6] {
            for user_agent in USER_AGENTS {
                let client = address.with_user_agent(user_agent);
                let token = sign_in(&world.samehand, &client);
                assert_eq!(Token::parse(&token).header, json!({ "alg": "HS256", "typ": "JWT" }));
                let reply = world.service.profile(&client, &token);
                assert_eq!(reply.status, 200, "{fingerprint}, {client:?}: {reply:?}");
                let data = &reply.json()["data"];
                assert_eq!(data["userId"], "alice");
                let names: Vec<&String> = data.as_object().expect("claims").keys().collect();
                assert_eq!(names, ["exp", "fingerprint", "iat", "userId"], "{data}");
                let whoami = client.describe(Request::get("/whoami")).bearer(&token);
                assert_eq!(&ask(PROXY, &world.samehand.tcp, &whoami).json()["data"], data);
                assert_accepted(&world, &client, &token, "alice");
            }
        }
    }
}

/// samehand mints `192.0.2.7` for `::ffff:192.0.2.7`; a service that is told the mapped spelling hashes that one.
#[test]
fn a_token_of_ours_names_a_mapped_client_by_its_plain_address() {
    let world = World::start("article");
    let token = sign_in(&world.samehand, &ON_MAPPED);
    assert_accepted(&world, &ON_MAPPED, &token, "alice");
    assert_eq!(world.service.profile(&ON_IPV4, &token).status, 200);
    assert_eq!(world.service.profile(&ON_MAPPED, &token).status, 403);
}

#[test]
fn a_token_from_the_command_line_or_of_another_back_end_is_accepted_by_node() {
    let samehand = start_samehand(&[("FINGERPRINT", "article"), ("ADMIN_TOKEN", ADMIN_TOKEN)]);
    let mut check = Check::start();
    let mint_for = |ip: &str, user_agent: Value| {
        let body = json!({ "sub": "alice", "ip": ip, "user_agent": user_agent }).to_string();
        let request = Request::post("/mint", body).header("Content-Type", "application/json").bearer(ADMIN_TOKEN);
        token_of(&ask(CLIENT, &samehand.admin, &request))
    };
    for address in [ON_IPV4, ON_IPV6] {
        let ip = address.forwarded_for;
        for user_agent in USER_AGENTS {
            let client = address.with_user_agent(user_agent);
            // Both take the value as text, so a value whose bytes are not UTF-8 cannot be said there.
            let Ok(text) = user_agent.map(std::str::from_utf8).transpose() else { continue };
            let token = mint_for(ip, text.into());
            assert_eq!(check.verdict(&token, &client)["status"], 200, "/mint, {client:?}");
            // A Node back end has to turn its one character a byte into text first.
            let unconverted = client.user_agent_in_node();
            let is_text = unconverted.as_deref() == text.map(|text| text.trim_matches([' ', '\t']));
            let token = mint_for(ip, unconverted.into());
            let expected = if is_text { 200 } else { 403 };
            assert_eq!(check.verdict(&token, &client)["status"], expected, "/mint unconverted, {client:?}");
            // On the command line nothing is a client that sends no User-Agent.
            let typed = match text {
                Some("") => continue,
                text => text.unwrap_or_default(),
            };
            let arguments = ["token", "mint", "--user", "alice", "--ip", ip, "--user-agent", typed, "--ttl", "1h"];
            let token = samehand.succeed(&arguments, "");
            let verdict = check.verdict(&token, &client);
            assert_eq!(verdict["status"], 200, "token mint, {client:?}: {verdict}");
            let times = ["iat", "exp"].map(|name| verdict["data"][name].as_u64().expect("seconds"));
            assert_eq!(times[1] - times[0], 3600);
        }
    }
}

/// A client, and others that are not the same.
fn differences() -> Vec<(Client, Vec<Client>)> {
    let with = |user_agent: &'static [u8]| ON_IPV4.with_user_agent(Some(user_agent));
    let (latin1, utf8) = (with(b"caf\xe9/1.0"), with("café/1.0".as_bytes()));
    let (absent, empty, word) = (ON_IPV4.with_user_agent(None), with(b""), with(b"undefined"));
    vec![
        (
            ON_IPV4,
            vec![
                ON_IPV4.with_address("192.0.2.8"),
                ON_IPV4.with_address("::ffff:192.0.2.8"),
                ON_IPV4.with_address("192.0.2.70"),
                ON_IPV4.with_address("2001:db8::192.0.2.7"),
                ON_IPV4.with_address("192.0.2.7, 198.51.100.1"),
                ON_IPV6,
                with(b"Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"),
                with(b"mozilla/5.0 (x11; linux x86_64; rv:143.0) gecko/20100101 firefox/143.0"),
                with(b"Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101  Firefox/143.0"),
                absent,
                empty,
            ],
        ),
        (ON_IPV6, vec![ON_IPV6.with_address("2001:db8::8"), ON_IPV6.with_address("2001:db8:0:0:1::7"), ON_IPV4]),
        (latin1, vec![utf8, with(b"cafe/1.0"), with("caf\u{c3}\u{a9}/1.0".as_bytes())]),
        (utf8, vec![latin1, with("cafe\u{301}/1.0".as_bytes())]),
        (with(b"\xa0x"), vec![with(b"x"), with("\u{a0}x".as_bytes())]),
        (absent, vec![empty, with(b"null"), ON_IPV4]),
        (empty, vec![absent, word, ON_IPV4]),
    ]
}

#[test]
fn a_token_is_refused_on_both_sides_when_any_part_differs() {
    let world = World::start("article");
    // What makes keyed fingerprints more forgiving has no say about the article's.
    let forgiving = start_samehand(&[
        ("FINGERPRINT", "article"),
        ("REQUIRE_SAME", "none"),
        ("IPV4_PREFIX", "8"),
        ("IPV6_PREFIX", "16"),
        ("USER_AGENT_MATCH", "family"),
    ]);
    for (client, others) in differences() {
        let ours = sign_in(&world.samehand, &client);
        let theirs = world.service.sign_in("alice", &client);
        for token in [&ours, &theirs] {
            for other in &others {
                let row = format!("a token for {client:?} from {other:?}");
                assert_eq!(world.service.profile(other, token).status, 403, "{row}");
                for samehand in [&world.samehand, &forgiving] {
                    assert_eq!(decided(samehand, other, token), (403, "client-changed".to_owned()), "{row}");
                }
            }
            assert_eq!(world.service.profile(&client, token).status, 200, "{client:?}");
            assert_eq!(decided(&forgiving, &client, token), (200, "ok".to_owned()), "{client:?}");
        }
    }
}

/// Nothing stands between the parts, and `undefined` is what Node makes of a header that is not there.
#[test]
fn two_clients_that_give_one_text_are_one_client_on_both_sides() {
    let world = World::start("article");
    for (one, other) in [
        (ON_IPV4.with_user_agent(None), ON_IPV4.with_user_agent(Some(b"undefined"))),
        (ON_IPV4.with_user_agent(Some(b"0x")), ON_IPV4.with_address("192.0.2.70").with_user_agent(Some(b"x"))),
    ] {
        let token = world.service.sign_in("alice", &one);
        assert_eq!(world.service.profile(&other, &token).status, 200);
        assert_accepted(&world, &other, &token, "alice");
    }
}

#[test]
fn every_token_of_a_client_has_the_same_fingerprint_on_both_sides() {
    let world = World::start("article");
    let fingerprint = |token: String| Token::parse(&token).claims["fingerprint"].clone();
    let theirs = fingerprint(world.service.sign_in("alice", &ON_IPV4));
    assert_eq!(fingerprint(world.service.sign_in("number", &ON_IPV4)), theirs);
    assert_eq!(fingerprint(sign_in(&world.samehand, &ON_IPV4)), theirs);
    assert_ne!(fingerprint(sign_in(&world.samehand, &ON_IPV6)), theirs);
}
