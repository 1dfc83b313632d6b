//! `provider.json` of the older bridge, in its list form and its map form.
//!
//! The file was written for another program, so what is not known in it is a warning, not an error.

use std::path::Path;

use serde_json::Value;

use super::document::{Values, read_breaker};
use super::file::{parse_json, read, world_readable};
use super::legacy_entry::read_entry;
use super::loading::warn_readable;
use super::node::{Node, Reader, Unknown, kind};
use super::route_entry::STRATEGIES;
use super::{ProviderSettings, Settings};

/// Members of the map form that are not providers.
const BESIDE: [&str; 8] = [
    "providers",
    "fallback_strategy",
    "circuit_breaker",
    "preferred_provider",
    "default_provider",
    "version",
    "description",
    "settings",
];

/// Adds the file's providers below those that are configured already.
pub(super) fn read_legacy(
    reader: &mut Reader<'_>,
    path: &Path,
    values: &Values,
    settings: &mut Settings,
) {
    settings.files.push(path.to_owned());
    let Some(text) = read(path, &mut reader.errors) else {
        return;
    };
    let Some(document) = parse_json(&path.display().to_string(), text, &mut reader.errors) else {
        return;
    };
    let before = std::mem::replace(&mut reader.literal_secret, false);
    reader.unknown = Unknown::Warning;
    let root = Node::new(&document.value, "the file", document.place.clone());
    for entry in entries(reader, &root) {
        let Some(provider) = read_entry(reader, &entry.node, entry.name) else {
            continue;
        };
        add(reader, settings, provider);
    }
    read_beside(reader, &root, values, settings);
    reader.unknown = Unknown::Error;
    if reader.literal_secret && world_readable(path) {
        warn_readable(reader, path);
    }
    // What this file holds is not to be blamed on another.
    reader.literal_secret = before;
}

fn add(reader: &mut Reader<'_>, settings: &mut Settings, provider: ProviderSettings) {
    if settings.provider(&provider.name).is_some() {
        let what = format!(
            "provider `{}` is configured already; this one was left out",
            provider.name
        );
        reader.warn(&provider.place, &what);
    } else {
        settings.providers.push(provider);
    }
}

struct Entry<'v> {
    node: Node<'v>,
    /// The key of the map form.
    name: Option<String>,
}

/// The providers of either form.
fn entries<'v>(reader: &mut Reader<'_>, root: &Node<'v>) -> Vec<Entry<'v>> {
    match root.value {
        Value::Array(_) => root
            .items()
            .into_iter()
            .map(|node| Entry { node, name: None })
            .collect(),
        Value::Object(map) => match map.get("providers") {
            Some(inner @ (Value::Array(_) | Value::Object(_))) => {
                entries_of(&Node::new(inner, "providers", root.place.key("providers")))
            }
            Some(other) => {
                let what = format!("providers must be a list or a map, not {}", kind(other));
                reader.error(
                    &root.place.key("providers"),
                    what,
                    "write a list of providers",
                );
                Vec::new()
            }
            None => entries_of(root),
        },
        other => {
            let what = format!(
                "the file must hold a list or a map of providers, not {}",
                kind(other)
            );
            reader.error(&root.place, what, "write a list of providers");
            Vec::new()
        }
    }
}

fn entries_of<'v>(node: &Node<'v>) -> Vec<Entry<'v>> {
    let Value::Object(map) = node.value else {
        return node
            .items()
            .into_iter()
            .map(|node| Entry { node, name: None })
            .collect();
    };
    map.iter()
        .filter(|(name, _)| !BESIDE.contains(&name.as_str()))
        .map(|(name, value)| Entry {
            node: Node::new(value, name, node.place.key(name)),
            name: Some(name.clone()),
        })
        .collect()
}

/// What stands beside the providers counts where `app.yml` and the environment are silent.
fn read_beside(reader: &mut Reader<'_>, root: &Node<'_>, values: &Values, settings: &mut Settings) {
    let Value::Object(map) = root.value else {
        return;
    };
    let find = |key: &str| {
        let value = map.get(key).filter(|value| !value.is_null())?;
        Some(Node::new(value, key, root.place.key(key)))
    };
    if values.get("FALLBACK_STRATEGY").is_none()
        && let Some(strategy) =
            find("fallback_strategy").and_then(|node| reader.choice(&node, &STRATEGIES))
    {
        settings.fallback_strategy = strategy;
    }
    if values.get("CIRCUIT_BREAKER").is_none()
        && let Some(node) = find("circuit_breaker")
    {
        settings.circuit_breaker = read_breaker(reader, &node);
    }
    if settings.preferred_provider.is_none()
        && let Some(node) = find("preferred_provider").or_else(|| find("default_provider"))
    {
        settings.preferred_provider = reader.text(&node).map(|name| (name, node.place));
    }
}
