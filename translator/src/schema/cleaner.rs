//! Walks a schema and moves each node into the subset.
//!
//! The walk is bounded in depth and in number of nodes: references that are inlined can make a small
//! document large. What lies beyond the bounds becomes an object of any form.

use serde_json::{Map, Value};

use super::keywords::{Rule, rule};
use super::{Flavour, merge, proto, reference, strict};

const MAX_DEPTH: usize = 96;
const MAX_NODES: usize = 30_000;
/// How often a recursive reference is unrolled where references are not taken.
const MAX_UNROLL: usize = 3;
/// More members of one `allOf` are not looked at.
const MAX_ALL_OF: usize = 64;
/// Longer values of dropped keywords are cut in descriptions.
const MAX_NOTE: usize = 300;

/// What came out.
pub(super) struct Outcome {
    pub(super) schema: Value,
    pub(super) dropped: Vec<&'static str>,
    pub(super) fits: bool,
}

/// State of one walk.
pub(super) struct Cleaner<'v> {
    root: &'v Value,
    pub(super) flavour: Flavour,
    pub(super) dropped: Vec<&'static str>,
    pub(super) fits: bool,
    nodes: usize,
    /// References that are being inlined.
    inlining: Vec<String>,
    pub(super) limits: strict::Limits,
}

/// Cleans a whole document.
pub(super) fn run(root: &Value, flavour: Flavour) -> Outcome {
    let mut cleaner = Cleaner {
        root,
        flavour,
        dropped: Vec::new(),
        fits: true,
        nodes: 0,
        inlining: Vec::new(),
        limits: strict::Limits::default(),
    };
    if flavour == Flavour::AnthropicStrict && reference::is_recursive(root) {
        cleaner.fits = false;
    }
    let schema = cleaner.node(root, 0);
    if flavour == Flavour::OpenAiStrict {
        let object = schema.get("type").and_then(Value::as_str) == Some("object");
        cleaner.fits &= object && schema.get("anyOf").is_none() && cleaner.limits.hold();
    }
    Outcome {
        schema,
        dropped: cleaner.dropped,
        fits: cleaner.fits,
    }
}

impl Cleaner<'_> {
    /// Moves one schema into the subset.
    pub(super) fn node(&mut self, value: &Value, depth: usize) -> Value {
        self.nodes += 1;
        let Value::Object(map) = value else {
            return self.anything();
        };
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            self.fits = false;
            return self.free_object();
        }
        let inlined = self.inlining.len();
        let node = self.prepared(map, depth);
        let cleaned = match node {
            Some(node) => self.keywords(&node, depth),
            None => self.free_object(),
        };
        self.inlining.truncate(inlined);
        cleaned
    }

    /// A schema that allows everything (`{}`, `true`).
    fn anything(&mut self) -> Value {
        if self.flavour == Flavour::OpenAiStrict {
            self.fits = false;
        }
        match self.flavour {
            Flavour::GeminiProto => proto::anything(),
            _ => Value::Object(Map::new()),
        }
    }

    fn free_object(&self) -> Value {
        let name = if self.flavour == Flavour::GeminiProto {
            "OBJECT"
        } else {
            "object"
        };
        serde_json::json!({ "type": name })
    }

    /// The node with references resolved where they must be, `allOf` merged, `oneOf` and `const` respelled.
    /// `None` when a reference leads nowhere or too deep.
    fn prepared(&mut self, map: &Map<String, Value>, depth: usize) -> Option<Map<String, Value>> {
        let mut node = map.clone();
        // Each round takes one reference or one `allOf` away; the bound is for hostile chains.
        for _ in 0..MAX_DEPTH {
            if self.nodes > MAX_NODES {
                self.fits = false;
                return None;
            }
            if let Some(reference) = reference::of(&node).map(str::to_owned) {
                match self.inline(&mut node, &reference, depth) {
                    Inlined::Merged => continue,
                    Inlined::Kept => break,
                    Inlined::Lost => return None,
                }
            }
            let Some(all) = node.shift_remove("allOf") else {
                break;
            };
            for member in all
                .as_array()
                .into_iter()
                .flatten()
                .take(MAX_ALL_OF)
                .filter_map(Value::as_object)
            {
                let mut member = member.clone();
                if let Some(reference) = reference::of(&member).map(str::to_owned)
                    && matches!(self.expand(&mut member, &reference), Inlined::Lost)
                {
                    continue;
                }
                merge_all_of(&mut node, &member);
            }
        }
        self.respell(&mut node);
        Some(node)
    }

    /// Decides whether a reference may stay, and puts its target in its place if not.
    fn inline(&mut self, node: &mut Map<String, Value>, reference: &str, depth: usize) -> Inlined {
        let named = reference.starts_with("#/$defs/") || reference.starts_with("#/definitions/");
        // A root must say its type itself.
        let takes_references = self.flavour != Flavour::GeminiProto && depth > 0;
        let alone = node
            .keys()
            .all(|key| key.starts_with('$') || key == "definitions");
        if takes_references
            && (named || reference == "#")
            && reference::resolve(self.root, reference).is_some()
        {
            let circular = self.inlining.iter().any(|known| known == reference);
            if alone || circular {
                node.retain(|key, _| key.starts_with('$') || key == "definitions");
                node.insert("$ref".into(), Value::String(reference::modern(reference)));
                return Inlined::Kept;
            }
        }
        self.expand(node, reference)
    }

    /// Puts the target of a reference in its place; the node's own members win.
    fn expand(&mut self, node: &mut Map<String, Value>, reference: &str) -> Inlined {
        for key in ["$ref", "$dynamicRef", "ref"] {
            node.shift_remove(key);
        }
        let seen = self
            .inlining
            .iter()
            .filter(|known| *known == reference)
            .count();
        let target = reference::resolve(self.root, reference).and_then(Value::as_object);
        let Some(target) = target.filter(|_| seen < MAX_UNROLL && self.inlining.len() < MAX_DEPTH)
        else {
            self.fits = false;
            return Inlined::Lost;
        };
        self.nodes += size(target);
        self.inlining.push(reference.to_owned());
        let mut target = target.clone();
        // The shelf of definitions stays at the root.
        for key in ["$defs", "definitions"] {
            target.shift_remove(key);
        }
        merge::merge(node, &target);
        Inlined::Merged
    }

    fn respell(&self, node: &mut Map<String, Value>) {
        declare_branches(node);
        rename(node, "definitions", "$defs");
        let gemini = matches!(self.flavour, Flavour::GeminiJson | Flavour::GeminiProto);
        if self.flavour != Flavour::GeminiJson {
            rename(node, "oneOf", "anyOf");
        }
        if gemini && let Some(value) = node.get("const").cloned() {
            node.entry("enum")
                .or_insert_with(|| Value::Array(vec![value]));
        }
        if self.flavour != Flavour::GeminiProto {
            if node.get("nullable") == Some(&Value::Bool(true)) {
                allow_null(node);
            }
            if let Some(Value::Array(tuple)) = node.get("items").cloned() {
                node.insert("prefixItems".into(), Value::Array(tuple));
                node.shift_remove("items");
            }
        }
        if self.flavour != Flavour::GeminiJson {
            tuple_to_items(node);
        }
        if !node.contains_key("type")
            && let Some(name) = implied_type(node)
        {
            node.insert("type".into(), Value::String(name.into()));
        }
    }

    fn keywords(&mut self, node: &Map<String, Value>, depth: usize) -> Value {
        if self.flavour == Flavour::GeminiProto
            && let Some(split) = proto::split_union(node)
        {
            return self.node(&split, depth + 1);
        }
        let mut out = Map::with_capacity(node.len());
        let mut notes = Vec::new();
        for (keyword, value) in node {
            if keyword == "description" {
                if value.is_string() {
                    out.insert(keyword.clone(), value.clone());
                }
                continue;
            }
            match rule(self.flavour, keyword, value) {
                Rule::Keep => {
                    out.insert(keyword.clone(), value.clone());
                }
                Rule::Child => {
                    if let Some(child) = self.child(keyword, value, depth) {
                        out.insert(keyword.clone(), child);
                    }
                }
                Rule::Note(name) => self.note(name, value, &mut notes),
                Rule::Break(name) => {
                    self.fits = false;
                    self.note(name, value, &mut notes);
                }
                Rule::Drop => {}
            }
        }
        match self.flavour {
            Flavour::OpenAiStrict | Flavour::AnthropicStrict => {
                strict::finish(self, &mut out, depth);
            }
            Flavour::GeminiProto => proto::finish(self, &mut out, &mut notes),
            Flavour::GeminiJson => {
                prune_required(&mut out);
                let list = out.get("type").is_some_and(|name| name == "array");
                if list && !out.contains_key("prefixItems") {
                    out.entry("items")
                        .or_insert_with(|| Value::Object(Map::new()));
                }
            }
        }
        describe(&mut out, &notes);
        Value::Object(out)
    }

    fn child(&mut self, keyword: &str, value: &Value, depth: usize) -> Option<Value> {
        match (keyword, value) {
            ("properties" | "$defs", Value::Object(map)) => {
                if keyword == "$defs" && self.flavour == Flavour::GeminiProto {
                    return None;
                }
                Some(Value::Object(
                    map.iter()
                        .map(|(name, schema)| (name.clone(), self.node(schema, depth + 1)))
                        .collect(),
                ))
            }
            ("anyOf" | "oneOf" | "prefixItems", Value::Array(list)) if !list.is_empty() => {
                Some(Value::Array(
                    list.iter()
                        .map(|schema| self.node(schema, depth + 1))
                        .collect(),
                ))
            }
            ("additionalProperties", _) => self.additional(value, depth),
            ("items", Value::Bool(_)) => None,
            ("items", _) => Some(self.node(value, depth + 1)),
            _ => None,
        }
    }

    fn additional(&mut self, value: &Value, depth: usize) -> Option<Value> {
        match (self.flavour, value) {
            (Flavour::GeminiProto, _) => None,
            (Flavour::GeminiJson, Value::Bool(_)) => Some(value.clone()),
            (Flavour::GeminiJson, _) => Some(self.node(value, depth + 1)),
            (_, Value::Bool(false)) => Some(Value::Bool(false)),
            // Open objects and maps have no strict form.
            _ => {
                self.fits = false;
                None
            }
        }
    }

    /// Remembers a dropped keyword for the description.
    pub(super) fn note(&mut self, name: &'static str, value: &Value, notes: &mut Vec<String>) {
        if !self.dropped.contains(&name) {
            self.dropped.push(name);
        }
        let mut text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if text.len() > MAX_NOTE {
            let cut = (0..=MAX_NOTE)
                .rev()
                .find(|&at| text.is_char_boundary(at))
                .unwrap_or(0);
            text.truncate(cut);
            text.push('…');
        }
        notes.push(format!("{name}: {text}"));
    }
}

/// What became of a reference.
enum Inlined {
    Merged,
    Kept,
    Lost,
}

fn merge_all_of(node: &mut Map<String, Value>, member: &Map<String, Value>) {
    // Two lists of alternatives cannot be merged; the second one becomes a remark of its own.
    merge::merge(node, member);
    if let (Some(Value::Array(own)), Some(Value::Array(nested))) =
        (node.get("allOf").cloned(), member.get("allOf"))
        && own != *nested
    {
        let mut joined = own;
        for member in nested {
            if joined.len() < MAX_ALL_OF && !joined.contains(member) {
                joined.push(member.clone());
            }
        }
        node.insert("allOf".into(), Value::Array(joined));
    }
}

/// Values in a schema, for the budget: each inlining copies them.
fn size(map: &Map<String, Value>) -> usize {
    fn of(value: &Value) -> usize {
        match value {
            Value::Object(map) => size(map),
            Value::Array(list) => 1 + list.iter().map(of).sum::<usize>(),
            _ => 1,
        }
    }
    1 + map.values().map(of).sum::<usize>()
}

/// Declares the properties that only a branch of a condition names: the condition itself ends up in the description.
fn declare_branches(node: &mut Map<String, Value>) {
    let dependent = node.get("dependentSchemas").and_then(Value::as_object);
    let branches = ["then", "else"].into_iter().filter_map(|key| node.get(key));
    let named: Vec<(String, Value)> = branches
        .chain(dependent.into_iter().flat_map(Map::values))
        .filter_map(|branch| branch.get("properties")?.as_object())
        .flat_map(|properties| {
            properties
                .iter()
                .map(|(name, schema)| (name.clone(), schema.clone()))
        })
        .collect();
    if named.is_empty() {
        return;
    }
    let own = node
        .entry("properties")
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(own) = own {
        for (name, schema) in named {
            own.entry(name).or_insert(schema);
        }
    }
}

/// Renames a member in its place.
fn rename(node: &mut Map<String, Value>, from: &str, to: &str) {
    if !node.contains_key(from) {
        return;
    }
    if node.contains_key(to) {
        node.shift_remove(from);
        return;
    }
    *node = std::mem::take(node)
        .into_iter()
        .map(|(key, value)| {
            if key == from {
                (to.to_owned(), value)
            } else {
                (key, value)
            }
        })
        .collect();
}

fn allow_null(node: &mut Map<String, Value>) {
    match node.get_mut("type") {
        Some(Value::String(name)) => {
            let name = std::mem::take(name);
            node.insert("type".into(), serde_json::json!([name, "null"]));
        }
        Some(Value::Array(list)) if !list.iter().any(|name| name == "null") => {
            list.push("null".into());
        }
        _ => {}
    }
}

/// A tuple becomes a list whose items are any of the tuple's.
fn tuple_to_items(node: &mut Map<String, Value>) {
    let tuple = match (node.shift_remove("prefixItems"), node.get("items")) {
        (Some(Value::Array(tuple)), _) => tuple,
        (None, Some(Value::Array(tuple))) => tuple.clone(),
        _ => return,
    };
    let mut kinds: Vec<Value> = Vec::new();
    for kind in tuple
        .iter()
        .chain(node.get("items").filter(|items| items.is_object()))
    {
        if !kinds.contains(kind) {
            kinds.push(kind.clone());
        }
    }
    let items = if kinds.len() == 1 {
        kinds.remove(0)
    } else {
        serde_json::json!({ "anyOf": kinds })
    };
    if node.get("items").is_none_or(|items| !items.is_object()) {
        node.entry("maxItems").or_insert_with(|| tuple.len().into());
    }
    node.insert("items".into(), items);
}

fn implied_type(node: &Map<String, Value>) -> Option<&'static str> {
    let has = |keys: &[&str]| keys.iter().any(|key| node.contains_key(*key));
    let values: Vec<&Value> = match (node.get("enum"), node.get("const")) {
        (Some(Value::Array(list)), _) => list.iter().collect(),
        (_, Some(value)) => vec![value],
        _ => Vec::new(),
    };
    if has(&["$ref", "anyOf", "oneOf"]) {
        None
    } else if has(&[
        "properties",
        "additionalProperties",
        "patternProperties",
        "required",
    ]) {
        Some("object")
    } else if has(&["items", "prefixItems"]) {
        Some("array")
    } else if values.is_empty() {
        None
    } else if values.iter().all(|value| value.is_string()) {
        Some("string")
    } else if values.iter().all(|value| value.is_i64() || value.is_u64()) {
        Some("integer")
    } else if values.iter().all(|value| value.is_number()) {
        Some("number")
    } else if values.iter().all(|value| value.is_boolean()) {
        Some("boolean")
    } else {
        None
    }
}

/// Takes names out of `required` that are no properties, or that stand there already.
pub(super) fn prune_required(out: &mut Map<String, Value>) {
    let known: Vec<String> = out
        .get("properties")
        .and_then(Value::as_object)
        .map(|properties| properties.keys().cloned().collect())
        .unwrap_or_default();
    if let Some(Value::Array(required)) = out.get_mut("required") {
        let mut left: Vec<&str> = known.iter().map(String::as_str).collect();
        required.retain(|name| {
            let place = left.iter().position(|left| name.as_str() == Some(*left));
            place.map(|place| left.swap_remove(place)).is_some()
        });
        if !required.is_empty() {
            return;
        }
    }
    out.shift_remove("required");
}

/// Writes what was dropped behind the description.
fn describe(out: &mut Map<String, Value>, notes: &[String]) {
    if notes.is_empty() {
        return;
    }
    let notes = notes.join("; ");
    let text = match out
        .get("description")
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
    {
        Some(text) => format!("{text} ({notes})"),
        None => notes,
    };
    out.insert("description".into(), Value::String(text));
}
