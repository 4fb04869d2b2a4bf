//! TLS to the server, with certificates of authorities that were made for the test.

use super::super::conformance::run;
use crate::support::postgres::{Database, Postgres, address};
use samehand::store::{self, Access, StoreError};
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

fn openssl(directory: &Path, arguments: &str) {
    let output = Command::new("openssl").args(arguments.split(' ')).current_dir(directory).output();
    let output = output.unwrap_or_else(|error| panic!("these tests need openssl: {error}"));
    assert!(output.status.success(), "openssl {arguments}:\n{}", String::from_utf8_lossy(&output.stderr));
}

const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";

/// `NAME.pem` and `NAME.key` of an authority.
fn make_authority(directory: &Path, name: &str) {
    let arguments = format!("req -x509 {KEY} -keyout {name}.key -out {name}.pem -days 2 -subj /CN={name}");
    openssl(directory, &arguments);
}

/// A server for these names, and the directory with `authority.pem`.
fn server(names: &str) -> (Postgres, TempDir) {
    let ours = tempfile::tempdir().unwrap();
    let server = Postgres::start(|directory| {
        make_authority(directory, "authority");
        openssl(directory, &format!("req {KEY} -keyout server.key -out server.csr -subj /CN=server"));
        fs::write(directory.join("names"), format!("subjectAltName={names}")).unwrap();
        let sign = "x509 -req -in server.csr -CA authority.pem -CAkey authority.key -CAcreateserial -days 2 \
             -extfile names -out server.pem";
        openssl(directory, sign);
        fs::copy(directory.join("authority.pem"), ours.path().join("authority.pem")).unwrap();
        let file = |name: &str| directory.join(name).display().to_string();
        [
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", file("server.pem")),
            format!("ssl_key_file={}", file("server.key")),
        ]
        .into()
    });
    (server, ours)
}

async fn open(database: &Database, options: &str) -> Result<(), StoreError> {
    store::open(&address(&database.url(options)), Access::Create).await.map(drop)
}

/// Whether samehand's connections are encrypted.
async fn is_encrypted(server: &Postgres, database: &Database, options: &str) -> bool {
    let store =
        store::open(&address(&database.url(options)), Access::Create).await.unwrap_or_else(|error| panic!("{error}"));
    let encrypted = "SELECT DISTINCT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
         WHERE application_name = 'samehand' AND datname = current_database()";
    let answer = server.sql(database.name(), encrypted);
    drop(store);
    match answer.trim() {
        "t" => true,
        "f" => false,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn is_not_believed(outcome: Result<(), StoreError>) {
    let refused = outcome.expect_err("the server is not who it should be");
    assert!(matches!(refused, StoreError::Refused { .. }), "{refused}");
    assert!(refused.to_string().contains("certificate"), "{refused}");
}

#[test]
fn a_server_is_believed_for_its_name_and_its_authority() {
    run(async {
        let (server, directory) = server("IP:127.0.0.1");
        make_authority(directory.path(), "stranger");
        let root = |name: &str| format!("sslrootcert={}", directory.path().join(name).display());
        for mode in ["require", "verify-ca", "verify-full"] {
            let options = format!("?sslmode={mode}&{}", root("authority.pem"));
            assert!(is_encrypted(&server, &server.database(), &options).await);
            let database = server.database();
            is_not_believed(open(&database, &format!("?sslmode={mode}&{}", root("stranger.pem"))).await);
            is_not_believed(open(&database, &format!("?sslmode={mode}")).await);
            let other_name = database.url_of(&format!("localhost:{}", database.port()), &options);
            is_not_believed(store::open(&address(&other_name), Access::Create).await.map(drop));
        }
    });
}

#[test]
fn what_is_preferred_is_used_where_it_can_be_and_what_is_disabled_never() {
    run(async {
        let (server, _directory) = server("DNS:elsewhere.example");
        assert!(is_encrypted(&server, &server.database(), "").await);
        assert!(is_encrypted(&server, &server.database(), "?sslmode=prefer").await);
        assert!(!is_encrypted(&server, &server.database(), "?sslmode=disable").await);
        let without = Postgres::shared();
        assert!(!is_encrypted(without, &without.database(), "?sslmode=prefer").await);
    });
}

#[test]
fn a_server_without_tls_is_refused_where_it_is_required() {
    run(async {
        let (_server, directory) = server("IP:127.0.0.1");
        let root = directory.path().join("authority.pem").display().to_string();
        let options = format!("?sslmode=require&sslrootcert={root}");
        let refused = open(&Postgres::shared().database(), &options).await.expect_err("it speaks no TLS");
        assert!(matches!(refused, StoreError::Refused { .. }), "{refused}");
        assert!(refused.to_string().contains("TLS"), "{refused}");
    });
}
