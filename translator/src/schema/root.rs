//! Roots of tool schemas for services that want a plain object there.
//!
//! Knows which words a service refuses at the root only as a list that it is given.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// Alternatives that Anthropic refuses at the root.
pub(crate) const ALTERNATIVES: &[&str] = &["anyOf", "oneOf", "allOf"];
/// What OpenAI refuses at the root.
pub(crate) const CONDITIONS: &[&str] = &["anyOf", "oneOf", "allOf", "not", "enum"];

/// A schema whose root is an object without the `refused` words. Alternatives are merged: all of their members,
/// none required. True when there was something to merge or to leave out.
pub(crate) fn plain_root<'s>(schema: Option<&'s str>, refused: &[&str]) -> (Cow<'s, str>, bool) {
    let root = super::object_root(schema);
    if !crate::json::members(&root).any(|(name, _)| refused.contains(&name.as_ref())) {
        return (root, false);
    }
    let Ok(Value::Object(mut object)) = serde_json::from_str(&root) else {
        return (root, false);
    };
    let groups: Vec<Value> = refused
        .iter()
        .filter_map(|word| object.shift_remove(*word))
        .collect();
    let mut properties = match object.get("properties") {
        Some(Value::Object(own)) => own.clone(),
        _ => Map::new(),
    };
    let alternatives = groups.iter().filter_map(Value::as_array).flatten();
    for member in alternatives.filter_map(|schema| schema.get("properties")?.as_object()) {
        for (name, schema) in member {
            properties
                .entry(name.clone())
                .or_insert_with(|| schema.clone());
        }
    }
    object.insert("type".into(), "object".into());
    object.insert("properties".into(), properties.into());
    (Cow::Owned(Value::Object(object).to_string()), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_refused_at_the_root_goes() {
        let inner = r#"{"type":"object","properties":{"anyOf":{"anyOf":[{"type":"string"}]}}}"#;
        assert_eq!(
            plain_root(Some(inner), CONDITIONS),
            (Cow::Borrowed(inner), false)
        );
        let mixed = r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"not":{"required":["b"]},"anyOf":[{"properties":{"a":{},"b":{"type":"integer"}},"required":["b"]},{"required":["c"]}]}"#;
        let (plain, merged) = plain_root(Some(mixed), CONDITIONS);
        assert!(merged);
        assert_eq!(
            plain,
            r#"{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"integer"}},"required":["a"]}"#
        );
        assert!(plain_root(Some(mixed), ALTERNATIVES).0.contains("\"not\""));
    }
}
