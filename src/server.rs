//! Listeners, workers, reloading, graceful stop.
//!
//! The public and the administration side are two servers in one process. Both stop together: on `SIGTERM` or `SIGINT`
//! `/readyz` turns to 503, a moment later the listeners close, requests in flight are answered, and the process ends
//! within ten seconds. `SIGHUP` reads files of settings and keys again.

use crate::app::{App, now};
use crate::config::{Config, Problem};
use crate::keys::{self, KeyFile, Missing};
use crate::store::{self, Access};
use crate::users::hasher::Hasher;
use actix_web::dev::{Server, ServerHandle};
use actix_web::web;
use connections::Quiet;
use follow::Follower;
use listeners::{Named, Side};
use log::{info, warn};
use std::io;
use std::sync::Arc;
use takeover::{Predecessor, Successors, ToGive};
use watch::{Running, Watch};

mod connections;
mod follow;
mod guarded;
mod http1;
mod limits;
mod listeners;
mod passed;
mod replicas;
mod socket;
mod store_clock;
mod takeover;
mod upkeep;
mod watch;

pub use passed::Passed;

/// How long requests in flight may take while the process ends, in seconds.
const DRAIN_SECONDS: u64 = 7;

/// Sign-ins that may wait for their turn; each takes some 20 MiB and 20 ms once it runs.
const WAITING_SIGN_INS: usize = 64;

/// Why the service does not start.
#[derive(Debug)]
pub struct StartError(String);

impl std::fmt::Display for StartError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for StartError {}

/// Reads the settings anew; given by the command line, which knows where they come from.
pub type Reread = Box<dyn Fn() -> Result<Config, Vec<Problem>>>;

/// Where sockets come from that are not opened anew.
#[derive(Default)]
pub struct Sockets {
    /// Those that systemd passed.
    pub passed: Passed,
    /// Whether a process that serves from the same data directory gives its own and ends.
    pub take_over: bool,
}

/// Runs the service until it is told to stop.
///
/// # Errors
/// [`StartError`] when something that the service needs cannot be had.
pub async fn run(config: Config, sockets: Sockets, reread: Reread) -> Result<(), StartError> {
    let failed = |what: String| move |error: io::Error| StartError(format!("{what}: {error}"));
    for warning in config.warnings.iter().chain(&KeyFile::exposure(&config.keys.data)) {
        warn!("{warning}");
    }
    let watch = Watch::start(&config).map_err(failed("waiting for signals".into()))?;
    let keys = match config.keys.ring_in_store() {
        // Read with everything else that is in the store; awaited until then.
        Some(_) => keys::assemble(&config.keys, None),
        None => keys::load(&config.keys, Missing::Create(now())).map_err(|error| StartError(error.to_string()))?,
    };
    let store = store::at(&config.store, Access::Create).map_err(|error| StartError(error.to_string()))?;
    // One core is left to decisions, where there are several.
    let permits = std::thread::available_parallelism().map_or(1, usize::from).saturating_sub(1).max(1);
    let app = web::Data::new(App::new(config, keys, store, Hasher::new(permits, WAITING_SIGN_INS)));
    let config = app.config();
    let follower = Follower::start(&app).await;

    let mut predecessor = match sockets.take_over {
        true => Predecessor::ask(&config.keys.data).map_err(failed("taking over".into()))?,
        false => None,
    };
    let listeners = listeners::open(&config, sockets.passed, predecessor.as_mut())?;
    let to_give = ToGive::of(&listeners).map_err(failed("listening".into()))?;
    let (admin, public) = listeners.into_iter().partition::<Vec<_>, _>(|named| named.side == Side::Admin);
    let quiet = Arc::<Quiet>::default();
    let size = (config.workers, limits::connections_per_worker(config.workers));
    let mut servers = vec![serve(&app, Side::Public, public, size, &quiet).map_err(failed("listening".into()))?];
    if !admin.is_empty() {
        let size = (1, limits::MOST_ON_ADMIN);
        servers.push(serve(&app, Side::Admin, admin, size, &quiet).map_err(failed("listening".into()))?);
    }
    let handles: Vec<ServerHandle> = servers.iter().map(Server::handle).collect();
    let running: Vec<_> = servers.into_iter().map(actix_rt::spawn).collect();
    if let Some(predecessor) = predecessor {
        // It stops by itself, and if it does not, both serve.
        predecessor.end().await.unwrap_or_else(|error| warn!("the process before this one does not end: {error}"));
    }
    let successors = Successors::expect(&config.keys.data, to_give);
    watch.until_stop(&app, reread, Running { handles, quiet, successors }).await;
    for server in running {
        let stopped = server.await.map_err(|error| StartError(error.to_string()))?;
        stopped.map_err(failed("serving".into()))?;
    }
    follower.stop().await;
    info!("stopped");
    Ok(())
}

fn serve(
    app: &web::Data<App>,
    side: Side,
    listeners: Vec<Named>,
    (workers, most_connections): (usize, usize),
    quiet: &Arc<Quiet>,
) -> io::Result<Server> {
    let mut builder = Server::build()
        .workers(workers)
        .max_concurrent_connections(http1::accepted(most_connections))
        .shutdown_timeout(DRAIN_SECONDS)
        .disable_signals();
    let served = http1::Served::by(&builder, app, side, most_connections, quiet);
    for Named { listener, .. } in listeners {
        let address = listener.to_string();
        builder = http1::listen(builder, listener, served.clone())?;
        info!(side:% = side, address = address.as_str(); "listening");
    }
    Ok(builder.run())
}
