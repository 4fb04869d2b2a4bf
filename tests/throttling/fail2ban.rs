//! The filter of `docs/logs-and-metrics.md`, put into the real fail2ban-regex with the log of the running service.

use std::{fs, net::Ipv4Addr, path::Path, process::Command};

use crate::{
    OF_STRANGERS, WRONG, checked, counted, right, sign_in, somewhere,
    support::{
        CLIENT, THIEF,
        client::ask,
        samehand::{PASSWORD, Samehand, said},
    },
    wrong,
};

/// The block of the page that says it is this file.
#[track_caller]
fn documented(file: &str) -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/logs-and-metrics.md");
    let page = fs::read_to_string(page).expect("the page");
    let block = page.split("```ini\n").find_map(|block| block.strip_prefix(&format!("# {file}\n")));
    block.and_then(|block| block.split("```").next()).unwrap_or_else(|| panic!("no {file}")).to_owned()
}

/// The addresses that fail2ban reads out of the log, one for each line that it would count.
#[track_caller]
fn found(samehand: &Samehand, log: &str) -> Vec<String> {
    let filter = samehand.write("samehand.conf", &documented("/etc/fail2ban/filter.d/samehand.conf"));
    let log = samehand.write("log", log);
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/.tools/bin/fail2ban-regex");
    let output = Command::new(program).args(["--out", "ip", &log, &filter]).output();
    let output = output.expect("fail2ban-regex: run `make test` or scripts/install-test-tools.sh");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

#[test]
fn fail2ban_counts_each_failure_to_who_made_it() {
    let samehand = Samehand::start(&[]);
    samehand.add_user("alice", &[]);
    samehand.add_user("dora", &[]);
    samehand.succeed(&["user", "disable", "dora"], "");
    let mut wanted = Vec::new();
    let mut failed = |address: Ipv4Addr, status: u16, of: u16| {
        assert_eq!(status, of);
        wanted.push(address.to_string());
    };
    assert_eq!(right(&samehand, "alice", CLIENT), 200);
    for address in (1..=OF_STRANGERS).map(somewhere) {
        failed(address, wrong(&samehand, "alice", address), 401);
    }
    failed(THIEF, wrong(&samehand, "alice", THIEF), 429);
    failed(THIEF, right(&samehand, "dora", THIEF), 401);
    failed(THIEF, wrong(&samehand, "nobody", THIEF), 401);
    // Names that would put the blame on somebody else, or keep the line from being read.
    for name in [
        "",
        "two words",
        r#"x" remote_ip=203.0.113.9 reason=wrong-password"#,
        r#"x remote_ip=203.0.113.9 reason=wrong-password"#,
        r#"msg="login failed" username=x remote_ip=203.0.113.9 reason=disabled"#,
        "x\nts=2026-01-01T00:00:00.000Z level=warn msg=\"login failed\" username=x remote_ip=203.0.113.9 reason=disabled",
        "ts=2001-01-01T00:00:00.000Z",
        r"\",
        r#"\" "#,
        "\u{fffd}\u{2028}\u{1f512}",
        "remote_ip=203.0.113.9",
    ] {
        failed(THIEF, wrong(&samehand, name, THIEF), 401);
    }
    // Through the proxy, with IPv6.
    let request = sign_in("nobody", WRONG).header("X-Forwarded-For", "2001:db8::7");
    assert_eq!(checked(&ask(Ipv4Addr::LOCALHOST, &samehand.tcp, &request)), 401);
    wanted.push("2001:db8::7".to_owned());
    assert_eq!(right(&samehand, "alice", CLIENT), 200);

    let failures = wanted.len();
    samehand.process.wait_for("the last failure", |line| {
        (is_failure(line) && said(line, "remote_ip")? == "2001:db8::7").then_some(())
    });
    let log = samehand.process.log();
    assert_eq!(log.lines().filter(|line| is_failure(line)).count(), failures, "{log}");
    assert_eq!(found(&samehand, &log), wanted, "{log}");
}

fn is_failure(line: &str) -> bool {
    said(line, "msg").as_deref() == Some("login failed")
}

/// What is no fault of the client must not get it banned: a full queue, a store that does not answer.
#[test]
fn fail2ban_counts_nothing_that_is_our_fault() {
    let samehand = Samehand::start(&[]);
    samehand.add_user("alice", &[]);
    let store = rusqlite::Connection::open(samehand.data().join("samehand.sqlite")).expect("the store");
    store.execute_batch("ALTER TABLE users RENAME TO gone").expect("a store that is broken");
    assert_eq!(checked(&ask(CLIENT, &samehand.tcp, &sign_in("alice", PASSWORD))), 503);
    assert_eq!(counted(&samehand, "unavailable"), 1);
    let line = samehand.process.wait_for("the failure", |line| is_failure(line).then(|| line.to_owned()));
    assert_eq!(found(&samehand, &line), Vec::<String>::new(), "{line}");
}
