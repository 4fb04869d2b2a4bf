//! What the file knows about time: the row of [`Noted`], and what follows from it for the rest of the store.

use super::clock_ms;
use crate::check::identifiers::Revision;
use crate::check::revocation::Forgotten;
use crate::store::Noted;
use crate::store::revocation::read_revision;
use crate::store::user::signed;
use rusqlite::{Connection, params};

pub(super) fn noted(connection: &Connection) -> rusqlite::Result<Noted> {
    let select = "SELECT mark_ms, said_ms, said_by, forgotten_until, forgotten_under FROM clock";
    connection.prepare_cached(select)?.query_row([], |row| {
        let number = |at| row.get::<_, i64>(at).map(i64::unsigned_abs);
        let forgotten = Forgotten { until: number(3)?, under: Revision::new(number(4)?) };
        Ok(Noted { mark_ms: number(0)?, said_ms: number(1)?, said_by: number(2)?, forgotten })
    })
}

/// The clock, but no later than its mark lets it be believed.
pub(super) fn believed_ms(connection: &Connection) -> rusqlite::Result<u64> {
    Ok(noted(connection)?.at_most_believed(clock_ms(connection)?))
}

pub(super) fn note(connection: &Connection, by: u64, mark_ms: Option<u64>) -> rusqlite::Result<()> {
    let now_ms = signed(clock_ms(connection)?);
    let update = "UPDATE clock SET said_ms = ?1, said_by = ?2, mark_ms = coalesce(?3, mark_ms)";
    connection.execute(update, params![now_ms, signed(by), mark_ms.map(signed)]).map(drop)
}

/// Notes what is about to be removed; whether it is anything. In one transaction with the removal.
pub(super) fn forget_until(connection: &Connection, over: i64) -> rusqlite::Result<bool> {
    let select =
        "SELECT max(expires_at), (SELECT revision FROM latest_revision) FROM revocations WHERE expires_at <= ?1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, i64>(1)?));
    let (Some(until), under) = connection.query_row(select, [over], read)? else { return Ok(false) };
    put_forgotten(connection, Forgotten { until: until.unsigned_abs(), under: read_revision(under) })?;
    Ok(true)
}

pub(super) fn put_forgotten(connection: &Connection, forgotten: Forgotten) -> rusqlite::Result<()> {
    let update =
        "UPDATE clock SET forgotten_until = max(forgotten_until, ?1), forgotten_under = max(forgotten_under, ?2)";
    connection.execute(update, params![signed(forgotten.until), signed(forgotten.under.number())]).map(drop)
}
