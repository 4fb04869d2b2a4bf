//! `POST /mint`, on the administration side: a token for a back end that has its own login.
//!
//! A back end passes the client's `DPoP` header on. The proof in it was made for the address of the back end's own login,
//! which it may name; where it does not, it has looked at the address itself.

use super::opening::open;
use super::{administration, dpop, json};
use crate::app::App;
use crate::check::client_ip::ClientIp;
use crate::check::dpop::{Address, Expected, HttpUrl, NonceRule, Proof, ProofError};
use crate::check::names::UserName;
use crate::check::observed::ObservedClient;
use crate::check::once::UnlessReplayed;
use crate::check::thumbprint::Thumbprint;
use crate::check::user_agent::UserAgent;
use crate::config::duration;
use crate::issue::{Grant, MintError, Minted};
use crate::sessions::SessionError;
use crate::store::{SignedInBy, StoreError};
use actix_web::http::header::HeaderMap;
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
    /// The address that the client's proof was made for.
    proof_url: Option<String>,
}

pub(super) async fn mint(request: HttpRequest, body: web::Payload, app: web::Data<App>) -> HttpResponse {
    if let Err(answer) = administration::authorised(&request, &app).await {
        return answer;
    }
    let asked: MintRequest = match json::read(request.headers(), body, json::MAX_BODY).await {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    minted(&request, &asked, &app).await.map_or_else(|refusal| refusal, |minted| issued(&minted, &app))
}

/// The answer that carries a new token, and where it needs proofs the nonce for the first one.
pub(super) fn issued(minted: &Minted, app: &App) -> HttpResponse {
    let token_type = if minted.needs_proof { "DPoP" } else { "Bearer" };
    let body = json!({ "token": minted.token, "token_type": token_type, "expires_in": minted.expires_in });
    if minted.needs_proof { dpop::with_nonce(json::ok(&body), &app.state(), app.now()) } else { json::ok(&body) }
}

async fn minted(request: &HttpRequest, asked: &MintRequest, app: &App) -> Result<Minted, HttpResponse> {
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
    let key = key_of(request.headers(), asked.proof_url.as_deref(), app).await?;
    let client = ObservedClient::new(ClientIp::vouched(ip), user_agent).with_key(key);
    let grant = Grant::of(subject.clone()).with_claims(asked.claims.clone()).map_err(|error| refused(&error))?;
    let away = |error: StoreError| unavailable(&error.into());
    let issued_under = app.store().revision().await.map_err(away)?;
    if app.store().user(&subject).await.map_err(away)?.is_some_and(|user| user.disabled) {
        return Err(invalid("sub: this user is disabled".into()));
    }
    let opened = open(app, grant, SignedInBy::BackEnd, issued_under, &client, ttl).await;
    let (minted, _) = opened.map_err(|error| match error {
        SessionError::Mint(error) => refused(&error),
        SessionError::Ended | SessionError::Store(_) => unavailable(&error),
    })?;
    info!(username = subject.as_str(), remote_ip = client.ip.to_string().as_str(); "token minted");
    Ok(minted)
}

/// The key of the proof that the client sent to the back end's login.
async fn key_of(headers: &HeaderMap, url: Option<&str>, app: &App) -> Result<Option<Thumbprint>, HttpResponse> {
    let url = match url.map(HttpUrl::read) {
        Some(None) => return Err(json::invalid_request("proof_url: not a plain http(s) address")),
        Some(Some(url)) => Some([url]),
        None => None,
    };
    let address = url.as_ref().map_or(Address::AnyWeb, |url| Address::OneOf(url));
    let expected = Expected { method: "POST", address, token: None, nonce: NonceRule::IfPresent };
    let verified = {
        let (state, now) = (app.state(), app.now());
        let verified = Proof::read(headers).and_then(|proof| proof.verify(&expected, &state.gate.nonces, now));
        match verified {
            Err(ProofError::Missing) if url.is_none() => return Ok(None),
            verified => verified.map_err(|error| dpop::refused(&error, &state, now))?,
        }
    };
    dpop::first_use(app, UnlessReplayed::of_proof(verified)).await.map(Some)
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
