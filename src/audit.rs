//! One log line and one count per decision, said once, after the decision.
//!
//! Refusals and allows with a change are `info`, every other allow is `debug`. Never a token, cookie, password, query
//! string or raw fingerprint.

use crate::advice::Advice;
use crate::check::client_ip;
use crate::check::decision::Decision;
use crate::check::dpop::ProofError;
use crate::check::forwarded::{self, Legible};
use crate::check::policy::Policy;
use crate::check::sign_in::SignIn;
use crate::check::{Judgement, Question};
use crate::metrics::{DecisionLabels, Metrics};
use log::{Level, log, log_enabled, warn};
use std::time::Duration;

/// The target of decision lines, for filters in `SAMEHAND_LOG`.
const TARGET: &str = "samehand::decision";
/// So much of a path is logged, in bytes; paths are ASCII, the rest of them escaped.
const MOST_OF_A_PATH: usize = 1024;

/// Says what was decided.
#[derive(Default)]
pub struct Audit {
    metrics: Metrics,
    advice: Advice,
}

/// What only the HTTP side knows about an answer.
pub struct Answered<'a> {
    /// The status.
    pub status: u16,
    /// The request's identifier.
    pub request_id: &'a str,
    /// From the head of the subrequest to the answer.
    pub duration: Duration,
}

impl Audit {
    /// The counts.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Logs and counts one decision, and tells about a misconfigured proxy.
    pub fn decision(
        &self,
        question: &Question<'_>,
        judgement: &Judgement<'_>,
        answered: &Answered<'_>,
        policy: &Policy,
        sign_in: Option<&SignIn>,
    ) {
        let labels = DecisionLabels {
            decision: judgement.decision.name(),
            reason: judgement.reason.name(),
            proxy: question.proxy.name(),
            enforced: if judgement.passed.is_some() { "no" } else { "yes" },
        };
        self.metrics.decision(&labels, judgement.seen.changed, &policy.header_parts, answered.duration);
        let level = match (&judgement.decision, judgement.seen.changed.is_empty()) {
            (Decision::Allow(_), true) => Level::Debug,
            (Decision::Allow(_), false)
            | (Decision::Challenge(_) | Decision::Forbid | Decision::Reject(_) | Decision::Undecided, _) => Level::Info,
        };
        if log_enabled!(target: TARGET, level) {
            write_line(level, question, judgement, answered, policy);
        }
        if let Some(advice) = self.advice.about(question, judgement, policy, sign_in) {
            warn!(proxy = question.proxy.name(); "{advice}");
        }
    }
}

fn write_line(
    level: Level,
    question: &Question<'_>,
    judgement: &Judgement<'_>,
    answered: &Answered<'_>,
    policy: &Policy,
) {
    let seen = &judgement.seen;
    let mut client = seen.client_ip;
    let Legible { method, host, path } = match (&seen.request, seen.forwarded_error) {
        (Some(request), _) => Legible { method: request.method(), host: request.host().into(), path: request.path() },
        (None, Some(_)) => {
            client = client_ip::behind_proxy(question.headers, &policy.trusted_proxies).ok();
            forwarded::legible(question.headers)
        }
        // What somebody says who is not a proxy is no word about a request.
        (None, None) => Legible::default(),
    };
    log!(
        target: TARGET, level,
        decision = judgement.decision.name(),
        reason = judgement.reason.name(),
        status = answered.status,
        proxy = question.proxy.name(),
        remote_ip = client.map_or_else(|| question.peer.to_string(), |ip| ip.to_string()).as_str(),
        username = seen.username().unwrap_or_default(),
        method = method,
        host = &*host,
        path = path.get(..MOST_OF_A_PATH).unwrap_or(&path),
        changed = policy.header_parts.names(seen.changed).as_str(),
        proof = match seen.proof_error {
            Some(ProofError::Invalid(flaw)) => flaw.name(),
            Some(ProofError::Missing | ProofError::NonceRequired) | None => "",
        },
        format = seen.format.map_or("", |format| format.name()),
        sid = seen.session().map_or("", |sid| sid.as_str()),
        request_id = answered.request_id,
        duration_us = u64::try_from(answered.duration.as_micros()).unwrap_or(u64::MAX),
        enforced = if judgement.passed.is_some() { "no" } else { "yes" };
        "decision"
    );
}
