//! What a replica writes to the store by itself, beside answering: when sessions were used, that it is there, and the
//! removal of what has expired.
//!
//! It goes on beside [`follow`](super::follow) and never holds it up: a store that takes its time to write is no reason
//! to hear late of a revocation.

use super::replicas::{self, Differences};
use super::store_clock::SharedClock;
use crate::app::App;
use crate::store::StoreError;
use actix_web::web;
use log::{debug, error, info, warn};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often it is written when sessions were last used.
const WRITE_SEEN: Duration = Duration::from_secs(2);
/// How often a replica says that it is there, and what the store's clock says.
const ANNOUNCE: Duration = Duration::from_secs(30);
/// How often what has expired is removed from the store.
const PURGE: Duration = Duration::from_secs(10 * 60);
/// A clock that goes so many seconds wrong between two looks has jumped.
const JUMP: u64 = 60;
/// A write that fails so often in a row does not fail by chance.
const IN_A_ROW: u32 = 2;

/// The upkeep of one replica.
pub(super) struct Upkeep {
    app: web::Data<App>,
    clock: Arc<SharedClock>,
    differences: Differences,
    announced: Option<Instant>,
    noted: Option<Instant>,
    purged: Option<Instant>,
    /// What the clocks said when the audit trail was last looked through.
    trail_purged: Option<(Instant, u64)>,
    /// How many times in a row writing failed.
    failed: u32,
    was_said: bool,
}

impl Upkeep {
    pub(super) fn new(app: web::Data<App>, clock: Arc<SharedClock>) -> Self {
        let differences = Differences::default();
        Self {
            app,
            clock,
            differences,
            announced: None,
            noted: None,
            purged: None,
            trail_purged: None,
            failed: 0,
            was_said: false,
        }
    }

    /// Goes on for ever. While the store does not answer at all there is nothing to write, and nothing to add to what
    /// was said about that.
    pub(super) async fn run(mut self) {
        let mut ticks = tokio::time::interval(WRITE_SEEN);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if self.app.revocations().health().answers() {
                let outcome = self.write().await;
                self.note(outcome);
            }
        }
    }

    /// Does what is due; what fails keeps nothing else from being done. The first thing that failed, if any.
    async fn write(&mut self) -> Result<(), StoreError> {
        let seen = write_seen(&self.app).await;
        let announced = self.announce().await;
        let noted = self.note_time().await;
        let purged = self.purge().await;
        seen.and(announced).and(noted).and(purged)
    }

    /// Tells the other replicas what they have to have in common with this one, and says where they have not.
    async fn announce(&mut self) -> Result<(), StoreError> {
        if !is_due(self.announced, ANNOUNCE) {
            return Ok(());
        }
        let own = replicas::describe(&self.app);
        let others = self.app.store().announce(&own, replicas::SILENCE).await?;
        for difference in self.differences.news(&own, &others) {
            warn!("{difference}");
        }
        self.announced = Some(Instant::now());
        Ok(())
    }

    /// Moves the mark of the store's clock along, and tells other processes what this one's says.
    async fn note_time(&mut self) -> Result<(), StoreError> {
        if !self.clock.has_to_answer() && !is_due(self.noted, ANNOUNCE) {
            return Ok(());
        }
        self.app.store().note_time(self.clock.own(), self.clock.believed_ms()).await?;
        self.noted = Some(Instant::now());
        Ok(())
    }

    /// By a clock that is not believed nothing has expired.
    async fn purge(&mut self) -> Result<(), StoreError> {
        let Some(now_ms) = self.clock.believed_ms().filter(|_| is_due(self.purged, PURGE)) else { return Ok(()) };
        self.app.store().purge(now_ms / 1000).await?;
        self.forget_trail().await?;
        self.purged = Some(Instant::now());
        Ok(())
    }

    /// Removes the audit trail's old entries, unless a clock has jumped since the last time or is off: by a wrong clock all
    /// of them may be old.
    async fn forget_trail(&mut self) -> Result<(), StoreError> {
        let (at, now) = (Instant::now(), self.app.now());
        let Some((was_at, was)) = self.trail_purged.replace((at, now)) else { return Ok(()) };
        let expected = was.saturating_add(at.saturating_duration_since(was_at).as_secs());
        if expected.abs_diff(now) > JUMP || self.app.revocations().health().is_clock_off() {
            return Ok(());
        }
        self.app.store().forget_trail(now.saturating_sub(self.app.config().audit_ttl)).await
    }

    /// A store that can be read and not written, for want of space or of rights, is followed all the same: what it holds
    /// is what decisions need. That it cannot be written is said once, and once that it can be again.
    fn note(&mut self, outcome: Result<(), StoreError>) {
        match outcome {
            Ok(()) => {
                if self.was_said {
                    info!("the store can be written again");
                }
                (self.failed, self.was_said) = (0, false);
            }
            Err(problem) => {
                self.failed += 1;
                let is_serious = !problem.is_passing() || self.failed >= IN_A_ROW;
                if is_serious && !self.was_said {
                    error!("{problem}; decisions go on, but nothing can be written: signing in and revoking may fail");
                    self.was_said = true;
                } else {
                    debug!("the store was not written: {problem}");
                }
            }
        }
    }
}

fn is_due(last: Option<Instant>, period: Duration) -> bool {
    last.is_none_or(|at| at.elapsed() >= period)
}

/// Writes when sessions were last used. What could not be written is kept for the next time.
pub(super) async fn write_seen(app: &App) -> Result<(), StoreError> {
    let seen = app.activity().take();
    if seen.is_empty() {
        return Ok(());
    }
    let outcome = app.store().note_seen(&seen).await;
    if outcome.is_err() {
        app.activity().put_back(seen);
    }
    outcome
}
