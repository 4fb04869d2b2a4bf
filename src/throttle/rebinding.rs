//! How often a session may go on with another client than the one it had: what is watched may change, and a token that is
//! handed round changes without end.

use super::{Limit, MINUTE_MS, key};
use crate::check::identifiers::SessionId;
use crate::store::{Store, StoreError};

/// For one session: 12 at once and 8 a day, which is at most 20 in any day. Who commutes with tokens of eight hours, which
/// are renewed after five and a half, needs five a day at most.
const SESSION: Limit = Limit { burst: 12, interval_ms: 180 * MINUTE_MS };

/// How long it is not said again that a session has used its changes up, in seconds.
const SAID_FOR: u64 = 24 * 60 * 60;

/// Too many changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooOften {
    /// When there is another one, in seconds; at least one.
    pub retry_after: u64,
    /// Whether nobody has said so of this session today.
    pub is_news: bool,
}

/// Takes one of the changes that a session has left.
///
/// # Errors
/// [`StoreError`] when the store does not answer: then it is not known.
pub async fn rebind(store: &dyn Store, session: &SessionId) -> Result<Result<(), TooOften>, StoreError> {
    let name = |what| key(&[what, session.as_str()]);
    match store.take_attempt(&[SESSION.bucket(name("rebound"))]).await? {
        None => Ok(Ok(())),
        Some(wait_ms) => {
            let is_news = store.remember(name("rebind-limit"), SAID_FOR).await?;
            Ok(Err(TooOften { retry_after: wait_ms.div_ceil(1000).max(1), is_news }))
        }
    }
}
