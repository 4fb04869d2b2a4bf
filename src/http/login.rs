//! `POST /login`: with JSON a token for a user of the store, in the hand that asks; with a form, as the sign-in page sends
//! it, the cookie. `GET /login` is that page.

use super::attempt::{Refusal, Welcome, attempt};
use super::mint::issued;
use super::whoami::caller_of;
use super::{cookie, dpop, json, pages};
use crate::app::App;
use crate::check::dpop::VerifiedProof;
use crate::check::observed::{CookieProof, ObservedClient};
use crate::check::once::UnlessReplayed;
use crate::check::parts::Part;
use crate::check::proofs;
use crate::check::user_agent::UserAgent;
use crate::check::{Caller, check_header_parts};
use crate::issue::new_secret;
use crate::secret::Secret;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use log::warn;
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
    let is_form = has_pages && pages::form::is_form(request.headers());
    let Ok(secret) = new_secret() else { return json::unavailable() };
    let cookie = if is_form { CookieProof::Session } else { CookieProof::Secret(&secret) };
    let client = match shown(&caller, cookie, &app) {
        Ok(client) => client,
        Err(refusal) => return refusal,
    };
    if is_form {
        return pages::sign_in::submitted(&request, body, &app, &caller, &client).await;
    }
    let credentials: Credentials = match json::read(request.headers(), body, json::MAX_BODY).await {
        Ok(credentials) => credentials,
        Err(refusal) => return refusal,
    };
    let password = Secret::new(credentials.password.into_bytes());
    let proof = match dpop::of_new_key(&app, &caller) {
        Ok(proof) => proof,
        Err(refusal) => return refusal,
    };
    let client = client.with_key(proof.as_ref().and_then(UnlessReplayed::proof).map(VerifiedProof::key));
    match attempt(&app, &caller, &credentials.username, password, &client, proof).await {
        Ok(Welcome { minted, session }) => {
            let left = session.map_or(minted.expires_in, |session| session.ends_at.saturating_sub(app.now()));
            let mut response = issued(&minted, &app);
            cookie::add_proof(response.headers_mut(), &app.state(), minted.secret.as_deref(), left);
            response
        }
        Err(Refusal::Wrong) => {
            let description = "the user name or password is not right";
            json::error(StatusCode::UNAUTHORIZED, "invalid_credentials", description)
        }
        Err(Refusal::ProofMissing(part)) => {
            let description = match part {
                Part::Mtls => "show a client certificate",
                Part::Cookie | Part::Dpop | Part::Ip | Part::UserAgent | Part::Header(_) => {
                    "show the proof that is asked for"
                }
            };
            json::error(StatusCode::UNAUTHORIZED, "proof_missing", description)
        }
        Err(Refusal::SlowDown(seconds)) => json::slow_down(seconds),
        Err(Refusal::ProofUsed(replay)) => dpop::used(replay, &app),
        Err(Refusal::TooLarge) => json::token_too_large(),
        Err(Refusal::Unavailable) => json::unavailable(),
    }
}

/// The caller with everything that it shows, or the answer that refuses it.
fn shown<'a>(caller: &Caller<'a>, cookie: CookieProof<'a>, app: &App) -> Result<ObservedClient<'a>, HttpResponse> {
    let user_agent = UserAgent::read(caller.headers).map_err(|_| two_user_agents())?;
    let state = app.state();
    let policy = &state.gate.policy;
    check_header_parts(caller, policy)
        .map_err(|_| json::invalid_request("a header that the proxy sets stands on several lines"))?;
    let proofs = proofs::offered(caller, cookie, policy).map_err(|error| {
        warn!("a client certificate that the proxy hands over cannot be read: {error}");
        json::invalid_request("the client certificate cannot be read")
    })?;
    Ok(ObservedClient::new(caller.ip, user_agent).with_proofs(proofs))
}

fn two_user_agents() -> HttpResponse {
    json::invalid_request("there are two User-Agent lines")
}
