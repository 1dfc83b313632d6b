//! What OpenAI Chat Completions enforces beyond its schema.

use serde_json::Value;
use translator::Dialect;

use crate::rules::{Faults, is_word, list, repeated, text};

pub(crate) fn check(model: &str, body: &Value, faults: &mut Faults) {
    messages(body, faults);
    tools(body, faults);
    let stops = list(body, "stop").len();
    faults.unless(stops <= 4, "C6", || format!("{stops} stop sequences"));
    let logprobs = body.get("top_logprobs").is_none() || body["logprobs"] == true;
    faults.unless(logprobs, "C6", || "top_logprobs without logprobs".into());
    let stream = body.get("stream_options").is_none() || body["stream"] == true;
    faults.unless(stream, "C14", || "stream_options without stream".into());
    if body["response_format"]["type"] == "json_object" {
        let said = body["messages"].to_string().to_lowercase().contains("json");
        faults.unless(said, "C11", || {
            "json_object, and no message says JSON".into()
        });
    }
    if let Some(name) = body["response_format"]["json_schema"].get("name") {
        let name = name.as_str().unwrap_or("");
        faults.unless(is_word(name, "", 64), "C2", || {
            format!("format name {name:?}")
        });
    }
    reasoning_model(model, body, faults);
}

fn messages(body: &Value, faults: &mut Faults) {
    let mut open: Vec<&str> = Vec::new();
    for (at, message) in list(body, "messages").iter().enumerate() {
        let role = text(message, "role");
        if role == "tool" {
            let id = text(message, "tool_call_id");
            match open.iter().position(|open| *open == id) {
                Some(found) => drop(open.remove(found)),
                None => faults.add(
                    "C1",
                    format!("messages[{at}]: result {id:?} answers no open call"),
                ),
            }
            let parts = list(message, "content")
                .iter()
                .all(|part| part["type"] == "text");
            faults.unless(parts, "C5", || {
                format!("messages[{at}]: a tool message holds more than text")
            });
            faults.unless(!message["content"].is_null(), "C5", || {
                format!("messages[{at}]: no content")
            });
            continue;
        }
        faults.unless(open.is_empty(), "C1", || {
            format!("messages[{at}]: calls {open:?} are not answered")
        });
        open.clear();
        if role != "assistant" {
            let empty = message["content"] == ""
                || message["content"].as_array().is_some_and(Vec::is_empty);
            faults.unless(!empty, "C5", || {
                format!("messages[{at}]: empty {role} content")
            });
            continue;
        }
        let legal = list(message, "content")
            .iter()
            .all(|part| part["type"] == "text" || part["type"] == "refusal");
        faults.unless(legal, "C5", || {
            format!("messages[{at}]: an assistant part is neither text nor refusal")
        });
        let calls = list(message, "tool_calls");
        let bare = message["content"].is_null()
            && message["refusal"].is_null()
            && message["audio"].is_null();
        faults.unless(!bare || !calls.is_empty(), "C5", || {
            format!("messages[{at}]: neither content nor calls")
        });
        let empty = message.get("tool_calls").is_some() && calls.is_empty();
        faults.unless(!empty, "C5", || {
            format!("messages[{at}]: tool_calls is empty")
        });
        for call in calls {
            let (id, name) = (text(call, "id"), called(call));
            faults.unless(!id.is_empty() && id.len() <= 40, "C3", || {
                format!("messages[{at}]: call id {id:?}")
            });
            faults.unless(is_word(name, "", 64), "C2", || {
                format!("messages[{at}]: call of {name:?}")
            });
            open.push(id);
        }
        if let Some(id) = repeated(open.iter().copied()) {
            faults.add(
                "C1",
                format!("messages[{at}]: id {id:?} stands for two calls"),
            );
        }
    }
    faults.unless(open.is_empty(), "C1", || {
        format!("the last calls {open:?} are not answered")
    });
}

fn called(call: &Value) -> &str {
    match call["type"].as_str() {
        Some("custom") => text(&call["custom"], "name"),
        _ => text(&call["function"], "name"),
    }
}

fn tools(body: &Value, faults: &mut Faults) {
    let tools = list(body, "tools");
    let names: Vec<&str> = tools.iter().map(called).collect();
    for name in &names {
        faults.unless(is_word(name, "", 64), "C2", || format!("tool {name:?}"));
    }
    if let Some(name) = repeated(names.iter().copied()) {
        faults.add("C2", format!("two tools are called {name:?}"));
    }
    for key in ["tool_choice", "parallel_tool_calls"] {
        faults.unless(body.get(key).is_none() || !tools.is_empty(), "C4", || {
            format!("{key} without tools")
        });
    }
    if let Some(name) = body["tool_choice"]
        .get("function")
        .map(|function| text(function, "name"))
    {
        faults.unless(names.contains(&name), "C4", || {
            format!("tool_choice names {name:?}, which is no tool")
        });
    }
}

/// Models that reason take no sampling parameters while they do, and never a stop sequence.
fn reasoning_model(model: &str, body: &Value, faults: &mut Faults) {
    if !model.starts_with("gpt-5") {
        faults.unless(body.get("reasoning_effort").is_none(), "C8", || {
            format!("{model} takes no effort")
        });
        return;
    }
    faults.unless(body.get("max_tokens").is_none(), "C7", || {
        "max_tokens for a reasoning model".into()
    });
    let mut refused = vec!["stop", "logit_bias"];
    let on = !matches!(body["reasoning_effort"].as_str(), None | Some("none"));
    if on {
        refused.extend([
            "temperature",
            "top_p",
            "logprobs",
            "presence_penalty",
            "frequency_penalty",
        ]);
    }
    for key in refused {
        faults.unless(body.get(key).is_none(), "C8", || {
            format!("{key} for {model}")
        });
    }
}

#[test]
fn every_rule_notices_its_violation() {
    use serde_json::json;
    let call = |id: &str, name: &str| json!({"role": "assistant", "tool_calls": [{"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}}]});
    let tool = json!({"type": "function", "function": {"name": "f"}});
    let user = json!({"role": "user", "content": "x"});
    let result = json!({"role": "tool", "tool_call_id": "a", "content": "1"});
    let long = "i".repeat(41);
    crate::rules::expect_faults(
        Dialect::OpenAiChat,
        "gpt-5.1",
        &[
            ("C1", json!({"messages": [user, call("a", "f"), user]})),
            ("C1", json!({"messages": [user, call("a", "f")]})),
            ("C1", json!({"messages": [user, result]})),
            (
                "C1",
                json!({"messages": [user, call("a", "f"), result, result]}),
            ),
            ("C2", json!({"messages": [call("a", "a.b"), result]})),
            ("C2", json!({"messages": [user], "tools": [tool, tool]})),
            ("C3", json!({"messages": [call(&long, "f")]})),
            ("C4", json!({"messages": [user], "tool_choice": "auto"})),
            (
                "C4",
                json!({"messages": [user], "tools": [tool], "tool_choice": {"type": "function", "function": {"name": "g"}}}),
            ),
            (
                "C5",
                json!({"messages": [{"role": "assistant", "content": null}]}),
            ),
            (
                "C5",
                json!({"messages": [call("a", "f"), {"role": "tool", "tool_call_id": "a", "content": [{"type": "image_url"}]}]}),
            ),
            (
                "C6",
                json!({"messages": [user], "stop": ["1", "2", "3", "4", "5"]}),
            ),
            ("C7", json!({"messages": [user], "max_tokens": 5})),
            (
                "C8",
                json!({"messages": [user], "reasoning_effort": "low", "temperature": 1}),
            ),
            (
                "C11",
                json!({"messages": [user], "response_format": {"type": "json_object"}}),
            ),
            ("C14", json!({"messages": [user], "stream_options": {}})),
            ("X1", json!({"messages": [user], "tools": null})),
        ],
    );
}
