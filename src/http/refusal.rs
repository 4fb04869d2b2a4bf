//! A denial as samehand's own endpoints answer it: JSON, with the status that an API client gets from the subrequest.

use super::{json, respond};
use crate::check::decision::{Challenge, Decision, Denial, Reject};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::WWW_AUTHENTICATE;

pub(super) fn of(denial: &Denial) -> HttpResponse {
    match denial.decision() {
        Decision::Challenge(Challenge::NoToken) => challenge(Challenge::NoToken, "token_missing", "send a token"),
        Decision::Challenge(Challenge::InvalidToken) => invalid_token(),
        Decision::Undecided => json::unavailable(),
        Decision::Reject(Reject::BadQuestion) => json::invalid_request("the request is ambiguous"),
        Decision::Allow(_) | Decision::Forbid | Decision::Reject(Reject::Untrusted) => {
            forbidden("the token is not accepted from this client")
        }
    }
}

/// The token is not good, or not any more.
fn invalid_token() -> HttpResponse {
    challenge(Challenge::InvalidToken, "invalid_token", "the token is not accepted")
}

pub(super) fn forbidden(description: &str) -> HttpResponse {
    json::error(StatusCode::FORBIDDEN, "forbidden", description)
}

/// A page of somebody else's asked.
pub(super) fn foreign_origin() -> HttpResponse {
    forbidden("a page of another site may not do this")
}

fn challenge(challenge: Challenge, code: &str, description: &str) -> HttpResponse {
    let mut response = json::error(StatusCode::UNAUTHORIZED, code, description);
    response.headers_mut().insert(WWW_AUTHENTICATE, respond::challenge_value(challenge));
    response
}
