//! The measurements, as JSON and as the Markdown that is rendered from it. Measures nothing.
//!
//! `tests/documentation.rs` has this file too, and holds that `docs/performance.md` shows what `docs/performance.json` says.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Between these two lines of `docs/performance.md` stands what [`Report::markdown`] writes.
pub(crate) const BEGIN: &str = "<!-- measured: begin, written by `make bench PUBLISH=yes` -->";
/// See [`BEGIN`].
pub(crate) const END: &str = "<!-- measured: end -->";

/// Everything that is known.
#[derive(Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) tables: Vec<Table>,
}

/// Where it was measured, and with what.
#[derive(Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) system: String,
    pub(crate) kernel: String,
    /// Versions by the name of the program.
    pub(crate) programs: BTreeMap<String, String>,
}

/// One table.
#[derive(Serialize, Deserialize)]
pub(crate) struct Table {
    /// What `ROWS` calls it.
    pub(crate) key: String,
    pub(crate) title: String,
    /// How to read it, in a sentence or two.
    pub(crate) reading: String,
    pub(crate) run: Run,
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Row>,
}

/// The circumstances of one table.
#[derive(Serialize, Deserialize)]
pub(crate) struct Run {
    /// UTC, RFC 3339.
    pub(crate) at: String,
    /// Rounds, which alternate.
    pub(crate) rounds: usize,
    /// Seconds of one round. Zero: all of it is one run, as long as it takes.
    pub(crate) seconds: f64,
    /// How much of the processors others used in the second before, in percent.
    pub(crate) busy_before: f64,
}

/// One column.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Column {
    pub(crate) key: String,
    pub(crate) title: String,
    /// Digits after the point; negative: rounded to tens, hundreds, and so on.
    pub(crate) digits: i32,
    /// Whether the lowest and the highest value are shown too.
    pub(crate) spread: bool,
}

/// One row.
#[derive(Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    /// Why its figures would mean nothing, if so; it has none then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) void: Option<String>,
    /// By the key of the column.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) values: BTreeMap<String, Measured>,
}

/// What several rounds measured.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Measured {
    pub(crate) median: f64,
    pub(crate) lowest: f64,
    pub(crate) highest: f64,
}

impl Report {
    /// Puts a table in the place of the one of the same key, or behind the others.
    pub(crate) fn put(&mut self, table: Table) {
        match self.tables.iter_mut().find(|known| known.key == table.key) {
            Some(known) => *known = table,
            None => self.tables.push(table),
        }
    }

    /// All of it, from the machine to the last table.
    pub(crate) fn markdown(&self) -> String {
        let Machine { processor, cores, memory_gib, system, kernel, programs } = &self.machine;
        let programs: Vec<String> = programs.iter().map(|(name, version)| format!("{name} {version}")).collect();
        let mut text = format!(
            "{processor}, {cores} cores, {memory_gib} GiB of memory, {system}, Linux {kernel}. {}.\n",
            programs.join(", ")
        );
        for table in &self.tables {
            text.push('\n');
            text.push_str(&table.markdown());
        }
        text
    }
}

impl Table {
    /// Heading, how to read it, the rows, and the circumstances.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("### {}\n\n{}\n\n| |", self.title, self.reading);
        for column in &self.columns {
            _ = write!(text, " {} |", column.title);
        }
        text.push_str("\n|---|");
        text.push_str(&"---:|".repeat(self.columns.len()));
        for row in &self.rows {
            _ = write!(text, "\n| {} |", row.name);
            for (place, column) in self.columns.iter().enumerate() {
                let cell = match (&row.void, row.values.get(&column.key)) {
                    (Some(reason), _) if place == 0 => format!("void: {reason}"),
                    (None, Some(measured)) => column.cell(*measured),
                    (Some(_) | None, _) => String::new(),
                };
                _ = write!(text, " {cell} |");
            }
        }
        let Run { at, rounds, seconds, busy_before } = &self.run;
        let rounds = if *seconds > 0.0 { format!("{rounds} rounds of {seconds} s") } else { "one run".to_owned() };
        _ = writeln!(
            text,
            "\n\n`make bench ROWS={}`, {at}: {rounds}; others used {busy_before:.0} % of the processors just before.",
            self.key
        );
        text
    }
}

impl Column {
    fn cell(&self, measured: Measured) -> String {
        let number = |value| number(value, self.digits);
        let Measured { median, lowest, highest } = measured;
        match self.spread {
            true => format!("{} ({} to {})", number(median), number(lowest), number(highest)),
            false => number(median),
        }
    }
}

/// A number with so many digits after the point, and commas between thousands.
pub(crate) fn number(value: f64, digits: i32) -> String {
    let unit = 10_f64.powi(-digits.min(0));
    let decimals = usize::try_from(digits).unwrap_or(0);
    let rounded = if digits < 0 { (value.abs() / unit).round() * unit } else { value.abs() };
    let plain = format!("{rounded:.decimals$}");
    let (whole, fraction) = plain.split_once('.').map_or((plain.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let mut grouped = String::new();
    for (place, digit) in whole.char_indices() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if value < 0.0 && plain.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) { "-" } else { "" };
    match fraction {
        Some(fraction) => format!("{sign}{grouped}.{fraction}"),
        None => format!("{sign}{grouped}"),
    }
}

/// A page with this text between [`BEGIN`] and [`END`]. `None`: the page has no such place.
pub(crate) fn with_measured(page: &str, text: &str) -> Option<String> {
    let (before, rest) = page.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{text}\n{END}{after}"))
}
