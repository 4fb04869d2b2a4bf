//! Puts what a command changed into the audit trail of the store, from which running services log it.

use super::opened::Opened;
use super::{Failure, Outcome, print};
use crate::store::{Access, StoreAddress, StoreError, TrailEntry};
use nix::unistd::{User, getuid};

/// What a command changes, and on whom or what.
pub(super) type Deed = Option<(&'static str, String)>;

/// Runs a command, and notes what it did, or tried in vain. Arguments that make no sense are no try.
pub(super) fn noted(deed: Deed, store: &StoreAddress, now: u64, run: impl FnOnce() -> Outcome) -> Outcome {
    let outcome = run();
    let result = match outcome {
        Ok(()) => "ok",
        Err(Failure::Failed(_)) => "failed",
        Err(Failure::Usage(_) | Failure::Config(_)) => return outcome,
    };
    let Some((action, subject)) = deed else { return outcome };
    let written = Opened::at(store, Access::Existing)
        .and_then(|opened| opened.wait(opened.note_trail(&[entry(action, subject, result, now)])));
    match written {
        Ok(()) | Err(StoreError::Missing { .. }) => {}
        // What kept the command from its work was said already.
        Err(_) if outcome.is_err() => {}
        Err(problem) => print::note(&format!("warning: this is not in the audit trail: {problem}")),
    }
    outcome
}

/// An entry of whoever runs this process.
pub(super) fn entry(action: &str, subject: String, result: &str, now: u64) -> TrailEntry {
    let uid = getuid();
    let name = User::from_uid(uid).ok().flatten().map_or_else(|| format!("uid {uid}"), |user| user.name);
    TrailEntry {
        time: now,
        action: action.to_owned(),
        actor: format!("cli:{name}"),
        subject,
        result: result.to_owned(),
        count: 1,
        ..TrailEntry::default()
    }
}
