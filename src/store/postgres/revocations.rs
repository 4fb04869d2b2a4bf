//! Revocations as rows of the table, in the order of their revisions.
//!
//! The order is exact because revokers take turns: the row of the latest revision is locked from the moment a revision is
//! taken until it is visible. Whoever reads reads one snapshot, in which everything up to its latest revision is.

use super::clock;
use super::connection::{Failure, ROWS_AT_ONCE, column, execute, row, rows};
use super::news::TELL;
use crate::check::identifiers::Revision;
use crate::check::revocation::{Entry, ID_BYTES};
use crate::store::revocation::{RevocationRow, after_all, read_revision};
use crate::store::user::signed;
use crate::store::{Changes, Revocation, Revoked};
use deadpool_postgres::{GenericClient, Transaction};
use std::collections::BTreeMap;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

/// The first row is about the store: no identifier, the version of the key ring, the revision, the clock, what is
/// switched off, and what was noted about time. All others are entries.
const CHANGES: &str = "SELECT NULL::bytea, (SELECT version FROM samehand.key_ring), revision, \
     floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint, \
     (SELECT string_agg(name, ', ') FROM unnest(ARRAY['fsync', 'full_page_writes', 'synchronous_commit']) AS name \
      WHERE current_setting(name) = 'off'), \
     ARRAY(SELECT unnest(ARRAY[mark_ms, said_ms, said_by, forgotten_until, forgotten_under]) FROM samehand.clock) \
     FROM samehand.latest_revision \
     UNION ALL (SELECT id, earlier_than, revision, expires_at, NULL, NULL FROM samehand.revocations WHERE revision > $1 \
     ORDER BY revision LIMIT $2)";

pub(super) async fn latest(client: &impl GenericClient) -> Result<Revision, Failure> {
    let latest =
        row(client, "SELECT revision FROM samehand.latest_revision", &[]).await?.ok_or_else(without_revision)?;
    Ok(read_revision(latest.try_get(0)?))
}

pub(super) async fn revoke(transaction: &Transaction<'_>, revocations: &[Revocation]) -> Result<Revoked, Failure> {
    let (mut revision, now_ms) = take_turn(transaction).await?;
    let mut revoked = Revoked::default();
    for revocation in revocations {
        revision = revision.next(now_ms);
        let (session_ends_at, ended) = end_sessions(transaction, revocation).await?;
        revoked.entries.push(revocation.entry(revision, session_ends_at));
        revoked.sessions += ended;
    }
    write(transaction, &revoked.entries).await?;
    end_turn(transaction, revision).await?;
    Ok(revoked)
}

/// Removes the sessions that a revocation ends: how many they were, and of a single one when it would have ended.
async fn end_sessions(transaction: &Transaction<'_>, revocation: &Revocation) -> Result<(Option<u64>, u64), Failure> {
    match revocation {
        Revocation::Token { .. } => Ok((None, 0)),
        Revocation::Session(sid) => {
            let delete = "DELETE FROM samehand.sessions WHERE id = $1 RETURNING ends_at";
            let ended = row(transaction, delete, &[&sid.as_str()]).await?;
            let ends_at: Option<i64> = ended.map(|row| row.try_get(0)).transpose()?;
            Ok((ends_at.map(i64::unsigned_abs), u64::from(ends_at.is_some())))
        }
        Revocation::User(name) => {
            let delete = "DELETE FROM samehand.sessions WHERE user_name = $1";
            Ok((None, execute(transaction, delete, &[&name.as_str()]).await?))
        }
        Revocation::Everything => {
            // Of very many sessions.
            transaction.batch_execute("SET LOCAL statement_timeout = '60s'").await?;
            Ok((None, execute(transaction, "DELETE FROM samehand.sessions", &[]).await?))
        }
    }
}

pub(super) async fn put(transaction: &Transaction<'_>, entries: &[Entry]) -> Result<(), Failure> {
    let (latest, now_ms) = take_turn(transaction).await?;
    let mut revision = after_all(latest, entries);
    let renumber = |entry: &Entry| {
        revision = revision.next(now_ms);
        Entry { revision, ..*entry }
    };
    let entries: Vec<Entry> = entries.iter().map(renumber).collect();
    write(transaction, &entries).await?;
    end_turn(transaction, entries.last().map_or(latest, |entry| entry.revision)).await
}

pub(super) async fn changes(client: &impl GenericClient, since: Revision, limit: usize) -> Result<Changes, Failure> {
    let mut changes = Changes::default();
    for row in rows(client, CHANGES, &[&signed(since.number()), &signed(limit as u64)]).await? {
        match row.try_get::<_, Option<&[u8]>>(0)? {
            Some(id) => changes.entries.push(read(id, &row)?),
            None => {
                changes.keys_version = row.try_get::<_, Option<i64>>(1)?.map(i64::unsigned_abs);
                changes.revision = read_revision(row.try_get(2)?);
                changes.clock_ms = row.try_get::<_, i64>(3)?.unsigned_abs();
                changes.warning = row.try_get::<_, Option<String>>(4)?.map(|off| warning(&off));
                changes.noted = clock::read(&row.try_get::<_, Vec<i64>>(5)?)?;
            }
        }
    }
    // The server owes no order to the two halves of its answer together.
    changes.entries.sort_by_key(|entry| entry.revision);
    match changes.clock_ms {
        0 => Err(without_revision()),
        _ => Ok(changes),
    }
}

fn warning(off: &str) -> String {
    format!("this PostgreSQL runs with {off} off: after a crash it may have lost revocations; switch that on")
}

/// Waits until no other revoker is at work and keeps all others waiting; returns the latest revision and the time.
async fn take_turn(transaction: &Transaction<'_>) -> Result<(Revision, u64), Failure> {
    let lock = "SELECT revision, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint \
         FROM samehand.latest_revision FOR UPDATE";
    let latest = row(transaction, lock, &[]).await?.ok_or_else(without_revision)?;
    Ok((read_revision(latest.try_get(0)?), latest.try_get::<_, i64>(1)?.unsigned_abs()))
}

/// Notes the revision that was reached, and tells all who listen. Others wait until the transaction is over.
async fn end_turn(transaction: &Transaction<'_>, revision: Revision) -> Result<(), Failure> {
    let update = "UPDATE samehand.latest_revision SET revision = $1 WHERE revision < $1";
    match execute(transaction, update, &[&signed(revision.number())]).await? {
        0 => Ok(()),
        _ => execute(transaction, TELL, &[]).await.map(drop),
    }
}

/// Keeps revokers waiting, and nobody else: they remove many sessions, in an order in which others might wait for them.
pub(super) async fn keep_out(transaction: &Transaction<'_>) -> Result<(), Failure> {
    execute(transaction, "SELECT FROM samehand.latest_revision FOR SHARE", &[]).await.map(drop)
}

/// Of two about the same, the one that reaches farther and expires later holds.
async fn write(transaction: &Transaction<'_>, entries: &[Entry]) -> Result<(), Failure> {
    let upsert = "INSERT INTO samehand.revocations AS known (id, earlier_than, revision, expires_at) \
         SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bigint[], $4::bigint[]) \
         ON CONFLICT (id) DO UPDATE SET earlier_than = greatest(known.earlier_than, excluded.earlier_than), \
         revision = excluded.revision, expires_at = greatest(known.expires_at, excluded.expires_at)";
    for some in entries.chunks(ROWS_AT_ONCE) {
        let mut rows: BTreeMap<[u8; ID_BYTES], RevocationRow> = BTreeMap::new();
        for new in some.iter().map(RevocationRow::of) {
            let row = rows.entry(new.id).or_insert(new);
            row.earlier_than = row.earlier_than.max(new.earlier_than);
            row.revision = new.revision;
            row.expires_at = row.expires_at.max(new.expires_at);
        }
        let rows: Vec<&RevocationRow> = rows.values().collect();
        let values: &[&(dyn ToSql + Sync)] = &[
            &column(&rows, |row| &row.id[..]),
            &column(&rows, |row| row.earlier_than),
            &column(&rows, |row| row.revision),
            &column(&rows, |row| row.expires_at),
        ];
        execute(transaction, upsert, values).await?;
    }
    Ok(())
}

fn read(id: &[u8], row: &Row) -> Result<Entry, Failure> {
    let id = id.try_into().map_err(|_| Failure::Damaged("a revocation has an identifier of another length".into()))?;
    let row =
        RevocationRow { id, earlier_than: row.try_get(1)?, revision: row.try_get(2)?, expires_at: row.try_get(3)? };
    Ok(row.entry())
}

fn without_revision() -> Failure {
    Failure::Damaged("the row of the latest revision is gone".into())
}
