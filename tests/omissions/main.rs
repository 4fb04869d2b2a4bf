//! What becomes of an installation when a line of the shipped files was forgotten, doubled, or put one level up, and when the
//! files were copied carelessly. Behind the proxy stands an application that answers 200 to everything.
//!
//! The rows are read off the shipped files, so a line that is added later is tried by itself. `docs/omissions.md` says what
//! came of each; `make omissions` writes its tables anew.

#[path = "../support/mod.rs"]
mod support;

mod caddy;
mod lines;
mod nginx;
mod nginx_slips;
mod page;
mod traefik;
mod world;
