//! Chat Completions answers: one body, or chunks. Reasoning travels in `reasoning_content`, as compatible servers send it;
//! this dialect has no opaque state.

use serde_json::{Map, Value, json};

use crate::demo::ask::Ask;
use crate::demo::fault::Fault;
use crate::demo::frames::Event;
use crate::demo::script::{Answer, Block, Call, Finish, Input, Usage, fragments, pieces};

/// Answers are dated, and always alike.
const CREATED: u64 = 1_790_000_000;

/// The whole answer.
pub(in crate::demo) fn whole(ask: &Ask, answer: &Answer, body: &Value) -> Value {
    let choices: Vec<Value> = (0..count(body))
        .map(|index| choice(ask, answer, index))
        .collect();
    json!({
        "id": ask.id("chatcmpl-", 0),
        "object": "chat.completion",
        "created": CREATED,
        "model": ask.model,
        "choices": choices,
        "usage": usage(&answer.usage),
        "service_tier": "default",
        "system_fingerprint": "fp_demo",
    })
}

fn count(body: &Value) -> u64 {
    body["n"].as_u64().unwrap_or(1)
}

fn choice(ask: &Ask, answer: &Answer, index: u64) -> Value {
    let mut message = Map::from_iter([
        ("role".to_owned(), json!("assistant")),
        ("content".to_owned(), Value::Null),
        ("refusal".to_owned(), Value::Null),
    ]);
    let mut calls = Vec::new();
    for block in &answer.blocks {
        match block {
            Block::Reasoning(text) if text.is_empty() => {}
            Block::Reasoning(text) => {
                drop(message.insert("reasoning_content".to_owned(), json!(text)));
            }
            Block::Text(text) => drop(message.insert("content".to_owned(), json!(text))),
            Block::Refusal(text) => drop(message.insert("refusal".to_owned(), json!(text))),
            Block::Call(one) => calls.push(call(ask, one, calls.len(), true)),
        }
    }
    if !calls.is_empty() {
        message.insert("tool_calls".to_owned(), Value::Array(calls));
    } else if answer.blocks.is_empty() {
        message.insert("content".to_owned(), json!(""));
    }
    json!({"index": index, "message": message, "logprobs": null, "finish_reason": finish(&answer.finish)})
}

fn call(ask: &Ask, call: &Call, number: usize, with_input: bool) -> Value {
    let id = ask.id("call_", number);
    let input = if with_input {
        text(&call.input)
    } else {
        String::new()
    };
    match &call.input {
        Input::Json(_) => {
            json!({"id": id, "type": "function", "function": {"name": call.name, "arguments": input}})
        }
        Input::Free(_) => {
            json!({"id": id, "type": "custom", "custom": {"name": call.name, "input": input}})
        }
    }
}

fn text(input: &Input) -> String {
    match input {
        Input::Json(value) => value.to_string(),
        Input::Free(text) => text.clone(),
    }
}

fn finish(finish: &Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::StopSequence(_) | Finish::Refusal => "stop",
        Finish::Length => "length",
        Finish::Calls => "tool_calls",
    }
}

fn usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.input(),
        "completion_tokens": usage.output(),
        "total_tokens": usage.input() + usage.output(),
        "prompt_tokens_details": {"cached_tokens": usage.read, "cache_write_tokens": usage.written, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    })
}

/// The chunks of a stream.
pub(in crate::demo) fn events(ask: &Ask, answer: &Answer, body: &Value) -> Vec<Event> {
    let counted = body["stream_options"]["include_usage"] == true;
    let mut chunks = Vec::new();
    for index in 0..count(body) {
        for delta in deltas(ask, answer) {
            chunks.push(
                json!([{"index": index, "delta": delta, "logprobs": null, "finish_reason": null}]),
            );
        }
        chunks.push(json!([{"index": index, "delta": {}, "logprobs": null, "finish_reason": finish(&answer.finish)}]));
    }
    if counted {
        chunks.push(json!([]));
    }
    let last = chunks.len() - 1;
    let dressed = chunks.into_iter().enumerate().map(|(n, choices)| {
        let mut chunk = json!({
            "id": ask.id("chatcmpl-", 0),
            "object": "chat.completion.chunk",
            "created": CREATED,
            "model": ask.model,
            "choices": choices,
        });
        if counted {
            chunk["usage"] = if n == last {
                usage(&answer.usage)
            } else {
                Value::Null
            };
        }
        Event::bare(chunk)
    });
    dressed.collect()
}

fn deltas(ask: &Ask, answer: &Answer) -> Vec<Value> {
    let mut deltas = vec![json!({"role": "assistant", "content": ""})];
    let mut calls = 0;
    for block in &answer.blocks {
        match block {
            Block::Reasoning(text) => deltas.extend(
                pieces(text)
                    .iter()
                    .map(|piece| json!({"reasoning_content": piece})),
            ),
            Block::Text(text) => {
                deltas.extend(pieces(text).iter().map(|piece| json!({"content": piece})));
            }
            Block::Refusal(text) => {
                deltas.extend(pieces(text).iter().map(|piece| json!({"refusal": piece})));
            }
            Block::Call(one) => {
                let mut first = call(ask, one, calls, false);
                first["index"] = json!(calls);
                deltas.push(json!({"tool_calls": [first]}));
                let input = text(&one.input);
                deltas.extend(fragments(&input).iter().map(|fragment| match one.input {
                    Input::Json(_) => json!({"tool_calls": [{"index": calls, "function": {"arguments": fragment}}]}),
                    Input::Free(_) => json!({"tool_calls": [{"index": calls, "type": "custom", "custom": {"input": fragment}}]}),
                }));
                calls += 1;
            }
        }
    }
    deltas
}

/// The error event in the middle of a stream.
pub(in crate::demo) fn failure(fault: &Fault, _number: usize) -> Vec<Event> {
    vec![Event::bare(json!({"error": fault.openai()}))]
}
