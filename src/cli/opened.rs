//! The store as commands use it: opened once, and every call waited for.

use crate::check::identifiers::Revision;
use crate::check::revocation::RevocationSet;
use crate::store::{self, Access, Store, StoreAddress, StoreError};
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

/// How many revocations are read at a time.
const PAGE: usize = 20_000;

/// A store that answers.
pub(super) struct Opened {
    runtime: Runtime,
    store: Arc<dyn Store>,
}

impl Opened {
    /// Opens the store at this address.
    pub(super) fn at(address: &StoreAddress, access: Access) -> Result<Self, StoreError> {
        let runtime = runtime()?;
        let store = runtime.block_on(store::open(address, access))?;
        Ok(Self { runtime, store })
    }

    /// The same, for at most so long.
    pub(super) fn within(patience: Duration, address: &StoreAddress, access: Access) -> Result<Self, StoreError> {
        let runtime = runtime()?;
        match runtime.block_on(async { timeout(patience, store::open(address, access)).await }) {
            Ok(store) => Ok(Self { store: store?, runtime }),
            Err(_) => {
                // Whatever it waits for, a name server perhaps, is not waited for here.
                runtime.shutdown_background();
                let problem = format!("no answer within {} s", patience.as_secs());
                Err(StoreError::Away { place: address.to_string(), problem })
            }
        }
    }

    /// Opens another store beside it, for calls that need both: their connections live in one runtime.
    pub(super) fn beside(&self, address: &StoreAddress, access: Access) -> Result<Arc<dyn Store>, StoreError> {
        self.runtime.block_on(store::open(address, access))
    }

    /// Opens the store, if there is one.
    pub(super) fn if_any(address: &StoreAddress) -> Result<Option<Self>, StoreError> {
        match Self::at(address, Access::Existing) {
            Ok(opened) => Ok(Some(opened)),
            Err(StoreError::Missing { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Waits for a call.
    pub(super) fn wait<T>(&self, call: impl Future<Output = T>) -> T {
        self.runtime.block_on(call)
    }

    /// Every revocation there is.
    pub(super) fn revocations(&self) -> Result<RevocationSet, StoreError> {
        let mut set = RevocationSet::default();
        let mut since = Revision::NONE;
        loop {
            let changes = self.wait(self.changes(since, PAGE))?;
            set = set.with(&changes.entries);
            match changes.entries.last() {
                Some(last) if changes.entries.len() == PAGE => since = last.revision,
                Some(_) | None => return Ok(set),
            }
        }
    }
}

fn runtime() -> Result<Runtime, StoreError> {
    let unusable = |error| StoreError::Unreachable { place: "a runtime".into(), error };
    Builder::new_current_thread().enable_all().build().map_err(unusable)
}

impl Deref for Opened {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}
