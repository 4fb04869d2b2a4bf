//! Tells the store what it has to be told now and then: when sessions were used, that this replica is there, and that what
//! has expired may go.
//!
//! Beside [`follow`](super::follow), which never waits for it: a store that is slow to write must not keep this process from
//! hearing of revocations. It reads nothing that decisions need, and that the store does not answer is not its to say.

use super::replicas::{self, Differences};
use crate::app::App;
use crate::check::revocation::CLOCKS_APART;
use crate::store::StoreError;
use actix_web::web;
use log::{error, warn};
use std::time::{Duration, Instant};

/// How often it is looked whether there is something to do.
const TICK: Duration = Duration::from_secs(1);
/// How often what has expired is removed, from memory and from the store.
const PURGE: Duration = Duration::from_secs(10 * 60);
/// How often a replica says that it is there.
const ANNOUNCE: Duration = Duration::from_secs(30);
/// How often it is written when sessions were last used.
const WRITE_SEEN: Duration = Duration::from_secs(2);

pub(super) struct Upkeep {
    app: web::Data<App>,
    differences: Differences,
    /// How many changes in a row were not made.
    failures: u32,
    /// Whether that was said.
    is_said: bool,
}

impl Upkeep {
    pub(super) fn new(app: web::Data<App>) -> Self {
        Self { app, differences: Differences::default(), failures: 0, is_said: false }
    }

    pub(super) async fn run(&mut self) {
        let app = self.app.clone();
        let (mut purged, mut announced, mut written) = (None, None, None);
        loop {
            tokio::time::sleep(TICK).await;
            if !self.store_answers() {
                continue;
            }
            if is_due(&mut written, WRITE_SEEN)
                && let Some(outcome) = write_seen(&app).await
            {
                self.note(outcome);
            }
            if is_due(&mut announced, ANNOUNCE) {
                let outcome = self.announce().await;
                self.note(outcome);
            }
            if is_due(&mut purged, PURGE) {
                app.revocations().forget_expired(app.now().saturating_sub(CLOCKS_APART));
                let outcome = app.store().purge().await;
                self.note(outcome);
            }
        }
    }

    fn store_answers(&self) -> bool {
        let health = self.app.revocations().health();
        health.last_sync.is_some() && health.problem.is_none()
    }

    /// Tells the other replicas what they have to have in common with this one, and says where they have not.
    async fn announce(&mut self) -> Result<(), StoreError> {
        let own = replicas::describe(&self.app);
        let others = self.app.store().announce(&own, replicas::SILENCE).await?;
        for difference in self.differences.news(&own, &others) {
            warn!("{difference}");
        }
        Ok(())
    }

    /// Says once that the store can be read and not written, for want of space, of rights, or of replicas of its own.
    fn note(&mut self, outcome: Result<(), StoreError>) {
        let Err(problem) = outcome else {
            (self.failures, self.is_said) = (0, false);
            return;
        };
        self.failures = self.failures.saturating_add(1);
        // What goes away by itself may be gone the next time, or the store with it, which is said elsewhere.
        let is_sure = !problem.is_passing() || self.failures > 1;
        if is_sure && !self.is_said && self.store_answers() {
            self.is_said = true;
            error!("{problem}; decisions go on, nobody can sign in or be signed out");
        }
    }
}

/// Whether so long has passed since it was last due.
fn is_due(last: &mut Option<Instant>, every: Duration) -> bool {
    let is_due = last.is_none_or(|at| at.elapsed() >= every);
    if is_due {
        *last = Some(Instant::now());
    }
    is_due
}

/// Writes when sessions were last used, if any were. What could not be written is kept for the next time.
pub(super) async fn write_seen(app: &App) -> Option<Result<(), StoreError>> {
    let seen = app.activity().take();
    if seen.is_empty() {
        return None;
    }
    let outcome = app.store().note_seen(&seen).await;
    if outcome.is_err() {
        app.activity().put_back(seen);
    }
    Some(outcome)
}
