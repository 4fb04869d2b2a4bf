//! What a million revocations cost in Valkey: the server's memory for each, and the time until a replica that starts has
//! read them all. Run with `cargo bench --bench valkey`; the server is the one that `scripts/install-test-tools.sh valkey` installs.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot start says so and stops")]

#[path = "../tests/support/mod.rs"]
mod support;

use samehand::check::identifiers::Revision;
use samehand::check::revocation::{Entry, Reach, RevocationSet, RevokedId};
use samehand::store::{self, Access, StoreAddress};
use std::path::Path;
use std::time::Instant;
use support::valkey::{Program, Server};
use tokio::runtime::Builder;

const REVOCATIONS: u32 = 1_000_000;
/// So many are read at a time, as by the service.
const PAGE: usize = 20_000;
const ROUNDS: usize = 5;

fn main() {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let server = Server::start_with(Program::Valkey, &["--appendonly", "no"]);
    let store = store::open(&StoreAddress::read(&server.url(), Path::new("/")).unwrap(), Access::Create).await.unwrap();
    let expires_at = store.changes(Revision::NONE, 1).await.unwrap().clock_ms / 1000 + 8 * 3600;
    let entries: Vec<_> = (0..REVOCATIONS)
        .map(|number| Entry {
            id: RevokedId::token(&number.to_string()),
            reach: Reach::Itself,
            revision: Revision::new(1),
            expires_at,
        })
        .collect();
    let before = used_memory(&server);
    let started = Instant::now();
    store.put_revocations(&entries).await.unwrap();
    println!("put: {:.2} s", started.elapsed().as_secs_f64());
    let each = (used_memory(&server) - before) / u64::from(REVOCATIONS);
    println!("the server's memory for each: {each} bytes");
    for _ in 0..ROUNDS {
        let started = Instant::now();
        let mut set = RevocationSet::default();
        let (mut cursor, mut in_set) = (Revision::NONE, 0.0);
        loop {
            let changes = store.changes(cursor, PAGE).await.unwrap();
            let adding = Instant::now();
            set = set.with(&changes.entries);
            in_set += adding.elapsed().as_secs_f64();
            match changes.entries.last() {
                Some(last) if changes.entries.len() == PAGE => cursor = last.revision,
                Some(_) | None => break,
            }
        }
        assert_eq!(set.len(), REVOCATIONS as usize);
        println!("read: {:.2} s, of which {in_set:.2} s to add them to the set", started.elapsed().as_secs_f64());
    }
}

fn used_memory(server: &Server) -> u64 {
    let info: String = server.ask(&["INFO", "memory"]);
    info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap().parse().unwrap()
}
