//! Everything that is defined as one YAML document, and back: what `app.yml` would say, secrets by reference.
//!
//! References are never resolved here: they only say that there is a secret, which stays as it is.

use serde_json::{Map, Value, json};

use super::definition::Wanted;
use super::owned::lean;
use super::problem::{Answer, Problem};
use crate::config::{KeyWeights, Kind, LIVE, PRIORITIES, Secret};
use crate::store::entities::{definition, secret};

/// Longest document.
pub(super) const LARGEST: usize = 1 << 20;
/// Most values in a document, also after its aliases are put in.
const MOST_VALUES: usize = 200_000;

/// What a kind is called in the document.
const SECTIONS: [(Kind, &str); 6] = [
    (Kind::KeyPool, "API_KEY_POOLS"),
    (Kind::Provider, "PROVIDERS"),
    (Kind::Route, "ROUTES"),
    (Kind::Alias, "ALIASES"),
    (Kind::Preset, "PRESETS"),
    (Kind::Model, "MODELS"),
];

/// An entry of a document.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub kind: Kind,
    pub wanted: Wanted,
    /// The fields of secrets that it refers to and does not have.
    pub references: Vec<String>,
    /// The weights of the keys that it has, by their masks, where they are not 1.
    pub weights: KeyWeights,
}

/// A definition as the document has it.
pub(super) fn exported(
    row: &definition::Model,
    secrets: &[&secret::Model],
) -> Option<(Kind, Value)> {
    let kind = Kind::parse(&row.kind)?;
    let document: Value = serde_json::from_str(&row.document).unwrap_or_default();
    if kind == Kind::Setting {
        return Some((kind, document["value"].clone()));
    }
    let mut entry = Map::new();
    entry.insert("name".to_owned(), row.name.as_str().into());
    if !row.enabled {
        entry.insert("enabled".to_owned(), false.into());
    }
    if matches!(kind, Kind::Provider | Kind::Route) {
        entry.insert("priority".to_owned(), row.position.into());
    }
    if let Value::Object(members) = document {
        entry.extend(members);
    }
    let stem = variable(&row.name);
    let keys: Vec<_> = secrets
        .iter()
        .filter(|secret| secret.field == "key")
        .collect();
    let name = |place: usize| match place {
        0 => format!("${{{stem}_API_KEY}}"),
        place => format!("${{{stem}_API_KEY_{}}}", place + 1),
    };
    if kind == Kind::Provider && keys.len() == 1 {
        entry.insert("api_key".to_owned(), name(0).into());
    } else if kind == Kind::KeyPool || !keys.is_empty() {
        let keys = keys
            .iter()
            .enumerate()
            .map(|(place, key)| match key.weight {
                1 => name(place).into(),
                weight => json!({"key": name(place), "weight": weight}),
            });
        let keys: Vec<Value> = keys.collect();
        entry.insert("keys".to_owned(), keys.into());
    }
    let headers: Map<String, Value> = secrets
        .iter()
        .filter_map(|secret| secret.field.strip_prefix("header:"))
        .map(|header| {
            let reference = format!("${{{stem}_HEADER_{}}}", variable(header));
            (header.to_owned(), reference.into())
        })
        .collect();
    if !headers.is_empty() {
        entry.insert("headers".to_owned(), headers.into());
    }
    if secrets.iter().any(|secret| secret.field == "proxy") {
        entry.insert("proxy".to_owned(), format!("${{{stem}_PROXY}}").into());
    }
    Some((kind, Value::Object(entry)))
}

fn variable(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_uppercase()
            } else {
                '_'
            }
        })
        .collect()
}

/// The whole document.
pub(super) fn document(entries: &[(Kind, String, Value)]) -> Value {
    let mut whole = Map::new();
    for (kind, name, value) in entries {
        if *kind == Kind::Setting {
            whole.insert(name.clone(), value.clone());
        }
    }
    for (section, title) in SECTIONS {
        let mut list = Vec::new();
        let mut map = Map::new();
        for (_, name, mut value) in entries
            .iter()
            .filter(|(kind, ..)| *kind == section)
            .cloned()
        {
            match section {
                Kind::KeyPool => {
                    if let Some(members) = value.as_object_mut() {
                        members.shift_remove("name");
                    }
                    map.insert(name, value);
                }
                Kind::Alias if value.get("enabled").is_none() => {
                    map.insert(name, value["model"].clone());
                }
                Kind::Alias => {
                    if let Some(members) = value.as_object_mut() {
                        members.shift_remove("name");
                    }
                    map.insert(name, value);
                }
                _ => list.push(value),
            }
        }
        if !map.is_empty() {
            whole.insert(title.to_owned(), map.into());
        } else if !list.is_empty() {
            whole.insert(title.to_owned(), list.into());
        }
    }
    Value::Object(whole)
}

/// Reads a document.
pub(super) fn parsed(text: &str) -> Answer<Vec<Entry>> {
    let wrong = |message: String, fix: &str| Problem::invalid("document", message, fix);
    if text.len() > LARGEST {
        return Err(wrong(
            format!("the document is longer than {LARGEST} bytes"),
            "import it in parts",
        ));
    }
    let whole: Value = serde_yaml::from_str(text)
        .map_err(|error| wrong(format!("this is not YAML: {error}"), "correct it there"))?;
    let mut left = MOST_VALUES;
    if !fits(&whole, &mut left) {
        return Err(wrong(
            "the document has too many values".to_owned(),
            "import it in parts",
        ));
    }
    let Value::Object(whole) = whole else {
        return match whole {
            Value::Null => Ok(Vec::new()),
            _ => Err(wrong(
                "the document must be a map".to_owned(),
                "write it as app.yml is written",
            )),
        };
    };
    let mut entries = Vec::new();
    for (title, value) in whole {
        if let Some(key) = LIVE.into_iter().find(|key| *key == title) {
            entries.push(setting(key, &value));
        } else if let Some((kind, _)) = SECTIONS.into_iter().find(|(_, known)| *known == title) {
            for (place, value) in named_entries(&title, value)? {
                entries.push(entry(kind, &place, value)?);
            }
        } else {
            let known: Vec<&str> = SECTIONS
                .into_iter()
                .map(|(_, title)| title)
                .chain(LIVE)
                .collect();
            return Err(Problem::invalid(
                &title,
                format!("`{title}` cannot be imported"),
                format!(
                    "use {}; everything else is the file's alone",
                    known.join(", ")
                ),
            ));
        }
    }
    Ok(entries)
}

/// Counts values, so that aliases of aliases do not fill the memory twice.
fn fits(value: &Value, left: &mut usize) -> bool {
    if *left == 0 {
        return false;
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter().all(|item| fits(item, left)),
        Value::Object(map) => map.values().all(|item| fits(item, left)),
        _ => true,
    }
}

fn setting(key: &str, value: &Value) -> Entry {
    Entry {
        kind: Kind::Setting,
        wanted: Wanted {
            name: key.to_owned(),
            position: 0,
            enabled: true,
            document: json!({"value": value}),
            secrets: Vec::new(),
        },
        references: Vec::new(),
        weights: KeyWeights::new(),
    }
}

/// The entries of a section with their places; a map gives each its name.
fn named_entries(title: &str, value: Value) -> Answer<Vec<(String, Map<String, Value>)>> {
    let wrong =
        |place: &str| Problem::invalid(place, "this must be a map", "write `name: value` pairs");
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(items) => (0..)
            .zip(items)
            .map(|(index, item): (usize, Value)| {
                let place = format!("{title}[{index}]");
                match item {
                    Value::Object(map) => Ok((place, map)),
                    _ => Err(wrong(&place)),
                }
            })
            .collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(name, value)| {
                let place = format!("{title}.{name}");
                let mut members = match value {
                    Value::Object(members) => members,
                    Value::String(model) if title == "ALIASES" => {
                        Map::from_iter([("model".to_owned(), model.into())])
                    }
                    keys @ (Value::Array(_) | Value::String(_)) if title == "API_KEY_POOLS" => {
                        Map::from_iter([("keys".to_owned(), keys)])
                    }
                    _ => return Err(wrong(&place)),
                };
                members.insert("name".to_owned(), name.into());
                Ok((place, members))
            })
            .collect(),
        _ => Err(wrong(title)),
    }
}

fn entry(kind: Kind, place: &str, mut members: Map<String, Value>) -> Answer<Entry> {
    let name = match members.shift_remove("name") {
        Some(Value::String(name)) if !name.is_empty() && name.len() <= 128 => name,
        _ => {
            return Err(Problem::invalid(
                &format!("{place}.name"),
                "it needs a name of up to 128 bytes",
                "add `name: ...`",
            ));
        }
    };
    let enabled = match members.shift_remove("enabled") {
        None | Some(Value::Null) => true,
        Some(Value::Bool(enabled)) => enabled,
        Some(_) => {
            return Err(Problem::invalid(
                &format!("{place}.enabled"),
                "this must be true or false",
                "",
            ));
        }
    };
    let usual = if matches!(kind, Kind::Provider | Kind::Route) {
        100
    } else {
        0
    };
    let position = match members.shift_remove("priority") {
        None | Some(Value::Null) => usual,
        Some(value) => value
            .as_i64()
            .filter(|priority| PRIORITIES.contains(priority))
            .ok_or_else(|| {
                let (least, most) = PRIORITIES.into_inner();
                Problem::invalid(
                    &format!("{place}.priority"),
                    format!("this must be a whole number from {least} to {most}"),
                    "",
                )
            })?,
    };
    let mut secrets = Vec::new();
    let mut references = Vec::new();
    let mut weights = KeyWeights::new();
    if matches!(kind, Kind::Provider | Kind::KeyPool) {
        let mut keys = Vec::new();
        for member in ["api_key", "keys"] {
            if let Some(value) = members.shift_remove(member) {
                let value = unweighed(value, &format!("{place}.{member}"), &mut weights)?;
                collect(value, &mut keys);
            }
        }
        take(&mut secrets, &mut references, "key", keys);
        let mut proxy = Vec::new();
        collect(
            members.shift_remove("proxy").unwrap_or_default(),
            &mut proxy,
        );
        take(&mut secrets, &mut references, "proxy", proxy);
        if let Some(Value::Object(headers)) = members.shift_remove("headers") {
            for (name, value) in headers {
                let mut values = Vec::new();
                collect(value, &mut values);
                take(
                    &mut secrets,
                    &mut references,
                    &format!("header:{name}"),
                    values,
                );
            }
        }
    }
    Ok(Entry {
        kind,
        wanted: Wanted {
            name,
            position,
            enabled,
            document: lean(Value::Object(members)),
            secrets,
        },
        references,
        weights,
    })
}

/// Keys without what is said of their weights, which is noted.
fn unweighed(value: Value, place: &str, weights: &mut KeyWeights) -> Answer<Value> {
    match value {
        Value::Array(items) => {
            let items = items.into_iter();
            let items = items.map(|item| unweighed(item, place, weights));
            Ok(Value::Array(items.collect::<Answer<_>>()?))
        }
        Value::Object(mut members) => {
            let key = members.shift_remove("key").unwrap_or_default();
            let weight = members.shift_remove("weight").unwrap_or_else(|| 1.into());
            let weight = weight
                .as_u64()
                .and_then(|weight| u32::try_from(weight).ok());
            let (Some(weight), true) = (weight, members.is_empty()) else {
                return Err(Problem::invalid(
                    place,
                    "this is no key",
                    "write the key alone, or `{key: ..., weight: 2}`",
                ));
            };
            if let (Some(key), true) = (key.as_str(), weight != 1) {
                weights.insert(Secret::new(key.trim()).masked(), weight);
            }
            Ok(key)
        }
        other => Ok(other),
    }
}

fn collect(value: Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) if !text.trim().is_empty() => texts.push(text.trim().to_owned()),
        Value::Number(number) => texts.push(number.to_string()),
        Value::Array(items) => {
            for item in items {
                collect(item, texts);
            }
        }
        _ => {}
    }
}

fn take(
    secrets: &mut Vec<(String, Vec<Secret>)>,
    references: &mut Vec<String>,
    field: &str,
    texts: Vec<String>,
) {
    let (referred, values): (Vec<String>, Vec<String>) =
        texts.into_iter().partition(|text| text.contains("${"));
    if !referred.is_empty() {
        references.push(field.to_owned());
    }
    if !values.is_empty() {
        let mut distinct: Vec<Secret> = Vec::new();
        for value in values {
            let value = Secret::new(value);
            if !distinct.contains(&value) {
                distinct.push(value);
            }
        }
        secrets.push((field.to_owned(), distinct));
    }
}
