//! `samehand check-config`: every setting with its value and origin, the place of the store, warnings. Or every problem,
//! those of the files that samehand made itself included. A database is asked whether it answers, for a few seconds at
//! most; that it does not is a warning, because no setting need be wrong.

use super::opened::Opened;
use super::{Failure, Outcome, print};
use crate::config::{Config, Problem};
use crate::keys::{self, KeyFile, KeysError, Missing};
use crate::ownership;
use crate::server::Passed;
use crate::store::{self, Access, StoreAddress, StoreError};
use std::path::Path;
use std::time::Duration;

pub(super) fn run(config: &Config) -> Outcome {
    let passed = Passed::take_over().map_err(|problem| Failure::Config(vec![problem]))?;
    refuse_unusable_files(config)?;
    refuse_unwritable_data(config)?;
    let state = state_of_database(config)?;
    let width = config.report.iter().map(|setting| setting.name.len()).max().unwrap_or_default();
    for setting in &config.report {
        let value = if setting.value.is_empty() { "(unset)" } else { &setting.value };
        print::result(&format!("{:width$}  {value}  [{}]", setting.name, setting.origin))?;
    }
    let (answers, away) = match state {
        Some(Ok(said)) => (format!(" ({said})"), None),
        Some(Err(problem)) => (" (does not answer)".into(), Some(problem)),
        None => (String::new(), None),
    };
    print::result(&format!("store: {}{answers}", config.store))?;
    for socket in passed.described() {
        print::result(&format!("passed by systemd: {socket}"))?;
    }
    for warning in config.warnings.iter().chain(&KeyFile::exposure(&config.keys.data)).chain(&away) {
        print::result(&format!("warning: {warning}"))?;
    }
    Ok(())
}

/// Refuses keys and a store that others can read, that are damaged, or that a newer samehand wrote. What is not there
/// yet is no problem: the service makes it.
pub(super) fn refuse_unusable_files(config: &Config) -> Outcome {
    let problem = |error: String| Problem { setting: "SAMEHAND_DATA".into(), message: error };
    let mut problems = Vec::new();
    match keys::load(&config.keys, Missing::Refuse) {
        Ok(_) | Err(KeysError::Absent(_)) => {}
        Err(
            error @ (KeysError::Unusable(..)
            | KeysError::Sealed(_)
            | KeysError::NotRetirable(..)
            | KeysError::NoRandomness(_)),
        ) => {
            problems.push(problem(error.to_string()));
        }
    }
    match &config.store {
        StoreAddress::Sqlite(_) => match store::at(&config.store, Access::Existing) {
            Ok(_) | Err(StoreError::Missing { .. }) => {}
            Err(error) if error.is_passing() => return Err(Failure::failed(error)),
            Err(error) => problems.push(problem(error.to_string())),
        },
        // No file of ours: whether it answers is seen when it is asked.
        StoreAddress::Postgres(_) | StoreAddress::Valkey(_) => {}
    }
    if problems.is_empty() { Ok(()) } else { Err(Failure::Config(problems)) }
}

/// Refuses a directory into which the service could not write what it makes there at its first start.
fn refuse_unwritable_data(config: &Config) -> Outcome {
    let store = match &config.store {
        StoreAddress::Sqlite(path) => path.parent(),
        StoreAddress::Postgres(_) | StoreAddress::Valkey(_) => None,
    };
    let keys = config.keys.need_file().then_some(config.keys.data.as_path());
    let named = [("SAMEHAND_DATA", keys), ("SAMEHAND_STORE", store.filter(|path| Some(*path) != keys))];
    let problem = |(setting, path): (&str, Option<&Path>)| {
        let message = ownership::refuse_unwritable(path?).err()?;
        Some(Problem { setting: setting.into(), message })
    };
    let problems: Vec<_> = named.into_iter().filter_map(problem).collect();
    if problems.is_empty() { Ok(()) } else { Err(Failure::Config(problems)) }
}

/// So long a database may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether the store answers right now, if it is a database: what there is to say, or why it does not.
fn state_of_database(config: &Config) -> Result<Option<Result<String, String>>, Failure> {
    match &config.store {
        StoreAddress::Sqlite(_) => return Ok(None),
        StoreAddress::Postgres(_) | StoreAddress::Valkey(_) => {}
    }
    match Opened::within(PATIENCE, &config.store, Access::Existing) {
        Ok(_) => Ok(Some(Ok("answers".into()))),
        Err(StoreError::Missing { .. }) => Ok(Some(Ok("answers; samehand has not been there yet".into()))),
        Err(error) if error.is_passing() => Ok(Some(Err(error.to_string()))),
        Err(error) => {
            Err(Failure::Config(vec![Problem { setting: "SAMEHAND_STORE".into(), message: error.to_string() }]))
        }
    }
}
