//! What replicas share beside users, sessions and revocations: the sealed key ring, and what each says about itself.

use super::{ChangeError, clock, clock_ms};
use crate::check::revocation::CLOCKS_APART;
use crate::store::replica;
use crate::store::user::signed;
use crate::store::{Replica, SealedKeys};
use rusqlite::{Connection, OptionalExtension, params};

pub(super) fn keys(connection: &Connection) -> rusqlite::Result<Option<SealedKeys>> {
    let mut statement = connection.prepare_cached("SELECT version, sealed FROM key_ring")?;
    let read =
        |row: &rusqlite::Row<'_>| Ok(SealedKeys { version: row.get::<_, i64>(0)?.unsigned_abs(), sealed: row.get(1)? });
    statement.query_row([], read).optional()
}

pub(super) fn keys_version(connection: &Connection) -> rusqlite::Result<Option<u64>> {
    let mut statement = connection.prepare_cached("SELECT version FROM key_ring")?;
    let version: Option<i64> = statement.query_row([], |row| row.get(0)).optional()?;
    Ok(version.map(i64::unsigned_abs))
}

pub(super) fn put_keys(connection: &Connection, sealed: &[u8], replaces: u64) -> rusqlite::Result<bool> {
    if keys_version(connection)?.unwrap_or(0) != replaces {
        return Ok(false);
    }
    let replace = "REPLACE INTO key_ring (only, version, sealed) VALUES (1, ?1, ?2)";
    connection.execute(replace, params![signed(replaces + 1), sealed])?;
    Ok(true)
}

pub(super) fn announce(connection: &Connection, replica: &Replica, within: u64) -> Result<Vec<Replica>, ChangeError> {
    let now = clock_ms(connection)? / 1000;
    let settings = replica.settings_text().map_err(ChangeError::Damaged)?;
    let replace = "REPLACE INTO replicas (name, settings, seen_at) VALUES (?1, ?2, ?3)";
    connection.execute(replace, params![replica.name, settings, signed(now)])?;
    let mut statement = connection
        .prepare_cached("SELECT name, settings FROM replicas WHERE name <> ?1 AND seen_at >= ?2 ORDER BY name")?;
    let since = signed(now.saturating_sub(within));
    let rows: Vec<(String, String)> = statement
        .query_map(params![replica.name, since], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let read = |(name, settings): (String, String)| Replica::read(name, &settings).map_err(ChangeError::Damaged);
    rows.into_iter().map(read).collect()
}

pub(super) fn purge(connection: &Connection, now: u64) -> rusqlite::Result<()> {
    let now_ms = signed(now.saturating_mul(1000));
    let over = signed(now.saturating_sub(CLOCKS_APART));
    if clock::forget_until(connection, over)? {
        connection.execute("DELETE FROM revocations WHERE expires_at <= ?1", [over])?;
    }
    connection.execute("DELETE FROM sessions WHERE ends_at <= ?1", [signed(now)])?;
    connection.execute("DELETE FROM attempts WHERE full_at_ms <= ?1", [now_ms])?;
    connection.execute("DELETE FROM remembered WHERE until_ms <= ?1", [now_ms])?;
    let gone = signed(now.saturating_sub(replica::MEMORY));
    connection.execute("DELETE FROM replicas WHERE seen_at < ?1", [gone]).map(drop)
}
