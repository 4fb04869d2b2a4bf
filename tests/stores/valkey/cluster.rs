//! The suite on a cluster of three nodes.

use super::{address, passwords, write_email};
use crate::conformance::Fixture;
use crate::support::valkey::cluster::Shared;
use samehand::check::names::UserName;
use samehand::store::StoreAddress;

struct OnCluster(Shared);

impl Fixture for OnCluster {
    async fn new() -> Self {
        Self(Shared::take().await)
    }

    fn address(&self) -> StoreAddress {
        address(&self.0.cluster().url())
    }

    fn passwords(&self) -> Vec<String> {
        passwords()
    }

    fn hopeless(&self) -> Vec<StoreAddress> {
        let node = self.0.cluster().nodes[0].address();
        vec![
            address(&format!("redis-cluster://:{}@{node}", super::WRONG)),
            address(&format!("redis-cluster://:{}@127.0.0.1:1,127.0.0.1:2", super::WRONG)),
        ]
    }

    async fn write_email(&self, user: &UserName, email: &str) {
        write_email(self.0.cluster().home(), user, email);
    }
}

conformance!(OnCluster);
