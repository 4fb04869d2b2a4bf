//! A store with a server of its own, whichever it is, that can be paused, killed and started again.

use super::installation::JumpingClock;
use super::postgres::{Database, Postgres};
use super::valkey::{DURABLE, Program, Server as Valkey};
use std::net::SocketAddr;

/// A store that runs as a server.
pub(crate) enum StoreServer {
    /// PostgreSQL, and the database in it.
    Postgres(Box<Postgres>, Database),
    /// Valkey, with an append-only file that is on disk when it answers.
    Valkey(Valkey),
}

impl StoreServer {
    /// A PostgreSQL server with an empty database.
    #[track_caller]
    pub(crate) fn postgres() -> Self {
        let server = Postgres::start(|_| Vec::new());
        let database = server.database();
        Self::Postgres(Box::new(server), database)
    }

    /// A Valkey server without a key.
    #[track_caller]
    pub(crate) fn valkey() -> Self {
        Self::Valkey(Valkey::start(Program::Valkey))
    }

    /// A PostgreSQL server by this clock.
    #[track_caller]
    pub(crate) fn postgres_by(clock: &JumpingClock) -> Self {
        let server = Postgres::start_in(clock.environment(), |_| Vec::new());
        let database = server.database();
        Self::Postgres(Box::new(server), database)
    }

    /// A Valkey server by this clock.
    #[track_caller]
    pub(crate) fn valkey_by(clock: &JumpingClock) -> Self {
        Self::Valkey(Valkey::start_in(clock.environment(), Program::Valkey, &DURABLE))
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        match self {
            Self::Postgres(_, database) => ([127, 0, 0, 1], database.port()).into(),
            Self::Valkey(server) => server.address(),
        }
    }

    /// The URL of the store.
    pub(crate) fn url(&self) -> String {
        match self {
            Self::Postgres(_, database) => database.url(""),
            Self::Valkey(server) => server.url(),
        }
    }

    /// The URL of the store by way of another address.
    pub(crate) fn url_by_way_of(&self, address: SocketAddr) -> String {
        let (own, other) = (format!("@{}", self.address()), format!("@{address}"));
        let url = self.url();
        assert!(url.contains(&own), "the URL names the address of the server");
        url.replace(&own, &other)
    }

    /// It stands still, and its connections with it.
    pub(crate) fn pause(&self) {
        match self {
            Self::Postgres(server, _) => server.pause(),
            Self::Valkey(server) => server.pause(),
        }
    }

    /// It goes on.
    pub(crate) fn resume(&self) {
        match self {
            Self::Postgres(server, _) => server.resume(),
            Self::Valkey(server) => server.resume(),
        }
    }

    /// It ends without being told that it will.
    pub(crate) fn kill_hard(&mut self) {
        match self {
            Self::Postgres(server, _) => server.kill_hard(),
            Self::Valkey(server) => server.kill_hard(),
        }
    }

    /// The same server again, on what is left of its data; returns when it accepts connections.
    #[track_caller]
    pub(crate) fn start_again(&mut self) {
        match self {
            Self::Postgres(server, _) => server.start_again(),
            Self::Valkey(server) => server.start_again(),
        }
    }
}
