//! The command line: one file per command family. Results go to standard output, everything else to standard error.
//!
//! Exit codes: 0 success, 1 failure, 2 wrong usage, 78 bad configuration (`EX_CONFIG`, so that supervisors do not
//! restart in a loop).

mod audit;
mod check_config;
mod completions;
mod console;
mod explain;
mod hash;
mod healthcheck;
mod keys;
mod opened;
mod print;
mod ring;
mod serve;
mod session;
mod store;
mod time;
mod token;
mod trail;
mod user;

use crate::config::{self, Config, Problem};
use crate::keys::KeysError;
use clap::{Parser, Subcommand};
use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

const EXIT_FAILURE: u8 = 1;
const EXIT_USAGE: u8 = 2;
const EXIT_CONFIG: u8 = 78;

/// A forward-auth service: a JSON Web Token works only in the hand it was given to.
#[derive(Parser)]
#[command(name = "samehand", version, about, disable_help_subcommand = true)]
struct Cli {
    /// Settings file in TOML; the environment wins over it.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the service (also what `samehand` alone does).
    Serve(serve::Args),
    /// Print every setting with its value and origin, or every problem.
    CheckConfig,
    /// Manage users.
    User(user::Args),
    /// Mint, inspect and revoke tokens.
    Token(token::Args),
    /// Print the audit trail: who changed or tried what, from where, with which result.
    Audit(audit::Args),
    /// List open sessions.
    Session(session::Args),
    /// List, rotate and retire signing keys.
    Keys(keys::Args),
    /// Move everything to another store.
    Store(store::Args),
    /// Hash a password with argon2id.
    Hash(hash::Args),
    /// Run a decision without side effects and say each step.
    Explain(Box<explain::Args>),
    /// Ask the running service whether it is ready; for containers.
    Healthcheck,
    /// Print a completion script for a shell.
    Completions(completions::Args),
}

/// Why a command did not do what it should.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It was understood and failed.
    Failed(String),
    /// Its arguments do not make sense.
    Usage(String),
    /// The settings are not valid.
    Config(Vec<Problem>),
}

/// What a command returns.
pub(crate) type Outcome = Result<(), Failure>;

impl Failure {
    /// A failure with the text of an error.
    pub(crate) fn failed(error: impl std::fmt::Display) -> Self {
        Self::Failed(error.to_string())
    }
}

/// A key file that others may read, or that is damaged, is as bad as a bad setting: a supervisor must not restart in a
/// loop because of it.
impl From<KeysError> for Failure {
    fn from(error: KeysError) -> Self {
        match error {
            KeysError::Unusable(..) => {
                Self::Config(vec![Problem { setting: "SAMEHAND_DATA".into(), message: error.to_string() }])
            }
            KeysError::Sealed(_) => {
                Self::Config(vec![Problem { setting: "SAMEHAND_STORE_KEY".into(), message: error.to_string() }])
            }
            KeysError::Absent(_) | KeysError::NotRetirable(..) | KeysError::NoRandomness(_) => Self::failed(error),
        }
    }
}

/// Runs the command that the process was started with. Before it reads anything, it closes its memory to others.
#[must_use]
pub fn main() -> ExitCode {
    // A service without this is still a service, and says so in its log. Commands have none.
    let _ = close_memory();
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Failed(message)) => {
            print::note(&format!("samehand: {message}"));
            ExitCode::from(EXIT_FAILURE)
        }
        Err(Failure::Usage(message)) => {
            print::note(&format!("samehand: {message}"));
            ExitCode::from(EXIT_USAGE)
        }
        Err(Failure::Config(problems)) => {
            for problem in problems {
                print::note(&format!("{}: {}", problem.setting, problem.message));
            }
            ExitCode::from(EXIT_CONFIG)
        }
    }
}

/// Tells the kernel that this process is not to be dumped: no core file holds its keys and passwords, and no other program of
/// the same user reads its memory or its environment. What it executes is not concerned.
fn close_memory() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

fn run(cli: Cli) -> Outcome {
    let file = cli.config.clone();
    let load = move || config::load(file.as_deref(), config::environment());
    let settings = || -> Result<Config, Failure> { load().map_err(Failure::Config) };
    let now = crate::app::now();
    match cli.command.unwrap_or(Command::Serve(serve::Args::default())) {
        Command::Serve(args) => serve::run(&args, settings()?, Box::new(load)),
        Command::CheckConfig => check_config::run(&settings()?),
        Command::Audit(args) => audit::run(&args, &settings()?, now),
        Command::User(args) => {
            let config = settings()?;
            trail::noted(args.deed(), &config.store, now, || user::run(args, &config, now))
        }
        Command::Token(args) => {
            let config = settings()?;
            trail::noted(args.deed(), &config.store, now, || token::run(args, &config, now))
        }
        Command::Session(args) => session::run(args, &settings()?, now),
        Command::Store(args) => store::run(args, &settings()?, now),
        Command::Keys(args) => {
            let config = settings()?;
            trail::noted(args.deed(), &config.store, now, || keys::run(args, &config, now))
        }
        Command::Hash(args) => hash::run(args),
        Command::Explain(args) => explain::run(&args, &settings()?, now),
        Command::Healthcheck => healthcheck::run(&settings()?),
        Command::Completions(args) => completions::run(&args),
    }
}
