//! Sessions as rows of the table, in both directions.

use crate::check::identifiers::SessionId;
use crate::check::names::UserName;
use crate::store::Session;
use crate::store::session::{SessionRow, latest_seen};
use crate::store::user::signed;
use rusqlite::{Connection, OptionalExtension, Row, params};

const COLUMNS: &str = "id, user_name, signed_in_by, created_at, last_seen_at, ends_at, device, network";

pub(super) fn put(connection: &Connection, sessions: &[Session]) -> rusqlite::Result<()> {
    let replace = format!("REPLACE INTO sessions ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
    let mut statement = connection.prepare_cached(&replace)?;
    for row in sessions.iter().map(SessionRow::of) {
        let times = (row.created_at, row.last_seen_at, row.ends_at);
        statement.execute(params![
            row.id,
            row.user_name,
            row.signed_in_by,
            times.0,
            times.1,
            times.2,
            row.device,
            row.network
        ])?;
    }
    Ok(())
}

pub(super) fn read(connection: &Connection, sid: &SessionId) -> rusqlite::Result<Option<SessionRow>> {
    let select = format!("SELECT {COLUMNS} FROM sessions WHERE id = ?1");
    connection.prepare_cached(&select)?.query_row([sid.as_str()], read_row).optional()
}

pub(super) fn read_after(
    connection: &Connection,
    user: Option<&UserName>,
    after: Option<&SessionId>,
    limit: usize,
) -> rusqlite::Result<Vec<SessionRow>> {
    let of_user = if user.is_some() { "user_name = ?3 AND" } else { "?3 IS NULL AND" };
    let select = format!("SELECT {COLUMNS} FROM sessions WHERE {of_user} id > ?1 ORDER BY id LIMIT ?2");
    // No name is empty, so all of them come after the empty one.
    let after = after.map_or("", SessionId::as_str);
    let values = params![after, signed(limit as u64), user.map(UserName::as_str)];
    connection.prepare_cached(&select)?.query_map(values, read_row)?.collect()
}

pub(super) fn note_seen(connection: &Connection, seen: &[(SessionId, u64)]) -> rusqlite::Result<()> {
    let update = "UPDATE sessions SET last_seen_at = iif(last_seen_at > ?3, ?2, max(last_seen_at, ?2)) WHERE id = ?1";
    let mut statement = connection.prepare_cached(update)?;
    for (sid, at) in seen {
        statement.execute(params![sid.as_str(), signed(*at), signed(latest_seen(*at))])?;
    }
    Ok(())
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<SessionRow> {
    Ok(SessionRow {
        id: row.get(0)?,
        user_name: row.get(1)?,
        signed_in_by: row.get(2)?,
        created_at: row.get(3)?,
        last_seen_at: row.get(4)?,
        ends_at: row.get(5)?,
        device: row.get(6)?,
        network: row.get(7)?,
    })
}
