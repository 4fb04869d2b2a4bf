//! The real service in this process with one worker, beside a handler that answers the same bytes and does nothing.
//!
//! Both are routes of one server, so that all they do not have in common is the decision.

mod asking;

pub(crate) use asking::{Asking, Comparison, show_each};

use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::{App as Routes, HttpResponse, HttpServer, web};
use samehand::app::{App, now};
use samehand::check::client_ip::ClientIp;
use samehand::check::identifiers::Revision;
use samehand::check::names::{GroupName, Groups, UserName};
use samehand::check::observed::{ObservedClient, Proofs};
use samehand::check::revocation::Entry;
use samehand::check::user_agent::UserAgent;
use samehand::config::{self, Config};
use samehand::http;
use samehand::issue::{Grant, Minted, Terms, new_session_id};
use samehand::keys::{self, Missing};
use samehand::revocations::Health;
use samehand::store::{self, Access};
use samehand::users::hasher::Hasher;
use std::ffi::OsString;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::OnceLock;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The browser that tokens are bound to.
pub(crate) const USER_AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
/// Its address.
pub(crate) const CLIENT: &str = "192.0.2.1";

const KEEP_ALIVE: Duration = Duration::from_secs(180);

/// A running service. It ends when this is dropped.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    app: web::Data<App>,
    imitated: web::Data<OnceLock<Imitated>>,
    handle: ServerHandle,
    thread: Option<JoinHandle<()>>,
}

/// What the empty handler answers.
struct Imitated {
    status: StatusCode,
    headers: HeaderMap,
}

impl Service {
    /// Starts it on a data directory with these settings, named without `SAMEHAND_`, and with these revocations known.
    pub(crate) fn start(directory: &Path, settings: &[(&str, String)], revocations: &[Entry]) -> Self {
        let config = read_settings(directory, settings);
        let keys = keys::load(&config.keys, Missing::Create(now())).unwrap();
        let store = store::at(&config.store, Access::Create).unwrap();
        let app = web::Data::new(App::new(config, keys, store, Hasher::new(1, 1)));
        // Nobody follows the store here: the set is complete as it is.
        app.revocations().add(revocations);
        app.revocations().is_complete(Instant::now(), Health::default());
        let imitated = web::Data::new(OnceLock::new());
        let (address, handle, thread) = serve(app.clone(), imitated.clone());
        Self { address, app, imitated, handle, thread: Some(thread) }
    }

    /// A token of a session that it accepts, unlike any other.
    pub(crate) fn mint(&self) -> String {
        self.mint_with(Proofs::default()).token
    }

    /// A token that is bound to these proofs too.
    pub(crate) fn mint_with(&self, proofs: Proofs<'_>) -> Minted {
        let state = self.app.state();
        let groups = ["staff", "developers"].map(|name| GroupName::read(name).unwrap());
        let grant = Grant { groups: Groups::new(groups).unwrap(), ..Grant::of(UserName::read("alice").unwrap()) };
        let user_agent = UserAgent::from_bytes(Some(USER_AGENT.as_bytes()));
        let client = ObservedClient::new(ClientIp::vouched(CLIENT.parse().unwrap()), user_agent).with_proofs(proofs);
        let policy = &state.gate.policy;
        let session = Some((new_session_id().unwrap(), now() + policy.max_lifetime));
        let terms = Terms { issued_under: Revision::new(now() * 1000), session, before: None, ttl: None, now: now() };
        state.minter.mint(grant, &client, policy, &terms).unwrap()
    }

    /// Has the empty handler answer what the service answers to this, and makes sure that it does.
    pub(crate) fn imitate(&self, asking: &Asking<'_>) {
        let real = asking.once();
        let mut headers = HeaderMap::new();
        for line in real.lines().skip(1).take_while(|line| !line.is_empty()) {
            let (name, value) = line.split_once(": ").unwrap();
            // The server writes these by itself.
            if !["content-length", "date"].contains(&name) {
                headers.append(name.parse().unwrap(), value.parse().unwrap());
            }
        }
        let status = StatusCode::from_u16(asking.status).unwrap();
        assert!(self.imitated.set(Imitated { status, headers }).is_ok(), "one service imitates one answer");
        let same = asking.at("/nothing").once();
        // The order of the lines, the clock, and the name of the request differ.
        assert_eq!(alike(&real), alike(&same), "the empty handler answers something else");
    }
}

/// The header line that shows a token.
pub(crate) fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

fn alike(answer: &str) -> Vec<String> {
    let mut lines: Vec<String> = answer
        .lines()
        .map(|line| match line.split_once(": ") {
            Some((name @ ("date" | "x-request-id"), value)) => format!("{name}: {} bytes", value.len()),
            Some(_) | None => line.to_owned(),
        })
        .collect();
    lines.sort_unstable();
    lines
}

impl Drop for Service {
    fn drop(&mut self) {
        // The command is on its way when this returns; waiting for it is what the thread is joined for.
        drop(self.handle.stop(false));
        self.thread.take().map(JoinHandle::join);
    }
}

/// The settings that make this the algorithm.
pub(crate) fn signing_with(algorithm: &str) -> Vec<(&'static str, String)> {
    let name = match algorithm {
        "HS256" => return Vec::new(),
        "EdDSA" => "ed25519",
        "ES256" => "p256",
        _ => "rsa",
    };
    vec![("SIGNING_KEY_FILE", format!("{}/tests/data/keys/{name}-ours.pem", env!("CARGO_MANIFEST_DIR")))]
}

fn read_settings(directory: &Path, settings: &[(&str, String)]) -> Config {
    let own = [("DATA", directory.display().to_string()), ("STORE_MAX_STALE", "24h".into())];
    let variables = own.iter().chain(settings).map(|(name, value)| (format!("SAMEHAND_{name}"), value));
    let environment = variables.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    config::load(None, environment).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// The same answer, and nothing decided.
async fn nothing(imitated: web::Data<OnceLock<Imitated>>) -> HttpResponse {
    let Some(Imitated { status, headers }) = imitated.get() else {
        return HttpResponse::InternalServerError().finish();
    };
    let mut response = HttpResponse::new(*status);
    for (name, value) in headers {
        response.headers_mut().insert(name.clone(), value.clone());
    }
    response
}

fn serve(app: web::Data<App>, imitated: web::Data<OnceLock<Imitated>>) -> (SocketAddr, ServerHandle, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (send, started) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let routes = move || {
            Routes::new()
                .app_data(app.clone())
                .app_data(imitated.clone())
                .service(web::resource("/nothing").to(nothing))
                .configure(http::public_routes)
        };
        actix_rt::System::new().block_on(async move {
            // As long as the service keeps connections, so that none is lost while the other one is asked.
            let server = HttpServer::new(routes).workers(1).keep_alive(KEEP_ALIVE).disable_signals();
            let server = server.listen(listener).unwrap().run();
            send.send(server.handle()).unwrap();
            server.await.unwrap();
        });
    });
    (address, started.recv().unwrap(), thread)
}
