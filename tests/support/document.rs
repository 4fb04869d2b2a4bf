//! The generated sections of a page in `docs/`: held to what the tests found out, or written anew when the page's variable of
//! the environment says `write`. It never makes a section or moves one: where they stand is up to who writes the page.

use std::{
    fs,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

/// One test at a time reads and writes a page.
static WRITING: Mutex<()> = Mutex::new(());

/// A page with generated sections.
#[derive(Clone, Copy)]
pub(crate) struct Page {
    pub(crate) path: &'static str,
    /// The variable that has to say `write`.
    pub(crate) variable: &'static str,
    /// The command that sets it.
    pub(crate) command: &'static str,
}

/// Holds the section between `<!-- generated: name -->` and `<!-- end: name -->` to `text`, or replaces it.
#[track_caller]
pub(crate) fn hold(document: Page, name: &str, text: &str) {
    let Page { path: written_to, variable, command } = document;
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), written_to].iter().collect();
    let page = fs::read_to_string(&path).expect("the page");
    let (before, section, after) = cut(&page, name);
    let text = format!("\n{}\n\n", text.trim());
    if section == text {
        return;
    }
    assert!(
        writing_is_wanted(variable),
        "{written_to}, section {name}: {}\n`{command}` writes it anew",
        difference(section, &text)
    );
    fs::write(&path, format!("{before}{text}{after}")).expect("write the page");
}

/// What stands before the section's text, the text, and what stands behind it.
#[track_caller]
pub(crate) fn cut<'a>(page: &'a str, name: &str) -> (&'a str, &'a str, &'a str) {
    let (start, end) = (format!("<!-- generated: {name} -->\n"), format!("<!-- end: {name} -->"));
    let begin = page.find(&start).unwrap_or_else(|| panic!("the page has no line {start}")) + start.len();
    let (before, rest) = page.split_at(begin);
    let (section, after) = rest.split_at(rest.find(&end).unwrap_or_else(|| panic!("the page has no line {end}")));
    assert!(!after.contains(&start), "the page has two sections {name}");
    (before, section, after)
}

/// The first line that differs.
pub(crate) fn difference(written: &str, found: &str) -> String {
    let (mut written, mut found) = (written.lines(), found.lines());
    loop {
        match (written.next(), found.next()) {
            (Some(one), Some(other)) if one == other => {}
            (None, None) => return "they differ in how they end".to_owned(),
            (one, other) => {
                return format!(
                    "the page says\n  {}\nand the run\n  {}",
                    one.unwrap_or_default(),
                    other.unwrap_or_default()
                );
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a wish of who runs the tests, and no setting of samehand")]
fn writing_is_wanted(variable: &str) -> bool {
    std::env::var_os(variable).is_some_and(|wish| wish == "write")
}
