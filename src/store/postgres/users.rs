//! Users as rows of the table, in both directions.

use super::connection::{Failure, ROWS_AT_ONCE, column, execute, row, rows};
use super::revocations;
use crate::check::names::UserName;
use crate::store::user::{UserRow, signed};
use crate::store::{Revocation, Revoked, StoreError, StoredPassword, User, UserChange};
use deadpool_postgres::{GenericClient, Transaction};
use std::collections::{BTreeMap, HashSet};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

const COLUMNS: &str =
    "name, display_name, email, group_names, password_hash, password_scheme, disabled, created_at, updated_at";

const INSERT: &str = "INSERT INTO samehand.users (name, display_name, email, group_names, password_hash, \
     password_scheme, disabled, created_at, updated_at) SELECT * FROM unnest($1::text[], $2::text[], $3::text[], \
     $4::text[], $5::text[], $6::text[], $7::boolean[], $8::bigint[], $9::bigint[]) ON CONFLICT (name)";

pub(super) async fn add(transaction: &Transaction<'_>, users: &[User]) -> Result<(), Failure> {
    let insert = format!("{INSERT} DO NOTHING RETURNING name");
    let added = write(transaction, &insert, users).await?;
    let mut added: HashSet<String> = added.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    match users.iter().find(|user| !added.remove(user.name.as_str())) {
        Some(user) => Err(Failure::Refused(StoreError::UserExists(user.name.clone()))),
        None => Ok(()),
    }
}

pub(super) async fn put(transaction: &Transaction<'_>, users: &[User]) -> Result<(), Failure> {
    let upsert = format!(
        "{INSERT} DO UPDATE SET display_name = excluded.display_name, email = excluded.email, \
         group_names = excluded.group_names, password_hash = excluded.password_hash, \
         password_scheme = excluded.password_scheme, disabled = excluded.disabled, created_at = excluded.created_at, \
         updated_at = excluded.updated_at"
    );
    write(transaction, &upsert, users).await.map(drop)
}

pub(super) async fn read(client: &impl GenericClient, name: &UserName) -> Result<Option<User>, Failure> {
    let select = format!("SELECT {COLUMNS} FROM samehand.users WHERE name = $1");
    row(client, &select, &[&name.as_str()]).await?.as_ref().map(check).transpose()
}

pub(super) async fn read_after(
    client: &impl GenericClient,
    after: Option<&UserName>,
    limit: usize,
) -> Result<Vec<User>, Failure> {
    let select = format!("SELECT {COLUMNS} FROM samehand.users WHERE name > $1 ORDER BY name LIMIT $2");
    // No name is empty, so all of them come after the empty one.
    let after = after.map_or("", UserName::as_str);
    rows(client, &select, &[&after, &signed(limit as u64)]).await?.iter().map(check).collect()
}

pub(super) async fn change(
    transaction: &Transaction<'_>,
    name: &UserName,
    change: &UserChange,
    now: u64,
) -> Result<(User, Revoked), Failure> {
    let select = format!("SELECT {COLUMNS} FROM samehand.users WHERE name = $1 FOR UPDATE");
    let missing = || Failure::Refused(StoreError::NoSuchUser(name.clone()));
    let before = check(&row(transaction, &select, &[&name.as_str()]).await?.ok_or_else(missing)?)?;
    let after = change.apply(&before, now);
    put(transaction, std::slice::from_ref(&after)).await?;
    let revoked = match change.revokes {
        true => revocations::revoke(transaction, &[Revocation::User(name.clone())]).await?,
        false => Revoked::default(),
    };
    Ok((after, revoked))
}

pub(super) async fn rehash(
    client: &impl GenericClient,
    name: &UserName,
    old: &StoredPassword,
    new: &StoredPassword,
    now: u64,
) -> Result<(), Failure> {
    let update = "UPDATE samehand.users SET password_hash = $3, password_scheme = $4, updated_at = $5 \
         WHERE name = $1 AND password_hash = $2";
    execute(client, update, &[&name.as_str(), &old.hash(), &new.hash(), &new.scheme(), &signed(now)]).await.map(drop)
}

pub(super) async fn remove(transaction: &Transaction<'_>, name: &UserName) -> Result<Revoked, Failure> {
    match execute(transaction, "DELETE FROM samehand.users WHERE name = $1", &[&name.as_str()]).await? {
        0 => Err(Failure::Refused(StoreError::NoSuchUser(name.clone()))),
        _ => revocations::revoke(transaction, &[Revocation::User(name.clone())]).await,
    }
}

/// From one scheme to the next along the index: it is asked at every sign-in, and users may be many.
pub(super) async fn password_schemes(client: &impl GenericClient) -> Result<Vec<String>, Failure> {
    let select = "WITH RECURSIVE schemes (scheme) AS (\
         SELECT min(password_scheme) FROM samehand.users UNION ALL \
         SELECT (SELECT min(password_scheme) FROM samehand.users WHERE password_scheme > scheme) FROM schemes \
         WHERE scheme IS NOT NULL) SELECT scheme FROM schemes WHERE scheme IS NOT NULL";
    let schemes = rows(client, select, &[]).await?;
    Ok(schemes.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?)
}

/// In the order of their names, so that no two writers wait for each other; of two with one name the last one counts.
async fn write(transaction: &Transaction<'_>, insert: &str, users: &[User]) -> Result<Vec<Row>, Failure> {
    let users: BTreeMap<&str, UserRow> = users.iter().map(|user| (user.name.as_str(), UserRow::of(user))).collect();
    let users: Vec<&UserRow> = users.values().collect();
    let mut written = Vec::new();
    for some in users.chunks(ROWS_AT_ONCE) {
        let values: &[&(dyn ToSql + Sync)] = &[
            &column(some, |user| &user.name),
            &column(some, |user| &user.display_name),
            &column(some, |user| &user.email),
            &column(some, |user| &user.group_names),
            &column(some, |user| &user.password_hash),
            &column(some, |user| &user.password_scheme),
            &column(some, |user| user.disabled),
            &column(some, |user| user.created_at),
            &column(some, |user| user.updated_at),
        ];
        written.extend(rows(transaction, insert, values).await?);
    }
    Ok(written)
}

fn check(row: &Row) -> Result<User, Failure> {
    let row = UserRow {
        name: row.try_get(0)?,
        display_name: row.try_get(1)?,
        email: row.try_get(2)?,
        group_names: row.try_get(3)?,
        password_hash: row.try_get(4)?,
        password_scheme: row.try_get(5)?,
        disabled: row.try_get(6)?,
        created_at: row.try_get(7)?,
        updated_at: row.try_get(8)?,
    };
    row.check().map_err(Failure::Damaged)
}
