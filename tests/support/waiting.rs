//! Waiting for what no event tells: asking again and again until it holds, or until it is too late.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// Asks again and again, until it holds or there is no time left. Says when was asked for the last time, from `since` on.
pub(crate) fn ask_while(
    since: Instant,
    has_time: impl Fn(Duration) -> bool,
    mut holds: impl FnMut() -> bool,
) -> Result<Duration, Duration> {
    loop {
        let asked_at = since.elapsed();
        if holds() {
            return Ok(asked_at);
        }
        if !has_time(asked_at) {
            return Err(asked_at);
        }
        // A service that follows a file, a foreign program that starts, and a clock have no event to wait for; they can only
        // be asked.
        thread::sleep(Duration::from_millis(5));
    }
}

/// Asks until it holds; fails when it does not within `patience` from `since` on. Says how long it took.
#[track_caller]
pub(crate) fn until(since: Instant, patience: Duration, what: &str, holds: impl FnMut() -> bool) -> Duration {
    match ask_while(since, |so_far| so_far < patience, holds) {
        Ok(took) => took,
        Err(_) => panic!("not within {patience:?}: {what}"),
    }
}

/// As [`until`], for what is promised within a time: a machine that has much else to do may take longer for it.
#[track_caller]
pub(crate) fn as_promised(since: Instant, promised: Duration, what: &str, holds: impl FnMut() -> bool) -> Duration {
    match ask_while(since, |so_far| is_in_time(so_far, promised), holds) {
        Ok(took) => took,
        Err(took) => panic!("not within {promised:?}, but after {took:?} still not: {what}"),
    }
}

/// Whether something that took so long took no longer than is promised. What is promised is some hundred times the work of
/// starting a program: so much as this takes longer now than on a machine with nothing else to do, the other may, too.
pub(crate) fn is_in_time(took: Duration, promised: Duration) -> bool {
    const UNDISTURBED: Duration = Duration::from_millis(5);
    took < promised || {
        let began = Instant::now();
        let started = Command::new(env!("CARGO_BIN_EXE_samehand")).arg("--version").output();
        assert!(started.is_ok_and(|output| output.status.success()), "samehand says its version");
        took < promised + 100 * began.elapsed().saturating_sub(UNDISTURBED)
    }
}
