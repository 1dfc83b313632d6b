//! The cases: who asks, who answers, how much.

use bytes::Bytes;
use serde_json::{Value, json};

/// The client's dialect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Client {
    Chat,
    Messages,
}

impl Client {
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Messages => "/v1/messages",
        }
    }
}

/// What the answer looks like.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) stream: bool,
    pub(crate) chunks: usize,
    pub(crate) size: usize,
    pub(crate) pause_ms: u64,
    pub(crate) timed: bool,
}

/// One row of the table.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) id: &'static str,
    pub(crate) what: &'static str,
    pub(crate) client: Client,
    /// The provider that the hub is asked for; proxies are only measured where no translation is needed.
    pub(crate) provider: &'static str,
    pub(crate) shape: Shape,
    pub(crate) agent: bool,
    pub(crate) connections: usize,
    pub(crate) requests: usize,
    /// The case whose proxy figure is the unit.
    pub(crate) unit: &'static str,
    /// Targets: in the race, lead.
    pub(crate) targets: (f64, f64),
}

/// All cases that are measured as CPU time.
pub(crate) fn all(scale: f64) -> Vec<Case> {
    let plain = Shape {
        stream: false,
        chunks: 1,
        size: 200,
        pause_ms: 0,
        timed: false,
    };
    let fast = Shape {
        stream: true,
        chunks: 200,
        size: 20,
        pause_ms: 0,
        timed: false,
    };
    let paced = Shape {
        stream: true,
        chunks: 200,
        size: 20,
        pause_ms: 20,
        timed: false,
    };
    let n = |requests: usize| ((requests as f64 * scale) as usize).max(16);
    let case =
        |id, what, client, provider, shape: &Shape, agent, connections, requests, unit, targets| {
            Case {
                id,
                what,
                client,
                provider,
                shape: shape.clone(),
                agent,
                connections,
                requests,
                unit,
                targets,
            }
        };
    vec![
        case(
            "a",
            "Chat -> Chat, 1 KB",
            Client::Chat,
            "chat",
            &plain,
            false,
            16,
            n(20_000),
            "a",
            (2.0, 1.5),
        ),
        case(
            "b",
            "Messages -> Chat, 1 KB",
            Client::Messages,
            "chat",
            &plain,
            false,
            16,
            n(20_000),
            "a",
            (2.6, 1.9),
        ),
        case(
            "c",
            "Chat -> Messages, 1 KB",
            Client::Chat,
            "messages",
            &plain,
            false,
            16,
            n(20_000),
            "a",
            (2.6, 1.9),
        ),
        case(
            "d",
            "Chat -> Chat stream, per chunk",
            Client::Chat,
            "chat",
            &fast,
            false,
            16,
            n(1_500),
            "d",
            (1.6, 1.25),
        ),
        case(
            "d2",
            "the same, a chunk each 20 ms, 10 streams",
            Client::Chat,
            "chat",
            &paced,
            false,
            10,
            10,
            "d2",
            (1.5, 1.2),
        ),
        case(
            "e",
            "Messages -> Chat stream, per chunk",
            Client::Messages,
            "chat",
            &fast,
            false,
            16,
            n(1_500),
            "d",
            (1.9, 1.4),
        ),
        case(
            "e3",
            "Chat -> Messages stream, per chunk",
            Client::Chat,
            "messages",
            &fast,
            false,
            16,
            n(1_500),
            "d",
            (1.9, 1.4),
        ),
        case(
            "f0",
            "Chat -> Chat, agent request of 120 KB",
            Client::Chat,
            "chat",
            &plain,
            true,
            16,
            n(6_000),
            "f0",
            (2.1, 1.6),
        ),
        case(
            "f",
            "Messages -> Chat, agent request of 120 KB",
            Client::Messages,
            "chat",
            &plain,
            true,
            16,
            n(3_000),
            "f0",
            (4.7, 3.2),
        ),
    ]
}

impl Case {
    /// The request; `through` names the model as the hub or, without one, the upstream wants it.
    pub(crate) fn body(&self, through_hub: bool) -> Bytes {
        let shape = &self.shape;
        let mut model = format!("bench-{}x{}", shape.chunks, shape.size);
        if shape.pause_ms > 0 {
            model.push_str(&format!("-p{}", shape.pause_ms));
        }
        if shape.timed {
            model.push_str("-t");
        }
        if through_hub {
            model = format!("{}/{model}", self.provider);
        }
        let mut body = match (self.client, self.agent) {
            (Client::Chat, false) => json!({"model": model, "messages": [
                {"role": "system", "content": "You are a careful assistant."},
                {"role": "user", "content": prose(900)},
            ]}),
            (Client::Messages, false) => {
                json!({"model": model, "max_tokens": 1024, "system": "You are a careful assistant.",
                "messages": [{"role": "user", "content": prose(900)}]})
            }
            (Client::Chat, true) => agent_chat(&model),
            (Client::Messages, true) => agent_messages(&model),
        };
        if shape.stream {
            body["stream"] = json!(true);
            if self.client == Client::Chat {
                body["stream_options"] = json!({"include_usage": true});
            }
        }
        Bytes::from(body.to_string())
    }

    /// What the CPU time is divided by.
    pub(crate) fn units(&self) -> usize {
        if self.shape.stream {
            self.requests * self.shape.chunks
        } else {
            self.requests
        }
    }
}

/// Text with line breaks and quotes, as source code and logs have them.
fn prose(length: usize) -> String {
    const LINE: &str = "fn main() {\n    let name = \"value\";\n    // a line of a file that an agent has read\n}\n";
    LINE.chars().cycle().take(length).collect()
}

const TURNS: usize = 29;
const TOOLS: usize = 20;

fn schema() -> Value {
    json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "additionalProperties": false,
        "properties": {
            "path": {"type": "string", "description": prose(120)},
            "limit": {"type": "integer", "minimum": 1, "maximum": 2000, "description": prose(80)},
            "mode": {"type": "string", "enum": ["read", "write", "append"]},
            "items": {"type": "array", "items": {"type": "object", "properties": {"id": {"type": "string"}, "done": {"type": "boolean"}}}}
        }, "required": ["path"]})
}

fn agent_chat(model: &str) -> Value {
    let mut messages = vec![
        json!({"role": "system", "content": prose(12_000)}),
        json!({"role": "user", "content": prose(1_500)}),
    ];
    for turn in 0..TURNS {
        let id = format!("call_{turn:04}");
        messages.push(json!({"role": "assistant", "content": "Let me look.", "tool_calls": [
            {"id": id, "type": "function", "function": {"name": format!("tool_{}", turn % TOOLS), "arguments": json!({"path": "src/main.rs", "limit": 200}).to_string()}}]}));
        messages.push(json!({"role": "tool", "tool_call_id": id, "content": prose(2_300)}));
    }
    let tools: Vec<Value> = (0..TOOLS)
        .map(|tool| json!({"type": "function", "function": {"name": format!("tool_{tool}"), "description": prose(800), "parameters": schema()}}))
        .collect();
    json!({"model": model, "messages": messages, "tools": tools, "max_tokens": 4096})
}

fn agent_messages(model: &str) -> Value {
    let mut messages =
        vec![json!({"role": "user", "content": [{"type": "text", "text": prose(1_500)}]})];
    for turn in 0..TURNS {
        let id = format!("toolu_{turn:04}");
        messages.push(json!({"role": "assistant", "content": [
            {"type": "text", "text": "Let me look."},
            {"type": "tool_use", "id": id, "name": format!("tool_{}", turn % TOOLS), "input": {"path": "src/main.rs", "limit": 200}}]}));
        messages.push(json!({"role": "user", "content": [
            {"type": "tool_result", "tool_use_id": id, "content": [{"type": "text", "text": prose(2_300)}]}]}));
    }
    let tools: Vec<Value> = (0..TOOLS)
        .map(|tool| json!({"name": format!("tool_{tool}"), "description": prose(800), "input_schema": schema()}))
        .collect();
    json!({"model": model, "max_tokens": 4096, "system": [{"type": "text", "text": prose(12_000)}], "messages": messages, "tools": tools})
}
