//! The tables: every format they ever had, and how a database is brought to the newest. It never reads or writes a user.

use super::connection::Failure;
use crate::store::{Access, StoreError};
use deadpool_postgres::{GenericClient, Object};

/// Every format the store ever had: entry N brings version N to version N + 1. Entries are only ever added.
///
/// Names are compared as bytes, as everywhere else in samehand: no language has a say in their order.
const MIGRATIONS: &[&str] = &[
    "CREATE TABLE samehand.users (
        name text COLLATE \"C\" NOT NULL PRIMARY KEY,
        display_name text,
        email text,
        group_names text NOT NULL,
        password_hash text NOT NULL,
        password_scheme text COLLATE \"C\" NOT NULL,
        disabled boolean NOT NULL,
        created_at bigint NOT NULL,
        updated_at bigint NOT NULL
    );
    CREATE INDEX users_by_password_scheme ON samehand.users (password_scheme);
    CREATE TABLE samehand.sessions (
        id text COLLATE \"C\" NOT NULL PRIMARY KEY,
        user_name text COLLATE \"C\" NOT NULL,
        signed_in_by text NOT NULL,
        created_at bigint NOT NULL,
        last_seen_at bigint NOT NULL,
        ends_at bigint NOT NULL,
        device text NOT NULL,
        network text NOT NULL
    );
    CREATE INDEX sessions_by_user ON samehand.sessions (user_name, id);
    CREATE INDEX sessions_by_end ON samehand.sessions (ends_at);
    CREATE TABLE samehand.revocations (
        id bytea NOT NULL PRIMARY KEY CHECK (octet_length(id) = 16),
        earlier_than bigint,
        revision bigint NOT NULL UNIQUE,
        expires_at bigint NOT NULL
    );
    CREATE INDEX revocations_by_expiry ON samehand.revocations (expires_at);
    CREATE TABLE samehand.latest_revision (\"only\" boolean NOT NULL PRIMARY KEY CHECK (\"only\"), revision bigint NOT NULL);
    INSERT INTO samehand.latest_revision VALUES (true, 0);
    CREATE TABLE samehand.attempts (
        key bytea NOT NULL PRIMARY KEY CHECK (octet_length(key) = 16),
        full_at_ms bigint NOT NULL
    );
    CREATE INDEX attempts_by_end ON samehand.attempts (full_at_ms);
    CREATE TABLE samehand.remembered (
        key bytea NOT NULL PRIMARY KEY CHECK (octet_length(key) = 16),
        until_ms bigint NOT NULL
    );
    CREATE INDEX remembered_by_end ON samehand.remembered (until_ms);
    CREATE TABLE samehand.key_ring (
        \"only\" boolean NOT NULL PRIMARY KEY CHECK (\"only\"),
        version bigint NOT NULL,
        sealed bytea NOT NULL
    );
    CREATE TABLE samehand.replicas (
        name text COLLATE \"C\" NOT NULL PRIMARY KEY,
        settings text NOT NULL,
        seen_at bigint NOT NULL
    );",
    "CREATE TABLE samehand.trail (
        position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        noted_at bigint NOT NULL,
        entry text NOT NULL
    );
    CREATE INDEX trail_by_time ON samehand.trail (noted_at);",
    "ALTER TABLE samehand.attempts ADD COLUMN written_at_ms bigint NOT NULL DEFAULT 0;
    CREATE TABLE samehand.clock (
        \"only\" boolean NOT NULL PRIMARY KEY CHECK (\"only\"),
        mark_ms bigint NOT NULL,
        said_ms bigint NOT NULL,
        said_by bigint NOT NULL,
        forgotten_until bigint NOT NULL,
        forgotten_under bigint NOT NULL
    );
    INSERT INTO samehand.clock VALUES (true, 0, 0, 0, 0, 0);",
];

/// The version that this program reads and writes.
const NEWEST: i64 = MIGRATIONS.len() as i64;

/// What only one process at a time may hold: the one that changes the tables. Any number that nobody else uses.
const TURN: i64 = 0x73616d_6568616e64;

/// Whether the tables are there and have the newest format.
pub(super) async fn is_newest(client: &Object, access: Access, place: &str) -> Result<bool, Failure> {
    match (version(client).await?, access) {
        (0, Access::Existing) => Err(Failure::Refused(StoreError::Missing { place: place.to_owned() })),
        (found, _) => Ok(missing(found, place)?.is_empty()),
    }
}

/// Brings the tables to the newest format. Of several processes at once one does it, the others find it done.
pub(super) async fn migrate(client: &mut Object, place: &str) -> Result<(), Failure> {
    let transaction = client.transaction().await?;
    transaction.batch_execute("SET LOCAL statement_timeout = '30s'").await?;
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&TURN]).await?;
    let found = version(&transaction).await?;
    let missing = missing(found, place)?;
    if found == 0 {
        transaction.batch_execute("CREATE SCHEMA IF NOT EXISTS samehand").await?;
        transaction.batch_execute("CREATE TABLE samehand.format (version bigint NOT NULL)").await?;
        transaction.batch_execute("INSERT INTO samehand.format VALUES (0)").await?;
    }
    for migration in missing {
        transaction.batch_execute(migration).await?;
    }
    transaction.execute("UPDATE samehand.format SET version = $1", &[&NEWEST]).await?;
    Ok(transaction.commit().await?)
}

/// The version of the tables; 0 where there are none. It reads the catalog itself: a name that a transaction has once found
/// missing stays missing for it, whatever others did while it waited for its turn.
async fn version(client: &impl GenericClient) -> Result<i64, Failure> {
    let find = "SELECT FROM pg_catalog.pg_class AS known JOIN pg_catalog.pg_namespace AS room ON room.oid = known.relnamespace \
         WHERE room.nspname = 'samehand' AND known.relname = 'format'";
    match client.query_opt(find, &[]).await? {
        Some(_) => Ok(client.query_one("SELECT version FROM samehand.format", &[]).await?.try_get(0)?),
        None => Ok(0),
    }
}

fn missing(found: i64, place: &str) -> Result<&'static [&'static str], Failure> {
    let missing = usize::try_from(found).ok().and_then(|found| MIGRATIONS.get(found..));
    missing.ok_or_else(|| Failure::Refused(StoreError::Newer { place: place.to_owned(), found, known: NEWEST }))
}
