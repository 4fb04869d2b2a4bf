//! Where a server computes hashes: on threads that give way to all others, a few at a time, with a bounded queue before them.
//!
//! One hash takes 19 MiB and tens of milliseconds of a core. Without a bound, a few hundred sign-ins at once would take
//! gigabytes; with it they wait, and those that find the queue full are told to come back. It knows no users.

use super::password::{HashingFailed, PasswordHash};
use super::rules::NewPassword;
use std::fmt;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// The priority of hashing (`nice`): a third of the weight of a thread at 0, so that it gives way and goes on all the same. Of
/// the thread that sets it, on Linux. Less would keep sign-ins waiting for half a minute where all cores are busy.
const PRIORITY: i32 = 5;

/// Bounds how many hashes are computed at a time, and how many wait. Clones share the bounds.
#[derive(Clone)]
pub struct Hasher {
    admitted: Arc<Semaphore>,
    running: Arc<Semaphore>,
    runs: Arc<AtomicU64>,
}

impl Hasher {
    /// At most `at_a_time` jobs run and `waiting` more wait; `at_a_time` is at least one.
    #[must_use]
    pub fn new(at_a_time: usize, waiting: usize) -> Self {
        let at_a_time = at_a_time.max(1);
        Self {
            admitted: Arc::new(Semaphore::new(at_a_time.saturating_add(waiting).min(Semaphore::MAX_PERMITS))),
            running: Arc::new(Semaphore::new(at_a_time.min(Semaphore::MAX_PERMITS))),
            runs: Arc::default(),
        }
    }

    /// A place in the queue, for one job.
    pub fn admit(&self) -> Result<Admission, HasherError> {
        let place = Arc::clone(&self.admitted).try_acquire_owned().map_err(|_| HasherError::Busy)?;
        Ok(Admission { place, running: Arc::clone(&self.running), runs: Arc::clone(&self.runs) })
    }

    /// How many hashes were computed so far.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }
}

/// A place in the queue. It is given up when it is dropped.
pub struct Admission {
    place: OwnedSemaphorePermit,
    running: Arc<Semaphore>,
    runs: Arc<AtomicU64>,
}

impl Admission {
    /// Runs a job on a thread of its own, when its turn comes. A caller that goes away while it waits gives its
    /// place up; one that goes away later does not stop the job, which keeps its place until it is done.
    pub async fn run<T: Send + 'static>(
        self,
        job: impl FnOnce(&Bench) -> T + Send + 'static,
    ) -> Result<T, HasherError> {
        let running = self.running.acquire_owned().await.map_err(|_| HasherError::Stopped)?;
        let (place, bench) = (self.place, Bench { runs: self.runs });
        let (tell, told) = oneshot::channel();
        let thread = thread::Builder::new().name("hashing".into()).spawn(move || {
            let places = (place, running);
            give_way();
            let outcome = job(&bench);
            // First the place is free, and then it is said; after a panic too, which drops what is the closure's own last.
            drop(places);
            // Whoever asked may have gone away.
            let _ = tell.send(outcome);
        });
        thread.map_err(|_| HasherError::Stopped)?;
        told.await.map_err(|_| HasherError::Stopped)
    }
}

/// Lets the own thread give way to all others that want to run: decisions do not wait for passwords. A thread cannot take that
/// back, which is why each job has one of its own; next to a hash it costs nothing.
fn give_way() {
    // Where it may not be done, hashes compete with decisions, and nothing else is different.
    let _ = rustix::process::setpriority_process(None, PRIORITY);
}

/// Lets its holder compute hashes; only [`Admission::run`] gives one out.
pub struct Bench {
    runs: Arc<AtomicU64>,
}

impl Bench {
    /// Whether this is the hash of the password.
    #[must_use]
    pub fn verify(&self, hash: &PasswordHash, password: &[u8]) -> bool {
        self.count();
        hash.verify(password)
    }

    /// Spends the time of verifying a password against a hash of this scheme, and tells nothing.
    pub fn spend(&self, decoy: &PasswordHash, password: &[u8]) {
        self.count();
        black_box(decoy.verify(password));
    }

    /// The hash of a new password.
    ///
    /// # Errors
    /// [`HashingFailed`].
    pub fn hash(&self, password: &NewPassword) -> Result<PasswordHash, HashingFailed> {
        self.count();
        PasswordHash::of(password)
    }

    /// Another hash of a password that was just verified, where [`PasswordHash::renewed`] sees need for one.
    pub fn renew(
        &self,
        hash: &PasswordHash,
        verified: &[u8],
        prepared: &[u8],
    ) -> Option<Result<PasswordHash, HashingFailed>> {
        hash.renewed(verified, prepared).inspect(|_| self.count())
    }

    fn count(&self) {
        self.runs.fetch_add(1, Ordering::Relaxed);
    }
}

/// Why a job was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HasherError {
    /// As many jobs wait as may; nothing was computed.
    Busy,
    /// The job did not come to its end: it panicked, or the program ends.
    Stopped,
}

impl fmt::Display for HasherError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Busy => "too many sign-ins wait already",
            Self::Stopped => "hashing stopped before it was done",
        })
    }
}

impl std::error::Error for HasherError {}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    impl Hasher {
        async fn run<T: Send + 'static>(
            &self,
            job: impl FnOnce(&Bench) -> T + Send + 'static,
        ) -> Result<T, HasherError> {
            self.admit()?.run(job).await
        }
    }

    fn on_a_runtime<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    /// A job that says when it has started and ends when it is told to.
    struct Held {
        started: mpsc::Receiver<()>,
        end: mpsc::Sender<()>,
    }

    fn hold() -> (Held, impl FnOnce(&Bench) + Send + 'static) {
        let (say_started, started) = mpsc::channel();
        let (end, wait_for_end) = mpsc::channel();
        let job = move |_: &Bench| {
            say_started.send(()).unwrap();
            wait_for_end.recv().unwrap();
        };
        (Held { started, end }, job)
    }

    fn spawn(
        hasher: &Hasher,
        job: impl FnOnce(&Bench) + Send + 'static,
    ) -> tokio::task::JoinHandle<Result<(), HasherError>> {
        let hasher = hasher.clone();
        tokio::spawn(async move { hasher.run(job).await })
    }

    /// Lets every spawned task go on until it waits. On a runtime of one thread two turns are enough; ten are plenty.
    async fn let_tasks_go_on() {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
    }

    #[test]
    fn a_full_queue_refuses_at_once_and_a_free_place_is_given_again() {
        on_a_runtime(async {
            let hasher = Hasher::new(1, 2);
            let (first, job) = hold();
            let running = spawn(&hasher, job);
            let_tasks_go_on().await;
            first.started.recv().unwrap();

            let waiting = [spawn(&hasher, |_| {}), spawn(&hasher, |_| {})];
            let_tasks_go_on().await;
            assert_eq!(hasher.run(|_| ()).await, Err(HasherError::Busy));
            assert!(waiting.iter().all(|task| !task.is_finished()));

            first.end.send(()).unwrap();
            assert_eq!(running.await.unwrap(), Ok(()));
            for task in waiting {
                assert_eq!(task.await.unwrap(), Ok(()));
            }
            assert_eq!(hasher.run(|_| ()).await, Ok(()));
        });
    }

    #[test]
    fn no_more_jobs_run_than_may() {
        on_a_runtime(async {
            let hasher = Hasher::new(2, 8);
            let held: Vec<_> = (0..3).map(|_| hold()).collect();
            let mut tasks = Vec::new();
            let mut handles = Vec::new();
            for (handle, job) in held {
                tasks.push(spawn(&hasher, job));
                handles.push(handle);
                let_tasks_go_on().await;
            }
            handles[0].started.recv().unwrap();
            handles[1].started.recv().unwrap();
            assert_eq!(hasher.running.available_permits(), 0);
            assert_eq!(handles[2].started.try_recv(), Err(mpsc::TryRecvError::Empty));

            handles[0].end.send(()).unwrap();
            tasks.remove(0).await.unwrap().unwrap();
            let_tasks_go_on().await;
            handles[2].started.recv().unwrap();
            handles[1].end.send(()).unwrap();
            handles[2].end.send(()).unwrap();
            for task in tasks {
                task.await.unwrap().unwrap();
            }
        });
    }

    #[test]
    fn whoever_stops_waiting_gives_the_place_up_and_whoever_runs_keeps_it() {
        on_a_runtime(async {
            let hasher = Hasher::new(1, 1);
            let (first, job) = hold();
            let running = spawn(&hasher, job);
            let_tasks_go_on().await;
            first.started.recv().unwrap();
            let waiting = spawn(&hasher, |_| {});
            let_tasks_go_on().await;

            waiting.abort();
            running.abort();
            let_tasks_go_on().await;
            assert_eq!(hasher.running.available_permits(), 0, "the memory is still in use");
            assert_eq!(hasher.admitted.available_permits(), 1);
            let next = spawn(&hasher, |_| {});
            let_tasks_go_on().await;
            first.end.send(()).unwrap();
            assert_eq!(next.await.unwrap(), Ok(()));
        });
    }

    #[test]
    fn a_job_that_panics_is_an_error_and_frees_its_place() {
        on_a_runtime(async {
            let hasher = Hasher::new(1, 0);
            assert_eq!(hasher.run(|_| panic!("on purpose")).await, Err::<(), _>(HasherError::Stopped));
            assert_eq!(hasher.run(|_| 7).await, Ok(7));
        });
    }
}
