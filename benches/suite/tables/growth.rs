//! What becomes of all that when there is much of something.

use super::{Draft, Values, column, float, spread_column};
use crate::in_process::{Asking, CLIENT, Comparison, Service, bearer};
use crate::options::Options;
use crate::peers::temporary;
use crate::report::Table;
use crate::statistics::{ratios, spread};
use samehand::app::now;
use samehand::check::identifiers::{RANDOM_BYTES, Revision, SessionId, token_id};
use samehand::check::names::{Groups, UserName};
use samehand::check::revocation::{Entry, Reach, RevocationSet, RevokedId};
use samehand::store::{self, Access, Session, SignedInBy, Store, StoreAddress, StoredPassword, User};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Runtime};

/// So many are written at a time.
const PAGE: u64 = 20_000;
/// So many are looked up.
const READS: u64 = 10_000;
/// Revocations read at a time, as the service does.
const READ_PAGE: usize = 20_000;
const COUNTS: [u64; 4] = [1, 1_000, 100_000, 1_000_000];

pub(crate) fn measure(options: &Options) -> Option<Table> {
    let length = Duration::from_secs(options.seconds.into()) / 4;
    let reading = "Decisions of a service in the bench process with so many revocations known, users or sessions in its \
        SQLite store, or tokens shown in turns, against one with none (of tokens: one) in the same round. Processor time: less \
        is better. Looked up is what a sign-in or a renewal reads in the store, and for revocations all of them at start.";
    let columns = [
        column("per_second", "decisions/s", -2),
        spread_column("speed", "speed, of the one with none", 2),
        spread_column("time", "processor time, of the one with none", 2),
        column("bytes", "memory of each, bytes", 0),
        column("microseconds", "looked up in, µs", 0),
    ];
    let title = ("growth", "With much of everything");
    let mut draft = Draft::begin(options, title, reading, length.as_secs_f64(), &columns);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let many = Many { runtime, rounds: options.rounds, length };
    for count in COUNTS {
        draft.measure(&named(count, "revocations"), || many.revocations(count));
    }
    for count in COUNTS {
        draft.measure(&named(count, "users"), || many.users(count));
    }
    for count in COUNTS {
        draft.measure(&named(count, "sessions"), || many.sessions(count));
    }
    for count in &COUNTS[1..] {
        draft.measure(&named(*count, "distinct tokens"), || many.tokens(*count));
    }
    draft.end()
}

fn named(count: u64, what: &str) -> String {
    match count {
        1 => format!("1 {}", what.trim_end_matches('s')),
        1_000_000 => format!("1,000,000 {what}"),
        thousands => format!("{},000 {what}", thousands / 1000),
    }
}

struct Many {
    runtime: Runtime,
    rounds: usize,
    length: Duration,
}

impl Many {
    fn revocations(&self, count: u64) -> Result<Values, String> {
        let (directory, crowded, empty) = (temporary(), temporary(), temporary());
        let store = self.open(&directory.path().join("store"));
        self.fill(count, |page| async {
            let entries: Vec<Entry> = page.map(entry).collect();
            store.put_revocations(&entries).await
        });
        let before = resident();
        let started = Instant::now();
        let set = self.runtime.block_on(read(&*store));
        let (took, grown) = (started.elapsed(), resident().saturating_sub(before));
        assert_eq!(set.len() as u64, count);
        let entries: Vec<Entry> = set.entries().collect();
        drop(set);
        let one = Service::start(crowded.path(), &[], &entries);
        let other = Service::start(empty.path(), &[], &[]);
        let values = self.compare(&one, &[bearer(&one.mint())], &other)?;
        let values = values.once("microseconds", took.as_secs_f64() * 1e6);
        // Pages are counted, and what reading needs meanwhile: of fewer nothing can be told.
        Ok(if count < 1_000_000 { values } else { values.once("bytes", float(grown) / float(count)) })
    }

    fn users(&self, count: u64) -> Result<Values, String> {
        let (directory, empty) = (temporary(), temporary());
        let path = directory.path().join("store");
        let store = self.open(&path);
        self.fill(count, |page| async {
            let users: Vec<User> = page.map(user).collect();
            store.put_users(&users).await
        });
        let store = &store;
        let reads = |number: u64| async move {
            // As a sign-in does, for users all over the table.
            store.revision().await.unwrap();
            assert_eq!(store.password_schemes().await.unwrap().len() as u64, count.min(2));
            assert!(store.user(&user(number * 7919 % count).name).await.unwrap().is_some());
        };
        let looked_up = self.look_up(reads);
        self.with_store(directory.path(), &path, empty.path(), looked_up)
    }

    fn sessions(&self, count: u64) -> Result<Values, String> {
        let (directory, empty) = (temporary(), temporary());
        let path = directory.path().join("store");
        let store = self.open(&path);
        self.fill(count, |page| async {
            let sessions: Vec<Session> = page.map(session).collect();
            store.put_sessions(&sessions).await
        });
        let store = &store;
        let reads = |number: u64| async move {
            // As a renewal does.
            store.revision().await.unwrap();
            assert!(store.session(&session(number * 7919 % count).id).await.unwrap().is_some());
        };
        let looked_up = self.look_up(reads);
        self.with_store(directory.path(), &path, empty.path(), looked_up)
    }

    fn tokens(&self, count: u64) -> Result<Values, String> {
        let directory = temporary();
        let service = Service::start(directory.path(), &[], &[]);
        let shown: Vec<String> = (0..count).map(|_| bearer(&service.mint())).collect();
        self.compare(&service, &shown, &service)
    }

    fn open(&self, path: &Path) -> Arc<dyn Store> {
        self.runtime.block_on(store::open(&StoreAddress::Sqlite(path.to_owned()), Access::Create)).unwrap()
    }

    fn fill<Filling>(&self, count: u64, page: impl Fn(std::ops::Range<u64>) -> Filling)
    where
        Filling: Future<Output = Result<(), store::StoreError>>,
    {
        for first in (0..count).step_by(usize::try_from(PAGE).unwrap()) {
            self.runtime.block_on(page(first..(first + PAGE).min(count))).unwrap();
        }
    }

    /// Microseconds of one.
    fn look_up<Reading: Future<Output = ()>>(&self, read: impl Fn(u64) -> Reading) -> f64 {
        let started = Instant::now();
        for number in 0..READS {
            self.runtime.block_on(read(number));
        }
        started.elapsed().as_secs_f64() * 1e6 / float(READS)
    }

    /// Decisions of a service on this store, against one with a store of its own.
    fn with_store(&self, data: &Path, store: &Path, empty: &Path, looked_up: f64) -> Result<Values, String> {
        let one = Service::start(data, &[("STORE", format!("sqlite:{}", store.display()))], &[]);
        let other = Service::start(empty, &[], &[]);
        Ok(self.compare(&one, &[bearer(&one.mint())], &other)?.once("microseconds", looked_up))
    }

    fn compare(&self, one: &Service, shown: &[String], other: &Service) -> Result<Values, String> {
        let path = "/auth/nginx";
        let of_other = [bearer(&other.mint())];
        let crowded = Asking { address: one.address, path, shown, client: CLIENT, status: 200 };
        let empty = Asking { address: other.address, path, shown: &of_other, client: CLIENT, status: 200 };
        let compared = Comparison::run(&crowded, &empty, self.rounds, self.length)?;
        let ([of_one, of_other], [time, other_time]) = (compared.per_second(), compared.server_microseconds());
        Ok(Values::default()
            .with("per_second", spread(&of_one))
            .with("speed", ratios(&of_one, &of_other))
            .with("time", ratios(&time, &other_time)))
    }
}

fn entry(number: u64) -> Entry {
    let id = RevokedId::token(&token_id(Revision::new(1), unlike_others(number)));
    Entry { id, reach: Reach::Itself, revision: Revision::NONE, expires_at: u64::from(u32::MAX) }
}

fn session(number: u64) -> Session {
    let now = now();
    Session {
        id: SessionId::new(unlike_others(number)),
        user: user(number).name,
        signed_in_by: SignedInBy::Password,
        created_at: now,
        last_seen_at: now,
        ends_at: now + 30 * 24 * 3600,
        device: "Firefox on Linux".into(),
        network: "192.0.2.0/24".into(),
    }
}

fn unlike_others(number: u64) -> [u8; RANDOM_BYTES] {
    let mut bytes = [0; RANDOM_BYTES];
    // Spread all over the index, as random names are.
    bytes[..8].copy_from_slice(&number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes());
    bytes
}

fn user(number: u64) -> User {
    let scheme = if number.is_multiple_of(2) { "$argon2id$v=19$m=19456,t=2,p=1$" } else { "$2y$10$" };
    let hash = format!("{scheme}c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaA");
    User {
        name: UserName::enter(&format!("user-{number:08}")).unwrap(),
        display_name: None,
        email: None,
        groups: Groups::default(),
        password: StoredPassword::new(hash, scheme.into()),
        disabled: false,
        created_at: 1,
        updated_at: 1,
    }
}

/// The revocations as the service reads them.
async fn read(store: &dyn Store) -> RevocationSet {
    let mut set = RevocationSet::default();
    let mut since = Revision::NONE;
    loop {
        let changes = store.changes(since, READ_PAGE).await.unwrap();
        set = set.with(&changes.entries);
        match changes.entries.last() {
            Some(last) if changes.entries.len() == READ_PAGE => since = last.revision,
            Some(_) | None => return set,
        }
    }
}

/// Resident memory of this process, in bytes (Linux).
fn resident() -> u64 {
    let text = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: u64 = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}
