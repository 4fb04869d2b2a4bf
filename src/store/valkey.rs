//! The store in Valkey or Redis: one server, the primary that sentinels watch, or a cluster.
//!
//! What is atomic: every change is one script (or one command), and all keys share the hash tag `{samehand}`, so that a
//! cluster keeps them on one of its nodes. What [`Store`] promises to happen whole happens whole, in a cluster too: users
//! are added all or none, a user is changed and revoked in one step, sessions end in the step that revokes them and are
//! counted in it, and the count of password schemes is exact. A cluster makes the store survive a node, not larger.
//!
//! What is ordered: a revision is taken and becomes visible in one script, and scripts run one after the other, so the
//! order is exact. A revision is the larger of the server's clock in milliseconds and the last one plus one. Scores of
//! sorted sets are doubles, whose 53 bits hold milliseconds for 285,000 years.
//!
//! What is durable: revocations, users and keys are on disk when the call returns where the server writes its append-only
//! file at once (`appendfsync always`), or can say when it did (`everysec`, by `WAITAOF`). Sessions, the times they were
//! last seen, and attempts may be lost with the last second under `everysec`. Replication is asynchronous: a failover may
//! lose the last moment; replicas of samehand give back the revocations that they know.
//!
//! A large copy (`put_…`) is several scripts: each is whole and can be repeated.

mod connection;
mod failed;
mod link;
mod memory;
mod news;
mod rows;
mod scripts;
mod setup;
mod trail;
mod url;

pub(super) use url::ValkeyUrl;

use super::revocation::after_all;
use super::session::latest_seen;
use super::{
    Access, Bucket, Changes, News, Replica, Revocation, Revoked, SealedKeys, Session, Store, StoreError,
    StoredPassword, TrailEntry, TrailRow, User, UserChange, replica,
};
use crate::check::identifiers::{Revision, SessionId};
use crate::check::names::UserName;
use crate::check::revocation::{CLOCKS_APART, Entry, Forgotten, ID_BYTES};
use async_trait::async_trait;
use link::{Link, Question};
use redis::{FromRedisValue, cmd, pipe};
use scripts::Known;

/// The format that this program reads and writes.
const FORMAT: i64 = 2;
/// So many rows are put, and so many expired ones removed, by one script: it holds everybody else up for milliseconds.
const BATCH: usize = 1000;

/// A store in Valkey or Redis.
pub(super) struct ValkeyStore {
    link: Link,
    access: Access,
}

impl ValkeyStore {
    /// The store of this URL; connects when it is first asked. `place` is the URL without its password.
    pub(super) fn new(url: ValkeyUrl, place: String, access: Access) -> Self {
        Self { link: Link::new(url, place), access }
    }

    /// Runs a script over the store's keys that changes nothing.
    async fn look<T: FromRedisValue>(&self, script: &'static Known, arguments: &[Vec<u8>]) -> Result<T, StoreError> {
        self.link.read(Question::Script { script, keys: &scripts::keys(), arguments }).await
    }

    /// Runs a script that changes what may be lost with the last second.
    async fn change<T: FromRedisValue>(&self, script: &'static Known, arguments: &[Vec<u8>]) -> Result<T, StoreError> {
        self.link.change(Question::Script { script, keys: &scripts::keys(), arguments }).await
    }

    /// Runs a script that changes what must not be lost.
    async fn change_for_good<T: FromRedisValue>(
        &self,
        script: &'static Known,
        arguments: &[Vec<u8>],
    ) -> Result<T, StoreError> {
        self.link.change_for_good(Question::Script { script, keys: &scripts::keys(), arguments }).await
    }

    /// The row of a user.
    async fn user_row(&self, name: &UserName) -> Result<Option<Vec<u8>>, StoreError> {
        let get = cmd("HGET").arg(scripts::USERS).arg(name.as_str()).to_owned();
        self.link.read(Question::Command(&get)).await
    }

    /// Puts another row in the place of a user's, or none, and revokes; `None` where the row is not that one any more.
    async fn exchange_user(
        &self,
        name: &UserName,
        before: Vec<u8>,
        after: Vec<u8>,
        revokes: bool,
    ) -> Result<Option<Revoked>, StoreError> {
        let mut arguments = vec![name.as_str().into(), before, after, rows::longest()];
        let mut revocations = Vec::new();
        if revokes {
            arguments.extend(rows::user_revocation(name));
            revocations.push(Revocation::User(name.clone()));
        }
        let answer: Vec<u64> = self.change_for_good(&scripts::CHANGE_USER, &arguments).await?;
        match answer.as_slice() {
            [] => Ok(None),
            answer => self.checked(rows::read_revoked(&revocations, answer)).map(Some),
        }
    }

    fn checked<T>(&self, checked: Result<T, String>) -> Result<T, StoreError> {
        checked.map_err(|problem| self.link.place().damaged(problem))
    }
}

#[async_trait]
impl Store for ValkeyStore {
    fn place(&self) -> String {
        self.link.place().text.clone()
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        let format = match self.access {
            Access::Create => FORMAT.to_string(),
            Access::Existing => String::new(),
        };
        let found: String = self.change(&scripts::PREPARE, &[format.into_bytes()]).await?;
        match found.parse() {
            Ok(FORMAT) => Ok(()),
            Ok(found) if found > FORMAT => Err(StoreError::Newer { place: self.place(), found, known: FORMAT }),
            Err(_) if found.is_empty() => Err(StoreError::Missing { place: self.place() }),
            Ok(_) | Err(_) => self.checked(Err(format!("its format is {found:?}"))),
        }
    }

    async fn add_users(&self, users: &[User]) -> Result<(), StoreError> {
        let arguments: Vec<_> = users.iter().flat_map(|user| [user.name.as_str().into(), rows::user(user)]).collect();
        let exists: String = self.change_for_good(&scripts::ADD_USERS, &arguments).await?;
        match users.iter().find(|user| user.name.as_str() == exists) {
            Some(user) => Err(StoreError::UserExists(user.name.clone())),
            None => Ok(()),
        }
    }

    async fn user(&self, name: &UserName) -> Result<Option<User>, StoreError> {
        let row = self.user_row(name).await?;
        self.checked(row.map(|row| rows::read_user(name.as_str(), &row)).transpose())
    }

    async fn users_after(&self, after: Option<&UserName>, limit: usize) -> Result<Vec<User>, StoreError> {
        let arguments = [rows::bound(after.map(UserName::as_str)), rows::number(limit as u64)];
        let page: Vec<(String, Vec<u8>)> = self.look(&scripts::USERS_AFTER, &arguments).await?;
        self.checked(page.iter().map(|(name, row)| rows::read_user(name, row)).collect())
    }

    async fn change_user(&self, name: &UserName, change: &UserChange, now: u64) -> Result<(User, Revoked), StoreError> {
        loop {
            let before = self.user_row(name).await?.ok_or_else(|| StoreError::NoSuchUser(name.clone()))?;
            let user = self.checked(rows::read_user(name.as_str(), &before))?;
            let user = change.apply(&user, now)?;
            if let Some(revoked) = self.exchange_user(name, before, rows::user(&user), change.revokes).await? {
                return Ok((user, revoked));
            }
        }
    }

    async fn rehash(
        &self,
        name: &UserName,
        old: &StoredPassword,
        new: &StoredPassword,
        now: u64,
    ) -> Result<(), StoreError> {
        while let Some(before) = self.user_row(name).await? {
            let user = self.checked(rows::read_user(name.as_str(), &before))?;
            if user.password.hash() != old.hash() {
                break;
            }
            let user = User { password: new.clone(), updated_at: now, ..user };
            if self.exchange_user(name, before, rows::user(&user), false).await?.is_some() {
                break;
            }
        }
        Ok(())
    }

    async fn remove_user(&self, name: &UserName) -> Result<Revoked, StoreError> {
        loop {
            let before = self.user_row(name).await?.ok_or_else(|| StoreError::NoSuchUser(name.clone()))?;
            if let Some(revoked) = self.exchange_user(name, before, Vec::new(), true).await? {
                return Ok(revoked);
            }
        }
    }

    async fn password_schemes(&self) -> Result<Vec<String>, StoreError> {
        self.link.read(Question::Command(&cmd("HKEYS").arg(scripts::SCHEMES).to_owned())).await
    }

    async fn open_session(&self, session: &Session) -> Result<(), StoreError> {
        self.change(&scripts::PUT_SESSIONS, &rows::session(session)).await
    }

    async fn session(&self, sid: &SessionId) -> Result<Option<Session>, StoreError> {
        let get = cmd("HGET").arg(scripts::SESSIONS).arg(sid.as_str()).to_owned();
        let row: Option<Vec<u8>> = self.link.read(Question::Command(&get)).await?;
        self.checked(row.map(|row| rows::read_session(sid.as_str(), &row)).transpose())
    }

    async fn sessions_after(
        &self,
        user: Option<&UserName>,
        after: Option<&SessionId>,
        limit: usize,
    ) -> Result<Vec<Session>, StoreError> {
        let after = after.map(SessionId::as_str);
        let limit = rows::number(limit as u64);
        let arguments = match user.map(UserName::as_str) {
            // Of one user: names of sessions stand after the user's name and a byte that no name has.
            Some(user) => {
                let lower = after.map_or(format!("[{user}\0"), |after| format!("({user}\0{after}"));
                vec![lower.into_bytes(), format!("({user}\u{1}").into_bytes(), limit, user.into()]
            }
            None => vec![rows::bound(after), b"+".to_vec(), limit],
        };
        let page: Vec<(String, Vec<u8>)> = self.look(&scripts::SESSIONS_AFTER, &arguments).await?;
        self.checked(page.iter().map(|(sid, row)| rows::read_session(sid, row)).collect())
    }

    async fn note_seen(&self, seen: &[(SessionId, u64)]) -> Result<(), StoreError> {
        for batch in seen.chunks(BATCH) {
            let arguments: Vec<_> = batch
                .iter()
                .flat_map(|(sid, at)| [sid.as_str().into(), rows::seen(*at), rows::seen(latest_seen(*at))])
                .collect();
            self.change::<()>(&scripts::NOTE_SEEN, &arguments).await?;
        }
        Ok(())
    }

    async fn revision(&self) -> Result<Revision, StoreError> {
        let revision: Option<u64> =
            self.link.read(Question::Command(&cmd("GET").arg(scripts::REVISION).to_owned())).await?;
        Ok(Revision::new(revision.unwrap_or(0)))
    }

    async fn revoke(&self, revocations: &[Revocation]) -> Result<Revoked, StoreError> {
        if revocations.is_empty() {
            return Ok(Revoked::default());
        }
        let mut arguments = vec![rows::longest()];
        arguments.extend(revocations.iter().flat_map(rows::revocation));
        let answer: Vec<u64> = self.change_for_good(&scripts::REVOKE, &arguments).await?;
        self.checked(rows::read_revoked(revocations, &answer))
    }

    async fn changes(&self, since: Revision, limit: usize) -> Result<Changes, StoreError> {
        type Answer = (Option<String>, Option<u64>, Vec<(Vec<u8>, f64)>, (u64, u64), Option<u64>, Vec<Option<u64>>);
        self.link.confirm_primary().await?;
        let warning = self.link.setup().await?.warning.clone();
        let mut together = pipe();
        together.atomic().get(scripts::FORMAT).get(scripts::REVISION);
        let page = together.cmd("ZRANGEBYSCORE").arg(scripts::REVOCATIONS);
        page.arg(format!("({}", since.number())).arg("+inf").arg("WITHSCORES").arg("LIMIT").arg(0);
        page.arg(rows::number(limit as u64)).cmd("TIME").cmd("HGET").arg(scripts::RING).arg("version");
        together.cmd("HMGET").arg(scripts::CLOCK).arg(&["mark", "said", "by", "until", "under"]);
        let (format, revision, entries, (seconds, microseconds), keys_version, noted): Answer =
            self.link.read(Question::Together(&together)).await?;
        if format.is_none() {
            // Whoever follows prepares the store again, and gives back what it knows.
            let problem = "it has lost everything that samehand kept in it".into();
            return Err(self.link.place().away(problem));
        }
        let entries = entries.iter().map(|(member, revision)| rows::read_entry(member, *revision as u64));
        Ok(Changes {
            entries: self.checked(entries.collect())?,
            revision: Revision::new(revision.unwrap_or(0)),
            clock_ms: seconds * 1000 + microseconds / 1000,
            noted: rows::read_noted(&noted),
            keys_version,
            warning,
        })
    }

    async fn subscribe(&self) -> Result<Box<dyn News>, StoreError> {
        Ok(Box::new(news::Subscription::new(&self.link).await?))
    }

    async fn take_attempt(&self, buckets: &[Bucket]) -> Result<Option<u64>, StoreError> {
        let arguments: Vec<_> = buckets
            .iter()
            .flat_map(|bucket| [rows::number(bucket.burst.max(1).into()), rows::interval(bucket)])
            .collect();
        let (script, keys) = (&*scripts::TAKE_ATTEMPT, &*rows::attempts(buckets));
        let wait: String = self.link.change(Question::Script { script, keys, arguments: &arguments }).await?;
        match wait.as_str() {
            "" => Ok(None),
            wait => self.checked(wait.parse().map(Some).map_err(|_| "a script gave no number".into())),
        }
    }

    async fn give_attempt_back(&self, buckets: &[Bucket]) -> Result<(), StoreError> {
        let arguments: Vec<_> = buckets.iter().map(rows::interval).collect();
        let (script, keys) = (&*scripts::GIVE_ATTEMPT_BACK, &*rows::attempts(buckets));
        self.link.change(Question::Script { script, keys, arguments: &arguments }).await
    }

    async fn forget_attempts(&self, keys: &[[u8; ID_BYTES]]) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        let keys: Vec<_> = keys.iter().map(|digest| rows::key(scripts::ATTEMPTS, digest)).collect();
        self.link.change(Question::Command(&cmd("DEL").arg(keys).to_owned())).await
    }

    async fn remember(&self, digest: [u8; ID_BYTES], seconds: u64) -> Result<bool, StoreError> {
        memory::remember(&self.link, digest, seconds).await
    }

    async fn remembers(&self, digest: [u8; ID_BYTES]) -> Result<bool, StoreError> {
        memory::remembers(&self.link, digest).await
    }

    async fn keys(&self) -> Result<Option<SealedKeys>, StoreError> {
        let get = cmd("HMGET").arg(scripts::RING).arg("version").arg("sealed").to_owned();
        let (version, sealed): (Option<u64>, Option<Vec<u8>>) = self.link.read(Question::Command(&get)).await?;
        Ok(version.zip(sealed).map(|(version, sealed)| SealedKeys { version, sealed }))
    }

    async fn put_keys(&self, sealed: &[u8], replaces: u64) -> Result<bool, StoreError> {
        self.change_for_good(&scripts::PUT_KEYS, &[sealed.to_vec(), rows::number(replaces)]).await
    }

    async fn announce(&self, replica: &Replica, within: u64) -> Result<Vec<Replica>, StoreError> {
        let says = self.checked(replica.settings_text())?.into_bytes();
        let arguments = [replica.name.as_bytes().to_vec(), says, rows::number(within)];
        let heard: Vec<(String, String)> = self.change(&scripts::ANNOUNCE, &arguments).await?;
        let others = heard.into_iter().map(|(name, said)| Replica::read(name, &said));
        let mut others: Vec<Replica> = self.checked(others.collect())?;
        others.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(others)
    }

    async fn note_time(&self, by: u64, mark_ms: Option<u64>) -> Result<(), StoreError> {
        self.change(&scripts::NOTE_TIME, &[rows::number(by), mark_ms.map_or(Vec::new(), rows::number)]).await
    }

    async fn purge(&self, now: u64) -> Result<(), StoreError> {
        let arguments = [BATCH as u64, replica::MEMORY, CLOCKS_APART, now].map(rows::number);
        while self.change::<usize>(&scripts::PURGE, &arguments).await? == BATCH {}
        Ok(())
    }

    async fn note_trail(&self, entries: &[TrailEntry]) -> Result<(), StoreError> {
        trail::note(&self.link, entries).await
    }

    async fn latest_of_trail(&self) -> Result<u64, StoreError> {
        trail::latest(&self.link).await
    }

    async fn trail_after(&self, position: u64, limit: usize) -> Result<Vec<TrailRow>, StoreError> {
        trail::after(&self.link, position, limit).await
    }

    async fn forget_trail(&self, before: u64) -> Result<(), StoreError> {
        trail::forget(&self.link, before).await
    }

    async fn put_forgotten(&self, forgotten: Forgotten) -> Result<(), StoreError> {
        self.change_for_good(&scripts::PUT_FORGOTTEN, &[forgotten.until, forgotten.under.number()].map(rows::number))
            .await
    }

    async fn put_users(&self, users: &[User]) -> Result<(), StoreError> {
        for batch in users.chunks(BATCH) {
            let arguments: Vec<_> =
                batch.iter().flat_map(|user| [user.name.as_str().into(), rows::user(user)]).collect();
            self.change_for_good::<()>(&scripts::PUT_USERS, &arguments).await?;
        }
        Ok(())
    }

    async fn put_sessions(&self, sessions: &[Session]) -> Result<(), StoreError> {
        for batch in sessions.chunks(BATCH) {
            let arguments: Vec<_> = batch.iter().flat_map(rows::session).collect();
            self.change_for_good::<()>(&scripts::PUT_SESSIONS, &arguments).await?;
        }
        Ok(())
    }

    async fn put_revocations(&self, entries: &[Entry]) -> Result<(), StoreError> {
        let reached = after_all(Revision::NONE, entries).number();
        for batch in entries.chunks(BATCH) {
            let mut arguments = vec![rows::number(reached)];
            arguments.extend(batch.iter().flat_map(rows::entry));
            self.change_for_good::<()>(&scripts::PUT_REVOCATIONS, &arguments).await?;
        }
        Ok(())
    }
}
