//! The settings file: TOML to names and values as the environment would give them. Never shows a line of the file,
//! because that line may hold a secret.

use super::findings::Findings;
use super::settings::{self, Kind, Setting};
use super::suggestions;
use std::collections::BTreeMap;
use std::path::Path;
use toml::{Table, Value};

/// The table that later releases read.
const RULES: &str = "rules";

/// Values by name without prefix, in capitals. Keys that cannot be used become problems.
pub(super) fn parse(path: &Path, text: &str, findings: &mut Findings) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let table = match text.parse::<Table>() {
        Ok(table) => table,
        Err(error) => {
            findings.problem(settings::CONFIG, syntax_error(path, text, &error));
            return values;
        }
    };
    for (key, value) in table {
        let name = key.to_uppercase();
        if key == RULES {
            findings.problem(&name, format!("`{RULES}` in {} is not in this release; remove it", path.display()));
            continue;
        }
        let known = settings::find(&name).or_else(|| settings::find_by_file_form(&name));
        let Some(setting) = known.filter(|_| key == name.to_lowercase()) else {
            findings.problem(&name, unknown(&key, &value));
            continue;
        };
        let points_to_file = setting.name != name;
        if let Some(text) = findings.keep(&name, as_text(setting, points_to_file, value)) {
            values.insert(name, text);
        }
    }
    values
}

/// Where the syntax is wrong, without the line itself.
fn syntax_error(path: &Path, text: &str, error: &toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let path = path.display();
    format!(
        "{path} is not valid TOML near line {line}; write lines such as `listen = \"127.0.0.1:9180\"`, each name once"
    )
}

fn unknown(key: &str, value: &Value) -> String {
    let first_element = value.as_array().and_then(|elements| elements.first());
    if value.is_table() || first_element.is_some_and(Value::is_table) {
        format!("`{key}` is a table; the file has no tables; write every setting at its top level, before any `[...]`")
    } else {
        suggestions::for_key(key)
    }
}

fn as_text(setting: &Setting, points_to_file: bool, value: Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text),
        // TOML reads 0o660 as 432, and 432 read as octal digits would open the socket to others.
        Value::Integer(_) if setting.name == "SOCKET_MODE" => Err(String::from("write it in quotes, such as \"0660\"")),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Boolean(truth) => Ok(truth.to_string()),
        Value::Array(elements) if setting.kind == Kind::List && !points_to_file => joined(elements),
        Value::Array(_) | Value::Float(_) | Value::Datetime(_) | Value::Table(_) => {
            Err(format!("write one text in quotes, such as {} = \"...\"", setting.name.to_lowercase()))
        }
    }
}

fn joined(elements: Vec<Value>) -> Result<String, String> {
    let texts: Option<Vec<String>> = elements.into_iter().map(element).collect();
    match texts {
        Some(texts) if texts.is_empty() => {
            Err(String::from("an empty list says nothing; leave the line out for the default"))
        }
        Some(texts) => Ok(texts.join(",")),
        None => Err(String::from("write a list of texts in quotes, one value in each, such as [\"one\", \"two\"]")),
    }
}

fn element(value: Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() && !text.contains(',') => Some(text),
        Value::String(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Array(_)
        | Value::Table(_) => None,
    }
}
