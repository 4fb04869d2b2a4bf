//! The subrequest: takes the proxy's question out of the HTTP request, asks, reports once, answers.
//!
//! Any method, any path below the prefix; a body is neither read nor waited for, the query string is not looked at.

use super::{request_id, respond};
use crate::app::App;
use crate::audit::Answered;
use crate::check::client_ip::Peer;
use crate::check::forwarded::Proxy;
use crate::check::{Moment, Question, decide};
use actix_http::HttpMessage as _;
use actix_web::dev::Extensions;
use actix_web::http::header::HeaderMap;
use actix_web::rt::net::UnixStream;
use actix_web::{HttpRequest, HttpResponse, web};
use std::any::Any;
use std::net::SocketAddr;
use std::time::Instant;

pub(super) async fn nginx(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    authorize(peer_of(&request), request.headers(), &app, Proxy::Nginx)
}

pub(super) async fn traefik(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    authorize(peer_of(&request), request.headers(), &app, Proxy::Traefik)
}

pub(super) async fn caddy(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    authorize(peer_of(&request), request.headers(), &app, Proxy::Caddy)
}

/// The answer to a subrequest that says `Expect: 100-continue`, given at once: nginx and HAProxy take an interim answer
/// for a failure, and the body would not be read anyway. Nothing for any other path.
pub fn answer_in_place_of_continue(request: &actix_http::Request, app: &App) -> Option<HttpResponse> {
    let below = request.path().strip_prefix("/auth/")?;
    let proxy = Proxy::from_name(below.split_once('/').map_or(below, |(kind, _)| kind))?;
    let peer = peer_from(request.conn_data::<UnixSocket>(), request.peer_addr());
    Some(authorize(peer, request.headers(), app, proxy))
}

fn authorize(peer: Peer, headers: &HeaderMap, app: &App, proxy: Proxy) -> HttpResponse {
    let started = Instant::now();
    let question = Question { proxy, peer, headers };
    let state = app.state();
    let revocations = app.revocations().snapshot();
    let moment = Moment { now: app.now(), revocations: revocations.knowledge() };
    let judgement = decide(&question, &state.gate, moment);
    let request_id = request_id::of(headers);
    let answered = Answered {
        status: respond::status_of(proxy, &judgement).as_u16(),
        request_id: request_id.to_str().unwrap_or_default(),
        duration: started.elapsed(),
    };
    app.audit().decision(&question, &judgement, &answered, &state.gate.policy.trusted_proxies);
    respond::answer(proxy, &judgement, request_id)
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
