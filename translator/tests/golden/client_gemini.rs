//! A Gemini client: the grammar of its stream, and what its SDK makes of it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Value, json};

use crate::events::Event;
use crate::rules::list;

/// What is wrong with a stream. `failed` says that it must end as an error.
pub(crate) fn grammar(events: &[Event], failed: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let Some((last, chunks)) = events.split_last() else {
        return vec!["no frame at all".to_owned()];
    };
    let finish = |event: &Event| {
        list(&event.data, "candidates")
            .iter()
            .any(|candidate| candidate["finishReason"].is_string())
            || event.data["promptFeedback"]["blockReason"].is_string()
    };
    let finishes: Vec<usize> = (0..events.len())
        .filter(|&at| finish(&events[at]))
        .collect();
    if failed {
        let error = &last.data["error"];
        if !(error["code"].is_u64() && error["message"].is_string() && error["status"].is_string())
        {
            wrong.push(format!("a failed stream ends with {}", last.data));
        }
        if !finishes.is_empty() {
            wrong.push("a failed stream looks finished".to_owned());
        }
    } else {
        if finishes.len() != 1 {
            wrong.push(format!("{} finish reasons", finishes.len()));
        }
        if events
            .iter()
            .rev()
            .find_map(|event| event.data["usageMetadata"].as_object())
            .is_none()
        {
            wrong.push("no usage".to_owned());
        }
    }
    let whole = if failed { chunks } else { events };
    for (at, event) in whole.iter().enumerate() {
        for key in ["responseId", "modelVersion"] {
            if !event.data[key].is_string() || event.data[key] != whole[0].data[key] {
                wrong.push(format!("chunk {at}: {key} is {}", event.data[key]));
            }
        }
        if finishes.first().is_some_and(|finish| at > *finish)
            && !list(&event.data, "candidates").is_empty()
        {
            wrong.push(format!("chunk {at}: content after the finish"));
        }
        wrong.extend(
            body(&event.data)
                .into_iter()
                .map(|problem| format!("chunk {at}: {problem}")),
        );
    }
    wrong
}

/// What is wrong with a chunk or a complete answer.
pub(crate) fn body(body: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    if body["error"].is_object() {
        wrong.push("an error, and the answer goes on".to_owned());
    }
    for candidate in list(body, "candidates") {
        if candidate.get("content").is_some() && candidate["content"]["role"] != "model" {
            wrong.push(format!("role {}", candidate["content"]["role"]));
        }
        for part in list(&candidate["content"], "parts") {
            let call = &part["functionCall"];
            if call.is_object() && !(call["name"].is_string() && call["args"].is_object()) {
                wrong.push(format!("a call without name or args: {call}"));
            }
            if let Some(signature) = part["thoughtSignature"].as_str()
                && (STANDARD.decode(signature).is_err() && URL_SAFE.decode(signature).is_err())
            {
                wrong.push(format!("a signature that is not base64: {signature:?}"));
            }
        }
    }
    wrong
}

/// Adds a stream up as the SDK does.
pub(crate) fn fold(events: &[Event]) -> Value {
    let mut parts: Vec<Value> = Vec::new();
    let mut out = json!({});
    let mut candidate = json!({"index": 0});
    let mut any = false;
    for event in events {
        for (key, value) in event.data.as_object().into_iter().flatten() {
            if key != "candidates" {
                out[key] = value.clone();
            }
        }
        for chunk in list(&event.data, "candidates") {
            any = true;
            parts.extend(list(&chunk["content"], "parts").iter().cloned());
            for (key, value) in chunk.as_object().into_iter().flatten() {
                if key != "content" {
                    candidate[key] = value.clone();
                }
            }
        }
    }
    if any {
        candidate["content"] = json!({"parts": parts, "role": "model"});
        out["candidates"] = json!([candidate]);
    }
    normal(&out)
}

/// A body with neighbours of the same kind joined and empty parts gone; chunk borders mean nothing.
pub(crate) fn normal(body: &Value) -> Value {
    let mut body = body.clone();
    for candidate in body["candidates"].as_array_mut().into_iter().flatten() {
        let joined = join(list(&candidate["content"], "parts"));
        if joined.is_empty() {
            candidate
                .as_object_mut()
                .map(|members| members.shift_remove("content"));
        } else {
            candidate["content"]["parts"] = Value::Array(joined);
        }
    }
    body
}

fn join(parts: &[Value]) -> Vec<Value> {
    let mut joined: Vec<Value> = Vec::new();
    for part in parts {
        let Some(more) = part["text"].as_str() else {
            joined.push(part.clone());
            continue;
        };
        if more.is_empty() && part.get("thoughtSignature").is_none() {
            continue;
        }
        // A signature may come on any chunk of its text: the run carries it, and a second one begins a new run.
        let signed = part.get("thoughtSignature");
        match joined.last_mut() {
            Some(last)
                if last["text"].is_string()
                    && last["thought"] == part["thought"]
                    && (signed.is_none() || last.get("thoughtSignature").is_none()) =>
            {
                let text = format!("{}{more}", last["text"].as_str().unwrap_or(""));
                last["text"] = Value::String(text);
                if let Some(signature) = signed {
                    last["thoughtSignature"] = signature.clone();
                }
            }
            _ => joined.push(part.clone()),
        }
    }
    joined
}

#[test]
fn broken_streams_are_noticed() {
    let chunk = |parts: Value, finish: Option<&str>| {
        let mut candidate = json!({"content": {"role": "model", "parts": parts}});
        if let Some(finish) = finish {
            candidate["finishReason"] = json!(finish);
        }
        Event {
            name: String::new(),
            data: json!({"candidates": [candidate], "responseId": "r", "modelVersion": "m", "usageMetadata": {}}),
        }
    };
    let text = || chunk(json!([{"text": "a"}]), None);
    let end = || {
        chunk(
            json!([{"text": "b", "thoughtSignature": "YQ=="}]),
            Some("STOP"),
        )
    };
    assert_eq!(grammar(&[text(), end()], false), Vec::<String>::new());
    let folded = fold(&[text(), end()]);
    assert_eq!(
        folded["candidates"][0]["content"]["parts"],
        json!([{"text": "ab", "thoughtSignature": "YQ=="}])
    );
    assert!(!grammar(&[text()], false).is_empty(), "no finish");
    assert!(
        !grammar(&[end(), text()], false).is_empty(),
        "content after the finish"
    );
    assert!(
        !grammar(
            &[chunk(
                json!([{"functionCall": {"name": "f"}}]),
                Some("STOP")
            )],
            false
        )
        .is_empty()
    );
    assert!(
        !grammar(
            &[chunk(
                json!([{"text": "a", "thoughtSignature": "hub1.x"}]),
                Some("STOP")
            )],
            false
        )
        .is_empty()
    );
    assert!(!grammar(&[text()], true).is_empty(), "no error");
}
