//! Connections: how one is made and kept, and what it means when one fails. It knows no table.

use super::address::{CONNECT, Target};
use crate::store::StoreError;
use deadpool_postgres::{Connect, GenericClient, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime};
use std::error::Error as _;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Config, Connection, Error, Row, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Connections of one process. Revocations wait for each other anyway; the rest is short.
const MOST: usize = 4;

/// A call that takes longer has failed.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// So many rows are written in one statement: a longer one would be ended by its time-out.
pub(super) const ROWS_AT_ONCE: usize = 5000;

/// What every connection begins with. A statement whose caller has given up ends, too; and whoever stops in the middle of
/// a transaction, with the lock that all revocations need, loses it. A revocation is on disk when it was acknowledged,
/// whatever the server does for others.
const BEGIN: &str = "SET statement_timeout = '2s';
    SET idle_in_transaction_session_timeout = '5s';
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// The server's half of a connection; somebody has to drive it.
pub(super) type Driver = Connection<Socket, <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream>;

/// A few connections that are kept. Makes none yet.
pub(super) fn pool(target: &Target) -> Result<Pool, String> {
    // Asked before it is used again: one that was cut is replaced, and its caller notices nothing.
    let config = ManagerConfig { recycling_method: RecyclingMethod::Verified };
    let manager = Manager::from_connect(target.config.clone(), target.clone(), config);
    let pool = Pool::builder(manager)
        .max_size(MOST)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(PATIENCE))
        .create_timeout(Some(PATIENCE))
        .recycle_timeout(Some(CONNECT));
    pool.build().map_err(|error| error.to_string())
}

impl Target {
    /// A connection of its own.
    pub(super) async fn connect(&self) -> Result<(Client, Driver), Error> {
        self.config.connect(self.tls.clone()).await
    }
}

type Connecting<'a> = Pin<Box<dyn Future<Output = Result<(Client, JoinHandle<()>), Error>> + Send + 'a>>;

impl Connect for Target {
    fn connect(&self, _: &Config) -> Connecting<'_> {
        Box::pin(async move {
            let (client, driver) = Self::connect(self).await?;
            // What it ends with is told to whoever waits for an answer.
            let task = tokio::spawn(async move { drop(driver.await) });
            client.batch_execute(BEGIN).await?;
            Ok((client, task))
        })
    }
}

/// Why a call was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// The driver or the server says so.
    Database(Error),
    /// There is no connection.
    Pool(PoolError),
    /// A row cannot have been written by samehand.
    Damaged(String),
    /// What was asked for cannot be.
    Refused(StoreError),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        Self::Pool(error)
    }
}

impl Failure {
    /// As the error of a store at this place.
    pub(super) fn at(self, place: &str) -> StoreError {
        let place = place.to_owned();
        match self {
            Self::Database(error) | Self::Pool(PoolError::Backend(error)) => of_database(place, &error),
            Self::Pool(PoolError::Timeout(_)) => {
                StoreError::Away { place, problem: "no connection came about in time".into() }
            }
            Self::Pool(error @ (PoolError::Closed | PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_))) => {
                StoreError::Refused { place, problem: error.to_string() }
            }
            Self::Damaged(problem) => StoreError::Damaged { place, problem },
            Self::Refused(error) => error,
        }
    }
}

fn of_database(place: String, error: &Error) -> StoreError {
    let problem = in_words(error);
    match is_passing(error) {
        true => StoreError::Away { place, problem },
        false => StoreError::Refused { place, problem },
    }
}

/// What the server said is enough: its details may hold the values of a row.
fn in_words(error: &Error) -> String {
    if let Some(said) = error.as_db_error() {
        return format!("{} ({})", said.message(), said.code().code());
    }
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}

/// Whether it goes away by itself, or when somebody starts, stops or promotes a server.
fn is_passing(error: &Error) -> bool {
    if let Some(code) = error.code() {
        // Connections, resources, operators, and transactions that another one was in the way of.
        let class = code.code().get(..2).unwrap_or_default();
        return ["08", "40", "53", "55", "57", "58"].contains(&class)
            || [SqlState::READ_ONLY_SQL_TRANSACTION, SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT].contains(code);
    }
    match error.source().and_then(|cause| cause.downcast_ref::<io::Error>()) {
        // A certificate that is not believed comes as invalid data.
        Some(cause) => !matches!(cause.kind(), ErrorKind::InvalidData | ErrorKind::InvalidInput),
        None => error.is_closed(),
    }
}

/// The rows of a statement that is prepared once on each connection.
pub(super) async fn rows(
    client: &impl GenericClient,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Vec<Row>, Failure> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query(&statement, values).await?)
}

/// The first row, if there is one.
pub(super) async fn row(
    client: &impl GenericClient,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<Option<Row>, Failure> {
    Ok(rows(client, sql, values).await?.into_iter().next())
}

/// How many rows a statement changed.
pub(super) async fn execute(
    client: &impl GenericClient,
    sql: &str,
    values: &[&(dyn ToSql + Sync)],
) -> Result<u64, Failure> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.execute(&statement, values).await?)
}

/// One column of many rows, as a statement takes it that writes them all at once.
pub(super) fn column<'a, R, T>(rows: &[&'a R], cell: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(|row| cell(row)).collect()
}
