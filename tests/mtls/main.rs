//! Client certificates: real handshakes with the real proxies, a real authority, and samehand behind them.

#[path = "../support/mod.rs"]
mod support;

mod handed_over;
