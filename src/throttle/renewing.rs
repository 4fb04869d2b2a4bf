//! How often a session may be asked for a fresh token. Replicas count together, in the store that each renewal asks anyway:
//! a limit of each process would grow with their number. Fresh cookies with the answer to a subrequest do not count: of those
//! there is one for each token that ends.

use super::{Limit, SECOND_MS, key};
use crate::check::identifiers::SessionId;
use crate::store::{Store, StoreError};

/// For one session: a browser with a hundred tabs that all wake up has enough, and so has a page that renews each minute.
const SESSION: Limit = Limit { burst: 200, interval_ms: 5 * SECOND_MS };

/// Takes one of the renewals that a session has; else says after how many seconds there is another.
///
/// # Errors
/// [`StoreError`] when the store does not answer.
pub async fn renew(store: &dyn Store, session: &SessionId) -> Result<Result<(), u64>, StoreError> {
    let bucket = SESSION.bucket(key(&["renewed", session.as_str()]));
    let wait_ms = store.take_attempt(&[bucket]).await?;
    Ok(wait_ms.map_or(Ok(()), |wait_ms| Err(wait_ms.div_ceil(SECOND_MS).max(1))))
}
