//! What somebody probably meant by a name that does not exist. Never acts on the guess,
//! it only words the message.

use super::settings::{self, CONFIG, FILE_SUFFIX, PREFIX, SETTINGS};

/// Names that people bring along, and what they may mean here.
const OTHER_NAMES: [(&str, &str); 1] =
    [("BIND", "SAMEHAND_LISTEN (where to listen) or SAMEHAND_REQUIRE_SAME (what a token is bound to)")];

/// The message for a variable of the environment; the name comes without prefix.
pub(super) fn for_variable(name: &str) -> String {
    let mut message = format!("there is no such setting; {}", meant(name, |known| format!("{PREFIX}{known}")));
    if name.contains("_SERVICE_") || name.ends_with("_PORT") || name.contains("_PORT_") {
        message.push_str("; if Kubernetes set it, write `enableServiceLinks: false` into the pod");
    }
    message
}

/// The message for a key of the settings file.
pub(super) fn for_key(key: &str) -> String {
    let name = key.to_uppercase();
    let name = name.strip_prefix(PREFIX).unwrap_or(&name);
    let nearest = meant(name, str::to_lowercase);
    format!("`{key}` in the file is not a setting; {nearest} (names in the file are lower case, without prefix)")
}

fn meant(name: &str, spell: impl Fn(&str) -> String) -> String {
    if let Some((_, meaning)) = OTHER_NAMES.iter().find(|(other, _)| name.eq_ignore_ascii_case(other)) {
        return format!("did you mean {meaning}?");
    }
    let upper = name.to_uppercase();
    if let Some(setting) = upper.strip_suffix(FILE_SUFFIX).and_then(settings::find) {
        let known = spell(setting.name);
        return format!("{known} cannot be given as a file, write {known} itself");
    }
    let file_forms = SETTINGS.iter().filter(|setting| setting.has_file_form);
    let file_forms: Vec<_> = file_forms.map(|setting| format!("{}{FILE_SUFFIX}", setting.name)).collect();
    let known =
        SETTINGS.iter().map(|setting| setting.name).chain(file_forms.iter().map(String::as_str)).chain([CONFIG]);
    nearest(&upper, known).map_or_else(String::new, |known| format!("the nearest one is {}", spell(known)))
}

/// The candidate that differs from the word in the fewest letters; the first of equals.
pub(super) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates.into_iter().min_by_key(|candidate| edit_distance(word, candidate))
}

/// How many letters have to be inserted, dropped or replaced to get from one word to the other.
fn edit_distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (position, letter) in from.chars().enumerate() {
        let mut diagonal = position;
        row[0] = position + 1;
        for (column, other) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != *other);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn distance(from: &str, to: &str, expected: usize) {
        assert_eq!(edit_distance(from, to), expected);
        assert_eq!(edit_distance(to, from), expected);
    }

    #[test]
    fn the_distance_counts_insertions_removals_and_replacements() {
        distance("", "", 0);
        distance("LISTEN", "LISTEN", 0);
        distance("LISEN", "LISTEN", 1);
        distance("LISTAN", "LISTEN", 1);
        distance("SETTING", "LISTEN", 5);
        distance("", "SALT", 4);
    }

    #[test]
    fn a_misspelt_name_is_answered_with_the_nearest() {
        assert!(for_variable("TRUSTED_PROXY").ends_with("SAMEHAND_TRUSTED_PROXIES"));
        assert!(for_variable("SALT_FIEL").ends_with("SAMEHAND_SALT_FILE"));
        assert!(for_key("samehand_listen").contains("the nearest one is listen "));
    }
}
