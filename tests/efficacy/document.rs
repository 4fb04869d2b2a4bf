//! The generated sections of `docs/efficacy.md`: held to what the tests found out, or written anew when `EFFICACY=write`
//! asks for it (`make efficacy`). It never makes a section or moves one: where they stand is up to who writes the page.

use std::{
    fs,
    path::PathBuf,
    sync::{Mutex, PoisonError},
};

const PAGE: &str = "docs/efficacy.md";

/// One test at a time reads and writes the page.
static WRITING: Mutex<()> = Mutex::new(());

/// Holds the section between `<!-- generated: name -->` and `<!-- end: name -->` to `text`, or replaces it.
#[track_caller]
pub(crate) fn hold(name: &str, text: &str) {
    let _writing = WRITING.lock().unwrap_or_else(PoisonError::into_inner);
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), PAGE].iter().collect();
    let page = fs::read_to_string(&path).expect("the page");
    let (before, section, after) = cut(&page, name);
    let text = format!("\n{}\n\n", text.trim());
    if section == text {
        return;
    }
    assert!(
        writing_is_wanted(),
        "{PAGE}, section {name}: {}\n`make efficacy` writes it anew",
        difference(section, &text)
    );
    fs::write(&path, format!("{before}{text}{after}")).expect("write the page");
}

/// What stands before the section's text, the text, and what stands behind it.
#[track_caller]
fn cut<'a>(page: &'a str, name: &str) -> (&'a str, &'a str, &'a str) {
    let (start, end) = (format!("<!-- generated: {name} -->\n"), format!("<!-- end: {name} -->"));
    let begin = page.find(&start).unwrap_or_else(|| panic!("{PAGE} has no line {start}")) + start.len();
    let (before, rest) = page.split_at(begin);
    let (section, after) = rest.split_at(rest.find(&end).unwrap_or_else(|| panic!("{PAGE} has no line {end}")));
    assert!(!after.contains(&start), "{PAGE} has two sections {name}");
    (before, section, after)
}

/// The first line that differs.
fn difference(written: &str, found: &str) -> String {
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
fn writing_is_wanted() -> bool {
    std::env::var_os("EFFICACY").is_some_and(|wish| wish == "write")
}

#[test]
fn a_section_is_what_stands_between_its_marks() {
    let page = "a\n<!-- generated: x -->\n\nold\n\n<!-- end: x -->\nb\n";
    assert_eq!(cut(page, "x"), ("a\n<!-- generated: x -->\n", "\nold\n\n", "<!-- end: x -->\nb\n"));
    assert_eq!(difference("\none\n\n", "\ntwo\n\n"), "the page says\n  one\nand the run\n  two");
}
