//! The sign-in page, and what becomes of its form.
//!
//! Every refusal shows the form again, with the name that was typed and never with the password. A form that another site
//! sends is not looked at: browsers say where it comes from (`Origin`, `Sec-Fetch-Site`), and what they do not say the
//! form's own token does. A cookie that comes along is not adopted: a sign-in begins a new session, but for one case, which
//! [`continuing`](crate::check::continuing) is about.

use super::form::Form;
use super::{FormsLead, fields, form, loops, message, page, see_other};
use crate::app::{App, Pages, State};
use crate::check::observed::ObservedClient;
use crate::check::page_request::is_page_request;
use crate::check::parts::Part;
use crate::check::return_url::ReturnUrl;
use crate::check::sign_in::{AGAIN, RETURN, SHORTENED, WHY, Why};
use crate::check::token::Expiry;
use crate::check::{Caller, Moment, Seen, form_token, recognise, verified_token};
use crate::http::attempt::{Refusal, Welcome, attempt};
use crate::http::{cookie, json, origin};
use crate::secret::Secret;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, RETRY_AFTER, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

const USER_NAME: &str = "username";
const PASSWORD: &str = "password";
const FORM: &str = "form";

/// The form. Its fields are told apart by what went wrong, so that the right one has the focus.
#[derive(Default, Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    style: &'static str,
    /// The host that asks.
    site: Option<&'a str>,
    /// Why a browser that was signed in has to sign in again.
    notice: Option<&'static str>,
    /// What went wrong with the last attempt.
    error: Option<String>,
    /// Why it would go round for ever.
    reasons: Vec<String>,
    username: &'a str,
    back: Option<&'a str>,
    /// Where one gets to, in place of the whole address, which was too long.
    shortened: Option<&'a str>,
    form: String,
}

/// Nothing to do but to go on.
#[derive(Template)]
#[template(path = "signed_in.html")]
struct SignedInPage<'a> {
    style: &'static str,
    user: &'a str,
    site: Option<&'a str>,
    back: Option<&'a str>,
    reasons: Vec<String>,
    /// What may be the matter if going on leads back.
    hints: Vec<String>,
    sign_out: String,
}

/// `GET /login`.
pub(in crate::http) async fn show(
    request: &HttpRequest,
    app: &App,
    caller: &Caller<'_>,
    client: &ObservedClient<'_>,
) -> HttpResponse {
    let state = app.state();
    let Some(pages) = &state.pages else {
        drop(state);
        return match is_page_request(request.method().as_str(), request.headers()) {
            true => message::no_pages(),
            false => json::only_post().await,
        };
    };
    let why = fields::query(request.query_string(), WHY).and_then(|name| Why::from_name(&name));
    if why == Some(Why::OtherSite) {
        return message::other_site(None);
    }
    let back = back_in_query(request, pages);
    let came = came_with(caller, app, &state);
    let site = back.as_ref().map(ReturnUrl::host);
    let goes_round = fields::query(request.query_string(), AGAIN).is_some();
    let explained = || loops::reasons(why, came.is_ours, site.unwrap_or("the site"), &state.cookie);
    let reasons = if goes_round { explained() } else { Vec::new() };
    if let Some(user) = &came.user {
        let back = back.as_ref().map(ReturnUrl::as_str);
        // Good here and not there: going on may lead back, whenever that is.
        let hints = if !goes_round && (back.is_some() || why.is_some()) { explained() } else { Vec::new() };
        let sign_out = pages.address_of("logout");
        let signed_in = SignedInPage { style: super::STYLE, user, site, back, reasons, hints, sign_out };
        return page(StatusCode::OK, &signed_in, FormsLead::Here);
    }
    let notice = why.filter(|_| reasons.is_empty()).and_then(notice_of);
    let is_shortened = fields::query(request.query_string(), SHORTENED).is_some();
    let shortened = back.as_ref().map(ReturnUrl::as_str).filter(|_| is_shortened);
    let shown = SignInPage { notice, reasons, shortened, ..blank(back.as_ref()) };
    respond(StatusCode::OK, shown, client, app, &state)
}

/// `POST /login` with a form.
pub(in crate::http) async fn submitted(
    request: &HttpRequest,
    body: web::Payload,
    app: &App,
    caller: &Caller<'_>,
    client: &ObservedClient<'_>,
) -> HttpResponse {
    let read = match is_foreign(request.headers(), &app.state()) {
        true => Err(StatusCode::FORBIDDEN),
        false => form::read(request.headers(), body, &[USER_NAME, PASSWORD, RETURN, FORM]).await,
    };
    let mut form = match read {
        Ok(form) => form,
        Err(status) => return again(request, status, "", None, client, app, unreadable(status)),
    };
    let username = form.take(USER_NAME);
    let back = back_in_form(&mut form, app);
    let is_good = {
        let (state, token) = (app.state(), form.take(FORM));
        form_token::is_good(&token, client, &state.gate.fingerprints, state.gate.policy.require_same, app.now())
    };
    if !is_good {
        let text = "This page was open for too long, or your network changed meanwhile. Please sign in once more.";
        return again(request, StatusCode::FORBIDDEN, &username, back, client, app, text.to_owned());
    }
    let password = Secret::new(form.take(PASSWORD).as_bytes().to_vec());
    match attempt(app, caller, &username, password, client, None).await {
        Ok(welcome) => signed_in(&welcome, back.as_ref(), client, app),
        Err(refusal) => {
            let (status, wait, text) = told(&refusal);
            let mut response = again(request, status, &username, back, client, app, text);
            if let Some(seconds) = wait {
                response.headers_mut().insert(RETRY_AFTER, seconds.into());
            }
            response
        }
    }
}

/// The cookie, and the way on.
fn signed_in(welcome: &Welcome, back: Option<&ReturnUrl>, client: &ObservedClient<'_>, app: &App) -> HttpResponse {
    let (state, now) = (app.state(), app.now());
    let place = back.map_or("", ReturnUrl::as_str);
    app.activity().signed_in(client, place, now);
    let on = match (back, &state.pages) {
        (Some(back), _) => back.as_str().to_owned(),
        (None, Some(pages)) => pages.default_page(),
        (None, None) => "/login".to_owned(),
    };
    let left =
        welcome.session.as_ref().map_or(welcome.minted.expires_in, |session| session.ends_at.saturating_sub(now));
    let mut response = see_other(&on);
    response.headers_mut().insert(SET_COOKIE, cookie::set(&state.cookie, &welcome.minted.token, left));
    response
}

fn again(
    request: &HttpRequest,
    status: StatusCode,
    username: &str,
    back: Option<ReturnUrl>,
    client: &ObservedClient<'_>,
    app: &App,
    error: String,
) -> HttpResponse {
    let state = app.state();
    let Some(pages) = &state.pages else { return HttpResponse::new(status) };
    let back = back.or_else(|| back_in_query(request, pages));
    let shown = SignInPage { error: Some(error), username, ..blank(back.as_ref()) };
    respond(status, shown, client, app, &state)
}

fn blank(back: Option<&ReturnUrl>) -> SignInPage<'_> {
    let (site, back) = (back.map(ReturnUrl::host), back.map(ReturnUrl::as_str));
    SignInPage { style: super::STYLE, site, back, ..SignInPage::default() }
}

fn respond(
    status: StatusCode,
    shown: SignInPage<'_>,
    client: &ObservedClient<'_>,
    app: &App,
    state: &State,
) -> HttpResponse {
    let gate = &state.gate;
    match form_token::issue(client, &gate.fingerprints, gate.policy.recipe, app.now()) {
        Some(form) => page(status, &SignInPage { form, ..shown }, FormsLead::Anywhere),
        None => json::unavailable(),
    }
}

/// The same reading as when the address was handed out; what does not pass it is not there.
fn back_in_query(request: &HttpRequest, pages: &Pages) -> Option<ReturnUrl> {
    fields::query(request.query_string(), RETURN).and_then(|text| pages.returns.read(&text).ok())
}

fn back_in_form(form: &mut Form, app: &App) -> Option<ReturnUrl> {
    let text = form.take(RETURN);
    app.state().pages.as_ref().and_then(|pages| pages.returns.read(&text).ok())
}

fn is_foreign(headers: &HeaderMap, state: &State) -> bool {
    state
        .pages
        .as_ref()
        .is_none_or(|pages| origin::is_foreign(headers, &state.cookie, origin::Askers::ThisOrigin(&pages.url)))
}

/// The cookie that came to this page.
struct Came {
    /// Who is signed in, with a cookie that is good here.
    user: Option<String>,
    /// Whether there is one of ours at all.
    is_ours: bool,
}

fn came_with(caller: &Caller<'_>, app: &App, state: &State) -> Came {
    let revocations = app.revocations().snapshot();
    let moment = Moment { now: app.now(), revocations: revocations.knowledge() };
    let recognised = recognise(caller, &state.gate, moment, Expiry::Checked, &mut Seen::default());
    // With a proof it is no browser's.
    let recognised = recognised.ok().and_then(|recognised| recognised.without_proof().ok());
    let user = recognised.map(|recognised| recognised.identity.user().to_owned());
    let verified = verified_token(caller.headers, &state.gate, moment, Expiry::AnyTime, &mut Seen::default());
    Came { user, is_ours: verified.is_ok() }
}

/// Nothing where the page shows something else.
fn notice_of(why: Why) -> Option<&'static str> {
    Some(match why {
        Why::Ended => "Your session was ended. Please sign in again.",
        Why::Expired => "Your session is over. Please sign in again.",
        Why::Network => {
            "You are on another network than the one you signed in from. To protect your account, please sign in again."
        }
        Why::Browser => {
            "This is another browser than the one you signed in with. To protect your account, please sign in again."
        }
        Why::Client => {
            "Your network or browser is not the one you signed in with. To protect your account, please sign in again."
        }
        Why::TwoCookies => {
            "Your browser sent two sign-ins at once, and it cannot be told which of them counts. Please sign in again."
        }
        Why::Stricter => "The rules for signing in have become stricter since you signed in. Please sign in again.",
        Why::Clock | Why::Unusable => "Your earlier sign-in is not accepted any more. Please sign in again.",
        Why::PlainHttp => {
            "The site was opened over http, where the session cookie is not sent. Open it with https://. If the address bar \
             says https already, its proxy tells samehand otherwise: it has to set X-Forwarded-Proto to https."
        }
        Why::OtherSite => return None,
    })
}

fn unreadable(status: StatusCode) -> String {
    match status {
        StatusCode::FORBIDDEN => "Another site sent this form, so it was not used. Sign in here if you want to.",
        StatusCode::PAYLOAD_TOO_LARGE => "That was too long. Please sign in once more.",
        _ => "The form could not be read. Please sign in once more.",
    }
    .to_owned()
}

/// Status, seconds to wait, and the sentence. One for an unknown name and a wrong password.
fn told(refusal: &Refusal) -> (StatusCode, Option<u64>, String) {
    match refusal {
        Refusal::Wrong => (StatusCode::UNAUTHORIZED, None, "The user name or the password is not right.".to_owned()),
        Refusal::SlowDown(seconds) => {
            let text = format!("Too many attempts at once. Please try again in {}.", in_words(*seconds));
            (StatusCode::TOO_MANY_REQUESTS, Some(*seconds), text)
        }
        Refusal::ProofMissing(part) => {
            let text = match part {
                Part::Mtls => {
                    "Your browser has shown no certificate, and nobody signs in here without one. Install yours, close the \
                     browser and open this page again."
                }
                Part::Cookie | Part::Dpop | Part::Ip | Part::UserAgent | Part::Header(_) => {
                    "Signing in here takes a proof that a browser does not give by itself. Use the application that you were \
                     given for it."
                }
            };
            (StatusCode::UNAUTHORIZED, None, text.to_owned())
        }
        Refusal::TooLarge => {
            let text = "Your password is right, but you belong to more groups than your browser can keep. Trying again does not \
                        help. Please tell whoever runs this service.";
            (StatusCode::INTERNAL_SERVER_ERROR, None, text.to_owned())
        }
        // Forms come without proofs.
        Refusal::ProofUsed(_) | Refusal::Unavailable => {
            let text = "Signing in is not possible right now. Please try again in a moment.".to_owned();
            (StatusCode::SERVICE_UNAVAILABLE, Some(5), text)
        }
    }
}

fn in_words(seconds: u64) -> String {
    match seconds {
        0 | 1 => "a second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}
