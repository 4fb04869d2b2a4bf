//! Gathers what was given: the environment before the settings file, a value or the file that holds it.
//! Never judges a value; it only refuses names that do not exist and forms that contradict each other.

use super::findings::Findings;
use super::settings::{self, CONFIG, FILE_SUFFIX, Kind, PREFIX, SETTINGS, Setting};
use super::{suggestions, toml_file, value_file};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What was given, setting by setting.
pub(super) struct Given {
    /// Values by name without prefix; settings that were not given are absent.
    pub(super) values: BTreeMap<&'static str, GivenValue>,
    /// systemd's directory for us, when it made one.
    pub(super) state_directory: Option<PathBuf>,
    /// The settings file, when there is one.
    pub(super) settings_file: Option<PathBuf>,
    /// Whether it sets anything.
    pub(super) file_sets_something: bool,
}

/// A value and where it comes from.
pub(super) struct GivenValue {
    /// As written, without surrounding blanks unless it is a secret.
    pub(super) text: String,
    /// For people: `environment`, `file /path`.
    pub(super) origin: String,
}

/// Variables of ours, by name without prefix.
struct Variables {
    values: BTreeMap<String, String>,
    state_directory: Option<PathBuf>,
}

/// One of the two places where values stand.
struct Place {
    /// How it is called in the report.
    label: String,
    /// How it spells the name of a setting.
    spell: fn(&str) -> String,
    values: BTreeMap<String, String>,
}

/// Reads everything there is. A file that was asked for must exist; `default_file` is used if it does.
pub(super) fn gather(
    file: Option<&Path>,
    default_file: &Path,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    findings: &mut Findings,
) -> Given {
    let mut variables = read_variables(environment, findings);
    let named = variables.values.remove(CONFIG).map(PathBuf::from);
    let mut places = vec![Place {
        label: String::from("environment"),
        spell: |name| format!("{PREFIX}{name}"),
        values: variables.values,
    }];
    let chosen = file.map(Path::to_path_buf).or(named);
    let settings_file = chosen.or_else(|| exists(default_file).then(|| default_file.to_path_buf()));
    let mut file_sets_something = false;
    if let Some(path) = &settings_file {
        let values = read_settings_file(path, findings);
        file_sets_something = !values.is_empty();
        places.push(Place { label: format!("file {}", path.display()), spell: str::to_lowercase, values });
    }
    let mut values = BTreeMap::new();
    for setting in &SETTINGS {
        if let Some(value) = places.iter_mut().find_map(|place| place.take(setting, findings)) {
            values.insert(setting.name, value);
        }
    }
    Given { values, state_directory: variables.state_directory, settings_file, file_sets_something }
}

/// A path that cannot even be looked at exists as far as we know, and so does a link that leads nowhere: reading it then
/// says what is wrong.
fn exists(path: &Path) -> bool {
    !matches!(path.symlink_metadata(), Err(error) if error.kind() == ErrorKind::NotFound)
}

fn read_variables(environment: impl IntoIterator<Item = (OsString, OsString)>, findings: &mut Findings) -> Variables {
    let mut variables = Variables { values: BTreeMap::new(), state_directory: None };
    for (variable, value) in environment {
        if variable == "STATE_DIRECTORY" {
            let directory = std::env::split_paths(&value).next();
            variables.state_directory = directory.filter(|path| !path.as_os_str().is_empty());
            continue;
        }
        let variable = variable.to_string_lossy();
        let Some(name) = variable.strip_prefix(PREFIX) else {
            continue;
        };
        let known = name == CONFIG || settings::find(name).or_else(|| settings::find_by_file_form(name)).is_some();
        if !known {
            if !is_injected_by_kubernetes(name) {
                findings.problem(name, suggestions::for_variable(name));
            }
            continue;
        }
        match value.into_string() {
            Ok(text) if text.is_empty() => {}
            Ok(text) => {
                variables.values.insert(name.to_owned(), text);
            }
            Err(_) => findings.problem(name, "the value is not UTF-8; write it as UTF-8 text"),
        }
    }
    variables
}

/// A Kubernetes service called `samehand` puts these into every pod of its namespace.
fn is_injected_by_kubernetes(name: &str) -> bool {
    name.starts_with("PORT") || name.starts_with("SERVICE_")
}

fn read_settings_file(path: &Path, findings: &mut Findings) -> BTreeMap<String, String> {
    let Some(file) = findings.keep(CONFIG, value_file::read(path)) else {
        return BTreeMap::new();
    };
    let Ok(text) = str::from_utf8(&file.content) else {
        findings.problem(CONFIG, format!("{} is not UTF-8 text; save it as UTF-8", path.display()));
        return BTreeMap::new();
    };
    let problems_before = findings.problems.len();
    let mut values = toml_file::parse(path, text, findings);
    values.retain(|_, value| !value.is_empty());
    if values.is_empty() && findings.problems.len() == problems_before {
        findings.warn(CONFIG, without_settings(path, text));
    }
    let holds_a_secret =
        SETTINGS.iter().any(|setting| setting.kind == Kind::Secret && values.contains_key(setting.name));
    if file.open_to_others && holds_a_secret {
        findings.warn(CONFIG, value_file::openness_warning(path));
    }
    values
}

/// An editor that empties a file before it writes it, or a disk that was full, leaves such a file. It counts as "all defaults"
/// at a start only; see [`Config::lost_file`](super::Config::lost_file).
fn without_settings(path: &Path, text: &str) -> String {
    let path = path.display();
    let remedy = "so the file changes no default; write your settings into it, or do not name it";
    match text.trim().is_empty() {
        true => format!("{path} is empty, {remedy}"),
        false => format!("{path} has no setting in it, only comments or empty values, {remedy}"),
    }
}

impl Place {
    /// The value of a setting in this place, if it is given there.
    fn take(&mut self, setting: &Setting, findings: &mut Findings) -> Option<GivenValue> {
        let text = self.values.remove(setting.name).and_then(|text| trimmed(setting, text));
        if let Some(problem) = text.as_deref().and_then(value_file::wrapping) {
            findings.problem(setting.name, problem);
            return None;
        }
        let file_form = format!("{}{FILE_SUFFIX}", setting.name);
        let path = setting.has_file_form.then(|| self.values.remove(&file_form)).flatten();
        match (text, path) {
            (None, None) => None,
            (Some(text), None) => Some(GivenValue { text, origin: self.label.clone() }),
            (Some(_), Some(_)) => {
                let (direct, file) = ((self.spell)(setting.name), (self.spell)(&file_form));
                findings.problem(setting.name, format!("both {direct} and {file} are set; remove one of them"));
                None
            }
            (None, Some(path)) => {
                let path = Path::new(path.trim());
                let file = findings.keep(&file_form, value_file::read(path))?;
                if file.open_to_others {
                    findings.warn(&file_form, value_file::openness_warning(path));
                }
                let text = findings.keep(&file_form, value_file::value(path, file.content))?;
                if let Some(problem) = value_file::wrapping(&text) {
                    findings.problem(&file_form, format!("{}: {problem}", path.display()));
                    return None;
                }
                let origin = format!("{} ({}) {}", self.label, (self.spell)(&file_form), path.display());
                let text = trimmed(setting, text).ok_or_else(|| value_file::emptiness(path));
                Some(GivenValue { text: findings.keep(&file_form, text)?, origin })
            }
        }
    }
}

/// Blanks around a value are slips; in a secret every byte counts.
fn trimmed(setting: &Setting, text: String) -> Option<String> {
    match setting.kind {
        Kind::Secret => Some(text),
        Kind::Text | Kind::List => Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned),
    }
}
