//! One file per command family.
#![allow(dead_code, reason = "main calls these once the service is merged")]

pub(crate) mod console;
pub(crate) mod hash;
pub(crate) mod user;

/// How a command ends when it does not succeed.
pub(crate) enum Failure {
    /// Exit code 1.
    Failed(String),
    /// Exit code 2.
    Usage(String),
    /// Exit code 78.
    Config(Vec<crate::config::Problem>),
}

/// What every command returns.
pub(crate) type Outcome = Result<(), Failure>;
