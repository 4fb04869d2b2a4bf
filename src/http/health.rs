//! `/healthz`: the process lives. `/readyz`: it is ready to decide; 503 before the first word of the store, after too long
//! without one, and while it stops.

use super::json;
use crate::app::App;
use actix_web::{HttpResponse, web};
use serde_json::json;

pub(super) async fn live() -> HttpResponse {
    json::ok(&json!({ "status": "ok" }))
}

/// Ready while decisions can be made, the store answering or not; what is odd about the store is told, but not where it
/// is: this page has no lock.
pub(super) async fn ready(app: web::Data<App>) -> HttpResponse {
    let (revocations, health) = (app.revocations(), app.revocations().health());
    let status = match (app.is_stopping(), health.last_sync, revocations.is_stale(), &health.problem) {
        (true, ..) => "stopping",
        (false, None, ..) => "starting",
        (false, Some(_), true, _) => "store-stale",
        (false, Some(_), false, Some(_)) => "degraded",
        (false, Some(_), false, None) => "ready",
    };
    let body = json!({
        "status": status,
        "store": {
            "answers": health.answers(),
            "last_sync_age_seconds": health.last_sync.map(|at| app.now().saturating_sub(at)),
            "clock_ahead_seconds": seconds(health.clock_ahead_ms),
            "clock_is_off": health.is_clock_off(),
            "warning": health.warning.is_some(),
        },
    });
    match status {
        "ready" | "degraded" => json::ok(&body),
        _ => json::not_ready(&body),
    }
}

/// So many seconds; more than some weeks are some weeks.
fn seconds(milliseconds: i64) -> f64 {
    let most = i64::from(i32::MAX);
    f64::from(i32::try_from(milliseconds.clamp(-most, most)).unwrap_or_default()) / 1000.0
}

#[cfg(test)]
mod tests {
    use super::seconds;

    #[test]
    fn a_clock_that_is_far_behind_is_not_said_to_be_ahead() {
        assert!((seconds(-2500) + 2.5).abs() < f64::EPSILON);
        assert!(seconds(-30 * 24 * 60 * 60 * 1000) < -2_000_000.0);
        assert!(seconds(i64::MAX) > 2_000_000.0);
    }
}
