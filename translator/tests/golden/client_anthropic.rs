//! An Anthropic client: the grammar of its stream, and what its SDK makes of it.

use serde_json::{Value, json};

use crate::events::Event;
use crate::rules::{is_word, list, text};

/// What is wrong with a stream. `failed` says that it must end as an error.
pub(crate) fn grammar(events: &[Event], failed: bool) -> Vec<String> {
    let mut state = State::default();
    for (at, event) in events.iter().enumerate() {
        state.event(at, &event.data);
    }
    let last = events.last().map_or("", |event| event.name.as_str());
    let stopped = events.iter().any(|event| event.name == "message_stop");
    if failed {
        if last != "error" || stopped || state.reason.is_some() {
            state.wrong.push(format!(
                "a failed stream ends with {last:?}, message_stop {stopped}, {:?}",
                state.reason
            ));
        }
    } else if last != "message_stop" || state.reason.is_none() {
        state.wrong.push(format!(
            "a complete stream ends with {last:?}, stop_reason {:?}",
            state.reason
        ));
    }
    state.wrong
}

#[derive(Default)]
struct State {
    wrong: Vec<String>,
    started: bool,
    blocks: u64,
    open: Option<Open>,
    reason: Option<String>,
    /// A call whose input is no object: only the output limit may cut one.
    cut: Option<String>,
    over: bool,
}

struct Open {
    kind: String,
    text: String,
    signatures: usize,
}

impl State {
    fn require(&mut self, holds: bool, text: impl FnOnce() -> String) {
        if !holds {
            self.wrong.push(text());
        }
    }

    fn event(&mut self, at: usize, data: &Value) {
        let kind = text(data, "type");
        self.require(!self.over, || format!("event {at}: {kind} after the end"));
        let free = matches!(kind, "ping" | "error" | "message_start");
        self.require(self.started || free, || {
            format!("event {at}: {kind} before message_start")
        });
        match kind {
            "ping" => {}
            "message_start" => {
                self.require(!self.started, || {
                    format!("event {at}: a second message_start")
                });
                let message = &data["message"];
                let empty = message["content"] == json!([]) && message["stop_reason"].is_null();
                self.require(empty, || {
                    format!("event {at}: the message does not begin empty")
                });
                self.require(text(message, "id").starts_with("msg_"), || {
                    format!("event {at}: id {}", message["id"])
                });
                self.started = true;
            }
            "content_block_start" => self.start(at, data),
            "content_block_delta" => self.delta(at, data),
            "content_block_stop" => self.stop(at, data),
            "message_delta" => {
                self.require(self.open.is_none(), || {
                    format!("event {at}: a block is still open")
                });
                if let Some(reason) = data["delta"]["stop_reason"].as_str() {
                    self.reason = Some(reason.to_owned());
                    let cut = self.cut.take();
                    self.require(cut.is_none() || reason == "max_tokens", || {
                        format!("event {at}: {reason} after a call with {cut:?}")
                    });
                }
            }
            "message_stop" | "error" => {
                self.require(kind == "error" || self.open.is_none(), || {
                    format!("event {at}: a block is still open")
                });
                self.over = true;
            }
            _ => self.wrong.push(format!("event {at}: unexpected {kind}")),
        }
    }

    fn start(&mut self, at: usize, data: &Value) {
        self.require(self.open.is_none(), || {
            format!("event {at}: two blocks are open")
        });
        self.require(self.reason.is_none(), || {
            format!("event {at}: a block after message_delta")
        });
        let blocks = self.blocks;
        self.require(data["index"] == blocks, || {
            format!("event {at}: index {}, expected {blocks}", data["index"])
        });
        let cut = self.cut.is_some();
        self.require(!cut, || {
            format!("event {at}: a block after a call that was cut")
        });
        let block = &data["content_block"];
        let empty = match text(block, "type") {
            "text" => block["text"] == "",
            "thinking" => block["thinking"] == "" && block["signature"] == "",
            "tool_use" => block["input"] == json!({}) && is_word(text(block, "id"), "", 200),
            "redacted_thinking" => !text(block, "data").is_empty(),
            _ => true,
        };
        self.require(empty, || format!("event {at}: a block begins as {block}"));
        self.open = Some(Open {
            kind: text(block, "type").to_owned(),
            text: String::new(),
            signatures: 0,
        });
    }

    fn delta(&mut self, at: usize, data: &Value) {
        let Some(mut open) = self.open.take() else {
            self.wrong
                .push(format!("event {at}: a delta outside a block"));
            return;
        };
        let blocks = self.blocks;
        self.require(data["index"] == blocks, || {
            format!("event {at}: index {}, expected {blocks}", data["index"])
        });
        let delta = &data["delta"];
        let kind = text(delta, "type");
        let fits = match open.kind.as_str() {
            "text" => matches!(kind, "text_delta" | "citations_delta"),
            "thinking" => matches!(kind, "thinking_delta" | "signature_delta"),
            "tool_use" => kind == "input_json_delta",
            _ => false,
        };
        self.require(fits, || format!("event {at}: {kind} in {}", open.kind));
        let late = open.signatures > 0;
        self.require(!late, || format!("event {at}: {kind} after the signature"));
        open.signatures += usize::from(kind == "signature_delta" && delta["signature"].is_string());
        for key in ["text", "thinking", "partial_json"] {
            open.text.push_str(text(delta, key));
        }
        self.open = Some(open);
    }

    fn stop(&mut self, at: usize, data: &Value) {
        let Some(open) = self.open.take() else {
            self.wrong
                .push(format!("event {at}: a block ends that was not open"));
            return;
        };
        let blocks = self.blocks;
        self.require(data["index"] == blocks, || {
            format!("event {at}: index {}, expected {blocks}", data["index"])
        });
        let whole = match open.kind.as_str() {
            "text" => !open.text.is_empty(),
            "thinking" => open.signatures == 1,
            "tool_use" => {
                let object = open.text.is_empty()
                    || serde_json::from_str::<Value>(&open.text).is_ok_and(|v| v.is_object());
                self.cut = (!object).then(|| open.text.clone());
                true
            }
            _ => true,
        };
        self.require(whole, || {
            format!(
                "event {at}: a {} block ends with {:?}, {} signatures",
                open.kind, open.text, open.signatures
            )
        });
        self.blocks += 1;
    }
}

/// Adds a stream up as the SDK does.
pub(crate) fn fold(events: &[Event]) -> Value {
    let mut message = Value::Null;
    let mut json_text = String::new();
    for event in events {
        let data = &event.data;
        let index = data["index"]
            .as_u64()
            .and_then(|index| usize::try_from(index).ok())
            .unwrap_or(0);
        match event.name.as_str() {
            "message_start" => message = data["message"].clone(),
            "content_block_start" => {
                json_text.clear();
                if let Some(content) = message["content"].as_array_mut() {
                    content.push(data["content_block"].clone());
                }
            }
            "content_block_delta" => {
                let delta = &data["delta"];
                json_text.push_str(text(delta, "partial_json"));
                for key in ["text", "thinking", "signature"] {
                    if let Some(more) = delta[key].as_str() {
                        let block = &mut message["content"][index];
                        let joined = format!("{}{more}", text(block, key));
                        block[key] = Value::String(joined);
                    }
                }
                if delta["citation"].is_object() {
                    let block = &mut message["content"][index];
                    let mut citations = list(block, "citations").to_vec();
                    citations.push(delta["citation"].clone());
                    block["citations"] = Value::Array(citations);
                }
            }
            "content_block_stop" if !json_text.is_empty() => {
                message["content"][index]["input"] =
                    serde_json::from_str(&json_text).unwrap_or(Value::Null);
            }
            "message_delta" => {
                for (key, value) in data["delta"].as_object().into_iter().flatten() {
                    message[key] = value.clone();
                }
                for (key, value) in data["usage"]
                    .as_object()
                    .into_iter()
                    .flatten()
                    .filter(|(_, value)| !value.is_null())
                {
                    message["usage"][key] = value.clone();
                }
            }
            _ => {}
        }
    }
    normal(&message)
}

/// A body reduced to what a stream can say: members of usage that only the first event has are left out.
pub(crate) fn normal(body: &Value) -> Value {
    let mut body = body.clone();
    if let Some(usage) = body["usage"].as_object_mut() {
        usage.retain(|key, _| {
            !matches!(
                key.as_str(),
                "cache_creation" | "service_tier" | "inference_geo" | "speed"
            )
        });
    }
    body
}

#[test]
fn broken_streams_are_noticed() {
    let event = |data: &Value| Event {
        name: text(data, "type").to_owned(),
        data: data.clone(),
    };
    let good = [
        json!({"type": "message_start", "message": {"id": "msg_1", "content": [], "stop_reason": null, "usage": {}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "s"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "a", "name": "f", "input": {}}}),
        json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": "{\"a\":1}"}}),
        json!({"type": "content_block_stop", "index": 1}),
        json!({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 1}}),
        json!({"type": "message_stop"}),
    ];
    let judge = |frames: &[Value]| grammar(&frames.iter().map(event).collect::<Vec<_>>(), false);
    assert_eq!(judge(&good), Vec::<String>::new());
    let folded = fold(&good.iter().map(event).collect::<Vec<_>>());
    assert_eq!(folded["content"][1]["input"], json!({"a": 1}));
    assert_eq!(folded["stop_reason"], "tool_use");
    for missing in (0..good.len()).filter(|missing| *missing != 5) {
        let mut frames = good.to_vec();
        frames.remove(missing);
        assert!(!judge(&frames).is_empty(), "event {missing} is not missed");
    }
    let mut cut = good.to_vec();
    cut[5]["delta"]["partial_json"] = json!("{\"a\":");
    assert!(!judge(&cut).is_empty());
}
