//! What a large set of revocations costs: memory for each, the time to read them from a store, and the speed of decisions
//! against a service that has none, in one run. Run with `cargo bench --bench revocations`.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot start says so and stops")]

mod harness;

use harness::{Comparison, Service, request};
use samehand::check::identifiers::{RANDOM_BYTES, Revision, token_id};
use samehand::check::revocation::{Entry, Reach, RevocationSet, RevokedId};
use samehand::store::{self, Access, Store, StoreAddress};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Revocations written at a time.
const PAGE: u64 = 50_000;
/// Revocations read at a time, as the service does.
const READ_PAGE: usize = 20_000;

fn main() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!(
        "| revocations | read from the store in | memory for each | decisions per second with them | with none \
         | ratio: median (lowest to highest) | server µs each with them | with none | ratio: median (lowest to highest) |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for count in [1_000, 100_000, 1_000_000] {
        let path = directory.path().join(format!("{count}.sqlite"));
        let store = runtime.block_on(store::open(&StoreAddress::Sqlite(path), Access::Create)).unwrap();
        runtime.block_on(fill(&*store, count));
        let (set, time, bytes) = runtime.block_on(read(&store));
        assert_eq!(set.len() as u64, count);
        let crowded = Service::start(&directory.path().join("crowded"), "HS256", &set.entries().collect::<Vec<_>>());
        let empty = Service::start(&directory.path().join("empty"), "HS256", &[]);
        drop(set);
        let (with, without) = (request("/auth/nginx", &crowded.token), request("/auth/nginx", &empty.token));
        let compared = Comparison::run((crowded.address, &with), (empty.address, &without));
        let time = time.as_secs_f64();
        println!(
            "| {count} | {time:.2} s | {bytes:.1} bytes | {} | {} |",
            compared.per_second(),
            compared.server_microseconds()
        );
    }
}

async fn fill(store: &dyn Store, count: u64) {
    for first in (0..count).step_by(usize::try_from(PAGE).unwrap()) {
        let entries: Vec<Entry> = (first..(first + PAGE).min(count)).map(entry).collect();
        store.put_revocations(&entries).await.unwrap();
    }
}

fn entry(number: u64) -> Entry {
    let mut random = [0; RANDOM_BYTES];
    random[..8].copy_from_slice(&number.to_be_bytes());
    let id = RevokedId::token(&token_id(Revision::new(1), random));
    Entry { id, reach: Reach::Itself, revision: Revision::NONE, expires_at: u64::from(u32::MAX) }
}

/// The set as the service reads it, how long that took, and how many bytes the process grew for each entry.
async fn read(store: &Arc<dyn Store>) -> (RevocationSet, Duration, f64) {
    let (before, started) = (resident(), Instant::now());
    let mut set = RevocationSet::default();
    let mut since = Revision::NONE;
    loop {
        let changes = store.changes(since, READ_PAGE).await.unwrap();
        set = set.with(&changes.entries);
        match changes.entries.last() {
            Some(last) if changes.entries.len() == READ_PAGE => since = last.revision,
            Some(_) | None => break,
        }
    }
    let elapsed = started.elapsed();
    #[expect(clippy::cast_precision_loss, reason = "gigabytes fit")]
    let each = (resident().saturating_sub(before)) as f64 / set.len() as f64;
    (set, elapsed, each)
}

/// Resident memory of this process, in bytes (Linux).
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}
