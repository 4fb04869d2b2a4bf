//! Two requests taken for one: cached verdicts, shared state, cookies that cannot be read.

use std::thread;

use crate::{
    BROWSER, PROXY, allowed, login, question, question_about, refused,
    support::{
        CLIENT, THIEF,
        client::{Connection, Request, ask},
        samehand::{PASSWORD, Samehand},
        token::Token,
    },
};

/// Oathkeeper CVE-2026-33496: a verdict is remembered under too little, and given to somebody else.
#[test]
fn a_verdict_is_given_to_nobody_else() {
    let samehand = Samehand::start(&[("WORKERS", "1")]);
    let token = samehand.mint("alice", CLIENT, BROWSER);
    let bobs = samehand.mint("bob", THIEF, BROWSER);
    let mut forged = Token::parse(&token);
    forged.claims["sub"] = "root".into();
    let forged = forged.with_its_old_signature();
    let rows = [
        (question("nginx").bearer(&token), 200, Some("alice")),
        (question_about("nginx", "/page", THIEF).bearer(&token), 403, None),
        (question("nginx").bearer(&bobs), 403, None),
        (question_about("nginx", "/page", THIEF).bearer(&bobs), 200, Some("bob")),
        (question("nginx").bearer(&forged), 401, None),
        (question("nginx"), 401, None),
        (question("nginx").bearer(&token).header("User-Agent", BROWSER), 403, None),
        (question_about("nginx", "/other", CLIENT).bearer(&token), 200, Some("alice")),
    ];
    let mut connection = Connection::open(PROXY, &samehand.tcp);
    for turn in 0..5 {
        for (row, (request, status, user)) in rows.iter().enumerate() {
            let reply = connection.ask(request);
            assert_eq!(
                (reply.status, reply.header("Remote-User")),
                (*status, *user),
                "row {row}, turn {turn}: {reply:?}"
            );
        }
    }
}

/// tinyauth CVE-2026-33544: the state of one sign-in is seen by another that runs at the same time.
#[test]
fn sign_ins_at_the_same_time_are_not_mixed_up() {
    let samehand = Samehand::start(&[]);
    let names = ["anna", "berta", "clara", "dora"];
    for name in names {
        samehand.add_user(name, &["--group", &format!("friends-of-{name}")]);
    }
    thread::scope(|scope| {
        for name in names {
            let samehand = &samehand;
            scope.spawn(move || {
                for turn in 0..3 {
                    let body = serde_json::json!({ "username": name, "password": PASSWORD }).to_string();
                    let request = Request::post("/login", body)
                        .header("Content-Type", "application/json")
                        .header("X-Forwarded-For", CLIENT.to_string())
                        .header("User-Agent", BROWSER);
                    let answer = ask(PROXY, &samehand.tcp, &request).json();
                    let token =
                        answer["token"].as_str().unwrap_or_else(|| panic!("{name}, turn {turn}: {answer}")).to_owned();
                    let reply = ask(PROXY, &samehand.tcp, &question("nginx").bearer(&token));
                    let groups = format!("friends-of-{name}");
                    let told = (reply.header("Remote-User"), reply.header("Remote-Groups"));
                    assert_eq!(told, (Some(name), Some(groups.as_str())), "turn {turn}: {reply:?}");
                }
            });
        }
    });
}

/// authentik CVE-2026-25748: a session cookie that cannot be read ends the check early, with success.
#[test]
fn a_broken_cookie_is_no_way_in() {
    let samehand = Samehand::start(&[]);
    let token = samehand.mint("alice", CLIENT, BROWSER);
    let with_cookie =
        |value: &[u8]| question("nginx").header("Cookie", [b"__Host-samehand=".as_slice(), value].concat());
    allowed(&samehand, "the good cookie", &with_cookie(token.as_bytes()));
    let cut = &token.as_bytes()[..token.len() - 1];
    let long = vec![b'a'; 60 * 1024];
    for value in
        [b"x".as_slice(), b"..", b"\xff\xfe", b"null", b"\"\"", b"%00", b"{}", cut, &long, b"eyJhbGciOiJub25lIn0.e30."]
    {
        let row = String::from_utf8_lossy(&value[..value.len().min(40)]).into_owned();
        refused(&samehand, &row, &with_cookie(value), 401);
    }
    for name in [
        "samehand",
        "__Secure-samehand",
        "__host-samehand",
        "__Host-samehand2",
        "%5F_Host-samehand",
        "__Host-samehand ",
    ] {
        let request = question("nginx").header("Cookie", format!("{name}={token}"));
        refused(&samehand, name, &request, 401);
    }
}

/// Rauthy 0.32.4 and oauth2-proxy GHSA-652x-m2gr-hppm: who may no longer sign in still does.
#[test]
fn who_is_disabled_or_removed_does_not_sign_in_again() {
    let samehand = Samehand::start(&[]);
    samehand.add_user("alice", &[]);
    let status = || ask(PROXY, &samehand.tcp, &login(PASSWORD)).status;
    assert_eq!(status(), 200);
    for (command, expected) in [("disable", 401), ("enable", 200), ("remove", 401)] {
        samehand.succeed(&["user", command, "alice"], "");
        assert_eq!(status(), expected, "after user {command}");
    }
}
