//! `POST /renew`: a fresh token for a session that lives, in the same hand. The old token stays what it was.
//!
//! Signature, revocations and client have to hold; `exp` may have passed. From another client it is refused, and said.

use super::dpop::{self, Manner};
use super::exchange::exchange;
use super::mint::issued;
use super::origin::Askers;
use super::trail::{self, Deed};
use super::whoami::caller_of;
use super::{cookie, json, origin, refusal};
use crate::app::App;
use crate::check::binding::{BindingError, BoundToken};
use crate::check::client_ip::ClientIp;
use crate::check::credential::Carrier;
use crate::check::decision::{Challenge, Decision, Denial, Reason};
use crate::check::observed::{CookieProof, ObservedClient, Proofs};
use crate::check::parts::Parts;
use crate::check::policy::Policy;
use crate::check::revocation::RevocationError;
use crate::check::token::Expiry;
use crate::check::user_agent::UserAgent;
use crate::check::{Caller, Moment, Seen, recognise};
use crate::issue::{Minted, new_secret};
use crate::sessions::{LiveSession, SessionError};
use crate::throttle;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse, web};
use log::{error, info, warn};

pub(super) async fn renew(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let Renewable { bound, client, carrier } = match renewable(&request, &app).await {
        Ok(renewable) => renewable,
        Err(answer) => return answer,
    };
    if let Err(answer) = take_renewal(&app, &bound).await {
        return answer;
    }
    let secret = match new_secret() {
        Ok(secret) => secret,
        Err(error) => return failed(&bound, &error.into()),
    };
    let client = with_secret(client, &secret);
    match exchange(&app, &bound, &client).await {
        Ok((minted, live)) => {
            let (sid, username, remote_ip) =
                (live.session().id.as_str(), bound.token().subject(), client.ip.to_string());
            info!(username = username, remote_ip = remote_ip.as_str(), sid = sid; "token renewed");
            answer(&app, &minted, &live, carrier)
        }
        Err(SessionError::Ended) => {
            let manner = Manner::of(&Seen { carrier, ..Seen::default() }, &app.state(), app.now());
            refusal::of(&Denial::Revoked(RevocationError::SessionEnded, bound.token().format()), &manner)
        }
        Err(SessionError::ReboundTooOften(seconds)) => {
            json::slow_down_as(seconds, "the client has changed too often today; sign in again, or try again later")
        }
        Err(error @ (SessionError::Store(_) | SessionError::Mint(_))) => failed(&bound, &error),
    }
}

/// Each fresh token is one more that is good: a session gets as many as pages need, and no store full of work.
async fn take_renewal(app: &App, bound: &BoundToken) -> Result<(), HttpResponse> {
    // A token without a session is not renewed, which is said further on.
    let Some(sid) = bound.token().session() else { return Ok(()) };
    match throttle::renewing::renew(app.store(), sid).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(seconds)) => Err(json::slow_down_as(
            seconds,
            "this session was renewed too often just now; keep the token that you have",
        )),
        Err(error) => Err(failed(bound, &error.into())),
    }
}

fn failed(bound: &BoundToken, error: &SessionError) -> HttpResponse {
    error!(username = bound.token().subject(); "no token was renewed: {error}");
    if error.is_lasting() { json::token_too_large() } else { json::unavailable() }
}

/// Whoever has shown the secret that the token is bound to keeps it. Whoever has none, and may renew all the same, gets one:
/// while the proof is only watched.
fn with_secret<'a>(client: ObservedClient<'a>, fresh: &'a str) -> ObservedClient<'a> {
    match client.proofs.cookie {
        CookieProof::Secret(_) | CookieProof::Session => client,
        CookieProof::None => client.with_proofs(Proofs { cookie: CookieProof::Secret(fresh), ..client.proofs }),
    }
}

/// What may be renewed if its session lives.
struct Renewable<'a> {
    bound: BoundToken,
    client: ObservedClient<'a>,
    carrier: Option<Carrier>,
}

async fn renewable<'a>(request: &'a HttpRequest, app: &App) -> Result<Renewable<'a>, HttpResponse> {
    let caller = caller_of(request, &app.state())?;
    let Held { bound, carrier, manner, .. } = held(&caller, app).await;
    if carrier == Some(Carrier::Cookie)
        && origin::is_foreign(request.headers(), &app.state().cookie, Askers::HostsOfTheCookie)
    {
        return Err(refusal::foreign_origin());
    }
    bound.map(|(bound, client)| Renewable { bound, client, carrier }).map_err(|denial| {
        let mut answer = refusal::of(&denial, &manner);
        // A token is asked for here: RFC 9449 sections 5 and 8.
        if let Reason::ProofMissing | Reason::ProofInvalid | Reason::ProofReplayed | Reason::NonceRequired =
            denial.reason()
            && !matches!(denial.decision(), Decision::Challenge(Challenge::InvalidToken))
        {
            *answer.status_mut() = StatusCode::BAD_REQUEST;
        }
        answer
    })
}

/// The token that came, in the hand it was given to; `exp` may have passed.
pub(super) struct Held<'a> {
    /// The token, and who holds it.
    pub(super) bound: Result<(BoundToken, ObservedClient<'a>), Denial>,
    /// The way it came.
    pub(super) carrier: Option<Carrier>,
    /// What about the client is not what it was.
    pub(super) changed: Parts,
    /// How it is refused.
    pub(super) manner: Manner,
}

/// Looks at the token of a request to one of samehand's own endpoints. What a caller gets here outlives the request, so
/// `ENFORCE` lets nothing pass: a token for a changed client would be good for it once refusals are carried out.
pub(super) async fn held<'a>(caller: &Caller<'a>, app: &App) -> Held<'a> {
    let mut seen = Seen::default();
    let bound = {
        let state = app.state();
        let revocations = app.revocations().snapshot();
        let moment = Moment { now: app.now(), revocations: revocations.knowledge() };
        let recognised = recognise(caller, &state.gate, moment, Expiry::Ignored, &mut seen);
        recognised
            .map(|recognised| recognised.map(|recognised| recognised.bound))
            .inspect_err(|denial| report_theft(denial, caller.ip, &seen, &state.gate.policy))
    };
    if let Err(Denial::Binding(BindingError::ClientChanged(_), _)) = &bound {
        note_theft(app, caller, &seen).await;
    }
    let bound = match bound {
        Ok(bound) => dpop::settle_own(app, bound).await,
        Err(denial) => Err(denial),
    };
    let (carrier, changed) = (seen.carrier, seen.changed);
    let manner = Manner::of(&seen, &app.state(), app.now());
    // Whoever came as far as a bound token was seen.
    let client = seen.client.unwrap_or(ObservedClient::new(caller.ip, UserAgent::from_bytes(None)));
    let bound = bound.map(|bound| (bound, client));
    Held { bound, carrier, changed, manner }
}

fn report_theft(denial: &Denial, ip: ClientIp, seen: &Seen<'_>, policy: &Policy) {
    if let Denial::Binding(BindingError::ClientChanged(_), _) = denial {
        warn!(
            event = "theft-suspected",
            username = seen.username().unwrap_or_default(),
            remote_ip = ip.to_string().as_str(),
            sid = seen.session().map_or("", |sid| sid.as_str()),
            changed = policy.header_parts.names(seen.changed).as_str();
            "a token was to be renewed from another client than the one it was given to"
        );
    }
}

async fn note_theft(app: &App, caller: &Caller<'_>, seen: &Seen<'_>) {
    let (username, remote_ip) = (seen.username().unwrap_or_default(), caller.ip.to_string());
    let sid = seen.session().map_or("", |sid| sid.as_str());
    let deed = Deed { action: "theft-suspected", actor: "", subject: username, remote_ip: &remote_ip, sid };
    trail::note_refused(app, caller.headers, deed).await;
}

/// The way the old token came is the way the new one goes.
fn answer(app: &App, minted: &Minted, live: &LiveSession, carrier: Option<Carrier>) -> HttpResponse {
    let (state, left) = (app.state(), live.session().ends_at.saturating_sub(app.now()));
    let mut response = match carrier {
        Some(Carrier::Cookie) => HttpResponse::new(StatusCode::NO_CONTENT),
        Some(Carrier::Authorization | Carrier::Dpop | Carrier::Bare) | None => issued(minted, app),
    };
    if carrier == Some(Carrier::Cookie) {
        response.headers_mut().insert(CACHE_CONTROL, super::respond::NO_STORE);
        response.headers_mut().insert(SET_COOKIE, cookie::set(&state.cookie, &minted.token, left));
    }
    cookie::add_proof(response.headers_mut(), &state, minted.secret.as_deref(), left);
    response
}
