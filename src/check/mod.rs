//! Decides and touches nothing.

pub mod policy;
pub mod user_agent;
