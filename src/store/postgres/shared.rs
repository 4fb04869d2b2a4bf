//! What replicas share beside users, sessions and revocations: the sealed key ring, and what each says about itself.

use super::clock;
use super::connection::{Failure, ROWS_AT_ONCE, execute, row, rows};
use super::news::TELL;
use crate::check::identifiers::Revision;
use crate::check::revocation::CLOCKS_APART;
use crate::store::replica;
use crate::store::user::signed;
use crate::store::{Replica, SealedKeys};
use deadpool_postgres::{GenericClient, Transaction};

pub(super) async fn keys(client: &impl GenericClient) -> Result<Option<SealedKeys>, Failure> {
    let Some(row) = row(client, "SELECT version, sealed FROM samehand.key_ring", &[]).await? else { return Ok(None) };
    Ok(Some(SealedKeys { version: row.try_get::<_, i64>(0)?.unsigned_abs(), sealed: row.try_get(1)? }))
}

pub(super) async fn put_keys(transaction: &Transaction<'_>, sealed: &[u8], replaces: u64) -> Result<bool, Failure> {
    let version = signed(replaces.saturating_add(1));
    let put = match replaces {
        0 => {
            let insert = "INSERT INTO samehand.key_ring VALUES (true, $1, $2) ON CONFLICT DO NOTHING";
            execute(transaction, insert, &[&version, &sealed]).await?
        }
        _ => {
            let update = "UPDATE samehand.key_ring SET version = $1, sealed = $2 WHERE version = $3";
            execute(transaction, update, &[&version, &sealed, &signed(replaces)]).await?
        }
    };
    match put {
        0 => Ok(false),
        _ => execute(transaction, TELL, &[]).await.map(|_| true),
    }
}

pub(super) async fn announce(
    client: &impl GenericClient,
    replica: &Replica,
    within: u64,
) -> Result<Vec<Replica>, Failure> {
    let upsert = "INSERT INTO samehand.replicas (name, settings, seen_at) \
         VALUES ($1, $2, extract(epoch FROM clock_timestamp())::bigint) \
         ON CONFLICT (name) DO UPDATE SET settings = excluded.settings, seen_at = excluded.seen_at";
    let settings = replica.settings_text().map_err(Failure::Damaged)?;
    execute(client, upsert, &[&replica.name, &settings]).await?;
    let select = "SELECT name, settings FROM samehand.replicas \
         WHERE name <> $1 AND seen_at >= extract(epoch FROM clock_timestamp())::bigint - $2 ORDER BY name";
    let within = signed(within.min(replica::MEMORY));
    let mut others = Vec::new();
    for row in rows(client, select, &[&replica.name, &within]).await? {
        others.push(Replica::read(row.try_get(0)?, row.try_get(1)?).map_err(Failure::Damaged)?);
    }
    Ok(others)
}

/// Removes some of what has expired at `now`, in seconds since 1970; whether there is more. Passes over what somebody else
/// holds just now: it is there the next time.
pub(super) async fn purge_some(client: &impl GenericClient, now: u64) -> Result<bool, Failure> {
    let over = signed(now.saturating_sub(CLOCKS_APART));
    // What is revoked from here on is not removed, however long it has expired: it would not be known to be forgotten.
    let under = clock::forget_until(client, over).await?.unwrap_or(Revision::NONE);
    let (now, now_ms) = (signed(now), signed(now.saturating_mul(1000)));
    let gone = now.saturating_sub(signed(replica::MEMORY));
    let mut is_more = false;
    for (table, key, end, now) in [
        ("sessions", "id", "ends_at", now),
        ("attempts", "key", "full_at_ms", now_ms),
        ("remembered", "key", "until_ms", now_ms),
        ("replicas", "name", "seen_at", gone),
    ] {
        let delete = format!(
            "DELETE FROM samehand.{table} WHERE {key} = ANY(ARRAY(SELECT {key} FROM samehand.{table} \
             WHERE {end} <= $1 LIMIT {ROWS_AT_ONCE} FOR UPDATE SKIP LOCKED))"
        );
        is_more |= execute(client, &delete, &[&now]).await? == ROWS_AT_ONCE as u64;
    }
    let delete = format!(
        "DELETE FROM samehand.revocations WHERE id = ANY(ARRAY(SELECT id FROM samehand.revocations \
         WHERE expires_at <= $1 AND revision <= $2 LIMIT {ROWS_AT_ONCE} FOR UPDATE SKIP LOCKED))"
    );
    is_more |= execute(client, &delete, &[&over, &signed(under.number())]).await? == ROWS_AT_ONCE as u64;
    Ok(is_more)
}
