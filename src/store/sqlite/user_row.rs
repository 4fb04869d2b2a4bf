//! A user as a row of the table, in both directions.
//!
//! What is read is checked again before anybody gets it. It never opens or migrates a store.

use crate::check::names::{DisplayName, Email, GroupName, Groups, UserName};
use crate::store::{StoredPassword, User};
use rusqlite::{Connection, OptionalExtension, Row, params};

pub(super) const COLUMNS: &str =
    "name, display_name, email, group_names, password_hash, password_scheme, disabled, created_at, updated_at";

pub(super) fn read_user(connection: &Connection, name: &UserName) -> rusqlite::Result<Option<UserRow>> {
    let select = format!("SELECT {COLUMNS} FROM users WHERE name = ?1");
    connection.prepare_cached(&select)?.query_row([name.as_str()], UserRow::read).optional()
}

/// Runs a statement whose parameters are the columns in their order.
pub(super) fn write_user(connection: &Connection, statement: &str, user: &User) -> rusqlite::Result<usize> {
    connection.prepare_cached(statement)?.execute(params![
        user.name.as_str(),
        user.display_name.as_ref().map(DisplayName::as_str),
        user.email.as_ref().map(Email::as_str),
        user.groups.joined(),
        user.password.hash(),
        user.password.scheme(),
        user.disabled,
        seconds(user.created_at),
        seconds(user.updated_at),
    ])
}

/// SQLite's integers have a sign; the year 292 billion is far enough.
pub(super) fn seconds(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

/// A row as it stands in the file, not yet checked.
pub(super) struct UserRow {
    pub(super) name: String,
    display_name: Option<String>,
    email: Option<String>,
    group_names: String,
    password: StoredPassword,
    disabled: bool,
    created_at: i64,
    updated_at: i64,
}

impl UserRow {
    pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            name: row.get(0)?,
            display_name: row.get(1)?,
            email: row.get(2)?,
            group_names: row.get(3)?,
            password: StoredPassword::new(row.get(4)?, row.get(5)?),
            disabled: row.get(6)?,
            created_at: row.get(7)?,
            updated_at: row.get(8)?,
        })
    }

    pub(super) fn check(self) -> Result<User, String> {
        let names = self.group_names.split(',').filter(|name| !name.is_empty()).map(GroupName::read);
        let names = names.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
        let display_name = self.display_name.as_deref().map(DisplayName::read).transpose();
        let email = self.email.as_deref().map(Email::read).transpose();
        Ok(User {
            name: UserName::read(&self.name).map_err(|error| error.to_string())?,
            display_name: display_name.map_err(|error| error.to_string())?,
            email: email.map_err(|error| error.to_string())?,
            groups: Groups::new(names).map_err(|error| error.to_string())?,
            password: self.password,
            disabled: self.disabled,
            created_at: self.created_at.unsigned_abs(),
            updated_at: self.updated_at.unsigned_abs(),
        })
    }
}
