//! samehand's own endpoints with proofs: signing in, renewing, who am I, signing out; and for back ends and administrators.

use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::replays::given_out;
use crate::support::{
    CLIENT,
    client::{Reply, Request, ask},
    prover::{Draft, Prover},
    samehand::{PASSWORD, Samehand},
    token::Token,
};
use crate::world::{PROGRAM, SITE, World, login, signed_in};

#[track_caller]
fn is_error(reply: &Reply, row: &str, status: u16, code: &str) {
    assert_eq!((reply.status, &reply.json()["error"]), (status, &Value::from(code)), "{row}: {reply:?}");
    // RFC 9449 section 8: where a token is asked for.
    if status == 400 {
        assert!(reply.header("DPoP-Nonce").is_some(), "{row}: {reply:?}");
    }
}

pub(crate) fn a_session_is_renewed_shown_and_ended_with_proofs(world: &World) {
    let to = |request: &Request| ask(CLIENT, &world.proxy.address, request);
    let sign = |draft: &Draft| world.prover.sign(draft);
    let own = |method: &str, path: &str| world.prover.draft(method, &format!("{SITE}{path}"));
    // Signing in needs a proof here, of this address, once.
    let no_proof = Request::post("/login", json!({ "username": "alice", "password": PASSWORD }).to_string());
    let no_proof = no_proof.header("Content-Type", "application/json").header("User-Agent", PROGRAM);
    is_error(&to(&no_proof), "no proof", 400, "invalid_dpop_proof");
    for (row, draft) in [
        ("another address", own("POST", "/renew")),
        ("another method", own("GET", "/login")),
        ("too old", own("POST", "/login").with("iat", samehand::app::now() - 65)),
    ] {
        is_error(&to(&login(&sign(&draft))), row, 400, "invalid_dpop_proof");
    }
    let old_nonce = sign(&own("POST", "/login").with("nonce", "made up"));
    is_error(&to(&login(&old_nonce)), "a nonce of nobody's", 400, "use_dpop_nonce");
    let proof = sign(&own("POST", "/login"));
    let (token, nonce) = signed_in(&to(&login(&proof)));
    is_error(&to(&login(&proof)), "once more", 400, "invalid_dpop_proof");

    // Who am I, with a nonce or without.
    let show = |proof: &str| to(&Request::get("/whoami").header("User-Agent", PROGRAM).dpop(&token, proof));
    let proof = sign(&own("GET", "/whoami").with_token(&token).with("nonce", nonce.as_str()));
    let reply = show(&proof);
    assert_eq!((reply.status, &reply.json()["data"]["sub"]), (200, &Value::from("alice")), "{reply:?}");
    is_error(&show(&proof), "once more", 401, "invalid_dpop_proof");
    let reply = show(&sign(&own("GET", "/whoami").with_token(&token)));
    assert_eq!((reply.status, reply.header("DPoP-Nonce").is_some()), (200, true), "{reply:?}");
    is_error(&show(&sign(&own("GET", "/whoami"))), "no ath", 401, "invalid_dpop_proof");
    let bearer = to(&Request::get("/whoami").header("User-Agent", PROGRAM).bearer(&token));
    assert_eq!(bearer.status, 401, "{bearer:?}");

    // Renewing keeps the key, and only its holder renews.
    let renew = |request: Request| to(&request.header("User-Agent", PROGRAM));
    let post = || Request::post("/renew", "");
    let stranger = Prover::new();
    let theirs = stranger.sign(&stranger.draft("POST", &format!("{SITE}/renew")).with_token(&token));
    is_error(&renew(post().dpop(&token, &theirs)), "another key", 401, "invalid_token");
    assert_eq!(renew(post().bearer(&token)).status, 400, "as a bearer token");
    let ours = sign(&own("POST", "/renew").with_token(&token));
    let (fresh, _) = signed_in(&renew(post().dpop(&token, &ours)));
    assert_ne!(fresh, token);
    assert_eq!(Token::parse(&fresh).claims["cnf"], Token::parse(&token).claims["cnf"]);
    is_error(&renew(post().dpop(&token, &ours)), "once more", 400, "invalid_dpop_proof");

    // Signing out.
    let out = |request: Request| to(&request.header("User-Agent", PROGRAM)).status;
    assert_eq!(out(Request::post("/logout", "").bearer(&fresh)), 401);
    let ours = sign(&own("POST", "/logout").with_token(&fresh));
    assert_eq!(out(Request::post("/logout", "").dpop(&fresh, &ours)), 204);
    let over = sign(&own("GET", "/whoami").with_token(&fresh));
    is_error(
        &to(&Request::get("/whoami").header("User-Agent", PROGRAM).dpop(&fresh, &over)),
        "over",
        401,
        "invalid_token",
    );
}

/// Anybody can make good proofs of keys of their own: who knows no password makes samehand write none of them down.
#[test]
fn a_proof_is_noted_once_the_password_was_right_and_then_signs_nobody_in_again() {
    let samehand = Samehand::start(&[]);
    samehand.add_user("alice", &[]);
    let store = rusqlite::Connection::open(samehand.data().join("samehand.sqlite")).expect("the store");
    let noted = || -> i64 {
        let count = "SELECT count(*) FROM remembered";
        store.query_row(count, [], |row| row.get(0)).expect("a number")
    };
    let prover = Prover::new();
    let proof = prover.sign(&prover.draft("POST", "http://app.example.com/login"));
    let sign_in = |password: &str| {
        let body = json!({ "username": "alice", "password": password }).to_string();
        let request = Request::post("/login", body).header("Content-Type", "application/json");
        ask(
            CLIENT,
            &samehand.tcp,
            &request.host("app.example.com").header("User-Agent", PROGRAM).header("DPoP", proof.as_str()),
        )
    };
    let before = noted();
    for _ in 0..3 {
        is_error(&sign_in("seven lighthouses count aloud"), "a wrong password", 401, "invalid_credentials");
    }
    assert_eq!(noted(), before, "proofs of strangers are in the store");
    assert_eq!(sign_in(PASSWORD).status, 200);
    is_error(&sign_in(PASSWORD), "once more", 400, "invalid_dpop_proof");
}

#[test]
fn the_address_of_an_endpoint_is_where_it_was_reached_or_where_it_is_published() {
    let samehand = Samehand::start(&[("PUBLIC_URL", "https://auth.example.com/sso")]);
    samehand.add_user("alice", &[]);
    let prover = Prover::new();
    let from_proxy = |request: Request| {
        let request = request.header("X-Forwarded-For", CLIENT.to_string()).header("X-Forwarded-Proto", "https");
        request.header("X-Forwarded-Host", "app.example.com").header("X-Forwarded-Uri", "/login?x=y")
    };
    for (url, by_proxy, direct) in [
        ("https://auth.example.com/sso/login", 200, 200),
        ("https://app.example.com/login", 200, 400),
        ("http://app.example.com/login", 400, 200),
        ("https://auth.example.com/login", 400, 400),
        ("https://auth.example.com/sso/login/", 400, 400),
        ("http://auth.example.com/sso/login", 400, 400),
    ] {
        let proof = || prover.sign(&prover.draft("POST", url));
        let reply = ask(Ipv4Addr::LOCALHOST, &samehand.tcp, &from_proxy(login(&proof())));
        assert_eq!(reply.status, by_proxy, "{url}: {reply:?}");
        // A client that comes by itself says what it likes, and is not believed.
        let lying = login(&proof()).header("X-Forwarded-Proto", "https").header("X-Forwarded-Host", "app.example.com");
        let reply = ask(CLIENT, &samehand.tcp, &lying.header("X-Forwarded-Uri", "/login"));
        assert_eq!(reply.status, direct, "{url}: {reply:?}");
    }
}

#[test]
fn a_client_that_sends_no_proof_gets_a_bearer_token_where_none_is_asked_for() {
    let samehand = Samehand::start(&[]);
    samehand.add_user("alice", &[]);
    let credentials = json!({ "username": "alice", "password": PASSWORD }).to_string();
    let request = Request::post("/login", credentials).header("Content-Type", "application/json");
    let reply = ask(CLIENT, &samehand.tcp, &request.header("User-Agent", PROGRAM));
    assert_eq!((reply.status, &reply.json()["token_type"]), (200, &Value::from("Bearer")), "{reply:?}");
    assert_eq!(reply.header("DPoP-Nonce"), None);
    let token = reply.json()["token"].as_str().expect("a token").to_owned();
    let prover = Prover::new();
    // A proof that comes with a bearer token is the application's business.
    let proof = prover.sign(&prover.draft("GET", "http://app.example.com/whoami").with_token(&token));
    let show = |request: Request| ask(CLIENT, &samehand.tcp, &request.header("User-Agent", PROGRAM)).status;
    assert_eq!(show(Request::get("/whoami").bearer(&token).header("DPoP", proof.as_str())), 200);
    assert_eq!(show(Request::get("/whoami").dpop(&token, &proof)), 401);
    // One that signs in with a proof is bound to its key, also where none is asked for.
    let proof = prover.sign(&prover.draft("POST", "http://app.example.com/login"));
    let (token, _) = signed_in(&ask(CLIENT, &samehand.tcp, &login(&proof)));
    assert_eq!(Token::parse(&token).claims["cnf"]["jkt"], prover.thumbprint());
}

#[test]
fn a_back_end_passes_the_proof_of_its_client_on() {
    const ADMIN: &str = "administrators-only-6mHq2vXw8Lr4Yd9Kc3";
    let samehand = Samehand::start(&[("ADMIN_TOKEN", ADMIN)]);
    let prover = Prover::new();
    const URL: &str = "https://app.example.com/api/sign-in";
    let mint = |proof: Option<&str>, url: Option<&str>| {
        let mut body = json!({ "sub": "alice", "ip": CLIENT.to_string(), "user_agent": PROGRAM });
        if let Some(url) = url {
            body["proof_url"] = url.into();
        }
        let request = Request::post("/mint", body.to_string()).header("Content-Type", "application/json").bearer(ADMIN);
        let request = match proof {
            Some(proof) => request.header("DPoP", proof),
            None => request,
        };
        ask(Ipv4Addr::LOCALHOST, &samehand.admin, &request)
    };
    let proof = |url: &str| prover.sign(&prover.draft("POST", url));
    for url in [None, Some(URL), Some("HTTPS://app.example.com:443/api/x/../sign-in")] {
        let (token, _) = signed_in(&mint(Some(&proof(URL)), url));
        assert_eq!(Token::parse(&token).claims["cnf"]["jkt"], prover.thumbprint());
    }
    is_error(&mint(Some(&proof("https://evil.example/")), Some(URL)), "another", 400, "invalid_dpop_proof");
    is_error(&mint(Some(&proof("ftp://app.example.com/")), None), "no web address", 400, "invalid_dpop_proof");
    is_error(&mint(None, Some(URL)), "an address and no proof", 400, "invalid_dpop_proof");
    let get = prover.sign(&prover.draft("GET", URL));
    is_error(&mint(Some(&get), None), "another method", 400, "invalid_dpop_proof");
    let used = proof(URL);
    assert_eq!(mint(Some(&used), None).status, 200);
    is_error(&mint(Some(&used), None), "once more", 400, "invalid_dpop_proof");
    let reply = mint(None, Some("not an address"));
    assert_eq!((reply.status, &reply.json()["error"]), (400, &Value::from("invalid_request")), "{reply:?}");
    let reply = mint(None, None);
    assert_eq!((reply.status, &reply.json()["token_type"]), (200, &Value::from("Bearer")), "{reply:?}");
}

#[test]
fn an_administrator_mints_inspects_and_explains() {
    let samehand = Samehand::start(&[]);
    let prover = Prover::new();
    let (token, nonce) = given_out(&samehand, &prover);
    let shown = samehand.succeed(&["token", "inspect", &token], "");
    assert!(shown.contains(&prover.thumbprint()), "{shown}");
    let explain = |header: &str, more: &[&str]| {
        let ip = CLIENT.to_string();
        let own = ["explain", "--proxy", "nginx", "--peer", "127.0.0.1", "--ip", &ip, "--user-agent", PROGRAM];
        let asked = ["--url", "https://app.example.com/page", "--token", &token, "--header", header];
        samehand.succeed(&[&own[..], &asked, more].concat(), "")
    };
    let proof = |change: &dyn Fn(Draft) -> Draft| {
        let draft = prover.draft("GET", "https://app.example.com/page").with_token(&token);
        format!("DPoP: {}", prover.sign(&change(draft.with("nonce", nonce.as_str()))))
    };
    let said = explain(&proof(&|draft| draft), &[]);
    assert!(said.contains("allow, ok, status 200") && said.contains("holds; whether it was used before"), "{said}");
    let said = explain(&proof(&|draft| draft.with("htu", "https://app.example.com/other")), &[]);
    assert!(said.contains("proof-invalid, status 401") && said.contains("another address (htu)"), "{said}");
    let said = explain(&proof(&|draft| draft.without("nonce")), &[]);
    assert!(said.contains("nonce-required") && said.contains("its nonce is missing or too old"), "{said}");
    let said = explain("Accept: */*", &[]);
    assert!(said.contains("proof-missing") && said.contains("bound to a key"), "{said}");
    // One thumbprint in 64 begins as an option does.
    let dashed = format!("-{}", &prover.thumbprint()[1..]);
    let own = ["token", "mint", "--user", "a", "--ip", "192.0.2.1", "--user-agent", "", "--dpop-jkt", &dashed];
    let token = samehand.succeed(&own, "");
    assert_eq!(Token::parse(&token).claims["cnf"]["jkt"], Value::from(dashed));
    let bad =
        samehand.run(&["token", "mint", "--user", "a", "--ip", "192.0.2.1", "--user-agent", "", "--dpop-jkt", "x"], "");
    let said = String::from_utf8_lossy(&bad.stderr);
    assert!(!bad.status.success() && said.contains("--dpop-jkt") && said.contains("SHA-256"), "{said}");
}
