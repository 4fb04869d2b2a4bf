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
            "answers": health.last_sync.is_some() && health.problem.is_none(),
            "last_sync_age_seconds": health.last_sync.map(|at| app.now().saturating_sub(at)),
            "clock_ahead_seconds": f64::from(i32::try_from(health.clock_ahead_ms).unwrap_or(i32::MAX)) / 1000.0,
            "clock_is_off": health.is_clock_off(),
            "warning": health.warning.is_some(),
        },
    });
    match status {
        "ready" | "degraded" => json::ok(&body),
        _ => json::not_ready(&body),
    }
}
