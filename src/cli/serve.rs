//! `samehand serve`.

use super::{Failure, Outcome};
use crate::config::Config;
use crate::{logging, server};

pub(super) fn run(config: Config, reread: server::Reread) -> Outcome {
    logging::start(&config.log, config.log_format);
    actix_rt::System::new().block_on(server::run(config, reread)).map_err(Failure::failed)
}
