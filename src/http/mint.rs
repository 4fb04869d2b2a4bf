//! `POST /mint`, on the administration side: a token for a back end that has its own login.
//!
//! A back end passes the client's `DPoP` header on. The proof in it was made for the address of the back end's own login,
//! which it may name; where it does not, it has looked at the address itself.

use super::opening::{Opening, open};
use super::trail::{self, Deed};
use super::{administration, cookie, dpop, json};
use crate::app::App;
use crate::check::certificate;
use crate::check::client_ip::{ClientIp, parse_address};
use crate::check::dpop::{Address, Expected, HttpUrl, NonceRule, Proof, ProofError};
use crate::check::names::UserName;
use crate::check::observed::{CookieProof, ObservedClient, Proofs};
use crate::check::once::UnlessReplayed;
use crate::check::policy::TokenFrom;
use crate::check::thumbprint::Thumbprint;
use crate::check::user_agent::UserAgent;
use crate::check::vouched;
use crate::config::duration;
use crate::issue::{Grant, MintError, Minted, new_secret};
use crate::sessions::SessionError;
use crate::store::{Session, SignedInBy, StoreError};
use actix_web::http::header::HeaderMap;
use actix_web::{HttpRequest, HttpResponse, web};
use log::{error, info};
use serde::Deserialize;
use serde_json::{Map, Value, json};

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
    /// The PEM of the certificate that the client shows to the proxy.
    certificate: Option<String>,
    /// What the proxy sends as each part of `HEADER_PARTS`; `null` where it sends nothing.
    #[serde(default, deserialize_with = "json::no_member_twice")]
    parts: Map<String, Value>,
    /// How the client will send the token; by default in `Authorization`, where that is read.
    token_in: Option<TokenIn>,
    /// The address that the client's proof was made for.
    proof_url: Option<String>,
}

/// How a client sends its token.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum TokenIn {
    Authorization,
    Cookie,
}

/// Room for a certificate.
const MAX_BODY: usize = 32 * 1024;

pub(super) async fn mint(request: HttpRequest, body: web::Payload, app: web::Data<App>) -> HttpResponse {
    if let Err(answer) = administration::authorised(&request, &app).await {
        return answer;
    }
    let asked: MintRequest = match json::read(request.headers(), body, MAX_BODY).await {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    match minted(&request, &asked, &app).await {
        Ok((minted, session)) => {
            let remote_ip = trail::administrator(&request);
            let sid = session.as_ref().map_or("", |session| session.id.as_str());
            let deed = Deed { action: "token-mint", actor: "admin", subject: &asked.sub, remote_ip: &remote_ip, sid };
            trail::note(&app, request.headers(), deed).await;
            handed_over(&app, &minted, session.as_ref())
        }
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
    answer(&body, minted, app)
}

/// The answer that carries a new token.
pub(super) fn issued(minted: &Minted, app: &App) -> HttpResponse {
    answer(&members(minted), minted, app)
}

fn members(minted: &Minted) -> Value {
    let token_type = if minted.needs_proof { "DPoP" } else { "Bearer" };
    json!({ "token": minted.token, "token_type": token_type, "expires_in": minted.expires_in })
}

/// Where the token needs proofs, with the nonce for the first one.
fn answer(body: &Value, minted: &Minted, app: &App) -> HttpResponse {
    if minted.needs_proof { dpop::with_nonce(json::ok(body), &app.state(), app.now()) } else { json::ok(body) }
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

async fn minted(
    request: &HttpRequest,
    asked: &MintRequest,
    app: &App,
) -> Result<(Minted, Option<Session>), HttpResponse> {
    let invalid = |problem: String| json::invalid_request(&problem);
    let subject = UserName::enter(&asked.sub).map_err(|error| invalid(format!("sub: {error}")))?;
    let ip = parse_address(&asked.ip).ok_or_else(|| invalid("ip: not an IPv4 or IPv6 address".into()))?;
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
    let certificate = asked.certificate.as_deref().map(certificate::from_pem).transpose();
    let certificate = certificate.map_err(|error| invalid(format!("certificate: {error}")))?;
    let certificate = vouched::certificate(&app.state().gate.policy, certificate);
    let certificate = certificate.map_err(|error| invalid(format!("certificate: {error}")))?;
    let proxy_headers = proxy_headers(asked, app).map_err(|problem| invalid(format!("parts: {problem}")))?;
    let secret = new_secret().map_err(|error| refused(&error))?;
    let cookie = match place_of(asked.token_in, app.state().gate.policy.token_from)? {
        TokenIn::Authorization => CookieProof::Secret(&secret),
        TokenIn::Cookie => CookieProof::Session,
    };
    let key = key_of(request.headers(), asked.proof_url.as_deref(), app).await?;
    let proofs = Proofs { cookie, key, certificate, proxy_headers: Some(&proxy_headers) };
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

/// The headers that the proxy sends with the client's requests.
fn proxy_headers(asked: &MintRequest, app: &App) -> Result<HeaderMap, String> {
    let mut said = Vec::with_capacity(asked.parts.len());
    for (name, value) in &asked.parts {
        let value = match value {
            Value::Null => None,
            Value::String(text) => Some(text.as_str()),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                return Err(format!("{name:?} must be a string or null"));
            }
        };
        said.push((name.as_str(), value));
    }
    let state = app.state();
    let policy = &state.gate.policy;
    vouched::headers(&policy.header_parts, policy.require_same.union(policy.watch), said)
        .map_err(|error| error.to_string())
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
        | MintError::TooLarge(..)
        | MintError::TooComplex => json::invalid_request(&error.to_string()),
    }
}
