//! What people see: real Chromium, a real proxy with the shipped configuration, samehand, and the application behind them.
//!
//! A scenario is a sentence and runs behind nginx, Traefik and Caddy. Pages are read as people read them: fields by their
//! labels, buttons by their names.

#[path = "../support/mod.rs"]
mod support;

mod account;
mod chromium;
mod compose;
mod cookie;
mod cookies;
mod demo;
mod dpop;
mod dpop_stolen;
mod looks;
mod proof_cookie;
mod road;
mod signing_in;
mod signing_out;
mod world;
