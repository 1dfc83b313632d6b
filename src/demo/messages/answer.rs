//! Messages answers: one body, or events. Reasoning carries a signature over its text.

use serde_json::{Value, json};

use super::STATE;
use crate::demo::ask::{Ask, Dialect};
use crate::demo::fault::Fault;
use crate::demo::frames::Event;
use crate::demo::script::{Answer, Block, Finish, Input, Usage, fragments, pieces};
use crate::demo::seal;

/// The whole answer.
pub(in crate::demo) fn whole(ask: &Ask, answer: &Answer, _body: &Value) -> Value {
    let mut message = shell(ask, &answer.usage);
    message["content"] = answer
        .blocks
        .iter()
        .enumerate()
        .map(|(n, block)| content(ask, block, n))
        .collect();
    for (name, value) in stop(&answer.finish).as_object().into_iter().flatten() {
        message[name] = value.clone();
    }
    message
}

fn shell(ask: &Ask, usage: &Usage) -> Value {
    let written = (usage.written > 0).then(
        || json!({"ephemeral_5m_input_tokens": usage.written, "ephemeral_1h_input_tokens": 0}),
    );
    json!({
        "id": ask.id("msg_", 0),
        "type": "message",
        "role": "assistant",
        "model": ask.model,
        "content": [],
        "container": null,
        "diagnostics": null,
        "stop_details": null,
        "stop_reason": null,
        "stop_sequence": null,
        "usage": {
            "cache_creation": written,
            "cache_creation_input_tokens": usage.written,
            "cache_read_input_tokens": usage.read,
            "inference_geo": null,
            "input_tokens": usage.fresh,
            "output_tokens": usage.output(),
            "output_tokens_details": {"thinking_tokens": usage.reasoning},
            "server_tool_use": null,
            "service_tier": "standard",
            "speed": null,
        },
    })
}

fn content(ask: &Ask, block: &Block, number: usize) -> Value {
    match block {
        Block::Reasoning(text) => {
            json!({"type": "thinking", "thinking": text, "signature": seal::seal(STATE, text)})
        }
        Block::Text(text) | Block::Refusal(text) => {
            json!({"type": "text", "text": text, "citations": null})
        }
        Block::Call(call) => {
            let input = match &call.input {
                Input::Json(value) => value.clone(),
                Input::Free(text) => json!({"input": text}),
            };
            json!({"type": "tool_use", "id": ask.id("toolu_", number), "name": call.name, "input": input, "caller": {"type": "direct"}})
        }
    }
}

fn stop(finish: &Finish) -> Value {
    let (reason, sequence, details) = match finish {
        Finish::Stop => ("end_turn", Value::Null, Value::Null),
        Finish::StopSequence(text) => ("stop_sequence", json!(text), Value::Null),
        Finish::Length => ("max_tokens", Value::Null, Value::Null),
        Finish::Calls => ("tool_use", Value::Null, Value::Null),
        Finish::Refusal => {
            let details = json!({"type": "refusal", "category": null, "explanation": "The prompt asked for a refusal."});
            ("refusal", Value::Null, details)
        }
    };
    json!({"stop_reason": reason, "stop_sequence": sequence, "stop_details": details})
}

/// The events of a stream.
pub(in crate::demo) fn events(ask: &Ask, answer: &Answer, _body: &Value) -> Vec<Event> {
    let early = Usage {
        visible: 1,
        reasoning: 0,
        ..answer.usage
    };
    let mut events = vec![
        json!({"type": "message_start", "message": shell(ask, &early)}),
        json!({"type": "ping"}),
    ];
    for (n, block) in answer.blocks.iter().enumerate() {
        block_events(&content(ask, block, n), n, &mut events);
    }
    let mut delta = stop(&answer.finish);
    delta["container"] = Value::Null;
    events.push(json!({
        "type": "message_delta",
        "delta": delta,
        "usage": {
            "cache_creation_input_tokens": answer.usage.written,
            "cache_read_input_tokens": answer.usage.read,
            "input_tokens": answer.usage.fresh,
            "output_tokens": answer.usage.output(),
            "output_tokens_details": {"thinking_tokens": answer.usage.reasoning},
            "server_tool_use": null,
        },
    }));
    events.push(json!({"type": "message_stop"}));
    events.into_iter().map(Event::typed).collect()
}

fn block_events(block: &Value, index: usize, events: &mut Vec<Value>) {
    let mut blank = block.clone();
    let deltas: Vec<Value> = match block["type"].as_str() {
        Some("text") => {
            blank["text"] = json!("");
            let text = block["text"].as_str().unwrap_or_default();
            pieces(text)
                .iter()
                .map(|piece| json!({"type": "text_delta", "text": piece}))
                .collect()
        }
        Some("thinking") => {
            blank["thinking"] = json!("");
            blank["signature"] = json!("");
            let text = block["thinking"].as_str().unwrap_or_default();
            let deltas = pieces(text)
                .into_iter()
                .map(|piece| json!({"type": "thinking_delta", "thinking": piece}));
            deltas
                .chain([json!({"type": "signature_delta", "signature": block["signature"]})])
                .collect()
        }
        _ => {
            blank["input"] = json!({});
            let input = block["input"].to_string();
            fragments(&input)
                .iter()
                .map(|fragment| json!({"type": "input_json_delta", "partial_json": fragment}))
                .collect()
        }
    };
    events.push(json!({"type": "content_block_start", "index": index, "content_block": blank}));
    events.extend(
        deltas
            .into_iter()
            .map(|delta| json!({"type": "content_block_delta", "index": index, "delta": delta})),
    );
    events.push(json!({"type": "content_block_stop", "index": index}));
}

/// The error event in the middle of a stream.
pub(in crate::demo) fn failure(fault: &Fault, _number: usize) -> Vec<Event> {
    vec![Event::typed(fault.body(Dialect::Messages))]
}
