//! The table: collects rows, asks about each, the decision itself or a running samehand, and reports every difference
//! at once.

use super::support::client::{Request, ask};
use super::support::samehand::Samehand;
use super::world::{World, asked};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// A request with longer headers than this is refused before it is a question.
const LONGEST_HEAD: usize = 80 * 1024;

/// Rows of the class at hand, and what became of all so far.
#[derive(Default)]
pub(crate) struct Table {
    class: &'static str,
    names: BTreeSet<String>,
    accepted: usize,
    refused: usize,
    empty_classes: Vec<&'static str>,
    differences: Vec<String>,
    served: Option<Samehand>,
}

impl Table {
    /// A table whose rows are put to a running samehand, as far as they fit its settings.
    pub(crate) fn served(samehand: Samehand) -> Self {
        Self { served: Some(samehand), ..Self::default() }
    }

    /// Starts a class.
    pub(crate) fn class(&mut self, class: &'static str) {
        self.check_class();
        self.class = class;
    }

    /// A token in `Authorization: Bearer`.
    pub(crate) fn token(&mut self, world: &World, expected: &str, name: &str, token: impl AsRef<[u8]>) {
        let value = [b"Bearer ", token.as_ref()].concat();
        self.request(world, expected, name, &[("authorization", &value)]);
    }

    /// Whole headers, beside those with which the proxy describes the request.
    pub(crate) fn request(&mut self, world: &World, expected: &str, name: &str, headers: &[(&str, &[u8])]) {
        let name = format!("{}: {name}", self.class);
        assert!(self.names.insert(name.clone()), "two rows are called {name:?}");
        let mut expected = expected;
        let found = match &self.served {
            None => world.ask(headers),
            Some(_) if !world.is_usual => return,
            Some(samehand) => {
                if headers.iter().map(|(_, value)| value.len()).sum::<usize>() > LONGEST_HEAD {
                    expected = "431";
                }
                put_to(samehand, headers, &format!("row-{}", self.names.len()))
            }
        };
        match expected == "ok 200" {
            true => self.accepted += 1,
            false => self.refused += 1,
        }
        if found != expected {
            self.differences.push(format!("{name}\n    expected {expected}, found {found}"));
        }
    }

    /// Fails when any row came out otherwise, or there are fewer rows than this. Gives the running samehand back.
    #[track_caller]
    pub(crate) fn finish(mut self, refused_at_least: usize, accepted_at_least: usize) -> Option<Samehand> {
        self.check_class();
        assert!(self.differences.is_empty(), "\n{}", self.differences.join("\n"));
        assert!(self.empty_classes.is_empty(), "without rows: {:?}", self.empty_classes);
        assert!(self.refused >= refused_at_least, "only {} refused rows", self.refused);
        assert!(self.accepted >= accepted_at_least, "only {} accepted rows", self.accepted);
        self.served
    }

    fn check_class(&mut self) {
        let prefix = format!("{}: ", self.class);
        if !self.class.is_empty() && !self.names.iter().any(|name| name.starts_with(&prefix)) {
            self.empty_classes.push(self.class);
        }
    }
}

/// The reason in the log and the status on the wire; the status alone for what never became a question.
fn put_to(samehand: &Samehand, headers: &[(&str, &[u8])], id: &str) -> String {
    let request = Request::get("/auth/nginx").header("x-request-id", id);
    let request = asked(headers).fold(request, |request, (name, value)| request.header(name, value));
    let reply = ask(Ipv4Addr::LOCALHOST, &samehand.tcp, &request);
    match reply.status {
        431 => "431".to_owned(),
        status => format!("{} {status}", samehand.decision(id).field("reason")),
    }
}
