//! How many connections the process takes: as many as it may have files open, which it first raises as far as it may.
//! Asks the kernel once, at the start.

use log::warn;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// More connections than this on one worker are no proxies any more.
const MOST_ON_A_WORKER: usize = 16_384;
/// The administration side serves few.
pub(super) const MOST_ON_ADMIN: usize = 256;
/// Files that are no connections of the public side: the administration's, stores, listeners, logs.
const OTHER_FILES: usize = 2 * MOST_ON_ADMIN;
/// So many files at least leave room for connections.
const FEWEST_ON_A_WORKER: usize = 64;
/// More open files are not asked for.
const MOST_FILES: u64 = 1 << 20;

/// Raises the limit of open files, and says how many connections each of these workers may keep open.
pub(super) fn connections_per_worker(workers: usize) -> usize {
    let files = raised_limit_of_files();
    let most = files.saturating_sub(OTHER_FILES) / workers.max(1);
    if most < FEWEST_ON_A_WORKER {
        warn!(
            "this process may have {files} files open, which is few for {workers} workers; raise LimitNOFILE or ulimit -n"
        );
    }
    most.clamp(FEWEST_ON_A_WORKER, MOST_ON_A_WORKER)
}

fn raised_limit_of_files() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // No limit is said as none.
    let allowed = maximum.unwrap_or(MOST_FILES).min(MOST_FILES);
    let current = current.unwrap_or(MOST_FILES);
    let raised = Rlimit { current: Some(allowed.max(current)), maximum };
    let in_force = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => allowed.max(current),
        Err(_) => current,
    };
    usize::try_from(in_force).unwrap_or(usize::MAX)
}
