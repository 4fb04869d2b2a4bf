//! `/healthz`: the process lives. `/readyz`: it is ready to decide; 503 while it stops.

use super::json;
use crate::app::App;
use actix_web::{HttpResponse, web};
use serde_json::json;

pub(super) async fn live() -> HttpResponse {
    json::ok(&json!({ "status": "ok" }))
}

pub(super) async fn ready(app: web::Data<App>) -> HttpResponse {
    match app.is_stopping() {
        false => json::ok(&json!({ "status": "ready" })),
        true => json::unavailable(),
    }
}
