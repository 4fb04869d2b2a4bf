//! `samehand store copy`: moves everything to another store, so that nobody is signed out when the services follow.
//!
//! What is copied and compared is [`store_copy`](crate::store_copy)'s part; here stand the addresses, which are never shown
//! with a password, how far it has come, and what is to be done next.

mod progress;

use super::console::Console;
use super::opened::Opened;
use super::{Failure, Outcome, trail};
use crate::config::{Config, file_value};
use crate::key_store;
use crate::keys::KeyFile;
use crate::store::{Access, Store, StoreAddress};
use crate::store_copy::{self, Copied, CopyError};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    /// Copy users, sessions, revocations and the key ring to another store, and compare both.
    ///
    /// An address is `sqlite` (in SAMEHAND_DATA), `sqlite:PATH`, `postgres://...` or `redis://...`. The services may run
    /// meanwhile. After an interruption the same command goes on. Arguments can be seen by every user of the machine:
    /// where the address holds a password, give it in a file.
    Copy(CopyArgs),
}

#[derive(clap::Args)]
struct CopyArgs {
    /// Where everything is now.
    #[arg(long, value_name = "URL", required_unless_present = "from_file")]
    from: Option<String>,
    /// A file that holds this address.
    #[arg(long, value_name = "FILE", conflicts_with = "from")]
    from_file: Option<PathBuf>,
    /// Where it shall be; created when it is not there.
    #[arg(long, value_name = "URL", required_unless_present = "to_file")]
    to: Option<String>,
    /// A file that holds this address.
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    to_file: Option<PathBuf>,
}

pub(super) fn run(args: Args, config: &Config, now: u64) -> Outcome {
    let Command::Copy(args) = args.command;
    let from = address("from", args.from, args.from_file.as_deref(), config)?;
    let to = address("to", args.to, args.to_file.as_deref(), config)?;
    if from.is_same(&to) {
        return Err(failure(CopyError::Same));
    }
    let source = Opened::at(&from, Access::Existing)?;
    let target = source.beside(&to, Access::Create)?;
    Console::of_process(|console| {
        console.note(format_args!("copying {from} to {to}"));
        let copied =
            source.wait(store_copy::copy(&*source, &*target, &mut progress::shown(console))).map_err(failure)?;
        let entry = trail::entry("store-copy", format!("{from} to {to}"), "ok", now);
        source.wait(target.note_trail(&[entry]))?;
        console.result(summary(&copied))?;
        if !copied.keys && seal_key_file(&source, &*target, config)? {
            let file = KeyFile::path(&config.keys.data);
            console.note(format_args!("the keys of {} are in the store now, under SAMEHAND_STORE_KEY", file.display()));
        }
        for line in advice(&copied, &from, &to, config) {
            console.note(line);
        }
        Ok(())
    })
}

/// With `SAMEHAND_STORE_KEY` replicas have their keys in the store. Those that signed until now are put there, so that
/// their tokens stay good; false where there is none to put.
fn seal_key_file(source: &Opened, target: &dyn Store, config: &Config) -> Result<bool, Failure> {
    let Some(store_key) = config.keys.ring_in_store().filter(|_| KeyFile::path(&config.keys.data).exists()) else {
        return Ok(false);
    };
    source.wait(key_store::load_or_create(target, store_key, || KeyFile::open(&config.keys.data)))?;
    Ok(true)
}

fn failure(error: CopyError) -> Failure {
    match error {
        CopyError::Same => Failure::Usage(error.to_string()),
        CopyError::Store(_)
        | CopyError::OtherUser { .. }
        | CopyError::OtherKeys { .. }
        | CopyError::Different { .. } => Failure::failed(error),
    }
}

/// The address that was given one way or the other; what is wrong with it is said without showing it.
fn address(option: &str, text: Option<String>, file: Option<&Path>, config: &Config) -> Result<StoreAddress, Failure> {
    let text = match (text, file) {
        (None, Some(file)) => {
            file_value(file).map_err(|problem| Failure::Failed(format!("--{option}-file: {problem}")))?
        }
        (text, _) => text.unwrap_or_default(),
    };
    let read = StoreAddress::read(&text, &config.keys.data);
    read.map_err(|problem| Failure::Usage(format!("--{option}: {problem}")))
}

fn summary(copied: &Copied) -> String {
    let count = |number: u64, what: &str| match number {
        1 => format!("1 {what}"),
        number => format!("{number} {what}s"),
    };
    let (users, sessions) = (count(copied.users, "user"), count(copied.sessions, "session"));
    let keys = if copied.keys { ", the key ring" } else { "" };
    format!("copied and compared: {users}, {sessions}, {}{keys}", count(copied.revocations, "revocation"))
}

/// What is to be done now.
fn advice(copied: &Copied, from: &StoreAddress, to: &StoreAddress, config: &Config) -> Vec<String> {
    let mut lines = Vec::new();
    if copied.own_sessions > 0 {
        lines.push(format!("{to} has {} sessions of its own, which were left alone", copied.own_sessions));
    }
    let setting = match to {
        StoreAddress::Sqlite(path) => format!("sqlite:{}", path.display()),
        StoreAddress::Postgres(url) | StoreAddress::Valkey(url) => url.to_string(),
    };
    lines.push(format!(
        "now set SAMEHAND_STORE to {setting} for all services and commands and restart the services; nobody is signed out"
    ));
    lines.push(format!(
        "what is revoked or changed in {from} from now on is not copied: switch now, or run the same command again \
         before you do"
    ));
    match copied.keys {
        true => lines.push("the key ring needs the same SAMEHAND_STORE_KEY as before".into()),
        false => lines.extend(keys_advice(to, config)),
    }
    lines
}

/// Tokens are good only where their keys are.
fn keys_advice(to: &StoreAddress, config: &Config) -> Option<String> {
    let file = KeyFile::path(&config.keys.data);
    if !file.exists() || !config.keys.need_file() {
        return None;
    }
    let file = file.display();
    Some(match to.is_shared() {
        true => format!(
            "the keys are in {file} and not in the store: set SAMEHAND_STORE_KEY for all services, and start one that has \
             this file first, which puts them there; services with other keys refuse the tokens there are"
        ),
        false => {
            format!("the keys are in {file} and not in the store: services with another SAMEHAND_DATA need it, too")
        }
    })
}
