//! Clients of either address family, as a proxy tells of them.

use serde_json::json;

use crate::{
    FIREFOX, PROXY, SetCookie, decided,
    support::{
        client::{Reply, Request, ask},
        samehand::{Decision, PASSWORD, Samehand},
    },
    token_in,
};

/// Somebody's browser or program, at an address.
#[derive(Clone, Copy)]
pub(crate) struct Hand {
    pub(crate) ip: &'static str,
    pub(crate) user_agent: &'static str,
}

/// alice at home.
pub(crate) const HOME: Hand = Hand { ip: "192.0.2.7", user_agent: FIREFOX };
/// At another address of the same network.
pub(crate) const NEXT_DOOR: Hand = Hand { ip: "192.0.2.8", user_agent: FIREFOX };
/// On the road.
pub(crate) const AWAY: Hand = Hand { ip: "198.51.100.9", user_agent: FIREFOX };
/// At home, over IPv6.
pub(crate) const HOME_SIX: Hand = Hand { ip: "2001:db8:1:1::7", user_agent: FIREFOX };
/// Another network over IPv6.
pub(crate) const AWAY_SIX: Hand = Hand { ip: "2001:db8:2:2::7", user_agent: FIREFOX };

impl Hand {
    /// A request to one of samehand's own endpoints.
    pub(crate) fn post(self, path: &str) -> Request {
        Request::post(path, "").header("X-Forwarded-For", self.ip).header("User-Agent", self.user_agent)
    }

    /// A sign-in; what comes along is for the caller to add.
    pub(crate) fn login(self, user: &str) -> Request {
        let body = json!({ "username": user, "password": PASSWORD }).to_string();
        let request = Request::post("/login", body).header("Content-Type", "application/json");
        request.header("X-Forwarded-For", self.ip).header("User-Agent", self.user_agent)
    }

    /// The question about a request of this client.
    pub(crate) fn question(self) -> Request {
        Request::about_page(self.ip, self.user_agent)
    }
}

/// Asks as the proxy.
#[track_caller]
pub(crate) fn ask_through(samehand: &Samehand, request: &Request) -> Reply {
    ask(PROXY, &samehand.tcp, request)
}

/// Status, reason and what changed.
#[track_caller]
pub(crate) fn judged(samehand: &Samehand, request: Request) -> (u16, String, String) {
    let (reply, decision) = decided(samehand, request);
    told(&reply, &decision)
}

fn told(reply: &Reply, decision: &Decision) -> (u16, String, String) {
    (reply.status, decision.field("reason").to_owned(), decision.field("changed").to_owned())
}

pub(crate) fn verdict(status: u16, reason: &str, changed: &str) -> (u16, String, String) {
    (status, reason.to_owned(), changed.to_owned())
}

/// A token with the secret of its proof cookie, from an answer that has both.
#[track_caller]
pub(crate) fn bound_by(reply: &Reply) -> (String, String) {
    assert_eq!(reply.status, 200, "{reply:?}");
    let set = SetCookie::of(reply);
    assert!(set.name.ends_with("-proof"), "{reply:?}");
    (token_in(&reply.json()), set.value)
}

/// The token of an answer that sets no cookie.
#[track_caller]
pub(crate) fn only_token(reply: &Reply) -> String {
    assert_eq!((reply.status, reply.all("Set-Cookie").len()), (200, 0), "{reply:?}");
    token_in(&reply.json())
}

/// The proof cookie under the default name.
pub(crate) fn proof(secret: &str) -> String {
    format!("__Host-samehand-proof={secret}")
}

/// The lines of the log with this event, after everything that was asked so far.
#[track_caller]
pub(crate) fn events(samehand: &Samehand, event: &str) -> Vec<String> {
    // The log is written in order: what was said before this decision stands there.
    judged(samehand, HOME.question());
    let log = samehand.process.log();
    log.lines().filter(|line| line.contains(&format!("event={event} "))).map(str::to_owned).collect()
}
