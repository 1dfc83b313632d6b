//! Responses answers: the items and the response object around them. The stream is made from the same items.

use serde_json::{Value, json};

use super::STATE;
use crate::demo::ask::Ask;
use crate::demo::script::{Answer, Block, Call, Finish, Input, Usage};
use crate::demo::seal;

/// Answers are dated, and always alike.
const CREATED: u64 = 1_790_000_000;

/// The whole answer.
pub(in crate::demo) fn whole(ask: &Ask, answer: &Answer, body: &Value) -> Value {
    let status = if answer.finish == Finish::Length {
        "incomplete"
    } else {
        "completed"
    };
    let mut response = shell(ask, body, status);
    response["output"] = Value::Array(items(ask, answer));
    response["usage"] = usage(&answer.usage);
    response["completed_at"] = json!(CREATED + 1);
    if answer.finish == Finish::Length {
        response["incomplete_details"] = json!({"reason": "max_output_tokens"});
    }
    response
}

/// The response object before it has output, with the request's settings echoed.
pub(super) fn shell(ask: &Ask, body: &Value, status: &str) -> Value {
    let echo = |name: &str, default: Value| match body.get(name) {
        None | Some(Value::Null) => default,
        Some(value) => value.clone(),
    };
    json!({
        "id": ask.id("resp_", 0),
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "background": false,
        "error": null,
        "incomplete_details": null,
        "instructions": echo("instructions", Value::Null),
        "max_output_tokens": echo("max_output_tokens", Value::Null),
        "metadata": echo("metadata", json!({})),
        "model": ask.model,
        "output": [],
        "parallel_tool_calls": ask.parallel,
        "previous_response_id": null,
        "reasoning": echo("reasoning", json!({"effort": null, "summary": null})),
        "service_tier": "default",
        "temperature": echo("temperature", json!(1.0)),
        "text": echo("text", json!({"format": {"type": "text"}})),
        "tool_choice": echo("tool_choice", json!("auto")),
        "tools": echo("tools", json!([])),
        "top_p": echo("top_p", json!(1.0)),
        "truncation": echo("truncation", json!("disabled")),
        "usage": null,
    })
}

/// The output items.
pub(super) fn items(ask: &Ask, answer: &Answer) -> Vec<Value> {
    answer
        .blocks
        .iter()
        .enumerate()
        .map(|(n, block)| item(ask, block, n))
        .collect()
}

fn item(ask: &Ask, block: &Block, number: usize) -> Value {
    match block {
        Block::Reasoning(text) => {
            let summary = if text.is_empty() {
                json!([])
            } else {
                json!([{"type": "summary_text", "text": text}])
            };
            json!({"type": "reasoning", "id": ask.id("rs_", number), "summary": summary, "encrypted_content": seal::seal(STATE, text)})
        }
        Block::Text(text) => message(
            ask,
            number,
            &json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []}),
        ),
        Block::Refusal(text) => message(ask, number, &json!({"type": "refusal", "refusal": text})),
        Block::Call(call) => tool_call(ask, call, number),
    }
}

fn message(ask: &Ask, number: usize, part: &Value) -> Value {
    json!({"type": "message", "id": ask.id("msg_", number), "role": "assistant", "status": "completed", "content": [part]})
}

fn tool_call(ask: &Ask, call: &Call, number: usize) -> Value {
    let call_id = ask.id("call_", number);
    let mut item = match &call.input {
        Input::Json(value) => json!({
            "type": "function_call", "id": ask.id("fc_", number), "call_id": call_id, "name": call.name,
            "arguments": value.to_string(), "status": "completed",
        }),
        Input::Free(text) => json!({
            "type": "custom_tool_call", "id": ask.id("ctc_", number), "call_id": call_id, "name": call.name, "input": text,
        }),
    };
    if let Some(namespace) = &call.namespace {
        item["namespace"] = json!(namespace);
    }
    item
}

fn usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input(),
        "input_tokens_details": {"cached_tokens": usage.read, "cache_write_tokens": usage.written},
        "output_tokens": usage.output(),
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": usage.input() + usage.output(),
    })
}
