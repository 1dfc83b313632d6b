//! The checks that all dialects share, on wire JSON: members, names, and that every call has its result.
//! The wording follows the vendors closely enough that a reader knows what to mend; what is specific to a dialect is in its folder.

use serde_json::{Map, Value};

use super::fault::Fault;

type Checked<T> = Result<T, Fault>;

/// The value as an object.
pub(super) fn object<'a>(value: &'a Value, path: &str) -> Checked<&'a Map<String, Value>> {
    value
        .as_object()
        .ok_or_else(|| Fault::invalid(path, format!("{path}: an object is expected")))
}

/// The member as an array that is not empty.
pub(super) fn list<'a>(body: &'a Map<String, Value>, name: &str) -> Checked<&'a Vec<Value>> {
    match body.get(name) {
        Some(Value::Array(items)) if !items.is_empty() => Ok(items),
        Some(Value::Array(_)) => Err(Fault::invalid(
            name,
            format!("{name}: at least one element is required"),
        )),
        Some(_) => Err(Fault::invalid(
            name,
            format!("{name}: an array is expected"),
        )),
        None => Err(Fault::invalid(
            name,
            format!("Missing required parameter: '{name}'."),
        )),
    }
}

/// The member as a text that is not empty.
pub(super) fn text<'a>(value: &'a Map<String, Value>, name: &str, path: &str) -> Checked<&'a str> {
    match value.get(name).and_then(Value::as_str) {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(Fault::invalid(
            path,
            format!("{path}.{name}: a non-empty string is required"),
        )),
    }
}

/// Refuses a member that the dialect does not have.
pub(super) fn only(body: &Map<String, Value>, known: &[&str]) -> Checked<()> {
    match body.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Fault {
            code: Some("unknown_parameter"),
            ..Fault::invalid(
                name,
                format!("Unknown parameter: '{name}'. Extra inputs are not permitted."),
            )
        }),
        None => Ok(()),
    }
}

/// Refuses names that the vendors refuse: letters, digits, `_` and `-`, up to `longest`.
pub(super) fn tool_name(name: &str, longest: usize, path: &str) -> Checked<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.is_empty() || name.len() > longest || !name.chars().all(plain) {
        let message =
            format!("{path}: the name {name:?} does not match ^[a-zA-Z0-9_-]{{1,{longest}}}$");
        return Err(Fault::invalid(path, message));
    }
    Ok(())
}

/// Refuses a `temperature` and a `top_p` out of range.
pub(super) fn sampling(body: &Map<String, Value>, hottest: f64) -> Checked<()> {
    for (name, top) in [("temperature", hottest), ("top_p", 1.0), ("topP", 1.0)] {
        match body.get(name) {
            None | Some(Value::Null) => {}
            Some(value) if value.as_f64().is_some_and(|v| (0.0..=top).contains(&v)) => {}
            Some(value) => {
                return Err(Fault::invalid(
                    name,
                    format!("{name}: {value} is not between 0 and {top}"),
                ));
            }
        }
    }
    Ok(())
}

/// The calls that wait for a result.
#[derive(Debug, Default)]
pub(super) struct Pairing {
    open: Vec<String>,
}

impl Pairing {
    /// A call was made.
    pub(super) fn call(&mut self, id: &str, path: &str) -> Checked<()> {
        if self.open.iter().any(|known| known == id) {
            return Err(Fault::invalid(
                path,
                format!("{path}: the call id {id} is used twice"),
            ));
        }
        self.open.push(id.to_owned());
        Ok(())
    }

    /// A result came.
    pub(super) fn result(&mut self, id: &str, path: &str) -> Checked<()> {
        match self.open.iter().position(|known| known == id) {
            Some(at) => {
                self.open.remove(at);
                Ok(())
            }
            None => Err(Fault::invalid(
                path,
                format!("{path}: no tool call found for the result with call id {id}"),
            )),
        }
    }

    /// Nothing may wait any longer.
    pub(super) fn settled(&self, path: &str) -> Checked<()> {
        if self.open.is_empty() {
            return Ok(());
        }
        let ids = self.open.join(", ");
        Err(Fault::invalid(
            path,
            format!("{path}: no tool output found for these calls before it: {ids}"),
        ))
    }
}

/// A content that is a string or an array of parts, as (type, part) pairs; `null` is no part.
pub(super) fn parts<'a>(content: &'a Value, path: &str) -> Checked<Vec<(&'a str, &'a Value)>> {
    match content {
        Value::String(_) => Ok(vec![("", content)]),
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(n, part)| match part.get("type").and_then(Value::as_str) {
                Some(kind) => Ok((kind, part)),
                None => Err(Fault::invalid(
                    path,
                    format!("{path}[{n}].type: a string is required"),
                )),
            })
            .collect(),
        _ => Err(Fault::invalid(
            path,
            format!("{path}: a string or an array of parts is expected"),
        )),
    }
}

/// The text of one part as `parts` gives it.
pub(super) fn part_text(part: &Value) -> &str {
    part.as_str()
        .or_else(|| part.get("text").and_then(Value::as_str))
        .unwrap_or_default()
}

/// The texts of a content, joined by line ends.
pub(super) fn plain(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let texts: Vec<&str> = items
                .iter()
                .map(part_text)
                .filter(|t| !t.is_empty())
                .collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}

/// The strings of a member that is one string or an array of them.
pub(super) fn strings(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}
