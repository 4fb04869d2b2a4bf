//! Counts of decisions and how long they took. Each thread counts for itself, and the page adds up: on the way of a
//! request there is no lock, and no memory that two threads write to.

use super::DecisionLabels;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::registry::Unit;
use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Upper bounds in nanoseconds: a decision takes microseconds, a slow one is the news.
const BUCKETS: [u64; 12] = [
    5_000,
    10_000,
    25_000,
    50_000,
    100_000,
    250_000,
    500_000,
    1_000_000,
    5_000_000,
    25_000_000,
    100_000_000,
    1_000_000_000,
];
const NANOSECONDS: f64 = 1e9;

/// What all threads have counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Decisions(Arc<Mutex<Vec<Arc<OfThread>>>>);

/// What one thread has counted.
#[derive(Default)]
struct OfThread {
    durations: [Count; BUCKETS.len() + 1],
    nanoseconds: Count,
    /// Locked by its thread when it meets labels for the first time, and by who reads.
    labelled: Mutex<Vec<(DecisionLabels, Arc<Count>)>>,
}

impl fmt::Debug for OfThread {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OfThread")
    }
}

/// A number that one thread writes and others read.
#[derive(Default)]
struct Count(AtomicU64);

impl Count {
    fn add(&self, more: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a thread knows by itself.
struct Own {
    /// Whose counts they are: tests have several services in one process.
    whose: Decisions,
    counts: Arc<OfThread>,
    labelled: Vec<(DecisionLabels, Arc<Count>)>,
}

thread_local! {
    static OWN: RefCell<Vec<Own>> = const { RefCell::new(Vec::new()) };
}

impl Decisions {
    /// One more.
    pub(super) fn add(&self, labels: &DecisionLabels, duration: Duration) {
        OWN.with_borrow_mut(|all| {
            let place = all.iter().position(|own| Arc::ptr_eq(&own.whose.0, &self.0)).unwrap_or_else(|| {
                all.push(self.new_thread());
                all.len() - 1
            });
            all[place].add(labels, duration);
        });
    }

    fn new_thread(&self) -> Own {
        let counts = Arc::<OfThread>::default();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(&counts));
        Own { whose: self.clone(), counts, labelled: Vec::new() }
    }

    fn threads(&self) -> Vec<Arc<OfThread>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many there were with these labels, for all labels that there were.
    fn labelled(&self) -> Vec<(DecisionLabels, u64)> {
        let mut sums: Vec<(DecisionLabels, u64)> = Vec::new();
        for thread in self.threads() {
            for (labels, count) in thread.labelled.lock().unwrap_or_else(PoisonError::into_inner).iter() {
                match sums.iter_mut().find(|(known, _)| known == labels) {
                    Some((_, sum)) => *sum += count.read(),
                    None => sums.push((*labels, count.read())),
                }
            }
        }
        sums
    }
}

impl Own {
    fn add(&mut self, labels: &DecisionLabels, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.counts.nanoseconds.add(nanoseconds);
        let bucket = BUCKETS.iter().position(|bound| nanoseconds <= *bound).unwrap_or(BUCKETS.len());
        self.counts.durations[bucket].add(1);
        if let Some((_, count)) = self.labelled.iter().find(|(known, _)| is_same(known, labels)) {
            return count.add(1);
        }
        let count = Arc::<Count>::default();
        count.add(1);
        let entry = (*labels, count);
        self.counts.labelled.lock().unwrap_or_else(PoisonError::into_inner).push(entry.clone());
        self.labelled.push(entry);
    }
}

/// By where the words stand, which is quick. The same words in two places are counted apart and added up in the end.
fn is_same(one: &DecisionLabels, other: &DecisionLabels) -> bool {
    let DecisionLabels { decision, reason, proxy, enforced } = *one;
    std::ptr::eq(reason, other.reason)
        && std::ptr::eq(decision, other.decision)
        && std::ptr::eq(proxy, other.proxy)
        && std::ptr::eq(enforced, other.enforced)
}

impl Collector for Decisions {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut decisions =
            encoder.encode_descriptor("decisions", "Answers to subrequests.", None, MetricType::Counter)?;
        for (labels, count) in self.labelled() {
            ConstCounter::new(count).encode(decisions.encode_family(&labels)?)?;
        }
        let help = "Time from the subrequest's head to its answer.";
        let mut duration =
            encoder.encode_descriptor("decision_duration", help, Some(&Unit::Seconds), MetricType::Histogram)?;
        let threads = self.threads();
        let sum = |count: &dyn Fn(&OfThread) -> u64| threads.iter().map(|thread| count(thread)).sum::<u64>();
        let bounds = BUCKETS.iter().map(|bound| seconds(*bound)).chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> =
            bounds.enumerate().map(|(at, bound)| (bound, sum(&|thread| thread.durations[at].read()))).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        duration.encode_histogram::<NoLabelSet>(
            seconds(sum(&|thread| thread.nanoseconds.read())),
            count,
            &buckets,
            None,
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "a hundred days of work before a nanosecond is lost")]
fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / NANOSECONDS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_count_is_added_up_also_when_they_have_ended() {
        let decisions = Decisions::default();
        let other = Decisions::default();
        let labels = |reason| DecisionLabels { decision: "allow", reason, proxy: "nginx", enforced: "yes" };
        for times in [2_u64, 3] {
            let (decisions, other) = (decisions.clone(), other.clone());
            let counting = std::thread::spawn(move || {
                for _ in 0..times {
                    decisions.add(&labels("ok"), Duration::from_micros(7));
                    other.add(&labels("ok"), Duration::ZERO);
                }
                decisions.add(&labels("token-missing"), Duration::from_secs(2));
            });
            counting.join().unwrap();
        }
        assert_eq!(decisions.labelled(), [(labels("ok"), 5), (labels("token-missing"), 2)]);
        let mut registry = prometheus_client::registry::Registry::with_prefix("samehand");
        registry.register_collector(Box::new(decisions));
        let mut page = String::new();
        prometheus_client::encoding::text::encode(&mut page, &registry).unwrap();
        for line in [
            "# TYPE samehand_decisions counter",
            r#"samehand_decisions_total{decision="allow",reason="ok",proxy="nginx",enforced="yes"} 5"#,
            "# TYPE samehand_decision_duration_seconds histogram",
            "# UNIT samehand_decision_duration_seconds seconds",
            "samehand_decision_duration_seconds_count 7",
            "samehand_decision_duration_seconds_sum 4.000035",
            r#"samehand_decision_duration_seconds_bucket{le="0.000005"} 0"#,
            r#"samehand_decision_duration_seconds_bucket{le="0.00001"} 5"#,
            r#"samehand_decision_duration_seconds_bucket{le="1.0"} 5"#,
            r#"samehand_decision_duration_seconds_bucket{le="+Inf"} 7"#,
        ] {
            assert!(page.lines().any(|known| known == line), "{line}\n{page}");
        }
    }
}
