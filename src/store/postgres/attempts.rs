//! Attempts to sign in, one number for each bucket; and digests that are remembered for a time.
//!
//! Rows are always locked in the order of their keys, so that no two callers wait for each other.

use super::connection::{Failure, execute, row, rows};
use crate::check::revocation::ID_BYTES;
use crate::store::user::signed;
use crate::store::{Bucket, Level, Noted};
use deadpool_postgres::{GenericClient, Transaction};
use std::collections::BTreeMap;
use tokio_postgres::Row;

/// What follows in this transaction is not worth the wait for the disk: see [`Store`](crate::store::Store). Others wait for
/// its locks, and would wait for the disk once for each before them. A crash of the database forgets what came within a second.
const IN_PASSING: &str = "SELECT set_config('synchronous_commit', 'off', true)";

/// A sum with the time must still be a number of the database.
const LONGEST_MS: i64 = i64::MAX / 2;

/// The levels of buckets, by their keys.
type Levels = BTreeMap<Vec<u8>, Level>;

/// Whether one of these is empty, without a lock and without a trace: a flood of attempts must not be one of writes.
pub(super) async fn wait(client: &impl GenericClient, buckets: &[Bucket]) -> Result<Option<u64>, Failure> {
    let select = "SELECT key, full_at_ms, written_at_ms, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint \
         FROM samehand.attempts WHERE key = ANY($1)";
    let (mut levels, now_ms) = read(&rows(client, select, &[&keys(buckets)]).await?)?;
    Ok(take_all(buckets, &mut levels, now_ms).err())
}

pub(super) async fn take(transaction: &Transaction<'_>, buckets: &[Bucket]) -> Result<Option<u64>, Failure> {
    // A row that is not there cannot be locked.
    let lock = "INSERT INTO samehand.attempts AS known (key, full_at_ms) SELECT unnest($1::bytea[]), 0 \
         ON CONFLICT (key) DO UPDATE SET full_at_ms = known.full_at_ms \
         RETURNING key, full_at_ms, written_at_ms, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    row(transaction, IN_PASSING, &[]).await?;
    let (mut levels, now_ms) = read(&rows(transaction, lock, &[&keys(buckets)]).await?)?;
    match take_all(buckets, &mut levels, now_ms) {
        Ok(()) => write(transaction, levels).await.map(|()| None),
        Err(wait) => Ok(Some(wait)),
    }
}

pub(super) async fn give_back(transaction: &Transaction<'_>, buckets: &[Bucket]) -> Result<(), Failure> {
    let lock = "SELECT key, full_at_ms, written_at_ms, 0::bigint FROM samehand.attempts WHERE key = ANY($1) ORDER BY key FOR UPDATE";
    row(transaction, IN_PASSING, &[]).await?;
    let (mut levels, _) = read(&rows(transaction, lock, &[&keys(buckets)]).await?)?;
    for bucket in buckets {
        if let Some(level) = levels.get_mut(&bucket.key[..]) {
            *level = bucket.give_back(*level);
        }
    }
    write(transaction, levels).await
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
         RETURNING until_ms, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint, \
         (SELECT mark_ms FROM samehand.clock)";
    let update = "UPDATE samehand.remembered \
         SET until_ms = floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint + $2 WHERE key = $1";
    row(transaction, IN_PASSING, &[]).await?;
    let known = row(transaction, lock, &[&&key[..]]).await?;
    let was_remembered = known.map(|row| is_remembered(&row)).transpose()?;
    let milliseconds = signed(seconds.saturating_mul(1000)).min(LONGEST_MS);
    execute(transaction, update, &[&&key[..], &milliseconds]).await?;
    Ok(was_remembered != Some(true))
}

pub(super) async fn remembers(client: &impl GenericClient, key: [u8; ID_BYTES]) -> Result<bool, Failure> {
    let select = "SELECT until_ms, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint, \
         (SELECT mark_ms FROM samehand.clock) FROM samehand.remembered WHERE key = $1";
    row(client, select, &[&&key[..]]).await?.map_or(Ok(false), |row| is_remembered(&row))
}

/// By the clock, but no later than its mark lets it be believed: the columns are until when, the clock, and the mark.
fn is_remembered(row: &Row) -> Result<bool, Failure> {
    let number = |at| row.try_get::<_, i64>(at).map(i64::unsigned_abs);
    let noted = Noted { mark_ms: number(2)?, ..Noted::default() };
    Ok(number(0)? > noted.at_most_believed(number(1)?))
}

fn take_all(buckets: &[Bucket], levels: &mut Levels, now_ms: u64) -> Result<(), u64> {
    for bucket in buckets {
        let taken = bucket.take(levels.get(&bucket.key[..]).copied(), now_ms)?;
        levels.insert(bucket.key.to_vec(), taken);
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
fn read(rows: &[Row]) -> Result<(Levels, u64), Failure> {
    let (mut levels, mut now_ms) = (Levels::new(), 0);
    for row in rows {
        let number = |at| row.try_get::<_, i64>(at).map(i64::unsigned_abs);
        levels.insert(row.try_get(0)?, Level { full_at_ms: number(1)?, written_at_ms: number(2)? });
        now_ms = now_ms.max(number(3)?);
    }
    Ok((levels, now_ms))
}

async fn write(transaction: &Transaction<'_>, levels: Levels) -> Result<(), Failure> {
    let update = "UPDATE samehand.attempts AS known SET full_at_ms = new.full_at_ms, written_at_ms = new.written_at_ms \
         FROM unnest($1::bytea[], $2::bigint[], $3::bigint[]) AS new (key, full_at_ms, written_at_ms) \
         WHERE known.key = new.key";
    let keys: Vec<&[u8]> = levels.keys().map(Vec::as_slice).collect();
    let full_at: Vec<i64> = levels.values().map(|level| signed(level.full_at_ms)).collect();
    let written_at: Vec<i64> = levels.values().map(|level| signed(level.written_at_ms)).collect();
    execute(transaction, update, &[&keys, &full_at, &written_at]).await.map(drop)
}
