//! The subrequest: takes the proxy's question out of the HTTP request, asks, reports once, answers.
//!
//! Any method, any path below the prefix; a body is neither read nor waited for, the query string is not looked at.

use super::{request_id, respond};
use crate::app::App;
use crate::audit::Answered;
use crate::check::client_ip::Peer;
use crate::check::forwarded::Proxy;
use crate::check::{Question, decide};
use actix_web::{HttpRequest, HttpResponse, web};
use std::time::Instant;

pub(super) async fn nginx(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    authorize(&request, &app, Proxy::Nginx)
}

pub(super) async fn traefik(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    authorize(&request, &app, Proxy::Traefik)
}

pub(super) async fn caddy(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    authorize(&request, &app, Proxy::Caddy)
}

fn authorize(request: &HttpRequest, app: &App, proxy: Proxy) -> HttpResponse {
    let started = Instant::now();
    let question = Question { proxy, peer: peer_of(request), headers: request.headers() };
    let state = app.state();
    let judgement = decide(&question, &state.gate, app.now());
    let request_id = request_id::of(request.headers());
    let answered = Answered {
        status: respond::status_of(proxy, &judgement).as_u16(),
        request_id: request_id.to_str().unwrap_or_default(),
        duration: started.elapsed(),
    };
    app.audit().decision(&question, &judgement, &answered, &state.gate.policy.trusted_proxies);
    respond::answer(proxy, &judgement, request_id)
}

/// Who opened the connection. Only a Unix socket has no address; the server listens on nothing else.
pub(super) fn peer_of(request: &HttpRequest) -> Peer {
    request.peer_addr().map_or(Peer::Unix, |address| Peer::Tcp(address.ip()))
}
