//! The sign-out page: one button, so that a link to it ends nothing by itself, and afterwards what it ended.

use super::{FormsLead, fields, form, message, page, see_other};
use crate::app::{App, Pages, State};
use crate::check::page_request::is_page_request;
use crate::check::return_url::ReturnUrl;
use crate::check::sign_in::RETURN;
use crate::check::token::Expiry;
use crate::check::{Moment, Seen, verified_token};
use crate::http::json;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

/// The name in the query under which the page learns what was ended.
const ENDED: &str = "ended";

/// What signing out ended, as the page is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::http) enum Ended {
    /// A session with all its tokens.
    Session,
    /// A token without a session.
    Token,
    /// Nothing: there was no sign-in, or it was over already.
    Nothing,
}

impl Ended {
    const ALL: [Self; 3] = [Self::Session, Self::Token, Self::Nothing];

    fn name(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Token => "token",
            Self::Nothing => "nothing",
        }
    }

    fn sentence(self) -> &'static str {
        match self {
            Self::Session => "The session in this browser has ended, at every site that uses this sign-in.",
            Self::Token => "The sign-in of this browser has ended, at every site that accepts it.",
            Self::Nothing => "There was no session to end any more. What was left in this browser is removed.",
        }
    }
}

#[derive(Template)]
#[template(path = "sign_out.html")]
struct SignOutPage<'a> {
    style: &'static str,
    user: Option<&'a str>,
    back: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "signed_out.html")]
struct SignedOutPage<'a> {
    style: &'static str,
    ended: &'static str,
    site: Option<&'a str>,
    back: Option<&'a str>,
    sign_in: String,
}

/// `GET /logout`.
pub(in crate::http) async fn show(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let state = app.state();
    let Some(pages) = &state.pages else {
        drop(state);
        return match is_page_request(request.method().as_str(), request.headers()) {
            true => message::no_pages(),
            false => json::only_post().await,
        };
    };
    let query = request.query_string();
    let back = fields::query(query, RETURN).and_then(|text| pages.returns.read(&text).ok());
    let (site, address) = (back.as_ref().map(ReturnUrl::host), back.as_ref().map(ReturnUrl::as_str));
    let ended = fields::query(query, ENDED);
    if let Some(ended) = ended.and_then(|name| Ended::ALL.into_iter().find(|ended| ended.name() == name)) {
        let (ended, sign_in) = (ended.sentence(), pages.address_of("login"));
        let shown = SignedOutPage { style: super::STYLE, ended, site, back: address, sign_in };
        return page(StatusCode::OK, &shown, FormsLead::Here);
    }
    let user = user_of(request.headers(), &app, &state);
    let shown = SignOutPage { style: super::STYLE, user: user.as_deref(), back: address };
    page(StatusCode::OK, &shown, FormsLead::Here)
}

/// Whoever the cookie names; its session may be over.
fn user_of(headers: &HeaderMap, app: &App, state: &State) -> Option<String> {
    let revocations = app.revocations().snapshot();
    let moment = Moment { now: app.now(), revocations: revocations.knowledge() };
    let token = verified_token(headers, &state.gate, moment, Expiry::Checked, &mut Seen::default()).ok()?;
    Some(token.subject().to_owned())
}

/// Whether a page asks to sign out, and not an API client.
pub(in crate::http) fn is_asked_by_page(headers: &HeaderMap) -> bool {
    is_page_request("POST", headers) || form::is_form(headers)
}

/// Where the page wants to go back to, if that may be.
pub(in crate::http) async fn back(headers: &HeaderMap, body: web::Payload, app: &App) -> Option<ReturnUrl> {
    let mut form = form::read(headers, body, &[RETURN]).await.ok()?;
    let text = form.take(RETURN);
    app.state().pages.as_ref().and_then(|pages| pages.returns.read(&text).ok())
}

/// Says what was ended, by another request: a page that is loaded again asks for nothing twice.
pub(in crate::http) fn done(ended: Ended, back: Option<&ReturnUrl>, pages: &Pages) -> HttpResponse {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair(ENDED, ended.name()).extend_pairs(back.map(|back| (RETURN, back.as_str())));
    see_other(&format!("{}?{}", pages.address_of("logout"), query.finish()))
}
