//! After a run with everything in it, at the most talkative level, no secret stands in the log or on the metrics page.

use crate::support::{
    CLIENT, THIEF,
    client::{Reply, Request, ask},
    postgres::{self, Postgres},
    prover::Prover,
    samehand::{PASSWORD, SECRET, Samehand},
    store_server::StoreServer,
    token::Token,
    valkey,
};
use crate::{CHROME, FIREFOX, PROXY, ask_as_proxy, question, question_of_client, sign_in, sign_in_as};

const ADMIN_TOKEN: &str = "a-back-end-knows-this-one-h7Gk2LmQ9x";
const SALT: &str = "a salt of the tests, Jd83kLq0";
const STORE_KEY: &str = "a store key of the tests, 5Rw9Zx2LmQ7tVb4K";
const KEYS_IN_THE_STORE: [(&str, &str); 2] = [("SECRET", ""), ("STORE_KEY", STORE_KEY)];
const WRONG_PASSWORD: &str = "eleven herons wade slowly";
const SECRET_OF_THE_APPLICATION: &str = "session-of-the-application-Zx81";

/// What must not be said, each with its name.
type Secrets = Vec<(&'static str, String)>;

#[test]
fn no_secret_is_told_to_anybody() {
    tells_nothing("sqlite", &[("SALT", SALT)], &[]);
}

/// Here the sealed key ring is in the store, and the service knows the password of the database.
#[test]
fn no_secret_is_told_to_anybody_where_the_store_is_postgres() {
    let database = Postgres::shared().database();
    let log = tells_nothing(&database.url(""), &KEYS_IN_THE_STORE, &[postgres::PASSWORD]);
    let sealed = Postgres::shared().sql(database.name(), "SELECT encode(sealed, 'hex') FROM samehand.key_ring");
    // The driver would write the bytes as a list of numbers.
    let numbers = (0..8).map(|at| u8::from_str_radix(&sealed[2 * at..2 * at + 2], 16).expect("hex").to_string());
    let as_a_list = numbers.collect::<Vec<_>>().join(", ");
    for told in [sealed.trim(), as_a_list.as_str(), "tokio_postgres", "executing statement", "INSERT INTO"] {
        assert!(!log.contains(told), "the log has {told}");
    }
}

#[test]
fn no_secret_is_told_to_anybody_where_the_store_is_valkey() {
    let server = StoreServer::valkey();
    tells_nothing(&server.url(), &KEYS_IN_THE_STORE, &[valkey::PASSWORD, valkey::PASSWORD_IN_URL]);
}

/// Runs a service with this store through everything, looks for each secret, and returns the log.
#[track_caller]
fn tells_nothing(store: &str, settings: &[(&str, &str)], of_the_store: &[&str]) -> String {
    let common = [("LOG", "trace"), ("ADMIN_TOKEN", ADMIN_TOKEN), ("STORE", store), ("DPOP_NONCE", "off")];
    let samehand = Samehand::start(&[&common[..], settings].concat());
    samehand.add_user("alice", &[]);
    let mut secrets: Secrets = vec![
        ("password", PASSWORD.into()),
        ("word of the password", "lighthouses".into()),
        ("wrong password", WRONG_PASSWORD.into()),
        ("signing secret", SECRET.into()),
        ("salt", SALT.into()),
        ("store key", STORE_KEY.into()),
        ("administration token", ADMIN_TOKEN.into()),
        ("cookie of the application", SECRET_OF_THE_APPLICATION.into()),
        ("query string", "q=1".into()),
        ("password hash", samehand.succeed(&["hash"], PASSWORD).split('$').nth(1).expect("a PHC string").into()),
    ];
    secrets.extend(of_the_store.iter().map(|secret| ("password of the store", (*secret).to_owned())));
    secrets.extend(decide(&samehand));
    let (mut log, metrics) = said(&samehand);

    let samehand = samehand.restart(&[("REQUIRE_SAME", "ip,user-agent,cookie"), ("TOKEN_FROM", "authorization")]);
    secrets.extend(use_a_proof_cookie(&samehand));
    log.push_str(&said(&samehand).0);
    let samehand = samehand.restart(&[("REQUIRE_SAME", "dpop"), ("TOKEN_FROM", "authorization")]);
    secrets.extend(use_a_key(&samehand));
    log.push_str(&said(&samehand).0);

    assert!(log.contains("level=debug"), "the level is not the most talkative");
    for (what, text) in [("log", log.as_str()), ("metrics page", metrics.as_str())] {
        for (name, secret) in &secrets {
            let line = text.lines().find(|line| line.contains(secret.as_str()));
            assert!(line.is_none(), "the {name} is in the {what}: {line:?}");
        }
    }
    log
}

/// Log and metrics, when everything that was asked before stands there.
#[track_caller]
fn said(samehand: &Samehand) -> (String, String) {
    ask_as_proxy(samehand, &question(CLIENT, FIREFOX).header("X-Request-Id", "the-last-one"));
    samehand.decision("the-last-one");
    let metrics = ask(PROXY, &samehand.admin, &Request::get("/metrics")).body;
    (samehand.process.log(), String::from_utf8(metrics).expect("text"))
}

/// The parts of a token that are as secret as the whole.
fn parts_of(token: &str) -> Secrets {
    let claims = Token::parse(token).claims;
    let claim = |name: &str| claims[name].as_str().map(str::to_owned);
    let mut parts: Vec<_> = token.split('.').skip(1).map(|part| ("part of a token", part.to_owned())).collect();
    parts.extend(claim("fingerprint").map(|fingerprint| ("fingerprint", fingerprint)));
    parts.extend(claim("jti").map(|jti| ("jti", jti)));
    parts
}

/// Questions, sign-ins, minted tokens, revocations, commands and reloads.
#[track_caller]
fn decide(samehand: &Samehand) -> Secrets {
    let token = samehand.mint("alice", CLIENT, FIREFOX);
    let forged = Token::parse(&token).signed("another secret, which nobody configured");
    let cookies = |token: &str| format!("app={SECRET_OF_THE_APPLICATION}; __Host-samehand={token}");
    for _ in 0..2 {
        for asked in [
            question_of_client(&token),
            question(THIEF, CHROME).bearer(&token),
            question_of_client(&forged),
            question(CLIENT, FIREFOX).header("Cookie", cookies(&token)),
            question_of_client(&token).header("Cookie", cookies(&forged)),
            question(CLIENT, FIREFOX).header("Authorization", format!("Basic {SECRET_OF_THE_APPLICATION}")),
            question_of_client(&token).header("Authorization", format!("Bearer {forged}")),
            question("nobody", FIREFOX).bearer(&token).header("Cookie", cookies(&token)),
        ] {
            ask_as_proxy(samehand, &asked);
            ask(THIEF, &samehand.tcp, &asked);
        }
        for asked in [
            sign_in_as("alice", WRONG_PASSWORD),
            sign_in_as("nobody", WRONG_PASSWORD),
            sign_in(format!(r#"{{"username":"alice","password":"{WRONG_PASSWORD}","password":"x"}}"#)),
            sign_in(format!("username=alice&password={WRONG_PASSWORD}")),
            Request::get("/whoami").bearer(&token).header("User-Agent", FIREFOX),
            Request::get(&format!("/whoami?token={token}")),
            Request::get(&format!("/auth/nginx?token={token}")),
        ] {
            ask(CLIENT, &samehand.tcp, &asked);
        }
        samehand.process.signal("HUP");
    }
    let mut secrets = parts_of(&token);
    secrets.extend(parts_of(&forged));
    // Sessions are opened, renewed and ended, and what the store is told of them is secret too.
    for _ in 0..2 {
        let token = token_of(&ask(CLIENT, &samehand.tcp, &sign_in_as("alice", PASSWORD)));
        let with_token = |request: Request| request.bearer(&token).header("User-Agent", FIREFOX);
        let renewed = token_of(&ask(CLIENT, &samehand.tcp, &with_token(Request::post("/renew", ""))));
        assert_eq!(ask(CLIENT, &samehand.tcp, &with_token(Request::post("/logout", ""))).status, 204);
        secrets.extend([token, renewed].iter().flat_map(|token| parts_of(token)));
    }
    let post = |path: &str, body: &str| Request::post(path, body).header("Content-Type", "application/json");
    let mint = post("/mint", r#"{"sub":"alice","ip":"127.0.0.7","user_agent":null}"#);
    secrets.extend(parts_of(&token_of(&ask(PROXY, &samehand.admin, &mint.clone().bearer(ADMIN_TOKEN)))));
    assert_eq!(ask(PROXY, &samehand.admin, &mint.bearer(&token)).status, 401);
    let revoke = post("/revoke", &serde_json::json!({ "token": token }).to_string()).bearer(ADMIN_TOKEN);
    assert_eq!(ask(PROXY, &samehand.admin, &revoke).status, 204);
    samehand.succeed(&["user", "passwd", "alice", "--password-stdin"], PASSWORD);
    secrets
}

#[track_caller]
fn token_of(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()["token"].as_str().expect("a token").to_owned()
}

/// A token that is nothing without its cookie.
#[track_caller]
fn use_a_proof_cookie(samehand: &Samehand) -> Secrets {
    let reply = ask(CLIENT, &samehand.tcp, &sign_in_as("alice", PASSWORD));
    let (token, cookie) = (token_of(&reply), reply.header("Set-Cookie").expect("a proof cookie"));
    let (name, rest) = cookie.split_once('=').expect("name and value");
    let secret = rest.split(';').next().expect("a value").to_owned();
    let with_it = question_of_client(&token).header("Cookie", format!("{name}={secret}"));
    assert_eq!(ask_as_proxy(samehand, &with_it).status, 200);
    assert_eq!(ask_as_proxy(samehand, &question_of_client(&token).header("Cookie", format!("{name}=x"))).status, 403);
    [parts_of(&token), vec![("secret of the proof cookie", secret)]].concat()
}

/// A token that is nothing without a key.
#[track_caller]
fn use_a_key(samehand: &Samehand) -> Secrets {
    let prover = Prover::new();
    let proof = prover.sign(&prover.draft("POST", "http://app.example.com/login"));
    let token = token_of(&ask(CLIENT, &samehand.tcp, &sign_in_as("alice", PASSWORD).header("DPoP", proof.as_str())));
    let draft = prover.draft("GET", "https://app.example.com/page").with_token(&token);
    let (good, bad) = (prover.sign(&draft), prover.sign(&draft.clone().with("htm", "POST")));
    for (used, status) in [(&good, 200), (&good, 401), (&bad, 401)] {
        let asked = question(CLIENT, FIREFOX).header("Authorization", format!("DPoP {token}"));
        assert_eq!(ask_as_proxy(samehand, &asked.header("DPoP", used.as_str())).status, status);
    }
    let jti = draft.claims["jti"].as_str().expect("a jti").to_owned();
    let proofs = [proof, good, bad];
    let parts =
        proofs.iter().flat_map(|proof| proof.split('.').skip(1)).map(|part| ("part of a proof", part.to_owned()));
    parts.chain(parts_of(&token)).chain([("jti of a proof", jti)]).collect()
}
