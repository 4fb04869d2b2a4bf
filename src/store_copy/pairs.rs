//! Reads two stores side by side, page by page, in the order of names. It changes neither.

use super::ledger::Ledger;
use super::{CopyError, Stores};
use crate::check::identifiers::SessionId;
use crate::check::names::UserName;
use crate::check::revocation::RevokedId;
use crate::store::{PAGE, Revocation, Session, Store, StoreError, User};
use std::collections::VecDeque;
use std::fmt;

/// What is copied row by row.
pub(super) trait Row: Sized {
    type Name: Ord + Clone + fmt::Display;
    /// For people, in the singular.
    const KIND: &'static str;

    fn name(&self) -> &Self::Name;
    /// Whether there is still something to it at `now`, in seconds since 1970.
    fn is_alive(&self, now: u64) -> bool;
    async fn page(store: &dyn Store, after: Option<&Self::Name>) -> Result<Vec<Self>, StoreError>;
    async fn one(store: &dyn Store, name: &Self::Name) -> Result<Option<Self>, StoreError>;
    async fn put(store: &dyn Store, rows: &[Self]) -> Result<(), StoreError>;
    /// What has to stand in the target, where it is not what stands there.
    fn wanted(source: Self, target: &Self, stores: &Stores<'_>) -> Result<Option<Self>, CopyError>;
    /// Refuses a row that only the target has, where that cannot be.
    fn may_be_alone(&self, stores: &Stores<'_>) -> Result<(), CopyError>;
    /// Whether it has ended in the target, and must not come back to life there.
    fn is_over(&self, target: &Ledger) -> bool;
    /// Removes from the target what the source has no more; false: it is the target's own and stays.
    async fn removed(&self, stores: &Stores<'_>, source: &Ledger) -> Result<bool, CopyError>;
}

impl Row for User {
    type Name = UserName;
    const KIND: &'static str = "user";

    fn name(&self) -> &UserName {
        &self.name
    }

    fn is_alive(&self, _: u64) -> bool {
        true
    }

    async fn page(store: &dyn Store, after: Option<&UserName>) -> Result<Vec<Self>, StoreError> {
        store.users_after(after, PAGE).await
    }

    async fn one(store: &dyn Store, name: &UserName) -> Result<Option<Self>, StoreError> {
        store.user(name).await
    }

    async fn put(store: &dyn Store, rows: &[Self]) -> Result<(), StoreError> {
        store.put_users(rows).await
    }

    fn wanted(source: Self, target: &Self, stores: &Stores<'_>) -> Result<Option<Self>, CopyError> {
        if source == *target {
            return Ok(None);
        }
        // What an earlier copy left, and the source has changed since, were it in the same second as this copy. Anything
        // else somebody wrote into the target.
        let is_older =
            target.updated_at < source.updated_at || (stores.is_fit && target.updated_at == source.updated_at);
        let is_earlier = source.created_at == target.created_at && is_older;
        if is_earlier { Ok(Some(source)) } else { Err(stores.other_user(&source.name)) }
    }

    fn may_be_alone(&self, stores: &Stores<'_>) -> Result<(), CopyError> {
        Err(stores.strange_user(&self.name))
    }

    fn is_over(&self, _: &Ledger) -> bool {
        false
    }

    async fn removed(&self, stores: &Stores<'_>, source: &Ledger) -> Result<bool, CopyError> {
        if source.covers_user(&self.name, self.created_at) {
            stores.to.remove_user(&self.name).await?;
            return Ok(true);
        }
        Err(stores.strange_user(&self.name))
    }
}

impl Row for Session {
    type Name = SessionId;
    const KIND: &'static str = "session";

    fn name(&self) -> &SessionId {
        &self.id
    }

    fn is_alive(&self, now: u64) -> bool {
        self.ends_at > now
    }

    async fn page(store: &dyn Store, after: Option<&SessionId>) -> Result<Vec<Self>, StoreError> {
        store.sessions_after(None, after, PAGE).await
    }

    async fn one(store: &dyn Store, name: &SessionId) -> Result<Option<Self>, StoreError> {
        store.session(name).await
    }

    async fn put(store: &dyn Store, rows: &[Self]) -> Result<(), StoreError> {
        store.put_sessions(rows).await
    }

    fn wanted(source: Self, target: &Self, _: &Stores<'_>) -> Result<Option<Self>, CopyError> {
        let last_seen_at = source.last_seen_at.max(target.last_seen_at);
        let wanted = Self { last_seen_at, ..source };
        Ok((wanted != *target).then_some(wanted))
    }

    /// It is left from an earlier copy and has ended since, or somebody signed in at the target.
    fn may_be_alone(&self, _: &Stores<'_>) -> Result<(), CopyError> {
        Ok(())
    }

    fn is_over(&self, target: &Ledger) -> bool {
        target.has(RevokedId::session(&self.id))
    }

    async fn removed(&self, stores: &Stores<'_>, source: &Ledger) -> Result<bool, CopyError> {
        let has_ended = source.has(RevokedId::session(&self.id)) || source.covers_user(&self.user, self.created_at);
        if has_ended {
            stores.to.revoke(&[Revocation::Session(self.id.clone())]).await?;
        }
        Ok(has_ended)
    }
}

/// One name, and what each store holds under it.
pub(super) enum Pair<R> {
    Both(R, R),
    Source(R),
    Target(R),
}

/// Both stores, name by name.
pub(super) struct Pairs<'a, R: Row> {
    from: Rows<'a, R>,
    to: Rows<'a, R>,
}

impl<'a, R: Row> Pairs<'a, R> {
    /// Rows that are over at `now` are passed over.
    pub(super) fn new(stores: &Stores<'a>, now: u64) -> Self {
        Self { from: Rows::new(stores.from, now), to: Rows::new(stores.to, now) }
    }

    pub(super) async fn next(&mut self) -> Result<Option<Pair<R>>, StoreError> {
        let (source, target) = (self.from.take().await?, self.to.take().await?);
        Ok(match (source, target) {
            (None, None) => None,
            (Some(source), None) => Some(Pair::Source(source)),
            (None, Some(target)) => Some(Pair::Target(target)),
            (Some(source), Some(target)) if source.name() == target.name() => Some(Pair::Both(source, target)),
            (Some(source), Some(target)) if source.name() < target.name() => {
                self.to.put_back(target);
                Some(Pair::Source(source))
            }
            (Some(source), Some(target)) => {
                self.from.put_back(source);
                Some(Pair::Target(target))
            }
        })
    }
}

/// The rows of one store by name.
struct Rows<'a, R: Row> {
    store: &'a dyn Store,
    now: u64,
    read: VecDeque<R>,
    last: Option<R::Name>,
    is_last_page: bool,
}

impl<'a, R: Row> Rows<'a, R> {
    fn new(store: &'a dyn Store, now: u64) -> Self {
        Self { store, now, read: VecDeque::new(), last: None, is_last_page: false }
    }

    async fn take(&mut self) -> Result<Option<R>, StoreError> {
        while self.read.is_empty() && !self.is_last_page {
            let page = R::page(self.store, self.last.as_ref()).await?;
            self.is_last_page = page.len() < PAGE;
            self.last = page.last().map(|row| row.name().clone()).or(self.last.take());
            self.read = page.into_iter().filter(|row| row.is_alive(self.now)).collect();
        }
        Ok(self.read.pop_front())
    }

    fn put_back(&mut self, row: R) {
        self.read.push_front(row);
    }
}
