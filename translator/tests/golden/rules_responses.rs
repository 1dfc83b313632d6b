//! What OpenAI Responses enforces beyond its schema.

use serde_json::Value;
use translator::Dialect;

use crate::rules::{Faults, is_word, list, repeated, text};

pub(crate) fn check(model: &str, body: &Value, faults: &mut Faults) {
    items(body, faults);
    tools(body, faults);
    faults.unless(body["store"] == false, "P0", || {
        "store is not false: the hub keeps the history".into()
    });
    if let Some(limit) = body.get("max_output_tokens").and_then(Value::as_u64) {
        faults.unless(limit >= 16, "P5", || {
            format!("max_output_tokens is {limit}")
        });
    }
    for key in [
        "stop",
        "seed",
        "n",
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
    ] {
        faults.unless(body.get(key).is_none(), "P5", || {
            format!("{key} does not exist")
        });
    }
    let format = &body["text"]["format"];
    if format["type"] == "json_schema" {
        let name = text(format, "name");
        faults.unless(is_word(name, "", 64), "P9", || {
            format!("format name {name:?}")
        });
    }
    if format["type"] == "json_object" {
        let said = format!("{}{}", body["input"], body["instructions"])
            .to_lowercase()
            .contains("json");
        faults.unless(said, "C11", || "json_object, and no text says JSON".into());
    }
    if model == "gpt-5" {
        for key in ["temperature", "top_p", "top_logprobs"] {
            faults.unless(body.get(key).is_none(), "C8", || {
                format!("{key} for {model}")
            });
        }
    }
}

fn items(body: &Value, faults: &mut Faults) {
    let input = list(body, "input");
    let mut calls: Vec<&str> = Vec::new();
    let mut answered: Vec<&str> = Vec::new();
    for (at, item) in input.iter().enumerate() {
        let kind = item["type"].as_str().unwrap_or("message");
        let id = text(item, "call_id");
        match kind {
            "function_call" | "custom_tool_call" => {
                faults.unless(id.len() <= 64 && !id.is_empty(), "P1", || {
                    format!("input[{at}]: call_id {id:?}")
                });
                let name = text(item, "name");
                faults.unless(is_word(name, "", 128), "P9", || {
                    format!("input[{at}]: call of {name:?}")
                });
                calls.push(id);
            }
            "function_call_output" | "custom_tool_call_output" => {
                let known = calls.iter().filter(|call| **call == id).count();
                let given = answered.iter().filter(|call| **call == id).count();
                faults.unless(given < known, "P1", || {
                    format!("input[{at}]: output {id:?} without an open call")
                });
                answered.push(id);
            }
            "reasoning" => {
                let next = input.get(at + 1);
                let follower = next.is_some_and(|next| {
                    matches!(
                        text(next, "type"),
                        "reasoning" | "function_call" | "custom_tool_call"
                    ) || next["role"] == "assistant"
                });
                faults.unless(follower, "P2", || {
                    format!("input[{at}]: reasoning without what followed it")
                });
            }
            "message" => message(at, item, faults),
            _ => {}
        }
        if let Some(id) = item["id"].as_str() {
            let prefix = match kind {
                "message" => "msg_",
                "reasoning" => "rs_",
                "function_call" => "fc_",
                "custom_tool_call" => "ctc_",
                _ => "",
            };
            faults.unless(id.starts_with(prefix), "P3", || {
                format!("input[{at}]: id {id:?} of a {kind}")
            });
        }
    }
    for id in calls.iter().filter(|id| !answered.contains(id)) {
        faults.add("P1", format!("call {id:?} has no output"));
    }
}

fn message(at: usize, item: &Value, faults: &mut Faults) {
    let assistant = item["role"] == "assistant";
    for part in list(item, "content") {
        let kind = text(part, "type");
        let fits = if assistant {
            matches!(kind, "output_text" | "refusal")
        } else {
            kind.starts_with("input_")
        };
        faults.unless(fits, "P7", || {
            format!("input[{at}]: {kind} in a message of {}", item["role"])
        });
        let detail = kind != "input_image" || part.get("detail").is_some();
        faults.unless(detail, "P7", || {
            format!("input[{at}]: a picture without detail")
        });
    }
    let empty = item["content"] == "" || item["content"].as_array().is_some_and(Vec::is_empty);
    faults.unless(!empty, "P7", || format!("input[{at}]: an empty message"));
}

fn tools(body: &Value, faults: &mut Faults) {
    let tools = list(body, "tools");
    for key in ["tool_choice", "parallel_tool_calls"] {
        faults.unless(body.get(key).is_none() || !tools.is_empty(), "P12", || {
            format!("{key} without tools")
        });
    }
    for tool in tools {
        if tool["type"] == "function" {
            let name = text(tool, "name");
            faults.unless(is_word(name, "", 128), "P9", || format!("tool {name:?}"));
            faults.unless(tool["strict"].is_boolean(), "P8", || {
                format!("tool {name:?} does not say strict")
            });
        }
    }
    let names = tools.iter().filter_map(|tool| tool["name"].as_str());
    if let Some(name) = repeated(names) {
        faults.add("P9", format!("two tools are called {name:?}"));
    }
}

#[test]
fn every_rule_notices_its_violation() {
    use serde_json::json;
    let call = json!({"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"});
    let output = json!({"type": "function_call_output", "call_id": "a", "output": ""});
    let user = json!({"role": "user", "content": "x"});
    crate::rules::expect_faults(
        Dialect::OpenAiResponses,
        "gpt-5",
        &[
            ("P0", json!({"input": [user]})),
            ("P1", json!({"input": [user, call]})),
            ("P1", json!({"input": [user, output]})),
            ("P1", json!({"input": [call, output, output]})),
            (
                "P2",
                json!({"input": [{"type": "reasoning", "summary": []}, user]}),
            ),
            (
                "P3",
                json!({"input": [{"type": "function_call", "id": "toolu_1", "call_id": "a", "name": "f"}]}),
            ),
            ("P5", json!({"input": [user], "max_output_tokens": 3})),
            ("P5", json!({"input": [user], "stop": ["x"]})),
            (
                "P7",
                json!({"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]}),
            ),
            (
                "P7",
                json!({"input": [{"role": "user", "content": [{"type": "output_text", "text": "x"}]}]}),
            ),
            (
                "P8",
                json!({"input": [user], "tools": [{"type": "function", "name": "f"}]}),
            ),
            (
                "P9",
                json!({"input": [user], "tools": [{"type": "function", "name": "f f", "strict": false}]}),
            ),
            ("P12", json!({"input": [user], "tool_choice": "auto"})),
            ("C8", json!({"input": [user], "temperature": 0.5})),
            (
                "C11",
                json!({"input": [user], "text": {"format": {"type": "json_object"}}}),
            ),
        ],
    );
}
