//! `CLIENT_KEYS`.

use super::ClientKeySettings;
use super::node::{Node, Reader};

const KEYS: [&str; 6] = [
    "name",
    "key",
    "tags",
    "allowed_models",
    "allowed_providers",
    "may_pin",
];

/// Reads the list of client keys.
pub(super) fn read_client_keys(reader: &mut Reader<'_>, node: &Node<'_>) -> Vec<ClientKeySettings> {
    let mut keys: Vec<ClientKeySettings> = Vec::new();
    for item in node.items() {
        let Some(key) = read_client_key(reader, &item) else {
            continue;
        };
        if keys.iter().any(|other| other.name == key.name) {
            reader.error(
                &key.place,
                format!("two client keys are called `{}`", key.name),
                "rename one",
            );
        } else if let Some(other) = keys.iter().find(|other| other.key == key.key) {
            let what = format!(
                "client keys `{}` and `{}` are the same key",
                other.name, key.name
            );
            reader.error(&key.place, what, "give each its own key");
        } else {
            keys.push(key);
        }
    }
    keys
}

fn read_client_key(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<ClientKeySettings> {
    let fields = reader.fields(node, &KEYS)?;
    let Some(name) = fields.get("name").and_then(|node| reader.text(&node)) else {
        reader.error(&node.place, "a client key needs a name", "add `name: ...`");
        return None;
    };
    let Some(key) = fields.get("key") else {
        reader.error(
            &node.place,
            format!("client key `{name}` has no key"),
            "add `key: ${VARIABLE}`",
        );
        return None;
    };
    let secret = reader.secret(&key)?;
    if secret.expose().len() < 8 {
        reader.error(
            &key.place,
            format!("the key of client `{name}` is shorter than 8 characters"),
            "use a long random key",
        );
        return None;
    }
    Some(ClientKeySettings {
        name,
        key: secret,
        tags: fields
            .any(&["tags"])
            .map(|node| reader.texts(&node))
            .unwrap_or_default(),
        allowed_models: fields.get("allowed_models").map(|node| reader.texts(&node)),
        allowed_providers: fields
            .get("allowed_providers")
            .map(|node| reader.texts(&node)),
        may_pin: fields
            .get("may_pin")
            .and_then(|node| reader.boolean(&node))
            .unwrap_or(true),
        place: node.place.clone(),
    })
}
