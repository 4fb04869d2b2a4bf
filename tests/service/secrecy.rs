//! After a run with everything in it, at the most talkative level, no secret stands in the log or on the metrics page.

use crate::support::{
    CLIENT, THIEF,
    client::{Request, ask},
    samehand::{PASSWORD, SECRET, Samehand},
    token::Token,
};
use crate::{CHROME, FIREFOX, PROXY, ask_as_proxy, question, question_of_client, sign_in, sign_in_as};

const ADMIN_TOKEN: &str = "a-back-end-knows-this-one-h7Gk2LmQ9x";
const SALT: &str = "a salt of the tests, Jd83kLq0";
const SECRET_OF_THE_APPLICATION: &str = "session-of-the-application-Zx81";

#[test]
fn no_secret_is_told_to_anybody() {
    let settings = [("LOG", "trace"), ("ADMIN_TOKEN", ADMIN_TOKEN), ("SALT", SALT), ("WATCH", "none")];
    let samehand = Samehand::start(&settings);
    samehand.add_user("alice", &[]);
    let token = samehand.mint("alice", CLIENT, FIREFOX);
    let forged = Token::parse(&token).signed("another secret, which nobody configured");
    let cookies = |token: &str| format!("app={SECRET_OF_THE_APPLICATION}; __Host-samehand={token}");
    let wrong_password = "eleven herons wade slowly";
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
            ask_as_proxy(&samehand, &asked);
            ask(THIEF, &samehand.tcp, &asked);
        }
        for asked in [
            sign_in_as("alice", PASSWORD),
            sign_in_as("alice", wrong_password),
            sign_in_as("nobody", wrong_password),
            sign_in(format!(r#"{{"username":"alice","password":"{wrong_password}","password":"x"}}"#)),
            sign_in(format!("username=alice&password={wrong_password}")),
            Request::get("/whoami").bearer(&token).header("User-Agent", FIREFOX),
            Request::get(&format!("/whoami?token={token}")),
            Request::get(&format!("/auth/nginx?token={token}")),
        ] {
            ask(CLIENT, &samehand.tcp, &asked);
        }
        let body = r#"{"sub":"alice","ip":"127.0.0.7","user_agent":null}"#;
        let mint = Request::post("/mint", body).header("Content-Type", "application/json");
        assert_eq!(ask(PROXY, &samehand.admin, &mint.clone().bearer(ADMIN_TOKEN)).status, 200);
        assert_eq!(ask(PROXY, &samehand.admin, &mint.bearer(&token)).status, 401);
        samehand.process.signal("HUP");
    }
    // The query string of the question is `q=1`; the last request is in the log when its line is.
    ask_as_proxy(&samehand, &question_of_client(&token).header("X-Request-Id", "the-last-one"));
    samehand.decision("the-last-one");
    let signature = |token: &str| token.rsplit('.').next().unwrap_or_default().to_owned();
    let payload = |token: &str| token.split('.').nth(1).unwrap_or_default().to_owned();
    let fingerprint = Token::parse(&token).claims["fingerprint"].as_str().expect("a fingerprint").to_owned();
    let jti = Token::parse(&token).claims["jti"].as_str().expect("a jti").to_owned();
    let hash = samehand.succeed(&["hash"], PASSWORD);
    let scheme = hash.split('$').nth(1).expect("a PHC string").to_owned();
    let page = String::from_utf8(ask(PROXY, &samehand.admin, &Request::get("/metrics")).body).expect("text");
    let log = samehand.process.log();
    assert!(log.contains("level=trace"), "the level is not the most talkative");
    for (what, text) in [("log", log.as_str()), ("metrics page", page.as_str())] {
        for (name, secret) in [
            ("token", token.as_str()),
            ("signature", &signature(&token)),
            ("payload", &payload(&token)),
            ("forged signature", &signature(&forged)),
            ("fingerprint", &fingerprint),
            ("jti", &jti),
            ("password", PASSWORD),
            ("a word of the password", "lighthouses"),
            ("wrong password", wrong_password),
            ("signing secret", SECRET),
            ("salt", SALT),
            ("administration token", ADMIN_TOKEN),
            ("another cookie", SECRET_OF_THE_APPLICATION),
            ("query string", "?q=1"),
            ("query string", "q=1"),
            ("password hash", &scheme),
        ] {
            let line = text.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "the {name} is in the {what}: {line:?}");
        }
    }
}
