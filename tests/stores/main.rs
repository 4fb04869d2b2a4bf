//! What every store promises, in `src/store/mod.rs`, held against every store there is: the real files, the real servers.
//!
//! [`conformance`] is the suite. Each other file is a store: how a fresh one is made, and what is special to it.

#[path = "../support/mod.rs"]
mod support;

#[macro_use]
mod conformance;
mod postgres;
mod sqlite;
mod valkey;
