//! `samehand serve`.

use super::{Failure, Outcome, check_config, close_memory};
use crate::config::Config;
use crate::server::{Passed, Sockets};
use crate::{logging, server};
use log::debug;

#[derive(clap::Args, Default)]
pub(super) struct Args {
    /// Take the sockets of a samehand that serves from the same data directory over, without a failed request; it ends.
    #[arg(long)]
    takeover: bool,
}

pub(super) fn run(args: &Args, config: Config, reread: server::Reread) -> Outcome {
    let passed = Passed::take_over().map_err(|problem| Failure::Config(vec![problem]))?;
    check_config::refuse_unusable_files(&config)?;
    logging::start(&config.log, config.log_format);
    if let Err(error) = close_memory() {
        debug!("programs of the same user may look into this process, and it may be dumped: {error}");
    }
    let sockets = Sockets { passed, take_over: args.takeover };
    actix_rt::System::new().block_on(server::run(config, sockets, reread)).map_err(Failure::failed)
}
