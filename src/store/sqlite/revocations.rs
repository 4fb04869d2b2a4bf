//! Revocations as rows of the table, in the order of their revisions.
//!
//! The one writer of SQLite makes the order exact: a revision is taken and becomes visible in one transaction.

use super::clock_ms;
use crate::check::identifiers::Revision;
use crate::check::revocation::{Entry, ID_BYTES};
use crate::store::revocation::{RevocationRow, after_all, read_revision};
use crate::store::user::signed;
use crate::store::{Changes, Revocation, Revoked};
use rusqlite::{Connection, OptionalExtension, Row, params};

pub(super) fn latest(connection: &Connection) -> rusqlite::Result<Revision> {
    let mut statement = connection.prepare_cached("SELECT revision FROM latest_revision")?;
    statement.query_row([], |row| row.get(0)).map(read_revision)
}

pub(super) fn revoke(connection: &Connection, revocations: &[Revocation]) -> rusqlite::Result<Revoked> {
    let now_ms = clock_ms(connection)?;
    let mut revision = latest(connection)?;
    let mut revoked = Revoked::default();
    for revocation in revocations {
        revision = revision.next(now_ms);
        let (session_ends_at, ended) = end_sessions(connection, revocation)?;
        let entry = revocation.entry(revision, session_ends_at);
        write(connection, &entry)?;
        revoked.entries.push(entry);
        revoked.sessions += ended as u64;
    }
    note_latest(connection, revision)?;
    Ok(revoked)
}

/// Removes the sessions that a revocation ends: how many they were, and of a single one when it would have ended.
fn end_sessions(connection: &Connection, revocation: &Revocation) -> rusqlite::Result<(Option<u64>, usize)> {
    match revocation {
        Revocation::Token { .. } => Ok((None, 0)),
        Revocation::Session(sid) => {
            let delete = "DELETE FROM sessions WHERE id = ?1 RETURNING ends_at";
            let ends_at: Option<i64> =
                connection.prepare_cached(delete)?.query_row([sid.as_str()], |row| row.get(0)).optional()?;
            Ok((ends_at.map(i64::unsigned_abs), usize::from(ends_at.is_some())))
        }
        Revocation::User(name) => {
            let ended = connection.execute("DELETE FROM sessions WHERE user_name = ?1", [name.as_str()])?;
            Ok((None, ended))
        }
        Revocation::Everything => Ok((None, connection.execute("DELETE FROM sessions", [])?)),
    }
}

pub(super) fn put(connection: &Connection, entries: &[Entry]) -> rusqlite::Result<()> {
    let now_ms = clock_ms(connection)?;
    let mut revision = after_all(latest(connection)?, entries);
    for entry in entries {
        revision = revision.next(now_ms);
        write(connection, &Entry { revision, ..*entry })?;
    }
    note_latest(connection, revision)
}

pub(super) fn changes(connection: &Connection, since: Revision, limit: usize) -> rusqlite::Result<Changes> {
    // One transaction, so that the revision is not later than the entries.
    let transaction = connection.unchecked_transaction()?;
    let revision = latest(&transaction)?;
    let select = "SELECT id, earlier_than, revision, expires_at FROM revocations WHERE revision > ?1 \
         ORDER BY revision LIMIT ?2";
    let entries = match revision > since {
        true => {
            let mut statement = transaction.prepare_cached(select)?;
            statement
                .query_map(params![signed(since.number()), signed(limit as u64)], read_row)?
                .collect::<Result<_, _>>()?
        }
        false => Vec::new(),
    };
    let keys_version = super::shared::keys_version(&transaction)?;
    let noted = super::clock::noted(&transaction)?;
    Ok(Changes { entries, revision, clock_ms: clock_ms(&transaction)?, noted, keys_version, warning: None })
}

/// Of two about the same, the one that reaches farther and expires later holds.
fn write(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let upsert = "INSERT INTO revocations (id, earlier_than, revision, expires_at) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (id) DO UPDATE SET earlier_than = max(earlier_than, excluded.earlier_than), \
         revision = excluded.revision, expires_at = max(expires_at, excluded.expires_at)";
    let row = RevocationRow::of(entry);
    let values = params![row.id, row.earlier_than, row.revision, row.expires_at];
    connection.prepare_cached(upsert)?.execute(values).map(drop)
}

fn note_latest(connection: &Connection, revision: Revision) -> rusqlite::Result<()> {
    connection.execute("UPDATE latest_revision SET revision = ?1", [signed(revision.number())]).map(drop)
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let row = RevocationRow {
        id: row.get::<_, [u8; ID_BYTES]>(0)?,
        earlier_than: row.get(1)?,
        revision: row.get(2)?,
        expires_at: row.get(3)?,
    };
    Ok(row.entry())
}
