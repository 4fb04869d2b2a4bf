//! What must not get out: secrets in logs and metrics, claims that nobody verified.

use crate::{
    BROWSER, PROXY, login, question, question_about, refused,
    support::{
        CLIENT, THIEF,
        client::{Request, ask},
        samehand::{PASSWORD, SECRET, Samehand},
        token::Token,
    },
};

const SALT: &str = "a salt of these tests, 4Qz81LkPw7";
const ADMIN_TOKEN: &str = "administration-of-these-tests-9xT5rVb2Nc60";

/// Pomerium CVE-2022-24797 and GO-2024-2965: an endpoint or a log that is too open.
#[test]
fn neither_log_nor_metrics_tell_a_secret() {
    let samehand = Samehand::start(&[("LOG", "trace"), ("SALT", SALT), ("ADMIN_TOKEN", ADMIN_TOKEN)]);
    samehand.add_user("alice", &[]);
    let answer = ask(PROXY, &samehand.tcp, &login(PASSWORD)).json();
    let token = answer["token"].as_str().expect("a token").to_owned();
    let guess = "not the password, but a secret too";
    assert_eq!(ask(PROXY, &samehand.tcp, &login(guess)).status, 401);
    for request in [
        question("nginx").bearer(&token),
        question_about("nginx", "/page?code=in-the-query-string", THIEF).bearer(&token),
        question("nginx").header("Cookie", format!("__Host-samehand={token}; other=of-the-application")),
        question("caddy").header("Authorization", "Basic b2YtdGhlLWFwcGxpY2F0aW9u"),
        question("caddy").bearer(&format!("{token}x")),
    ] {
        ask(PROXY, &samehand.tcp, &request);
    }
    let mint = serde_json::json!({ "sub": "bob", "ip": CLIENT.to_string(), "user_agent": BROWSER }).to_string();
    let mint = Request::post("/mint", mint).header("Content-Type", "application/json");
    let minted = ask(PROXY, &samehand.admin, &mint.clone().bearer(ADMIN_TOKEN)).json();
    assert_eq!(ask(PROXY, &samehand.admin, &mint.bearer("not-the-administration-token-for-once")).status, 401);
    // Its line is written when it is answered, so everything before it is in the log.
    let last = ask(PROXY, &samehand.tcp, &question("nginx").header("X-Request-Id", "the-last-one"));
    samehand.decision(last.header("X-Request-Id").expect("a request id"));

    let metrics = ask(PROXY, &samehand.admin, &Request::get("/metrics"));
    assert_eq!(metrics.status, 200);
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    assert!(metrics.contains("samehand_decisions_total"), "{metrics}");
    let log = samehand.process.log();
    assert!(log.contains("client-changed"), "{log}");

    let fingerprint = Token::parse(&token).claims["fingerprint"].as_str().expect("a fingerprint").to_owned();
    let minted = minted["token"].as_str().expect("a token").to_owned();
    let secrets = [
        SECRET,
        SALT,
        ADMIN_TOKEN,
        PASSWORD,
        guess,
        &token,
        &minted,
        &fingerprint,
        "in-the-query-string",
        "of-the-application",
        "b2YtdGhlLWFwcGxpY2F0aW9u",
        "$argon2id$",
    ];
    for secret in secrets {
        assert!(!log.contains(secret), "the log tells {secret:?}:\n{log}");
        assert!(!metrics.contains(secret), "the metrics tell {secret:?}");
    }
    for personal in ["alice", "127.0.0.7", "127.0.0.8", "app.example.com", "/page"] {
        assert!(!metrics.contains(personal), "the metrics name {personal:?}");
    }
    // The signature alone, and the parts of a token, are as secret as the whole.
    for part in token.split('.').skip(1) {
        assert!(!log.contains(part), "the log tells a part of a token:\n{log}");
    }
}

/// Envoy PR #43630, Pomerium GO-2022-0827: claims are passed on before, or without, a look at the signature.
#[test]
fn claims_that_nobody_verified_get_nowhere() {
    let samehand = Samehand::start(&[]);
    let good = samehand.mint("alice", CLIENT, BROWSER);
    let mut forged = Token::parse(&good);
    forged.claims["sub"] = "mallory".into();
    forged.claims["groups"] = serde_json::json!(["mallory-admins"]);
    let tokens =
        [forged.with_its_old_signature(), forged.unsigned(), forged.signed("another secret, as long as ours is")];
    for token in tokens {
        for kind in crate::KINDS {
            let reply = refused(&samehand, "a forged token", &question(kind).bearer(&token), 401);
            let whole = format!("{:?} {}", reply.headers, String::from_utf8_lossy(&reply.body));
            assert!(!whole.contains("mallory"), "{whole}");
        }
        let whoami = Request::get("/whoami").header("X-Forwarded-For", CLIENT.to_string()).bearer(&token);
        let reply = refused(&samehand, "whoami", &whoami.header("User-Agent", BROWSER), 401);
        assert!(!String::from_utf8_lossy(&reply.body).contains("mallory"), "{reply:?}");
    }
    assert!(!samehand.process.log().contains("mallory"), "the log names somebody whom only a forged token names");
}
