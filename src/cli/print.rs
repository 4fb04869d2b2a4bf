//! Writing to the terminal. A reader that went away, as in `samehand user list | head -1`, is not an error.

use super::{Failure, Outcome};
use std::io::{self, ErrorKind, Write as _};

/// A result, on standard output.
pub(super) fn result(text: &str) -> Outcome {
    match writeln!(io::stdout(), "{text}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::failed(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Anything else, on standard error.
pub(super) fn note(text: &str) {
    // When standard error is gone there is nobody left to tell.
    let _told = writeln!(io::stderr(), "{text}");
}

/// Text that somebody else wrote, safe for a terminal: everything but printable characters is escaped.
pub(super) fn safe(text: &str) -> String {
    let escape = |character: char| match character {
        ' '..='~' => character.to_string(),
        other => other.escape_default().to_string(),
    };
    text.chars().map(escape).collect()
}
