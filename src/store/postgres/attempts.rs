//! Attempts to sign in, one number for each bucket; and digests that are remembered for a time.
//!
//! Rows are always locked in the order of their keys, so that no two callers wait for each other.

use super::connection::{Failure, execute, row, rows};
use crate::check::revocation::ID_BYTES;
use crate::store::Bucket;
use crate::store::user::signed;
use deadpool_postgres::{GenericClient, Transaction};
use std::collections::BTreeMap;
use tokio_postgres::Row;

/// What follows in this transaction is not worth the wait for the disk: see [`Store`](crate::store::Store). Others wait for
/// its locks, and would wait for the disk once for each before them. A crash of the database forgets what came within a second.
const IN_PASSING: &str = "SELECT set_config('synchronous_commit', 'off', true)";

/// A sum with the time must still be a number of the database.
const LONGEST_MS: i64 = i64::MAX / 2;

/// When buckets are full again, by their keys.
type FullAt = BTreeMap<Vec<u8>, u64>;

/// Whether one of these is empty, without a lock and without a trace: a flood of attempts must not be one of writes.
pub(super) async fn wait(client: &impl GenericClient, buckets: &[Bucket]) -> Result<Option<u64>, Failure> {
    let select = "SELECT key, full_at_ms, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint \
         FROM samehand.attempts WHERE key = ANY($1)";
    let (mut full_at, now_ms) = read(&rows(client, select, &[&keys(buckets)]).await?)?;
    Ok(take_all(buckets, &mut full_at, now_ms).err())
}

pub(super) async fn take(transaction: &Transaction<'_>, buckets: &[Bucket]) -> Result<Option<u64>, Failure> {
    // A row that is not there cannot be locked.
    let lock = "INSERT INTO samehand.attempts AS known (key, full_at_ms) SELECT unnest($1::bytea[]), 0 \
         ON CONFLICT (key) DO UPDATE SET full_at_ms = known.full_at_ms \
         RETURNING key, full_at_ms, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    row(transaction, IN_PASSING, &[]).await?;
    let (mut full_at, now_ms) = read(&rows(transaction, lock, &[&keys(buckets)]).await?)?;
    match take_all(buckets, &mut full_at, now_ms) {
        Ok(()) => write(transaction, full_at).await.map(|()| None),
        Err(wait) => Ok(Some(wait)),
    }
}

pub(super) async fn give_back(transaction: &Transaction<'_>, buckets: &[Bucket]) -> Result<(), Failure> {
    let lock = "SELECT key, full_at_ms, 0::bigint FROM samehand.attempts WHERE key = ANY($1) ORDER BY key FOR UPDATE";
    row(transaction, IN_PASSING, &[]).await?;
    let (mut full_at, _) = read(&rows(transaction, lock, &[&keys(buckets)]).await?)?;
    for bucket in buckets {
        if let Some(full_at_ms) = full_at.get_mut(&bucket.key[..]) {
            *full_at_ms = bucket.give_back(*full_at_ms);
        }
    }
    write(transaction, full_at).await
}

pub(super) async fn forget(client: &impl GenericClient, keys: &[[u8; ID_BYTES]]) -> Result<(), Failure> {
    let delete = "WITH locked AS (SELECT key FROM samehand.attempts WHERE key = ANY($1) ORDER BY key FOR UPDATE) \
         DELETE FROM samehand.attempts AS known USING locked WHERE known.key = locked.key";
    let keys: Vec<&[u8]> = keys.iter().map(|key| &key[..]).collect();
    execute(client, delete, &[&keys]).await.map(drop)
}

pub(super) async fn remember(
    transaction: &Transaction<'_>,
    key: [u8; ID_BYTES],
    seconds: u64,
) -> Result<bool, Failure> {
    let lock = "INSERT INTO samehand.remembered AS known (key, until_ms) VALUES ($1, 0) \
         ON CONFLICT (key) DO UPDATE SET until_ms = known.until_ms \
         RETURNING until_ms > floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    let update = "UPDATE samehand.remembered \
         SET until_ms = floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint + $2 WHERE key = $1";
    row(transaction, IN_PASSING, &[]).await?;
    let was_remembered = row(transaction, lock, &[&&key[..]]).await?.map(|row| row.try_get(0)).transpose()?;
    let milliseconds = signed(seconds.saturating_mul(1000)).min(LONGEST_MS);
    execute(transaction, update, &[&&key[..], &milliseconds]).await?;
    Ok(was_remembered != Some(true))
}

pub(super) async fn remembers(client: &impl GenericClient, key: [u8; ID_BYTES]) -> Result<bool, Failure> {
    let select = "SELECT FROM samehand.remembered WHERE key = $1 \
         AND until_ms > floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    Ok(row(client, select, &[&&key[..]]).await?.is_some())
}

fn take_all(buckets: &[Bucket], full_at: &mut FullAt, now_ms: u64) -> Result<(), u64> {
    for bucket in buckets {
        let taken = bucket.take(full_at.get(&bucket.key[..]).copied(), now_ms)?;
        full_at.insert(bucket.key.to_vec(), taken);
    }
    Ok(())
}

/// In order, and each once.
fn keys(buckets: &[Bucket]) -> Vec<&[u8]> {
    let mut keys: Vec<&[u8]> = buckets.iter().map(|bucket| &bucket.key[..]).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The rows, and the latest time at which one was locked.
fn read(rows: &[Row]) -> Result<(FullAt, u64), Failure> {
    let (mut full_at, mut now_ms) = (FullAt::new(), 0);
    for row in rows {
        full_at.insert(row.try_get(0)?, row.try_get::<_, i64>(1)?.unsigned_abs());
        now_ms = now_ms.max(row.try_get::<_, i64>(2)?.unsigned_abs());
    }
    Ok((full_at, now_ms))
}

async fn write(transaction: &Transaction<'_>, full_at: FullAt) -> Result<(), Failure> {
    let update = "UPDATE samehand.attempts AS known SET full_at_ms = new.full_at_ms \
         FROM unnest($1::bytea[], $2::bigint[]) AS new (key, full_at_ms) WHERE known.key = new.key";
    let (keys, times): (Vec<Vec<u8>>, Vec<i64>) =
        full_at.into_iter().map(|(key, full_at_ms)| (key, signed(full_at_ms))).unzip();
    execute(transaction, update, &[&keys, &times]).await.map(drop)
}
