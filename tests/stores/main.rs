//! What every store promises, in `src/store/mod.rs`, held against every store there is: the real files, the real servers.
//!
//! [`conformance`] is the suite. Each other file is a store: how a fresh one is made, and what is special to it.

#![expect(clippy::unwrap_used, reason = "a store that fails where it must not ends the test, and says which call")]

#[path = "../support/mod.rs"]
mod support;

#[macro_use]
mod conformance;
mod postgres;
mod sqlite;
mod valkey;
