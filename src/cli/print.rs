//! What commands without questions write: the streams of the process, through a [`Console`].

use super::Outcome;
use super::console::Console;
use crate::store::Revoked;

/// A result, on standard output.
pub(super) fn result(text: &str) -> Outcome {
    Console::of_process(|console| console.result(text))
}

/// Anything else, on standard error.
pub(super) fn note(text: &str) {
    let told = Console::of_process(|console| {
        console.note(text);
        Ok(())
    });
    debug_assert!(told.is_ok());
}

/// Text that somebody else wrote, safe for a terminal: everything but printable characters is escaped.
pub(super) fn safe(text: &str) -> String {
    let escape = |character: char| match character {
        ' '..='~' => character.to_string(),
        other => other.escape_default().to_string(),
    };
    text.chars().map(escape).collect()
}

/// What a change ended, for whoever made it.
pub(super) fn ended(revoked: &Revoked) -> String {
    match revoked.sessions {
        0 => "tokens issued before are refused from now on".into(),
        1 => "1 session ended, and tokens issued before are refused from now on".into(),
        sessions => format!("{sessions} sessions ended, and tokens issued before are refused from now on"),
    }
}
