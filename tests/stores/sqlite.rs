//! The embedded store, on real files.

use crate::conformance::Fixture;
use rusqlite::Connection;
use samehand::check::names::UserName;
use samehand::store::StoreAddress;
use std::path::PathBuf;
use tempfile::TempDir;

struct Sqlite(TempDir);

impl Sqlite {
    fn path(&self) -> PathBuf {
        self.0.path().join("samehand.sqlite")
    }
}

impl Fixture for Sqlite {
    async fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn address(&self) -> StoreAddress {
        StoreAddress::Sqlite(self.path())
    }

    fn passwords(&self) -> Vec<String> {
        Vec::new()
    }

    fn hopeless(&self) -> Vec<StoreAddress> {
        // A directory stands in the place of the file.
        vec![StoreAddress::Sqlite(self.0.path().to_owned())]
    }

    async fn write_email(&self, user: &UserName, email: &str) {
        let connection = Connection::open(self.path()).unwrap();
        let changed = connection.execute("UPDATE users SET email = ?2 WHERE name = ?1", [user.as_str(), email]);
        assert_eq!(changed.unwrap(), 1);
    }
}

conformance!(Sqlite);
