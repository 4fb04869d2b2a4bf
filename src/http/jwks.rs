//! `/.well-known/jwks.json`: the public keys (RFC 7517), for applications that verify tokens themselves. HMAC secrets
//! have no public part, so with HS256 the set is empty.

use super::json;
use crate::app::App;
use actix_web::{HttpResponse, web};

pub(super) async fn jwks(app: web::Data<App>) -> HttpResponse {
    json::ok(&app.state().published)
}
