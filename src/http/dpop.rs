//! What DPoP says in HTTP (RFC 9449): the headers of challenges and answers, and the errors of the endpoints that give out
//! tokens. Asks the memory of proofs, and judges nothing.

use super::{json, request_id};
use crate::app::{App, State};
use crate::check::credential::Carrier;
use crate::check::decision::{Challenge, Denial};
use crate::check::dpop::nonce::Freshness;
use crate::check::dpop::{ProofError, VerifiedProof};
use crate::check::forwarded::Proxy;
use crate::check::once::{Replay, UnlessReplayed};
use crate::check::parts::Part;
use crate::check::proofs;
use crate::check::thumbprint::Thumbprint;
use crate::check::{Caller, Question, Seen};
use crate::replays::Asked;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue, WWW_AUTHENTICATE};

/// Carries a nonce to the client.
pub(super) const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// RFC 6750 section 3: an error code only when a token was presented.
const BEARER: HeaderValue = HeaderValue::from_static(r#"Bearer realm="samehand""#);
const BEARER_INVALID_TOKEN: HeaderValue = HeaderValue::from_static(r#"Bearer realm="samehand", error="invalid_token""#);

/// RFC 9449 section 7.1.
macro_rules! dpop_challenge {
    ($error:literal) => {
        HeaderValue::from_static(concat!(r#"DPoP realm="samehand", "#, $error, r#"algs="ES256 EdDSA RS256 PS256""#))
    };
}
const DPOP: HeaderValue = dpop_challenge!("");
const DPOP_INVALID_TOKEN: HeaderValue = dpop_challenge!(r#"error="invalid_token", "#);
const DPOP_INVALID_PROOF: HeaderValue = dpop_challenge!(r#"error="invalid_dpop_proof", "#);
const DPOP_USE_NONCE: HeaderValue = dpop_challenge!(r#"error="use_dpop_nonce", "#);

/// How a caller is challenged, and the nonce it gets.
pub(super) struct Manner {
    is_dpop: bool,
    nonce: Option<HeaderValue>,
}

impl Manner {
    /// What fits a caller of whom this was seen: one that uses DPoP, or has to, is asked for it.
    pub(super) fn of(seen: &Seen<'_>, state: &State, now: u64) -> Self {
        let is_required = state.gate.policy.require_same.contains(Part::Dpop);
        let is_used = seen.carrier == Some(Carrier::Dpop) || seen.proof_error.is_some();
        let has_newest = seen.proof.is_some_and(|proof| proof.nonce() == Some(Freshness::Newest));
        let nonce = if is_used && !has_newest { nonce(state, now) } else { None };
        Self { is_dpop: is_required || is_used, nonce }
    }

    /// The nonce for the next proof, where the caller should have another.
    pub(super) fn nonce(&self) -> Option<HeaderValue> {
        self.nonce.clone()
    }

    /// What `WWW-Authenticate` says.
    pub(super) fn challenge(&self, challenge: Challenge) -> HeaderValue {
        match (challenge, self.is_dpop) {
            (Challenge::NoToken, false) => BEARER,
            (Challenge::InvalidToken, false) => BEARER_INVALID_TOKEN,
            (Challenge::NoToken, true) => DPOP,
            (Challenge::InvalidToken, true) => DPOP_INVALID_TOKEN,
            (Challenge::InvalidProof, _) => DPOP_INVALID_PROOF,
            (Challenge::UseNonce, _) => DPOP_USE_NONCE,
        }
    }
}

fn nonce(state: &State, now: u64) -> Option<HeaderValue> {
    let nonce = state.gate.nonces.issue(now)?;
    HeaderValue::from_str(nonce.as_str()).ok()
}

/// What was decided, if the proof that it rests on was not used before.
pub(super) async fn settle<T>(
    app: &App,
    decided: UnlessReplayed<T>,
    request: Option<&str>,
) -> Result<T, (UnlessReplayed<T>, Replay)> {
    let store_answers = app.revocations().health().answers();
    let asked = Asked { store: app.store(), store_answers, request, now: app.now() };
    app.replays().settle(decided, asked).await
}

/// Likewise at one of samehand's own endpoints.
pub(super) async fn settle_own<T>(app: &App, decided: UnlessReplayed<T>) -> Result<T, Denial> {
    settle(app, decided, None).await.map_err(|(_, replay)| replay.denial())
}

/// The identifier of a question where no client can have written it: the configurations that we ship for these proxies set
/// it to one of the proxy's own on every request that carries a proof.
pub(super) fn proxys_own_id<'a>(question: &Question<'a>) -> Option<&'a str> {
    match question.proxy {
        Proxy::Nginx | Proxy::Caddy => request_id::given(question.headers),
        Proxy::Traefik => None,
    }
}

/// The proof of the key that a new token is to be bound to, as it came to one of samehand's own endpoints. It is verified, and
/// nobody was asked yet whether it was used before: that is written down, and anybody can make proofs.
pub(super) fn of_new_key(
    app: &App,
    caller: &Caller<'_>,
) -> Result<Option<UnlessReplayed<VerifiedProof>>, HttpResponse> {
    let offered = {
        let state = app.state();
        proofs::of_new_key(caller, &state.gate, app.now()).map_err(|error| refused(&error, &state, app.now()))?
    };
    let Some(proof) = offered else {
        let state = app.state();
        let is_required = state.gate.policy.require_same.contains(Part::Dpop);
        return if is_required { Err(refused(&ProofError::Missing, &state, app.now())) } else { Ok(None) };
    };
    Ok(Some(proof))
}

/// The key of a proof that was verified, if it is used for the first time.
pub(super) async fn first_use(app: &App, proof: UnlessReplayed<VerifiedProof>) -> Result<Thumbprint, HttpResponse> {
    match settle(app, proof, None).await {
        Ok(proof) => Ok(proof.key()),
        Err((_, replay)) => Err(used(replay, app)),
    }
}

/// The answer to a proof that is not used for the first time.
pub(super) fn used(replay: Replay, app: &App) -> HttpResponse {
    match replay {
        Replay::Again => invalid("the proof was used before", &app.state(), app.now()),
        Replay::Unremembered => json::unavailable(),
    }
}

/// RFC 9449 sections 5 and 8.
pub(super) fn refused(error: &ProofError, state: &State, now: u64) -> HttpResponse {
    match error {
        ProofError::Missing => invalid("send a DPoP proof", state, now),
        ProofError::Invalid(flaw) => invalid(&format!("the proof {}", flaw.problem()), state, now),
        ProofError::NonceRequired => with_nonce(
            json::error(StatusCode::BAD_REQUEST, "use_dpop_nonce", "use the nonce in DPoP-Nonce"),
            state,
            now,
        ),
    }
}

fn invalid(description: &str, state: &State, now: u64) -> HttpResponse {
    with_nonce(json::error(StatusCode::BAD_REQUEST, "invalid_dpop_proof", description), state, now)
}

/// The same answer with a nonce for the next proof.
pub(super) fn with_nonce(mut response: HttpResponse, state: &State, now: u64) -> HttpResponse {
    if let Some(nonce) = nonce(state, now) {
        response.headers_mut().insert(DPOP_NONCE, nonce);
    }
    response
}

/// Puts the challenge and the nonce on an answer.
pub(super) fn challenge(response: &mut HttpResponse, challenge: Challenge, manner: &Manner) {
    response.headers_mut().insert(WWW_AUTHENTICATE, manner.challenge(challenge));
    if let Some(nonce) = manner.nonce() {
        response.headers_mut().insert(DPOP_NONCE, nonce);
    }
}
