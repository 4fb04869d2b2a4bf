//! samehand: a forward-auth service whose tokens work only in the hand they were given to.

pub mod activity;
pub mod advice;
pub mod app;
pub mod audit;
pub mod check;
pub mod cli;
pub mod config;
pub mod http;
pub mod issue;
pub mod key_store;
pub mod keys;
pub mod logging;
pub mod metrics;
pub mod ownership;
pub mod replays;
pub mod revocations;
pub mod revoke;
pub mod secret;
pub mod server;
pub mod sessions;
pub mod store;
pub mod store_copy;
pub mod throttle;
pub mod trail;
pub mod users;
