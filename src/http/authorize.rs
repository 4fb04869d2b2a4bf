//! The subrequest: takes the proxy's question out of the HTTP request, asks, reports once, answers.
//!
//! Any method, any path below the prefix; a body is neither read nor waited for, the query string is not looked at.

use super::dpop::{self, Manner};
use super::pages::refused;
use super::{json, on_the_way, request_id, respond};
use crate::app::{App, State};
use crate::audit::Answered;
use crate::check::client_ip::Peer;
use crate::check::forwarded::Proxy;
use crate::check::memory::Memory;
use crate::check::observed::ObservedClient;
use crate::check::once::{Replay, UnlessReplayed};
use crate::check::refusal_body::refusal_body;
use crate::check::renewal::{self, Renewal};
use crate::check::sign_in::{self, Detour};
use crate::check::{Judgement, Moment, Question, decide_remembering};
use actix_http::HttpMessage as _;
use actix_web::dev::Extensions;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, SET_COOKIE};
use actix_web::rt::net::UnixStream;
use actix_web::{HttpRequest, HttpResponse, web};
use std::any::Any;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::Instant;

pub(super) async fn nginx(request: HttpRequest) -> HttpResponse {
    answer(&request, Proxy::Nginx).await
}

pub(super) async fn traefik(request: HttpRequest) -> HttpResponse {
    answer(&request, Proxy::Traefik).await
}

pub(super) async fn caddy(request: HttpRequest) -> HttpResponse {
    answer(&request, Proxy::Caddy).await
}

/// The answer to a subrequest that says `Expect: 100-continue`, given at once: nginx and HAProxy take an interim answer
/// for a failure, and the body would not be read anyway. Nothing for any other path.
pub fn answer_in_place_of_continue(request: &actix_http::Request, app: &App) -> Option<HttpResponse> {
    let below = request.path().strip_prefix("/auth/")?;
    let proxy = Proxy::from_name(below.split_once('/').map_or(below, |(kind, _)| kind))?;
    let peer = peer_from(request.conn_data::<UnixSocket>(), request.peer_addr());
    let question = Question { proxy, peer, headers: request.headers() };
    let (at, state) = (Now::of(app), app.state());
    // Nobody can be asked here whether a proof was used before: it is a proxy's mistake to send `Expect` with a question.
    let judgement = decided(at, app, &state, &question).without_proof();
    let judgement = judgement.unwrap_or_else(|decided| refused(app, decided, Replay::Unremembered));
    let asked = Asked::of(at, app, &state, &question, judgement);
    Some(asked.answer(app, &state, &question, None))
}

async fn answer(request: &HttpRequest, proxy: Proxy) -> HttpResponse {
    // Borrowed: an argument of the handler would be a counted reference that all workers write to.
    let Some(app) = request.app_data::<web::Data<App>>() else { return json::unavailable() };
    let at = Now::of(app);
    let question = Question { proxy, peer: peer_of(request), headers: request.headers() };
    match at_once(at, app, &question) {
        Ok(answer) => answer,
        // In memory of its own, so that every other answer has less to carry.
        Err(waiting) => Box::pin(later(at, app, &question, *waiting)).await,
    }
}

/// What the clocks say, looked at once for a request.
#[derive(Clone, Copy)]
struct Now {
    started: Instant,
    /// In seconds since 1970.
    seconds: u64,
}

impl Now {
    fn of(app: &App) -> Self {
        Self { started: Instant::now(), seconds: app.now() }
    }
}

/// What is decided, and waits for somebody.
enum Waiting<'a> {
    /// Whether its proof was used before has to be asked.
    Unsettled(UnlessReplayed<Judgement<'a>>),
    /// The token may be renewed first.
    Renewal(Asked<'a>),
}

#[inline]
fn at_once<'a>(at: Now, app: &App, question: &Question<'a>) -> Result<HttpResponse, Box<Waiting<'a>>> {
    let state = app.state();
    let judgement = match decided(at, app, &state, question).without_proof() {
        Ok(judgement) => judgement,
        Err(decided) => return Err(Box::new(Waiting::Unsettled(decided))),
    };
    let asked = Asked::of(at, app, &state, question, judgement);
    match asked.renewal {
        Renewal::No => Ok(asked.answer(app, &state, question, None)),
        Renewal::Due | Renewal::Overdue => Err(Box::new(Waiting::Renewal(asked))),
    }
}

/// Out of the way of nearly every request: a memory or the store is asked.
async fn later<'a>(at: Now, app: &App, question: &Question<'a>, waiting: Waiting<'a>) -> HttpResponse {
    let mut asked = match waiting {
        Waiting::Renewal(asked) => asked,
        Waiting::Unsettled(decided) => {
            let judgement = dpop::settle(app, decided, dpop::proxys_own_id(question))
                .await
                .unwrap_or_else(|(decided, why)| refused(app, decided, why));
            Asked::of(Now { seconds: app.now(), ..at }, app, &app.state(), question, judgement)
        }
    };
    let mut cookie = None;
    if asked.renewal != Renewal::No {
        (asked.judgement, cookie) = on_the_way::renew(app, question, asked.judgement, asked.renewal).await;
        asked.at.seconds = app.now();
    }
    asked.answer(app, &app.state(), question, cookie)
}

thread_local! {
    /// What this thread has found out about tokens.
    static MEMORY: RefCell<Memory> = RefCell::default();
}

#[inline]
fn decided<'a>(at: Now, app: &App, state: &State, question: &Question<'a>) -> UnlessReplayed<Judgement<'a>> {
    let revocations = app.revocations().snapshot_at(at.started);
    let moment = Moment { now: at.seconds, revocations: revocations.knowledge() };
    MEMORY.with_borrow_mut(|memory| decide_remembering(question, &state.gate, moment, memory))
}

fn refused<'a>(app: &App, decided: UnlessReplayed<Judgement<'a>>, why: Replay) -> Judgement<'a> {
    decided.refused(why, app.state().gate.policy.enforce)
}

/// A question that was decided about and not answered yet.
struct Asked<'a> {
    at: Now,
    judgement: Judgement<'a>,
    renewal: Renewal,
}

impl<'a> Asked<'a> {
    #[inline]
    fn of(at: Now, app: &App, state: &State, question: &Question<'a>, judgement: Judgement<'a>) -> Self {
        let now = at.seconds;
        if let Some(sid) = judgement.bound.as_ref().and_then(|bound| bound.token().session()) {
            app.activity().saw(sid, state.session_grain(), now);
        }
        let renewal = renewal::wanted(question, &judgement, now);
        Self { at, judgement, renewal }
    }

    fn answer(self, app: &App, state: &State, question: &Question<'_>, cookie: Option<HeaderValue>) -> HttpResponse {
        let (proxy, judgement) = (question.proxy, &self.judgement);
        let detour = self.detour(app, question, state);
        let request_id = request_id::of(question.headers);
        let answered = Answered {
            status: respond::status_of(proxy, judgement, detour.as_ref()).as_u16(),
            request_id: request_id.to_str().unwrap_or_default(),
            duration: self.at.started.elapsed(),
        };
        app.audit().decision(question, judgement, &answered, &state.gate.policy, state.sign_in.as_ref());
        let manner = Manner::of(&judgement.seen, state, self.at.seconds);
        let mut response = respond::answer(proxy, judgement, detour.as_ref(), request_id, &manner);
        if response.status() == StatusCode::UNAUTHORIZED {
            let sign_in = state.sign_in.as_ref().map(|sign_in| sign_in.url.as_str());
            let body = refusal_body(question, judgement, &state.gate.policy, detour.as_ref(), sign_in.is_some());
            response = refused::fill(response, body, sign_in, proxy);
        }
        if let Some(cookie) = cookie {
            response.headers_mut().insert(SET_COOKIE, cookie);
        }
        response
    }
}

impl Asked<'_> {
    fn detour(&self, app: &App, question: &Question<'_>, state: &State) -> Option<Detour> {
        let (judgement, now) = (&self.judgement, self.at.seconds);
        let has_just_signed_in = |back: &str| match (judgement.seen.client_ip, judgement.seen.user_agent) {
            (Some(ip), Some(user_agent)) => {
                app.activity().has_just_signed_in(&ObservedClient::new(ip, user_agent), back, now)
            }
            (None, _) | (_, None) => false,
        };
        sign_in::detour(question, judgement, &state.gate.policy, state.sign_in.as_ref()?, now, has_just_signed_in)
    }
}

/// Marks a connection that came through a Unix socket.
struct UnixSocket;

/// Notes on a new connection what only its type tells: that it came through a Unix socket.
pub fn note_unix_socket(connection: &dyn Any, extensions: &mut Extensions) {
    if connection.is::<UnixStream>() {
        extensions.insert(UnixSocket);
    }
}

/// Who opened the connection. That it has no address does not make it a Unix socket, which would be trusted: a TCP
/// connection has none either once its client has reset it, and its request is answered all the same.
pub(super) fn peer_of(request: &HttpRequest) -> Peer {
    peer_from(request.conn_data::<UnixSocket>(), request.peer_addr())
}

fn peer_from(mark: Option<&UnixSocket>, address: Option<SocketAddr>) -> Peer {
    match (mark, address) {
        (Some(UnixSocket), _) => Peer::Unix,
        (None, Some(address)) => Peer::Tcp(address.ip()),
        (None, None) => Peer::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_connection_without_an_address_is_no_unix_socket() {
        assert_eq!(peer_of(&TestRequest::default().to_http_request()), Peer::Unknown);
        let known = TestRequest::default().peer_addr(([192, 0, 2, 1], 1).into()).to_http_request();
        assert_eq!(peer_of(&known), Peer::Tcp([192, 0, 2, 1].into()));
    }
}
