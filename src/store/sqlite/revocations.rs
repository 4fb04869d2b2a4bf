//! Revocations as rows of the table, in the order of their revisions.
//!
//! The one writer of SQLite makes the order exact: a revision is taken and becomes visible in one transaction.

use super::clock_ms;
use crate::check::identifiers::Revision;
use crate::check::revocation::{Entry, ID_BYTES, LONGEST_LIFETIME, Reach, RevokedId};
use crate::store::user::signed;
use crate::store::{Changes, Revocation, Revoked};
use rusqlite::{Connection, OptionalExtension, Row, params};

pub(super) fn latest(connection: &Connection) -> rusqlite::Result<Revision> {
    let mut statement = connection.prepare_cached("SELECT revision FROM latest_revision")?;
    statement.query_row([], |row| row.get(0)).map(revision)
}

pub(super) fn revoke(connection: &Connection, revocations: &[Revocation]) -> rusqlite::Result<Revoked> {
    let now_ms = clock_ms(connection)?;
    let mut revision = latest(connection)?;
    let mut revoked = Revoked::default();
    for revocation in revocations {
        revision = revision.next(now_ms);
        let longest = revision.seconds().saturating_add(LONGEST_LIFETIME);
        let (id, reach, expires_at, ended) = match revocation {
            Revocation::Token { id, expires_at } => (*id, Reach::Itself, *expires_at, 0),
            Revocation::Session(sid) => {
                let delete = "DELETE FROM sessions WHERE id = ?1 RETURNING ends_at";
                let ends_at: Option<i64> =
                    connection.prepare_cached(delete)?.query_row([sid.as_str()], |row| row.get(0)).optional()?;
                let expires_at = ends_at.map_or(longest, i64::unsigned_abs);
                (RevokedId::session(sid), Reach::Itself, expires_at, usize::from(ends_at.is_some()))
            }
            Revocation::User(name) => {
                let ended = connection.execute("DELETE FROM sessions WHERE user_name = ?1", [name.as_str()])?;
                (RevokedId::user(name), Reach::Earlier(revision), longest, ended)
            }
            Revocation::Everything => {
                let ended = connection.execute("DELETE FROM sessions", [])?;
                (RevokedId::EVERYTHING, Reach::Earlier(revision), longest, ended)
            }
        };
        let entry = Entry { id, reach, revision, expires_at };
        write(connection, &entry)?;
        revoked.entries.push(entry);
        revoked.sessions += ended as u64;
    }
    note_latest(connection, revision)?;
    Ok(revoked)
}

pub(super) fn put(connection: &Connection, entries: &[Entry]) -> rusqlite::Result<()> {
    let now_ms = clock_ms(connection)?;
    let reached = entries.iter().filter_map(|entry| match entry.reach {
        Reach::Earlier(than) => Some(than),
        Reach::Itself => None,
    });
    let mut revision = reached.fold(latest(connection)?, Revision::max);
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
    Ok(Changes { entries, revision, clock_ms: clock_ms(&transaction)?, keys_version, warning: None })
}

/// Of two about the same, the one that reaches farther and expires later holds.
fn write(connection: &Connection, entry: &Entry) -> rusqlite::Result<()> {
    let upsert = "INSERT INTO revocations (id, earlier_than, revision, expires_at) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (id) DO UPDATE SET earlier_than = max(earlier_than, excluded.earlier_than), \
         revision = excluded.revision, expires_at = max(expires_at, excluded.expires_at)";
    let earlier_than = match entry.reach {
        Reach::Itself => None,
        Reach::Earlier(than) => Some(signed(than.number())),
    };
    let values = params![entry.id.bytes(), earlier_than, signed(entry.revision.number()), signed(entry.expires_at)];
    connection.prepare_cached(upsert)?.execute(values).map(drop)
}

fn note_latest(connection: &Connection, revision: Revision) -> rusqlite::Result<()> {
    connection.execute("UPDATE latest_revision SET revision = ?1", [signed(revision.number())]).map(drop)
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let earlier_than: Option<i64> = row.get(1)?;
    Ok(Entry {
        id: RevokedId::from_bytes(row.get::<_, [u8; ID_BYTES]>(0)?),
        reach: earlier_than.map_or(Reach::Itself, |than| Reach::Earlier(revision(than))),
        revision: revision(row.get(2)?),
        expires_at: row.get::<_, i64>(3)?.unsigned_abs(),
    })
}

fn revision(number: i64) -> Revision {
    Revision::new(number.unsigned_abs())
}
