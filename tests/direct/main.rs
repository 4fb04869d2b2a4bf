//! Questions put to samehand directly, as no well-configured proxy would: every one is answered or cut off, none lets
//! anybody in, and after each the same process answers the next good question.
//!
//! The trusted proxy of these tests is 127.0.0.9, so that an untrusted peer can exist on one host.

#[path = "../support/mod.rs"]
mod support;

mod described;
mod mint;
mod odd;
mod reload;
mod sign_in;

use std::net::Ipv4Addr;

use support::{
    CLIENT, FRONT_HOP,
    client::{Reply, Request, ask},
    samehand::{Decision, Samehand},
};

/// The trusted proxy.
const PROXY: Ipv4Addr = FRONT_HOP;
const KINDS: [&str; 3] = ["nginx", "traefik", "caddy"];
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";
/// The headers that describe the client's request, as a proxy writes them.
const FORWARDED: [(&str, &str); 5] = [
    ("X-Forwarded-For", "127.0.0.7"),
    ("X-Forwarded-Method", "GET"),
    ("X-Forwarded-Proto", "https"),
    ("X-Forwarded-Host", "app.example.com"),
    ("X-Forwarded-Uri", "/page?q=1"),
];

/// One samehand and a token of alice, for [`CLIENT`] with [`BROWSER`].
struct World {
    samehand: Samehand,
    token: String,
    id: u32,
    count: u32,
}

impl World {
    #[track_caller]
    fn start() -> Self {
        let samehand = Samehand::start(&[("TRUSTED_PROXIES", "127.0.0.9")]);
        samehand.add_user("alice", &["--group", "staff", "--group", "admins"]);
        let token = samehand.mint("alice", CLIENT, BROWSER);
        let id = samehand.process.id();
        Self { samehand, token, id, count: 0 }
    }

    /// The good question, but for the forwarded headers named here.
    fn question_without(&self, kind: &str, missing: &str) -> Request {
        let request = Request::get(&format!("/auth/{kind}")).header("User-Agent", BROWSER).bearer(&self.token);
        let headers = FORWARDED.iter().filter(|(name, _)| *name != missing);
        headers.fold(request, |request, (name, value)| request.header(name, *value))
    }

    fn question(&self, kind: &str) -> Request {
        self.question_without(kind, "nothing")
    }

    /// Asks, and says what was decided.
    #[track_caller]
    fn decided(&mut self, from: Ipv4Addr, request: Request) -> (Reply, Decision) {
        self.count += 1;
        let name = format!("request-{}", self.count);
        let reply = ask(from, &self.samehand.tcp, &request.header("X-Request-Id", name.as_str()));
        assert_eq!(reply.header("X-Request-Id"), Some(name.as_str()), "{reply:?}");
        (reply, self.samehand.decision(&name))
    }

    /// Asks something that is refused like this, and holds that nobody's identity is in the answer.
    #[track_caller]
    fn refused(&mut self, row: &str, from: Ipv4Addr, request: Request, status: u16, reason: &str) {
        let (reply, decision) = self.decided(from, request);
        assert_eq!((reply.status, decision.field("reason")), (status, reason), "{row}: {reply:?}");
        assert_closed(row, &reply);
        self.goes_on(row);
    }

    /// The same process answers the next good question.
    #[track_caller]
    fn goes_on(&mut self, row: &str) {
        assert!(self.samehand.process.is_alive(), "after {row}:\n{}", self.samehand.process.log());
        assert_eq!(self.samehand.process.id(), self.id);
        let reply = ask(PROXY, &self.samehand.tcp, &self.question("nginx"));
        assert_eq!((reply.status, reply.header("Remote-User")), (200, Some("alice")), "after {row}: {reply:?}");
    }
}

#[track_caller]
fn assert_closed(row: &str, reply: &Reply) {
    assert_ne!(reply.status, 200, "{row}: {reply:?}");
    for name in ["Remote-User", "Remote-Groups", "Remote-Name", "Remote-Email"] {
        assert!(reply.all(name).is_empty(), "{row}: a refusal says who somebody is: {reply:?}");
    }
}

/// What the proxy that asks on this path understands of a question that cannot be used.
fn bad_question(kind: &str) -> u16 {
    if kind == "nginx" { 403 } else { 400 }
}
