//! The store in Valkey, in Redis, and in a cluster.

mod cluster;
mod durability;
mod outages;
mod redis_7;
mod sentinel;
mod tls;

use crate::conformance::Fixture;
use crate::support::valkey::{PASSWORD, PASSWORD_IN_URL, Program, Server};
use samehand::check::names::UserName;
use samehand::store::StoreAddress;
use serde_json::Value;
use std::path::Path;

/// The key of the users.
const USERS: &str = "{samehand}:users";

struct Valkey(Server);

impl Fixture for Valkey {
    async fn new() -> Self {
        Self(Server::start(Program::Valkey))
    }

    fn address(&self) -> StoreAddress {
        address(&self.0.url())
    }

    fn passwords(&self) -> Vec<String> {
        passwords()
    }

    fn hopeless(&self) -> Vec<StoreAddress> {
        let own = self.0.address();
        let is_right = self.0.url();
        let urls = [
            format!("redis://:{WRONG}@{own}"),
            format!("redis://nobody:{WRONG}@{own}"),
            // Nobody listens there, or speaks something else.
            format!("redis://:{WRONG}@127.0.0.1:1"),
            format!("rediss://:{WRONG}@{own}"),
            is_right.replacen("redis://", "redis-cluster://", 1),
            format!("{}/primary", is_right.replacen("redis://", "redis-sentinel://", 1)),
            format!("{is_right}/999"),
        ];
        urls.iter().map(|url| address(url)).collect()
    }

    async fn write_email(&self, user: &UserName, email: &str) {
        write_email(&self.0, user, email);
    }
}

conformance!(Valkey);

const WRONG: &str = "another-password";

fn passwords() -> Vec<String> {
    [PASSWORD, PASSWORD_IN_URL, WRONG].map(str::to_owned).into()
}

#[track_caller]
fn address(url: &str) -> StoreAddress {
    StoreAddress::read(url, Path::new("/nowhere")).unwrap_or_else(|problem| panic!("{problem}"))
}

#[track_caller]
fn write_email(server: &Server, user: &UserName, email: &str) {
    let row: String = server.ask(&["HGET", USERS, user.as_str()]);
    let (scheme, rest) = row.split_once('\n').expect("a row of samehand");
    let mut rest: Value = serde_json::from_str(rest).expect("JSON");
    rest[1] = email.into();
    server.ask::<()>(&["HSET", USERS, user.as_str(), &format!("{scheme}\n{rest}")]);
}
