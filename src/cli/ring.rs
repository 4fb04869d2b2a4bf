//! The key ring as commands use it, wherever it is kept: in the settings, in the key file, or sealed in the store.

use super::Failure;
use super::opened::Opened;
use crate::check::revocation::CLOCKS_APART;
use crate::config::Config;
use crate::key_store::{self, KeyStoreError};
use crate::keys::{self, GeneratedRing, KeyFile, Keys, KeysError, Missing};
use crate::store::Access;
use std::time::Duration;

/// What signs and verifies.
pub(super) fn load(config: &Config, missing: Missing) -> Result<Keys, Failure> {
    let Some(store_key) = config.keys.ring_in_store() else {
        return Ok(keys::load(&config.keys, missing)?);
    };
    let ring = match missing {
        Missing::Create(now) => {
            let store = Opened::at(&config.store, Access::Create)?;
            let first = || keys::first_ring(&config.keys, now);
            store.wait(key_store::load_or_create(&*store, store_key, first))?.1
        }
        Missing::Refuse => {
            let store = Opened::at(&config.store, Access::Existing)?;
            let loaded = store.wait(key_store::load(&*store, store_key))?;
            loaded.ok_or_else(|| Failure::failed("there are no keys in the store yet; start the service once"))?.1
        }
    };
    Ok(keys::assemble(&config.keys, Some(&ring)))
}

/// Changes the ring, whole or not at all.
pub(super) fn change<T>(
    config: &Config,
    change: impl Fn(&mut GeneratedRing) -> Result<T, KeysError>,
) -> Result<T, Failure> {
    match config.keys.ring_in_store() {
        None => Ok(KeyFile::change(&config.keys.data, change)?),
        Some(store_key) => {
            let store = Opened::at(&config.store, Access::Existing)?;
            Ok(store.wait(key_store::change(&*store, store_key, change))?)
        }
    }
}

/// Every replica knows a change after so long.
const PUBLISHED_AFTER: Duration = Duration::from_secs(2);

/// Waits until every replica knows the key that is to sign next. It was made by the last rotation, which is hardly ever
/// as recent as clocks may be apart: else nobody can tell how long ago that was.
pub(super) fn wait_until_published(config: &Config, now: u64) -> Result<(), Failure> {
    let Some(store_key) = config.keys.ring_in_store() else { return Ok(()) };
    let store = Opened::at(&config.store, Access::Existing)?;
    let loaded = store.wait(key_store::load(&*store, store_key))?;
    let next_since = loaded.and_then(|(_, ring)| ring.next_since());
    if next_since.is_some_and(|since| now.abs_diff(since) <= CLOCKS_APART) {
        // A sleep can be begun within the runtime only.
        store.wait(async { tokio::time::sleep(PUBLISHED_AFTER).await });
    }
    Ok(())
}

impl From<KeyStoreError> for Failure {
    fn from(error: KeyStoreError) -> Self {
        match error {
            KeyStoreError::Store(error) => error.into(),
            KeyStoreError::Keys(error) => error.into(),
        }
    }
}
