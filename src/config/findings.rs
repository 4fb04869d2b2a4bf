//! Collects problems and warnings, so that one run reports them all. Never holds the value of a secret.

use super::Problem;
use super::settings::PREFIX;

/// What was found so far.
#[derive(Default)]
pub(super) struct Findings {
    /// Each of them forbids starting.
    pub(super) problems: Vec<Problem>,
    /// Allowed, but worth a second look.
    pub(super) warnings: Vec<String>,
}

impl Findings {
    /// Notes a problem with the setting of this name (without prefix).
    pub(super) fn problem(&mut self, name: &str, message: impl Into<String>) {
        self.problems.push(Problem { setting: format!("{PREFIX}{name}"), message: message.into() });
    }

    /// Notes a warning about the setting of this name (without prefix).
    pub(super) fn warn(&mut self, name: &str, message: impl AsRef<str>) {
        self.warnings.push(format!("{PREFIX}{name}: {}", message.as_ref()));
    }

    /// The value of a check that went well, or nothing and a problem.
    pub(super) fn keep<T>(&mut self, name: &str, checked: Result<T, String>) -> Option<T> {
        match checked {
            Ok(value) => Some(value),
            Err(message) => {
                self.problem(name, message);
                None
            }
        }
    }
}
