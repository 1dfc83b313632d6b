//! Makes a value that satisfies a JSON schema, or Gemini's flavour of one (upper-case types, `nullable`, numbers as strings).
//! It knows nothing of requests. Keywords beyond those of tool and output schemas are not its business.

use regex::Regex;
use serde_json::{Map, Value, json};

/// Optional members are left out below this depth, so that recursive schemas come to an end.
const OPTIONAL_DEPTH: usize = 3;
/// Required recursion without a way out ends here.
const DEPTH: usize = 16;

/// A value for the schema; another variant gives another value where the schema leaves room.
pub(super) fn sample(schema: &Value, variant: usize) -> Value {
    Sampler {
        root: schema,
        variant,
    }
    .value(schema, "value", 0)
}

struct Sampler<'a> {
    root: &'a Value,
    variant: usize,
}

impl Sampler<'_> {
    fn value(&self, schema: &Value, name: &str, depth: usize) -> Value {
        if depth > DEPTH {
            return Value::Null;
        }
        if let Some(target) = reference(schema).and_then(|path| self.root.pointer(path)) {
            return self.value(target, name, depth + 1);
        }
        for (key, wrap) in [("const", false), ("enum", true)] {
            match schema.get(key) {
                Some(Value::Array(all)) if wrap && !all.is_empty() => {
                    return all[self.variant % all.len()].clone();
                }
                Some(one) if !wrap => return one.clone(),
                _ => {}
            }
        }
        for key in ["anyOf", "oneOf", "any_of"] {
            if let Some(choice) = schema
                .get(key)
                .and_then(Value::as_array)
                .and_then(|all| self.choose(all, depth))
            {
                return self.value(&merged(schema, choice), name, depth + 1);
            }
        }
        if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
            let whole = all.iter().fold(without(schema, &["allOf"]), |whole, part| {
                let part = reference(part)
                    .and_then(|path| self.root.pointer(path))
                    .unwrap_or(part);
                merged(&whole, part)
            });
            return self.value(&whole, name, depth + 1);
        }
        match kind(schema) {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, name, depth),
            "integer" => number(schema, self.variant, true),
            "number" => number(schema, self.variant, false),
            "boolean" => json!(self.variant.is_multiple_of(2)),
            "null" => Value::Null,
            _ => json!(string(schema, name, self.variant)),
        }
    }

    /// The first alternative that is not null; deep down the simplest.
    fn choose<'b>(&self, all: &'b [Value], depth: usize) -> Option<&'b Value> {
        let simple =
            |one: &&Value| reference(one).is_none() && !matches!(kind(one), "object" | "array");
        let real = |one: &&Value| kind(one) != "null" || reference(one).is_some();
        if depth > OPTIONAL_DEPTH {
            return all.iter().find(simple).or(all.first());
        }
        all.iter().find(real).or(all.first())
    }

    fn object(&self, schema: &Value, depth: usize) -> Value {
        let required = super::check::strings(schema.get("required"));
        let mut made = Map::new();
        if let Some(members) = schema.get("properties").and_then(Value::as_object) {
            for (name, member) in members {
                if required.contains(name) || depth < OPTIONAL_DEPTH {
                    made.insert(name.clone(), self.value(member, name, depth + 1));
                }
            }
        }
        for name in &required {
            if !made.contains_key(name) {
                let rest = schema.get("additionalProperties").filter(|s| s.is_object());
                made.insert(
                    name.clone(),
                    rest.map_or(json!("demo"), |s| self.value(s, name, depth + 1)),
                );
            }
        }
        Value::Object(made)
    }

    fn array(&self, schema: &Value, name: &str, depth: usize) -> Value {
        let least = limit(schema, "minItems").unwrap_or(0.0) as usize;
        let most = limit(schema, "maxItems").map_or(usize::MAX, |most| most as usize);
        let fixed = schema
            .get("prefixItems")
            .and_then(Value::as_array)
            .map_or(&[][..], Vec::as_slice);
        let wanted = if depth < OPTIONAL_DEPTH { 1 } else { 0 };
        let count = least.max(fixed.len()).max(wanted).min(most);
        let any = json!({"type": "string"});
        let items = schema
            .get("items")
            .filter(|items| items.is_object())
            .unwrap_or(&any);
        let values = (0..count).map(|n| {
            let other = Sampler {
                root: self.root,
                variant: self.variant + n,
            };
            other.value(fixed.get(n).unwrap_or(items), name, depth + 1)
        });
        Value::Array(values.collect())
    }
}

/// The JSON pointer of a reference inside the document.
fn reference(schema: &Value) -> Option<&str> {
    schema.get("$ref")?.as_str()?.strip_prefix('#')
}

fn without(schema: &Value, names: &[&str]) -> Value {
    let mut rest = schema.clone();
    if let Some(members) = rest.as_object_mut() {
        members.retain(|name, _| !names.contains(&name.as_str()));
    }
    rest
}

/// Both schemas at once: members and required names are joined, the second one wins elsewhere.
fn merged(base: &Value, extra: &Value) -> Value {
    let mut whole = without(base, &["anyOf", "oneOf", "any_of"]);
    let (Some(target), Some(source)) = (whole.as_object_mut(), extra.as_object()) else {
        return extra.clone();
    };
    for (name, value) in source {
        match (target.get_mut(name), value) {
            (Some(Value::Object(old)), Value::Object(new)) if name == "properties" => {
                old.extend(new.clone());
            }
            (Some(Value::Array(old)), Value::Array(new)) if name == "required" => {
                old.extend(new.clone());
            }
            _ => {
                target.insert(name.clone(), value.clone());
            }
        }
    }
    whole
}

/// The type in lower case: the first of several that is not null, or what the other members suggest.
fn kind(schema: &Value) -> &'static str {
    const KINDS: [&str; 7] = [
        "object", "array", "integer", "number", "boolean", "string", "null",
    ];
    let named = super::check::strings(schema.get("type"));
    let known = |name: &String| {
        KINDS
            .into_iter()
            .find(|kind| name.eq_ignore_ascii_case(kind))
    };
    let first = named.iter().filter_map(known).find(|kind| *kind != "null");
    first
        .or_else(|| named.first().and_then(known))
        .unwrap_or_else(|| {
            if schema.get("properties").is_some() {
                "object"
            } else if schema.get("items").is_some() || schema.get("prefixItems").is_some() {
                "array"
            } else {
                "string"
            }
        })
}

fn limit(schema: &Value, name: &str) -> Option<f64> {
    let value = schema.get(name)?;
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

fn number(schema: &Value, variant: usize, whole: bool) -> Value {
    let step = limit(schema, "multipleOf").unwrap_or(1.0);
    let margin = if whole { 1.0 } else { step.min(0.5) };
    let least = limit(schema, "minimum")
        .or_else(|| limit(schema, "exclusiveMinimum").map(|least| least + margin));
    let most = limit(schema, "maximum")
        .or_else(|| limit(schema, "exclusiveMaximum").map(|most| most - margin));
    let wished = (variant + 1) as f64 * step;
    let bounded = wished
        .max(least.unwrap_or(f64::MIN))
        .min(most.unwrap_or(f64::MAX));
    let fitted = if whole || schema.get("multipleOf").is_some() {
        let up = (bounded / step).ceil() * step;
        if up > most.unwrap_or(f64::MAX) {
            (bounded / step).floor() * step
        } else {
            up
        }
    } else {
        bounded
    };
    if fitted.fract() == 0.0 && fitted.abs() < 1e15 {
        json!(fitted as i64)
    } else {
        json!(fitted)
    }
}

fn string(schema: &Value, name: &str, variant: usize) -> String {
    let number = variant + 1;
    let made = match schema.get("format").and_then(Value::as_str) {
        Some("date-time") => "2026-01-31T12:00:00Z".to_owned(),
        Some("date") => "2026-01-31".to_owned(),
        Some("time") => "12:00:00Z".to_owned(),
        Some("duration") => "PT1H".to_owned(),
        Some("email") => format!("demo{number}@example.com"),
        Some("hostname") => "demo.example.com".to_owned(),
        Some("ipv4") => "192.0.2.1".to_owned(),
        Some("ipv6") => "2001:db8::1".to_owned(),
        Some("uuid") => format!("00000000-0000-4000-8000-{number:012}"),
        Some("uri" | "url") => format!("https://example.com/{number}"),
        _ => format!("demo {name} {number}"),
    };
    let made = match schema
        .get("pattern")
        .and_then(Value::as_str)
        .map(Regex::new)
    {
        Some(Ok(pattern)) if !pattern.is_match(&made) => matching(&pattern).unwrap_or(made),
        _ => made,
    };
    fitted(made, limit(schema, "minLength"), limit(schema, "maxLength"))
}

fn fitted(mut text: String, least: Option<f64>, most: Option<f64>) -> String {
    while (text.chars().count() as f64) < least.unwrap_or(0.0) {
        text.push('.');
    }
    match most {
        Some(most) if (text.chars().count() as f64) > most => {
            text.chars().take(most as usize).collect()
        }
        _ => text,
    }
}

/// A text for a pattern: one of a few that commonly fit, since a full generator would be larger than the rest of the file.
fn matching(pattern: &Regex) -> Option<String> {
    const COMMON: [&str; 12] = [
        "demo",
        "DEMO",
        "Demo",
        "a",
        "A",
        "1",
        "12",
        "123",
        "1234",
        "2026-01-31",
        "AB-12",
        "1.2.3",
    ];
    let repeated = (1..=40).flat_map(|n| ["a".repeat(n), "A".repeat(n), "1".repeat(n)]);
    COMMON
        .into_iter()
        .map(str::to_owned)
        .chain(repeated)
        .find(|text| pattern.is_match(text))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::sample;

    fn satisfies(schema: &Value) {
        for variant in 0..4 {
            let made = sample(schema, variant);
            let validator = jsonschema::draft202012::new(schema).expect("the schema compiles");
            if let Err(error) = validator.validate(&made) {
                unreachable!("{made} for {schema}: {error}");
            }
        }
    }

    #[test]
    fn satisfies_the_schemas_of_tools_and_outputs() {
        let cases = [
            json!({"type": "object", "properties": {}}),
            json!({"type": "object", "properties": {"city": {"type": "string"}, "unit": {"enum": ["c", "f"]}}, "required": ["city", "unit"], "additionalProperties": false}),
            json!({"type": "integer", "minimum": 5, "maximum": 9}),
            json!({"type": "integer", "multipleOf": 7, "minimum": 20}),
            json!({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.9}),
            json!({"type": "array", "items": {"type": "integer"}, "minItems": 3, "maxItems": 4}),
            json!({"type": "array", "prefixItems": [{"type": "string"}, {"type": "boolean"}], "minItems": 2}),
            json!({"type": "string", "minLength": 30}),
            json!({"type": "string", "maxLength": 3}),
            json!({"type": "string", "pattern": "^[a-z]{7}$"}),
            json!({"type": "string", "pattern": "^\\d{4}-\\d{2}-\\d{2}$"}),
            json!({"type": ["null", "object"], "properties": {"a": {"const": 4}}, "required": ["a"]}),
            json!({"anyOf": [{"type": "null"}, {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}]}),
            json!({"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}, {"properties": {"b": {"type": "integer"}}, "required": ["b"]}]}),
            json!({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/node"}}}, "required": ["name", "children"]}}}),
            json!({"$ref": "#/$defs/link", "$defs": {"link": {"type": "object", "properties": {"next": {"anyOf": [{"$ref": "#/$defs/link"}, {"type": "null"}]}}, "required": ["next"]}}}),
            json!({"type": "object", "additionalProperties": {"type": "integer"}, "required": ["x"]}),
        ];
        for case in &cases {
            satisfies(case);
        }
    }

    #[test]
    fn reads_the_flavour_of_gemini() {
        let schema = json!({"type": "OBJECT", "properties": {"n": {"type": "INTEGER", "minimum": 3}, "l": {"type": "ARRAY", "items": {"type": "STRING"}, "minItems": "2"}}});
        assert_eq!(
            sample(&schema, 0),
            json!({"n": 3, "l": ["demo l 1", "demo l 2"]})
        );
    }

    #[test]
    fn variants_differ() {
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        assert_ne!(sample(&schema, 0), sample(&schema, 1));
    }
}
