//! How long very many rows take. The figures are printed; what is held is far more than they are.
//!
//! `cargo test --release --test stores postgres::speed -- --nocapture`

use super::super::conformance::{now, run};
use crate::support::postgres::Postgres;
use crate::support::waiting::is_in_time;
use samehand::check::identifiers::Revision;
use samehand::check::revocation::{Entry, Reach, RevokedId};
use samehand::store::{self, Access};
use std::time::{Duration, Instant};

const MILLION: usize = 1_000_000;
/// So many come from a replica, and the rest from nowhere: writing them is not what is measured.
const GIVEN_BACK: usize = 50_000;
/// As a follower reads.
const PAGE: usize = 20_000;

const FILL: &str = "WITH latest AS (UPDATE samehand.latest_revision SET revision = revision + 950000 \
     RETURNING revision - 950000 AS before) \
     INSERT INTO samehand.revocations SELECT substr(sha256(number::text::bytea), 1, 16), NULL, before + number, \
     extract(epoch FROM now())::bigint + 3600 FROM latest, generate_series(1, 950000) AS number";

#[test]
fn a_million_revocations_are_read_in_seconds() {
    run(async {
        let database = Postgres::shared().database();
        let store = store::open(&database.store(), Access::Create).await.unwrap();
        let expires_at = now(&*store).await + 3600;
        let entry = |number: usize| Entry {
            id: RevokedId::token(&number.to_string()),
            reach: Reach::Itself,
            revision: Revision::NONE,
            expires_at,
        };
        let entries: Vec<Entry> = (0..GIVEN_BACK).map(entry).collect();
        let start = Instant::now();
        store.put_revocations(&entries).await.unwrap();
        println!("{GIVEN_BACK} revocations are given back in {:?}", start.elapsed());
        Postgres::shared().sql(database.name(), FILL);
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
        println!("a million revocations are read in {:?}", start.elapsed());
        assert_eq!(read, MILLION);
        assert!(is_in_time(start.elapsed(), Duration::from_secs(20)), "{:?}", start.elapsed());
    });
}
