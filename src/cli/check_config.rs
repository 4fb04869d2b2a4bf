//! `samehand check-config`: every setting with its value and origin, the path of the store, warnings. Or every problem,
//! those of the files that samehand made itself included.

use super::{Failure, Outcome, print};
use crate::config::{Config, Problem};
use crate::keys::{self, KeyFile, KeysError, Missing};
use crate::store::{self, Access, StoreAddress, StoreError};

pub(super) fn run(config: &Config) -> Outcome {
    refuse_unusable_files(config)?;
    let width = config.report.iter().map(|setting| setting.name.len()).max().unwrap_or_default();
    for setting in &config.report {
        let value = if setting.value.is_empty() { "(unset)" } else { &setting.value };
        print::result(&format!("{:width$}  {value}  [{}]", setting.name, setting.origin))?;
    }
    print::result(&format!("store: {}", config.store))?;
    for warning in config.warnings.iter().chain(&KeyFile::exposure(&config.keys.data)) {
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
