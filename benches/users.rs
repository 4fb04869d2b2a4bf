//! What many users cost: the time for what a sign-in reads in the store, with a few users and with a million. The service
//! keeps no user in memory. Run with `cargo bench --bench users`.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot start says so and stops")]

use samehand::check::names::{Groups, UserName};
use samehand::store::{self, Access, Store, StoreAddress, StoredPassword, User};
use std::time::Instant;

/// Users written at a time.
const PAGE: u64 = 20_000;
/// Sign-ins that are read for.
const READS: u64 = 10_000;

fn main() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("| users | reads of a sign-in, µs each | file, MB |");
    println!("|---|---|---|");
    for count in [10, 1_000_000] {
        let path = directory.path().join(format!("{count}.sqlite"));
        let store = runtime.block_on(store::open(&StoreAddress::Sqlite(path.clone()), Access::Create)).unwrap();
        runtime.block_on(fill(&*store, count));
        let started = Instant::now();
        runtime.block_on(read(&*store, count));
        let each = started.elapsed().as_micros() / u128::from(READS);
        println!("| {count} | {each} | {} |", path.metadata().unwrap().len() / 1_000_000);
    }
}

async fn fill(store: &dyn Store, count: u64) {
    for first in (0..count).step_by(usize::try_from(PAGE).unwrap()) {
        let users: Vec<User> = (first..(first + PAGE).min(count)).map(user).collect();
        store.put_users(&users).await.unwrap();
    }
}

/// As a sign-in does, for users all over the table.
async fn read(store: &dyn Store, count: u64) {
    for number in 0..READS {
        store.revision().await.unwrap();
        assert_eq!(store.password_schemes().await.unwrap().len(), 2);
        let name = user(number * 7919 % count).name;
        assert!(store.user(&name).await.unwrap().is_some());
    }
}

fn user(number: u64) -> User {
    let scheme = if number.is_multiple_of(2) { "$argon2id$v=19$m=19456,t=2,p=1$" } else { "$2y$10$" };
    User {
        name: UserName::enter(&format!("user-{number:08}")).unwrap(),
        display_name: None,
        email: None,
        groups: Groups::default(),
        password: StoredPassword::new(
            format!("{scheme}c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaA"),
            scheme.into(),
        ),
        disabled: false,
        created_at: 1,
        updated_at: 1,
    }
}
