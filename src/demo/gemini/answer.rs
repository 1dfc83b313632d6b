//! generateContent answers: one body, or chunks. The signature of a reasoned answer is on its first call, or on a last
//! text part.

use serde_json::{Value, json};

use super::{STATE, member};
use crate::demo::ask::{Ask, Dialect, tokens};
use crate::demo::fault::Fault;
use crate::demo::frames::Event;
use crate::demo::script::{Answer, Block, Finish, Input, Usage, pieces};
use crate::demo::seal;

/// The whole answer.
pub(in crate::demo) fn whole(ask: &Ask, answer: &Answer, body: &Value) -> Value {
    let mut parts: Vec<Value> = answer
        .blocks
        .iter()
        .enumerate()
        .filter_map(|(n, block)| part(ask, block, n))
        .collect();
    sign(answer, &mut parts);
    let count =
        member(body, "generationConfig").and_then(|config| member(config, "candidateCount"));
    let candidates: Vec<Value> = (0..count.and_then(Value::as_u64).unwrap_or(1))
        .map(|index| candidate(&parts, Some(&answer.finish), index))
        .collect();
    dress(ask, &candidates, &answer.usage)
}

fn part(ask: &Ask, block: &Block, number: usize) -> Option<Value> {
    Some(match block {
        Block::Reasoning(text) if text.is_empty() => return None,
        Block::Refusal(_) => return None,
        Block::Reasoning(text) => json!({"text": text, "thought": true}),
        Block::Text(text) => json!({"text": text}),
        Block::Call(call) => {
            let args = match &call.input {
                Input::Json(value) => value.clone(),
                Input::Free(text) => json!({"input": text}),
            };
            json!({"functionCall": {"id": ask.id("", number), "name": call.name, "args": args}})
        }
    })
}

/// Puts the signature where the vendor puts it.
fn sign(answer: &Answer, parts: &mut Vec<Value>) {
    let Some(text) = answer.blocks.iter().find_map(|block| match block {
        Block::Reasoning(text) => Some(text),
        _ => None,
    }) else {
        return;
    };
    let signature = json!(seal::seal(STATE, text));
    match parts
        .iter_mut()
        .find(|part| part.get("functionCall").is_some())
    {
        Some(call) => call["thoughtSignature"] = signature,
        None => parts.push(json!({"text": "", "thoughtSignature": signature})),
    }
}

fn candidate(parts: &[Value], finish: Option<&Finish>, index: u64) -> Value {
    let mut candidate = json!({"content": {"role": "model", "parts": parts}, "index": index});
    match finish {
        None => return candidate,
        Some(Finish::Length) => candidate["finishReason"] = json!("MAX_TOKENS"),
        Some(Finish::Refusal) => {
            candidate["finishReason"] = json!("SAFETY");
            candidate["finishMessage"] = json!("The prompt asked for a refusal.");
        }
        Some(_) => candidate["finishReason"] = json!("STOP"),
    }
    candidate
}

fn dress(ask: &Ask, candidates: &[Value], usage: &Usage) -> Value {
    let mut metadata = json!({
        "promptTokenCount": usage.input(),
        "candidatesTokenCount": usage.visible,
        "totalTokenCount": usage.input() + usage.output(),
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": usage.input()}],
    });
    for (name, count) in [
        ("cachedContentTokenCount", usage.read),
        ("thoughtsTokenCount", usage.reasoning),
    ] {
        if count > 0 {
            metadata[name] = json!(count);
        }
    }
    json!({"candidates": candidates, "usageMetadata": metadata, "modelVersion": ask.model, "responseId": ask.id("demo", 0)})
}

/// The chunks of a stream: texts in pieces, calls whole, the finish in the last one.
pub(in crate::demo) fn events(ask: &Ask, answer: &Answer, _body: &Value) -> Vec<Event> {
    let mut parts = Vec::new();
    for (n, block) in answer.blocks.iter().enumerate() {
        match block {
            Block::Reasoning(text) => parts.extend(
                pieces(text)
                    .iter()
                    .map(|piece| json!({"text": piece, "thought": true})),
            ),
            Block::Text(text) => {
                parts.extend(pieces(text).iter().map(|piece| json!({"text": piece})));
            }
            Block::Refusal(_) | Block::Call(_) => parts.extend(part(ask, block, n)),
        }
    }
    sign(answer, &mut parts);
    if answer.finish != Finish::Calls && !parts.last().is_some_and(|part| part["text"] == "") {
        parts.push(json!({"text": ""}));
    }
    let last = parts.len() - 1;
    let mut visible = 0;
    let chunks = parts.iter().enumerate().map(|(n, part)| {
        if part["thought"] != true {
            visible += tokens(part["text"].as_str().unwrap_or_default());
        }
        let early = Usage {
            visible: visible.min(answer.usage.visible),
            ..answer.usage
        };
        let (finish, usage) = if n == last {
            (Some(&answer.finish), &answer.usage)
        } else {
            (None, &early)
        };
        Event::bare(dress(
            ask,
            &[candidate(std::slice::from_ref(part), finish, 0)],
            usage,
        ))
    });
    chunks.collect()
}

/// The error event in the middle of a stream.
pub(in crate::demo) fn failure(fault: &Fault, _number: usize) -> Vec<Event> {
    vec![Event::bare(fault.body(Dialect::Gemini))]
}
