//! HTTP/1 on one listener: every connection under limits, and no interim answer to the subrequest. Judges no request.
//!
//! This is what the web server's own builder does, but for one thing that it cannot be told: what follows from
//! `Expect: 100-continue`.

use super::connections::{Connections, Progress, Quiet};
use super::guarded::{BUSY, Guarded, MOST_HEAD};
use super::listeners::{Listener, Side};
use crate::app::App;
use crate::http::{self, Names};
use actix_http::body::BoxBody;
use actix_http::header::CACHE_CONTROL;
use actix_http::{ConnectionType, HttpMessage as _, HttpService, KeepAlive, Payload, Request, Response, StatusCode};
use actix_rt::net::{TcpStream, UnixStream};
use actix_server::{GracefulShutdownSignal, ServerBuilder};
use actix_service::{
    IntoServiceFactory as _, Service as _, ServiceFactoryExt as _, apply_fn_factory, fn_service, map_config,
};
use actix_web::dev::AppConfig;
use actix_web::{App as Routes, HttpResponse, web};
use std::any::Any;
use std::future::ready;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// How long a closing connection may take to hear that it is closed.
const DISCONNECT: Duration = Duration::from_secs(1);
/// Connections that a worker takes beyond its limit, to give them up or to tell them that there are too many.
const TO_BE_TOLD: usize = 64;

impl Side {
    /// Adds the routes of this side.
    fn routes(self) -> fn(&mut web::ServiceConfig) {
        match self {
            Self::Public => http::public_routes,
            Self::Admin => http::admin_routes,
        }
    }

    /// The names that a TCP listener of this side answers to. Which names lead to an address that other machines reach, only
    /// they know.
    fn names(self, listens_on: SocketAddr) -> Names {
        match self {
            Self::Admin if listens_on.ip().to_canonical().is_loopback() => Names::OfThisMachine,
            Self::Admin | Self::Public => Names::Any,
        }
    }
}

/// The service of one kind of connection. A macro, because its type cannot be written down: it depends on the routes.
/// Heads and idle connections are timed by [`Connections`], which spares each request a timer of its own.
macro_rules! http_over {
    ($transport:ty, $served:ident, $names:expr) => {{
        let served = $served.clone();
        let connections = Connections::of_this_worker(served.most_connections, &served.quiet);
        let (app, stopping) = (served.app.clone(), served.stopping.clone());
        let handlers =
            Routes::new().app_data(app.clone()).app_data($names).configure(served.side.routes()).into_factory();
        let handlers = map_config(handlers.map_err(|error| error.error_response()), |_| AppConfig::default());
        let (to_answer, side) = (app.clone(), served.side);
        fn_service(move |socket: $transport| {
            let address = peer_address(&socket);
            ready(Ok((Guarded::new(socket, connections.open(BUSY)), address)))
        })
        .and_then(
            HttpService::<Guarded<$transport>, _, _>::build()
                .keep_alive(KeepAlive::Os)
                .client_request_timeout(Duration::ZERO)
                .client_disconnect_timeout(DISCONNECT)
                .graceful_shutdown_signal(move || {
                    let stopping = stopping.clone();
                    async move { stopping.notified().await }
                })
                .on_connect_ext(|connection: &Guarded<$transport>, extensions| {
                    http::note_unix_socket(connection.stream(), extensions);
                    extensions.insert(connection.progress());
                })
                .expect(fn_service(move |request| ready(answer_or_continue(request, side, &to_answer))))
                .h1(apply_fn_factory(handlers, move |mut request: Request, handlers| {
                    let progress = progress_of(&request);
                    // Asked before it is answered: an answer that says that all is well does not end the connection.
                    let is_last = app.is_stopping();
                    let answering = begin(&mut request, progress.as_deref()).map(|()| handlers.call(request));
                    async move {
                        let mut answered = match answering {
                            Ok(answering) => answering.await,
                            Err(refusal) => Err(refusal),
                        };
                        if let Some(progress) = progress {
                            progress.answered();
                        }
                        if let (Ok(answer), true) = (&mut answered, is_last) {
                            // Before it is closed under a request, the client is told to use another one.
                            answer.response_mut().head_mut().set_connection_type(ConnectionType::Close);
                        }
                        answered
                    }
                })),
        )
    }};
}

/// What is served, and to how many.
#[derive(Clone)]
pub(super) struct Served {
    /// What all workers share.
    pub(super) app: web::Data<App>,
    /// What is served.
    pub(super) side: Side,
    /// Connections that a worker keeps open.
    pub(super) most_connections: usize,
    /// Where workers say whether they are quiet.
    quiet: Arc<Quiet>,
    /// When the server stops.
    stopping: GracefulShutdownSignal,
}

impl Served {
    /// By this server.
    pub(super) fn by(
        builder: &ServerBuilder,
        app: &web::Data<App>,
        side: Side,
        most_connections: usize,
        quiet: &Arc<Quiet>,
    ) -> Self {
        let quiet = Arc::clone(quiet);
        Self { app: app.clone(), side, most_connections, quiet, stopping: builder.graceful_shutdown_signal() }
    }
}

/// How many connections the worker of a server accepts before the others wait in the kernel.
pub(super) fn accepted(most_connections: usize) -> usize {
    most_connections.saturating_add(TO_BE_TOLD)
}

/// Serves the routes on a listener.
pub(super) fn listen(builder: ServerBuilder, listener: Listener, served: Served) -> io::Result<ServerBuilder> {
    match listener {
        Listener::Tcp(listener, address) => {
            let names = served.side.names(address);
            builder.listen(address.to_string(), listener, move || http_over!(TcpStream, served, names))
        }
        Listener::Unix(listener, path) => {
            builder.listen_uds(path.display().to_string(), listener, move || http_over!(UnixStream, served, Names::Any))
        }
    }
}

/// The address of a TCP peer.
fn peer_address(socket: &dyn Any) -> Option<SocketAddr> {
    socket.downcast_ref::<TcpStream>()?.peer_addr().ok()
}

fn progress_of(request: &Request) -> Option<Rc<Progress>> {
    request.conn_data::<Rc<Progress>>().cloned()
}

/// Notes that the head of a request is complete. The error is the answer to one that came all at once and is longer than
/// what is waited for; only where so much has come it is measured.
fn begin(request: &mut Request, progress: Option<&Progress>) -> Result<(), HttpResponse> {
    let Some(progress) = progress else { return Ok(()) };
    let read = progress.begin(!matches!(request.payload(), Payload::None));
    let length = || request.headers().iter().map(|(name, value)| name.as_str().len() + value.len()).sum::<usize>();
    if read <= MOST_HEAD || length() <= MOST_HEAD {
        return Ok(());
    }
    let mut refusal = HttpResponse::build(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
    Err(refusal.insert_header((CACHE_CONTROL, "no-store")).force_close().finish())
}

/// What is the error of this step in the library's words is the answer: no interim one goes before it. The questions of
/// proxies are the public side's, and only there they are answered.
fn answer_or_continue(mut request: Request, side: Side, app: &App) -> Result<Request, Response<BoxBody>> {
    let answer = match side {
        Side::Public => http::answer_in_place_of_continue(&request, app),
        Side::Admin => None,
    };
    let Some(answer) = answer else { return Ok(request) };
    let progress = progress_of(&request);
    let begun = begin(&mut request, progress.as_deref());
    if let Some(progress) = progress {
        progress.answered();
    }
    Err(begun.err().unwrap_or(answer).into())
}
