//! One samehand, one application, one proxy between them and the client; and the sentence every row is checked with.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::atomic::{AtomicU64, Ordering},
};

use crate::support::{
    CLIENT,
    backend::{Backend, Seen},
    client::{Connection, Reply, Request},
    samehand::{Decision, Samehand},
    shipped::Proxy,
};

/// The browser that tokens are issued to.
pub(crate) const CHROME: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";
/// The same browser after an update.
pub(crate) const CHROME_UPDATED: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";
/// Another browser.
pub(crate) const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0";

/// What the application has to be told about alice. She has no e-mail address and no display name of hers is kept.
pub(crate) const ALICE: [(&str, &str); 4] =
    [("Remote-User", "alice"), ("Remote-Groups", "admins,staff"), ("Remote-Name", "Alice Doe"), ("Remote-Email", "")];

/// Everything one proxy needs to be tried.
pub(crate) struct World {
    pub(crate) samehand: Samehand,
    pub(crate) application: Backend,
    pub(crate) proxy: Proxy,
    /// A token of alice for [`CLIENT`] with [`CHROME`].
    pub(crate) token: String,
    samehand_id: u32,
    requests: AtomicU64,
}

/// What became of one request.
pub(crate) struct Outcome {
    pub(crate) reply: Reply,
    /// What the application saw, when the request reached it.
    pub(crate) seen: Option<Seen>,
    name: String,
}

impl World {
    #[track_caller]
    pub(crate) fn start(proxy: impl Fn(&Samehand, SocketAddr) -> Proxy) -> Self {
        let samehand =
            Samehand::start(&[("TRUSTED_PROXIES", "127.0.0.1,127.0.0.9"), ("COOKIE_NAME", "__Secure-samehand")]);
        let application = Backend::start();
        let groups = ["--group", "admins", "--group", "staff", "--display-name", "Alice Doe"];
        samehand.add_user("alice", &groups);
        let proxy = proxy(&samehand, application.address);
        let token = samehand.mint("alice", CLIENT, CHROME);
        let samehand_id = samehand.process.id();
        Self { samehand, application, proxy, token, samehand_id, requests: AtomicU64::new(0) }
    }

    /// Sends a request from this address through the proxy, under a name of its own.
    #[track_caller]
    pub(crate) fn ask(&self, from: Ipv4Addr, request: Request) -> Outcome {
        let mut connection = Connection::open(from, &self.proxy.address);
        self.ask_over(&mut connection, request)
    }

    /// As [`World::ask`], over a connection that stays open.
    #[track_caller]
    pub(crate) fn ask_over(&self, connection: &mut Connection, request: Request) -> Outcome {
        let name = format!("request-{}", self.requests.fetch_add(1, Ordering::Relaxed));
        let before = self.application.seen().requests;
        let reply = connection.ask(&request.header("X-Request-Id", name.as_str()));
        let seen = self.application.seen();
        assert!(seen.requests <= before + 1, "one request became several: {reply:?}");
        let seen = (seen.requests > before).then_some(seen);
        Outcome { reply, seen, name }
    }

    /// The decision about this request. Waits for the log line, so only for requests that samehand was asked about.
    #[track_caller]
    pub(crate) fn decision(&self, outcome: &Outcome) -> Decision {
        self.samehand.decision(&outcome.name)
    }

    /// The decision about this request, if there was one. Asks for something else first and waits for the decision about
    /// that, so that an earlier one is in the log.
    #[track_caller]
    pub(crate) fn decision_if_any(&self, outcome: &Outcome) -> Option<Decision> {
        let later = self.ask(CLIENT, self.good(Request::get("/later")));
        self.decision(&later);
        self.samehand.decision_so_far(&outcome.name)
    }

    /// The rightful client's browser asks for something with the good token.
    pub(crate) fn good(&self, request: Request) -> Request {
        request.header("User-Agent", CHROME).bearer(&self.token)
    }

    /// samehand and the proxy are the processes they were at the start.
    #[track_caller]
    pub(crate) fn nothing_broke(&mut self) {
        assert!(self.samehand.process.is_alive(), "samehand ended:\n{}", self.samehand.process.log());
        assert_eq!(self.samehand.process.id(), self.samehand_id);
        assert!(self.proxy.process.is_alive(), "the proxy ended:\n{}", self.proxy.process.log());
    }
}

impl Outcome {
    /// The request got through, and the application was told who alice is by exactly one line each and nothing else.
    #[track_caller]
    pub(crate) fn reached_the_application_as_alice(&self, row: &str) -> &Seen {
        assert_eq!(self.reply.status, 200, "{row}: {:?}", self.reply);
        self.was_told_who_alice_is(row)
    }

    /// As above, whatever the application answered.
    #[track_caller]
    pub(crate) fn was_told_who_alice_is(&self, row: &str) -> &Seen {
        let seen = self.seen.as_ref().unwrap_or_else(|| panic!("{row}: the application saw nothing: {:?}", self.reply));
        for (name, expected) in ALICE {
            let told = seen.all(name);
            let nothing_to_say = expected.is_empty() && told.is_empty();
            assert!(nothing_to_say || told == [expected], "{row}: {name} was {told:?}, not {expected:?}");
        }
        let host = seen.all("Host");
        assert!(matches!(host[..], [one] if one == "app.example.com"), "{row}: the application's host is {host:?}");
        // Remote_User, Remote.User and whatever else an application may read as the real thing.
        let remote = seen.headers().into_iter().filter(|(name, _)| name.to_ascii_lowercase().starts_with("remote"));
        for (name, value) in remote {
            assert!(
                ALICE.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)),
                "{row}: {name}: {value} got through"
            );
        }
        seen
    }

    /// The request was refused with one of these statuses and the application never saw it.
    #[track_caller]
    pub(crate) fn was_refused(&self, row: &str, statuses: &[u16]) {
        assert!(statuses.contains(&self.reply.status), "{row}: not one of {statuses:?}: {:?}", self.reply);
        assert!(self.seen.is_none(), "{row}: refused, and yet the application saw the request");
        for (name, _) in ALICE {
            assert!(self.reply.all(name).is_empty(), "{row}: a refusal says who somebody is: {:?}", self.reply);
        }
    }
}
