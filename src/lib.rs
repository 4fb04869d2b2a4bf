//! samehand: a forward-auth service whose tokens work only in the hand they were given to.

pub mod check;
pub mod config;
pub mod issue;
pub mod keys;
pub mod secret;
