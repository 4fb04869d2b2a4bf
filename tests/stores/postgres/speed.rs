//! How long very many rows take. The figures are printed; what is held is far more than they are.
//!
//! `cargo test --release --test stores postgres::speed -- --nocapture`

use super::super::conformance::{now, run};
use crate::support::postgres::Postgres;
use samehand::check::identifiers::Revision;
use samehand::check::revocation::{Entry, Reach, RevokedId};
use samehand::store::{self, Access};
use std::time::{Duration, Instant};

const MILLION: usize = 1_000_000;
/// As a follower reads.
const PAGE: usize = 20_000;

#[test]
fn a_million_revocations_are_given_back_and_read_again() {
    run(async {
        let store = store::open(&Postgres::shared().database().store(), Access::Create).await.unwrap();
        let expires_at = now(&*store).await + 3600;
        let entry = |number: usize| Entry {
            id: RevokedId::token(&number.to_string()),
            reach: Reach::Itself,
            revision: Revision::NONE,
            expires_at,
        };
        let entries: Vec<Entry> = (0..MILLION).map(entry).collect();
        let start = Instant::now();
        store.put_revocations(&entries).await.unwrap();
        println!("a million revocations are written in {:?}", start.elapsed());
        let start = Instant::now();
        let (mut cursor, mut read) = (Revision::NONE, 0);
        loop {
            let changes = store.changes(cursor, PAGE).await.unwrap();
            read += changes.entries.len();
            match changes.entries.last() {
                Some(last) => cursor = last.revision,
                None => break,
            }
        }
        println!("and read in {:?}", start.elapsed());
        assert_eq!(read, MILLION);
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    });
}
