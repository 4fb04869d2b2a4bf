//! What `check-config` prints of every setting: value and origin. Never the value of a secret.

use super::ReportedSetting;
use super::settings::{Kind, SETTINGS, Setting};
use super::sources::Given;
use std::collections::BTreeMap;

/// One line for every setting, in the order of the documentation. `effective` holds, by name, the values that depend
/// on other settings or on the machine, or that are kept in another spelling than the given one.
pub(super) fn lines(given: &Given, effective: &BTreeMap<&'static str, String>) -> Vec<ReportedSetting> {
    SETTINGS.iter().map(|setting| line(setting, given, effective)).collect()
}

fn line(setting: &Setting, given: &Given, effective: &BTreeMap<&'static str, String>) -> ReportedSetting {
    let given = given.values.get(setting.name);
    let effective = effective.get(setting.name).map(String::as_str);
    let value = match (setting.kind, given) {
        (Kind::Secret, Some(_)) => "set",
        (Kind::Secret, None) => effective.unwrap_or_default(),
        (Kind::Text | Kind::List, Some(given)) => effective.unwrap_or(&given.text),
        (Kind::Text | Kind::List, None) => effective.or(setting.default).unwrap_or_default(),
    };
    let origin = given.map_or("default", |given| &given.origin);
    ReportedSetting { name: setting.full_name, value: value.to_owned(), origin: origin.to_owned() }
}
