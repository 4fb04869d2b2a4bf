//! What the database knows about time: the row of [`Noted`].

use super::connection::{Failure, execute, row};
use crate::check::identifiers::Revision;
use crate::check::revocation::Forgotten;
use crate::store::Noted;
use crate::store::revocation::read_revision;
use crate::store::user::signed;
use deadpool_postgres::GenericClient;

/// The columns of the row, in the order of the table.
pub(super) fn read(columns: &[i64]) -> Result<Noted, Failure> {
    let numbers: Vec<u64> = columns.iter().map(|number| number.unsigned_abs()).collect();
    let [mark_ms, said_ms, said_by, until, under] = numbers[..] else {
        return Err(Failure::Damaged("the row about time is gone".into()));
    };
    Ok(Noted { mark_ms, said_ms, said_by, forgotten: Forgotten { until, under: Revision::new(under) } })
}

pub(super) async fn note(client: &impl GenericClient, by: u64, mark_ms: Option<u64>) -> Result<(), Failure> {
    let update = "UPDATE samehand.clock SET said_ms = floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint, \
         said_by = $1, mark_ms = coalesce($2, mark_ms)";
    execute(client, update, &[&signed(by), &mark_ms.map(signed)]).await.map(drop)
}

/// Notes what is about to be removed; up to which revision it may be, if there is anything. Committed before the removal:
/// whoever misses an entry knows why.
pub(super) async fn forget_until(client: &impl GenericClient, over: i64) -> Result<Option<Revision>, Failure> {
    let select = "SELECT max(expires_at), (SELECT revision FROM samehand.latest_revision) FROM samehand.revocations \
         WHERE expires_at <= $1";
    let Some(found) = row(client, select, &[&over]).await? else { return Ok(None) };
    let Some(until) = found.try_get::<_, Option<i64>>(0)? else { return Ok(None) };
    let under = read_revision(found.try_get(1)?);
    put_forgotten(client, Forgotten { until: until.unsigned_abs(), under }).await?;
    Ok(Some(under))
}

pub(super) async fn put_forgotten(client: &impl GenericClient, forgotten: Forgotten) -> Result<(), Failure> {
    let update = "UPDATE samehand.clock SET forgotten_until = greatest(forgotten_until, $1), \
         forgotten_under = greatest(forgotten_under, $2)";
    execute(client, update, &[&signed(forgotten.until), &signed(forgotten.under.number())]).await.map(drop)
}
