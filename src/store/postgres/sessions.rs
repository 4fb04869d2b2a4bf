//! Sessions as rows of the table, in both directions.

use super::connection::{Failure, ROWS_AT_ONCE, column, execute, row, rows};
use super::revocations;
use crate::check::identifiers::SessionId;
use crate::check::names::UserName;
use crate::store::Session;
use crate::store::session::{SessionRow, latest_seen};
use crate::store::user::signed;
use deadpool_postgres::{GenericClient, Transaction};
use std::collections::BTreeMap;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

const COLUMNS: &str = "id, user_name, signed_in_by, created_at, last_seen_at, ends_at, device, network";

/// Of two with one name the last one counts.
pub(super) async fn put(transaction: &Transaction<'_>, sessions: &[Session]) -> Result<(), Failure> {
    let upsert = format!(
        "INSERT INTO samehand.sessions ({COLUMNS}) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], \
         $4::bigint[], $5::bigint[], $6::bigint[], $7::text[], $8::text[]) \
         ON CONFLICT (id) DO UPDATE SET user_name = excluded.user_name, signed_in_by = excluded.signed_in_by, \
         created_at = excluded.created_at, last_seen_at = excluded.last_seen_at, ends_at = excluded.ends_at, \
         device = excluded.device, network = excluded.network"
    );
    let sessions: BTreeMap<_, _> = sessions.iter().map(|session| (&session.id, SessionRow::of(session))).collect();
    let sessions: Vec<&SessionRow> = sessions.values().collect();
    revocations::keep_out(transaction).await?;
    for some in sessions.chunks(ROWS_AT_ONCE) {
        let values: &[&(dyn ToSql + Sync)] = &[
            &column(some, |session| &session.id),
            &column(some, |session| &session.user_name),
            &column(some, |session| &session.signed_in_by),
            &column(some, |session| session.created_at),
            &column(some, |session| session.last_seen_at),
            &column(some, |session| session.ends_at),
            &column(some, |session| &session.device),
            &column(some, |session| &session.network),
        ];
        execute(transaction, &upsert, values).await?;
    }
    Ok(())
}

pub(super) async fn read(client: &impl GenericClient, sid: &SessionId) -> Result<Option<Session>, Failure> {
    let select = format!("SELECT {COLUMNS} FROM samehand.sessions WHERE id = $1");
    row(client, &select, &[&sid.as_str()]).await?.as_ref().map(check).transpose()
}

pub(super) async fn read_after(
    client: &impl GenericClient,
    user: Option<&UserName>,
    after: Option<&SessionId>,
    limit: usize,
) -> Result<Vec<Session>, Failure> {
    // No name is empty, so all of them come after the empty one.
    let (after, limit) = (after.map_or("", SessionId::as_str), signed(limit as u64));
    let rows = match user {
        Some(user) => {
            let select = format!(
                "SELECT {COLUMNS} FROM samehand.sessions WHERE user_name = $1 AND id > $2 ORDER BY id LIMIT $3"
            );
            rows(client, &select, &[&user.as_str(), &after, &limit]).await?
        }
        None => {
            let select = format!("SELECT {COLUMNS} FROM samehand.sessions WHERE id > $1 ORDER BY id LIMIT $2");
            rows(client, &select, &[&after, &limit]).await?
        }
    };
    rows.iter().map(check).collect()
}

pub(super) async fn note_seen(transaction: &Transaction<'_>, seen: &[(SessionId, u64)]) -> Result<(), Failure> {
    // Rows are locked in the order of their names, so that no two replicas wait for each other.
    let update = "WITH seen AS (\
         SELECT known.id, seen.at, seen.latest FROM samehand.sessions AS known \
         JOIN unnest($1::text[], $2::bigint[], $3::bigint[]) AS seen (id, at, latest) ON known.id = seen.id ORDER BY known.id FOR UPDATE OF known\
         ) UPDATE samehand.sessions AS known SET last_seen_at = CASE WHEN known.last_seen_at > seen.latest \
         THEN seen.at ELSE greatest(known.last_seen_at, seen.at) END FROM seen WHERE known.id = seen.id";
    let mut latest = BTreeMap::new();
    for (sid, at) in seen {
        let latest = latest.entry(sid.as_str()).or_insert(signed(*at));
        *latest = signed(*at).max(*latest);
    }
    let (names, times): (Vec<&str>, Vec<i64>) = latest.into_iter().unzip();
    revocations::keep_out(transaction).await?;
    let latest: Vec<i64> = times.iter().map(|at| signed(latest_seen(at.unsigned_abs()))).collect();
    execute(transaction, update, &[&names, &times, &latest]).await.map(drop)
}

fn check(row: &Row) -> Result<Session, Failure> {
    let row = SessionRow {
        id: row.try_get(0)?,
        user_name: row.try_get(1)?,
        signed_in_by: row.try_get(2)?,
        created_at: row.try_get(3)?,
        last_seen_at: row.try_get(4)?,
        ends_at: row.try_get(5)?,
        device: row.try_get(6)?,
        network: row.try_get(7)?,
    };
    row.check().map_err(Failure::Damaged)
}
