//! Gemini's spelling of a schema, read as JSON Schema: upper-case types, `nullable`, snake_case members,
//! numbers as text. Property names are never touched.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

/// Reads a schema that a Gemini client sent. One that already is JSON Schema stays as it is, byte for byte.
#[must_use]
pub fn from_gemini(schema: &str) -> Cow<'_, str> {
    const MARKS: [&str; 17] = [
        "\"OBJECT\"",
        "\"STRING\"",
        "\"ARRAY\"",
        "\"NUMBER\"",
        "\"INTEGER\"",
        "\"BOOLEAN\"",
        "\"NULL\"",
        "\"nullable\"",
        "\"any_of\"",
        "_items\"",
        "_length\"",
        "_properties\"",
        "property_ordering",
        "\"propertyOrdering\"",
        "TYPE_UNSPECIFIED",
        "\"minItems\":\"",
        "\"defs\"",
    ];
    if !MARKS
        .iter()
        .any(|mark| memchr::memmem::find(schema.as_bytes(), mark.as_bytes()).is_some())
    {
        return Cow::Borrowed(schema);
    }
    match serde_json::from_str::<Value>(schema) {
        Ok(value) => Cow::Owned(node(&value).to_string()),
        Err(_) => Cow::Borrowed(schema),
    }
}

/// The depth is bounded by the parser.
fn node(value: &Value) -> Value {
    let Value::Object(map) = value else {
        return value.clone();
    };
    let mut out = Map::with_capacity(map.len());
    let mut nullable = false;
    for (key, value) in map {
        let key = member(key);
        let value = match (key, value) {
            ("nullable", _) => {
                nullable = value == &Value::Bool(true);
                continue;
            }
            // The order is in the properties already, and no other subset knows the member.
            ("propertyOrdering", _) => continue,
            ("type", Value::String(name)) if name == "TYPE_UNSPECIFIED" => continue,
            // Gemini's marker for enumerations; the list says it already.
            ("format", Value::String(name)) if name == "enum" => continue,
            ("type", Value::String(name)) => Value::String(name.to_ascii_lowercase()),
            (
                "properties" | "$defs" | "patternProperties" | "definitions",
                Value::Object(children),
            ) => Value::Object(
                children
                    .iter()
                    .map(|(name, child)| (name.clone(), node(child)))
                    .collect(),
            ),
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Value::Array(list)) => {
                Value::Array(list.iter().map(node).collect())
            }
            ("items" | "additionalProperties" | "not", child) => node(child),
            (
                "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties"
                | "maxProperties",
                Value::String(n),
            ) => n.parse::<u64>().map_or_else(|_| value.clone(), Value::from),
            ("$ref", Value::String(target)) => Value::String(
                target
                    .strip_prefix("#/defs/")
                    .map_or_else(|| target.clone(), |n| format!("#/$defs/{n}")),
            ),
            _ => value.clone(),
        };
        out.insert(key.to_owned(), value);
    }
    if nullable {
        allow_null(&mut out);
    }
    Value::Object(out)
}

fn allow_null(out: &mut Map<String, Value>) {
    if let Some(Value::String(name)) = out.get("type").cloned() {
        out.insert("type".into(), json!([name, "null"]));
        if let Some(Value::Array(values)) = out.get_mut("enum")
            && !values.iter().any(Value::is_null)
        {
            values.push(Value::Null);
        }
    } else if let Some(Value::Array(list)) = out.get_mut("anyOf") {
        list.push(json!({ "type": "null" }));
    }
}

fn member(key: &str) -> &str {
    match key {
        "any_of" => "anyOf",
        "min_items" => "minItems",
        "max_items" => "maxItems",
        "min_length" => "minLength",
        "max_length" => "maxLength",
        "min_properties" => "minProperties",
        "max_properties" => "maxProperties",
        "property_ordering" => "propertyOrdering",
        "additional_properties" => "additionalProperties",
        "defs" => "$defs",
        "ref" => "$ref",
        other => other,
    }
}
