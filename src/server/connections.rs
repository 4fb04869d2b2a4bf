//! The connections of one worker: how far each has come, which of them has taken too long, and who goes when there are too
//! many. It counts ticks of the worker's own loop, so that a worker that was kept from running blames no client for it.
//! Never reads or writes a byte: that is [`guarded`](super::guarded).

use std::cell::{Cell, OnceCell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

/// How often the worker looks who has taken too long.
const TICK: Duration = Duration::from_millis(250);
/// A head, the first of a connection or a later one, is there within 5 s of its first byte.
const HEAD: u32 = ticks(5);
/// An answer is taken within 10 s.
const ANSWER: u32 = ticks(10);
/// Who was refused hears so within 1 s, and is then cut off.
const REFUSAL: u32 = ticks(1);
/// Idle connections stay open longer than any proxy's pool keeps them (nginx 60 s, Traefik 90 s, Caddy 120 s, Envoy 1 h),
/// so that a connection never dies under a request.
const IDLE: u32 = ticks(3700);
/// The same on a worker that has more than [`MANY`] connections, which no pool of a proxy has.
const IDLE_AMONG_MANY: u32 = ticks(180);
/// So many connections of one worker are many; each takes some 20 KiB.
const MANY: usize = 512;
/// A request with a body may be given up for others once it has had so long.
const BODY: u32 = ticks(1);

const fn ticks(seconds: u32) -> u32 {
    seconds * 1000 / TICK.as_millis() as u32
}

thread_local! {
    static OF_THIS_WORKER: OnceCell<Rc<Connections>> = const { OnceCell::new() };
}

/// Whether all workers of the process are quiet: no connection has come lately, and none has begun to ask.
#[derive(Default)]
pub(super) struct Quiet(Mutex<Vec<Arc<AtomicU32>>>);

impl Quiet {
    /// So many ticks in a row without anything: what was accepted before has surely come to its worker.
    const LONG_ENOUGH: u32 = 2;

    /// The ticks in a row in which a worker was quiet, to be counted by it.
    fn of_a_worker(&self) -> Arc<AtomicU32> {
        let ticks = Arc::default();
        self.workers().push(Arc::clone(&ticks));
        ticks
    }

    /// Returns when all workers were quiet for a while, beginning now.
    pub(super) async fn wait(&self) {
        self.workers().iter().for_each(|ticks| ticks.store(0, Ordering::Relaxed));
        while !self.workers().iter().all(|ticks| ticks.load(Ordering::Relaxed) >= Self::LONG_ENOUGH) {
            tokio::time::sleep(TICK / 5).await;
        }
    }

    fn workers(&self) -> MutexGuard<'_, Vec<Arc<AtomicU32>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connections of one worker.
pub(super) struct Connections {
    now: Cell<u32>,
    /// A connection has come since the last tick.
    has_opened: Cell<bool>,
    quiet: Arc<AtomicU32>,
    open: RefCell<Vec<Rc<Progress>>>,
    most: usize,
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Everything that was asked is answered.
    Idle,
    /// Part of a head has come; so it begins.
    Head,
    /// A request is being answered.
    Handling,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// With this answer, which was not given yet.
    Refused(&'static [u8]),
    /// That answer was given; what still comes is thrown away.
    Told,
    /// Nothing is read or written any more.
    Closed,
}

/// How far one connection has come. Shared by its stream, its requests, and whoever looks after all of them.
pub(super) struct Progress {
    phase: Cell<Phase>,
    /// The tick at which the phase, or the end, began.
    since: Cell<u32>,
    /// Bytes that came in this phase.
    pub(super) received: Cell<usize>,
    /// The last request had a body, and what comes may be the rest of it.
    has_body: Cell<bool>,
    /// The tick at which the client stopped taking what is written.
    blocked: Cell<Option<u32>>,
    end: Cell<Option<End>>,
    waker: RefCell<Option<Waker>>,
    /// The place in [`Connections::open`].
    place: Cell<usize>,
    worker: Rc<Connections>,
}

impl Connections {
    /// Those of the worker that this thread is. `most`: how many it takes, at least one.
    pub(super) fn of_this_worker(most: usize, quiet: &Quiet) -> Rc<Self> {
        OF_THIS_WORKER.with(|own| {
            let start = || {
                let connections = Rc::new(Self::new(most, quiet.of_a_worker()));
                actix_rt::spawn(Rc::clone(&connections).watch());
                connections
            };
            Rc::clone(own.get_or_init(start))
        })
    }

    fn new(most: usize, quiet: Arc<AtomicU32>) -> Self {
        Self { now: Cell::new(0), has_opened: Cell::new(false), quiet, open: RefCell::default(), most }
    }

    /// A new connection. When there are too many, the one that has waited longest for its client goes; where all are
    /// being answered, the new one gets `busy` for an answer.
    pub(super) fn open(self: &Rc<Self>, busy: &'static [u8]) -> Rc<Progress> {
        let progress = Rc::new(Progress {
            phase: Cell::new(Phase::Head),
            since: Cell::new(self.now.get()),
            received: Cell::new(0),
            has_body: Cell::new(false),
            blocked: Cell::new(None),
            end: Cell::new(None),
            waker: RefCell::new(None),
            place: Cell::new(0),
            worker: Rc::clone(self),
        });
        if self.open.borrow().len() >= self.most && !self.give_one_up() {
            progress.ends(End::Refused(busy));
        }
        self.has_opened.set(true);
        let mut open = self.open.borrow_mut();
        progress.place.set(open.len());
        open.push(Rc::clone(&progress));
        progress
    }

    fn give_one_up(&self) -> bool {
        let open = self.open.borrow();
        let may_go = open.iter().filter_map(|progress| Some((progress.may_go(self.now.get())?, progress)));
        match may_go.min_by_key(|(order, _)| *order) {
            Some((_, progress)) => {
                progress.finish_with(End::Closed);
                true
            }
            None => false,
        }
    }

    fn close(&self, progress: &Progress) {
        let mut open = self.open.borrow_mut();
        open.swap_remove(progress.place.get());
        if let Some(moved) = open.get(progress.place.get()) {
            moved.place.set(progress.place.get());
        }
    }

    async fn watch(self: Rc<Self>) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tick.tick().await;
            self.pass();
        }
    }

    /// One tick passes.
    fn pass(&self) {
        let now = self.now.get().wrapping_add(1);
        self.now.set(now);
        let open = self.open.borrow();
        let idle = if open.len() > MANY { IDLE_AMONG_MANY } else { IDLE };
        for progress in &*open {
            if let Some(end) = progress.overdue(now, idle) {
                progress.finish_with(end);
            }
        }
        let is_quiet = !self.has_opened.replace(false) && !open.iter().any(|progress| progress.is_asking());
        match is_quiet {
            true => self.quiet.fetch_add(1, Ordering::Relaxed),
            false => self.quiet.swap(0, Ordering::Relaxed),
        };
    }
}

impl Progress {
    /// Where it stands.
    pub(super) fn phase(&self) -> Phase {
        self.phase.get()
    }

    /// How it ends, once that is so.
    pub(super) fn end(&self) -> Option<End> {
        self.end.get()
    }

    /// Bytes came.
    pub(super) fn came(&self, bytes: usize) {
        if self.phase.get() == Phase::Idle && bytes > 0 {
            self.enter(Phase::Head);
        }
        self.received.set(self.received.get() + bytes);
    }

    /// A request is complete but for its body, if it has one. Says how many bytes came until then.
    pub(super) fn begin(&self, has_body: bool) -> usize {
        let received = self.received.get();
        self.enter(Phase::Handling);
        self.has_body.set(has_body);
        received
    }

    /// It is answered.
    pub(super) fn answered(&self) {
        self.enter(Phase::Idle);
        self.wake();
    }

    /// The client does not take what is written, or takes it again.
    pub(super) fn blocked(&self, is_blocked: bool) {
        self.blocked.set(is_blocked.then(|| self.blocked.get().unwrap_or(self.worker.now.get())));
    }

    /// Whether an answer lies that the client does not take.
    pub(super) fn is_blocked(&self) -> bool {
        self.blocked.get().is_some()
    }

    /// Too much came for a head: refused with this answer, or without one where nobody has asked anything.
    pub(super) fn refuse(&self, answer: &'static [u8]) {
        self.ends(if self.has_body.get() { End::Closed } else { End::Refused(answer) });
    }

    /// The answer of the refusal is given.
    pub(super) fn told(&self) {
        self.ends(End::Told);
    }

    /// Nothing is read or written any more.
    pub(super) fn closed(&self) {
        self.ends(End::Closed);
    }

    /// Whom to wake when something happens that is no byte.
    pub(super) fn wait(&self, waker: &Waker) {
        let mut own = self.waker.borrow_mut();
        match &*own {
            Some(known) if known.will_wake(waker) => {}
            Some(_) | None => *own = Some(waker.clone()),
        }
    }

    /// It is gone.
    pub(super) fn leave(&self) {
        self.worker.close(self);
    }

    fn enter(&self, phase: Phase) {
        self.phase.set(phase);
        self.since.set(self.worker.now.get());
        self.received.set(0);
    }

    fn wake(&self) {
        if let Some(waker) = &*self.waker.borrow() {
            waker.wake_by_ref();
        }
    }

    fn ends(&self, end: End) {
        self.end.set(Some(end));
        self.since.set(self.worker.now.get());
    }

    fn finish_with(&self, end: End) {
        self.ends(end);
        self.wake();
    }

    fn is_asking(&self) -> bool {
        self.phase.get() == Phase::Head && self.end.get().is_none()
    }

    fn age(&self, now: u32) -> u32 {
        now.wrapping_sub(self.since.get())
    }

    fn overdue(&self, now: u32, idle: u32) -> Option<End> {
        let longer_than = |limit: u32| self.age(now) > limit;
        match self.end.get() {
            Some(End::Refused(_) | End::Told) => return longer_than(REFUSAL).then_some(End::Closed),
            Some(End::Closed) => return None,
            None => {}
        }
        if self.blocked.get().is_some_and(|since| now.wrapping_sub(since) > ANSWER) {
            return Some(End::Closed);
        }
        match self.phase.get() {
            Phase::Idle => longer_than(idle).then_some(End::Closed),
            // Who has sent nothing, or the rest of what was answered already, hears nothing.
            Phase::Head if self.received.get() == 0 || self.has_body.get() => longer_than(HEAD).then_some(End::Closed),
            Phase::Head => longer_than(HEAD).then_some(End::Refused(super::guarded::TOO_SLOW)),
            // How long an answer takes is bounded where it waits: for a body, a hash, a store.
            Phase::Handling => None,
        }
    }

    /// Whether it may go for a new one, and in which order: the least first.
    fn may_go(&self, now: u32) -> Option<(u8, u32)> {
        let rank = match (self.end.get(), self.phase.get()) {
            (Some(_), _) => return None,
            (None, Phase::Idle) => 0,
            (None, Phase::Head) => 1,
            (None, Phase::Handling) if self.has_body.get() && self.age(now) > BODY => 2,
            (None, Phase::Handling) => return None,
        };
        Some((rank, u32::MAX - self.age(now)))
    }
}

#[cfg(test)]
mod tests;
