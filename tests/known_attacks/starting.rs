//! Defaults that trust everybody, secrets that are none, keys that go bad while the service runs.

use std::{cell::Cell, fs, net::Ipv4Addr, process::Command};

use tempfile::TempDir;

use crate::{
    BROWSER, PROXY, allowed, question,
    support::{
        CLIENT, THIEF,
        client::ask,
        samehand::{Samehand, field},
    },
};

/// oauth2-proxy CVE-2026-76835: the list of trusted proxies is empty, and empty means everybody.
#[test]
fn without_a_list_of_proxies_only_this_host_is_trusted() {
    let samehand = Samehand::start(&[]);
    let token = samehand.mint("alice", CLIENT, BROWSER);
    allowed(&samehand, "the proxy on this host", &question("nginx").bearer(&token));
    for peer in [CLIENT, THIEF, Ipv4Addr::new(127, 0, 0, 2)] {
        let request = question("nginx").bearer(&token).header("X-Request-Id", "a-stranger");
        let reply = ask(peer, &samehand.tcp, &request);
        assert_eq!((reply.status, reply.all("Remote-User").len()), (403, 0), "{peer}: {reply:?}");
        assert_eq!(samehand.decision("a-stranger").field("reason"), "proxy-untrusted", "{peer}");
    }
}

/// fast-jwt CVE-2026-107720 and every product with `changeme` in its example: a secret that is none.
#[test]
fn a_secret_that_is_none_keeps_the_service_from_starting() {
    let directory = TempDir::new().expect("a temporary directory");
    for (name, value) in [
        ("SECRET", "sh0rt"),
        ("SECRET", "changemechangemechangemechangeme"),
        ("SECRET", "00000000000000000000000000000000"),
        ("SECRET", "6iwMV0Hc6WU0XPMpqugnHsOg3kJqhRTQ"),
        ("SALT", "s4lt"),
        ("SALT", "3d4bd49fadee0613cec5a145a0173876"),
        ("ADMIN_TOKEN", "adm1n"),
        ("TRUSTED_PROXIES", "0.0.0.0/0"),
        ("TRUSTED_PROXIES", "::/0"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_samehand"));
        command.arg("serve").env_clear().current_dir(directory.path());
        command.env("SAMEHAND_LISTEN", "127.0.0.1:0").env("SAMEHAND_ADMIN_LISTEN", "off");
        let output = command.env(format!("SAMEHAND_{name}"), value).output().expect("cargo builds samehand");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{name}={value}: {said}");
        assert!(said.contains(&format!("SAMEHAND_{name}")), "{name}={value}: {said}");
        assert!(name == "TRUSTED_PROXIES" || !said.contains(value), "the message shows the secret: {said}");
    }
}

/// Envoy CVE-2025-64527: keys cannot be loaded while the service runs, and it falls over or goes on without any.
#[test]
fn keys_that_go_bad_leave_the_running_service_as_it_was() {
    let directory = TempDir::new().expect("a temporary directory");
    let data = directory.path().join("data");
    // An empty SECRET counts as unset, so the key is generated in DATA.
    let samehand = Samehand::start(&[("DATA", data.to_str().expect("a path that is text")), ("SECRET", "")]);
    let token = samehand.mint("alice", CLIENT, BROWSER);
    let (keys, new) = (data.join("keys.json"), data.join("keys.new"));
    let good = fs::read(&keys).expect("generated keys");
    let half = &good[..good.len() / 2];
    for (turn, (row, bad)) in
        [("nothing", &b""[..]), ("half of it", half), ("rubbish", &[0xff; 100])].into_iter().enumerate()
    {
        // Replaced as a whole, as samehand itself does it, with the rights that the file had.
        fs::copy(&keys, &new).expect("a copy with the same rights");
        fs::write(&new, bad).expect("a file in the data directory");
        fs::rename(&new, &keys).expect("a file in the data directory");
        let complaints = Cell::new(0);
        samehand.process.wait_for("that the keys cannot be used", |line| {
            complaints.set(complaints.get() + usize::from(field(line, "level") == Some("error")));
            (complaints.get() > turn).then_some(())
        });
        allowed(&samehand, row, &question("nginx").bearer(&token));
        let reply = ask(PROXY, &samehand.tcp, &question("nginx").bearer(&format!("{token}x")));
        assert_eq!(reply.status, 401, "{row}: {reply:?}");
    }
}
