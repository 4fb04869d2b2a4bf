//! `samehand serve --takeover`.

use std::{os::unix::fs::MetadataExt, path::Path, time::Instant};

use super::{FIREFOX, PROXY, assert_good, listening, nobody_notices, question};
use crate::support::{
    CLIENT,
    client::{Address, Connection, ask},
    installation::Installation,
    process::Process,
    samehand::{SECRET, said},
};

/// A samehand on two public sockets and one for administration, as one of several on the same data.
struct Service {
    installation: Installation,
    process: Process,
    tcp: Address,
    unix: Address,
    token: String,
}

impl Service {
    #[track_caller]
    fn start() -> Self {
        let mut installation = Installation::new(&[("ADMIN_LISTEN", "127.0.0.1:0"), ("SECRET", SECRET)]);
        let path = installation.path("samehand.sock");
        installation.set(&[("LISTEN", &format!("127.0.0.1:0,unix:{}", path.display()))]);
        installation.add_user("alice", &[]);
        let token = installation.mint("alice", CLIENT, FIREFOX);
        let process = start(&installation, &[]);
        let tcp = process.wait_for("where it listens on TCP", |line| listening(line, "public")?.parse().ok());
        Self { process, tcp: Address::Tcp(tcp), unix: Address::Unix(path), token, installation }
    }

    /// Puts another process in the place of this one, and waits until the old one has ended.
    #[track_caller]
    fn replace(&mut self) {
        let new = start(&self.installation, &["--takeover"]);
        let status = self.process.wait_for_end();
        assert!(status.success(), "{status}: {}", self.process.log());
        let tcp = new.wait_for("where it listens on TCP", |line| listening(line, "public")?.parse().ok());
        assert_eq!(Address::Tcp(tcp), self.tcp, "it has the same socket");
        self.process = new;
    }
}

#[track_caller]
fn start(installation: &Installation, options: &[&str]) -> Process {
    Process::start(installation.command().arg("serve").args(options)).expect("cargo builds samehand")
}

fn inode(path: &Path) -> u64 {
    path.metadata().expect("it is there").ino()
}

#[test]
fn no_request_over_a_unix_socket_fails_while_one_process_replaces_another() {
    let mut service = Service::start();
    let (address, token) = (service.unix.clone(), service.token.clone());
    nobody_notices(&address, &token, |some_more| {
        for _ in 0..3 {
            service.replace();
            some_more();
        }
    });
}

#[test]
fn no_request_over_tcp_fails_while_one_process_replaces_another() {
    let mut service = Service::start();
    let (address, token) = (service.tcp.clone(), service.token.clone());
    nobody_notices(&address, &token, |some_more| {
        for _ in 0..3 {
            service.replace();
            some_more();
        }
    });
}

#[test]
fn the_last_answer_on_a_connection_says_that_it_is_the_last() {
    let mut service = Service::start();
    let mut kept = Connection::open(PROXY, &service.tcp);
    assert_good(&kept.ask(&question(&service.token)));
    let new = start(&service.installation, &["--takeover"]);
    service.process.wait_for("that it stops", |line| {
        (said(line, "msg")? == "stopping" && said(line, "taken_over")? == "true").then_some(())
    });
    // The word is in the log a moment before; a connection that was idle for too long is closed without one.
    let began = Instant::now();
    while let Ok(reply) = kept.try_ask(&question(&service.token)) {
        assert_good(&reply);
        if reply.header("Connection") == Some("close") {
            break;
        }
    }
    assert!(kept.rest().is_empty());
    println!("closed after {:?}", began.elapsed());
    // A new connection is the new process's, though the old one may still be there.
    assert_good(&ask(PROXY, &service.tcp, &question(&service.token)));
    assert!(service.process.wait_for_end().success());
    assert_good(&ask(PROXY, &service.unix, &question(&service.token)));
    drop(new);
}

#[test]
fn a_second_start_by_accident_is_an_error_and_changes_nothing() {
    let mut service = Service::start();
    let Address::Unix(path) = service.unix.clone() else { panic!("a Unix socket") };
    let before = inode(&path);
    let mut second = start(&service.installation, &[]);
    assert_eq!(second.wait_for_end().code(), Some(1));
    let said = second.rest();
    assert!(said.contains("another process listens there") && said.contains("--takeover"), "{said}");
    assert!(service.process.is_alive());
    assert_eq!(inode(&path), before);
    for address in [&service.tcp, &service.unix] {
        assert_good(&ask(PROXY, address, &question(&service.token)));
    }
}

#[test]
fn one_that_cannot_serve_takes_nothing_over() {
    let mut service = Service::start();
    let Address::Tcp(taken) = service.tcp else { panic!("a TCP address") };
    // The socket under this name is the public side's, and so cannot be bound for administration.
    let was = service.installation.set_aside("ADMIN_LISTEN", &taken.to_string());
    let mut second = start(&service.installation, &["--takeover"]);
    assert_eq!(second.wait_for_end().code(), Some(1), "{}", second.log());
    service.installation.set(&[("ADMIN_LISTEN", &was)]);
    assert!(service.process.is_alive());
    assert_good(&ask(PROXY, &service.tcp, &question(&service.token)));
    // And the next one that can does.
    service.replace();
    assert_good(&ask(PROXY, &service.tcp, &question(&service.token)));
}

#[test]
fn without_another_process_it_just_starts() {
    let mut service = Service::start();
    service.process.signal("KILL");
    service.process.wait_for_end();
    // What the dead process left behind is replaced.
    let new = start(&service.installation, &["--takeover"]);
    let tcp = new.wait_for("where it listens on TCP", |line| listening(line, "public")?.parse().ok());
    for address in [&Address::Tcp(tcp), &service.unix] {
        assert_good(&ask(PROXY, address, &question(&service.token)));
    }
}
