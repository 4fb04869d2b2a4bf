//! `/metrics`, on the administration side only.

use super::json;
use super::respond::NO_STORE;
use crate::app::App;
use crate::metrics::CONTENT_TYPE;
use actix_web::http::header;
use actix_web::{HttpResponse, web};

pub(super) async fn metrics(app: web::Data<App>) -> HttpResponse {
    let health = app.revocations().health();
    let is_up = health.answers();
    app.audit().metrics().store(app.revocations().set().len(), is_up, health.last_sync);
    match app.audit().metrics().encode() {
        Ok(page) => HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, NO_STORE))
            .insert_header((header::CONTENT_TYPE, CONTENT_TYPE))
            .body(page),
        Err(_) => json::unavailable(),
    }
}
