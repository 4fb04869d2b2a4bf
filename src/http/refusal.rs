//! A denial as samehand's own endpoints answer it: JSON, with the status that an API client gets from the subrequest.

use super::dpop::{self, Manner};
use super::json;
use crate::check::decision::{Challenge, Decision, Denial, Reject};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;

pub(super) fn of(denial: &Denial, manner: &Manner) -> HttpResponse {
    match denial.decision() {
        Decision::Challenge(challenge) => {
            let (code, description) = match challenge {
                Challenge::NoToken => ("token_missing", "send a token"),
                Challenge::InvalidToken => ("invalid_token", "the token is not accepted"),
                Challenge::InvalidProof => ("invalid_dpop_proof", "the proof is not accepted"),
                Challenge::UseNonce => ("use_dpop_nonce", "use the nonce in DPoP-Nonce"),
            };
            let mut response = json::error(StatusCode::UNAUTHORIZED, code, description);
            dpop::challenge(&mut response, challenge, manner);
            response
        }
        Decision::Undecided => json::unavailable(),
        Decision::Reject(Reject::BadQuestion) => json::invalid_request("the request is ambiguous"),
        Decision::Allow(_) | Decision::Forbid | Decision::Reject(Reject::Untrusted) => {
            forbidden("the token is not accepted from this client")
        }
    }
}

pub(super) fn forbidden(description: &str) -> HttpResponse {
    json::error(StatusCode::FORBIDDEN, "forbidden", description)
}

/// A page of somebody else's asked.
pub(super) fn foreign_origin() -> HttpResponse {
    forbidden("a page of another site may not do this")
}
