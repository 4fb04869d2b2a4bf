//! The tables, and what they have in common.

pub(crate) mod cost;
pub(crate) mod end_to_end;
pub(crate) mod growth;
pub(crate) mod latency;
pub(crate) mod path;
pub(crate) mod scale;
pub(crate) mod soak;

use crate::machine;
use crate::options::Options;
use crate::report::{Column, Measured, Row, Run, Table};
use std::collections::BTreeMap;

/// A table that is being measured.
pub(crate) struct Draft<'a> {
    options: &'a Options,
    table: Table,
}

impl<'a> Draft<'a> {
    /// Begins it with nothing else going on.
    pub(crate) fn begin(
        options: &'a Options,
        (key, title): (&str, &str),
        reading: &str,
        seconds: f64,
        columns: &[Column],
    ) -> Self {
        let run = Run { at: machine::time(), rounds: options.rounds, seconds, busy_before: machine::busy() };
        let reading = reading.split_whitespace().collect::<Vec<_>>().join(" ");
        let (key, title, columns) = (key.to_owned(), title.to_owned(), columns.to_vec());
        Self { options, table: Table { key, title, reading, run, columns, rows: Vec::new() } }
    }

    /// Whether a row is to be measured.
    pub(crate) fn wants(&self, name: &str) -> bool {
        self.options.wants(&self.table.key, name)
    }

    /// Measures a row, if it is wanted.
    pub(crate) fn measure(&mut self, name: &str, measure: impl FnOnce() -> Result<Values, String>) {
        if self.wants(name) {
            self.row(name, measure());
        }
    }

    /// Adds a row that was measured, or why it is void.
    pub(crate) fn row(&mut self, name: &str, measured: Result<Values, String>) {
        let (void, values) = match measured {
            Ok(values) => (None, values.0),
            Err(reason) => (Some(reason), BTreeMap::new()),
        };
        let shown = values.iter().map(|(key, value)| format!("{key} {:.3}", value.median)).collect::<Vec<_>>();
        eprintln!("{} | {name} | {}", self.table.key, void.clone().unwrap_or_else(|| shown.join(", ")));
        self.table.rows.push(Row { name: name.to_owned(), void, values });
    }

    /// The table, unless nothing of it was wanted.
    pub(crate) fn end(self) -> Option<Table> {
        (!self.table.rows.is_empty()).then_some(self.table)
    }
}

/// The figures of a row.
#[derive(Default)]
pub(crate) struct Values(BTreeMap<String, Measured>);

impl Values {
    /// One more, under the key of its column.
    pub(crate) fn with(mut self, key: &str, value: Measured) -> Self {
        self.0.insert(key.to_owned(), value);
        self
    }

    /// One more that was measured once.
    pub(crate) fn once(self, key: &str, value: f64) -> Self {
        self.with(key, Measured { median: value, lowest: value, highest: value })
    }
}

/// A column with the median alone.
pub(crate) fn column(key: &str, title: &str, digits: i32) -> Column {
    Column { key: key.to_owned(), title: title.to_owned(), digits, spread: false }
}

/// A column with the lowest and the highest value too.
pub(crate) fn spread_column(key: &str, title: &str, digits: i32) -> Column {
    Column { spread: true, ..column(key, title, digits) }
}

/// A count of bytes, or of anything else that fits into a float.
#[expect(clippy::cast_precision_loss, reason = "gigabytes and billions fit")]
pub(crate) fn float(number: u64) -> f64 {
    number as f64
}
