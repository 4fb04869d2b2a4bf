//! `/account`: whoever is signed in sees where, ends sessions, and changes the password.
//!
//! The token is taken as [`renew`] takes it, and the store is asked whether its session lives: nobody sees this page with
//! a session that has ended. A form counts only from this very page, shown to this very client. It tells nothing about
//! sessions of others, not even whether they exist.

use super::attempt::{opening_for, report};
use super::opening::open;
use super::origin::Askers;
use super::pages::account::{self, Done, Problem, Reader, Wrong};
use super::pages::form::{self, Form};
use super::pages::{message, see_other};
use super::trail::{self, Deed};
use super::whoami::caller_of;
use super::{cookie, exchange, json, origin, refusal, renew};
use crate::app::{App, Pages};
use crate::check::binding::BoundToken;
use crate::check::credential::Carrier;
use crate::check::decision::Decision;
use crate::check::form_token;
use crate::check::identifiers::SessionId;
use crate::check::names::UserName;
use crate::check::observed::{CookieProof, ObservedClient, Proofs};
use crate::check::page_request::is_page_request;
use crate::check::sign_in::{Why, why};
use crate::secret::Secret;
use crate::sessions::SessionError;
use crate::store::{Revocation, Session, SignedInBy, StoreError, open_sessions};
use crate::throttle::Refused;
use crate::users::own_password::{self, ChangeError};
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse, web};
use log::{error, info};

const DO: &str = "do";
const SESSION: &str = "session";
const FORM: &str = "form";
const PRESENT: &str = "present";
const CHOSEN: &str = "chosen";
const AGAIN: &str = "again";
/// For password managers.
const USER_NAME: &str = "username";

/// Whoever is signed in.
struct Visitor<'a> {
    headers: &'a HeaderMap,
    user: UserName,
    session: Option<SessionId>,
    client: ObservedClient<'a>,
    may_change: bool,
    /// In the place of a token that has expired while its session lives.
    fresh: Option<HeaderValue>,
}

pub(super) async fn show(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    match visitor(&request, &app).await {
        Ok(visitor) => page(&app, &visitor, Done::from_query(request.query_string()), None).await,
        Err(answer) => answer,
    }
}

/// The root of the pages' own host.
pub(super) async fn root(app: web::Data<App>) -> HttpResponse {
    let account = app.state().pages.as_ref().map(|pages| pages.address_of("account"));
    match account {
        Some(account) => see_other(&account),
        None => json::not_found().await,
    }
}

pub(super) async fn submitted(request: HttpRequest, body: web::Payload, app: web::Data<App>) -> HttpResponse {
    let visitor = match visitor(&request, &app).await {
        Ok(visitor) => visitor,
        Err(answer) => return answer,
    };
    let outcome = match read(&request, body, &app, &visitor.client).await {
        Ok(mut form) => match form.take(DO).as_str() {
            "end" => end(&app, &visitor, &form.take(SESSION)).await,
            "end-others" => end_others(&app, &visitor).await,
            "password" if visitor.may_change => change_password(&app, &visitor, &mut form).await,
            _ => Err(problem(StatusCode::BAD_REQUEST, "The form could not be read, and nothing was done.")),
        },
        Err(problem) => Err(problem),
    };
    match outcome {
        Ok(response) => response,
        Err(problem) => page(&app, &visitor, None, Some(&problem)).await,
    }
}

/// A form of ours, and of nobody else.
async fn read(
    request: &HttpRequest,
    body: web::Payload,
    app: &App,
    client: &ObservedClient<'_>,
) -> Result<Form, Problem> {
    let is_foreign = {
        let state = app.state();
        state
            .pages
            .as_ref()
            .is_none_or(|pages| origin::is_foreign(request.headers(), &state.cookie, Askers::ThisOrigin(&pages.url)))
    };
    if is_foreign {
        return Err(problem(StatusCode::FORBIDDEN, "Another site sent this form, so nothing was done."));
    }
    let known = [DO, SESSION, FORM, PRESENT, CHOSEN, AGAIN, USER_NAME];
    let form = form::read(request.headers(), body, &known).await;
    let mut form = form.map_err(|status| problem(status, "The form could not be read, and nothing was done."))?;
    let (state, token) = (app.state(), form.take(FORM));
    let (keys, same) = (&state.gate.fingerprints, state.gate.policy.require_same);
    match form_token::is_good(&token, client, keys, same, app.now()) {
        true => Ok(form),
        false => {
            let text = "This page was open for too long, or your network changed meanwhile. Please try once more.";
            Err(problem(StatusCode::FORBIDDEN, text))
        }
    }
}

/// Who is signed in; a page of anybody else is sent to sign in.
async fn visitor<'a>(request: &'a HttpRequest, app: &App) -> Result<Visitor<'a>, HttpResponse> {
    if app.state().pages.is_none() {
        return Err(json::not_found().await);
    }
    let caller = caller_of(request, &app.state())?;
    let held = renew::held(&caller, app).await;
    let (bound, client) = held.bound.map_err(|denial| {
        let is_page = is_page_request(request.method().as_str(), request.headers()) || form::is_form(request.headers());
        match why(denial.reason(), held.changed).filter(|_| is_page) {
            Some(why) => to_sign_in(app, why),
            None if is_page && matches!(denial.decision(), Decision::Undecided) => message::unavailable(),
            None => refusal::of(&denial, &held.manner),
        }
    })?;
    if bound.token().session().is_none() {
        return without_session(app, &bound, caller.headers, client);
    }
    let is_due = bound.token().is_expired() && held.carrier == Some(Carrier::Cookie);
    let shown = async {
        let live = exchange::find(app, &bound).await?;
        let minted = if is_due { Some(exchange::mint(app, &bound, &client, &live).await?) } else { None };
        Ok((minted, live))
    };
    let (minted, live) = shown.await.map_err(|problem| match problem {
        SessionError::Ended => to_sign_in(app, Some(Why::Ended)),
        SessionError::ReboundTooOften(_) => to_sign_in(app, Some(Why::Expired)),
        SessionError::Store(_) | SessionError::Mint(_) => {
            error!(username = bound.token().subject(); "the account page cannot be shown: {problem}");
            message::unavailable()
        }
    })?;
    let session = live.session();
    let left = session.ends_at.saturating_sub(app.now());
    Ok(Visitor {
        headers: caller.headers,
        user: session.user.clone(),
        session: Some(session.id.clone()),
        client,
        may_change: session.signed_in_by == SignedInBy::Password,
        fresh: minted.map(|minted| cookie::set(&app.state().cookie, &minted.token, left)),
    })
}

/// An article token, or one that an administrator minted, is good until it expires.
fn without_session<'a>(
    app: &App,
    bound: &BoundToken,
    headers: &'a HeaderMap,
    client: ObservedClient<'a>,
) -> Result<Visitor<'a>, HttpResponse> {
    if bound.token().is_expired() {
        return Err(to_sign_in(app, Some(Why::Expired)));
    }
    // What is no name of ours is nobody's account here.
    let user = UserName::enter(bound.token().subject()).map_err(|_| to_sign_in(app, Some(Why::Unusable)))?;
    Ok(Visitor { headers, user, session: None, client, may_change: true, fresh: None })
}

fn to_sign_in(app: &App, why: Option<Why>) -> HttpResponse {
    let state = app.state();
    match (&state.sign_in, &state.pages) {
        (Some(sign_in), Some(pages)) => see_other(&sign_in.before(&pages.address_of("account"), why)),
        (Some(_) | None, _) => refusal::forbidden("sign in first"),
    }
}

async fn page(app: &App, visitor: &Visitor<'_>, done: Option<Done>, problem: Option<&Problem>) -> HttpResponse {
    let sessions = match sessions_of(app, visitor).await {
        Ok(sessions) => sessions,
        Err(problem) => {
            error!(username = visitor.user.as_str(); "the account page cannot be shown: {problem}");
            return message::unavailable();
        }
    };
    let state = app.state();
    let Some(pages) = &state.pages else { return message::unavailable() };
    let Visitor { user, session, client, may_change, fresh, headers: _ } = visitor;
    let reader = Reader { user, session: session.as_ref(), client: *client, may_change: *may_change };
    let mut response = account::show(app, pages, &reader, sessions, done, problem);
    if let Some(fresh) = fresh {
        response.headers_mut().insert(SET_COOKIE, fresh.clone());
    }
    response
}

/// Every session of the visitor that lives, with what was seen of it since the store was told.
async fn sessions_of(app: &App, visitor: &Visitor<'_>) -> Result<Vec<Session>, StoreError> {
    let (limits, now) = (app.state().session_limits(), app.now());
    let stored = open_sessions(app.store(), Some(&visitor.user), now).await?;
    let living = stored.into_iter().filter_map(|session| {
        let seen_at = app.activity().seen_at(&session.id).unwrap_or_default();
        let last_seen_at = session.last_seen_at.max(seen_at);
        limits.apply(Session { last_seen_at, ..session }, now)
    });
    Ok(living.collect())
}

/// Of a session that is not there, or not the visitor's, nothing is said: it is not there any more either way.
async fn end(app: &App, visitor: &Visitor<'_>, sid: &str) -> Result<HttpResponse, Problem> {
    let Some(sid) = SessionId::read(sid) else {
        return Err(problem(StatusCode::BAD_REQUEST, "The form could not be read, and nothing was done."));
    };
    let session = app.store().session(&sid).await.map_err(|problem| unavailable(visitor, &problem))?;
    let own = session.filter(|session| session.user == visitor.user);
    let ended: Vec<Revocation> = own.into_iter().map(|session| Revocation::Session(session.id)).collect();
    revoke(app, visitor, &ended).await?;
    Ok(done(app, Done::Ended))
}

async fn end_others(app: &App, visitor: &Visitor<'_>) -> Result<HttpResponse, Problem> {
    let stored = open_sessions(app.store(), Some(&visitor.user), app.now()).await;
    let stored = stored.map_err(|problem| unavailable(visitor, &problem))?;
    let others = stored.into_iter().filter(|session| Some(&session.id) != visitor.session.as_ref());
    let others: Vec<Revocation> = others.map(|session| Revocation::Session(session.id)).collect();
    revoke(app, visitor, &others).await?;
    Ok(done(app, Done::OthersEnded))
}

async fn revoke(app: &App, visitor: &Visitor<'_>, ended: &[Revocation]) -> Result<(), Problem> {
    if ended.is_empty() {
        return Ok(());
    }
    let revoked = app.store().revoke(ended).await.map_err(|problem| unavailable(visitor, &problem))?;
    app.revocations().add(&revoked.entries);
    let remote_ip = visitor.client.ip.to_string();
    info!(username = visitor.user.as_str(), remote_ip = remote_ip.as_str(), sessions = revoked.sessions; "sessions ended by their user");
    note(app, visitor, "sessions-end").await;
    Ok(())
}

/// What was done is in the audit trail.
async fn note(app: &App, visitor: &Visitor<'_>, action: &'static str) {
    let (actor, remote_ip) = (format!("user:{}", visitor.user), visitor.client.ip.to_string());
    let sid = visitor.session.as_ref().map_or("", SessionId::as_str);
    let deed = Deed { action, actor: &actor, subject: visitor.user.as_str(), remote_ip: &remote_ip, sid };
    trail::note(app, visitor.headers, deed).await;
}

/// A wrong current password is a failed sign-in: it counts and is told as one.
async fn change_password(app: &App, visitor: &Visitor<'_>, form: &mut Form) -> Result<HttpResponse, Problem> {
    let secret = |form: &mut Form, name| Secret::new(form.take(name).as_bytes().to_vec());
    let (present, chosen, again) = (secret(form, PRESENT), secret(form, CHOSEN), form.take(AGAIN));
    if chosen.expose() != again.as_bytes() {
        let text = "The new password and its repetition are not the same. Nothing was changed.".to_owned();
        return Err(Problem { status: StatusCode::UNPROCESSABLE_ENTITY, text, wrong: Wrong::Again });
    }
    let (username, ip) = (visitor.user.as_str(), visitor.client.ip);
    let attempt = app.throttle().take(app.store(), username, ip).await.map_err(|refused| {
        report(app, "throttled", username, ip);
        let minutes = match refused {
            Refused::Busy => 1,
            Refused::TooOften { retry_after } => retry_after.div_ceil(60),
        };
        let text = format!("Too many attempts at once. Please try again in {minutes} minutes.");
        problem(StatusCode::TOO_MANY_REQUESTS, &text)
    })?;
    let changed = own_password::change(app.store(), app.hasher(), &visitor.user, present, chosen, app.now()).await;
    match &changed {
        Ok(_) | Err(ChangeError::Refused(_)) => app.throttle().was_right(app.store(), attempt).await,
        Err(ChangeError::NotTheirs) => drop(attempt),
        Err(ChangeError::Busy | ChangeError::Unavailable(_)) => app.throttle().give_back(app.store(), attempt).await,
    }
    let (user, revoked) = changed.map_err(|error| not_changed(app, visitor, &error))?;
    app.revocations().add(&revoked.entries);
    let remote_ip = ip.to_string();
    info!(username = username, remote_ip = remote_ip.as_str(), sessions = revoked.sessions; "password changed by its user");
    note(app, visitor, "password-change").await;
    // From here on the old cookie is worth nothing, so what fails now ends at the sign-in page, with the new password.
    // The token goes into the session cookie, however the old one came.
    let proofs = Proofs { cookie: CookieProof::Session, ..visitor.client.proofs };
    let opened = open(app, opening_for(&user), &visitor.client.with_proofs(proofs)).await;
    let (minted, session) = opened.map_err(|problem| unavailable(visitor, &problem))?;
    let left = session.map_or(minted.expires_in, |session| session.ends_at.saturating_sub(app.now()));
    let mut response = done(app, Done::PasswordChanged);
    response.headers_mut().insert(SET_COOKIE, cookie::set(&app.state().cookie, &minted.token, left));
    Ok(response)
}

fn not_changed(app: &App, visitor: &Visitor<'_>, error: &ChangeError) -> Problem {
    match error {
        ChangeError::NotTheirs => {
            report(app, "wrong-password", visitor.user.as_str(), visitor.client.ip);
            let text = "The current password is not right. Nothing was changed.".to_owned();
            Problem { status: StatusCode::UNAUTHORIZED, text, wrong: Wrong::Present }
        }
        ChangeError::Refused(refused) => {
            let text = format!("Nothing was changed: {refused}.");
            Problem { status: StatusCode::UNPROCESSABLE_ENTITY, text, wrong: Wrong::Chosen }
        }
        ChangeError::Busy => {
            problem(StatusCode::TOO_MANY_REQUESTS, "Too many people sign in at once. Please try again in a moment.")
        }
        ChangeError::Unavailable(problem) => unavailable(visitor, problem),
    }
}

fn unavailable(visitor: &Visitor<'_>, error: &dyn std::fmt::Display) -> Problem {
    error!(username = visitor.user.as_str(); "nothing was done on the account page: {error}");
    problem(StatusCode::SERVICE_UNAVAILABLE, "This is not possible right now. Please try again in a moment.")
}

fn problem(status: StatusCode, text: &str) -> Problem {
    Problem { status, text: text.to_owned(), wrong: Wrong::Nothing }
}

/// Says what was done, by another request: a page that is loaded again does nothing twice.
fn done(app: &App, done: Done) -> HttpResponse {
    let state = app.state();
    let location = |pages: &Pages| done.location(pages);
    state.pages.as_ref().map(location).map_or_else(message::unavailable, |location| see_other(&location))
}
