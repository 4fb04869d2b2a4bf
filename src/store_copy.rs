//! Copies users, sessions, revocations, the sealed key ring and the audit trail from one store to another, and compares what arrived.
//!
//! Every step says what has to stand in the target, whatever stands there: after an interruption the same copy goes on
//! where there is still something to do. The source may be in use; what changes there meanwhile is found by the
//! comparison, and what is revoked meanwhile by reading its news last. Nothing is written to the source, and nobody's own
//! user in the target is overwritten.

mod ledger;
mod pairs;
#[cfg(test)]
mod tests;

use self::ledger::Ledger;
use self::pairs::{Pair, Pairs, Row};
use crate::check::names::UserName;
use crate::check::revocation::{Forgotten, RevokedId};
use crate::store::{PAGE, Session, Store, StoreError, TrailEntry, User, outrun};
use std::collections::HashSet;
use std::fmt;

/// A source in use may change under the comparison so often before that is an error.
const ATTEMPTS: usize = 5;
/// How long the target remembers that it was asked whether it is the source, in seconds.
const PROBE_SECONDS: u64 = 60;

/// What stands in both stores now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Users.
    pub users: u64,
    /// Open sessions.
    pub sessions: u64,
    /// Revocations.
    pub revocations: u64,
    /// Whether the source keeps a key ring, which the target keeps too now.
    pub keys: bool,
    /// Open sessions that only the target has, which were left alone.
    pub own_sessions: u64,
}

/// How far the copy has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub stage: &'static str,
    /// How many rows are done.
    pub done: u64,
    /// How many there are, as far as is known.
    pub total: u64,
}

/// Why not everything was copied.
#[derive(Debug)]
pub enum CopyError {
    /// One of the stores did not do what was asked.
    Store(StoreError),
    /// Both are one store.
    Same,
    /// The target has a user that the source has not, or another one of that name.
    OtherUser {
        /// Who.
        name: UserName,
        /// Whether the source has one of that name.
        is_in_source: bool,
        /// Where the target is.
        place: String,
    },
    /// The target keeps another key ring.
    OtherKeys {
        /// Where the target is.
        place: String,
    },
    /// Something is not in the target as it is in the source.
    Different {
        /// What: the first of it.
        what: String,
    },
}

impl From<StoreError> for CopyError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for CopyError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(formatter),
            Self::Same => formatter.write_str("--from and --to are the same store; there is nothing to copy"),
            Self::OtherUser { name, is_in_source, place } => {
                match is_in_source {
                    true => write!(formatter, "{place} has another user {name} than the source")?,
                    false => write!(formatter, "{place} has a user {name}, and the source has not")?,
                }
                write!(
                    formatter,
                    "; it is not overwritten. If nobody needs that user, remove it from the target (`samehand user \
                     remove {name}` with SAMEHAND_STORE set to the target) and run the same command again; else copy \
                     into an empty store"
                )
            }
            Self::OtherKeys { place } => write!(
                formatter,
                "{place} keeps another key ring than the source; it is not overwritten, because tokens of it would be \
                 refused. Copy into an empty store"
            ),
            Self::Different { what } => write!(
                formatter,
                "{what} is not in the target as it is in the source; run the same command again, and if that does not \
                 help, copy into an empty store"
            ),
        }
    }
}

impl std::error::Error for CopyError {}

/// From where, and to where.
#[derive(Clone, Copy)]
struct Stores<'a> {
    from: &'a dyn Store,
    to: &'a dyn Store,
    /// Whether the target was found to hold nobody else's users.
    is_fit: bool,
}

impl Stores<'_> {
    fn other_user(&self, name: &UserName) -> CopyError {
        CopyError::OtherUser { name: name.clone(), is_in_source: true, place: self.to.place() }
    }

    fn strange_user(&self, name: &UserName) -> CopyError {
        CopyError::OtherUser { name: name.clone(), is_in_source: false, place: self.to.place() }
    }

    /// Two addresses may lead to one place. What the one is told, the other then knows.
    async fn refuse_same(&self, clock: u64) -> Result<(), CopyError> {
        let question = RevokedId::token(&format!("samehand store copy {} {clock}", std::process::id()));
        self.to.remember(question.bytes(), PROBE_SECONDS).await?;
        if self.from.remembers(question.bytes()).await? { Err(CopyError::Same) } else { Ok(()) }
    }

    async fn refuse_other_keys(&self) -> Result<(), CopyError> {
        match (self.from.keys().await?, self.to.keys().await?) {
            (Some(source), Some(target)) if source.sealed != target.sealed => {
                Err(CopyError::OtherKeys { place: self.to.place() })
            }
            (Some(_), Some(_)) | (None, _) | (_, None) => Ok(()),
        }
    }
}

/// Copies everything, and returns when all of it was read back and compared.
///
/// # Errors
/// [`CopyError`]. Before anything was written where the stores do not go together; else run it again.
pub async fn copy(from: &dyn Store, to: &dyn Store, tell: &mut dyn FnMut(Progress)) -> Result<Copied, CopyError> {
    let stores = Stores { from, to, is_fit: false };
    let mut run = Run { stores, source: Ledger::default(), target: Ledger::default(), now: 0, tell };
    run.source.catch_up(from).await?;
    run.target.catch_up(to).await?;
    // Whichever is ahead: what one of them may have removed already is not missed in the other.
    run.now = run.source.clock.max(run.target.clock);
    stores.refuse_same(run.source.clock).await?;
    stores.refuse_other_keys().await?;
    let users = run.look::<User>("looking at users").await?;
    let sessions = run.look::<Session>("looking at sessions").await?;
    run.stores.is_fit = true;

    outrun(to, run.source.revision).await?;
    run.put::<User>("users", users).await?;
    run.put::<Session>("sessions", sessions).await?;
    let mut copied = Copied::default();
    for _ in 0..ATTEMPTS {
        let before = run.source.revision;
        (copied.users, _) = run.compare::<User>("comparing users", users).await?;
        (copied.sessions, copied.own_sessions) = run.compare::<Session>("comparing sessions", sessions).await?;
        // What was revoked while the rows were compared may concern rows that were compared before.
        run.put_revocations().await?;
        if run.source.revision == before {
            break;
        }
    }
    copied.keys = run.put_keys().await?;
    copied.revocations = run.compare_revocations().await?;
    copy_trail(from, to).await?;
    Ok(copied)
}

/// The audit trail: what the target has not.
async fn copy_trail(from: &dyn Store, to: &dyn Store) -> Result<(), StoreError> {
    let (mut known, mut position) = (HashSet::new(), 0);
    loop {
        let page = to.trail_after(position, PAGE).await?;
        position = page.last().map_or(position, |row| row.position);
        let is_last = page.len() < PAGE;
        known.extend(page.into_iter().map(|row| row.entry.to_json().to_string()));
        if is_last {
            break;
        }
    }
    position = 0;
    loop {
        let page = from.trail_after(position, PAGE).await?;
        position = page.last().map_or(position, |row| row.position);
        let is_last = page.len() < PAGE;
        let lacking =
            page.into_iter().map(|row| row.entry).filter(|entry| !known.contains(&entry.to_json().to_string()));
        let lacking: Vec<TrailEntry> = lacking.collect();
        if !lacking.is_empty() {
            to.note_trail(&lacking).await?;
        }
        if is_last {
            return Ok(());
        }
    }
}

struct Run<'a, 'b> {
    stores: Stores<'a>,
    source: Ledger,
    target: Ledger,
    /// What is over at this time is not copied, in seconds since 1970.
    now: u64,
    tell: &'b mut dyn FnMut(Progress),
}

impl Run<'_, '_> {
    /// Counts the rows of the source, and refuses a target that they cannot be put into.
    async fn look<R: Row>(&mut self, stage: &'static str) -> Result<u64, CopyError> {
        let mut count = 0;
        let mut pairs = Pairs::<R>::new(&self.stores, self.now);
        while let Some(pair) = pairs.next().await? {
            match pair {
                Pair::Both(source, target) => {
                    R::wanted(source, &target, &self.stores)?;
                    count += 1;
                }
                Pair::Source(_) => count += 1,
                Pair::Target(target) => target.may_be_alone(&self.stores)?,
            }
        }
        (self.tell)(Progress { stage, done: count, total: count });
        Ok(count)
    }

    /// Puts what is missing or different, a page at a time.
    async fn put<R: Row>(&mut self, stage: &'static str, total: u64) -> Result<(), CopyError> {
        let (mut done, mut batch) = (0, Vec::new());
        let mut pairs = Pairs::<R>::new(&self.stores, self.now);
        while let Some(pair) = pairs.next().await? {
            match pair {
                Pair::Both(source, target) => batch.extend(R::wanted(source, &target, &self.stores)?),
                Pair::Source(source) if source.is_over(&self.target) => {}
                Pair::Source(source) => batch.push(source),
                Pair::Target(_) => continue,
            }
            done += 1;
            if batch.len() >= PAGE {
                R::put(self.stores.to, &batch).await?;
                batch.clear();
            }
            if done % PAGE as u64 == 0 {
                (self.tell)(Progress { stage, done, total: total.max(done) });
            }
        }
        if !batch.is_empty() {
            R::put(self.stores.to, &batch).await?;
        }
        (self.tell)(Progress { stage, done, total: done });
        Ok(())
    }

    /// Reads both sides, mends what has changed since, and returns how many rows stand in both and in the target alone.
    async fn compare<R: Row>(&mut self, stage: &'static str, total: u64) -> Result<(u64, u64), CopyError> {
        let (mut same, mut own) = (0, 0);
        let mut pairs = Pairs::<R>::new(&self.stores, self.now);
        while let Some(pair) = pairs.next().await? {
            let name = match pair {
                Pair::Both(source, target) => {
                    let name = source.name().clone();
                    R::wanted(source, &target, &self.stores)?.map(|_| name)
                }
                Pair::Source(row) | Pair::Target(row) => Some(row.name().clone()),
            };
            let stands = match name {
                Some(name) => self.mend::<R>(&name).await?,
                None => Stands::Both,
            };
            match stands {
                Stands::Both => same += 1,
                Stands::Target => own += 1,
                Stands::Nowhere => {}
            }
            if same > 0 && same % PAGE as u64 == 0 {
                (self.tell)(Progress { stage, done: same, total: total.max(same) });
            }
        }
        (self.tell)(Progress { stage, done: same, total: same });
        Ok((same, own))
    }

    /// Makes one row of the target what it is in the source now, and reads it back.
    async fn mend<R: Row>(&mut self, name: &R::Name) -> Result<Stands, CopyError> {
        let Stores { from, to, .. } = self.stores;
        for _ in 0..ATTEMPTS {
            let source = R::one(from, name).await?;
            let target = R::one(to, name).await?;
            match (source, target) {
                (None, None) => return Ok(Stands::Nowhere),
                (Some(source), Some(target)) => match R::wanted(source, &target, &self.stores)? {
                    None => return Ok(Stands::Both),
                    Some(wanted) => R::put(to, &[wanted]).await?,
                },
                (Some(source), None) if source.is_over(&self.target) => return Ok(Stands::Nowhere),
                (Some(source), None) => R::put(to, &[source]).await?,
                (None, Some(target)) => {
                    // It was there, or is the target's own: whether it was taken back stands in the source's news by now.
                    self.source.catch_up(from).await?;
                    if !target.removed(&self.stores, &self.source).await? {
                        return Ok(Stands::Target);
                    }
                }
            }
        }
        Err(CopyError::Different { what: format!("the {} {name}", R::KIND) })
    }

    /// Puts what the target has not heard of, and reads what the source was told meanwhile.
    async fn put_revocations(&mut self) -> Result<(), CopyError> {
        let Stores { from, to, .. } = self.stores;
        self.source.catch_up(from).await?;
        self.target.catch_up(to).await?;
        let lacking = self.source.lacking(&self.target, self.now);
        let (total, mut done) = (lacking.len() as u64, 0);
        for page in lacking.chunks(PAGE) {
            to.put_revocations(page).await?;
            done += page.len() as u64;
            (self.tell)(Progress { stage: "revocations", done, total });
        }
        outrun(to, self.source.revision).await?;
        if self.source.forgotten != Forgotten::default() {
            to.put_forgotten(self.source.forgotten).await?;
        }
        self.source.catch_up(from).await?;
        Ok(())
    }

    /// Reads the revocations of both sides, those of the last moment too.
    async fn compare_revocations(&mut self) -> Result<u64, CopyError> {
        for _ in 0..ATTEMPTS {
            self.put_revocations().await?;
            self.target.catch_up(self.stores.to).await?;
            self.now = self.now.max(self.source.clock).max(self.target.clock);
            if self.source.lacking(&self.target, self.now).is_empty() && self.target.revision >= self.source.revision {
                let count = self.source.count(self.now);
                (self.tell)(Progress { stage: "comparing revocations", done: count, total: count });
                return Ok(count);
            }
        }
        let first = self
            .source
            .lacking(&self.target, self.now)
            .first()
            .map_or_else(String::new, |entry| entry.id.bytes().iter().map(|byte| format!("{byte:02x}")).collect());
        Err(CopyError::Different { what: format!("the revocation {first}") })
    }

    /// The key ring goes last: until then nothing in the target could have used it.
    async fn put_keys(&mut self) -> Result<bool, CopyError> {
        let Stores { from, to, .. } = self.stores;
        let Some(source) = from.keys().await? else { return Ok(false) };
        if to.keys().await?.is_none() {
            to.put_keys(&source.sealed, 0).await?;
        }
        self.stores.refuse_other_keys().await?;
        Ok(true)
    }
}

/// Where a row stands after it was looked at again.
enum Stands {
    Both,
    Target,
    Nowhere,
}
