//! The key ring in the store: sealed, made once by whoever comes first, and changed by one at a time.
//!
//! Replicas share nothing but the store's address and `SAMEHAND_STORE_KEY`.

use crate::keys::sealed;
use crate::keys::{GeneratedRing, KeysError};
use crate::secret::Secret;
use crate::store::{Store, StoreError};
use std::fmt;

/// Why there is no ring.
#[derive(Debug)]
pub enum KeyStoreError {
    /// The store.
    Store(StoreError),
    /// The ring.
    Keys(KeysError),
}

impl fmt::Display for KeyStoreError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(formatter),
            Self::Keys(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for KeyStoreError {}

impl From<StoreError> for KeyStoreError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<KeysError> for KeyStoreError {
    fn from(error: KeysError) -> Self {
        Self::Keys(error)
    }
}

/// The ring in the store with its version, if there is one.
///
/// # Errors
/// [`KeyStoreError`].
pub async fn load(store: &dyn Store, store_key: &Secret) -> Result<Option<(u64, GeneratedRing)>, KeyStoreError> {
    match store.keys().await? {
        Some(keys) => Ok(Some((keys.version, sealed::open(&keys.sealed, store_key)?))),
        None => Ok(None),
    }
}

/// The ring in the store; where there is none, the one that `first` gives becomes it. Of two who make one at once, both
/// get the same.
///
/// # Errors
/// [`KeyStoreError`].
pub async fn load_or_create(
    store: &dyn Store,
    store_key: &Secret,
    first: impl Fn() -> Result<GeneratedRing, KeysError>,
) -> Result<(u64, GeneratedRing), KeyStoreError> {
    loop {
        if let Some(loaded) = load(store, store_key).await? {
            return Ok(loaded);
        }
        store.put_keys(&sealed::seal(&first()?, store_key)?, 0).await?;
    }
}

/// Changes the ring. When another process changes it at the same time, this change is made on what the other left.
///
/// # Errors
/// [`KeyStoreError`], those of the change among them; [`KeysError::Sealed`] where there is no ring.
pub async fn change<T>(
    store: &dyn Store,
    store_key: &Secret,
    change: impl Fn(&mut GeneratedRing) -> Result<T, KeysError>,
) -> Result<T, KeyStoreError> {
    loop {
        let Some((version, mut ring)) = load(store, store_key).await? else {
            return Err(KeysError::Sealed("there is none yet; start the service once".into()).into());
        };
        let changed = change(&mut ring)?;
        if store.put_keys(&sealed::seal(&ring, store_key)?, version).await? {
            return Ok(changed);
        }
    }
}
