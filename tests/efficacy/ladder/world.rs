//! One recipe in force: samehand, the application, and nginx with the shipped configuration before it, behind a CDN and at
//! the edge. What became of a request is read from the answer, from the application, and from samehand's log.

use std::{
    cell::{Cell, RefCell},
    net::{IpAddr, Ipv4Addr},
};

use samehand::{
    check::dpop::{NonceKey, NonceKeys},
    secret::Secret,
};

use super::recipe::{Client, Recipe};
use crate::support::{
    FRONT_HOP, THIEF,
    backend::{Backend, Seen},
    client::{Reply, Request, ask},
    nginx,
    samehand::{SECRET, Samehand, field},
    shipped::{Place, Proxy},
};

/// The host of the application.
pub(crate) const APP: &str = "app.demo.localhost";
/// The host of the pages.
pub(crate) const AUTH: &str = "auth.demo.localhost";
/// The session cookie. The proof cookie is called the same with `-proof` behind it.
pub(crate) const COOKIE: &str = "samehand";
/// Who the tables are about.
pub(crate) const ALICE: &str = "alice";
/// A user of the same service, who is up to no good.
pub(crate) const MALLORY: &str = "mallory";

const SALT: &str = "a salt of these tests, 4Qz81LkPw7";
const NEXT_SALT: &str = "the salt after that one, 9Xc3VbTn5";
const NEXT_SECRET: &str = "the secret after that one, 7Lr2Kp0Wq8Zs";

/// The way from a client to the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Road {
    /// To a CDN, which says whom it speaks for, and from there to nginx, which believes it.
    Cdn,
    /// To that nginx past the CDN, as somebody may do who knows its address.
    PastCdn,
    /// To an nginx that clients connect to.
    Edge,
    /// By way of a CDN to that nginx, which nobody has told of the CDN.
    UnannouncedCdn,
    /// As [`Road::Cdn`], and nginx asks another samehand with the same store.
    OtherReplica,
}

/// A running service under one recipe.
pub(crate) struct World {
    pub(crate) recipe: Recipe,
    settings: RefCell<Vec<(String, String)>>,
    samehand: RefCell<Option<Samehand>>,
    application: Backend,
    behind_cdn: Proxy,
    edge: Proxy,
    /// The other replica, once it was asked for, and its proxy.
    replica: RefCell<Option<(Samehand, Proxy)>>,
    requests: Cell<u32>,
}

/// What became of a request to the application.
pub(crate) struct Outcome {
    pub(crate) reply: Reply,
    /// What the application got, if it did.
    pub(crate) seen: Option<Seen>,
    /// What samehand's log says has changed about the client.
    pub(crate) changed: String,
    /// Why, by the log.
    pub(crate) reason: String,
}

impl World {
    #[track_caller]
    pub(crate) fn start(recipe: Recipe) -> Self {
        // `article` shares its secret with other services; the others rotate keys of their own.
        let secret = if recipe == Recipe::Article { SECRET } else { "" };
        let file = format!("{}/{}", env!("CARGO_MANIFEST_DIR"), recipe.file());
        let mut settings = vec![("CONFIG", file.as_str()), ("COOKIE_NAME", COOKIE), ("SALT", SALT), ("SECRET", secret)];
        let pages = format!("http://{AUTH}");
        if recipe.client() == Client::Browser {
            settings.push(("PUBLIC_URL", &pages));
        }
        let samehand = Samehand::start(&settings);
        for user in [ALICE, MALLORY] {
            samehand.add_user(user, &[]);
        }
        let application = Backend::start();
        let nginx = |place| nginx::start(place, &samehand.unix, application.address);
        let (behind_cdn, edge) = (nginx(Place::BehindFrontHop), nginx(Place::Edge));
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self {
            recipe,
            settings: RefCell::new(settings.into_iter().map(owned).collect()),
            samehand: RefCell::new(Some(samehand)),
            application,
            behind_cdn,
            edge,
            replica: RefCell::new(None),
            requests: Cell::new(0),
        }
    }

    /// Sends a request, which the CDN makes its mark on where it goes by one.
    #[track_caller]
    pub(crate) fn send(&self, road: Road, from: IpAddr, request: Request) -> Reply {
        let marked = |request: Request| request.header("X-Forwarded-For", from.to_string());
        let replica = self.replica.borrow();
        let (peer, proxy, request) = match road {
            Road::Cdn => (FRONT_HOP, &self.behind_cdn, marked(request)),
            Road::UnannouncedCdn => (FRONT_HOP, &self.edge, marked(request)),
            Road::PastCdn => (THIEF, &self.behind_cdn, request),
            Road::Edge => (on_this_machine(from), &self.edge, request),
            Road::OtherReplica => (FRONT_HOP, &replica.as_ref().expect("the other replica runs").1, marked(request)),
        };
        ask(peer, &proxy.address, &request)
    }

    /// A path of the application that nobody has asked for yet: by it a decision is found in the log.
    pub(crate) fn new_path(&self) -> String {
        self.requests.set(self.requests.get() + 1);
        format!("/pages/{}", self.requests.get())
    }

    /// Sends a request to the application, for the first time to this path or again, and says what became of it.
    #[track_caller]
    pub(crate) fn ask(&self, road: Road, from: IpAddr, path: &str, request: Request) -> Outcome {
        let asked_before = self.decisions_about(road, path, 0).len();
        let before = self.application.seen().requests;
        let reply = self.send(road, from, request);
        let seen = self.application.seen();
        let seen = (seen.requests > before).then_some(seen);
        let line = self.decisions_about(road, path, asked_before + 1).pop().expect("a decision");
        let said = |name: &str| field(&line, name).unwrap_or_default().to_owned();
        assert_eq!(seen.is_some(), reply.status == 200, "{reply:?}\n{line}");
        assert_eq!(said("decision") == "allow", seen.is_some(), "{reply:?}\n{line}");
        Outcome { reply, seen, changed: said("changed"), reason: said("reason") }
    }

    /// The lines of the log about this path, so many at least: that many are waited for.
    #[track_caller]
    fn decisions_about(&self, road: Road, path: &str, at_least: usize) -> Vec<String> {
        let (samehand, replica) = (self.samehand.borrow(), self.replica.borrow());
        let samehand = match road {
            Road::Cdn | Road::PastCdn | Road::Edge | Road::UnannouncedCdn => samehand.as_ref(),
            Road::OtherReplica => replica.as_ref().map(|(samehand, _)| samehand),
        };
        let process = &samehand.expect("samehand runs").process;
        let found = RefCell::new(Vec::new());
        let is_it = |line: &str| field(line, "path") == Some(path) && field(line, "decision").is_some();
        if at_least == 0 {
            return process.log().lines().filter(|line| is_it(line)).map(str::to_owned).collect();
        }
        process.wait_for(&format!("what it decided about {path}"), |line| {
            if is_it(line) {
                found.borrow_mut().push(line.to_owned());
            }
            (found.borrow().len() == at_least).then_some(())
        });
        found.into_inner()
    }

    /// A token of alice that was minted when nothing had to be the same, and little of an address counted.
    #[track_caller]
    pub(crate) fn token_of_weaker_days(&self, address: IpAddr, agent: &str) -> String {
        let (address, samehand) = (address.to_string(), self.samehand.borrow());
        let mut command = samehand.as_ref().expect("samehand runs").command();
        let weaker = [
            ("FINGERPRINT", "keyed"),
            ("REQUIRE_SAME", "none"),
            ("WATCH", "none"),
            ("IPV4_PREFIX", "8"),
            ("IPV6_PREFIX", "16"),
        ];
        command.envs(weaker.map(|(name, value)| (format!("SAMEHAND_{name}"), value)));
        command.args(["token", "mint", "--user", ALICE, "--ip", &address, "--user-agent", agent]);
        let output = command.output().expect("cargo builds samehand");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text").trim().to_owned()
    }

    /// The nonce that this service gave out at this time, in seconds since 1970.
    pub(crate) fn nonce_of(&self, time: u64) -> String {
        let settings = self.settings.borrow();
        let salt = settings.iter().find(|(name, _)| name == "SALT").map(|(_, salt)| salt.clone().into_bytes());
        let keys = NonceKeys::new([NonceKey::from_salt(&Secret::new(salt.expect("a salt")))]);
        keys.issue(time).expect("there is a key").as_str().to_owned()
    }

    /// Ends samehand in good order and starts it again.
    #[track_caller]
    pub(crate) fn restart(&self) {
        let settings = self.settings.borrow();
        let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let samehand = self.samehand.take().expect("samehand runs");
        *self.samehand.borrow_mut() = Some(samehand.restart(&settings));
    }

    /// New keys sign and a new salt makes fingerprints; the old ones are accepted as docs/settings.md says.
    #[track_caller]
    pub(crate) fn rotate(&self) {
        if self.recipe == Recipe::Article {
            self.set("SECRET_PREVIOUS", SECRET);
            self.set("SECRET", NEXT_SECRET);
        } else {
            self.samehand.borrow().as_ref().expect("samehand runs").succeed(&["keys", "rotate"], "");
        }
        self.set("SALT_PREVIOUS", SALT);
        self.set("SALT", NEXT_SALT);
        self.restart();
    }

    fn set(&self, name: &str, value: &str) {
        let mut settings = self.settings.borrow_mut();
        settings.retain(|(known, _)| known != name);
        settings.push((name.to_owned(), value.to_owned()));
    }

    /// Starts another samehand on the same store, and a proxy that asks it.
    #[track_caller]
    pub(crate) fn start_replica(&self) {
        let (settings, samehand) = (self.settings.borrow(), self.samehand.borrow());
        let data = samehand.as_ref().expect("samehand runs").data().display().to_string();
        let own: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let replica = Samehand::start(&[&own[..], &[("DATA", &data)]].concat());
        let proxy = nginx::start(Place::BehindFrontHop, &replica.unix, self.application.address);
        *self.replica.borrow_mut() = Some((replica, proxy));
    }
}

#[track_caller]
fn on_this_machine(address: IpAddr) -> Ipv4Addr {
    match address {
        IpAddr::V4(address) if address.is_loopback() => address,
        IpAddr::V4(_) | IpAddr::V6(_) => {
            panic!("who connects to the edge itself has an address of this machine, not {address}")
        }
    }
}
