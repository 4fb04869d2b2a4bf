//! Sessions and revocations as clients and operators meet them: the real process, its real store, two processes on one
//! store. What a proxy makes of the answers is tested with the real proxies.
//!
//! The trusted proxy of these tests is 127.0.0.1; [`CLIENT`](support::CLIENT) is whom tokens are issued to.

#[path = "../support/mod.rs"]
mod support;

mod articles;
mod back_ends;
mod hands;
mod limits;
mod logging_out;
mod on_the_way;
mod opening;
mod origins;
mod outages;
mod proof_cookie;
mod rebinding;
mod remembered;
mod renewing;
mod revoking;
mod same_second;
mod several_cookies;
mod stricter;
mod two_families;
mod users;

use std::{
    collections::BTreeSet,
    net::Ipv4Addr,
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use samehand::store::{self, Access, Session, StoreAddress};
use serde_json::{Value, json};
use support::{
    CLIENT,
    client::{Reply, Request, ask},
    installation::Installation,
    samehand::{Decision, PASSWORD, SECRET, Samehand},
    token::Token,
    waiting::until,
};

const PROXY: Ipv4Addr = Ipv4Addr::LOCALHOST;
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
const CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
const ADMIN_TOKEN: &str = "an-operator-knows-this-one-h7Gk2LmQ9x";
/// A change is in force on every replica so soon after it was acknowledged.
const PROMISED: Duration = Duration::from_secs(1);
/// Short lifetimes are waited for so long, and far longer than they are.
const PATIENCE: Duration = Duration::from_secs(120);

/// A service with an administration token and alice, who is staff.
#[track_caller]
fn start(settings: &[(&str, &str)]) -> Samehand {
    let samehand = Samehand::start(&[&[("ADMIN_TOKEN", ADMIN_TOKEN)], settings].concat());
    samehand.add_user("alice", &["--group", "staff"]);
    samehand
}

/// Another process on the same data.
#[track_caller]
fn replica_of(samehand: &Samehand) -> Samehand {
    Samehand::start(&[("ADMIN_TOKEN", ADMIN_TOKEN), ("DATA", &samehand.data().display().to_string())])
}

/// The answer to alice's sign-in from [`CLIENT`] with Firefox.
#[track_caller]
fn sign_in(samehand: &Samehand) -> Value {
    let body = json!({ "username": "alice", "password": PASSWORD }).to_string();
    let request = Request::post("/login", body).header("Content-Type", "application/json");
    let reply = ask(CLIENT, &samehand.tcp, &request.header("User-Agent", FIREFOX));
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

/// The token of a sign-in.
#[track_caller]
fn signed_in(samehand: &Samehand) -> String {
    token_in(&sign_in(samehand))
}

#[track_caller]
fn token_in(body: &Value) -> String {
    body["token"].as_str().unwrap_or_else(|| panic!("no token: {body}")).to_owned()
}

/// What a proxy asks about an API request of this client; the token is still missing.
fn question_from(ip: Ipv4Addr) -> Request {
    Request::about_page(ip, FIREFOX)
}

fn question() -> Request {
    question_from(CLIENT)
}

/// A browser of [`CLIENT`] navigates with this cookie.
fn page(cookie: &str) -> Request {
    question().header("Sec-Fetch-Mode", "navigate").header("Accept", "text/html").header("Cookie", cookie)
}

/// A script of a page asks with this cookie.
fn fetch(cookie: &str) -> Request {
    question().header("Sec-Fetch-Mode", "cors").header("Accept", "*/*").header("Cookie", cookie)
}

/// The cookie of that value under the default name.
fn cookie(token: &str) -> String {
    format!("__Host-samehand={token}")
}

/// Asks as the proxy, and says what the log says was decided.
#[track_caller]
fn decided(samehand: &Samehand, request: Request) -> (Reply, Decision) {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let id = format!("question-{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let reply = ask(PROXY, &samehand.tcp, &request.header("X-Request-Id", id.as_str()));
    (reply, samehand.decision(&id))
}

/// Status, and reason from the log.
#[track_caller]
fn outcome(samehand: &Samehand, request: Request) -> (u16, String) {
    let (reply, decision) = decided(samehand, request);
    (reply.status, decision.field("reason").to_owned())
}

/// What becomes of a request with this token.
#[track_caller]
fn with_token(samehand: &Samehand, token: &str) -> (u16, String) {
    outcome(samehand, question().bearer(token))
}

fn is(status: u16, reason: &str) -> (u16, String) {
    (status, reason.to_owned())
}

/// Waits until a token has expired.
#[track_caller]
fn wait_for_expiry(samehand: &Samehand, token: &str) {
    let expired = || with_token(samehand, token) == is(401, "token-expired");
    until(Instant::now(), PATIENCE, "the token expires", expired);
}

/// The same token, had it been issued so many seconds earlier: what would happen to it then happens now, and on a slow machine
/// there is time to look at it.
#[track_caller]
fn issued_earlier(token: &str, seconds: u64) -> String {
    let mut token = Token::parse(token);
    for claim in ["iat", "exp"] {
        token.claims[claim] = (token.claims[claim].as_u64().expect("a time") - seconds).into();
    }
    token.signed(SECRET)
}

/// A POST to one of samehand's own endpoints by [`CLIENT`] with Firefox.
fn post(path: &str) -> Request {
    Request::post(path, "").header("User-Agent", FIREFOX)
}

/// Asks an endpoint of samehand as [`CLIENT`].
#[track_caller]
fn call(samehand: &Samehand, request: &Request) -> Reply {
    ask(CLIENT, &samehand.tcp, request)
}

/// The answer of `/revoke` to this body.
#[track_caller]
fn revoke(samehand: &Samehand, body: &Value) -> Reply {
    let request = Request::post("/revoke", body.to_string()).header("Content-Type", "application/json");
    ask(PROXY, &samehand.admin, &request.bearer(ADMIN_TOKEN))
}

#[track_caller]
fn revoked(samehand: &Samehand, body: &Value) {
    let reply = revoke(samehand, body);
    assert_eq!((reply.status, reply.body.len()), (204, 0), "{body}: {reply:?}");
}

/// The answer of `/mint` for alice, or whom else `more` names.
#[track_caller]
fn mint(samehand: &Samehand, more: &Value) -> String {
    let mut body = json!({ "sub": "alice", "ip": CLIENT.to_string(), "user_agent": FIREFOX });
    for (name, value) in more.as_object().expect("members") {
        body[name] = value.clone();
    }
    let request = Request::post("/mint", body.to_string()).header("Content-Type", "application/json");
    let reply = ask(PROXY, &samehand.admin, &request.bearer(ADMIN_TOKEN));
    assert_eq!(reply.status, 200, "{reply:?}");
    token_in(&reply.json())
}

/// The `sid` of a token.
#[track_caller]
fn sid(token: &str) -> String {
    Token::parse(token).claims["sid"].as_str().unwrap_or_else(|| panic!("no session: {token}")).to_owned()
}

/// A time in a token.
#[track_caller]
fn time(token: &str, claim: &str) -> u64 {
    Token::parse(token).claims[claim].as_u64().unwrap_or_else(|| panic!("no {claim}: {token}"))
}

/// What the store of an installation holds.
#[track_caller]
fn sessions(installation: &Installation) -> Vec<Session> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let address = StoreAddress::Sqlite(installation.data().join("samehand.sqlite"));
    runtime.block_on(async {
        let store = store::open(&address, Access::Existing).await.expect("the store is there");
        store.sessions_after(None, None, 1000).await.expect("the sessions")
    })
}

/// The time, in seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "this is no part of the service, which has one clock of its own")]
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.expect("a clock after 1970").as_secs()
}

/// A `Set-Cookie` line taken apart.
struct SetCookie {
    name: String,
    value: String,
    attributes: BTreeSet<String>,
}

impl SetCookie {
    /// The one line of an answer.
    #[track_caller]
    fn of(reply: &Reply) -> Self {
        let line = reply.header("Set-Cookie").unwrap_or_else(|| panic!("not one cookie: {reply:?}"));
        let mut parts = line.split("; ");
        let (name, value) = parts.next().and_then(|pair| pair.split_once('=')).expect("name=value");
        Self { name: name.into(), value: value.into(), attributes: parts.map(str::to_owned).collect() }
    }

    /// The attributes but `Max-Age`, and that.
    #[track_caller]
    fn attributes(&self) -> (Vec<&str>, u64) {
        let (age, rest): (Vec<&str>, Vec<&str>) =
            self.attributes.iter().map(String::as_str).partition(|attribute| attribute.starts_with("Max-Age="));
        let [age] = age[..] else { panic!("not one Max-Age: {:?}", self.attributes) };
        (rest, age["Max-Age=".len()..].parse().expect("seconds"))
    }
}
