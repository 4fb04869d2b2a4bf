//! `POST /logout`: ends the session of a token, or the token that has none. Any token with a good signature will do:
//! whoever holds a stolen one may end it too. One that is bound to a key comes with a proof here as everywhere.

use super::dpop::{self, Manner};
use super::origin::Askers;
use super::pages::sign_out::{self, Ended};
use super::trail::{self, Deed};
use super::whoami::caller_of;
use super::{cookie, json, origin, refusal};
use crate::app::App;
use crate::check::credential::Carrier;
use crate::check::decision::Decision;
use crate::check::observed::ObservedClient;
use crate::check::proofs::{carries_cookie, has_secret};
use crate::check::revocation::{RevocationSet, RevokedId};
use crate::check::token::{Expiry, VerifiedToken};
use crate::check::user_agent::UserAgent;
use crate::check::{Moment, Seen, proofs, verified_token};
use crate::store::Revocation;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse, web};
use log::{error, info};

const CLEAR_SITE_DATA: HeaderName = HeaderName::from_static("clear-site-data");

/// 204 for an API client; a page goes on to one that says what was ended. Without pages everybody is an API client.
pub(super) async fn logout(request: HttpRequest, body: web::Payload, app: web::Data<App>) -> HttpResponse {
    let asked_by = match app.state().pages.is_some() && sign_out::is_asked_by_page(request.headers()) {
        true => AskedBy::Page,
        false => AskedBy::Client,
    };
    if asked_by == AskedBy::Client {
        return match end(&request, &app, asked_by).await {
            Ok(end) => {
                let mut response = no_content();
                if end.carrier == Some(Carrier::Cookie) {
                    remove_cookie(&mut response, &app);
                }
                if end.has_secret {
                    remove_proof_cookie(&mut response, &app);
                }
                response
            }
            Err(NotEnded::NoToken(refusal) | NotEnded::Refused(refusal)) => refusal,
        };
    }
    let ended = match end(&request, &app, asked_by).await {
        Ok(end) => end.ended,
        // A cookie that is not good any more is removed all the same.
        Err(NotEnded::NoToken(_)) => Ended::Nothing,
        Err(NotEnded::Refused(refusal)) => return refusal,
    };
    let back = sign_out::back(request.headers(), body, &app).await;
    let Some(mut response) = app.state().pages.as_ref().map(|pages| sign_out::done(ended, back.as_ref(), pages)) else {
        return no_content();
    };
    remove_cookie(&mut response, &app);
    if carries_cookie(request.headers(), &app.state().cookie.name) {
        remove_proof_cookie(&mut response, &app);
    }
    // What the applications keep in cookies goes too: their own sessions, and those that are bound to a device.
    if app.state().cookie.signs_out_everything {
        response.headers_mut().insert(CLEAR_SITE_DATA, HeaderValue::from_static("\"cookies\""));
    }
    response
}

/// Who asks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum AskedBy {
    /// A browser that navigates.
    Page,
    /// Anybody else.
    Client,
}

/// What was ended.
struct End {
    ended: Ended,
    /// The way its token came.
    carrier: Option<Carrier>,
    /// Whether that was bound to the secret of a proof cookie, which is of no use any more.
    has_secret: bool,
}

/// Why nothing was ended.
enum NotEnded {
    /// There is no token with a good signature; with the answer for an API client.
    NoToken(HttpResponse),
    /// It was not to be, or could not be.
    Refused(HttpResponse),
}

async fn end(request: &HttpRequest, app: &App, asked_by: AskedBy) -> Result<End, NotEnded> {
    let mut seen = Seen::default();
    let ip;
    let verified = {
        let state = app.state();
        let caller = caller_of(request, &state).map_err(NotEnded::Refused)?;
        ip = caller.ip;
        let revocations = app.revocations().snapshot();
        let moment = Moment { now: app.now(), revocations: revocations.knowledge() };
        let verified = verified_token(request.headers(), &state.gate, moment, Expiry::AnyTime, &mut seen);
        // A page loses what is left in the browser, also without a cookie that came along.
        let is_by_cookie = match seen.carrier {
            Some(carrier) => carrier == Carrier::Cookie,
            None => asked_by == AskedBy::Page,
        };
        if is_by_cookie && origin::is_foreign(request.headers(), &state.cookie, Askers::HostsOfTheCookie) {
            return Err(NotEnded::Refused(refusal::foreign_origin()));
        }
        verified.and_then(|token| proofs::prove(&caller, token, &state.gate, moment.now, &mut seen))
    };
    let settled = match verified {
        Ok(token) => dpop::settle_own(app, token).await,
        Err(denial) => Err(denial),
    };
    let token = settled.map_err(|denial| {
        let refusal = refusal::of(&denial, &Manner::of(&seen, &app.state(), app.now()));
        match denial.decision() {
            Decision::Challenge(_) | Decision::Forbid => NotEnded::NoToken(refusal),
            Decision::Allow(_) | Decision::Reject(_) | Decision::Undecided => NotEnded::Refused(refusal),
        }
    })?;
    let ends = what_ends(&token, &app.revocations().set());
    let ended = match &ends {
        Some(Revocation::Session(_)) => Ended::Session,
        Some(Revocation::Token { .. } | Revocation::User(_) | Revocation::Everything) => Ended::Token,
        None => Ended::Nothing,
    };
    let has_ended = ends.is_some();
    if let Some(revocation) = ends {
        match app.store().revoke(&[revocation]).await {
            Ok(revoked) => app.revocations().add(&revoked.entries),
            Err(problem) => {
                error!(username = token.subject(); "nobody was signed out: {problem}");
                return Err(NotEnded::Refused(json::unavailable()));
            }
        }
    }
    let remote_ip = ip.to_string();
    if let Ok(user_agent) = UserAgent::read(request.headers()) {
        app.activity().signed_out(&ObservedClient::new(ip, user_agent));
    }
    info!(username = token.subject(), remote_ip = remote_ip.as_str(), sid = token.session().map_or("", |sid| sid.as_str()); "logout");
    if has_ended {
        let (sid, actor) = (token.session().map_or("", |sid| sid.as_str()), format!("user:{}", token.subject()));
        let deed = Deed { action: "sign-out", actor: &actor, subject: token.subject(), remote_ip: &remote_ip, sid };
        trail::note(app, request.headers(), deed).await;
    }
    Ok(End { ended, carrier: seen.carrier, has_secret: has_secret(&token) })
}

fn no_content() -> HttpResponse {
    let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
    response.headers_mut().insert(CACHE_CONTROL, super::respond::NO_STORE);
    response
}

fn remove_cookie(response: &mut HttpResponse, app: &App) {
    response.headers_mut().append(SET_COOKIE, cookie::clear(&app.state().cookie));
}

fn remove_proof_cookie(response: &mut HttpResponse, app: &App) {
    response.headers_mut().append(SET_COOKIE, cookie::clear_proof(&app.state().cookie));
}

/// The session, with all its tokens; the token itself where it has none. Nothing where that is over already: a revocation
/// of a session that the store does not know any more would be kept for a year.
fn what_ends(token: &VerifiedToken, revoked: &RevocationSet) -> Option<Revocation> {
    match token.session() {
        Some(sid) if revoked.has_ended(RevokedId::session(sid)) => None,
        Some(sid) => Some(Revocation::Session(sid.clone())),
        // Whether it has expired is not asked: by another clock, or by this one when it is right again, it is good.
        None if revoked.has_ended(token.revoked_id()) => None,
        None => Some(Revocation::Token { id: token.revoked_id(), expires_at: token.expires_at() }),
    }
}
