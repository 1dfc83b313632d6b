//! References inside a schema: where they point, and whether they run in circles.

use std::collections::HashMap;

use serde_json::{Map, Value};

/// Longer chains of references count as recursive.
const MAX_CHAIN: usize = 64;

/// The reference of a schema node.
pub(super) fn of(map: &Map<String, Value>) -> Option<&str> {
    ["$ref", "$dynamicRef", "ref"]
        .iter()
        .find_map(|key| map.get(*key))
        .and_then(Value::as_str)
}

/// The schema that a reference of the same document points at.
pub(super) fn resolve<'v>(root: &'v Value, reference: &str) -> Option<&'v Value> {
    let pointer = reference.strip_prefix('#')?;
    if pointer.is_empty() {
        return Some(root);
    }
    if pointer.contains('%') {
        return root.pointer(&percent_decoded(pointer)?);
    }
    root.pointer(pointer)
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let hex = [bytes.next()?, bytes.next()?];
            out.push(u8::from_str_radix(std::str::from_utf8(&hex).ok()?, 16).ok()?);
        } else {
            out.push(byte);
        }
    }
    String::from_utf8(out).ok()
}

/// The name of the subset's own spelling: old drafts call the shelf `definitions`.
pub(super) fn modern(reference: &str) -> String {
    reference
        .strip_prefix("#/definitions/")
        .map_or_else(|| reference.to_owned(), |name| format!("#/$defs/{name}"))
}

/// True when some chain of references comes back to where it was.
pub(super) fn is_recursive(root: &Value) -> bool {
    let mut states = HashMap::new();
    let mut found = Vec::new();
    references(root, &mut found);
    found
        .into_iter()
        .any(|reference| runs_in_circles(root, reference, &mut states, 0))
}

fn runs_in_circles<'v>(
    root: &'v Value,
    at: &'v str,
    done: &mut HashMap<&'v str, bool>,
    depth: usize,
) -> bool {
    match done.get(at) {
        Some(true) => return false,
        // Met again while still being looked at.
        Some(false) => return true,
        None => {}
    }
    if at == "#" || depth > MAX_CHAIN {
        return true;
    }
    done.insert(at, false);
    let mut found = Vec::new();
    if let Some(target) = resolve(root, at) {
        references(target, &mut found);
    }
    let circular = found
        .into_iter()
        .any(|next| runs_in_circles(root, next, done, depth + 1));
    done.insert(at, true);
    circular
}

/// All references below a node. The parser has bounded the depth.
fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::Object(map) => {
            found.extend(of(map));
            map.iter()
                .filter(|(key, _)| {
                    !matches!(key.as_str(), "enum" | "const" | "default" | "examples")
                })
                .for_each(|(_, child)| references(child, found));
        }
        Value::Array(list) => list.iter().for_each(|child| references(child, found)),
        _ => {}
    }
}
