//! `docs/omissions.md`: a table for each proxy, of each line and what came of it when it was forgotten.

use std::collections::BTreeMap;

use crate::{
    lines::{Line, Slip},
    support::document::{self, Page},
    world::{Open, Outcome},
};

const PAGE: Page = Page { path: "docs/omissions.md", variable: "OMISSIONS", command: "make omissions" };

/// What came of each line and slip.
pub(crate) type Results = Vec<(Line, Slip, Result<Outcome, Open>)>;

/// Holds that nothing is open, and that the page says what came of each line.
#[track_caller]
pub(crate) fn hold_lines(section: &str, results: Results) {
    let mut open = Vec::new();
    let mut table: BTreeMap<(String, usize), (String, BTreeMap<Slip, Outcome>)> = BTreeMap::new();
    let mut files: Vec<String> = Vec::new();
    for (line, slip, result) in results {
        match result {
            Err(Open(what)) => open.push(format!("{}:{} `{}` {slip:?}: {what}", line.file, line.number, line.text)),
            Ok(outcome) => {
                if !files.contains(&line.file) {
                    files.push(line.file.clone());
                }
                let row = table.entry((line.file, line.number)).or_insert_with(|| (line.text, BTreeMap::new()));
                row.1.insert(slip, outcome);
            }
        }
    }
    assert!(open.is_empty(), "open:\n{}", open.join("\n"));
    let mut text = String::new();
    for file in files {
        text.push_str(&format!("\n`{file}`\n\n| line | left out | doubled | one level up |\n|---|---|---|---|\n"));
        let rows = table.iter().filter(|((own, _), _)| *own == file);
        for (_, (line, slips)) in rows {
            let cells = Slip::ALL.map(|slip| slips.get(&slip).map_or("-".to_owned(), Outcome::to_string));
            text.push_str(&format!("| {} | {} |\n", code(line), cells.join(" | ")));
        }
    }
    document::hold(PAGE, section, &text);
}

/// Holds that nothing is open, and that the page says what came of each of these ways to copy the files.
#[track_caller]
pub(crate) fn hold_slips(section: &str, results: Vec<(&str, Result<Outcome, Open>)>) {
    let (mut open, mut text) = (Vec::new(), "| slip | what comes of it |\n|---|---|\n".to_owned());
    for (what, result) in results {
        match result {
            Err(Open(how)) => open.push(format!("{what}: {how}")),
            Ok(outcome) => text.push_str(&format!("| {what} | {outcome} |\n")),
        }
    }
    assert!(open.is_empty(), "open:\n{}", open.join("\n"));
    document::hold(PAGE, section, &text);
}

/// A line in a cell of a table.
fn code(line: &str) -> String {
    let line = line.split(" #").next().unwrap_or_default().trim().replace('|', "\\|");
    if line.contains('`') { format!("`` {line} ``") } else { format!("`{line}`") }
}
