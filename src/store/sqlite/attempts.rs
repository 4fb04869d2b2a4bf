//! Attempts to sign in, one number for each bucket; and digests that are remembered for a time.

use super::clock_ms;
use crate::check::revocation::ID_BYTES;
use crate::store::Bucket;
use crate::store::user::signed;
use rusqlite::{Connection, OptionalExtension, params};

pub(super) fn take(connection: &Connection, buckets: &[Bucket]) -> rusqlite::Result<Option<u64>> {
    let now_ms = clock_ms(connection)?;
    let mut taken = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        match bucket.take(full_at(connection, bucket)?, now_ms) {
            Ok(full_at_ms) => taken.push((bucket.key, full_at_ms)),
            Err(wait) => return Ok(Some(wait)),
        }
    }
    for (key, full_at_ms) in taken {
        write(connection, key, full_at_ms)?;
    }
    Ok(None)
}

pub(super) fn give_back(connection: &Connection, buckets: &[Bucket]) -> rusqlite::Result<()> {
    for bucket in buckets {
        if let Some(full_at_ms) = full_at(connection, bucket)? {
            write(connection, bucket.key, bucket.give_back(full_at_ms))?;
        }
    }
    Ok(())
}

pub(super) fn forget(connection: &Connection, keys: &[[u8; ID_BYTES]]) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("DELETE FROM attempts WHERE key = ?1")?;
    keys.iter().try_for_each(|key| statement.execute([key]).map(drop))
}

pub(super) fn remember(connection: &Connection, key: [u8; ID_BYTES], seconds: u64) -> rusqlite::Result<bool> {
    let is_new = !remembers(connection, key)?;
    let until_ms = clock_ms(connection)?.saturating_add(seconds.saturating_mul(1000));
    let mut statement = connection.prepare_cached("REPLACE INTO remembered (key, until_ms) VALUES (?1, ?2)")?;
    statement.execute(params![key, signed(until_ms)])?;
    Ok(is_new)
}

pub(super) fn remembers(connection: &Connection, key: [u8; ID_BYTES]) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM remembered WHERE key = ?1 AND until_ms > ?2")?;
    statement.exists(params![key, signed(clock_ms(connection)?)])
}

fn full_at(connection: &Connection, bucket: &Bucket) -> rusqlite::Result<Option<u64>> {
    let mut statement = connection.prepare_cached("SELECT full_at_ms FROM attempts WHERE key = ?1")?;
    let number: Option<i64> = statement.query_row([bucket.key], |row| row.get(0)).optional()?;
    Ok(number.map(i64::unsigned_abs))
}

fn write(connection: &Connection, key: [u8; ID_BYTES], full_at_ms: u64) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("REPLACE INTO attempts (key, full_at_ms) VALUES (?1, ?2)")?;
    statement.execute(params![key, signed(full_at_ms)]).map(drop)
}
