//! A proxy that is set up wrongly is told so once, by name, with what to write.

use crate::support::{
    THIEF,
    client::{Connection, Request, ask},
    samehand::{Samehand, said},
};
use crate::{FIREFOX, PROXY, ask_as_proxy, question};

/// The warnings so far that name this proxy.
fn warnings(samehand: &Samehand, proxy: &str) -> Vec<String> {
    let about =
        |line: &&str| said(line, "level").as_deref() == Some("warn") && said(line, "proxy").as_deref() == Some(proxy);
    samehand.process.log().lines().filter(about).map(str::to_owned).collect()
}

/// Asks three times, and holds that this one warning came of it, before the answer to a last question.
#[track_caller]
fn told_once(samehand: &Samehand, proxy: &str, said_before: usize, wanted: &[&str], asked: impl Fn() -> u16) {
    for _ in 0..3 {
        asked();
    }
    let id = format!("after-{proxy}-{said_before}");
    ask_as_proxy(samehand, &question("127.0.0.7", FIREFOX).header("X-Request-Id", id.as_str()));
    samehand.decision(&id);
    let warnings = warnings(samehand, proxy);
    assert_eq!(warnings.len(), said_before + 1, "{wanted:?}: {warnings:#?}");
    let warning = warnings.last().expect("one more");
    for text in wanted {
        assert!(warning.contains(text), "{text:?} is not in {warning}");
    }
}

/// The usual question with one line changed.
#[track_caller]
fn asked_with(samehand: &Samehand, kind: &str, id: &str, (line, other): (&str, &str)) {
    let whole = String::from_utf8(question("127.0.0.7", FIREFOX).header("X-Request-Id", id).bytes()).expect("text");
    assert!(whole.contains(line), "{line}");
    let asked = whole.replacen("/auth/nginx", &format!("/auth/{kind}"), 1).replacen(line, other, 1);
    let mut connection = Connection::open(PROXY, &samehand.tcp);
    connection.send(asked.as_bytes());
    assert!(matches!(connection.reply(false).expect("an answer").status, 400 | 403), "{kind} {other}");
}

#[test]
fn a_request_of_a_stranger_is_logged_as_far_as_it_can_be_read_and_uses_up_no_advice() {
    let samehand = Samehand::start(&[]);
    let host = "X-Forwarded-Host: app.example.com\r\n";
    let uri = "X-Forwarded-Uri: /page?q=1\r\n";
    let method = "X-Forwarded-Method: GET\r\n";
    let long = format!("X-Forwarded-Method: {}\r\n", "X".repeat(40));
    for (number, (kind, change, readable)) in [
        ("nginx", (host, "X-Forwarded-Host: app!example\r\n"), ["GET", "", "/page"]),
        ("traefik", (host, "X-Forwarded-Host:\r\n"), ["GET", "", "/page"]),
        ("nginx", (uri, "X-Forwarded-Uri: /a b?q=1\r\n"), ["GET", "app.example.com", ""]),
        ("caddy", (method, long.as_str()), ["", "app.example.com", "/page"]),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("stranger-{number}");
        let before = warnings(&samehand, kind).len();
        asked_with(&samehand, kind, &id, change);
        let line = samehand.process.wait_for("the line about a decision", |line| {
            (said(line, "request_id").as_deref() == Some(&id) && said(line, "decision").is_some())
                .then(|| line.to_owned())
        });
        let found = ["method", "host", "path"].map(|name| said(&line, name).unwrap_or_default());
        assert_eq!(found, readable, "{line}");
        assert_eq!(said(&line, "remote_ip").as_deref(), Some("127.0.0.7"), "{line}");
        // Said right after the line; the next decision comes behind it.
        let next = format!("after-{id}");
        ask_as_proxy(&samehand, &question("127.0.0.7", FIREFOX).header("X-Request-Id", next.as_str()));
        samehand.decision(&next);
        let told = warnings(&samehand, kind);
        assert_eq!(told.len(), before + 1, "{told:#?}");
        assert!(told[before].contains("a client may have sent it so"), "{told:#?}");
    }
    let line = "proxy_set_header x-forwarded-host $host;";
    let told = warnings(&samehand, "nginx").len();
    told_once(&samehand, "nginx", told, &["missing, so every such request", line], || {
        asked_with(&samehand, "nginx", "without", (host, ""));
        403
    });
}

#[test]
fn each_mistake_is_told_once_with_the_line_that_mends_it() {
    let samehand = Samehand::start(&[]);
    let without = |kind: &str, name: &str| {
        let whole = String::from_utf8(question("127.0.0.7", FIREFOX).bytes()).expect("text");
        let lines: String = whole.split_inclusive("\r\n").filter(|line| !line.starts_with(name)).collect();
        let asked = lines.replacen("/auth/nginx", &format!("/auth/{kind}"), 1);
        let mut connection = crate::support::client::Connection::open(PROXY, &samehand.tcp);
        connection.send(asked.as_bytes());
        connection.reply(false).expect("an answer").status
    };
    let untrusted = || ask(THIEF, &samehand.tcp, &question("127.0.0.7", FIREFOX)).status;
    let setting = "SAMEHAND_TRUSTED_PROXIES=127.0.0.1,::1,127.0.0.8";
    told_once(&samehand, "nginx", 0, &["127.0.0.8", setting], untrusted);
    let line = "proxy_set_header x-forwarded-uri $request_uri;";
    told_once(&samehand, "nginx", 1, &["x-forwarded-uri", line], || without("nginx", "X-Forwarded-Uri"));
    let line = "proxy_set_header x-forwarded-for $remote_addr;";
    told_once(&samehand, "nginx", 2, &["x-forwarded-for", line], || without("nginx", "X-Forwarded-For"));
    let own_address = || ask_as_proxy(&samehand, &question("127.0.0.1", FIREFOX)).status;
    told_once(&samehand, "nginx", 3, &["trusted proxy", "look alike", "set_real_ip_from"], own_address);
    told_once(&samehand, "caddy", 0, &["header_up x-forwarded-uri {uri}"], || without("caddy", "X-Forwarded-Uri"));
    told_once(&samehand, "traefik", 0, &["trustForwardHeader"], || without("traefik", "X-Forwarded-Uri"));
    // Nobody fills the log with inventions.
    let before = warnings(&samehand, "nginx").len();
    for number in 10..110 {
        let request = Request::get("/auth/nginx").header("User-Agent", FIREFOX);
        ask(std::net::Ipv4Addr::new(127, 0, 1, number), &samehand.tcp, &request);
    }
    let id = "after-a-hundred-inventions";
    ask_as_proxy(&samehand, &question("127.0.0.7", FIREFOX).header("X-Request-Id", id));
    samehand.decision(id);
    let more = warnings(&samehand, "nginx").len() - before;
    assert!((1..=64).contains(&more), "{more} warnings");
}
