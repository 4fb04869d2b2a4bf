//! `samehand check-config`: every setting with its value and origin, the path of the store, warnings. Problems were
//! reported before it runs.

use super::{Outcome, print};
use crate::config::Config;
use crate::keys::{self, Missing};

pub(super) fn run(config: Config) -> Outcome {
    let width = config.report.iter().map(|setting| setting.name.len()).max().unwrap_or_default();
    for setting in &config.report {
        let value = if setting.value.is_empty() { "(unset)" } else { &setting.value };
        print::result(&format!("{:width$}  {value}  [{}]", setting.name, setting.origin))?;
    }
    print::result(&format!("store: {}", config.store.display()))?;
    // Keys that are not there yet are made by the service; keys that cannot be used would keep it from starting.
    match keys::load(&config, Missing::Refuse, 0) {
        Ok(_) | Err(keys::KeysError::Absent(_)) => {}
        Err(problem) => return Err(super::Failure::failed(problem)),
    }
    for warning in &config.warnings {
        print::note(&format!("warning: {warning}"));
    }
    Ok(())
}
