//! The store in a database, on the real PostgreSQL; and what is special to it.

mod outages;
mod schema;
mod speed;
mod tls;

use crate::conformance::Fixture;
use crate::support::postgres::{Database, PASSWORD, Postgres, address};
use crate::support::process::free_address;
use samehand::check::names::UserName;
use samehand::store::StoreAddress;

struct InPostgres(Database);

impl Fixture for InPostgres {
    async fn new() -> Self {
        Self(Postgres::shared().database())
    }

    fn address(&self) -> StoreAddress {
        self.0.store()
    }

    fn passwords(&self) -> Vec<String> {
        [PASSWORD, "p%40ss", "w/rd", "wr0ng"].map(str::to_owned).into()
    }

    fn hopeless(&self) -> Vec<StoreAddress> {
        let here = format!("127.0.0.1:{}", self.0.port());
        [
            self.0.url_at(&free_address().to_string(), "wr0ng", ""),
            self.0.url_at("no-such-host.invalid", "wr0ng", ""),
            self.0.url_at(&here, "wr0ng", ""),
            self.0.url_at(&here, "wr0ng", "?sslmode=require"),
            self.0.url_at(&here, "wr0ng", "?wr0ng=1"),
            self.0.url_at(&here, "wr0ng@x", ""),
        ]
        .map(|url| address(&url))
        .into()
    }

    async fn write_email(&self, user: &UserName, email: &str) {
        let update = format!("UPDATE samehand.users SET email = '{email}' WHERE name = '{user}' RETURNING name");
        assert_eq!(Postgres::shared().sql(self.0.name(), &update).trim(), user.as_str());
    }
}

conformance!(InPostgres);
