//! `POST /login`: with JSON a token for a user of the store, in the hand that asks; with a form, as the sign-in page sends
//! it, the cookie. `GET /login` is that page.

use super::attempt::{Refusal, attempt};
use super::mint::issued;
use super::whoami::caller_of;
use super::{dpop, json, pages};
use crate::app::App;
use crate::check::observed::{CookieProof, ObservedClient};
use crate::check::proofs;
use crate::check::user_agent::UserAgent;
use crate::secret::Secret;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    username: String,
    password: String,
}

pub(super) async fn page(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let caller = match caller_of(&request, &app.state()) {
        Ok(caller) => caller,
        Err(refusal) => return refusal,
    };
    let Ok(user_agent) = UserAgent::read(request.headers()) else { return two_user_agents() };
    pages::sign_in::show(&request, &app, &caller, &ObservedClient::new(caller.ip, user_agent)).await
}

pub(super) async fn login(request: HttpRequest, body: web::Payload, app: web::Data<App>) -> HttpResponse {
    let (caller, has_pages) = {
        let state = app.state();
        match caller_of(&request, &state) {
            Ok(caller) => (caller, state.pages.is_some()),
            Err(refusal) => return refusal,
        }
    };
    let Ok(user_agent) = UserAgent::read(request.headers()) else { return two_user_agents() };
    let client = ObservedClient::new(caller.ip, user_agent);
    if has_pages && pages::form::is_form(request.headers()) {
        let client = client.with_proofs(proofs::offered(&caller, CookieProof::Session));
        return pages::sign_in::submitted(&request, body, &app, &client).await;
    }
    let credentials: Credentials = match json::read(request.headers(), body, json::MAX_BODY).await {
        Ok(credentials) => credentials,
        Err(refusal) => return refusal,
    };
    let client = match dpop::new_key(&app, &caller).await {
        Ok(key) => client.with_key(key),
        Err(refusal) => return refusal,
    };
    let password = Secret::new(credentials.password.into_bytes());
    match attempt(&app, &credentials.username, password, &client).await {
        Ok(welcome) => issued(&welcome.minted, &app),
        Err(Refusal::Wrong) => {
            let description = "the user name or password is not right";
            json::error(StatusCode::UNAUTHORIZED, "invalid_credentials", description)
        }
        Err(Refusal::SlowDown(seconds)) => json::slow_down(seconds),
        Err(Refusal::Unavailable) => json::unavailable(),
    }
}

fn two_user_agents() -> HttpResponse {
    json::invalid_request("there are two User-Agent lines")
}
