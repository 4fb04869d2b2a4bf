//! `samehand serve`.

use super::{Failure, Outcome, check_config};
use crate::config::Config;
use crate::{logging, server};

pub(super) fn run(config: Config, reread: server::Reread) -> Outcome {
    check_config::refuse_unusable_files(&config)?;
    logging::start(&config.log, config.log_format);
    actix_rt::System::new().block_on(server::run(config, reread)).map_err(Failure::failed)
}
