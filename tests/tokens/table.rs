//! The table: collects rows, asks the decision about each, and reports every difference at once.

use super::world::World;
use std::collections::BTreeSet;

/// Fewer refused rows than this mean that a class has been lost.
const REFUSED_AT_LEAST: usize = 950;

/// Rows of the class at hand, and what became of all so far.
#[derive(Default)]
pub(crate) struct Table {
    class: &'static str,
    names: BTreeSet<String>,
    accepted: usize,
    refused: usize,
    empty_classes: Vec<&'static str>,
    differences: Vec<String>,
}

impl Table {
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
        let found = world.ask(headers);
        match expected == "ok 200" {
            true => self.accepted += 1,
            false => self.refused += 1,
        }
        if found != expected {
            self.differences.push(format!("{name}\n    expected {expected}, found {found}"));
        }
    }

    /// Fails when any row came out otherwise, or rows are missing.
    #[track_caller]
    pub(crate) fn finish(mut self) {
        self.check_class();
        assert!(self.differences.is_empty(), "\n{}", self.differences.join("\n"));
        assert!(self.empty_classes.is_empty(), "without rows: {:?}", self.empty_classes);
        assert!(self.refused >= REFUSED_AT_LEAST, "only {} refused rows", self.refused);
        assert!(self.accepted >= 50, "only {} accepted rows", self.accepted);
    }

    fn check_class(&mut self) {
        let prefix = format!("{}: ", self.class);
        if !self.class.is_empty() && !self.names.iter().any(|name| name.starts_with(&prefix)) {
            self.empty_classes.push(self.class);
        }
    }
}
