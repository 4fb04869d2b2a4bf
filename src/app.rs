//! What all workers share, built once from the settings: keys and policy as one snapshot that a request reads without a
//! lock, the store of users, the queue before password hashing, counts, and the one clock.

use crate::activity::{self, Activity};
use crate::audit::Audit;
use crate::check::Gate;
use crate::check::return_url::ReturnUrls;
use crate::check::sign_in::SignIn;
use crate::config::{Config, SessionCookie};
use crate::issue::Minter;
use crate::keys::{self, GeneratedRing, Keys, KeysError, ListedKey, Missing};
use crate::replays::Replays;
use crate::revocations::Revocations;
use crate::secret::Secret;
use crate::sessions::Limits;
use crate::store::Store;
use crate::throttle::Throttle;
use crate::trail::Trail;
use crate::users::hasher::Hasher;
use arc_swap::{ArcSwap, ArcSwapOption, Guard};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use url::Url;

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
    /// Every key, by name and part in the ring.
    pub listed: Vec<ListedKey>,
    /// The public keys, as served.
    pub published: serde_json::Value,
    /// The token of the administration side, if there is one.
    pub admin_token: Option<Secret>,
    /// How the session cookie is set.
    pub cookie: SessionCookie,
    /// Where browsers are sent to sign in, if they are.
    pub sign_in: Option<SignIn>,
    /// samehand's own pages, if browsers get them.
    pub pages: Option<Pages>,
    /// How long a session may stay unused, in seconds.
    pub session_idle: Option<u64>,
}

/// samehand's own pages.
pub struct Pages {
    /// Where browsers reach them, without a slash at its end.
    pub url: Url,
    /// Where they may lead to.
    pub returns: ReturnUrls,
}

impl State {
    /// Puts settings and keys together.
    #[must_use]
    pub fn new(config: &Config, keys: Keys) -> Self {
        let minter = Minter::new(&config.policy, &keys, config.token_ttl);
        // A set of public keys is plain strings: it always becomes JSON.
        let published = serde_json::to_value(&keys.published).unwrap_or_default();
        Self {
            gate: Gate::new(config.policy.clone(), keys.ring, keys.fingerprints, keys.nonces),
            minter,
            listed: keys.listed,
            published,
            admin_token: config.admin_token.clone(),
            cookie: config.cookie.clone(),
            sign_in: config.sign_in.clone(),
            pages: config.public_url.clone().map(|url| {
                let returns = ReturnUrls::new(url.clone(), config.cookie.domain.clone());
                Pages { url, returns }
            }),
            session_idle: config.session_idle,
        }
    }

    /// How long sessions live.
    #[must_use]
    pub fn session_limits(&self) -> Limits {
        Limits { absolute: self.gate.policy.max_lifetime, idle: self.session_idle }
    }

    /// How precisely it is known when a session was last used, in seconds.
    #[must_use]
    pub fn session_grain(&self) -> u64 {
        activity::grain(self.session_idle)
    }
}

/// What all workers share.
pub struct App {
    config: ArcSwap<Config>,
    state: ArcSwap<State>,
    /// The ring in the store, as it was last read; nothing before that, and where the ring is not in the store.
    ring: ArcSwapOption<GeneratedRing>,
    store: Arc<dyn Store>,
    revocations: Revocations,
    hasher: Hasher,
    throttle: Throttle,
    replays: Replays,
    audit: Audit,
    trail: Trail,
    activity: Activity,
    stopping: AtomicBool,
}

impl App {
    /// The running service's state.
    #[must_use]
    pub fn new(config: Config, keys: Keys, store: Arc<dyn Store>, hasher: Hasher) -> Self {
        let revocations = Revocations::new(Duration::from_secs(config.store_max_stale));
        Self {
            state: ArcSwap::from_pointee(State::new(&config, keys)),
            config: ArcSwap::from_pointee(config),
            ring: ArcSwapOption::empty(),
            store,
            revocations,
            hasher,
            throttle: Throttle::default(),
            replays: Replays::default(),
            audit: Audit::default(),
            trail: Trail::default(),
            activity: Activity::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// The current keys and policy.
    pub fn state(&self) -> Guard<Arc<State>> {
        self.state.load()
    }

    /// The settings in force.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        self.config.load_full()
    }

    /// Puts other settings in force, and reads the key file again.
    ///
    /// # Errors
    /// [`KeysError`]; settings and keys stay what they were.
    pub fn use_config(&self, config: Arc<Config>) -> Result<(), KeysError> {
        let keys = match config.keys.ring_in_store() {
            Some(_) => keys::assemble(&config.keys, self.ring.load().as_deref()),
            None => keys::load(&config.keys, Missing::Refuse)?,
        };
        self.revocations.rely_for(Duration::from_secs(config.store_max_stale));
        self.state.store(Arc::new(State::new(&config, keys)));
        self.config.store(config);
        Ok(())
    }

    /// Reads the key file again.
    ///
    /// # Errors
    /// As [`use_config`](Self::use_config).
    pub fn reload_keys(&self) -> Result<(), KeysError> {
        self.use_config(self.config())
    }

    /// Takes over the ring that was read in the store.
    pub fn use_ring(&self, ring: GeneratedRing) {
        let config = self.config();
        let keys = keys::assemble(&config.keys, Some(&ring));
        self.ring.store(Some(Arc::new(ring)));
        self.state.store(Arc::new(State::new(&config, keys)));
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

    /// How often one may try to sign in.
    #[must_use]
    pub fn throttle(&self) -> &Throttle {
        &self.throttle
    }

    /// Which proofs were used.
    #[must_use]
    pub fn replays(&self) -> &Replays {
        &self.replays
    }

    /// Says what happened.
    #[must_use]
    pub fn audit(&self) -> &Audit {
        &self.audit
    }

    /// What strangers tried.
    #[must_use]
    pub fn trail(&self) -> &Trail {
        &self.trail
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
