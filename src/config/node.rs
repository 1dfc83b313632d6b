//! Reading typed values out of a parsed document, with everything that is wrong noted and reading going on.

use std::borrow::Cow;
use std::time::Duration;

use serde_json::{Map, Value};

use super::interpolation::interpolate;
use super::{ConfigErrors, Environment, Place, Secret};
use crate::routing::closest;

/// Longer values are not shown in errors: they might be secrets in the wrong place.
const LONGEST_SHOWN: usize = 24;

/// A value, its name and its place.
#[derive(Clone, Debug)]
pub(super) struct Node<'v> {
    pub(super) value: &'v Value,
    pub(super) name: String,
    pub(super) place: Place,
}

impl<'v> Node<'v> {
    pub(super) fn new(value: &'v Value, name: &str, place: Place) -> Self {
        Self {
            value,
            name: name.to_owned(),
            place,
        }
    }

    pub(super) fn item(&self, index: usize, value: &'v Value) -> Self {
        Self {
            value,
            name: format!("{}[{index}]", self.name),
            place: self.place.item(index),
        }
    }

    /// The items of a list; a single value is a list of one.
    pub(super) fn items(&self) -> Vec<Self> {
        match self.value {
            Value::Null => Vec::new(),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .map(|(index, value)| self.item(index, value))
                .collect(),
            _ => vec![self.clone()],
        }
    }
}

/// The members of a map.
#[derive(Clone, Debug)]
pub(super) struct Fields<'v> {
    map: &'v Map<String, Value>,
    pub(super) place: Place,
}

impl<'v> Fields<'v> {
    /// A member that is there and not null.
    pub(super) fn get(&self, key: &str) -> Option<Node<'v>> {
        let value = self.map.get(key).filter(|value| !value.is_null())?;
        Some(Node::new(value, key, self.place.key(key)))
    }

    /// The first of several spellings.
    pub(super) fn any(&self, keys: &[&str]) -> Option<Node<'v>> {
        keys.iter().find_map(|key| self.get(key))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Node<'v>> {
        self.map
            .iter()
            .map(|(key, value)| Node::new(value, key, self.place.key(key)))
    }
}

/// What an unknown key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    Error,
    Warning,
}

/// Reads values and collects what is wrong.
#[derive(Debug)]
pub(super) struct Reader<'e> {
    pub(super) environment: &'e Environment,
    pub(super) errors: ConfigErrors,
    pub(super) warnings: Vec<String>,
    pub(super) unknown: Unknown,
    /// Whether a file holds a credential in clear.
    pub(super) literal_secret: bool,
}

impl<'e> Reader<'e> {
    pub(super) fn new(environment: &'e Environment) -> Self {
        Self {
            environment,
            errors: ConfigErrors::default(),
            warnings: Vec::new(),
            unknown: Unknown::Error,
            literal_secret: false,
        }
    }

    pub(super) fn error(&mut self, place: &Place, what: impl Into<String>, fix: impl Into<String>) {
        self.errors.push(place, what, fix);
    }

    pub(super) fn warn(&mut self, place: &Place, what: &str) {
        self.warnings.push(format!("{place}: {what}"));
    }

    /// The members of a map; keys that are not known are told.
    pub(super) fn fields<'v>(&mut self, node: &Node<'v>, known: &[&str]) -> Option<Fields<'v>> {
        let Value::Object(map) = node.value else {
            let fix = format!("write keys and values: {}", known.join(", "));
            self.error(
                &node.place,
                format!("{} must be a map, not {}", node.name, kind(node.value)),
                fix,
            );
            return None;
        };
        let fields = Fields {
            map,
            place: node.place.clone(),
        };
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let shown: String = key.chars().take(40).collect();
            let place = fields.place.key(key);
            if self.unknown == Unknown::Warning {
                self.warn(&place, &format!("`{shown}` is not known and was left out"));
                continue;
            }
            let fix = match closest(key, known.iter().copied(), 1).pop() {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("remove it, or use one of {}", known.join(", ")),
            };
            self.error(&place, format!("unknown key `{shown}`"), fix);
        }
        Some(fields)
    }

    /// Text with variables put in; `None` when it is empty or wrong.
    pub(super) fn text(&mut self, node: &Node<'_>) -> Option<String> {
        let (text, unset) = self.resolve(node)?;
        if let Some(name) = unset.first() {
            let what = format!("{} refers to {name}, which is not set", node.name);
            self.error(
                &node.place,
                what,
                format!("set {name}, or give a default: ${{{name}:-value}}"),
            );
            return None;
        }
        (!text.is_empty()).then_some(text)
    }

    /// A credential. One whose variable is not set is only absent, so that a file may name more keys
    /// than this machine has.
    pub(super) fn secret(&mut self, node: &Node<'_>) -> Option<Secret> {
        let secret = self.hidden(node)?;
        let literal = node.value.as_str().is_some_and(|raw| !raw.contains("${"));
        self.literal_secret |= literal && !node.place.is_literal();
        Some(secret)
    }

    /// As [`Reader::secret`], for what may or may not be a credential, such as a header's value.
    pub(super) fn hidden(&mut self, node: &Node<'_>) -> Option<Secret> {
        let (text, unset) = self.resolve(node)?;
        if let Some(name) = unset.first() {
            self.warn(
                &node.place,
                &format!("{} is left out, since {name} is not set", node.name),
            );
            return None;
        }
        let text = text.trim();
        if text.chars().any(char::is_control) {
            self.error(
                &node.place,
                format!("{} has a line break or control character in it", node.name),
                "write it on one line",
            );
            return None;
        }
        (!text.is_empty()).then(|| Secret::new(text))
    }

    fn resolve(&mut self, node: &Node<'_>) -> Option<(String, Vec<String>)> {
        let raw: Cow<'_, str> = match node.value {
            Value::Null => return None,
            Value::String(text) => Cow::Borrowed(text),
            Value::Bool(_) | Value::Number(_) => return Some((node.value.to_string(), Vec::new())),
            Value::Array(_) | Value::Object(_) => {
                let what = format!(
                    "{} must be a single value, not {}",
                    node.name,
                    kind(node.value)
                );
                self.error(&node.place, what, "write one value");
                return None;
            }
        };
        if node.place.is_literal() {
            return Some((raw.into_owned(), Vec::new()));
        }
        match interpolate(&raw, self.environment) {
            Ok(resolved) => Some((resolved.text.into_owned(), resolved.unset)),
            Err(what) => {
                self.error(
                    &node.place,
                    format!("{}: {what}", node.name),
                    "write $${ for a literal ${",
                );
                None
            }
        }
    }

    /// Several texts; one alone will do.
    pub(super) fn texts(&mut self, node: &Node<'_>) -> Vec<String> {
        node.items()
            .iter()
            .filter_map(|item| self.text(item))
            .collect()
    }

    /// A whole number within bounds.
    pub(super) fn number(&mut self, node: &Node<'_>, least: i64, most: i64) -> Option<i64> {
        let text = self.text(node)?;
        let number = text.trim().replace('_', "").parse::<i64>().ok();
        let number = number.filter(|number| (least..=most).contains(number));
        if number.is_none() {
            let bound = if most == i64::MAX {
                format!("of at least {least}")
            } else {
                format!("from {least} to {most}")
            };
            self.invalid(node, &text, &format!("must be a whole number {bound}"));
        }
        number
    }

    /// A whole number that is not negative.
    pub(super) fn count(&mut self, node: &Node<'_>, least: u32) -> Option<u64> {
        self.number(node, i64::from(least), i64::MAX)
            .and_then(|number| u64::try_from(number).ok())
    }

    /// A whole number of 32 bits.
    pub(super) fn small(&mut self, node: &Node<'_>, least: u32) -> Option<u32> {
        self.number(node, i64::from(least), i64::from(u32::MAX))
            .and_then(|number| u32::try_from(number).ok())
    }

    /// Yes or no, in the spellings people use.
    pub(super) fn boolean(&mut self, node: &Node<'_>) -> Option<bool> {
        let text = self.text(node)?;
        let found = match text.trim().to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        };
        if found.is_none() {
            self.invalid(node, &text, "must be true or false");
        }
        found
    }

    /// Seconds, or a number with `ms`, `s`, `m`, `h`.
    pub(super) fn duration(&mut self, node: &Node<'_>) -> Option<Duration> {
        let text = self.text(node)?;
        let found = duration(text.trim()).filter(|duration| !duration.is_zero());
        if found.is_none() {
            self.invalid(
                node,
                &text,
                "must be a time in seconds above 0, such as 600 or 10m",
            );
        }
        found
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, node: &Node<'_>, choices: &[(&str, T)]) -> Option<T> {
        let text = self.text(node)?;
        let folded = text.trim().to_ascii_lowercase().replace('-', "_");
        if let Some((_, choice)) = choices
            .iter()
            .find(|(word, _)| word.replace('-', "_") == folded)
        {
            return Some(*choice);
        }
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        self.invalid(node, &text, &format!("must be one of {}", words.join(", ")));
        None
    }

    /// Notes a value that will not do; shows it unless it may be a secret.
    pub(super) fn invalid(&mut self, node: &Node<'_>, text: &str, must: &str) {
        let from_variable = node.value.as_str().is_some_and(|raw| raw.contains("${"));
        let shown = if from_variable || text.len() > LONGEST_SHOWN {
            String::new()
        } else {
            format!(", not `{text}`")
        };
        let fix = match node.place.is_variable() {
            true => format!("correct or unset {}", node.name),
            false => "correct the value".to_owned(),
        };
        self.error(&node.place, format!("{} {must}{shown}", node.name), fix);
    }
}

fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "s" => 1.0,
        "ms" => 0.001,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    let seconds: f64 = digits.trim().parse().ok()?;
    // A year is longer than anybody waits.
    (0.0..=31_536_000.0)
        .contains(&seconds)
        .then(|| Duration::try_from_secs_f64(seconds * factor).ok())?
}

/// What a value is, in words.
pub(super) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
