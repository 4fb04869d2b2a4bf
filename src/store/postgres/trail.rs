//! The audit trail as rows of its table. Writers take turns, so that positions become visible in their order.

use super::connection::{Failure, column, execute, row, rows};
use crate::store::trail::MOST;
use crate::store::user::signed;
use crate::store::{TrailEntry, TrailRow};
use deadpool_postgres::{GenericClient, Transaction};

/// What only one writer at a time holds, until what it wrote is visible. Any number that nobody else uses.
const TURN: i64 = 0x73616d_747261696c;

pub(super) async fn note(transaction: &Transaction<'_>, entries: &[TrailEntry]) -> Result<(), Failure> {
    let insert = "INSERT INTO samehand.trail (noted_at, entry) SELECT * FROM unnest($1::bigint[], $2::text[])";
    let trim = "DELETE FROM samehand.trail WHERE position <= (SELECT max(position) FROM samehand.trail) - $1";
    row(transaction, "SELECT pg_advisory_xact_lock($1)", &[&TURN]).await?;
    let entries: Vec<&TrailEntry> = entries.iter().collect();
    let times = column(&entries, |entry| signed(entry.time));
    let texts = column(&entries, |entry| entry.to_json().to_string());
    execute(transaction, insert, &[&times, &texts]).await?;
    execute(transaction, trim, &[&signed(MOST)]).await.map(drop)
}

pub(super) async fn latest(client: &impl GenericClient) -> Result<u64, Failure> {
    let latest = row(client, "SELECT coalesce(max(position), 0) FROM samehand.trail", &[]).await?;
    Ok(latest.map(|row| row.try_get::<_, i64>(0)).transpose()?.unwrap_or_default().unsigned_abs())
}

pub(super) async fn after(client: &impl GenericClient, position: u64, limit: usize) -> Result<Vec<TrailRow>, Failure> {
    let select = "SELECT position, entry FROM samehand.trail WHERE position > $1 ORDER BY position LIMIT $2";
    let mut read = Vec::new();
    for row in rows(client, select, &[&signed(position), &signed(limit as u64)]).await? {
        let (position, text) = (row.try_get::<_, i64>(0)?.unsigned_abs(), row.try_get::<_, String>(1)?);
        read.push(TrailRow::read(position, &text).map_err(Failure::Damaged)?);
    }
    Ok(read)
}

pub(super) async fn forget(client: &impl GenericClient, before: u64) -> Result<(), Failure> {
    execute(client, "DELETE FROM samehand.trail WHERE noted_at < $1", &[&signed(before)]).await.map(drop)
}
