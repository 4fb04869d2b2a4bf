//! `samehand completions SHELL`.

use super::{Cli, Outcome};
use clap::CommandFactory as _;

#[derive(clap::Args)]
pub(super) struct Args {
    /// The shell to print a completion script for.
    shell: clap_complete::Shell,
}

pub(super) fn run(args: &Args) -> Outcome {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "samehand", &mut script);
    super::print::result(String::from_utf8_lossy(&script).trim_end())
}
