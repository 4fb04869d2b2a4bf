//! The generated sections of `docs/efficacy.md`, which `make efficacy` writes anew.

use crate::support::document::{self, Page};

const PAGE: Page = Page { path: "docs/efficacy.md", variable: "EFFICACY", command: "make efficacy" };

/// Holds this section to `text`, or replaces it.
#[track_caller]
pub(crate) fn hold(name: &str, text: &str) {
    document::hold(PAGE, name, text);
}

#[test]
fn a_section_is_what_stands_between_its_marks() {
    let page = "a\n<!-- generated: x -->\n\nold\n\n<!-- end: x -->\nb\n";
    assert_eq!(document::cut(page, "x"), ("a\n<!-- generated: x -->\n", "\nold\n\n", "<!-- end: x -->\nb\n"));
    assert_eq!(document::difference("\none\n\n", "\ntwo\n\n"), "the page says\n  one\nand the run\n  two");
}
