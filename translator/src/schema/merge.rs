//! Lays one schema over another, as `allOf` means it.

use serde_json::{Map, Value};

/// Adds the demands of `more` to `base`. Where both cannot be said at once, the one that came first stays.
pub(super) fn merge(base: &mut Map<String, Value>, more: &Map<String, Value>) {
    for (key, value) in more {
        let Some(own) = base.get_mut(key) else {
            base.insert(key.clone(), value.clone());
            continue;
        };
        match key.as_str() {
            "properties" | "$defs" | "definitions" => merge_maps(own, value),
            "required" => unite(own, value),
            "enum" => intersect(own, value),
            "type" => narrow(own, value),
            "items" => merge_pair(own, value),
            "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties" => {
                pick(own, value, |own, value| value > own);
            }
            "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties" => {
                pick(own, value, |own, value| value < own);
            }
            "additionalProperties" if value == &Value::Bool(false) => *own = Value::Bool(false),
            _ => {}
        }
    }
}

fn merge_pair(own: &mut Value, value: &Value) {
    if let (Value::Object(own), Value::Object(value)) = (own, value) {
        merge(own, value);
    }
}

fn merge_maps(own: &mut Value, value: &Value) {
    let (Value::Object(own), Value::Object(value)) = (own, value) else {
        return;
    };
    for (name, schema) in value {
        match own.get_mut(name) {
            Some(known) => merge_pair(known, schema),
            None => {
                own.insert(name.clone(), schema.clone());
            }
        }
    }
}

fn unite(own: &mut Value, value: &Value) {
    let (Value::Array(own), Value::Array(value)) = (own, value) else {
        return;
    };
    for item in value {
        if !own.contains(item) {
            own.push(item.clone());
        }
    }
}

fn intersect(own: &mut Value, value: &Value) {
    let (Value::Array(own), Value::Array(value)) = (own, value) else {
        return;
    };
    if own.iter().any(|item| value.contains(item)) {
        own.retain(|item| value.contains(item));
    }
}

fn narrow(own: &mut Value, value: &Value) {
    match (&mut *own, value) {
        (Value::Array(own), Value::Array(_)) => {
            let mut both = Value::Array(std::mem::take(own));
            intersect(&mut both, value);
            if let Value::Array(both) = both {
                *own = both;
            }
        }
        (Value::Array(list), Value::String(_)) if list.contains(value) => *own = value.clone(),
        (Value::String(wide), Value::String(narrow)) if wide == "number" && narrow == "integer" => {
            *own = value.clone();
        }
        _ => {}
    }
}

fn pick(own: &mut Value, value: &Value, better: fn(f64, f64) -> bool) {
    if let (Some(a), Some(b)) = (own.as_f64(), value.as_f64())
        && better(a, b)
    {
        *own = value.clone();
    }
}
