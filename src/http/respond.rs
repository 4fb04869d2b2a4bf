//! Spells a decision for each proxy; owns every status code and identity header name of the subrequest's answer.
//!
//! Allow is exactly 200, without a body, with every identity header: empty where there is nothing to say, so that a copy
//! that the caller sent never survives. nginx understands only 2xx, 401 and 403.

use super::dpop::{self, DPOP_NONCE, Manner};
use super::pages::message;
use super::request_id::X_REQUEST_ID;
use crate::check::Judgement;
use crate::check::decision::{Decision, Reject};
use crate::check::forwarded::Proxy;
use crate::check::sign_in::Detour;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};

const REMOTE_USER: HeaderName = HeaderName::from_static("remote-user");
const REMOTE_GROUPS: HeaderName = HeaderName::from_static("remote-groups");
const REMOTE_NAME: HeaderName = HeaderName::from_static("remote-name");
const REMOTE_EMAIL: HeaderName = HeaderName::from_static("remote-email");

/// The identity headers of every 200.
pub const IDENTITY_HEADERS: [HeaderName; 4] = [REMOTE_USER, REMOTE_GROUPS, REMOTE_NAME, REMOTE_EMAIL];

/// Every answer is for this request only.
pub(super) const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
/// Seconds after which a caller may ask again when nothing could be decided.
const RETRY_UNDECIDED: HeaderValue = HeaderValue::from_static("5");

/// The status with which this judgement is answered, and a browser that goes elsewhere.
#[must_use]
pub fn status_of(proxy: Proxy, judgement: &Judgement<'_>, detour: Option<&Detour>) -> StatusCode {
    match (detour, proxy) {
        (None, _) => {}
        (Some(Detour::SignInPageItself), _) => return StatusCode::UNAUTHORIZED,
        // With `Location`: the shipped configuration makes 303 of it.
        (Some(Detour::SignIn { .. } | Detour::OtherSite { .. }), Proxy::Nginx) => return StatusCode::UNAUTHORIZED,
        (Some(Detour::SignIn { .. }), Proxy::Traefik | Proxy::Caddy) => return StatusCode::SEE_OTHER,
        (Some(Detour::OtherSite { .. }), Proxy::Traefik | Proxy::Caddy) => return StatusCode::FORBIDDEN,
    }
    if judgement.passed.is_some() {
        return StatusCode::OK;
    }
    match (&judgement.decision, proxy) {
        (Decision::Allow(_), _) => StatusCode::OK,
        (Decision::Challenge(_), _) => StatusCode::UNAUTHORIZED,
        (Decision::Forbid | Decision::Reject(Reject::Untrusted), _)
        | (Decision::Reject(Reject::BadQuestion), Proxy::Nginx) => StatusCode::FORBIDDEN,
        (Decision::Reject(Reject::BadQuestion), Proxy::Traefik | Proxy::Caddy) => StatusCode::BAD_REQUEST,
        (Decision::Undecided, _) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// The answer to the subrequest.
pub(super) fn answer(
    proxy: Proxy,
    judgement: &Judgement<'_>,
    detour: Option<&Detour>,
    request_id: HeaderValue,
    manner: &Manner,
) -> HttpResponse {
    let mut response = match (detour, proxy) {
        (Some(Detour::OtherSite { host, .. }), Proxy::Traefik | Proxy::Caddy) => message::other_site(Some(host)),
        (Some(Detour::SignIn { .. } | Detour::OtherSite { .. } | Detour::SignInPageItself) | None, _) => {
            HttpResponse::new(status_of(proxy, judgement, detour))
        }
    };
    let status = response.status();
    let headers = response.headers_mut();
    if let Some(location) = detour.and_then(|detour| location_of(proxy, detour)) {
        headers.insert(LOCATION, location);
    }
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(X_REQUEST_ID, request_id);
    match (&judgement.passed, &judgement.decision) {
        (Some(identity), _) | (None, Decision::Allow(identity)) => {
            let [user, groups, name, email] = identity.headers();
            headers.insert(REMOTE_USER, user.clone());
            headers.insert(REMOTE_GROUPS, groups.clone());
            headers.insert(REMOTE_NAME, name.clone());
            headers.insert(REMOTE_EMAIL, email.clone());
            if let Some(nonce) = manner.nonce() {
                headers.insert(DPOP_NONCE, nonce);
            }
        }
        // RFC 9110 section 15.5.2: with every 401, and a browser that is sent on gets none.
        (None, Decision::Challenge(_)) if status != StatusCode::UNAUTHORIZED => {}
        (None, Decision::Challenge(challenge)) => dpop::challenge(&mut response, *challenge, manner),
        (None, Decision::Undecided) => _ = headers.insert(RETRY_AFTER, RETRY_UNDECIDED),
        (None, Decision::Forbid | Decision::Reject(_)) => {}
    }
    response
}

/// nginx shows no page of ours, so the sign-in page says there what a small page says elsewhere. A serialised URL always
/// stands in a header.
fn location_of(proxy: Proxy, detour: &Detour) -> Option<HeaderValue> {
    let location = match (detour, proxy) {
        (Detour::SignInPageItself, _) | (Detour::OtherSite { .. }, Proxy::Traefik | Proxy::Caddy) => return None,
        (Detour::SignIn { location }, _) | (Detour::OtherSite { location, .. }, Proxy::Nginx) => location,
    };
    HeaderValue::from_str(location).ok()
}
