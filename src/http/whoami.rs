//! `/whoami`: the claims of a valid token of this client, else the answer an API client gets from the subrequest.

use super::authorize::peer_of;
use super::{json, refusal};
use crate::app::{App, State};
use crate::check::client_ip::{self, ClientIpError};
use crate::check::token::Expiry;
use crate::check::{Caller, Moment, Seen, pass_changed_client, recognise};
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

pub(super) async fn whoami(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let state = app.state();
    let caller = match caller_of(&request, &state) {
        Ok(caller) => caller,
        Err(refusal) => return refusal,
    };
    let revocations = app.revocations().snapshot();
    let moment = Moment { now: app.now(), revocations: revocations.knowledge() };
    let recognised = recognise(&caller, &state.gate, moment, Expiry::Checked, &mut Seen::default());
    let bound = match recognised.map(|recognised| recognised.bound) {
        Ok(bound) => bound,
        Err(denial) => match pass_changed_client(denial, state.gate.policy.enforce) {
            Ok(bound) => bound,
            Err(denial) => return refusal::of(&denial),
        },
    };
    let claims: Result<Value, _> = serde_json::from_slice(bound.token().payload());
    claims.map_or_else(|_| json::unavailable(), |claims| json::ok(&json!({ "data": claims })))
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
    Ok(Caller { headers, ip, is_proxied: peer.is_trusted(trusted) })
}
