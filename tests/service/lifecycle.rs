//! Health, metrics, and the end of the process.

use std::time::{Duration, Instant};

use crate::support::{
    CLIENT, THIEF,
    client::{Address, Connection, Request, ask},
    process::accepts,
    samehand::{PASSWORD, Samehand, said},
    waiting::is_in_time,
};
use crate::{CHROME, FIREFOX, PROXY, ask_as_proxy, eventually, question, question_of_client, sign_in_as};

#[test]
fn a_stop_is_told_first_then_requests_in_flight_are_answered_and_the_exit_is_clean() {
    let mut samehand = Samehand::start(&[]);
    samehand.add_user("alice", &[]);
    let mut watching = [&samehand.tcp, &samehand.unix, &samehand.admin].map(|address| Connection::open(PROXY, address));
    for connection in &mut watching {
        for target in ["/healthz", "/readyz"] {
            assert_eq!(connection.ask(&Request::get(target)).status, 200, "{target}");
        }
    }
    // A sign-in whose body has not come yet.
    let mut in_flight = Connection::open(CLIENT, &samehand.tcp);
    let bytes = sign_in_as("alice", PASSWORD).bytes();
    let (sent, held_back) = bytes.split_at(bytes.len() - 5);
    in_flight.send(sent);
    assert_eq!(ask(PROXY, &samehand.tcp, &Request::get("/healthz")).status, 200);

    let told = Instant::now();
    samehand.process.signal("TERM");
    samehand.process.wait_for("that it stops", |line| (said(line, "msg")? == "stopping").then_some(()));
    for (number, connection) in watching.iter_mut().enumerate() {
        // The word is in the log a moment before the answer changes.
        let mut reply = connection.ask(&Request::get("/readyz"));
        while reply.status == 200 {
            reply = connection.ask(&Request::get("/readyz"));
        }
        assert_eq!(reply.status, 503, "listener {number}: {reply:?}");
        assert!(reply.header("Retry-After").is_some(), "listener {number}: {reply:?}");
    }
    // Only then do the listeners close, and the sign-in is still there.
    let Address::Tcp(address) = samehand.tcp else { panic!("a TCP address") };
    eventually("the listener is closed", || !accepts(address));
    in_flight.send(held_back);
    let reply = in_flight.reply(false).expect("the answer to a request in flight");
    assert_eq!(reply.status, 200, "{reply:?}");
    assert!(reply.json()["token"].is_string(), "{reply:?}");

    let status = samehand.process.wait_for_end();
    assert!(status.success(), "{status}: {}", samehand.process.log());
    assert!(is_in_time(told.elapsed(), Duration::from_secs(10)), "{:?}", told.elapsed());
}

#[test]
fn a_caller_who_never_finishes_does_not_hold_the_exit_up() {
    let mut samehand = Samehand::start(&[]);
    let mut stuck = Connection::open(CLIENT, &samehand.tcp);
    stuck.send(&sign_in_as("alice", PASSWORD).bytes()[..150]);
    assert_eq!(ask(PROXY, &samehand.tcp, &Request::get("/healthz")).status, 200);
    let told = Instant::now();
    samehand.process.signal("INT");
    let status = samehand.process.wait_for_end();
    assert!(status.success(), "{status}: {}", samehand.process.log());
    assert!(is_in_time(told.elapsed(), Duration::from_secs(10)), "{:?}", told.elapsed());
}

/// The number behind a line of the metrics page.
fn count(page: &str, line: &str) -> Option<f64> {
    page.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(' ')?.parse().ok())
}

#[test]
fn metrics_count_each_decision_once_and_name_nobody() {
    let samehand = Samehand::start(&[]);
    samehand.add_user("alice", &[]);
    let token = samehand.mint("alice", CLIENT, FIREFOX);
    for _ in 0..3 {
        ask_as_proxy(&samehand, &question_of_client(&token));
    }
    for _ in 0..2 {
        ask_as_proxy(&samehand, &question(THIEF, CHROME).bearer(&token));
    }
    ask_as_proxy(&samehand, &question(CLIENT, FIREFOX));
    ask(THIEF, &samehand.tcp, &question_of_client(&token));
    for (name, password) in [("alice", PASSWORD), ("alice", "wrong"), ("nobody", PASSWORD)] {
        ask(CLIENT, &samehand.tcp, &sign_in_as(name, password));
    }
    let reply = ask(PROXY, &samehand.admin, &Request::get("/metrics"));
    assert_eq!(reply.status, 200, "{reply:?}");
    let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(reply.header("Content-Type"), Some(content_type), "{reply:?}");
    let page = String::from_utf8(reply.body).expect("text");
    assert!(page.ends_with("# EOF\n"), "{page}");
    let decisions = |decision: &str, reason: &str| {
        let labels = format!(r#"decision="{decision}",reason="{reason}",proxy="nginx",enforced="yes""#);
        count(&page, &format!("samehand_decisions_total{{{labels}}}"))
    };
    let found = [
        decisions("allow", "ok"),
        decisions("forbid", "client-changed"),
        decisions("challenge", "token-missing"),
        decisions("reject", "proxy-untrusted"),
        count(&page, "samehand_decision_duration_seconds_count"),
        count(&page, r#"samehand_client_changes_total{part="ip"}"#),
        count(&page, r#"samehand_client_changes_total{part="user-agent"}"#),
        count(&page, r#"samehand_logins_total{result="ok"}"#),
        count(&page, r#"samehand_logins_total{result="wrong-password"}"#),
        count(&page, r#"samehand_logins_total{result="unknown-user"}"#),
    ];
    let wanted = [3, 2, 1, 1, 7, 2, 2, 1, 1, 1];
    assert_eq!(found, wanted.map(|number: i32| Some(f64::from(number))), "{page}");
    let version = env!("CARGO_PKG_VERSION");
    assert!(page.contains(&format!("samehand_build_info{{version=\"{version}\"}} 1")), "{page}");
    assert!(!page.contains("alice") && !page.contains("127.0.0"), "{page}");
}
