//! Gemini's own `Schema` message: upper-case types, `nullable`, enumerations of strings alone, no references.

use serde_json::{Map, Value, json};

use super::cleaner::{Cleaner, prune_required};

/// A value of any form. The message cannot say that, so it is text by description.
pub(super) fn anything() -> Value {
    json!({ "type": "STRING", "description": "Any value, as JSON text." })
}

/// A node whose type is a union, or that lists null among its alternatives, in the message's terms.
pub(super) fn split_union(node: &Map<String, Value>) -> Option<Value> {
    if let Some(Value::Array(names)) = node.get("type") {
        let kinds: Vec<&Value> = names.iter().filter(|name| *name != "null").collect();
        let mut out = node.clone();
        if kinds.len() < names.len() {
            out.insert("nullable".into(), Value::Bool(true));
        }
        match kinds[..] {
            [] => return Some(json!({ "type": "null" })),
            [only] => {
                out.insert("type".into(), only.clone());
            }
            _ => {
                let branches: Vec<Value> = kinds.iter().map(|kind| branch(node, kind)).collect();
                out.retain(|key, _| matches!(key.as_str(), "title" | "description" | "nullable"));
                out.insert("anyOf".into(), Value::Array(branches));
            }
        }
        return Some(Value::Object(out));
    }
    let any = node.get("anyOf")?.as_array()?;
    let rest: Vec<Value> = any
        .iter()
        .filter(|member| !is_null(member))
        .cloned()
        .collect();
    if rest.len() == any.len() && rest.len() != 1 {
        return None;
    }
    let mut out = node.clone();
    if rest.len() < any.len() {
        out.insert("nullable".into(), Value::Bool(true));
    }
    match rest.len() {
        0 => return Some(json!({ "type": "null" })),
        1 => {
            out.shift_remove("anyOf");
            // The node's own words stay in front of the alternative's.
            let only = rest
                .into_iter()
                .next()
                .and_then(|only| only.as_object().cloned())?;
            super::merge::merge(&mut out, &only);
        }
        _ => {
            out.insert("anyOf".into(), Value::Array(rest));
        }
    }
    Some(Value::Object(out))
}

fn branch(node: &Map<String, Value>, kind: &Value) -> Value {
    let mut branch = node.clone();
    branch.retain(|key, _| {
        !matches!(
            key.as_str(),
            "title" | "description" | "nullable" | "default" | "$defs"
        )
    });
    branch.insert("type".into(), kind.clone());
    Value::Object(branch)
}

fn is_null(member: &Value) -> bool {
    member.get("type").is_some_and(|name| name == "null")
        || member.get("const").is_some_and(Value::is_null)
        || member
            .get("enum")
            .and_then(Value::as_array)
            .is_some_and(|v| !v.is_empty() && v.iter().all(Value::is_null))
}

/// Makes a node legal for the message.
pub(super) fn finish(
    cleaner: &mut Cleaner<'_>,
    out: &mut Map<String, Value>,
    notes: &mut Vec<String>,
) {
    let kind = out
        .get("type")
        .and_then(Value::as_str)
        .map(str::to_ascii_uppercase);
    let kind = match kind {
        Some(kind) => kind,
        // Alternatives carry their own types.
        None if out.contains_key("anyOf") => {
            enumeration(cleaner, out, notes, "");
            return;
        }
        None => {
            notes.push("any value, as JSON text".into());
            "STRING".into()
        }
    };
    enumeration(cleaner, out, notes, &kind);
    formats(cleaner, out, notes, &kind);
    let foreign = |out: &mut Map<String, Value>, keys: &[&str]| {
        for key in keys {
            out.shift_remove(*key);
        }
    };
    if kind == "OBJECT" {
        if out
            .get("properties")
            .and_then(Value::as_object)
            .is_none_or(Map::is_empty)
        {
            foreign(out, &["properties", "propertyOrdering"]);
        }
        prune_required(out);
    } else {
        foreign(
            out,
            &[
                "properties",
                "required",
                "propertyOrdering",
                "minProperties",
                "maxProperties",
            ],
        );
    }
    if kind == "ARRAY" {
        out.entry("items").or_insert_with(anything);
    } else {
        foreign(out, &["items", "minItems", "maxItems"]);
    }
    if kind != "STRING" {
        foreign(out, &["minLength", "maxLength", "pattern"]);
    }
    if !matches!(kind.as_str(), "NUMBER" | "INTEGER") {
        foreign(out, &["minimum", "maximum"]);
    }
    out.insert("type".into(), Value::String(kind));
}

/// Only text can be enumerated. Turning numbers into text would change the arguments that come back, so
/// their list becomes a remark.
fn enumeration(
    cleaner: &mut Cleaner<'_>,
    out: &mut Map<String, Value>,
    notes: &mut Vec<String>,
    kind: &str,
) {
    let Some(Value::Array(values)) = out.get("enum").cloned() else {
        out.shift_remove("enum");
        return;
    };
    if values.iter().any(Value::is_null) {
        out.insert("nullable".into(), Value::Bool(true));
    }
    let texts: Vec<Value> = values
        .iter()
        .filter(|value| value.is_string())
        .cloned()
        .collect();
    let others = values
        .iter()
        .any(|value| !value.is_string() && !value.is_null());
    if kind == "STRING" && !texts.is_empty() && !others && texts.iter().all(|text| text != "") {
        out.insert("enum".into(), Value::Array(texts));
        return;
    }
    out.shift_remove("enum");
    if !values.is_empty() && !values.iter().all(Value::is_null) {
        cleaner.note("enum", &Value::Array(values), notes);
    }
}

fn formats(
    cleaner: &mut Cleaner<'_>,
    out: &mut Map<String, Value>,
    notes: &mut Vec<String>,
    kind: &str,
) {
    let Some(format) = out.get("format").cloned() else {
        return;
    };
    let enumerated = out.contains_key("enum");
    let fits = match (kind, format.as_str()) {
        ("STRING", Some("date-time")) => true,
        ("STRING", Some("enum")) => enumerated,
        ("INTEGER", Some("int32" | "int64")) | ("NUMBER", Some("float" | "double")) => true,
        _ => false,
    };
    if !fits {
        out.shift_remove("format");
        if format != "enum" {
            cleaner.note("format", &format, notes);
        }
    }
}
