//! `API_KEY_POOLS`.

use super::PoolSettings;
use super::node::{Node, Reader};
use super::secret::Secret;

const KEYS: [&str; 4] = [
    "keys",
    "auth_header",
    "auth_format",
    "max_concurrency_per_key",
];

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
        pool.keys = read_keys(reader, node);
        return Some(pool);
    }
    let fields = reader.fields(node, &KEYS)?;
    match fields.get("keys") {
        Some(keys) => pool.keys = read_keys(reader, &keys),
        // Its keys are kept apart, sealed.
        None if node.place.definition().is_some() => {}
        None => reader.error(
            &node.place,
            format!("pool `{}` has no keys", pool.name),
            "add `keys: [...]`",
        ),
    }
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

/// Keys, each once; a variable may hold several, separated by commas.
pub(super) fn read_keys(reader: &mut Reader<'_>, node: &Node<'_>) -> Vec<Secret> {
    let mut keys: Vec<Secret> = Vec::new();
    for item in node.items() {
        let Some(secret) = reader.secret(&item) else {
            continue;
        };
        for part in secret
            .expose()
            .split(',')
            .map(str::trim)
            .filter(|part| !part.is_empty())
        {
            let key = Secret::new(part);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    keys
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
