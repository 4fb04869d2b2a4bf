//! Who asks: wrk as fast as it can, and requests at a fixed rate.

pub(crate) mod rate;
pub(crate) mod wrk;
