//! `API_KEY_POOLS`.

use super::node::{Node, Reader};
use super::secret::Secret;
use super::{KeyWeights, PoolSettings};
use crate::snapshot::Rotation;

const KEYS: [&str; 5] = [
    "keys",
    "strategy",
    "auth_header",
    "auth_format",
    "max_concurrency_per_key",
];

/// Keys as they were written, each once.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) secrets: Vec<Secret>,
    pub(super) weights: KeyWeights,
}

/// Reads the map of pools.
pub(super) fn read_pools(reader: &mut Reader<'_>, node: &Node<'_>) -> Vec<PoolSettings> {
    let serde_json::Value::Object(map) = node.value else {
        reader.error(
            &node.place,
            "API_KEY_POOLS must be a map of pools by name",
            "write `name: {keys: [...]}`",
        );
        return Vec::new();
    };
    let pools = map
        .iter()
        .map(|(name, value)| Node::new(value, name, node.place.key(name)));
    pools.filter_map(|pool| read_pool(reader, &pool)).collect()
}

pub(super) fn read_pool(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<PoolSettings> {
    let mut pool = PoolSettings {
        name: node.name.clone(),
        place: node.place.clone(),
        ..PoolSettings::default()
    };
    // The short form: just the keys.
    if node.value.is_array() || node.value.is_string() {
        let keys = read_keys(reader, node);
        (pool.keys, pool.weights) = (keys.secrets, keys.weights);
        return Some(pool);
    }
    let fields = reader.fields(node, &KEYS)?;
    match fields.get("keys") {
        Some(keys) => {
            let keys = read_keys(reader, &keys);
            (pool.keys, pool.weights) = (keys.secrets, keys.weights);
        }
        // Its keys are kept apart, sealed.
        None if node.place.definition().is_some() => {}
        None => reader.error(
            &node.place,
            format!("pool `{}` has no keys", pool.name),
            "add `keys: [...]`",
        ),
    }
    pool.strategy = fields
        .get("strategy")
        .and_then(|node| read_rotation(reader, &node))
        .unwrap_or_default();
    pool.auth_header = fields
        .get("auth_header")
        .and_then(|node| read_header_name(reader, &node));
    pool.auth_format = fields
        .get("auth_format")
        .and_then(|node| read_format(reader, &node));
    pool.max_concurrency_per_key = fields
        .get("max_concurrency_per_key")
        .and_then(|node| reader.small(&node, 1))
        .map(|n| n as usize);
    Some(pool)
}

/// Which key is tried first.
pub(super) fn read_rotation(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<Rotation> {
    let words = Rotation::ALL.map(|rotation| (rotation.as_str(), rotation));
    reader.choice(node, &words)
}

/// Keys, each once; a variable may hold several, separated by commas. One that weighs more or less than the others
/// is written as `{key, weight}`.
pub(super) fn read_keys(reader: &mut Reader<'_>, node: &Node<'_>) -> Keys {
    let mut keys = Keys::default();
    for item in node.items() {
        let Some((secret, weight)) = read_key(reader, &item) else {
            continue;
        };
        for part in secret
            .expose()
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let key = Secret::new(part);
            if keys.secrets.contains(&key) {
                continue;
            }
            if weight != 1 {
                keys.weights.insert(key.masked(), weight);
            }
            keys.secrets.push(key);
        }
    }
    keys
}

fn read_key(reader: &mut Reader<'_>, item: &Node<'_>) -> Option<(Secret, u32)> {
    if !item.value.is_object() {
        return Some((reader.secret(item)?, 1));
    }
    let fields = reader.fields(item, &["key", "weight"])?;
    let Some(key) = fields.get("key") else {
        reader.error(&item.place, "a key is missing", "add `key: ...`");
        return None;
    };
    let weight = fields.get("weight");
    let weight = weight.and_then(|node| reader.small(&node, 0));
    Some((reader.secret(&key)?, weight.unwrap_or(1)))
}

/// The name of a header.
pub(super) fn read_header_name(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<String> {
    let text = reader.text(node)?;
    if text.parse::<http::HeaderName>().is_err() {
        reader.invalid(node, &text, "must be the name of a header");
        return None;
    }
    Some(text)
}

/// A header value with `{key}` in it.
pub(super) fn read_format(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<String> {
    let text = reader.text(node)?;
    if !text.contains("{key}") {
        reader.invalid(node, &text, "must have {key} in the place of the key");
        return None;
    }
    Some(text)
}
