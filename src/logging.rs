//! Log lines: one line an event, `key=value` or one JSON object, on standard error.
//!
//! Whatever a caller wrote is escaped: in text everything but printable ASCII, in JSON control characters and everything
//! beyond ASCII, so that no user name, path or header can forge a line, colour a terminal or turn the direction of text.

use crate::config::LogFormat;
use env_logger::{Builder, Target, fmt::Formatter};
use log::kv::{Error, Key, Value, VisitSource};
use log::{Level, LevelFilter, Record};
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// The most that libraries say unless the filter names them: some write what they are handed, and that holds secrets.
const OF_LIBRARIES: LevelFilter = LevelFilter::Warn;

/// Starts logging. Later calls in one process have no effect.
pub fn start(filter: &str, format: LogFormat) {
    let mut builder = Builder::new();
    choose(&mut builder, filter);
    builder.target(Target::Stderr);
    match format {
        LogFormat::Text => builder.format(text_line),
        LogFormat::Json => builder.format(json_line),
    };
    // A second logger is refused by `log`; the first one goes on.
    let _already_started = builder.try_init();
}

/// A level alone is samehand's own. A target counts as it is written, whatever stands before or after it.
fn choose(builder: &mut Builder, filter: &str) {
    // The web server calls it an error of its own when somebody sends rubbish, who hears so and could fill the log. Who
    // wants to read that names `actix_http` in SAMEHAND_LOG.
    builder.filter_module("actix_http", LevelFilter::Off);
    for directive in filter.split(',').filter(|directive| !directive.contains('=')) {
        // The settings let nothing else pass than levels.
        let level = directive.parse().unwrap_or(LevelFilter::Info);
        builder.filter_level(level.min(OF_LIBRARIES)).filter_module("samehand", level);
    }
    for directive in filter.split(',') {
        if let Some((target, level)) = directive.split_once('=') {
            builder.filter_module(target, level.parse().unwrap_or(LevelFilter::Info));
        }
    }
}

fn timestamp(formatter: &Formatter) -> String {
    formatter.timestamp_millis().to_string()
}

fn level_name(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    }
}

fn text_line(formatter: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let mut line = format!("ts={} level={} msg=", timestamp(formatter), level_name(record.level()));
    push_text_value(&mut line, &record.args().to_string());
    let mut fields = TextFields(&mut line);
    record.key_values().visit(&mut fields).map_err(io::Error::other)?;
    writeln!(formatter, "{line}")
}

struct TextFields<'a>(&'a mut String);

impl<'kvs> VisitSource<'kvs> for TextFields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        write!(self.0, " {key}=")?;
        push_text_value(self.0, &value.to_string());
        Ok(())
    }
}

/// Bare when it is one plain word, else in quotes with everything but printable ASCII escaped.
fn push_text_value(line: &mut String, value: &str) {
    let plain =
        !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:/@+,*[]".contains(&byte));
    if plain {
        line.push_str(value);
        return;
    }
    line.push('"');
    for character in value.chars() {
        match character {
            ' ' | '\'' => line.push(character),
            other => line.extend(other.escape_default()),
        }
    }
    line.push('"');
}

fn json_line(formatter: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let mut fields = JsonFields(serde_json::Map::new());
    fields.0.insert("ts".into(), timestamp(formatter).into());
    fields.0.insert("level".into(), level_name(record.level()).into());
    fields.0.insert("msg".into(), record.args().to_string().into());
    record.key_values().visit(&mut fields).map_err(io::Error::other)?;
    let line = serde_json::Value::Object(fields.0).to_string();
    writeln!(formatter, "{}", ascii_json(&line))
}

struct JsonFields(serde_json::Map<String, serde_json::Value>);

impl<'kvs> VisitSource<'kvs> for JsonFields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let json = match value.to_u64() {
            Some(number) => number.into(),
            None => value.to_string().into(),
        };
        self.0.insert(key.to_string(), json);
        Ok(())
    }
}

/// Writes what is not ASCII as the `\u` escapes of RFC 8259 section 7: the same JSON, safe in any log viewer.
fn ascii_json(line: &str) -> String {
    let mut ascii = String::with_capacity(line.len());
    for character in line.chars() {
        if character.is_ascii() && character != '\x7f' {
            ascii.push(character);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            // Writing into a String does not fail.
            let _written = write!(ascii, "\\u{unit:04x}");
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_a_caller_wrote_forges_a_line_of_text() {
        for (value, written) in [
            ("alice", "alice"),
            ("/path", "/path"),
            ("", "\"\""),
            ("two words", "\"two words\""),
            ("a=b", "\"a=b\""),
            ("a\"b", "\"a\\\"b\""),
            ("x\nlevel=info", "\"x\\nlevel=info\""),
            ("\u{1b}[31m", "\"\\u{1b}[31m\""),
            ("\u{202e}", "\"\\u{202e}\""),
            ("\u{2028}", "\"\\u{2028}\""),
        ] {
            let mut line = String::new();
            push_text_value(&mut line, value);
            assert_eq!(line, written);
        }
    }

    #[test]
    fn a_level_is_samehands_own_and_libraries_speak_below_warn_only_where_they_are_named() {
        for (filter, target, level, speaks) in [
            ("trace", "samehand::http", Level::Trace, true),
            ("trace", "tokio_postgres::query", Level::Warn, true),
            ("trace", "tokio_postgres::query", Level::Info, false),
            ("debug", "redis", Level::Debug, false),
            ("info", "actix_server::builder", Level::Info, false),
            ("trace", "actix_http::h1", Level::Error, false),
            ("error", "redis", Level::Warn, false),
            ("off", "redis", Level::Error, false),
            ("off", "samehand", Level::Error, false),
            ("info,redis=debug", "redis", Level::Debug, true),
            ("redis=debug,info", "redis", Level::Debug, true),
            ("samehand::http=error,TRACE", "samehand::http", Level::Warn, false),
            ("samehand::http=error,TRACE", "samehand::server", Level::Trace, true),
            ("warn,samehand::decision=debug", "samehand::decision", Level::Debug, true),
            ("samehand::decision=debug", "samehand::server", Level::Error, false),
            ("info,actix_http=trace", "actix_http::h1", Level::Trace, true),
        ] {
            let mut builder = Builder::new();
            choose(&mut builder, filter);
            let record = Record::builder().target(target).level(level).build();
            assert_eq!(builder.build().matches(&record), speaks, "{filter}: {target} at {level}");
        }
    }

    #[test]
    fn json_stays_json_and_becomes_ascii() {
        let original = serde_json::json!({ "username": "a\n\u{1b}\u{202e}\u{2028}\u{1f600}\u{7f}" });
        let line = ascii_json(&original.to_string());
        assert!(line.bytes().all(|byte| (0x20..0x7f).contains(&byte)), "{line}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap(), original);
    }
}
