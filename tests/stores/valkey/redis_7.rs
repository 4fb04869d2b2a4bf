//! The suite on Debian's Redis, which is older than Valkey and somebody else's by now.

use super::{address, passwords, write_email};
use crate::conformance::Fixture;
use crate::support::valkey::{Program, Server};
use samehand::check::names::UserName;
use samehand::store::StoreAddress;

struct Redis(Server);

impl Fixture for Redis {
    async fn new() -> Self {
        Self(Server::start(Program::Redis))
    }

    fn address(&self) -> StoreAddress {
        address(&self.0.url())
    }

    fn passwords(&self) -> Vec<String> {
        passwords()
    }

    fn hopeless(&self) -> Vec<StoreAddress> {
        vec![address(&format!("redis://:{}@{}", super::WRONG, self.0.address()))]
    }

    async fn write_email(&self, user: &UserName, email: &str) {
        write_email(&self.0, user, email);
    }
}

conformance!(Redis);
