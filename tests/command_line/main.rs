//! The command line as scripts and people meet it: the real program, its exit codes, what stands on which stream, and
//! what it leaves behind.

#[path = "../support/mod.rs"]
mod support;

mod check_config;
mod databases;
mod exit_codes;
mod explain;
mod explain_reasons;
mod healthcheck;
mod keys;
mod printing;
mod revoke;
mod session;
mod store_copy;
mod token;
mod user;

use std::process::Output;

use samehand::{
    check::{identifiers::SessionId, names::UserName},
    store::{self, Access, Session, SignedInBy, Store, StoreAddress},
};
use support::{installation::Installation, samehand::PASSWORD};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
const CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
/// The signing secret where a test needs to know it.
const SECRET: &str = "the tests know this one, 8dJ2mQxv0Lr5";

/// A command that has ended.
#[derive(Debug)]
struct Ended {
    code: Option<i32>,
    results: String,
    notes: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self { code: output.status.code(), results: text(output.stdout), notes: text(output.stderr) }
    }
}

/// Runs a command with nothing on its standard input.
#[track_caller]
fn run(installation: &Installation, arguments: &[&str]) -> Ended {
    run_with(installation, arguments, "")
}

/// Runs a command with this text on its standard input. Whatever happens, it does not panic.
#[track_caller]
fn run_with(installation: &Installation, arguments: &[&str], input: &str) -> Ended {
    let ended = Ended::from(installation.run(arguments, input));
    assert!(!ended.notes.contains("panicked"), "{arguments:?}: {}", ended.notes);
    ended
}

/// The command fails with this code, prints no result, and says each of these.
#[track_caller]
fn refused(installation: &Installation, arguments: &[&str], input: &str, code: i32, said: &[&str]) {
    let ended = run_with(installation, arguments, input);
    assert_eq!((ended.code, ended.results.as_str()), (Some(code), ""), "{arguments:?}: {}", ended.notes);
    for text in said {
        assert!(ended.notes.contains(text), "{arguments:?} does not say {text:?}: {}", ended.notes);
    }
}

/// Uses the embedded store of an installation as the service does.
#[track_caller]
fn with_store<T>(installation: &Installation, work: impl AsyncFnOnce(&dyn Store) -> T) -> T {
    let address = StoreAddress::Sqlite(installation.data().join("samehand.sqlite"));
    with_store_at(&address, work)
}

#[track_caller]
fn with_store_at<T>(address: &StoreAddress, work: impl AsyncFnOnce(&dyn Store) -> T) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let store = store::open(address, Access::Create).await.expect("a store");
        work(&*store).await
    })
}

/// The time, in seconds since 1970, as the program has it.
fn now() -> u64 {
    samehand::app::now()
}

/// A session that began an hour ago, was used a minute ago, and is open for another hour.
fn session(number: u8, user: &str) -> Session {
    Session {
        id: SessionId::new([number; 16]),
        user: UserName::enter(user).expect("a name"),
        signed_in_by: SignedInBy::Password,
        created_at: now() - 3600,
        last_seen_at: now() - 60,
        ends_at: now() + 3600,
        device: "Firefox on Linux".into(),
        network: "192.0.2.0/24".into(),
    }
}
