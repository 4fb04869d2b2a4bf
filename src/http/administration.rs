//! Who may use the administration side's endpoints that change something: whoever has `SAMEHAND_ADMIN_TOKEN`. Without that
//! setting there are no such endpoints.

use super::json;
use super::trail::{self, Deed};
use crate::app::App;
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};

/// Lets a POST with the token through, and answers everything else.
pub(super) async fn authorised(request: &HttpRequest, app: &App) -> Result<(), HttpResponse> {
    let admin_token = app.state().admin_token.clone();
    match admin_token {
        None => Err(json::not_found().await),
        Some(_) if request.method() != Method::POST => Err(json::only_post().await),
        Some(expected) if bearer(request.headers()).is_some_and(|token| expected.equals(token)) => Ok(()),
        Some(_) => {
            let remote_ip = trail::administrator(request);
            let deed = Deed {
                action: "admin-token-wrong",
                actor: "",
                subject: request.path(),
                remote_ip: &remote_ip,
                sid: "",
            };
            trail::note_refused(app, request.headers(), deed).await;
            Err(unauthorised())
        }
    }
}

/// The one token, compared in constant time by the caller.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut lines = headers.get_all(AUTHORIZATION);
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let (scheme, token) = line.as_bytes().split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii())
}

fn unauthorised() -> HttpResponse {
    let mut response = json::error(StatusCode::UNAUTHORIZED, "invalid_token", "send the administration token");
    let challenge = HeaderValue::from_static(r#"Bearer realm="samehand administration""#);
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}
