//! The audit trail as rows of its table, in the order in which they came.

use crate::store::TrailEntry;
use crate::store::trail::MOST;
use crate::store::user::signed;
use rusqlite::{Connection, params};

pub(super) fn note(connection: &Connection, entries: &[TrailEntry]) -> rusqlite::Result<()> {
    for entry in entries {
        let insert = "INSERT INTO trail (noted_at, entry) VALUES (?1, ?2)";
        connection.prepare_cached(insert)?.execute(params![signed(entry.time), entry.to_json().to_string()])?;
    }
    let trim = "DELETE FROM trail WHERE position <= (SELECT max(position) FROM trail) - ?1";
    connection.prepare_cached(trim)?.execute([signed(MOST)]).map(drop)
}

pub(super) fn latest(connection: &Connection) -> rusqlite::Result<u64> {
    let select = "SELECT coalesce(max(position), 0) FROM trail";
    connection.prepare_cached(select)?.query_row([], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs)
}

pub(super) fn after(connection: &Connection, position: u64, limit: usize) -> rusqlite::Result<Vec<(u64, String)>> {
    let select = "SELECT position, entry FROM trail WHERE position > ?1 ORDER BY position LIMIT ?2";
    let mut statement = connection.prepare_cached(select)?;
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?));
    statement.query_map(params![signed(position), signed(limit as u64)], read)?.collect()
}

pub(super) fn forget(connection: &Connection, before: u64) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM trail WHERE noted_at < ?1", [signed(before)]).map(drop)
}
