//! `POST /revoke`, on the administration side: takes back a token, a session, all of a user, or everything. The answer
//! comes when it is durable.

use super::trail::{self, Deed};
use super::{administration, json};
use crate::app::App;
use crate::check::token::MAX_TOKEN;
use crate::revoke::{Target, TargetError};
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
    let target = match read(asked, &app) {
        Ok(target) => target,
        Err(refusal) => return refusal,
    };
    let what = target.to_string();
    match app.store().revoke(&target.revocations()).await {
        Ok(revoked) => {
            app.revocations().add(&revoked.entries);
            info!(what = what.as_str(), sessions = revoked.sessions; "revoked");
            let remote_ip = trail::administrator(&request);
            let deed = Deed { action: "revoke", actor: "admin", subject: &what, remote_ip: &remote_ip, sid: "" };
            trail::note(&app, request.headers(), deed).await;
            let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
            response.headers_mut().insert(CACHE_CONTROL, super::respond::NO_STORE);
            response
        }
        Err(problem) => {
            error!(what = what.as_str(); "the revocation is not acknowledged: {problem}");
            json::unavailable()
        }
    }
}

/// What to revoke, or the answer that refuses it.
fn read(asked: RevokeRequest, app: &App) -> Result<Target, HttpResponse> {
    let problem = |member: &'static str| {
        move |error: TargetError| match error {
            TargetError::KeysAwaited => json::unavailable(),
            TargetError::Token(_) | TargetError::Session | TargetError::User(_) => {
                json::invalid_request(&format!("{member}: {error}"))
            }
        }
    };
    match asked {
        RevokeRequest { token: Some(token), session: None, user: None, all: None } => {
            let state = app.state();
            Target::token(&token, &state.gate.ring, &state.gate.policy, app.now()).map_err(problem("token"))
        }
        RevokeRequest { token: None, session: Some(sid), user: None, all: None } => {
            Target::session(&sid).map_err(problem("session"))
        }
        RevokeRequest { token: None, session: None, user: Some(name), all: None } => {
            Target::user(&name).map_err(problem("user"))
        }
        RevokeRequest { token: None, session: None, user: None, all: Some(true) } => Ok(Target::Everything),
        RevokeRequest { .. } => {
            Err(json::invalid_request(r#"send exactly one of "token", "session", "user" and "all": true"#))
        }
    }
}
