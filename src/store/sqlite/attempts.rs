//! Attempts to sign in, one number for each bucket; and digests that are remembered for a time.

use super::{clock, clock_ms};
use crate::check::revocation::ID_BYTES;
use crate::store::user::signed;
use crate::store::{Bucket, Level};
use rusqlite::{Connection, OptionalExtension, Row, params};

pub(super) fn take(connection: &Connection, buckets: &[Bucket]) -> rusqlite::Result<Option<u64>> {
    let now_ms = clock_ms(connection)?;
    let mut taken = Vec::with_capacity(buckets.len());
    for bucket in buckets {
        match bucket.take(level(connection, bucket)?, now_ms) {
            Ok(level) => taken.push((bucket.key, level)),
            Err(wait) => return Ok(Some(wait)),
        }
    }
    for (key, level) in taken {
        write(connection, key, level)?;
    }
    Ok(None)
}

pub(super) fn give_back(connection: &Connection, buckets: &[Bucket]) -> rusqlite::Result<()> {
    for bucket in buckets {
        if let Some(level) = level(connection, bucket)? {
            write(connection, bucket.key, bucket.give_back(level))?;
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
    statement.exists(params![key, signed(clock::believed_ms(connection)?)])
}

fn level(connection: &Connection, bucket: &Bucket) -> rusqlite::Result<Option<Level>> {
    let mut statement = connection.prepare_cached("SELECT full_at_ms, written_at_ms FROM attempts WHERE key = ?1")?;
    let number = |row: &Row<'_>, at| row.get::<_, i64>(at).map(i64::unsigned_abs);
    let read = |row: &Row<'_>| Ok(Level { full_at_ms: number(row, 0)?, written_at_ms: number(row, 1)? });
    statement.query_row([bucket.key], read).optional()
}

fn write(connection: &Connection, key: [u8; ID_BYTES], level: Level) -> rusqlite::Result<()> {
    let replace = "REPLACE INTO attempts (key, full_at_ms, written_at_ms) VALUES (?1, ?2, ?3)";
    let values = params![key, signed(level.full_at_ms), signed(level.written_at_ms)];
    connection.prepare_cached(replace)?.execute(values).map(drop)
}
