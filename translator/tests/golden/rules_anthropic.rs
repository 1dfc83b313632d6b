//! What Anthropic Messages enforces beyond its schema.

use serde_json::Value;
use translator::Dialect;

use crate::rules::{Faults, is_word, list, repeated, text};

pub(crate) fn check(model: &str, body: &Value, faults: &mut Faults) {
    turns(model, body, faults);
    calls(body, faults);
    tools(body, faults);
    marks(body, faults);
    thinking(model, body, faults);
    for stop in list(body, "stop_sequences") {
        let blank = stop.as_str().unwrap_or("").trim().is_empty();
        faults.unless(!blank, "A15", || format!("stop sequence {stop}"));
    }
}

fn blocks(message: &Value) -> Vec<&Value> {
    message["content"]
        .as_array()
        .into_iter()
        .flatten()
        .collect()
}

fn turns(model: &str, body: &Value, faults: &mut Faults) {
    let messages = list(body, "messages");
    let roles: Vec<&str> = messages
        .iter()
        .map(|message| text(message, "role"))
        .collect();
    faults.unless(roles.first() == Some(&"user"), "A1", || {
        format!("the first turn is {:?}", roles.first())
    });
    for (at, pair) in roles.windows(2).enumerate() {
        faults.unless(pair[0] != pair[1], "A1", || {
            format!("messages[{at}] and the next are both {}", pair[0])
        });
        let placed = pair[1] != "system" || pair[0] == "user";
        faults.unless(placed, "A4", || {
            format!("messages[{}]: system after {}", at + 1, pair[0])
        });
        let followed = pair[0] != "system" || pair[1] == "assistant";
        faults.unless(followed, "A4", || {
            format!("messages[{at}]: system before {}", pair[1])
        });
    }
    let takes_system = model == "claude-opus-4-8";
    faults.unless(takes_system || !roles.contains(&"system"), "A4", || {
        format!("a system turn for {model}")
    });
    let prefill = model == "claude-sonnet-4-5" && body["thinking"]["type"] != "enabled";
    let open_end = roles.last() == Some(&"assistant");
    faults.unless(prefill || !open_end, "A1", || {
        format!("the last turn is the assistant's, for {model}")
    });
    for (at, message) in messages.iter().enumerate() {
        let empty =
            message["content"] == "" || message["content"].as_array().is_some_and(Vec::is_empty);
        faults.unless(!empty, "A12", || format!("messages[{at}] is empty"));
        for block in blocks(message)
            .into_iter()
            .filter(|block| block["type"] == "text")
        {
            let blank = text(block, "text").trim().is_empty();
            faults.unless(!blank, "A12", || {
                format!("messages[{at}]: a text block is blank")
            });
        }
        let home = |kind: &str| match kind {
            "tool_use" | "thinking" | "redacted_thinking" => Some("assistant"),
            "tool_result" | "image" | "document" => Some("user"),
            _ => None,
        };
        for block in blocks(message) {
            let kind = text(block, "type");
            let fits = home(kind).is_none_or(|role| role == roles[at]);
            faults.unless(fits, "A17", || {
                format!("messages[{at}]: {kind} in a turn of {}", roles[at])
            });
        }
    }
    for block in list(body, "system") {
        let blank = text(block, "text").trim().is_empty();
        faults.unless(!blank, "A12", || "a system block is blank".into());
    }
    if open_end && let Some(last) = messages.last() {
        let end = last["content"]
            .as_str()
            .or_else(|| blocks(last).last().and_then(|block| block["text"].as_str()));
        let spaced = end.is_some_and(|end| end.trim_end() != end);
        faults.unless(!spaced, "A12", || {
            "the last assistant text ends in white space".into()
        });
    }
}

fn calls(body: &Value, faults: &mut Faults) {
    let messages = list(body, "messages");
    let mut all = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    for (at, message) in messages.iter().enumerate() {
        let mut late = false;
        for block in blocks(message) {
            if block["type"] != "tool_result" {
                late = true;
                continue;
            }
            let id = text(block, "tool_use_id");
            faults.unless(!late, "A2", || {
                format!("messages[{at}]: result {id:?} behind other blocks")
            });
            match open.iter().position(|open| *open == id) {
                Some(found) => drop(open.remove(found)),
                None => faults.add(
                    "A2",
                    format!("messages[{at}]: result {id:?} answers no call of the turn before"),
                ),
            }
            let media = block["is_error"] == true
                && list(block, "content")
                    .iter()
                    .any(|part| part["type"] != "text");
            faults.unless(!media, "A2", || {
                format!("messages[{at}]: an error result holds more than text")
            });
        }
        faults.unless(open.is_empty(), "A2", || {
            format!("messages[{at}]: calls {open:?} are not answered")
        });
        open = blocks(message)
            .into_iter()
            .filter(|block| block["type"] == "tool_use")
            .map(|block| text(block, "id"))
            .collect();
        all.extend(open.iter().copied());
        for block in blocks(message)
            .into_iter()
            .filter(|block| block["type"] == "tool_use")
        {
            let name = text(block, "name");
            faults.unless(is_word(name, "", 128), "A3", || {
                format!("messages[{at}]: call of {name:?}")
            });
            let id = text(block, "id");
            faults.unless(is_word(id, "", 200), "A3", || {
                format!("messages[{at}]: call id {id:?}")
            });
        }
    }
    faults.unless(open.is_empty(), "A2", || {
        format!("the last calls {open:?} are not answered")
    });
    if let Some(id) = repeated(all.iter().copied()) {
        faults.add("A3", format!("id {id:?} stands for two calls"));
    }
    faults.unless(
        all.is_empty() || !list(body, "tools").is_empty(),
        "A18",
        || "calls in history, but no tools".into(),
    );
}

fn tools(body: &Value, faults: &mut Faults) {
    let tools = list(body, "tools");
    let names: Vec<&str> = tools.iter().map(|tool| text(tool, "name")).collect();
    for tool in tools {
        let name = text(tool, "name");
        faults.unless(is_word(name, "", 128), "A3", || format!("tool {name:?}"));
        let Some(schema) = tool.get("input_schema") else {
            continue;
        };
        faults.unless(schema["type"] == "object", "A13", || {
            format!("tool {name:?}: the schema's root is no object")
        });
        let union = ["anyOf", "oneOf", "allOf"]
            .into_iter()
            .any(|key| schema.get(key).is_some());
        faults.unless(!union, "A13", || {
            format!("tool {name:?}: the schema's root is a union")
        });
        if tool["strict"] == true {
            strict(name, schema, faults);
        }
    }
    if let Some(schema) = body["output_config"]["format"].get("schema") {
        strict("output format", schema, faults);
    }
    if let Some(name) = repeated(names.iter().copied()) {
        faults.add("A3", format!("two tools are called {name:?}"));
    }
    let choice = &body["tool_choice"];
    faults.unless(choice.is_null() || !tools.is_empty(), "A18", || {
        "tool_choice without tools".into()
    });
    if choice["type"] == "tool" {
        faults.unless(names.contains(&text(choice, "name")), "A18", || {
            format!("tool_choice {choice} names no tool")
        });
    }
    let misplaced = body.get("disable_parallel_tool_use").is_some()
        || (choice["type"] == "none" && choice.get("disable_parallel_tool_use").is_some());
    faults.unless(!misplaced, "A18", || {
        "disable_parallel_tool_use at a wrong place".into()
    });
}

/// The subset of strict schemas: closed objects, no ranges, no lengths, no `oneOf`.
fn strict(name: &str, schema: &Value, faults: &mut Faults) {
    const REFUSED: [&str; 11] = [
        "oneOf",
        "not",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "maxItems",
        "patternProperties",
    ];
    if schema["type"] == "object" || schema.get("properties").is_some() {
        let closed = schema["additionalProperties"] == false;
        faults.unless(closed, "A13", || format!("{name}: a strict object is open"));
    }
    for key in REFUSED {
        faults.unless(schema.get(key).is_none(), "A13", || {
            format!("{name}: {key} in a strict schema")
        });
    }
    for inner in schema["properties"]
        .as_object()
        .into_iter()
        .flat_map(|properties| properties.values())
    {
        strict(name, inner, faults);
    }
    for key in ["anyOf", "allOf"] {
        list(schema, key)
            .iter()
            .for_each(|inner| strict(name, inner, faults));
    }
    if schema["items"].is_object() {
        strict(name, &schema["items"], faults);
    }
}

fn marks(body: &Value, faults: &mut Faults) {
    let mut lifetimes = Vec::new();
    // The prompt's order: tools, system, messages.
    for key in ["tools", "system", "messages"] {
        gather_marks(&body[key], &mut lifetimes, faults);
    }
    let count = lifetimes.len() + usize::from(body["cache_control"].is_object());
    faults.unless(count <= 4, "A11", || format!("{count} cache marks"));
    let hours: Vec<bool> = lifetimes.iter().map(|mark| mark["ttl"] == "1h").collect();
    faults.unless(hours.is_sorted_by(|a, b| a >= b), "A11", || {
        "a longer lifetime stands behind a shorter one".into()
    });
}

fn gather_marks<'v>(value: &'v Value, marks: &mut Vec<&'v Value>, faults: &mut Faults) {
    match value {
        Value::Array(items) => items
            .iter()
            .for_each(|item| gather_marks(item, marks, faults)),
        Value::Object(members) => {
            if members.contains_key("content") {
                gather_marks(&members["content"], marks, faults);
            }
            if let Some(mark) = members.get("cache_control") {
                let kind = text(value, "type");
                let fits = !matches!(kind, "thinking" | "redacted_thinking");
                faults.unless(fits, "A11", || format!("a cache mark on {kind}"));
                marks.push(mark);
            }
        }
        _ => {}
    }
}

fn thinking(model: &str, body: &Value, faults: &mut Faults) {
    let kind = text(&body["thinking"], "type");
    let allowed: &[&str] = if model == "claude-opus-4-8" {
        &["", "adaptive", "disabled"]
    } else {
        &["", "enabled", "disabled"]
    };
    faults.unless(allowed.contains(&kind), "A7", || {
        format!("thinking {kind} for {model}")
    });
    let on = matches!(kind, "enabled" | "adaptive");
    if kind == "enabled" {
        let (budget, limit) = (
            body["thinking"]["budget_tokens"].as_u64(),
            body["max_tokens"].as_u64(),
        );
        let fits = budget >= Some(1024) && budget < limit;
        faults.unless(fits, "A6", || {
            format!("budget {budget:?} with a limit of {limit:?}")
        });
        first_block(body, faults);
    }
    let forced = matches!(text(&body["tool_choice"], "type"), "any" | "tool");
    faults.unless(!(kind == "enabled" && forced), "A7", || {
        "a forced call while thinking".into()
    });
    if model == "claude-sonnet-4-5" {
        let effort = body["output_config"].get("effort");
        faults.unless(effort.is_none(), "A7", || {
            format!("{model} takes no effort")
        });
        let both = body.get("temperature").is_some() && body.get("top_p").is_some();
        faults.unless(!both, "A7", || "temperature and top_p together".into());
        let hot = on
            && body
                .get("temperature")
                .is_some_and(|value| value.as_f64() != Some(1.0));
        faults.unless(!(hot || on && body.get("top_k").is_some()), "A7", || {
            "sampling while thinking".into()
        });
    } else {
        for key in ["temperature", "top_p", "top_k"] {
            faults.unless(body.get(key).is_none(), "A7", || {
                format!("{key} for {model}")
            });
        }
    }
}

/// A running tool loop of a model that thinks by budget begins with its thinking.
fn first_block(body: &Value, faults: &mut Faults) {
    let messages = list(body, "messages");
    let Some(at) = messages
        .iter()
        .rposition(|message| message["role"] == "assistant")
    else {
        return;
    };
    let content = blocks(&messages[at]);
    let calls = content.iter().any(|block| block["type"] == "tool_use");
    let thinks = content
        .first()
        .is_some_and(|block| matches!(text(block, "type"), "thinking" | "redacted_thinking"));
    let running = messages[at + 1..].iter().any(|message| {
        blocks(message)
            .iter()
            .any(|block| block["type"] == "tool_result")
    });
    faults.unless(!(calls && running) || thinks, "A8", || {
        format!("messages[{at}] does not begin with thinking")
    });
}

#[test]
fn every_rule_notices_its_violation() {
    use serde_json::json;
    let user = json!({"role": "user", "content": "x"});
    let call = |id: &str| json!({"role": "assistant", "content": [{"type": "tool_use", "id": id, "name": "f", "input": {}}]});
    let result = json!({"type": "tool_result", "tool_use_id": "a", "content": "1"});
    let results = json!({"role": "user", "content": [result]});
    let tools = json!([{"name": "f", "input_schema": {"type": "object"}}]);
    let marked = json!({"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}});
    crate::rules::expect_faults(
        Dialect::Anthropic,
        "claude-sonnet-4-5",
        &[
            (
                "A1",
                json!({"messages": [{"role": "assistant", "content": "x"}]}),
            ),
            ("A1", json!({"messages": [user, user]})),
            (
                "A2",
                json!({"tools": tools, "messages": [user, call("a"), user]}),
            ),
            ("A2", json!({"tools": tools, "messages": [user, call("a")]})),
            (
                "A2",
                json!({"tools": tools, "messages": [user, call("a"), {"role": "user", "content": [{"type": "text", "text": "x"}, result]}]}),
            ),
            (
                "A2",
                json!({"tools": tools, "messages": [user, call("a"), {"role": "user", "content": [result, result]}]}),
            ),
            (
                "A3",
                json!({"tools": tools, "messages": [user, call("a"), results, call("a"), results]}),
            ),
            (
                "A3",
                json!({"tools": tools, "messages": [user, call("a:b"), results]}),
            ),
            (
                "A4",
                json!({"messages": [user, {"role": "system", "content": "x"}]}),
            ),
            (
                "A6",
                json!({"messages": [user], "max_tokens": 1024, "thinking": {"type": "enabled", "budget_tokens": 1024}}),
            ),
            (
                "A7",
                json!({"messages": [user], "thinking": {"type": "adaptive"}}),
            ),
            (
                "A7",
                json!({"messages": [user], "temperature": 0.5, "top_p": 0.5}),
            ),
            (
                "A8",
                json!({"tools": tools, "messages": [user, call("a"), results], "max_tokens": 9999, "thinking": {"type": "enabled", "budget_tokens": 2048}}),
            ),
            (
                "A11",
                json!({"messages": [{"role": "user", "content": [marked, marked, marked, marked, marked]}]}),
            ),
            (
                "A11",
                json!({"system": [marked], "messages": [{"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {"type": "ephemeral", "ttl": "1h"}}]}]}),
            ),
            (
                "A12",
                json!({"messages": [{"role": "user", "content": [{"type": "text", "text": " "}]}]}),
            ),
            (
                "A12",
                json!({"messages": [user, {"role": "assistant", "content": "x "}]}),
            ),
            (
                "A13",
                json!({"messages": [user], "tools": [{"name": "f", "input_schema": {"anyOf": []}}]}),
            ),
            (
                "A13",
                json!({"messages": [user], "output_config": {"format": {"schema": {"type": "object", "properties": {}}}}}),
            ),
            ("A15", json!({"messages": [user], "stop_sequences": ["\n"]})),
            (
                "A17",
                json!({"messages": [user, {"role": "assistant", "content": [{"type": "image"}]}]}),
            ),
            (
                "A18",
                json!({"messages": [user], "tool_choice": {"type": "auto"}}),
            ),
        ],
    );
    crate::rules::expect_faults(
        Dialect::Anthropic,
        "claude-opus-4-8",
        &[
            ("A7", json!({"messages": [user], "temperature": 1})),
            (
                "A1",
                json!({"messages": [user, {"role": "assistant", "content": "x"}]}),
            ),
            (
                "A4",
                json!({"messages": [user, {"role": "assistant", "content": "x"}, {"role": "system", "content": "x"}]}),
            ),
        ],
    );
}
