//! Decides and touches nothing.

pub mod names;
pub mod policy;
