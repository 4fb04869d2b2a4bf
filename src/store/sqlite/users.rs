//! Users as rows of the table, in both directions. It never opens or migrates a store.

use super::{ChangeError, revocations};
use crate::check::names::UserName;
use crate::store::user::{UserRow, signed};
use crate::store::{Revocation, Revoked, StoreError, StoredPassword, User, UserChange};
use rusqlite::{Connection, OptionalExtension, Row, params};

const COLUMNS: &str =
    "name, display_name, email, group_names, password_hash, password_scheme, disabled, created_at, updated_at";

pub(super) fn add(connection: &Connection, users: &[User]) -> Result<(), ChangeError> {
    for user in users {
        if read(connection, &user.name)?.is_some() {
            return Err(ChangeError::Refused(StoreError::UserExists(user.name.clone())));
        }
        write(connection, user)?;
    }
    Ok(())
}

pub(super) fn put(connection: &Connection, users: &[User]) -> rusqlite::Result<()> {
    users.iter().try_for_each(|user| write(connection, user))
}

pub(super) fn read(connection: &Connection, name: &UserName) -> rusqlite::Result<Option<UserRow>> {
    let select = format!("SELECT {COLUMNS} FROM users WHERE name = ?1");
    connection.prepare_cached(&select)?.query_row([name.as_str()], read_row).optional()
}

pub(super) fn read_after(
    connection: &Connection,
    after: Option<&UserName>,
    limit: usize,
) -> rusqlite::Result<Vec<UserRow>> {
    let select = format!("SELECT {COLUMNS} FROM users WHERE name > ?1 ORDER BY name LIMIT ?2");
    // No name is empty, so all of them come after the empty one.
    let after = after.map_or("", UserName::as_str);
    connection.prepare_cached(&select)?.query_map(params![after, signed(limit as u64)], read_row)?.collect()
}

pub(super) fn change(
    connection: &Connection,
    name: &UserName,
    change: &UserChange,
    now: u64,
) -> Result<(User, Revoked), ChangeError> {
    let missing = || ChangeError::Refused(StoreError::NoSuchUser(name.clone()));
    let before = read(connection, name)?.ok_or_else(missing)?.check().map_err(ChangeError::Damaged)?;
    let after = change.apply(&before, now).map_err(ChangeError::Refused)?;
    write(connection, &after)?;
    let revoked = match change.revokes {
        true => revocations::revoke(connection, &[Revocation::User(name.clone())])?,
        false => Revoked::default(),
    };
    Ok((after, revoked))
}

pub(super) fn rehash(
    connection: &Connection,
    name: &UserName,
    old: &StoredPassword,
    new: &StoredPassword,
    now: u64,
) -> rusqlite::Result<()> {
    let update = "UPDATE users SET password_hash = ?3, password_scheme = ?4, updated_at = ?5 \
         WHERE name = ?1 AND password_hash = ?2";
    let values = params![name.as_str(), old.hash(), new.hash(), new.scheme(), signed(now)];
    connection.prepare_cached(update)?.execute(values).map(drop)
}

pub(super) fn remove(connection: &Connection, name: &UserName) -> Result<Revoked, ChangeError> {
    match connection.execute("DELETE FROM users WHERE name = ?1", [name.as_str()])? {
        0 => Err(ChangeError::Refused(StoreError::NoSuchUser(name.clone()))),
        _ => Ok(revocations::revoke(connection, &[Revocation::User(name.clone())])?),
    }
}

pub(super) fn password_schemes(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    // From one to the next by the index: `DISTINCT` would look at every user, at every sign-in.
    let walk = "WITH RECURSIVE schemes (scheme) AS (SELECT min(password_scheme) FROM users UNION ALL \
         SELECT (SELECT min(password_scheme) FROM users WHERE password_scheme > scheme) FROM schemes \
         WHERE scheme IS NOT NULL) SELECT scheme FROM schemes WHERE scheme IS NOT NULL";
    let mut statement = connection.prepare_cached(walk)?;
    statement.query_map([], |row| row.get(0))?.collect()
}

fn write(connection: &Connection, user: &User) -> rusqlite::Result<()> {
    let row = UserRow::of(user);
    let replace = format!("REPLACE INTO users ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
    let values = params![
        row.name,
        row.display_name,
        row.email,
        row.group_names,
        row.password_hash,
        row.password_scheme,
        row.disabled,
        row.created_at,
        row.updated_at,
    ];
    connection.prepare_cached(&replace)?.execute(values).map(drop)
}

fn read_row(row: &Row<'_>) -> rusqlite::Result<UserRow> {
    Ok(UserRow {
        name: row.get(0)?,
        display_name: row.get(1)?,
        email: row.get(2)?,
        group_names: row.get(3)?,
        password_hash: row.get(4)?,
        password_scheme: row.get(5)?,
        disabled: row.get(6)?,
        created_at: row.get(7)?,
        updated_at: row.get(8)?,
    })
}
