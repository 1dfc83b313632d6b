//! The strict subsets of OpenAI and Anthropic: closed objects, and for OpenAI every property required.

use serde_json::{Map, Value};

use super::Flavour;
use super::cleaner::{Cleaner, prune_required};

/// OpenAI's bounds on the whole schema.
#[derive(Default)]
pub(super) struct Limits {
    properties: usize,
    deepest: usize,
    enum_values: usize,
    characters: usize,
}

impl Limits {
    pub(super) const fn hold(&self) -> bool {
        // The walk counts nodes, and an object level is at most two of them (`properties`, `items`).
        self.properties <= 5_000
            && self.deepest <= 20
            && self.enum_values <= 1_000
            && self.characters <= 120_000
    }
}

/// Closes an object and checks what the subset demands of a node.
pub(super) fn finish(cleaner: &mut Cleaner<'_>, out: &mut Map<String, Value>, depth: usize) {
    let openai = cleaner.flavour == Flavour::OpenAiStrict;
    count(&mut cleaner.limits, out, depth);
    if openai
        && !["type", "anyOf", "$ref"]
            .iter()
            .any(|key| out.contains_key(*key))
    {
        cleaner.fits = false;
    }
    if out.contains_key("$ref") {
        return;
    }
    if !is_object(out) {
        out.shift_remove("additionalProperties");
        return;
    }
    if openai {
        require_all(cleaner, out);
    } else {
        prune_required(out);
    }
    out.entry("additionalProperties")
        .or_insert(Value::Bool(false));
}

fn is_object(out: &Map<String, Value>) -> bool {
    match out.get("type") {
        Some(Value::String(name)) => name == "object",
        Some(Value::Array(names)) => names.iter().any(|name| name == "object"),
        _ => false,
    }
}

/// Optional properties that may be null become required: the answer stays inside the original schema.
/// Any other optional property has no strict form.
fn require_all(cleaner: &mut Cleaner<'_>, out: &mut Map<String, Value>) {
    let given = out
        .get("required")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let properties = out
        .entry("properties")
        .or_insert_with(|| Value::Object(Map::new()));
    let Some(properties) = properties.as_object() else {
        return;
    };
    let names: Vec<Value> = properties.keys().cloned().map(Value::String).collect();
    let optional = properties
        .iter()
        .filter(|(name, _)| !given.iter().any(|given| given == name.as_str()));
    if optional.into_iter().any(|(_, schema)| !takes_null(schema)) {
        cleaner.fits = false;
    }
    out.insert("required".into(), Value::Array(names));
}

fn takes_null(schema: &Value) -> bool {
    let null = |value: &Value| value == "null";
    schema.get("type").is_some_and(|name| {
        null(name) || name.as_array().is_some_and(|names| names.iter().any(null))
    }) || schema
        .get("anyOf")
        .and_then(Value::as_array)
        .is_some_and(|any| any.iter().any(takes_null))
}

fn count(limits: &mut Limits, out: &Map<String, Value>, depth: usize) {
    limits.deepest = limits.deepest.max(depth);
    if let Some(Value::Object(properties)) = out.get("properties") {
        limits.properties += properties.len();
        limits.characters += properties.keys().map(String::len).sum::<usize>();
    }
    if let Some(Value::Array(values)) = out.get("enum") {
        limits.enum_values += values.len();
        limits.characters += values
            .iter()
            .filter_map(Value::as_str)
            .map(str::len)
            .sum::<usize>();
    }
}
