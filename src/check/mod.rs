//! Decides and touches nothing.

pub mod policy;
