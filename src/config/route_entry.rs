//! `ROUTES`.

use serde_json::Value;

use super::node::{Node, Reader};
use super::provider_entry::{MODES, read_dialect};
use super::{MatchSettings, PRIORITIES, RouteSettings, TargetSettings};
use crate::snapshot::{Source, Strategy};

const KEYS: [&str; 10] = [
    "name",
    "enabled",
    "priority",
    "match",
    "targets",
    "strategy",
    "mode",
    "key_pool",
    "params",
    "description",
];

const MATCH_KEYS: [&str; 10] = [
    "model",
    "model_regex",
    "keyword",
    "header",
    "client_key",
    "tag",
    "has",
    "min_input_tokens",
    "max_input_tokens",
    "ingress",
];

/// The words for a strategy.
pub(super) const STRATEGIES: [(&str, Strategy); 6] = [
    ("priority", Strategy::Priority),
    ("random", Strategy::Random),
    ("weighted", Strategy::Weighted),
    ("round_robin", Strategy::RoundRobin),
    ("least_latency", Strategy::LeastLatency),
    ("least_busy", Strategy::LeastBusy),
];

/// Parameters a rule may set, by canonical name.
const PARAMS: [&str; 14] = [
    "temperature",
    "top_p",
    "top_k",
    "max_tokens",
    "stop",
    "seed",
    "n",
    "presence_penalty",
    "frequency_penalty",
    "reasoning_effort",
    "thinking_budget",
    "service_tier",
    "parallel_tool_calls",
    "user",
];

#[derive(Clone, Copy)]
enum Has {
    Tools,
    Images,
    Thinking,
}

/// Reads the list of rules.
pub(super) fn read_routes(reader: &mut Reader<'_>, node: &Node<'_>) -> Vec<RouteSettings> {
    let source = if node.place.is_variable() {
        Source::Environment
    } else {
        Source::File
    };
    let mut routes: Vec<RouteSettings> = Vec::new();
    for item in node.items() {
        let Some(route) = read_route(reader, &item, source) else {
            continue;
        };
        if routes.iter().any(|other| other.name == route.name) {
            reader.error(
                &route.place,
                format!("two routes are called `{}`", route.name),
                "rename one",
            );
        } else {
            routes.push(route);
        }
    }
    routes
}

pub(super) fn read_route(
    reader: &mut Reader<'_>,
    node: &Node<'_>,
    source: Source,
) -> Option<RouteSettings> {
    let fields = reader.fields(node, &KEYS)?;
    let Some(name) = fields.get("name").and_then(|node| reader.text(&node)) else {
        reader.error(&node.place, "a route needs a name", "add `name: ...`");
        return None;
    };
    if name.len() > 128 || !name.chars().all(|c| c.is_ascii_graphic() || c == ' ') {
        let fix = "use up to 128 plain ASCII characters, since it is sent in a header";
        reader.error(
            &node.place,
            "the name of a route has characters that a header must not have",
            fix,
        );
    }
    let targets: Vec<_> = fields
        .get("targets")
        .map(|node| node.items())
        .unwrap_or_default();
    let targets: Vec<_> = targets
        .iter()
        .filter_map(|node| read_target(reader, node))
        .collect();
    if targets.is_empty() {
        let fix = "add `targets: [{provider: ..., model: ...}]`";
        reader.error(&node.place, format!("route `{name}` has no targets"), fix);
    }
    Some(RouteSettings {
        name,
        enabled: fields
            .get("enabled")
            .and_then(|node| reader.boolean(&node))
            .unwrap_or(true),
        priority: fields
            .get("priority")
            .and_then(|node| reader.number(&node, *PRIORITIES.start(), *PRIORITIES.end()))
            .unwrap_or(100),
        matches: fields
            .get("match")
            .and_then(|node| read_match(reader, &node))
            .unwrap_or_default(),
        targets,
        strategy: fields
            .get("strategy")
            .and_then(|node| reader.choice(&node, &STRATEGIES))
            .unwrap_or_default(),
        mode: fields
            .get("mode")
            .and_then(|node| reader.choice(&node, &MODES)),
        key_pool: fields.get("key_pool").and_then(|node| reader.text(&node)),
        params: fields
            .get("params")
            .map(|node| read_params(reader, &node))
            .unwrap_or_default(),
        source,
        place: node.place.clone(),
    })
}

/// `{provider, model, weight}`, or `provider/model` in one word.
fn read_target(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<TargetSettings> {
    if node.value.is_string() {
        let text = reader.text(node)?;
        let (provider, model) = text
            .split_once('/')
            .map_or((text.as_str(), None), |(p, m)| (p, Some(m.to_owned())));
        return Some(TargetSettings {
            provider: provider.to_owned(),
            model,
            weight: 1,
            place: node.place.clone(),
        });
    }
    let fields = reader.fields(node, &["provider", "model", "weight"])?;
    let Some(provider) = fields.get("provider").and_then(|node| reader.text(&node)) else {
        reader.error(
            &node.place,
            "a target needs a provider",
            "add `provider: NAME`",
        );
        return None;
    };
    Some(TargetSettings {
        provider,
        model: fields.get("model").and_then(|node| reader.text(&node)),
        weight: fields
            .get("weight")
            .and_then(|node| reader.small(&node, 0))
            .unwrap_or(1),
        place: node.place.clone(),
    })
}

fn read_match(reader: &mut Reader<'_>, node: &Node<'_>) -> Option<MatchSettings> {
    let fields = reader.fields(node, &MATCH_KEYS)?;
    let mut matches = MatchSettings::default();
    let mut texts = |key| {
        fields
            .get(key)
            .map(|node| reader.texts(&node))
            .unwrap_or_default()
    };
    matches.model = texts("model");
    matches.model_regex = texts("model_regex");
    matches.keyword = texts("keyword");
    matches.client_key = texts("client_key");
    matches.tag = texts("tag");
    for item in fields
        .get("ingress")
        .map(|node| node.items())
        .unwrap_or_default()
    {
        matches.ingress.extend(read_dialect(reader, &item));
    }
    for item in fields
        .get("has")
        .map(|node| node.items())
        .unwrap_or_default()
    {
        let words = [
            ("tools", Has::Tools),
            ("images", Has::Images),
            ("thinking", Has::Thinking),
        ];
        match reader.choice(&item, &words) {
            Some(Has::Tools) => matches.has_tools = true,
            Some(Has::Images) => matches.has_images = true,
            Some(Has::Thinking) => matches.has_thinking = true,
            None => {}
        }
    }
    matches.min_input_tokens = fields
        .get("min_input_tokens")
        .and_then(|node| reader.count(&node, 0));
    matches.max_input_tokens = fields
        .get("max_input_tokens")
        .and_then(|node| reader.count(&node, 0));
    if let Some(header) = fields.get("header") {
        matches.header = read_header_matches(reader, &header);
    }
    Some(matches)
}

/// `{Name: pattern}`, or `{name: X-Team, value: blue}`.
fn read_header_matches(reader: &mut Reader<'_>, node: &Node<'_>) -> Vec<(String, Vec<String>)> {
    let mut headers = Vec::new();
    for item in node.items() {
        let Value::Object(map) = item.value else {
            reader.error(
                &item.place,
                "header must be a map",
                "write `header: {X-Name: value}`",
            );
            continue;
        };
        if map.contains_key("name") && map.keys().all(|key| key == "name" || key == "value") {
            let Some(fields) = reader.fields(&item, &["name", "value"]) else {
                continue;
            };
            let name = fields.get("name").and_then(|node| reader.text(&node));
            let values = fields
                .get("value")
                .map(|node| reader.texts(&node))
                .unwrap_or_default();
            headers.extend(name.map(|name| (name, values)));
            continue;
        }
        for (name, value) in map {
            let values = reader.texts(&Node::new(value, name, item.place.key(name)));
            headers.push((name.clone(), values));
        }
    }
    for (name, _) in &headers {
        if name.parse::<http::HeaderName>().is_err() {
            reader.error(
                &node.place,
                "header does not name a header",
                "use letters, digits and `-`",
            );
        }
    }
    headers
}

fn read_params(reader: &mut Reader<'_>, node: &Node<'_>) -> serde_json::Map<String, Value> {
    let mut params = serde_json::Map::new();
    let Some(fields) = reader.fields(node, &PARAMS) else {
        return params;
    };
    for item in fields.all() {
        let value = match item.value {
            Value::String(_) => {
                let Some(text) = reader.text(&item) else {
                    continue;
                };
                // A number may come from a variable.
                serde_json::from_str::<serde_json::Number>(&text)
                    .map_or(Value::String(text), Value::Number)
            }
            other => other.clone(),
        };
        params.insert(item.name, value);
    }
    params
}
