//! `POST /logout`: ends the session of a token, or the token that has none. Any token with a good signature will do:
//! whoever holds a stolen one may end it too.

use super::whoami::client_of;
use super::{cookie, json, origin, refusal};
use crate::app::App;
use crate::check::credential::Carrier;
use crate::check::revocation::{CLOCKS_APART, RevocationSet, RevokedId};
use crate::check::token::{Expiry, VerifiedToken};
use crate::check::{Moment, Seen, verified_token};
use crate::store::Revocation;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse, web};
use log::{error, info};

pub(super) async fn logout(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let mut seen = Seen::default();
    let ip;
    let verified = {
        let state = app.state();
        ip = match client_of(&request, &state) {
            Ok(ip) => ip,
            Err(refusal) => return refusal,
        };
        let revocations = app.revocations().snapshot();
        let moment = Moment { now: app.now(), revocations: revocations.knowledge() };
        let verified = verified_token(request.headers(), &state.gate, moment, Expiry::AnyTime, &mut seen);
        if seen.carrier == Some(Carrier::Cookie) && origin::is_foreign(request.headers(), &state.cookie) {
            return refusal::foreign_origin();
        }
        verified
    };
    let token = match verified {
        Ok(token) => token,
        Err(denial) => return refusal::of(&denial),
    };
    let ends = what_ends(&token, &app.revocations().set(), app.now());
    if let Some(revocation) = ends {
        match app.store().revoke(&[revocation]).await {
            Ok(revoked) => app.revocations().add(&revoked.entries),
            Err(problem) => {
                error!(username = token.subject(); "nobody was signed out: {problem}");
                return json::unavailable();
            }
        }
    }
    let remote_ip = ip.to_string();
    info!(username = token.subject(), remote_ip = remote_ip.as_str(), sid = token.session().map_or("", |sid| sid.as_str()); "logout");
    let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
    response.headers_mut().insert(CACHE_CONTROL, super::respond::NO_STORE);
    if seen.carrier == Some(Carrier::Cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie::clear(&app.state().cookie));
    }
    response
}

/// The session, with all its tokens; the token itself where it has none. Nothing where that is over already: a revocation
/// of a session that the store does not know any more would be kept for a year.
fn what_ends(token: &VerifiedToken, revoked: &RevocationSet, now: u64) -> Option<Revocation> {
    match token.session() {
        Some(sid) if revoked.has_ended(RevokedId::session(sid)) => None,
        Some(sid) => Some(Revocation::Session(sid.clone())),
        // By a clock that is behind it may still be good.
        None if token.expires_at().saturating_add(CLOCKS_APART) <= now || revoked.has_ended(token.revoked_id()) => None,
        None => Some(Revocation::Token { id: token.revoked_id(), expires_at: token.expires_at() }),
    }
}
