//! The audit trail: whatever changes something stands in it, and is said by the running service; so is what was tried at the
//! administration side. Nothing secret stands there, and nobody can fill it.

use crate::support::{
    CLIENT, THIEF,
    client::{Request, ask},
    postgres::Postgres,
    samehand::{PASSWORD, Samehand, said},
    store_server::StoreServer,
};
use crate::{FIREFOX, PROXY, eventually, sign_in_as};
use serde_json::{Value, json};

const ADMIN_TOKEN: &str = "a-back-end-knows-this-one-h7Gk2LmQ9x";
const STORE_KEY: &str = "a store key of the tests, 5Rw9Zx2LmQ7tVb4K";
const OTHER_PASSWORD: &str = "gherkin velvet thunderstorm";

#[test]
fn every_change_and_every_try_is_in_the_audit_trail() {
    all_is_noted("sqlite");
}

#[test]
fn every_change_and_every_try_is_in_the_audit_trail_of_a_postgres_store() {
    let database = Postgres::shared().database();
    all_is_noted(&database.url(""));
}

#[test]
fn every_change_and_every_try_is_in_the_audit_trail_of_a_valkey_store() {
    let server = StoreServer::valkey();
    all_is_noted(&server.url());
}

/// What `samehand audit` says.
#[track_caller]
fn audit(samehand: &Samehand, options: &[&str]) -> Vec<Value> {
    let told = samehand.succeed(&[&["audit", "--json"], options].concat(), "");
    serde_json::from_str::<Value>(&told).expect("JSON").as_array().expect("a list").clone()
}

#[track_caller]
fn all_is_noted(store: &str) {
    let samehand =
        Samehand::start(&[("ADMIN_TOKEN", ADMIN_TOKEN), ("STORE", store), ("SECRET", ""), ("STORE_KEY", STORE_KEY)]);
    samehand.add_user("alice", &[]);
    samehand.succeed(&["user", "set", "alice", "--group", "staff"], "");
    samehand.succeed(&["user", "passwd", "alice", "--password-stdin"], OTHER_PASSWORD);
    samehand.succeed(&["user", "disable", "alice"], "");
    samehand.succeed(&["user", "enable", "alice"], "");
    samehand.succeed(&["user", "unlock", "alice"], "");
    let users = samehand.write("users", "bob:$2y$05$abcdefghijklmnopqrstuuXYxWC.PI2GcFhDApbEEHDz/d8fr1muG\n");
    samehand.succeed(&["user", "import", &users], "");
    samehand.succeed(&["user", "remove", "bob"], "");
    assert!(!samehand.run(&["user", "remove", "nobody"], "").status.success());
    let minted = samehand.mint("carol", CLIENT, FIREFOX);
    samehand.succeed(&["token", "revoke", "--user", "carol"], "");
    assert!(!samehand.run(&["keys", "retire", "no-such-key"], "").status.success());

    let post =
        |path: &str, body: &Value| Request::post(path, body.to_string()).header("Content-Type", "application/json");
    let mint = post("/mint", &json!({ "sub": "dave", "ip": "127.0.0.7", "user_agent": null }));
    assert_eq!(ask(PROXY, &samehand.admin, &mint.clone().bearer(ADMIN_TOKEN)).status, 200);
    let revoke = post("/revoke", &json!({ "user": "dave" }));
    assert_eq!(ask(PROXY, &samehand.admin, &revoke.clone().bearer(ADMIN_TOKEN)).status, 204);
    let wrong = ask(PROXY, &samehand.admin, &revoke.bearer(&minted).header("X-Request-Id", "the-wrong-one"));
    assert_eq!((wrong.status, wrong.header("X-Request-Id")), (401, Some("the-wrong-one")));
    for _ in 0..30 {
        assert_eq!(ask(PROXY, &samehand.admin, &mint.clone().bearer("x")).status, 401);
    }

    let mut signed_in = ask(CLIENT, &samehand.tcp, &sign_in_as("alice", OTHER_PASSWORD));
    eventually("the new password is known", || {
        signed_in = ask(CLIENT, &samehand.tcp, &sign_in_as("alice", OTHER_PASSWORD));
        signed_in.status == 200
    });
    let token = signed_in.json()["token"].as_str().expect("a token").to_owned();
    assert_eq!(ask(CLIENT, &samehand.tcp, &sign_in_as("alice", PASSWORD)).status, 401);
    let with_token = |path: &str| Request::post(path, "").bearer(&token).header("User-Agent", FIREFOX);
    assert_eq!(ask(THIEF, &samehand.tcp, &with_token("/renew")).status, 403);
    assert_eq!(ask(CLIENT, &samehand.tcp, &with_token("/logout")).status, 204);

    let trail = audit(&samehand, &[]);
    let text = |entry: &Value, name: &str| entry[name].as_str().expect("a text").to_owned();
    for (action, actor, subject, remote_ip, result) in [
        ("user-add", "cli:", "alice", "", "ok"),
        ("user-set", "cli:", "alice", "", "ok"),
        ("user-passwd", "cli:", "alice", "", "ok"),
        ("user-disable", "cli:", "alice", "", "ok"),
        ("user-enable", "cli:", "alice", "", "ok"),
        ("user-unlock", "cli:", "alice", "", "ok"),
        ("user-import", "cli:", &users, "", "ok"),
        ("user-remove", "cli:", "bob", "", "ok"),
        ("user-remove", "cli:", "nobody", "", "failed"),
        ("token-mint", "cli:", "carol", "", "ok"),
        ("revoke", "cli:", "user carol", "", "ok"),
        ("keys-retire", "cli:", "no-such-key", "", "failed"),
        ("token-mint", "admin", "dave", "127.0.0.1", "ok"),
        ("revoke", "admin", "user dave", "127.0.0.1", "ok"),
        ("admin-token-wrong", "", "/revoke", "127.0.0.1", "refused"),
        ("admin-token-wrong", "", "/mint", "127.0.0.1", "refused"),
        ("sign-in", "user:alice", "alice", "127.0.0.7", "ok"),
        ("theft-suspected", "", "alice", "127.0.0.8", "refused"),
        ("sign-out", "user:alice", "alice", "127.0.0.7", "ok"),
    ] {
        let is_it = |of: &dyn Fn(&str) -> String| {
            of("action") == action
                && of("actor").starts_with(actor)
                && (of("subject") == subject && of("remote_ip") == remote_ip && of("result") == result)
        };
        let found = trail.iter().find(|entry| is_it(&|name| text(entry, name)));
        assert!(found.is_some(), "{action} of {subject} is not in {trail:#?}");
        samehand.process.wait_for(action, |line| {
            let said = |name: &str| said(line, name).unwrap_or_default();
            (said("msg") == "audit" && is_it(&said)).then_some(())
        });
    }
    // What happens once is said once.
    let log = samehand.process.log();
    let lines = log.lines().filter(|line| said(line, "msg").as_deref() == Some("audit"));
    assert_eq!(lines.filter(|line| line.contains("action=user-enable")).count(), 1, "{log}");
    let sign_in = trail.iter().find(|entry| entry["action"] == "sign-in").expect("it was found");
    assert!(text(sign_in, "sid").len() > 10 && text(sign_in, "request_id").len() > 10, "{sign_in}");
    assert!(
        log.contains(&format!("msg=login username=alice remote_ip=127.0.0.7 sid={}", text(sign_in, "sid"))),
        "{log}"
    );
    // Who may do nothing fills nothing.
    let tries = trail.iter().filter(|entry| entry["action"] == "admin-token-wrong").count();
    assert_eq!(tries, 10, "of 31");
    assert!(!trail.iter().any(|entry| entry["action"] == "login failed" || entry["subject"] == "nobody else"));
    let whole = format!("{trail:?}");
    for secret in [ADMIN_TOKEN, STORE_KEY, PASSWORD, OTHER_PASSWORD, &minted, &token, "$2y$"] {
        assert!(!whole.contains(secret), "the trail tells {secret}");
    }
    // By user, and by time.
    assert!(
        audit(&samehand, &["--user", "dave"]).len() == 2 && audit(&samehand, &["--since", "1d"]).len() == trail.len()
    );
}
