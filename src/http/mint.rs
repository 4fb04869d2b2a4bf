//! `POST /mint`, on the administration side: a token for a back end that has its own login.
//!
//! Without `SAMEHAND_ADMIN_TOKEN` there is no such endpoint.

use super::json;
use crate::app::{App, State};
use crate::check::client_ip::ClientIp;
use crate::check::fingerprint::ObservedClient;
use crate::check::names::UserName;
use crate::check::user_agent::UserAgent;
use crate::config::duration;
use crate::issue::{Grant, MintError, Minted};
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};
use log::info;
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
}

pub(super) async fn mint(request: HttpRequest, body: web::Payload, app: web::Data<App>) -> HttpResponse {
    match &app.state().admin_token {
        None => return json::not_found().await,
        Some(_) if request.method() != Method::POST => return json::only_post().await,
        Some(expected) if bearer(request.headers()).is_some_and(|token| expected.equals(token)) => {}
        Some(_) => return unauthorised(),
    }
    let asked: MintRequest = match json::read(request.headers(), body).await {
        Ok(asked) => asked,
        Err(refusal) => return refusal,
    };
    // Loaded only now: keys and policy may have changed while the body arrived.
    minted(&asked, &app.state(), app.now()).map_or_else(|refusal| refusal, |minted| issued(&minted))
}

/// The answer that carries a new token.
pub(super) fn issued(minted: &Minted) -> HttpResponse {
    json::ok(&json!({ "token": minted.token, "token_type": "Bearer", "expires_in": minted.expires_in }))
}

fn minted(asked: &MintRequest, state: &State, now: u64) -> Result<Minted, HttpResponse> {
    let policy = &state.gate.policy;
    let invalid = |problem: String| json::invalid_request(&problem);
    let subject = UserName::enter(&asked.sub).map_err(|error| invalid(format!("sub: {error}")))?;
    let ip: IpAddr = asked.ip.parse().map_err(|_| invalid("ip: not an IPv4 or IPv6 address".into()))?;
    if policy.trusted_proxies.contains(ip) {
        return Err(invalid("ip: this is a trusted proxy; send the address of its client".into()));
    }
    let ttl = match asked.ttl.as_deref().map(duration::seconds) {
        None => None,
        Some(Ok(seconds)) => Some(seconds),
        Some(Err(problem)) => return Err(invalid(format!("ttl: {problem}"))),
    };
    let username = subject.to_string();
    let user_agent =
        UserAgent::vouched(asked.user_agent.as_deref()).map_err(|error| invalid(format!("user_agent: {error}")))?;
    let client = ObservedClient { ip: ClientIp::vouched(ip), user_agent };
    let minted = Grant::of(subject)
        .with_claims(asked.claims.clone())
        .and_then(|grant| state.minter.mint(grant, &client, policy, ttl, now))
        .map_err(|error| match error {
            MintError::Failed(_) => json::unavailable(),
            MintError::ClaimReserved(_)
            | MintError::ClaimUnusable(..)
            | MintError::Lifetime(..)
            | MintError::TooLarge(_)
            | MintError::TooComplex => invalid(error.to_string()),
        })?;
    info!(username = username.as_str(), remote_ip = client.ip.to_string().as_str(); "token minted");
    Ok(minted)
}

/// The one token of the administration side, compared in constant time by the caller.
fn bearer(headers: &HeaderMap) -> Option<&[u8]> {
    let mut lines = headers.get_all(AUTHORIZATION);
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let (scheme, token) = line.as_bytes().split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token.trim_ascii())
}

fn unauthorised() -> HttpResponse {
    let mut response = json::error(StatusCode::UNAUTHORIZED, "invalid_token", "send the administration token");
    let challenge = HeaderValue::from_static(r#"Bearer realm="samehand administration""#);
    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
    response
}
