//! The tables: who may make them, which are refused.

use super::super::conformance::{name, run, user};
use crate::support::postgres::Postgres;
use samehand::store::{self, Access, StoreError};

#[test]
fn tables_newer_than_the_program_are_refused_with_both_versions() {
    run(async {
        let database = Postgres::shared().database();
        let store = store::open(&database.store(), Access::Create).await.unwrap();
        Postgres::shared().sql(database.name(), "UPDATE samehand.format SET version = version + 6");
        for access in [Access::Create, Access::Existing] {
            let refused = store::open(&database.store(), access).await.err().expect("they are newer");
            assert!(matches!(refused, StoreError::Newer { found, known, .. } if found == known + 6), "{refused}");
        }
        assert!(matches!(store.prepare().await, Err(StoreError::Newer { .. })), "a running replica hears it, too");
    });
}

#[test]
fn tables_that_an_interrupted_creation_left_nothing_of_are_created() {
    run(async {
        let database = Postgres::shared().database();
        Postgres::shared().sql(database.name(), "CREATE SCHEMA samehand AUTHORIZATION samehand");
        let missing = store::open(&database.store(), Access::Existing).await.err().expect("there are no tables");
        assert!(matches!(missing, StoreError::Missing { .. }), "{missing}");
        let store = store::open(&database.store(), Access::Create).await.unwrap();
        store.add_users(&[user("bob")]).await.unwrap();
        assert!(store.user(&name("bob")).await.unwrap().is_some());
    });
}

#[test]
fn everything_is_in_a_schema_of_its_own() {
    run(async {
        let database = Postgres::shared().database();
        store::open(&database.store(), Access::Create).await.unwrap();
        let elsewhere = "SELECT relname FROM pg_class JOIN pg_namespace AS room ON room.oid = relnamespace \
             WHERE relowner = 'samehand'::regrole AND nspname NOT IN ('samehand', 'pg_toast')";
        assert_eq!(Postgres::shared().sql(database.name(), elsewhere).trim(), "");
    });
}

#[test]
fn who_may_not_create_tables_is_told_so() {
    run(async {
        let database = Postgres::shared().database();
        Postgres::shared().sql("postgres", &format!("ALTER DATABASE {} OWNER TO admin", database.name()));
        let refused = store::open(&database.store(), Access::Create).await.err().expect("it is not allowed");
        assert!(matches!(refused, StoreError::Refused { .. }), "{refused}");
        assert!(refused.to_string().contains("permission denied for database"), "{refused}");
    });
}
