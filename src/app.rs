//! What all workers share, built once from the settings: keys and policy as one snapshot that a request reads without a
//! lock, the store of users, the queue before password hashing, counts, and the one clock.

use crate::activity::Activity;
use crate::audit::Audit;
use crate::check::Gate;
use crate::config::{Config, SessionCookie};
use crate::issue::Minter;
use crate::keys::{Keys, KeysError, Missing};
use crate::revocations::Revocations;
use crate::secret::Secret;
use crate::store::Store;
use crate::users::hasher::Hasher;
use arc_swap::{ArcSwap, Guard};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// The time, in seconds since 1970.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one clock")]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The time, in milliseconds since 1970: for comparing clocks.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one clock")]
pub fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// What a change of settings or keys replaces as a whole.
pub struct State {
    /// What decisions are measured against.
    pub gate: Gate,
    /// What mints tokens.
    pub minter: Minter,
    /// The public keys, as served.
    pub published: serde_json::Value,
    /// The token of the administration side, if there is one.
    pub admin_token: Option<Secret>,
    /// How the session cookie is set.
    pub cookie: SessionCookie,
    /// How long a session may stay unused, in seconds.
    pub session_idle: Option<u64>,
}

impl State {
    /// Puts settings and keys together.
    #[must_use]
    pub fn new(config: &Config, keys: Keys) -> Self {
        // With an idle limit, that a token is not renewed in time is how an unused session is noticed.
        let token_ttl = config.session_idle.map_or(config.token_ttl, |idle| idle.min(config.token_ttl));
        let minter = Minter::new(&config.policy, &keys, token_ttl);
        // A set of public keys is plain strings: it always becomes JSON.
        let published = serde_json::to_value(&keys.published).unwrap_or_default();
        Self {
            gate: Gate { policy: config.policy.clone(), ring: keys.ring, fingerprints: keys.fingerprints },
            minter,
            published,
            admin_token: config.admin_token.clone(),
            cookie: config.cookie.clone(),
            session_idle: config.session_idle,
        }
    }
}

/// What all workers share.
pub struct App {
    state: ArcSwap<State>,
    store: Arc<dyn Store>,
    revocations: Revocations,
    hasher: Hasher,
    audit: Audit,
    activity: Activity,
    stopping: AtomicBool,
}

impl App {
    /// The running service's state.
    #[must_use]
    pub fn new(state: State, store: Arc<dyn Store>, revocations: Revocations, hasher: Hasher) -> Self {
        Self {
            state: ArcSwap::from_pointee(state),
            store,
            revocations,
            hasher,
            audit: Audit::default(),
            activity: Activity::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// The current keys and policy.
    pub fn state(&self) -> Guard<Arc<State>> {
        self.state.load()
    }

    /// Replaces keys and policy for all requests that start from now on.
    pub fn replace(&self, state: State) {
        self.state.store(Arc::new(state));
    }

    /// Reads the keys again under these settings and replaces the state.
    ///
    /// # Errors
    /// [`KeysError`]; the old state stays.
    pub fn reload(&self, config: &Config) -> Result<(), KeysError> {
        let keys = crate::keys::load(&config.keys, Missing::Refuse)?;
        self.replace(State::new(config, keys));
        Ok(())
    }

    /// What is remembered.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// What is known about revocations.
    #[must_use]
    pub fn revocations(&self) -> &Revocations {
        &self.revocations
    }

    /// The queue before password hashing.
    #[must_use]
    pub fn hasher(&self) -> &Hasher {
        &self.hasher
    }

    /// Says what happened.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// When sessions were last used.
    #[must_use]
    pub fn activity(&self) -> &Activity {
        &self.activity
    }

    /// The time, in seconds since 1970.
    #[must_use]
    pub fn now(&self) -> u64 {
        now()
    }

    /// From now on the service is not ready for new work.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Whether the service is about to end.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}
