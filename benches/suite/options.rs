//! What `make bench` may be told.

use clap::Parser;

/// Measures samehand and what else checks tokens, each against the same server without a check.
#[derive(Parser)]
pub(crate) struct Options {
    /// Only these: keys of tables (path, end-to-end, latency, cost, growth, soak), or parts of the names of their rows.
    #[arg(long, value_delimiter = ',')]
    rows: Vec<String>,
    /// Seconds of one round of load.
    #[arg(long, default_value_t = 2)]
    pub(crate) seconds: u32,
    /// Rounds of each row.
    #[arg(long, default_value_t = 7)]
    pub(crate) rounds: usize,
    /// Write docs/performance.json and the tables of docs/performance.md too.
    #[arg(long)]
    pub(crate) publish: bool,
    /// What cargo adds.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// Whether a row is to be measured.
    pub(crate) fn wants(&self, table: &str, row: &str) -> bool {
        self.rows.is_empty()
            || self.rows.iter().any(|wanted| table.starts_with(wanted.as_str()) || row.contains(wanted.as_str()))
    }
}
