//! What the service keeps of the memory that it needed for a while, and who may look into it.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    process::{Command, Stdio},
    thread,
};

use crate::support::{
    CLIENT,
    client::Connection,
    installation::Installation,
    process::Process,
    samehand::{PASSWORD, Samehand},
};
use crate::{eventually, sign_in_as};

/// Takes from a program of root the rights to look into every process: what is left is what any user may do to own ones.
const WITHOUT_RIGHTS: [&str; 5] = ["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"];

/// Resident memory of a process, in kB: what it has now, and the most that it ever had.
#[track_caller]
fn resident(samehand: &Samehand) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{}/status", samehand.process.id())).expect("a running process");
    let kilobytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line of this name");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    };
    (kilobytes("VmRSS:"), kilobytes("VmHWM:"))
}

/// A hash takes 19 MiB. Eight browsers make the hashes change threads, and with them the allocator's arenas: before memory
/// went back, these sign-ins kept 480 MB on two processors.
#[test]
fn what_hashes_took_goes_back_and_no_more_is_taken_than_for_those_under_way() {
    const AT_ONCE: usize = 8;
    const EACH: usize = 6;
    let samehand = Samehand::start(&[]);
    samehand.add_user("alice", &[]);
    let (idle, _) = resident(&samehand);
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let mut connection = Connection::open(CLIENT, &samehand.tcp);
                for _ in 0..EACH {
                    assert_eq!(connection.ask(&sign_in_as("alice", PASSWORD)).status, 200);
                }
            });
        }
    });
    let (now, most) = resident(&samehand);
    let processors = thread::available_parallelism().map_or(1, |count| count.get() as u64);
    assert!(now <= idle + 30_000, "{idle} kB idle, {now} kB after the sign-ins");
    assert!(most <= idle + 30_000 + processors * 20_000, "{idle} kB idle, {most} kB in between");
}

/// Another program of the same user, which nobody gave more rights, looks into the process.
#[track_caller]
fn is_closed_to_its_own_user(what: &str, process: &Process) {
    let wrapper = wrapper();
    let mut parts = wrapper.iter().copied().chain(["cat"]);
    let mut look = Command::new(parts.next().unwrap_or_default());
    let looked =
        look.args(parts).arg(format!("/proc/{}/environ", process.id())).output().expect("a program that looks");
    let said = String::from_utf8_lossy(&looked.stderr);
    assert!(!looked.status.success() && looked.stdout.is_empty(), "the environment of {what} was read");
    assert!(said.contains("ermission denied") || said.contains("not permitted"), "{what}: {said}");
}

fn wrapper() -> Vec<&'static str> {
    let is_root = fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if is_root { WITHOUT_RIGHTS.to_vec() } else { Vec::new() }
}

/// What may not be looked into is not dumped either: the kernel has one rule for both.
#[test]
fn no_program_of_the_same_user_looks_into_the_service_or_into_a_command() {
    let mut installation = Installation::new(&[]);
    installation.wrap_in(&wrapper());
    let samehand = Samehand::serve(installation);
    is_closed_to_its_own_user("the service", &samehand.process);
    // It waits for a password that does not come.
    let (terminal, _typed) = std::io::pipe().expect("a pipe");
    let asking =
        Process::start_on(Stdio::from(terminal), samehand.command().arg("hash")).expect("cargo builds samehand");
    let program = fs::read_link(format!("/proc/{}/exe", samehand.process.id())).expect("a running program");
    eventually("the command runs", || {
        fs::read_link(format!("/proc/{}/exe", asking.id())).is_ok_and(|running| running == program)
    });
    eventually("the command waits for a password", || {
        let status = fs::read_to_string(format!("/proc/{}/status", asking.id())).unwrap_or_default();
        status.contains("State:\tS")
    });
    is_closed_to_its_own_user("a command", &asking);
}
