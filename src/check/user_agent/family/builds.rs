//! What of a value tells one build from the next: the rest of a version number, names of commits, numbers of builds. Pure, in
//! one pass, without memory of its own.

use super::{cut, digits_at_the_start};

/// Shortest name of a commit that is written, in hexadecimal digits.
const SHORTEST_COMMIT: usize = 7;
/// Words before the number of a version that is not out yet.
const BEFORE_RELEASE: [&[u8]; 6] = [b"alpha", b"beta", b"rc", b"pre", b"preview", b"dev"];

/// What follows a build that begins here, which no version number leads to: the name of a commit, the number of a build alone
/// in a comment, `(21E219)`, or Android's behind `Build/`.
pub(super) fn after_build<'a>(before: &[u8], rest: &'a [u8]) -> Option<&'a [u8]> {
    let (run, after) = run(rest);
    let is_alone = before.ends_with(b"(") && after.starts_with(b")") && run.first().is_some_and(u8::is_ascii_digit);
    let is_build = (before.ends_with(b" Build/") || before.ends_with(b";Build/")) && !run.is_empty();
    (is_alone || is_build || is_commit(run)).then_some(after)
}

/// Skips the further pieces of a version number, each behind one separator: what begins with a digit, the name of a commit,
/// and a numbered version before a release.
pub(super) fn after_version(mut rest: &[u8]) -> &[u8] {
    while let [b'.' | b'_' | b'-' | b'+' | b'~', piece @ ..] = rest {
        let (run, after) = run(piece);
        rest = match run {
            [b'0'..=b'9', ..] => after,
            run if is_commit(run) => after,
            run => match after_unreleased(run, after) {
                Some(after) => after,
                None => return rest,
            },
        };
    }
    rest
}

/// `alpha.14`, `rc-2` and `beta1`; nothing for the word alone, which tells a channel.
fn after_unreleased<'a>(run: &[u8], after: &'a [u8]) -> Option<&'a [u8]> {
    let letters = run.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (word, number) = cut(run, Some(letters), 0);
    if !BEFORE_RELEASE.iter().any(|known| word.eq_ignore_ascii_case(known)) {
        return None;
    }
    if !number.is_empty() {
        return number.iter().all(u8::is_ascii_digit).then_some(after);
    }
    let [b'.' | b'-', number @ ..] = after else { return None };
    let digits = digits_at_the_start(number);
    (digits > 0).then(|| cut(number, Some(digits), 0).1)
}

/// Hexadecimal digits, as git writes a commit, or `g` and those; a word of letters alone is none.
fn is_commit(run: &[u8]) -> bool {
    let digits = run.strip_prefix(b"g").unwrap_or(run);
    let is_lower_hex = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    digits.len() >= SHORTEST_COMMIT && digits.iter().all(is_lower_hex) && digits.iter().any(u8::is_ascii_digit)
}

/// Letters and digits at the start, and what is behind them.
fn run(bytes: &[u8]) -> (&[u8], &[u8]) {
    cut(bytes, Some(bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count()), 0)
}
