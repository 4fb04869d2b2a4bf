//! What a running service waits for: the signals to stop and to read its files again, and changes of the key file.

use crate::app::App;
use crate::config::{self, Config, Weaker};
use crate::keys::KeyFile;
use crate::server::Reread;
use crate::server::connections::Quiet;
use crate::server::takeover::{Heir, Successors};
use actix_web::dev::ServerHandle;
use log::{error, info, warn};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Between `/readyz` turning to 503 and the listeners closing: long enough for a load balancer to notice.
const DRAIN_NOTICE: Duration = Duration::from_secs(1);
/// How long connections that were accepted may take until they have asked, before what is idle is closed.
const SETTLE: Duration = Duration::from_secs(2);
/// How often the key file is looked at; a change is in force within a second.
const KEY_FILE_POLL: Duration = Duration::from_millis(300);

/// The signals, and the key file as it was before it was read. Made before the keys are loaded and before anybody can
/// know that the service runs, so that nothing that comes in between is missed.
pub(super) struct Watch {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
    key_file: Option<KeyFileVersion>,
}

/// What runs until it is time to stop.
pub(super) struct Running {
    /// The servers.
    pub(super) handles: Vec<ServerHandle>,
    /// Whether their workers are quiet.
    pub(super) quiet: Arc<Quiet>,
    /// Where the process after this one asks.
    pub(super) successors: Option<Successors>,
}

/// What changes whenever the key file is replaced.
type KeyFileVersion = (u64, Option<SystemTime>, u64);

impl Watch {
    /// Starts watching.
    pub(super) fn start(config: &Config) -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
            key_file: key_file_version(config),
        })
    }

    /// Reloads what changes until it is time to stop, then tells the servers to.
    pub(super) async fn until_stop(mut self, app: &App, reread: Reread, running: Running) {
        let Running { handles: servers, quiet, successors } = running;
        let mut successor = None;
        // One future for all turns of the loop: a new one would hang up on a process that has asked already.
        let mut taken_over = Box::pin(taken_over(successors));
        let mut poll = tokio::time::interval(KEY_FILE_POLL);
        loop {
            tokio::select! {
                _ = self.terminate.recv() => break,
                _ = self.interrupt.recv() => break,
                heir = &mut taken_over => {
                    successor = Some(heir);
                    break;
                }
                _ = self.hang_up.recv() => reload_settings(app, &reread),
                _ = poll.tick() => {
                    let version = key_file_version(&app.config());
                    if version != self.key_file {
                        self.key_file = version;
                        reload_keys(app);
                    }
                }
            }
        }
        let is_taken_over = successor.is_some();
        info!(taken_over = is_taken_over; "stopping");
        if is_taken_over {
            // Somebody else accepts from now on. Connections that are open end with their next answer.
            pause(&servers).await;
        }
        // Only the servers hold the listening sockets now, and whoever took them over.
        drop((taken_over, successor));
        app.stop();
        let settled = async {
            tokio::time::sleep(DRAIN_NOTICE).await;
            // Where a socket outlives this process, who comes from now on waits in it for the next one. Who has come
            // already is answered: a proxy does not repeat a question that it asked on a new connection.
            pause(&servers).await;
            drop(tokio::time::timeout(SETTLE, quiet.wait()).await);
        };
        // A second signal does not wait for load balancers, nor for them.
        tokio::select! {
            () = settled => {}
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        for server in servers {
            // Asks for the graceful stop; that it has come about is awaited on the server itself.
            actix_rt::spawn(server.stop(true));
        }
    }
}

async fn taken_over(successors: Option<Successors>) -> Heir {
    match successors {
        Some(successors) => successors.taken_over().await,
        None => std::future::pending().await,
    }
}

async fn pause(servers: &[ServerHandle]) {
    for server in servers {
        server.pause().await;
    }
}

fn key_file_version(config: &Config) -> Option<KeyFileVersion> {
    if !config.keys.need_file() {
        return None;
    }
    let file = std::fs::metadata(KeyFile::path(&config.keys.data)).ok()?;
    Some((file.ino(), file.modified().ok(), file.len()))
}

fn reload_keys(app: &App) {
    match app.reload_keys() {
        Ok(()) => info!("keys read again"),
        Err(problem) => error!("the keys changed and cannot be used, the old ones stay: {problem}"),
    }
}

/// A bad configuration is logged and the old one stays. Listeners, workers, log and store need a restart.
fn reload_settings(app: &App, reread: &Reread) {
    let old = app.config();
    let reread = reread().and_then(|new| match new.lost_file(&old) {
        Some(problem) => Err(vec![problem]),
        None => Ok(new),
    });
    let mut new = match reread {
        Ok(new) => new,
        Err(problems) => {
            for problem in problems {
                error!(setting = problem.setting.as_str(); "{}", problem.message);
            }
            error!("the settings were not read again; the old ones stay");
            return;
        }
    };
    for (name, changed) in [
        ("SAMEHAND_LISTEN", new.listen != old.listen),
        ("SAMEHAND_ADMIN_LISTEN", new.admin_listen != old.admin_listen),
        ("SAMEHAND_SOCKET_MODE", new.socket_mode != old.socket_mode),
        ("SAMEHAND_SOCKET_GROUP", new.socket_group != old.socket_group),
        ("SAMEHAND_DATA", new.keys.data != old.keys.data),
        ("SAMEHAND_STORE", !new.store.is_same(&old.store)),
        ("SAMEHAND_WORKERS", new.workers != old.workers),
        ("SAMEHAND_LOG", new.log != old.log),
        ("SAMEHAND_LOG_FORMAT", new.log_format != old.log_format),
    ] {
        if changed {
            warn!(setting = name; "this setting changed, and changes with a restart only");
        }
    }
    // Generated keys belong to the users beside them. What is kept is compared again at the next signal.
    new.keys.data.clone_from(&old.keys.data);
    new.store.clone_from(&old.store);
    new.listen.clone_from(&old.listen);
    new.admin_listen.clone_from(&old.admin_listen);
    new.socket_group.clone_from(&old.socket_group);
    new.log.clone_from(&old.log);
    (new.socket_mode, new.workers, new.log_format) = (old.socket_mode, old.workers, old.log_format);
    let new = Arc::new(new);
    if let Err(problem) = app.use_config(Arc::clone(&new)) {
        error!("the settings were not read again, the old ones stay: {problem}");
        return;
    }
    for warning in &new.warnings {
        warn!("{warning}");
    }
    for Weaker { setting, old, new, what } in config::weaker(&old, &new) {
        warn!(event = "weaker", setting = setting, old = old.as_str(), new = new.as_str(); "{what}");
    }
    info!("settings read again");
}
