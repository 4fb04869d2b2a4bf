//! samehand
fn main() {}
