//! Keeps what this process knows in step with the store, and says which state the store is in.
//!
//! Every time the store is reached anew: subscribe, read everything, swap it in, and only then apply news. In this order
//! nothing can fall between reading and listening. What is read is asked for once a second anyway, because news can be
//! lost on the way, and because that is how an outage is noticed.

use super::store_clock::SharedClock;
use super::upkeep::{Upkeep, write_seen};
use crate::app::{App, now_ms};
use crate::check::identifiers::Revision;
use crate::check::revocation::{Entry, RevocationSet};
use crate::config::Config;
use crate::key_store::{self, KeyStoreError};
use crate::keys;
use crate::revocations::Health;
use crate::store::{self, Changes, StoreError};
use crate::trail;
use actix_web::web;
use log::{error, info, warn};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// How often the store is asked when there are no news.
const TICK: Duration = Duration::from_secs(1);
/// How long to wait before the store is tried again.
const RETRY: Duration = Duration::from_millis(250);
/// How many entries are read at a time.
const PAGE: usize = 20_000;
/// How many entries of the audit trail are read at a time.
const TRAIL_PAGE: usize = 100;
/// What commands have noted is logged if it is not older, in seconds.
const NEWS_FOR: u64 = 300;
/// Start-up waits so long for a store that does not answer before it goes on without.
const START: Duration = Duration::from_secs(3);

/// The process ends within ten seconds, whatever the store does.
const LAST_WRITE: Duration = Duration::from_secs(1);

/// The tasks that follow the store and keep it up.
pub(super) struct Follower {
    following: JoinHandle<()>,
    upkeep: JoinHandle<()>,
    app: web::Data<App>,
}

impl Follower {
    /// Starts following; returns when everything is read, or when the store has not answered for a while.
    pub(super) async fn start(app: &web::Data<App>) -> Self {
        let (tell, mut told) = watch::channel(false);
        let clock = Arc::new(SharedClock::new(!app.config().store.is_shared()));
        let (app_of_its_own, heard) = (app.clone(), Arc::clone(&clock));
        let mut following = Following {
            app: app_of_its_own,
            clock: heard,
            tell,
            clock_is_off: false,
            keys: None,
            trail: None,
            forgotten_until: 0,
        };
        let following = actix_rt::spawn(async move { following.run().await });
        // Whichever way it ends, the service starts: it answers that it is not ready.
        drop(tokio::time::timeout(START, told.wait_for(|done| *done)).await);
        let upkeep = actix_rt::spawn(Upkeep::new(app.clone(), clock).run());
        Self { following, upkeep, app: app.clone() }
    }

    /// Stops following, and writes what was not written yet.
    pub(super) async fn stop(self) {
        self.following.abort();
        self.upkeep.abort();
        drop(tokio::time::timeout(LAST_WRITE, write_seen(&self.app)).await);
    }
}

fn first_user_command(config: &Config) -> String {
    match config.store.is_shared() {
        true => "samehand user add NAME (with the same SAMEHAND_STORE)".into(),
        false => format!("SAMEHAND_DATA={} samehand user add NAME", config.keys.data.display()),
    }
}

struct Following {
    app: web::Data<App>,
    /// Says when everything was read for the first time.
    clock: Arc<SharedClock>,
    tell: watch::Sender<bool>,
    clock_is_off: bool,
    /// The version of the key ring that was read.
    keys: Option<u64>,
    /// Up to where the audit trail was read.
    trail: Option<u64>,
    /// What has expired by then the store need not hold, in seconds since 1970.
    forgotten_until: u64,
}

impl Following {
    async fn run(&mut self) {
        loop {
            let Err(problem) = self.follow().await;
            self.note_problem(&problem);
            // A second line for the second thing that an operator has to know: now requests are refused.
            if self.app.revocations().is_stale() {
                self.note_stale();
            }
            tokio::time::sleep(RETRY).await;
        }
    }

    async fn follow(&mut self) -> Result<Infallible, KeyStoreError> {
        let app = self.app.clone();
        let store = app.store();
        store.prepare().await?;
        let mut news = store.subscribe().await?;
        let mut cursor = self.read_everything(Revision::NONE).await?;
        self.note_reached().await?;
        let latest = store.latest_of_trail().await?;
        // Less than there was: the store has lost something.
        self.trail = Some(self.trail.map_or(latest, |known| known.min(latest)));
        loop {
            if let Ok(news) = tokio::time::timeout(TICK, news.next()).await {
                news?;
            }
            let known = cursor;
            let has_jumped;
            (cursor, has_jumped) = self.catch_up(known, |_| {}).await?;
            if known > cursor || has_jumped {
                cursor = self.read_everything(known).await?;
            }
            self.follow_trail().await?;
        }
    }

    /// Logs what commands have noted. What services do they log themselves. What another store was copied from is no news.
    async fn follow_trail(&mut self) -> Result<(), StoreError> {
        let mut position = self.trail.unwrap_or_default();
        loop {
            let page = self.app.store().trail_after(position, TRAIL_PAGE).await?;
            let earliest = self.app.now().saturating_sub(NEWS_FOR);
            for row in &page {
                if row.entry.actor.starts_with("cli:") && row.entry.time >= earliest {
                    trail::say(&row.entry);
                }
            }
            position = page.last().map_or(position, |last| last.position);
            self.trail = Some(position);
            if page.len() < TRAIL_PAGE {
                return Ok(());
            }
        }
    }

    /// Reads everything, and returns up to which revision everything is known. A store that holds less than this replica has
    /// lost something: a database that was restored, a standby that lagged behind and was promoted, or one that does not keep
    /// what it acknowledges. It gets that back, whatever it was told since; and it has reached the revision `reached` before.
    async fn read_everything(&mut self, reached: Revision) -> Result<Revision, KeyStoreError> {
        let app = self.app.clone();
        // Before the store is asked: what this process is told meanwhile is no sign that the store has forgotten.
        let known = app.revocations().set();
        let mut held = RevocationSet::default();
        let hold = |entries: &[Entry]| {
            if !known.is_empty() {
                held = held.with(entries);
            }
        };
        let (cursor, _) = self.catch_up(Revision::NONE, hold).await?;
        let (lost, reached) = (known.lacking_in(&held, self.forgotten_until), reached.max(known.revision()));
        if lost.is_empty() && reached <= cursor {
            return Ok(cursor);
        }
        let place = app.store().place();
        warn!(
            "the store {place} has lost what it had acknowledged; it gets {} revocations back from this replica",
            lost.len()
        );
        app.store().put_revocations(&lost).await?;
        // What was issued before has to be earlier than what is revoked from now on, also where there was nothing to give.
        store::outrun(app.store(), reached).await?;
        Ok(self.catch_up(Revision::NONE, |_| {}).await?.0)
    }

    /// Reads what came after a revision, a page at a time; returns up to which one everything is known, and whether the
    /// store's clock has jumped.
    async fn catch_up(
        &mut self,
        mut cursor: Revision,
        mut heard: impl FnMut(&[Entry]),
    ) -> Result<(Revision, bool), KeyStoreError> {
        let mut has_jumped = false;
        loop {
            let asked_at = Instant::now();
            let changes = self.app.store().changes(cursor, PAGE).await?;
            has_jumped |= self.clock.hear(asked_at, &changes);
            let clock_ahead_ms = match self.clock.ahead_of_others_ms() {
                0 => clock_ahead_ms(&changes, asked_at),
                ahead => ahead,
            };
            self.forget(&changes).await?;
            self.app.revocations().add(&changes.entries);
            heard(&changes.entries);
            match changes.entries.last() {
                Some(last) if changes.entries.len() == PAGE => cursor = last.revision,
                Some(_) | None => {
                    self.read_keys(changes.keys_version).await?;
                    let health = Health {
                        problem: None,
                        clock_ahead_ms,
                        warning: changes.warning,
                        last_sync: Some(self.app.now()),
                    };
                    self.note_clock(&health);
                    self.app.revocations().is_complete(asked_at, health);
                    return Ok((changes.revision, has_jumped));
                }
            }
        }
    }

    /// Forgets what the store has forgotten, and nothing else. What it was told since then may expire as early and is not
    /// forgotten.
    async fn forget(&mut self, changes: &Changes) -> Result<(), StoreError> {
        let (app, forgotten) = (&self.app, changes.noted.forgotten);
        // While the clock is behind what was forgotten, more than that may have been lost with it.
        self.forgotten_until = forgotten.until.min(changes.clock_ms / 1000);
        if app.revocations().set().forgotten() == forgotten {
            return Ok(());
        }
        let (mut since, mut cursor) = (Vec::new(), forgotten.under);
        loop {
            let page = app.store().changes(cursor, PAGE).await?.entries;
            let is_last = page.len() < PAGE;
            cursor = page.last().map_or(cursor, |last| last.revision);
            since.extend(page);
            if is_last {
                break;
            }
        }
        app.revocations().forget(forgotten, &since);
        Ok(())
    }

    /// Says once that the store was reached, and at the first time whether there is anybody who could sign in.
    async fn note_reached(&mut self) -> Result<(), StoreError> {
        let revocations = self.app.revocations().set().len();
        let place = self.app.store().place();
        info!(store = place.as_str(), revocations = revocations; "the store answers");
        if let Some(warning) = &self.app.revocations().health().warning {
            warn!(store = place.as_str(); "{warning}");
        }
        if !*self.tell.borrow() && self.app.store().users_after(None, 1).await?.is_empty() {
            warn!("no users yet; add the first one with: {}", first_user_command(&self.app.config()));
        }
        self.tell.send_replace(true);
        Ok(())
    }

    /// Reads the key ring when the store keeps it and it has changed; makes it when there is none.
    async fn read_keys(&mut self, version: Option<u64>) -> Result<(), KeyStoreError> {
        let (app, config) = (self.app.clone(), self.app.config());
        let Some(store_key) = config.keys.ring_in_store().filter(|_| version.is_none() || version != self.keys) else {
            return Ok(());
        };
        let first = || keys::first_ring(&config.keys, app.now());
        let (version, ring) = key_store::load_or_create(app.store(), store_key, first).await?;
        app.use_ring(ring);
        if self.keys.replace(version).is_some() {
            info!("keys read again");
        }
        Ok(())
    }

    fn note_problem(&self, problem: &KeyStoreError) {
        let before = self.app.revocations().health();
        self.app.revocations().could_not_ask(problem.to_string());
        if before.problem.is_none() {
            error!(
                "{problem}; decisions go on with the {} revocations that are known, nobody can sign in or renew",
                self.app.revocations().set().len()
            );
        }
    }

    fn note_stale(&self) {
        if self.app.revocations().note_stale() {
            error!(
                "the store is away for longer than SAMEHAND_STORE_MAX_STALE: valid tokens are answered 503 from now on"
            );
        }
    }

    fn note_clock(&mut self, health: &Health) {
        // About another process on the same file it was said already.
        if health.is_clock_off() && !self.clock_is_off && self.clock.ahead_of_others_ms() == 0 {
            let direction = if health.clock_ahead_ms > 0 { "ahead of" } else { "behind" };
            let seconds = Duration::from_millis(health.clock_ahead_ms.unsigned_abs()).as_secs_f64();
            warn!(
                "this machine's clock is {seconds:.1} s {direction} the store's; tokens may be refused as not yet valid \
                 elsewhere, or expire early: set the clocks (NTP)"
            );
        }
        self.clock_is_off = health.is_clock_off();
    }
}

/// How far our clock is ahead of the store's, as well as the way there and back lets it be known.
fn clock_ahead_ms(changes: &Changes, asked_at: Instant) -> i64 {
    let half_way = u64::try_from(asked_at.elapsed().as_millis() / 2).unwrap_or_default();
    let ours = i64::try_from(now_ms().saturating_sub(half_way)).unwrap_or(i64::MAX);
    ours.saturating_sub(i64::try_from(changes.clock_ms).unwrap_or(i64::MAX))
}
