//! `/whoami`: the claims of a valid token of this client, else the answer an API client gets from the subrequest.

use super::authorize::peer_of;
use super::dpop::{DPOP_NONCE, Manner, settle_own};
use super::{json, refusal};
use crate::app::{App, State};
use crate::check::client_ip::{self, ClientIpError};
use crate::check::dpop::{Place, Target};
use crate::check::forwarded::{self, Scheme};
use crate::check::token::Expiry;
use crate::check::{Caller, Moment, Seen, pass_changed_client, recognise};
use actix_web::http::header::HOST;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

pub(super) async fn whoami(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let mut seen = Seen::default();
    let bound = {
        let state = app.state();
        let caller = match caller_of(&request, &state) {
            Ok(caller) => caller,
            Err(refusal) => return refusal,
        };
        let revocations = app.revocations().snapshot();
        let moment = Moment { now: app.now(), revocations: revocations.knowledge() };
        let recognised = recognise(&caller, &state.gate, moment, Expiry::Checked, &mut seen);
        recognised
            .map(|recognised| recognised.map(|recognised| recognised.bound))
            .or_else(|denial| pass_changed_client(denial, state.gate.policy.enforce, &seen))
    };
    let bound = match bound {
        Ok(bound) => settle_own(&app, bound).await,
        Err(denial) => Err(denial),
    };
    let manner = Manner::of(&seen, &app.state(), app.now());
    let bound = match bound {
        Ok(bound) => bound,
        Err(denial) => return refusal::of(&denial, &manner),
    };
    let claims: Result<Value, _> = serde_json::from_slice(&bound.token().payload());
    let mut response = claims.map_or_else(|_| json::unavailable(), |claims| json::ok(&json!({ "data": claims })));
    if let Some(nonce) = manner.nonce() {
        response.headers_mut().insert(DPOP_NONCE, nonce);
    }
    response
}

/// The caller of one of samehand's own endpoints, or the answer that refuses it.
pub(super) fn caller_of<'a>(request: &'a HttpRequest, state: &State) -> Result<Caller<'a>, HttpResponse> {
    let (headers, peer, trusted) = (request.headers(), peer_of(request), &state.gate.policy.trusted_proxies);
    let ip = client_ip::of_page(headers, peer, trusted).map_err(|error| {
        json::invalid_request(match error {
            ClientIpError::Missing => "the proxy must send X-Forwarded-For",
            ClientIpError::Unreadable => "X-Forwarded-For cannot be read",
        })
    })?;
    let is_proxied = peer.is_trusted(trusted);
    Ok(Caller { headers, ip, is_proxied, target: target_of(request, state, is_proxied) })
}

/// What a proof has to be about: the address that a trusted proxy forwards, or that the client asked for itself, or that
/// `PUBLIC_URL` gives to the endpoint.
fn target_of<'a>(request: &'a HttpRequest, state: &State, is_proxied: bool) -> Target<'a> {
    let direct = || {
        let authority = request.headers().get(HOST)?.to_str().ok()?;
        Some(Place { scheme: Scheme::Http, authority: authority.into(), target: request.path().into() })
    };
    let forwarded = forwarded::place(request.headers(), request.path()).filter(|_| is_proxied);
    let published = state.pages.as_ref().map(|pages| Place {
        scheme: if pages.url.scheme() == "https" { Scheme::Https } else { Scheme::Http },
        authority: pages.url.authority().to_owned().into(),
        target: format!("{}{}", pages.url.path().trim_end_matches('/'), request.path()).into(),
    });
    Target::of_endpoint(request.method().as_str(), forwarded.or_else(direct), published)
}
