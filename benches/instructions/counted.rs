//! What is counted: the real routes behind the real HTTP/1 of the web server, on a connection in memory.

use crate::wire::Wire;
use actix_http::HttpService;
use actix_service::{IntoServiceFactory as _, Service as _, ServiceFactory as _, ServiceFactoryExt as _, map_config};
use actix_web::dev::AppConfig;
use actix_web::http::header::{CACHE_CONTROL, HeaderName, HeaderValue};
use actix_web::{App as Routes, HttpResponse, web};
use samehand::app::{App, now};
use samehand::check::client_ip::ClientIp;
use samehand::check::identifiers::Revision;
use samehand::check::names::{GroupName, Groups, UserName};
use samehand::check::observed::ObservedClient;
use samehand::check::user_agent::UserAgent;
use samehand::config::{self, Config};
use samehand::http;
use samehand::issue::{Grant, Minter, Terms, new_session_id};
use samehand::keys::{self, Missing};
use samehand::revocations::Health;
use samehand::store::{self, Access};
use samehand::users::hasher::Hasher;
use std::ffi::OsString;
use std::path::Path;
use std::time::Instant;

/// So many questions are counted, after as many that are not: with them every buffer has grown, and what is remembered is.
pub(crate) const COUNTED: usize = 300;
/// A token a line, in the directory of a case.
const TOKENS: &str = "tokens";

/// One row: what is asked, over which signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    algorithm: &'static str,
    question: Question,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    /// A handler that answers the same bytes as an allow, and decides nothing.
    Nothing,
    /// One token again and again.
    Repeated,
    /// One token again and again, in the session cookie.
    Cookie,
    /// One token from another version of the browser each time.
    Updated,
    /// Another token each time.
    FirstSight,
    /// One token from another address than it was given to.
    OtherClient,
    /// No token.
    NoToken,
}

impl Case {
    /// The empty handler, asked with a token of the same length.
    pub(crate) fn without_decision(self) -> Self {
        Self { question: Question::Nothing, ..self }
    }

    /// The case of this name: an algorithm and a question.
    pub(crate) fn named(name: &str) -> Self {
        let algorithms = ["HS256", "ES256", "EdDSA", "RS256"];
        let known =
            algorithms.into_iter().flat_map(|algorithm| Question::ALL.map(|question| Self { algorithm, question }));
        known.into_iter().find(|case| case.name() == name).unwrap_or_else(|| panic!("no case is called {name:?}"))
    }

    pub(crate) fn name(self) -> String {
        format!("{} {}", self.algorithm, self.question.name())
    }
}

impl Question {
    const ALL: [Self; 7] = [
        Self::Nothing,
        Self::Repeated,
        Self::Cookie,
        Self::Updated,
        Self::FirstSight,
        Self::OtherClient,
        Self::NoToken,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing decided",
            Self::Repeated => "repeated",
            Self::Cookie => "repeated in a cookie",
            Self::Updated => "repeated by changing browsers",
            Self::FirstSight => "first sight",
            Self::OtherClient => "another client",
            Self::NoToken => "no token",
        }
    }

    fn status(self) -> &'static str {
        match self {
            Self::Nothing | Self::Repeated | Self::Cookie | Self::Updated | Self::FirstSight => "HTTP/1.1 200 ",
            Self::OtherClient => "HTTP/1.1 403 ",
            Self::NoToken => "HTTP/1.1 401 ",
        }
    }

    fn ask(self, tokens: &[&str], number: usize) -> Vec<u8> {
        let path = if self == Self::Nothing { "/nothing" } else { "/auth/nginx" };
        let address = if self == Self::OtherClient { "198.51.100.9" } else { "192.0.2.1" };
        let version = if self == Self::Updated { 141 + number % 2 } else { 140 };
        let token = if self == Self::FirstSight { tokens[number] } else { tokens[0] };
        let credential = match self {
            Self::NoToken => String::new(),
            Self::Cookie => format!("Cookie: theme=dark; __Host-samehand={token}\r\n"),
            Self::Nothing | Self::Repeated | Self::Updated | Self::FirstSight | Self::OtherClient => {
                format!("Authorization: Bearer {token}\r\n")
            }
        };
        // A refusal of a page has a page in its body: what is compared here is heads.
        let accept = if self == Self::NoToken { "*/*" } else { "text/html" };
        format!(
            "GET {path} HTTP/1.1\r\nHost: samehand\r\nUser-Agent: {}\r\n{credential}\
             X-Forwarded-For: {address}\r\nX-Forwarded-Method: GET\r\nX-Forwarded-Proto: https\r\n\
             X-Forwarded-Host: app.example.com\r\nX-Forwarded-Uri: /some/path?with=query\r\nAccept: {accept}\r\n\r\n",
            user_agent(version),
        )
        .into_bytes()
    }
}

fn user_agent(version: usize) -> String {
    format!("Mozilla/5.0 (X11; Linux x86_64; rv:{version}.0) Gecko/20100101 Firefox/{version}.0")
}

/// Prepares a directory for [`run`]: keys, a store, and tokens. Not counted, because a signature by chance takes more or
/// fewer instructions than the next one.
pub(crate) fn prepare(directory: &Path, case: Case) {
    let config = settings(directory, case.algorithm);
    let keys = keys::load(&config.keys, Missing::Create(now())).unwrap();
    store::at(&config.store, Access::Create).unwrap();
    let needed = if case.question == Question::FirstSight { 2 * COUNTED } else { 1 };
    std::fs::write(directory.join(TOKENS), mint(&config, &keys, needed).join("\n")).unwrap();
}

/// Asks twice [`COUNTED`] times.
pub(crate) fn run(directory: &Path, case: Case) {
    let Case { algorithm, question } = case;
    let config = settings(directory, algorithm);
    let keys = keys::load(&config.keys, Missing::Refuse).unwrap();
    let tokens = std::fs::read_to_string(directory.join(TOKENS)).unwrap();
    let tokens: Vec<&str> = tokens.lines().collect();
    let store = store::at(&config.store, Access::Create).unwrap();
    let app = web::Data::new(App::new(config, keys, store, Hasher::new(1, 1)));
    // Nobody follows the store here: the set is complete as it is.
    app.revocations().is_complete(Instant::now(), Health::default());
    let wire = Wire::new((0..2 * COUNTED).map(|number| question.ask(&tokens, number)), COUNTED, question.status());
    let handlers = Routes::new()
        .app_data(app)
        .service(web::resource("/nothing").to(nothing))
        .configure(http::public_routes)
        .into_factory();
    actix_rt::System::new().block_on(async {
        let service = HttpService::<Wire, _, _>::build()
            .h1(map_config(handlers.map_err(|error| error.error_response()), |_| AppConfig::default()));
        let service = service.new_service(()).await.unwrap();
        service.call((wire, Some(([127, 0, 0, 1], 1).into()))).await.unwrap();
    });
}

fn settings(directory: &Path, algorithm: &str) -> Config {
    let mut variables = vec![("SAMEHAND_DATA".to_owned(), directory.display().to_string())];
    let key = match algorithm {
        "HS256" => None,
        "EdDSA" => Some("ed25519"),
        "ES256" => Some("p256"),
        _ => Some("rsa"),
    };
    variables.extend(key.map(|name| {
        let path = format!("{}/tests/data/keys/{name}-ours.pem", env!("CARGO_MANIFEST_DIR"));
        ("SAMEHAND_SIGNING_KEY_FILE".into(), path)
    }));
    let environment = variables.into_iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    config::load(None, environment).unwrap_or_else(|problems| panic!("{problems:?}"))
}

fn mint(config: &Config, keys: &keys::Keys, number: usize) -> Vec<String> {
    let groups = ["staff", "developers"].map(|name| GroupName::read(name).unwrap());
    let groups = Groups::new(groups).unwrap();
    let user_agent = user_agent(140);
    let user_agent = UserAgent::from_bytes(Some(user_agent.as_bytes()));
    let client = ObservedClient::new(ClientIp::vouched("192.0.2.1".parse().unwrap()), user_agent);
    let minter = Minter::new(&config.policy, keys, config.token_ttl);
    let mint = |_| {
        let grant = Grant { groups: groups.clone(), ..Grant::of(UserName::read("alice").unwrap()) };
        let session = Some((new_session_id().unwrap(), now() + config.policy.max_lifetime));
        let terms = Terms { issued_under: Revision::new(now() * 1000), session, before: None, ttl: None, now: now() };
        minter.mint(grant, &client, &config.policy, &terms).unwrap().token
    };
    (0..number).map(mint).collect()
}

/// The same headers as an allow, and nothing decided.
async fn nothing() -> HttpResponse {
    let mut response = HttpResponse::Ok().finish();
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in http::IDENTITY_HEADERS.iter().zip(["alice", "staff,developers", "", ""]) {
        headers.insert(name.clone(), HeaderValue::from_static(value));
    }
    headers.insert(HeaderName::from_static("x-request-id"), HeaderValue::from_static("0123456789abcdef-0000"));
    response
}
