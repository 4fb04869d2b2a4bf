//! Sockets that systemd passes. `systemd-socket-activate` does so without a systemd that runs; a shell does for restarts,
//! where one socket is passed to one process after the other.

use std::{
    fs,
    net::TcpListener,
    os::fd::OwnedFd,
    os::unix::{fs::PermissionsExt, net::UnixListener},
    path::Path,
    process::{Command, Stdio},
};
use tempfile::TempDir;

use super::{FIREFOX, PROXY, assert_good, listening, nobody_notices, question};
use crate::support::{
    CLIENT,
    client::{Address, Request, ask},
    installation::Installation,
    process::{Process, free_address},
    samehand::SECRET,
    shipped::file,
};

/// Passes its standard input as the only socket, as systemd would; the process keeps its number.
const PASS: &str = "exec 3<&0 </dev/null && LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" \"$@\"";

/// Settings that name other addresses than the ones that are passed.
#[track_caller]
fn installation() -> (Installation, String) {
    let installation = Installation::new(&[("SECRET", SECRET), ("ADMIN_LISTEN", "off")]);
    installation.add_user("alice", &[]);
    let token = installation.mint("alice", CLIENT, FIREFOX);
    (installation, token)
}

#[track_caller]
fn start_on(installation: &mut Installation, socket: OwnedFd) -> Process {
    installation.wrap_in(&["sh", "-c", PASS]);
    let process = Process::start_on(Stdio::from(socket), installation.command().arg("serve"));
    installation.wrap_in(&[]);
    process.expect("there is a shell")
}

#[test]
fn a_service_that_systemd_starts_listens_on_what_it_passes_and_on_nothing_else() {
    let (mut installation, token) = installation();
    let path = installation.path("passed.sock");
    // ADMIN_LISTEN is off, and one is passed.
    let admin = installation.path("admin.sock");
    let sockets = [
        "-l".into(),
        path.display().to_string(),
        "-l".into(),
        admin.display().to_string(),
        "--fdname=proxies:admin".into(),
    ];
    let settings: Vec<_> =
        installation.command().get_envs().map(|(name, _)| format!("-E{}", name.to_string_lossy())).collect();
    let mut wrapper = vec!["systemd-socket-activate"];
    wrapper.extend(sockets.iter().chain(&settings).map(String::as_str));
    installation.wrap_in(&wrapper);
    let mut process = Process::start(installation.command().arg("serve")).expect("systemd is installed");
    for path in [&path, &admin] {
        let words = format!("Listening on {}", path.display());
        process.wait_for(&words, |line| line.contains(&words).then_some(()));
    }
    // It is started by the first who connects, who is answered.
    assert_good(&ask(PROXY, &Address::Unix(path.clone()), &question(&token)));
    assert_eq!(process.wait_for("its side", |line| listening(line, "public")), format!("unix:{}", path.display()));
    assert_eq!(
        process.wait_for("its other side", |line| listening(line, "admin")),
        format!("unix:{}", admin.display())
    );
    assert_eq!(ask(PROXY, &Address::Unix(admin), &Request::get("/metrics")).status, 200);
    assert!(!process.log().contains("127.0.0.1:9180"), "{}", process.log());
    process.signal("TERM");
    assert!(process.wait_for_end().success(), "{}", process.log());
    assert!(path.exists(), "the socket is systemd's");
}

#[test]
fn no_request_fails_while_a_service_is_restarted_on_a_passed_socket() {
    let (mut installation, token) = installation();
    let path = installation.path("passed.sock");
    let socket = UnixListener::bind(&path).expect("a path");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).expect("it is ours");
    let passed = || OwnedFd::from(socket.try_clone().expect("a descriptor"));
    let mut process = start_on(&mut installation, passed());
    nobody_notices(&Address::Unix(path), &token, |some_more| {
        for _ in 0..3 {
            process.signal("TERM");
            assert!(process.wait_for_end().success(), "{}", process.log());
            process = start_on(&mut installation, passed());
            some_more();
        }
    });
}

#[test]
fn a_setting_that_is_not_used_is_said() {
    let (mut installation, token) = installation();
    let socket = TcpListener::bind((PROXY, 0)).expect("a free port");
    let address = socket.local_addr().expect("a bound address");
    let unused = free_address();
    installation.set(&[("LISTEN", &unused.to_string())]);
    let process = start_on(&mut installation, socket.try_clone().expect("a descriptor").into());
    process.wait_for("that a setting is not used", |line| {
        (line.contains("SAMEHAND_LISTEN") && line.contains("not used")).then_some(())
    });
    assert_good(&ask(PROXY, &Address::Tcp(address), &question(&token)));
    assert_eq!(process.wait_for("where it listens", |line| listening(line, "public")), address.to_string());
    drop(process);
    // The same is no contradiction: `healthcheck` needs to know where to ask.
    installation.set(&[("LISTEN", &address.to_string())]);
    let process = start_on(&mut installation, socket.into());
    process.wait_for("where it listens", |line| listening(line, "public"));
    assert!(!process.log().contains("not used"), "{}", process.log());
    installation.succeed(&["healthcheck"], "");
}

#[test]
fn a_socket_that_is_open_to_everybody_is_refused() {
    let (mut installation, _) = installation();
    let path = installation.path("passed.sock");
    let socket = UnixListener::bind(&path).expect("a path");
    // What systemd does when nobody says otherwise.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).expect("it is ours");
    let mut process = start_on(&mut installation, socket.into());
    assert_eq!(process.wait_for_end().code(), Some(78));
    let said = process.rest();
    assert!(said.contains("0666") && said.contains("SocketMode=0660"), "{said}");
}

#[test]
fn check_config_says_what_was_passed() {
    let (mut installation, _) = installation();
    let socket = TcpListener::bind((PROXY, 0)).expect("a free port");
    let address = socket.local_addr().expect("a bound address");
    installation.wrap_in(&["sh", "-c", PASS]);
    let mut check = installation.command();
    let output = check.arg("check-config").stdin(Stdio::from(OwnedFd::from(socket))).output().expect("a shell");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains(&format!("passed by systemd: public {address}")), "{said}");
}

/// systemd's own word on the units, with the program of this test in the place of the installed one.
#[test]
fn the_shipped_units_are_good_and_pass_what_samehand_expects() {
    const UNITS: [&str; 3] = ["samehand.service", "samehand.socket", "samehand-admin.socket"];
    let directory = TempDir::new().expect("a temporary directory");
    for unit in UNITS {
        let text = file(format!("examples/systemd/{unit}"));
        let text = text.replace("/usr/local/bin/samehand", env!("CARGO_BIN_EXE_samehand"));
        fs::write(directory.path().join(unit), text).expect("a file");
    }
    let paths = UNITS.map(|unit| directory.path().join(unit));
    let verified = Command::new("systemd-analyze").args(["verify", "--man=no"]).args(&paths).output();
    let verified = verified.expect("systemd is installed");
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    // Tenths: the service may do little but what it is for.
    let security = ["security", "--offline=yes", "--threshold=15", "--no-pager"];
    let judged = Command::new("systemd-analyze").args(security).arg(&paths[0]).output().expect("systemd is installed");
    assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stdout));
    let [service, public, admin] = UNITS.map(|unit| file(format!("examples/systemd/{unit}")));
    // The names and modes that the tests above show to matter.
    assert!(admin.contains("\nFileDescriptorName=admin\n") && !public.contains("FileDescriptorName="));
    assert!(public.contains("\nSocketMode=0660\n"));
    assert!(service.contains("\nRestartPreventExitStatus=78\n") && service.contains("\nLimitCORE=0\n"));
    let listens = public.lines().find_map(|line| line.strip_prefix("ListenStream=")).expect("a path");
    assert!(file("nginx/samehand-upstream.conf").contains(&format!("server unix:{listens};")));
    assert!(Path::new(listens).is_absolute());
}
