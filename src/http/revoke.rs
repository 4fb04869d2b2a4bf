//! `POST /revoke`, on the administration side: takes back a token, a session, all of a user, or everything. The answer
//! comes when it is durable.

use super::{administration, json};
use crate::app::App;
use crate::check::credential::BearerToken;
use crate::check::identifiers::SessionId;
use crate::check::names::UserName;
use crate::check::token::{self, Expiry, MAX_TOKEN};
use crate::store::Revocation;
use actix_web::http::StatusCode;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpRequest, HttpResponse, web};
use log::{error, info};
use serde::Deserialize;

/// The longest token, and what stands around it.
const MOST_BYTES: usize = MAX_TOKEN + 256;

/// Exactly one of these.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RevokeRequest {
    token: Option<String>,
    session: Option<String>,
    user: Option<String>,
    all: Option<bool>,
}

pub(super) async fn revoke(request: HttpRequest, body: web::Payload, app: web::Data<App>) -> HttpResponse {
    if let Err(answer) = administration::authorised(&request, &app).await {
        return answer;
    }
    let asked: RevokeRequest = match json::read(request.headers(), body, MOST_BYTES).await {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    let (what, revocations) = match read(asked, &app) {
        Ok(read) => read,
        Err(problem) => return json::invalid_request(&problem),
    };
    match app.store().revoke(&revocations).await {
        Ok(revoked) => {
            app.revocations().add(&revoked.entries);
            info!(what = what.as_str(), sessions = revoked.sessions; "revoked");
            let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
            response.headers_mut().insert(CACHE_CONTROL, super::respond::NO_STORE);
            response
        }
        Err(problem) => {
            error!(what = what.as_str(); "nothing was revoked: {problem}");
            json::unavailable()
        }
    }
}

/// What to revoke, in words for the log and for the store.
fn read(asked: RevokeRequest, app: &App) -> Result<(String, Vec<Revocation>), String> {
    match asked {
        RevokeRequest { token: Some(token), session: None, user: None, all: None } => {
            let state = app.state();
            let presented = BearerToken::typed(token.as_bytes());
            let verified = token::verify(presented, &state.gate.ring, &state.gate.policy, Expiry::AnyTime, app.now());
            let token = verified.map_err(|refused| {
                format!("token: it is none of ours ({}), and good for nothing anyway", refused.error.reason().name())
            })?;
            Ok((format!("a token of {}", token.subject()), Revocation::of_token(&token)))
        }
        RevokeRequest { token: None, session: Some(sid), user: None, all: None } => {
            let sid = SessionId::read(&sid).ok_or("session: it is no SID; see: samehand session list")?;
            Ok((format!("session {sid}"), vec![Revocation::Session(sid)]))
        }
        RevokeRequest { token: None, session: None, user: Some(name), all: None } => {
            let name = UserName::enter(&name).map_err(|error| format!("user: {error}"))?;
            Ok((format!("user {name}"), vec![Revocation::User(name)]))
        }
        RevokeRequest { token: None, session: None, user: None, all: Some(true) } => {
            Ok(("everything".into(), vec![Revocation::Everything]))
        }
        RevokeRequest { .. } => Err(r#"send exactly one of "token", "session", "user" and "all": true"#.into()),
    }
}
