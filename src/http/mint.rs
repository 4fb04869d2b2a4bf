//! `POST /mint`, on the administration side: a token for a back end that has its own login.

use super::opening::{Opening, open};
use super::{administration, cookie, json};
use crate::app::App;
use crate::check::client_ip::ClientIp;
use crate::check::names::UserName;
use crate::check::observed::{CookieProof, ObservedClient, Proofs};
use crate::check::policy::TokenFrom;
use crate::check::user_agent::UserAgent;
use crate::config::duration;
use crate::issue::{Grant, MintError, Minted, new_secret};
use crate::sessions::SessionError;
use crate::store::{Session, SignedInBy, StoreError};
use actix_web::{HttpRequest, HttpResponse, web};
use log::{error, info};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::net::IpAddr;

/// What a back end says about the client that it has signed in itself.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MintRequest {
    sub: String,
    ip: String,
    /// `null` for a client that sends no `User-Agent`; leaving the member out is an error.
    #[serde(deserialize_with = "Option::deserialize")]
    user_agent: Option<String>,
    #[serde(default, deserialize_with = "json::no_member_twice")]
    claims: Map<String, Value>,
    ttl: Option<String>,
    /// How the client will send the token; by default in `Authorization`, where that is read.
    token_in: Option<TokenIn>,
}

/// How a client sends its token.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum TokenIn {
    Authorization,
    Cookie,
}

pub(super) async fn mint(request: HttpRequest, body: web::Payload, app: web::Data<App>) -> HttpResponse {
    if let Err(answer) = administration::authorised(&request, &app).await {
        return answer;
    }
    let asked: MintRequest = match json::read(request.headers(), body, json::MAX_BODY).await {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    match minted(&asked, &app).await {
        Ok((minted, session)) => handed_over(&app, &minted, session.as_ref()),
        Err(refusal) => refusal,
    }
}

/// To the back end, with the proof cookie as the line that its own answer has to carry.
fn handed_over(app: &App, minted: &Minted, session: Option<&Session>) -> HttpResponse {
    let mut body = members(minted);
    if let Some(secret) = &minted.secret {
        let left = session.map_or(minted.expires_in, |session| session.ends_at.saturating_sub(app.now()));
        let line = cookie::set_proof(&app.state().cookie, secret, left);
        body["set_cookie"] = line.to_str().unwrap_or_default().into();
    }
    json::ok(&body)
}

/// The answer that carries a new token.
pub(super) fn issued(minted: &Minted) -> HttpResponse {
    json::ok(&members(minted))
}

fn members(minted: &Minted) -> Value {
    json!({ "token": minted.token, "token_type": "Bearer", "expires_in": minted.expires_in })
}

/// Where the token will be read, by what was asked and what the settings allow.
fn place_of(asked: Option<TokenIn>, from: TokenFrom) -> Result<TokenIn, HttpResponse> {
    let refused = |place| {
        let problem =
            format!("token_in: SAMEHAND_TOKEN_FROM does not name {place}, so the token would not be read there");
        Err(json::invalid_request(&problem))
    };
    match asked {
        Some(TokenIn::Authorization) if !from.authorization => refused("authorization"),
        Some(TokenIn::Cookie) if !from.cookie => refused("cookie"),
        Some(place) => Ok(place),
        None if from.authorization => Ok(TokenIn::Authorization),
        None => Ok(TokenIn::Cookie),
    }
}

async fn minted(asked: &MintRequest, app: &App) -> Result<(Minted, Option<Session>), HttpResponse> {
    let invalid = |problem: String| json::invalid_request(&problem);
    let subject = UserName::enter(&asked.sub).map_err(|error| invalid(format!("sub: {error}")))?;
    let ip: IpAddr = asked.ip.parse().map_err(|_| invalid("ip: not an IPv4 or IPv6 address".into()))?;
    if app.state().gate.policy.trusted_proxies.contains(ip) {
        return Err(invalid("ip: this is a trusted proxy; send the address of its client".into()));
    }
    let ttl = match asked.ttl.as_deref().map(duration::seconds) {
        None => None,
        Some(Ok(seconds)) => Some(seconds),
        Some(Err(problem)) => return Err(invalid(format!("ttl: {problem}"))),
    };
    let user_agent =
        UserAgent::vouched(asked.user_agent.as_deref()).map_err(|error| invalid(format!("user_agent: {error}")))?;
    let secret = new_secret().map_err(|error| refused(&error))?;
    let cookie = match place_of(asked.token_in, app.state().gate.policy.token_from)? {
        TokenIn::Authorization => CookieProof::Secret(&secret),
        TokenIn::Cookie => CookieProof::Session,
    };
    let proofs = Proofs { cookie, ..Proofs::default() };
    let client = ObservedClient::new(ClientIp::vouched(ip), user_agent).with_proofs(proofs);
    let grant = Grant::of(subject.clone()).with_claims(asked.claims.clone()).map_err(|error| refused(&error))?;
    let away = |error: StoreError| unavailable(&error.into());
    let issued_under = app.store().revision().await.map_err(away)?;
    if app.store().user(&subject).await.map_err(away)?.is_some_and(|user| user.disabled) {
        return Err(invalid("sub: this user is disabled".into()));
    }
    let opening = Opening { grant, signed_in_by: SignedInBy::BackEnd, issued_under, ttl, continues: None };
    let opened = open(app, opening, &client).await.map_err(|error| match error {
        SessionError::Mint(error) => refused(&error),
        SessionError::Ended | SessionError::Store(_) | SessionError::ReboundTooOften(_) => unavailable(&error),
    })?;
    info!(username = subject.as_str(), remote_ip = client.ip.to_string().as_str(); "token minted");
    Ok(opened)
}

fn unavailable(error: &SessionError) -> HttpResponse {
    error!("no token minted: {error}");
    json::unavailable()
}

fn refused(error: &MintError) -> HttpResponse {
    match error {
        MintError::Failed(_) => json::unavailable(),
        MintError::ClaimReserved(_)
        | MintError::ClaimUnusable(..)
        | MintError::ProofMissing(_)
        | MintError::Lifetime(..)
        | MintError::TooLarge(_)
        | MintError::TooComplex => json::invalid_request(&error.to_string()),
    }
}
