//! What the service keeps of the memory that it needed for a while.

use std::{fs, thread};

use crate::sign_in_as;
use crate::support::{
    CLIENT,
    client::Connection,
    samehand::{PASSWORD, Samehand},
};

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
