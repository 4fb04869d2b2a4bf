//! samehand: a forward-auth service whose tokens work only in the hand they were given to.

pub mod check;
pub mod cli;
pub mod config;
pub mod keys;
pub mod secret;
pub mod store;
pub mod users;
