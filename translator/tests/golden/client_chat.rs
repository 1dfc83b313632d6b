//! A Chat client: the grammar of its stream, and what its SDK makes of it.

use serde_json::{Map, Value, json};

use crate::events::Event;
use crate::rules::{list, text};

/// What is wrong with a stream. `failed` says that it must end as an error.
pub(crate) fn grammar(events: &[Event], failed: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let Some((last, chunks)) = events.split_last() else {
        return vec!["no frame at all".to_owned()];
    };
    if failed {
        if !last.data["error"]["message"].is_string()
            || events.iter().any(|event| event.data == "[DONE]")
        {
            wrong.push("a failed stream ends with an error frame and without [DONE]".to_owned());
        }
    } else if last.data != "[DONE]" {
        wrong.push("no [DONE] at the end".to_owned());
    }
    let mut state = State::default();
    for (at, event) in chunks.iter().enumerate() {
        let chunk = &event.data;
        if chunk["error"].is_object() {
            wrong.push(format!("chunk {at}: an error, and the stream goes on"));
        }
        for key in ["id", "created", "model", "object"] {
            if chunk[key].is_null() || chunk[key] != chunks[0].data[key] {
                wrong.push(format!("chunk {at}: {key} is {}", chunk[key]));
            }
        }
        state.chunk(at, chunk, &mut wrong);
    }
    if failed {
        if state.finished || state.usage {
            wrong.push("a failed stream looks finished".to_owned());
        }
    } else if !(state.role && state.finished && state.usage) {
        wrong.push(format!(
            "role {}, finish {}, usage {}",
            state.role, state.finished, state.usage
        ));
    }
    wrong
}

#[derive(Default)]
struct State {
    role: bool,
    finished: bool,
    usage: bool,
    calls: usize,
}

impl State {
    fn chunk(&mut self, at: usize, chunk: &Value, wrong: &mut Vec<String>) {
        let choices = list(chunk, "choices");
        if choices.is_empty() {
            if !self.finished || self.usage || !chunk["usage"].is_object() {
                wrong.push(format!("chunk {at}: no choices and no usage that is due"));
            }
            self.usage = true;
            return;
        }
        if self.usage || chunk.get("usage").is_none_or(|usage| !usage.is_null()) {
            wrong.push(format!(
                "chunk {at}: usage belongs into a chunk of its own, at the end; null before"
            ));
        }
        for choice in choices {
            let delta = &choice["delta"];
            if choice["index"] != 0 {
                wrong.push(format!("chunk {at}: choice {}", choice["index"]));
            }
            if self.finished {
                wrong.push(format!("chunk {at}: a choice after its finish"));
            }
            if delta.get("role").is_some_and(|role| role == "assistant") == self.role {
                wrong.push(format!("chunk {at}: role comes first and once"));
            }
            self.role = true;
            for call in list(delta, "tool_calls") {
                self.call(at, call, wrong);
            }
            if !choice["finish_reason"].is_null() {
                self.finished = true;
                let empty = delta.as_object().is_some_and(Map::is_empty);
                if !empty {
                    wrong.push(format!("chunk {at}: finish together with {delta}"));
                }
            }
        }
    }

    fn call(&mut self, at: usize, call: &Value, wrong: &mut Vec<String>) {
        let index = call["index"].as_u64().map_or(usize::MAX, |index| {
            usize::try_from(index).unwrap_or(usize::MAX)
        });
        let inner = if call["type"] == "custom" {
            &call["custom"]
        } else {
            &call["function"]
        };
        if index == self.calls {
            self.calls += 1;
            let whole = !text(call, "id").is_empty()
                && !text(call, "type").is_empty()
                && !text(inner, "name").is_empty();
            if !whole {
                wrong.push(format!(
                    "chunk {at}: call {index} begins without id, type or name"
                ));
            }
        } else if index > self.calls {
            wrong.push(format!(
                "chunk {at}: call index {index}, expected {}",
                self.calls
            ));
        } else if call.get("id").is_some() || inner.get("name").is_some() {
            wrong.push(format!("chunk {at}: id or name repeated"));
        }
    }
}

/// Adds a stream up as the SDK does.
pub(crate) fn fold(events: &[Event]) -> Value {
    let mut message = Map::new();
    let mut calls: Vec<Value> = Vec::new();
    let mut details: Vec<Value> = Vec::new();
    let mut annotations: Vec<Value> = Vec::new();
    let (mut finish, mut usage, mut model) = (Value::Null, Value::Null, Value::Null);
    for event in events {
        let chunk = &event.data;
        if chunk["usage"].is_object() {
            usage = chunk["usage"].clone();
        }
        if chunk["model"].is_string() {
            model = chunk["model"].clone();
        }
        for choice in list(chunk, "choices") {
            if !choice["finish_reason"].is_null() {
                finish = choice["finish_reason"].clone();
            }
            let delta = &choice["delta"];
            for key in ["role", "content", "refusal", "reasoning_content"] {
                if let Some(more) = delta[key].as_str() {
                    append(&mut message, key, more);
                }
            }
            details.extend(list(delta, "reasoning_details").iter().cloned());
            annotations.extend(list(delta, "annotations").iter().cloned());
            for call in list(delta, "tool_calls") {
                let index = call["index"]
                    .as_u64()
                    .and_then(|index| usize::try_from(index).ok())
                    .unwrap_or(0);
                if index >= calls.len() {
                    calls.resize(index + 1, json!({}));
                }
                merge(&mut calls[index], call);
            }
        }
    }
    if !calls.is_empty() {
        message.insert("tool_calls".into(), Value::Array(calls));
    }
    if !details.is_empty() {
        message.insert("reasoning_details".into(), Value::Array(details));
    }
    if !annotations.is_empty() {
        message.insert("annotations".into(), Value::Array(annotations));
    }
    json!({"model": model, "choices": [{"index": 0, "message": message, "finish_reason": finish}], "usage": usage})
}

fn append(members: &mut Map<String, Value>, key: &str, more: &str) {
    let before = members.get(key).and_then(Value::as_str).unwrap_or("");
    let joined = format!("{before}{more}");
    members.insert(key.to_owned(), Value::String(joined));
}

fn merge(call: &mut Value, more: &Value) {
    for (key, value) in more
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, _)| *key != "index")
    {
        if matches!(key.as_str(), "function" | "custom") {
            for (key_inner, part) in value.as_object().into_iter().flatten() {
                let before = call[key][key_inner].as_str().unwrap_or("").to_owned();
                call[key][key_inner] = json!(before + part.as_str().unwrap_or(""));
            }
        } else {
            call[key] = value.clone();
        }
    }
}

/// A body reduced to what a stream can say: no logprobs, no empty members.
pub(crate) fn normal(body: &Value) -> Value {
    let mut choices = Vec::new();
    for choice in list(body, "choices") {
        let message: Map<String, Value> = choice["message"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, value)| !value.is_null() && *value != "" && *value != &json!([]))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        choices.push(json!({"index": choice["index"], "message": message, "finish_reason": choice["finish_reason"]}));
    }
    json!({"model": body["model"], "choices": choices, "usage": body["usage"]})
}

#[test]
fn broken_streams_are_noticed() {
    let chunk = |delta: Value, finish: Value| {
        json!({"id": "c", "created": 1, "model": "m", "object": "o", "usage": null,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    };
    let event = |data: Value| Event {
        name: String::new(),
        data,
    };
    let usage =
        json!({"id": "c", "created": 1, "model": "m", "object": "o", "choices": [], "usage": {}});
    let good = || {
        vec![
            chunk(json!({"role": "assistant", "content": ""}), Value::Null),
            chunk(json!({"content": "x"}), Value::Null),
            chunk(json!({}), json!("stop")),
            usage.clone(),
            json!("[DONE]"),
        ]
    };
    let judge =
        |frames: Vec<Value>| grammar(&frames.into_iter().map(event).collect::<Vec<_>>(), false);
    assert_eq!(judge(good()), Vec::<String>::new());
    for missing in 0..5 {
        let mut frames = good();
        frames.remove(missing);
        assert!(
            missing == 1 || !judge(frames).is_empty(),
            "frame {missing} is not missed"
        );
    }
    let mut call = good();
    call[1] = chunk(
        json!({"tool_calls": [{"index": 1, "id": "a", "type": "function", "function": {"name": "f"}}]}),
        Value::Null,
    );
    assert!(!judge(call).is_empty());
    assert!(!grammar(&good().into_iter().map(event).collect::<Vec<_>>(), true).is_empty());
}
