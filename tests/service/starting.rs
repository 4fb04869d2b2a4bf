//! Starting: sockets, the first start of all, and what keeps the service from starting.

use std::os::unix::{
    fs::{FileTypeExt, PermissionsExt},
    net::UnixListener,
};

use crate::support::{
    CLIENT,
    client::{Address, Request, ask},
    installation::Installation,
    process::Process,
    samehand::Samehand,
};
use crate::{FIREFOX, PROXY, eventually, question_of_client};

fn mode(path: &std::path::Path) -> u32 {
    std::fs::metadata(path).expect("it is there").permissions().mode() & 0o7777
}

/// Runs `serve` to its end, which has to come, and gives exit code and everything it wrote.
#[track_caller]
fn refused(installation: &Installation) -> (Option<i32>, String) {
    let mut process = Process::start(installation.command().arg("serve")).expect("cargo builds samehand");
    let status = process.wait_for_end();
    let said = process.rest();
    (status.code(), said)
}

#[test]
fn a_socket_has_its_mode_and_a_stale_one_is_replaced() {
    let installation = Installation::new(&[("SOCKET_MODE", "0600")]);
    let path = installation.path("samehand.sock");
    // Nobody listens on it any more once it is dropped.
    drop(UnixListener::bind(&path).expect("a socket"));
    let samehand = Samehand::serve(installation);
    assert!(std::fs::metadata(&path).expect("it is there").file_type().is_socket());
    assert_eq!(mode(&path), 0o600);
    let token = samehand.mint("alice", CLIENT, FIREFOX);
    assert_eq!(ask(PROXY, &samehand.unix, &question_of_client(&token)).status, 200);
    assert_eq!(mode(&samehand.data()), 0o700);
    // A killed process leaves its socket behind; the next one starts all the same.
    let mut samehand = samehand;
    samehand.process.signal("KILL");
    samehand.process.wait_for_end();
    assert!(path.exists());
    let mut again = Installation::new(&[("LISTEN", &format!("127.0.0.1:0,unix:{}", path.display()))]);
    again.set(&[("SECRET", crate::support::samehand::SECRET)]);
    let again = Samehand::serve(again);
    assert_eq!(ask(PROXY, &again.unix, &Request::get("/readyz")).status, 200);
    assert_eq!(mode(&path), 0o660, "the default");
}

#[test]
fn a_live_socket_and_a_taken_port_are_errors_that_name_the_address() {
    let samehand = Samehand::start(&[]);
    let (Address::Unix(socket), Address::Tcp(port)) = (&samehand.unix, &samehand.tcp) else { panic!("two listeners") };
    for address in [format!("unix:{}", socket.display()), port.to_string()] {
        let other = Installation::new(&[("LISTEN", &address), ("ADMIN_LISTEN", "off")]);
        let (code, said) = refused(&other);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(&address), "{address}: {said}");
        assert_eq!(ask(PROXY, &samehand.unix, &Request::get("/readyz")).status, 200, "the first one goes on");
    }
    let plain = samehand.write("a-file", "keep this");
    let other = Installation::new(&[("LISTEN", &format!("unix:{plain}")), ("ADMIN_LISTEN", "off")]);
    let (code, said) = refused(&other);
    assert_eq!((code, said.contains(&plain)), (Some(1), true), "{said}");
    assert_eq!(std::fs::read_to_string(&plain).expect("still there"), "keep this");
}

#[test]
fn the_first_start_says_what_to_run_next_and_a_start_with_users_does_not() {
    let samehand = Samehand::start(&[]);
    let hint = |samehand: &Samehand| {
        let log = samehand.process.log();
        log.lines().find(|line| line.contains("no users yet")).map(str::to_owned)
    };
    let data = samehand.data().display().to_string();
    let line = hint(&samehand).expect("a hint");
    let command = line.split_once("SAMEHAND_DATA=").map(|(_, rest)| rest.trim_end_matches('"')).expect("a command");
    assert_eq!(command, format!("{data} samehand user add NAME"), "{line}");
    samehand.add_user("alice", &[]);
    let samehand = samehand.restart(&[]);
    assert_eq!(hint(&samehand), None);
}

#[test]
fn the_service_speaks_on_standard_error_only() {
    let installation = Installation::new(&[("LISTEN", "127.0.0.1:0"), ("ADMIN_LISTEN", "off")]);
    let [results, notes] = ["results", "notes"].map(|name| installation.path(name));
    let file = |path| std::fs::File::create(path).expect("a new file");
    let mut service = installation.command();
    let mut service = service.stdout(file(&results)).stderr(file(&notes)).spawn().expect("cargo builds samehand");
    let read = |path| std::fs::read_to_string(path).expect("text");
    eventually("the first start says what to run next", || read(&notes).contains("samehand user add NAME"));
    eventually("it listens", || read(&notes).contains("msg=listening"));
    service.kill().expect("it runs");
    service.wait().expect("a child of ours");
    assert_eq!(read(&results), "");
}

#[test]
fn a_store_that_is_newer_or_open_to_others_keeps_the_service_from_starting() {
    let samehand = Samehand::start(&[]);
    samehand.add_user("alice", &[]);
    let store = samehand.data().join("samehand.sqlite");
    let installation = samehand.stop();
    std::fs::set_permissions(&store, std::fs::Permissions::from_mode(0o644)).expect("our own file");
    let (code, said) = refused(&installation);
    assert_eq!((code, said.contains("chmod 600")), (Some(78), true), "{said}");
    std::fs::set_permissions(&store, std::fs::Permissions::from_mode(0o600)).expect("our own file");
    let database = rusqlite::Connection::open(&store).expect("a database");
    let known: i64 = database.pragma_query_value(None, "user_version", |row| row.get(0)).expect("a version");
    database.pragma_update(None, "user_version", known + 6).expect("a version");
    drop(database);
    for (code, said) in [(78, refused(&installation)), (1, said_by(&installation, &["user", "list"]))] {
        assert_eq!(said.0, Some(code), "{said:?}");
        for version in [format!("version {}", known + 6), format!("up to {known}")] {
            assert!(said.1.contains(&version), "{version} is not in {said:?}");
        }
    }
}

#[track_caller]
fn said_by(installation: &Installation, arguments: &[&str]) -> (Option<i32>, String) {
    let output = installation.run(arguments, "");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}
