//! Counts for Prometheus, in OpenMetrics text. Labels come from closed lists: no user, address or path is ever a label.

mod decisions;

use self::decisions::Decisions;
use crate::check::parts::{HeaderParts, Parts};
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// The content type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Every metric of this process.
pub struct Metrics {
    registry: Registry,
    decisions: Decisions,
    logins: Family<LoginLabels, Counter>,
    changes: Family<ChangeLabels, Counter>,
    revocations: Gauge,
    store_up: Gauge,
    store_last_sync: Gauge,
}

/// Labels of `samehand_decisions_total`.
#[derive(Clone, Copy, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
pub struct DecisionLabels {
    /// `allow`, `challenge`, `forbid`, `reject`.
    pub decision: &'static str,
    /// A word of the closed list of reasons.
    pub reason: &'static str,
    /// `nginx`, `traefik`, `caddy`.
    pub proxy: &'static str,
    /// `no` where `ENFORCE` let a refusal pass.
    pub enforced: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct LoginLabels {
    result: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct ChangeLabels {
    part: String,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Registers every metric.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("samehand");
        let metrics = Self {
            decisions: Decisions::default(),
            logins: Family::default(),
            changes: Family::default(),
            revocations: Gauge::default(),
            store_up: Gauge::default(),
            store_last_sync: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register_collector(Box::new(metrics.decisions.clone()));
        registry.register("logins", "Attempts to sign in", metrics.logins.clone());
        registry.register(
            "client_changes",
            "Valid tokens presented by a client that differs in a part that is required or watched",
            metrics.changes.clone(),
        );
        registry.register("revocations", "Entries in the set of revocations", metrics.revocations.clone());
        registry.register("store_up", "Whether the store answered when it was last asked", metrics.store_up.clone());
        registry.register_with_unit(
            "store_last_sync_timestamp",
            "When the set of revocations was last confirmed to be complete, 0 before the first time",
            Unit::Seconds,
            metrics.store_last_sync.clone(),
        );
        registry.register("build", "The running program", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        Self { registry, ..metrics }
    }

    /// One answer to a subrequest.
    pub fn decision(&self, labels: &DecisionLabels, changed: Parts, names: &HeaderParts, duration: Duration) {
        self.decisions.add(labels, duration);
        for part in changed.iter() {
            self.changes.get_or_create(&ChangeLabels { part: names.name(part).to_owned() }).inc();
        }
    }

    /// One attempt to sign in, by its result.
    pub fn login(&self, result: &'static str) {
        self.logins.get_or_create(&LoginLabels { result }).inc();
    }

    /// What is known about revocations and the store; `last_sync` in seconds since 1970.
    pub fn store(&self, revocations: usize, is_up: bool, last_sync: Option<u64>) {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        self.revocations.set(number(revocations as u64));
        self.store_up.set(i64::from(is_up));
        self.store_last_sync.set(number(last_sync.unwrap_or_default()));
    }

    /// The page for Prometheus.
    ///
    /// # Errors
    /// When the text cannot be written; memory does not refuse.
    pub fn encode(&self) -> Result<String, std::fmt::Error> {
        let mut page = String::new();
        text::encode(&mut page, &self.registry)?;
        Ok(page)
    }
}
