//! HTTP/1 on one listener: keep-alive, limits in time, and no interim answer to the subrequest.
//!
//! This is what the web server's own builder does, but for one thing that it cannot be told: what follows from
//! `Expect: 100-continue`.

use super::Listener;
use crate::app::App;
use crate::http;
use actix_http::body::BoxBody;
use actix_http::{HttpService, Request, Response};
use actix_rt::net::{TcpStream, UnixStream};
use actix_server::ServerBuilder;
use actix_service::{IntoServiceFactory as _, ServiceFactoryExt as _, fn_service, map_config};
use actix_web::dev::AppConfig;
use actix_web::{App as Routes, web};
use std::future::ready;
use std::io;
use std::time::Duration;

/// Idle connections stay open longer than any proxy's pool keeps them (nginx 60 s, Traefik 90 s, Caddy 120 s), so that
/// a connection never dies under a request.
const KEEP_ALIVE: Duration = Duration::from_secs(180);
/// How long a new connection may take to send its first request head.
const FIRST_HEAD: Duration = Duration::from_secs(5);
/// How long a closing connection may take to hear that it is closed.
const DISCONNECT: Duration = Duration::from_secs(1);

/// Adds the routes of one side.
pub(super) type RouteTable = fn(&mut web::ServiceConfig);

/// The service of one kind of connection. A macro, because its type cannot be written down: it depends on the routes.
macro_rules! http_over {
    ($transport:ty, $app:ident, $routes:ident, $stopping:ident) => {{
        let (app, stopping) = ($app.clone(), $stopping.clone());
        let handlers = Routes::new().app_data($app.clone()).configure($routes).into_factory();
        HttpService::<$transport, _, _>::build()
            .keep_alive(KEEP_ALIVE)
            .client_request_timeout(FIRST_HEAD)
            .client_disconnect_timeout(DISCONNECT)
            .graceful_shutdown_signal(move || {
                let stopping = stopping.clone();
                async move { stopping.notified().await }
            })
            .on_connect_ext(|connection: &$transport, extensions| http::note_unix_socket(connection, extensions))
            .expect(fn_service(move |request| ready(answer_or_continue(request, &app))))
            .h1(map_config(handlers.map_err(|error| error.error_response()), |_| AppConfig::default()))
    }};
}

/// Serves the routes on a listener.
pub(super) fn listen(
    builder: ServerBuilder,
    listener: Listener,
    app: &web::Data<App>,
    routes: RouteTable,
) -> io::Result<ServerBuilder> {
    let (app, stopping) = (app.clone(), builder.graceful_shutdown_signal());
    match listener {
        Listener::Tcp(listener, address) => {
            builder.listen(address, listener, move || http_over!(TcpStream, app, routes, stopping).tcp())
        }
        Listener::Unix(listener, path) => builder.listen_uds(path.display().to_string(), listener, move || {
            fn_service(|socket: UnixStream| ready(Ok((socket, None))))
                .and_then(http_over!(UnixStream, app, routes, stopping))
        }),
    }
}

/// What is the error of this step in the library's words is the answer: no interim one goes before it.
fn answer_or_continue(request: Request, app: &App) -> Result<Request, Response<BoxBody>> {
    match http::answer_in_place_of_continue(&request, app) {
        Some(answer) => Err(answer.into()),
        None => Ok(request),
    }
}
