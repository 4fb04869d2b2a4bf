//! Lengths of time as `30s`, `15m`, `8h`, `7d`. Never guesses a unit.

/// Seconds in the text; the error says how to write it.
pub(crate) fn seconds(text: &str) -> Result<u64, String> {
    let unit = match text.bytes().last() {
        Some(b's') => 1,
        Some(b'm') => 60,
        Some(b'h') => 60 * 60,
        Some(b'd') => 24 * 60 * 60,
        Some(_) | None => return Err(explain(text)),
    };
    let digits = &text[..text.len() - 1];
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u64>().ok()).flatten();
    number.and_then(|number| number.checked_mul(unit)).ok_or_else(|| explain(text))
}

fn explain(text: &str) -> String {
    format!("`{text}` is not a length of time; write a whole number and one unit, such as 30s, 15m, 8h or 7d")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit_are_seconds() {
        for (text, expected) in [("30s", 30), ("15m", 900), ("8h", 28_800), ("7d", 604_800), ("0s", 0)] {
            assert_eq!(seconds(text), Ok(expected));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "8", "h", "8 h", "+8h", "-8h", "8H", "1h30m", "8ü", "1.5h", "99999999999999999999d"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
