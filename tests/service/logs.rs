//! Log lines: every field in both formats, and that nothing a caller writes makes a second line or a control character.

use serde_json::Value;

use crate::support::{
    CLIENT, THIEF,
    client::ask,
    samehand::{PASSWORD, Samehand, said},
};
use crate::{CHROME, FIREFOX, ask_as_proxy, question, question_of_client, sign_in_as};

const FIELDS: [&str; 15] = [
    "decision",
    "reason",
    "status",
    "proxy",
    "remote_ip",
    "username",
    "method",
    "host",
    "path",
    "changed",
    "format",
    "sid",
    "request_id",
    "duration_us",
    "enforced",
];

/// The line of the decision about this request; waits for it.
#[track_caller]
fn line_about(samehand: &Samehand, id: &str) -> String {
    samehand.process.wait_for("the line about a decision", |line| {
        (said(line, "request_id").as_deref() == Some(id) && said(line, "decision").is_some()).then(|| line.to_owned())
    })
}

#[test]
fn a_decision_has_every_field_in_both_formats() {
    for format in ["text", "json"] {
        let samehand = Samehand::start(&[("LOG_FORMAT", format), ("WATCH", "user-agent"), ("REQUIRE_SAME", "ip")]);
        let token = samehand.mint("alice", CLIENT, FIREFOX);
        let rows = [
            (question_of_client(&token), "debug", ["allow", "ok", "200", "alice", "127.0.0.7", "", "keyed"]),
            (
                question(CLIENT, CHROME).bearer(&token),
                "info",
                ["allow", "ok", "200", "alice", "127.0.0.7", "user-agent", "keyed"],
            ),
            (
                question(THIEF, FIREFOX).bearer(&token),
                "info",
                ["forbid", "client-changed", "403", "alice", "127.0.0.8", "ip", "keyed"],
            ),
            (question(CLIENT, FIREFOX), "info", ["challenge", "token-missing", "401", "", "127.0.0.7", "", ""]),
            (question("nobody", FIREFOX), "info", ["reject", "client-ip-unreadable", "403", "", "127.0.0.1", "", ""]),
        ];
        for (number, (asked, level, wanted)) in rows.into_iter().enumerate() {
            let id = format!("row-{number}");
            ask_as_proxy(&samehand, &asked.header("X-Request-Id", id.as_str()));
            let line = line_about(&samehand, &id);
            let field = |name: &str| said(&line, name).unwrap_or_else(|| panic!("no {name} in {line}"));
            let found = ["decision", "reason", "status", "username", "remote_ip", "changed", "format"].map(field);
            assert_eq!(found, wanted, "{line}");
            assert_eq!(field("level"), level, "{line}");
            assert_eq!(
                ["proxy", "method", "host", "path"].map(field),
                ["nginx", "GET", "app.example.com", "/page"],
                "{line}"
            );
            for name in FIELDS {
                field(name);
            }
            field("ts");
            if format == "json" {
                let object: Value = serde_json::from_str(&line).expect("one JSON object");
                assert!(object["status"].is_u64() && object["duration_us"].is_u64(), "{line}");
                assert!(object["username"].is_string(), "{line}");
            }
        }
    }
}

#[test]
fn allows_are_told_to_those_who_ask_for_them() {
    let samehand = Samehand::start(&[("LOG", "info")]);
    let token = samehand.mint("alice", CLIENT, FIREFOX);
    let asked = |id: &str, token: &str| ask_as_proxy(&samehand, &question_of_client(token).header("X-Request-Id", id));
    assert_eq!(asked("allowed", &token).status, 200);
    assert_eq!(asked("refused", "x").status, 401);
    line_about(&samehand, "refused");
    assert!(!samehand.process.log().contains("allowed"), "{}", samehand.process.log());
}

#[test]
fn sign_ins_are_told_with_who_and_from_where() {
    let samehand = Samehand::start(&[]);
    samehand.add_user("alice", &[]);
    for (name, password, message) in [
        ("alice", PASSWORD, "login"),
        ("alice", "wrong-password", "login failed"),
        ("mallory", PASSWORD, "login failed"),
    ] {
        ask(THIEF, &samehand.tcp, &sign_in_as(name, password));
        samehand.process.wait_for(&format!("{message} of {name}"), |line| {
            let found = ["msg", "username", "remote_ip"].map(|field| said(line, field).unwrap_or_default());
            (found == [message, name, "127.0.0.8"]).then_some(())
        });
    }
}

#[test]
fn no_caller_forges_a_line() {
    // What starts a line, colours a terminal, turns the direction of text, or ends a quoted value.
    let hostile = [
        "x\nts=2026-01-01 level=info msg=login username=root",
        "x\r\nlevel=error",
        "\u{1b}[2J\u{1b}[31mred",
        "\u{202e}drowssap",
        "\u{2028}next line",
        "\u{85}next line",
        "x\" username=\"root",
        "x\\",
        "x\u{0}y",
        "\u{7f}\u{9b}31m",
        "{\"msg\":\"login\"}",
    ];
    for format in ["text", "json"] {
        let samehand = Samehand::start(&[("LOG_FORMAT", format)]);
        for (number, text) in hostile.into_iter().enumerate() {
            let marker = format!("mark-{number}-");
            let name = format!("{marker}{text}");
            let status = ask(CLIENT, &samehand.tcp, &sign_in_as(&name, "wrong")).status;
            assert_eq!(status, 401, "{text:?}");
            let line =
                samehand.process.wait_for("the failed sign-in", |line| line.contains(&marker).then(|| line.to_owned()));
            assert_eq!(said(&line, "msg").as_deref(), Some("login failed"), "{line}");
            if format == "json" {
                assert_eq!(said(&line, "username"), Some(name), "{line}");
            }
        }
        // As bytes of header lines, where a line cannot contain its own end.
        let odd_bytes: [&[u8]; 5] = [b"\x1b[31m", b"\xe2\x80\xae", b"\xff\xfe", b"\" username=\"root", b"a\tb"];
        for (number, bytes) in odd_bytes.into_iter().enumerate() {
            for name in [
                "X-Forwarded-Uri",
                "X-Forwarded-Host",
                "X-Forwarded-Method",
                "X-Forwarded-For",
                "User-Agent",
                "Authorization",
            ] {
                let id = format!("odd-{number}-{name}");
                let whole = String::from_utf8(question(CLIENT, FIREFOX).bytes()).expect("text");
                let without: String = whole.split_inclusive("\r\n").filter(|line| !line.starts_with(name)).collect();
                let (head, end) = without.split_at(without.len() - 2);
                let value = [b"/page".as_slice(), bytes].concat();
                let line =
                    [name.as_bytes(), b": ", value.as_slice(), b"\r\nX-Request-Id: ", id.as_bytes(), b"\r\n"].concat();
                let mut connection = crate::support::client::Connection::open(crate::PROXY, &samehand.tcp);
                connection.send(&[head.as_bytes(), line.as_slice(), end.as_bytes()].concat());
                if connection.reply(false).is_ok_and(|reply| reply.status != 400) {
                    line_about(&samehand, &id);
                }
            }
        }
        for line in samehand.process.log().lines() {
            assert!(line.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{line:?}");
            assert!(line.starts_with(if format == "json" { "{\"" } else { "ts=" }), "{line:?}");
            assert_ne!(said(line, "username").as_deref(), Some("root"), "{line:?}");
            if format == "json" {
                assert!(serde_json::from_str::<Value>(line).is_ok_and(|object| object["msg"].is_string()), "{line:?}");
            }
        }
    }
}
