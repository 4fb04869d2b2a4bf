//! The lines of a shipped file, one by one, and what people do to them by mistake. It knows braces, and nothing of what a
//! line means.

use std::ops::Range;

/// What happened to a line.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Slip {
    LeftOut,
    Doubled,
    /// It stands one block further out, before the block that it belongs to.
    OneLevelUp,
}

impl Slip {
    pub(crate) const ALL: [Self; 3] = [Self::LeftOut, Self::Doubled, Self::OneLevelUp];
}

/// A line of a shipped file that does something.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Line {
    pub(crate) file: String,
    /// Counted from 1.
    pub(crate) number: usize,
    pub(crate) text: String,
}

/// The lines of this file that are neither empty nor a comment (`#`), nor only the end of a block in braces.
pub(crate) fn of(file: &str, text: &str) -> Vec<Line> {
    let lines = text.lines().enumerate().filter(|(_, line)| !is_comment(line) && line.trim() != "}");
    let line = |(at, line): (usize, &str)| Line { file: file.to_owned(), number: at + 1, text: line.trim().to_owned() };
    lines.map(line).collect()
}

pub(crate) fn is_comment(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// The text of a file of blocks in braces after this happened to the line of this number. A line that opens a block stands
/// for the whole block. `None`: it cannot stand further out.
pub(crate) fn in_braces(text: &str, number: usize, slip: Slip) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let range = number - 1..end(&lines, number - 1);
    Some(slipped(&lines, vec![range], slip)?.join("\n") + "\n")
}

/// These lines after this happened to each of the ranges.
pub(crate) fn slipped(lines: &[&str], ranges: Vec<Range<usize>>, slip: Slip) -> Option<Vec<String>> {
    let mut lines: Vec<&str> = lines.to_vec();
    for range in ranges.into_iter().rev() {
        match slip {
            Slip::LeftOut => drop(lines.drain(range)),
            Slip::Doubled => {
                let copy = lines[range.clone()].to_vec();
                lines.splice(range.end..range.end, copy);
            }
            Slip::OneLevelUp => {
                let opener = opener(&lines, range.start)?;
                let moved: Vec<&str> = lines.drain(range).collect();
                lines.splice(opener..opener, moved);
            }
        }
    }
    Some(lines.into_iter().map(str::to_owned).collect())
}

/// Behind the last line of what begins on this line: the line itself, or the block that it opens.
pub(crate) fn end(lines: &[&str], index: usize) -> usize {
    let mut depth = 0;
    for (at, line) in lines.iter().enumerate().skip(index) {
        let line = without_comment(line);
        depth += i32::from(line.ends_with('{')) - i32::from(line.starts_with('}'));
        if depth <= 0 {
            return at + 1;
        }
    }
    lines.len()
}

/// The line that opens the block in which the line of this index stands.
pub(crate) fn opener(lines: &[&str], index: usize) -> Option<usize> {
    let mut depth = 0;
    for at in (0..index).rev() {
        let line = without_comment(lines[at]);
        if line.starts_with('}') {
            depth += 1;
        }
        if line.ends_with('{') {
            if depth == 0 {
                return Some(at);
            }
            depth -= 1;
        }
    }
    None
}

fn without_comment(line: &str) -> &str {
    if is_comment(line) { "" } else { line.split(" #").next().unwrap_or_default().trim() }
}

#[test]
fn a_line_moves_before_the_block_that_it_stands_in() {
    let text = "a {\n    b {\n        c;\n    }\n    d;\n}\n";
    for (number, slip, expected) in [
        (3, Slip::OneLevelUp, Some("a {\n        c;\n    b {\n    }\n    d;\n}\n")),
        (5, Slip::OneLevelUp, Some("    d;\na {\n    b {\n        c;\n    }\n}\n")),
        (2, Slip::OneLevelUp, Some("    b {\n        c;\n    }\na {\n    d;\n}\n")),
        (1, Slip::OneLevelUp, None),
        (3, Slip::LeftOut, Some("a {\n    b {\n    }\n    d;\n}\n")),
        (2, Slip::LeftOut, Some("a {\n    d;\n}\n")),
        (3, Slip::Doubled, Some("a {\n    b {\n        c;\n        c;\n    }\n    d;\n}\n")),
    ] {
        assert_eq!(in_braces(text, number, slip).as_deref(), expected, "{number} {slip:?}");
    }
}
