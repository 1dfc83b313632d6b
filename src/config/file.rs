//! Reading and parsing a configuration file.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::place::SourceText;
use super::{ConfigErrors, Place};

/// A parsed document and where it came from.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) value: Value,
    pub(super) place: Place,
}

/// Parses YAML; duplicate keys are errors.
pub(super) fn parse_yaml(name: &str, text: String, errors: &mut ConfigErrors) -> Option<Document> {
    let parsed = serde_yaml::from_str::<serde_yaml::Value>(&text).and_then(|mut value| {
        value.apply_merge()?;
        Ok(value)
    });
    match parsed {
        Ok(value) => {
            let source = SourceText {
                name: name.to_owned(),
                text,
                json: false,
            };
            Some(Document {
                value: plain(value),
                place: Place::file(Arc::new(source)),
            })
        }
        Err(error) => {
            let line = error.location().map_or(1, |location| location.line());
            errors.push(
                &Place::line_of(name, line),
                yaml_complaint(&error),
                "correct the YAML there",
            );
            None
        }
    }
}

/// Parses JSON.
pub(super) fn parse_json(name: &str, text: String, errors: &mut ConfigErrors) -> Option<Document> {
    let text = text
        .strip_prefix('\u{feff}')
        .map(str::to_owned)
        .unwrap_or(text);
    match serde_json::from_str(&text) {
        Ok(value) => {
            let source = SourceText {
                name: name.to_owned(),
                text,
                json: true,
            };
            Some(Document {
                value,
                place: Place::file(Arc::new(source)),
            })
        }
        Err(error) => {
            let category = match error.classify() {
                serde_json::error::Category::Eof => "the JSON ends too early".to_owned(),
                _ => format!("not valid JSON at column {}", error.column()),
            };
            errors.push(
                &Place::line_of(name, error.line().max(1)),
                category,
                "correct the JSON there",
            );
            None
        }
    }
}

/// Reads a whole file; a missing one is told with what to do.
pub(super) fn read(path: &Path, errors: &mut ConfigErrors) -> Option<String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) => {
            let fix = match error.kind() {
                std::io::ErrorKind::NotFound => "give the path of a file that exists",
                std::io::ErrorKind::PermissionDenied => "let the hub's user read it",
                std::io::ErrorKind::InvalidData => "save it as UTF-8",
                _ => "check the file",
            };
            errors.push(
                &Place::line_of(&path.display().to_string(), 1),
                format!("cannot be read: {error}"),
                fix,
            );
            None
        }
    }
}

/// Says when everybody on this machine can read a file.
pub(super) fn world_readable(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path).is_ok_and(|data| data.permissions().mode() & 0o004 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// The parser's words without a quotation of the file, which may hold a secret.
fn yaml_complaint(error: &serde_yaml::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or_default();
    if let Some(rest) = text.split("duplicate entry with key ").nth(1) {
        return format!("duplicate key {rest}");
    }
    let harmless = !text.contains(['"', '`']) && text.len() < 120;
    if harmless {
        format!("not valid YAML: {text}")
    } else {
        "not valid YAML".to_owned()
    }
}

/// YAML as JSON: keys become text, tags fall away.
fn plain(value: serde_yaml::Value) -> Value {
    use serde_yaml::Value as Yaml;
    match value {
        Yaml::Null => Value::Null,
        Yaml::Bool(flag) => Value::Bool(flag),
        Yaml::Number(number) => number
            .as_i64()
            .map(Value::from)
            .or_else(|| number.as_u64().map(Value::from))
            .or_else(|| {
                number
                    .as_f64()
                    .and_then(serde_json::Number::from_f64)
                    .map(Value::Number)
            })
            .unwrap_or_else(|| Value::String(number.to_string())),
        Yaml::String(text) => Value::String(text),
        Yaml::Sequence(items) => Value::Array(items.into_iter().map(plain).collect()),
        Yaml::Mapping(entries) => {
            let entries = entries
                .into_iter()
                .map(|(key, value)| (key_text(key), plain(value)));
            Value::Object(entries.collect::<Map<_, _>>())
        }
        Yaml::Tagged(tagged) => plain(tagged.value),
    }
}

fn key_text(key: serde_yaml::Value) -> String {
    match plain(key) {
        Value::String(text) => text,
        other => other.to_string(),
    }
}
