//! A Responses client: the grammar of its stream, and what its SDK makes of it.

use serde_json::{Value, json};

use crate::events::Event;
use crate::rules::{list, text};

/// What is wrong with a stream. `failed` says that it must end as an error.
pub(crate) fn grammar(events: &[Event], failed: bool) -> Vec<String> {
    let mut state = State::default();
    for (at, event) in events.iter().enumerate() {
        if event.data["sequence_number"] != at {
            state.wrong.push(format!(
                "event {at}: sequence_number {}",
                event.data["sequence_number"]
            ));
        }
        state.event(at, &event.data);
    }
    let last = events.last().map_or("", |event| event.name.as_str());
    if failed {
        if last != "response.failed" || !state.error {
            state.wrong.push(format!(
                "a failed stream ends with error and response.failed, not {last:?}"
            ));
        }
    } else if !matches!(last, "response.completed" | "response.incomplete") || state.error {
        state.wrong.push(format!(
            "a complete stream ends with {last:?}, error {}",
            state.error
        ));
    }
    state.wrong
}

#[derive(Default)]
struct State {
    wrong: Vec<String>,
    id: String,
    items: Vec<Value>,
    /// The item that is open, with what its deltas have built.
    open: Option<Open>,
    error: bool,
    over: bool,
}

struct Open {
    id: String,
    kind: String,
    /// Complete parts (of a message) or summaries (of reasoning).
    parts: Vec<Value>,
    /// Text of the part that is open.
    text: String,
    part_open: bool,
}

impl State {
    fn require(&mut self, holds: bool, text: impl FnOnce() -> String) {
        if !holds {
            self.wrong.push(text());
        }
    }

    fn event(&mut self, at: usize, data: &Value) {
        let kind = text(data, "type").to_owned();
        self.require(!self.over, || format!("event {at}: {kind} after the end"));
        match kind.as_str() {
            "response.created" | "response.in_progress" => self.begin(at, &kind, &data["response"]),
            "response.completed" | "response.incomplete" | "response.failed" => {
                self.end(at, &kind, &data["response"]);
            }
            "error" => {
                self.error = true;
                let both = data["message"].is_string() && data["error"]["message"].is_string();
                self.require(both, || {
                    format!("event {at}: the error is not given in both forms")
                });
            }
            "response.output_item.added" => self.added(at, data),
            "response.output_item.done" => self.done(at, data),
            _ => self.inside(at, &kind, data),
        }
        let plain = kind == "error" || data.get("error").is_none_or(Value::is_null);
        self.require(plain, || format!("event {at}: {kind} has an error member"));
    }

    fn begin(&mut self, at: usize, kind: &str, response: &Value) {
        let place = if kind == "response.created" { 0 } else { 1 };
        self.require(at == place, || format!("event {at}: {kind}"));
        let empty = response["status"] == "in_progress"
            && response["output"] == json!([])
            && response["usage"].is_null();
        self.require(empty, || {
            format!("event {at}: the response does not begin empty")
        });
        if at == 0 {
            text(response, "id").clone_into(&mut self.id);
        }
        let same = text(response, "id") == self.id && self.id.starts_with("resp_");
        self.require(same, || {
            format!("event {at}: response id {}", response["id"])
        });
    }

    fn end(&mut self, at: usize, kind: &str, response: &Value) {
        self.over = true;
        let status = kind.trim_start_matches("response.");
        self.require(response["status"] == status, || {
            format!("event {at}: status {}", response["status"])
        });
        let same = self.id.is_empty() || text(response, "id") == self.id;
        self.require(same, || {
            format!("event {at}: response id {}", response["id"])
        });
        if status == "failed" {
            self.require(response["error"]["code"].is_string(), || {
                format!("event {at}: failed without error.code")
            });
            return;
        }
        self.require(self.open.is_none(), || {
            format!("event {at}: an item is still open")
        });
        self.require(response["usage"].is_object(), || {
            format!("event {at}: no usage")
        });
        let output = Value::Array(self.items.clone());
        self.require(response["output"] == output, || {
            format!(
                "event {at}: output differs from the items: {} | {output}",
                response["output"]
            )
        });
        let reason = response["incomplete_details"]["reason"].is_string();
        self.require(reason == (status == "incomplete"), || {
            format!("event {at}: {}", response["incomplete_details"])
        });
    }

    fn added(&mut self, at: usize, data: &Value) {
        let item = &data["item"];
        let count = self.items.len();
        self.require(self.open.is_none(), || {
            format!("event {at}: two items are open")
        });
        self.require(at > 1 && !self.error, || {
            format!("event {at}: an item out of place")
        });
        self.require(data["output_index"] == count, || {
            format!("event {at}: output_index {}", data["output_index"])
        });
        let (kind, id) = (text(item, "type").to_owned(), text(item, "id").to_owned());
        let prefix = match kind.as_str() {
            "message" => "msg_",
            "reasoning" => "rs_",
            "function_call" => "fc_",
            "custom_tool_call" => "ctc_",
            _ => "",
        };
        self.require(id.starts_with(prefix) && !id.is_empty(), || {
            format!("event {at}: id {id:?} of {kind}")
        });
        for key in ["content", "summary", "arguments", "input"] {
            let empty = item
                .get(key)
                .is_none_or(|value| value.is_null() || *value == json!([]) || *value == "");
            self.require(empty, || {
                format!("event {at}: {kind} begins with {key} {}", item[key])
            });
        }
        self.open = Some(Open {
            id,
            kind,
            parts: Vec::new(),
            text: String::new(),
            part_open: false,
        });
    }

    fn inside(&mut self, at: usize, kind: &str, data: &Value) {
        let Some(mut open) = self.open.take() else {
            self.wrong
                .push(format!("event {at}: {kind} outside an item"));
            return;
        };
        let placed =
            data["item_id"] == open.id.as_str() && data["output_index"] == self.items.len();
        self.require(placed, || {
            format!("event {at}: {kind} names item {}", data["item_id"])
        });
        let index = if open.kind == "reasoning" {
            "summary_index"
        } else {
            "content_index"
        };
        let indexed = !matches!(open.kind.as_str(), "message" | "reasoning")
            || data[index] == open.parts.len();
        self.require(indexed, || {
            format!("event {at}: {kind} has {index} {}", data[index])
        });
        let calls = matches!(open.kind.as_str(), "function_call" | "custom_tool_call");
        self.require(
            calls || open.part_open || kind.ends_with("part.added"),
            || format!("event {at}: {kind} outside a part"),
        );
        match kind {
            "response.content_part.added" | "response.reasoning_summary_part.added" => {
                self.require(!open.part_open, || {
                    format!("event {at}: two parts are open")
                });
                open.part_open = true;
                open.text.clear();
            }
            "response.content_part.done" | "response.reasoning_summary_part.done" => {
                let part = &data["part"];
                let said = part.get("refusal").unwrap_or(&part["text"]);
                self.require(*said == open.text.as_str(), || {
                    format!("event {at}: part {said}, deltas {:?}", open.text)
                });
                open.parts.push(part.clone());
                open.part_open = false;
            }
            "response.output_text.annotation.added" => {}
            _ if kind.ends_with(".delta") => {
                let more = text(data, "delta");
                self.require(!more.is_empty(), || format!("event {at}: an empty delta"));
                open.text.push_str(more);
            }
            _ if kind.ends_with(".done") => {
                let whole = ["text", "refusal", "arguments", "input"]
                    .iter()
                    .find_map(|key| data[*key].as_str());
                self.require(whole == Some(open.text.as_str()), || {
                    format!("event {at}: {whole:?}, deltas {:?}", open.text)
                });
            }
            _ => self
                .wrong
                .push(format!("event {at}: unexpected {kind} in {}", open.kind)),
        }
        self.open = Some(open);
    }

    fn done(&mut self, at: usize, data: &Value) {
        let Some(open) = self.open.take() else {
            self.wrong
                .push(format!("event {at}: an item is done that was not open"));
            return;
        };
        let item = &data["item"];
        let same = item["id"] == open.id.as_str() && item["type"] == open.kind.as_str();
        self.require(same && data["output_index"] == self.items.len(), || {
            format!("event {at}: done is {}", item["id"])
        });
        let parts = Value::Array(open.parts.clone());
        let built = match open.kind.as_str() {
            "message" => item["content"] == parts,
            "reasoning" => item["summary"] == parts,
            "function_call" => item["arguments"] == open.text.as_str(),
            "custom_tool_call" => item["input"] == open.text.as_str(),
            _ => true,
        };
        self.require(built, || {
            format!(
                "event {at}: the item {item} differs from its deltas {parts} {:?}",
                open.text
            )
        });
        self.require(!open.part_open, || {
            format!("event {at}: a part is still open")
        });
        self.items.push(item.clone());
    }
}

/// The final response as the SDK holds it, its output taken from the items' own events.
pub(crate) fn fold(events: &[Event]) -> Value {
    let mut response = events
        .last()
        .map_or(Value::Null, |event| event.data["response"].clone());
    let items: Vec<Value> = events
        .iter()
        .filter(|event| event.name == "response.output_item.done")
        .map(|event| event.data["item"].clone())
        .collect();
    if response.is_object() {
        response["output"] = Value::Array(items);
    }
    response
}

/// A body without anything taken away: the terminal event repeats it all.
pub(crate) fn normal(body: &Value) -> Value {
    let mut body = body.clone();
    for item in body["output"].as_array_mut().into_iter().flatten() {
        if let Some(members) = item.as_object_mut() {
            members.retain(|_, value| !value.is_null());
        }
    }
    body
}

/// The items of a response hold what a client needs.
pub(crate) fn body(response: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for item in list(response, "output") {
        let id = text(item, "id");
        let prefix = match text(item, "type") {
            "message" => "msg_",
            "reasoning" => "rs_",
            "function_call" => "fc_",
            "custom_tool_call" => "ctc_",
            _ => continue,
        };
        if !id.starts_with(prefix) {
            wrong.push(format!("item id {id:?} of {}", item["type"]));
        }
        if item["type"] == "function_call"
            && (text(item, "call_id").is_empty() || item["status"] != "completed")
        {
            wrong.push(format!("a call without call_id or status: {item}"));
        }
    }
    wrong
}

#[test]
fn broken_streams_are_noticed() {
    let event = |mut data: Value, at: usize| {
        data["sequence_number"] = json!(at);
        Event {
            name: text(&data, "type").to_owned(),
            data,
        }
    };
    let empty = json!({"id": "resp_1", "status": "in_progress", "output": [], "usage": null});
    let item = json!({"id": "fc_1", "type": "function_call", "arguments": "{}"});
    let good = [
        json!({"type": "response.created", "response": empty}),
        json!({"type": "response.in_progress", "response": empty}),
        json!({"type": "response.output_item.added", "output_index": 0, "item": {"id": "fc_1", "type": "function_call", "arguments": ""}}),
        json!({"type": "response.function_call_arguments.delta", "output_index": 0, "item_id": "fc_1", "delta": "{}"}),
        json!({"type": "response.function_call_arguments.done", "output_index": 0, "item_id": "fc_1", "arguments": "{}"}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed", "response": {"id": "resp_1", "status": "completed", "output": [item], "usage": {}}}),
    ];
    let judge = |frames: &[Value]| {
        let events: Vec<Event> = frames
            .iter()
            .enumerate()
            .map(|(at, data)| event(data.clone(), at))
            .collect();
        grammar(&events, false)
    };
    assert_eq!(judge(&good), Vec::<String>::new());
    for missing in (0..good.len()).filter(|missing| *missing != 4) {
        let mut frames = good.to_vec();
        frames.remove(missing);
        assert!(!judge(&frames).is_empty(), "event {missing} is not missed");
    }
    let mut other = good.to_vec();
    other[3]["item_id"] = json!("fc_2");
    assert!(!judge(&other).is_empty());
}
