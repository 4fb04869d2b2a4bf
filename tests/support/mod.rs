//! What the integration tests stand on: the real samehand, the real proxies with the shipped configurations, the example
//! application behind them, and a client that sends exactly the bytes a test wrote.
//!
//! Nothing is looked for in the environment but the programs, and a program that is missing fails the test.
//! Addresses: [`CLIENT`] is whom tokens are issued to, [`THIEF`] is anybody else, [`FRONT_HOP`] a CDN before the proxy.

#![allow(dead_code, reason = "every test binary uses its own part of this")]

pub(crate) mod authority;
pub(crate) mod backend;
pub(crate) mod caddy;
pub(crate) mod client;
pub(crate) mod compose_labels;
pub(crate) mod document;
pub(crate) mod installation;
pub(crate) mod nginx;
pub(crate) mod postgres;
pub(crate) mod process;
pub(crate) mod prover;
pub(crate) mod samehand;
pub(crate) mod scripted;
pub(crate) mod shipped;
pub(crate) mod store_server;
pub(crate) mod token;
pub(crate) mod traefik;
pub(crate) mod valkey;
pub(crate) mod waiting;
pub(crate) mod wire;

use std::net::Ipv4Addr;

/// Whom the tokens of the tests are issued to.
pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 7);
/// Another client, who got hold of a token or would like to.
pub(crate) const THIEF: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 8);
/// A CDN or load balancer in front of the proxy.
pub(crate) const FRONT_HOP: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 9);
