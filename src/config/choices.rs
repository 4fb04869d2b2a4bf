//! Values chosen from a closed list of words, one or several. Never skips a word that it does not know.

use super::suggestions::nearest;

/// The value that a word stands for; the error lists the words and names the nearest.
pub(super) fn one_of<T: Copy>(word: &str, choices: &[(&str, T)]) -> Result<T, String> {
    if let Some((_, value)) = choices.iter().find(|(name, _)| *name == word) {
        return Ok(*value);
    }
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    let nearest = nearest(word, names.iter().copied()).unwrap_or_default();
    Err(format!("`{word}` is not known; write {}; the nearest is `{nearest}`", either(&names)))
}

/// Every element of a comma list, read by `read`; the error tells of each that is wrong.
pub(super) fn each<T>(text: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    let elements: Vec<&str> = text.split(',').map(str::trim).filter(|element| !element.is_empty()).collect();
    if elements.is_empty() {
        return Err(String::from("the list is empty; write at least one value, or nothing at all for the default"));
    }
    let mut values = Vec::new();
    let mut errors = Vec::new();
    for element in elements {
        match read(element) {
            Ok(value) => values.push(value),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() { Ok(values) } else { Err(errors.join("; ")) }
}

/// The list, if nothing stands in it twice.
pub(super) fn without_repetition<T: PartialEq>(values: Vec<T>) -> Result<Vec<T>, String> {
    let repeated = values.iter().enumerate().any(|(position, value)| values[..position].contains(value));
    if repeated { Err(String::from("a value stands in the list twice; write it once")) } else { Ok(values) }
}

/// A whole number between two bounds, both included.
pub(super) fn whole_number(text: &str, lowest: u64, highest: u64) -> Result<u64, String> {
    let number = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    number
        .filter(|number| (lowest..=highest).contains(number))
        .ok_or_else(|| format!("`{text}` does not fit; write a whole number from {lowest} to {highest}"))
}

fn either(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => format!("`{only}`"),
        [first @ .., last] => format!("`{}` or `{last}`", first.join("`, `")),
    }
}
