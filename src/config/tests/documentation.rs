//! The reference in `docs/settings.md` has the settings of the program, all of them, with their defaults.

use super::super::settings::SETTINGS;

const REFERENCE: &str = include_str!("../../../docs/settings.md");

/// Name and default of every row whose first cell is a setting.
fn rows() -> Vec<(&'static str, &'static str)> {
    REFERENCE
        .lines()
        .filter(|line| line.starts_with("| `SAMEHAND_"))
        .map(|line| {
            let mut cells = line.split('|').map(str::trim).skip(1);
            (cells.next().unwrap().trim_matches('`'), cells.next().unwrap())
        })
        .collect()
}

#[test]
fn every_setting_is_in_the_reference_and_no_other() {
    let documented: Vec<_> = rows().into_iter().map(|(name, _)| name).collect();
    let known: Vec<_> = SETTINGS.iter().map(|setting| setting.full_name).collect();
    assert_eq!(documented, known);
}

#[test]
fn the_reference_has_the_defaults_of_the_program() {
    for (setting, (name, default)) in SETTINGS.iter().zip(rows()) {
        if let Some(expected) = setting.default {
            assert_eq!(default, format!("`{expected}`"), "{name}");
        }
    }
}

#[test]
fn the_reference_names_every_file_form() {
    for setting in SETTINGS.iter().filter(|setting| setting.has_file_form) {
        let file_form = format!("`{}_FILE`", setting.full_name);
        assert!(REFERENCE.contains(&file_form), "{file_form}");
    }
}
