//! The pages past a proxy: what is sent to them by whoever means harm, what they say, and what they never say. The way of a
//! browser through each proxy is tested with the real proxies.

#[path = "../support/mod.rs"]
mod support;

mod cookies;
mod forged_forms;
mod forms;
mod headers;
mod large;
mod reflected;
mod refusals;
mod returning;
mod sent_there;
mod signing_out;

use std::net::Ipv4Addr;

use support::{
    CLIENT,
    client::{Reply, Request, ask},
    samehand::{PASSWORD, Samehand},
};

const PROXY: Ipv4Addr = Ipv4Addr::LOCALHOST;
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
const PAGES: &str = "https://auth.example.com";
const AUTH: &str = "auth.example.com";
const NAME: &str = "__Secure-samehand";

/// A service with pages and alice.
#[track_caller]
fn start() -> Samehand {
    let samehand = Samehand::start(&[("PUBLIC_URL", PAGES)]);
    samehand.add_user("alice", &[]);
    samehand
}

/// Asks as the browser of [`CLIENT`].
#[track_caller]
fn send(samehand: &Samehand, request: Request) -> Reply {
    ask(CLIENT, &samehand.tcp, &request.header("User-Agent", FIREFOX))
}

fn get(target: &str) -> Request {
    Request::get(target).host(AUTH).header("Sec-Fetch-Mode", "navigate").header("Accept", "text/html")
}

fn post(target: &str, fields: &[(&str, &str)]) -> Request {
    let body: Vec<_> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    raw_form(target, &body.join("&"))
}

fn raw_form(target: &str, body: &str) -> Request {
    let request = Request::post(target, body).host(AUTH).header("Content-Type", "application/x-www-form-urlencoded");
    request.header("Sec-Fetch-Mode", "navigate").header("Accept", "text/html")
}

fn ours(request: Request) -> Request {
    request.header("Origin", PAGES).header("Sec-Fetch-Site", "same-origin")
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn text(page: &Reply) -> String {
    String::from_utf8_lossy(&page.body).into_owned()
}

/// The value of the hidden field of this name, as it stands there.
fn field(page: &Reply, name: &str) -> Option<String> {
    let start = format!("name=\"{name}\" value=\"");
    text(page).split_once(&start)?.1.split_once('"').map(|(value, _)| value.to_owned())
}

/// The token of a form that was handed to the browser.
#[track_caller]
fn form_token(samehand: &Samehand) -> String {
    field(&send(samehand, get("/login")), "form").expect("a form")
}

/// Signs alice in and gives the answer.
#[track_caller]
fn sign_in(samehand: &Samehand, back: &str) -> Reply {
    let form = form_token(samehand);
    let fields = [("username", "alice"), ("password", PASSWORD), ("rd", back), ("form", &form)];
    send(samehand, ours(post("/login", &fields)))
}

/// The name and the value of the one cookie that is set.
#[track_caller]
fn cookie_of(reply: &Reply) -> String {
    let line = reply.header("Set-Cookie").unwrap_or_else(|| panic!("one cookie: {reply:?}"));
    line.split(';').next().expect("a pair").to_owned()
}

/// A page that samehand is asked about by a proxy of this kind.
fn question(kind: &str, scheme: &str, host: &str, uri: &str) -> Request {
    [
        ("X-Forwarded-For", CLIENT.to_string().as_str()),
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Proto", scheme),
        ("X-Forwarded-Host", host),
        ("X-Forwarded-Uri", uri),
        ("User-Agent", FIREFOX),
        ("Sec-Fetch-Mode", "navigate"),
    ]
    .into_iter()
    .fold(Request::get(&format!("/auth/{kind}")), |request, (name, value)| request.header(name, value))
}

#[track_caller]
fn asked(samehand: &Samehand, question: Request) -> Reply {
    ask(PROXY, &samehand.tcp, &question)
}
