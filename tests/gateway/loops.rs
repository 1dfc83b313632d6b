//! Agents' loops over the built-in upstream, which knows its own reasoning state: the vendor changes on the way, and
//! what a vendor issued comes back to it.

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::hub::{TestHub, provider};
use crate::upstream::{Reply, Upstream};

const DIALECTS: [&str; 4] = ["openai", "openai-responses", "anthropic", "gemini"];

/// What a client returns of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Habit {
    /// Everything, as it came.
    Keeps,
    /// What can be seen: words and calls.
    Bare,
}

/// A client with its history, in its own dialect.
struct Client {
    dialect: &'static str,
    habit: Habit,
    history: Vec<Value>,
}

impl Client {
    fn new(dialect: &'static str, habit: Habit, question: &str) -> Self {
        let first = match dialect {
            "gemini" => json!({"role": "user", "parts": [{"text": question}]}),
            _ => json!({"role": "user", "content": question}),
        };
        Self {
            dialect,
            habit,
            history: vec![first],
        }
    }

    fn request(&self, model: &str) -> (String, Value) {
        let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]});
        let history = &self.history;
        match self.dialect {
            "openai" => (
                "/v1/chat/completions".into(),
                json!({"model": model, "messages": history, "tools": [{"type": "function", "function": {"name": "weather", "parameters": schema}}]}),
            ),
            "openai-responses" => (
                "/v1/responses".into(),
                json!({"model": model, "store": false, "input": history, "include": ["reasoning.encrypted_content"],
                    "tools": [{"type": "function", "name": "weather", "parameters": schema, "strict": false}]}),
            ),
            "anthropic" => (
                "/v1/messages".into(),
                json!({"model": model, "max_tokens": 4096, "messages": history, "tools": [{"name": "weather", "input_schema": schema}]}),
            ),
            _ => (
                format!("/v1beta/models/{model}:generateContent"),
                json!({"contents": history, "tools": [{"functionDeclarations": [{"name": "weather", "parametersJsonSchema": schema}]}]}),
            ),
        }
    }

    /// Takes an answer into the history, with results for its calls. Gives its words.
    fn take(&mut self, answer: &Value) -> String {
        let bare = self.habit == Habit::Bare;
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let kept = |mut parts: Vec<Value>, seen: &dyn Fn(&Value) -> bool| {
            parts.retain(|part| !bare || seen(part));
            parts
        };
        let text = |value: &Value| value["text"].as_str().unwrap_or_default().to_owned();
        match self.dialect {
            "openai" => {
                let message = &answer["choices"][0]["message"];
                let mut returned = message.clone();
                if bare {
                    returned = json!({"role": "assistant", "content": message["content"], "tool_calls": message["tool_calls"]});
                    for call in returned["tool_calls"].as_array_mut().into_iter().flatten() {
                        *call = json!({"id": call["id"], "type": "function", "function": call["function"]});
                    }
                }
                self.history.push(returned);
                for call in list(&message["tool_calls"]) {
                    self.history.push(
                        json!({"role": "tool", "tool_call_id": call["id"], "content": "fine"}),
                    );
                }
                message["content"].as_str().unwrap_or_default().to_owned()
            }
            "openai-responses" => {
                let output = list(&answer["output"]);
                self.history
                    .extend(kept(output.clone(), &|item| item["type"] != "reasoning"));
                for call in output.iter().filter(|item| item["type"] == "function_call") {
                    self.history.push(json!({"type": "function_call_output", "call_id": call["call_id"], "output": "fine"}));
                }
                let messages = output.iter().filter(|item| item["type"] == "message");
                messages.map(|item| text(&item["content"][0])).collect()
            }
            "anthropic" => {
                let blocks = list(&answer["content"]);
                let seen =
                    |block: &Value| matches!(block["type"].as_str(), Some("text" | "tool_use"));
                self.history
                    .push(json!({"role": "assistant", "content": kept(blocks.clone(), &seen)}));
                let calls = blocks.iter().filter(|block| block["type"] == "tool_use");
                let results: Vec<Value> = calls
                    .map(|call| json!({"type": "tool_result", "tool_use_id": call["id"], "content": "fine"}))
                    .collect();
                if !results.is_empty() {
                    self.history
                        .push(json!({"role": "user", "content": results}));
                }
                blocks.iter().map(text).collect()
            }
            _ => {
                let parts = list(&answer["candidates"][0]["content"]["parts"]);
                let mut returned = kept(parts.clone(), &|part| part["thought"] != true);
                if bare {
                    for part in &mut returned {
                        part.as_object_mut()
                            .map(|part| part.remove("thoughtSignature"));
                    }
                }
                self.history
                    .push(json!({"role": "model", "parts": returned}));
                let calls = parts.iter().filter(|part| part["functionCall"].is_object());
                let results: Vec<Value> = calls
                    .map(|part| json!({"functionResponse": {"id": part["functionCall"]["id"], "name": "weather", "response": {"output": "fine"}}}))
                    .collect();
                if !results.is_empty() {
                    self.history.push(json!({"role": "user", "parts": results}));
                }
                parts.iter().map(text).collect()
            }
        }
    }
}

async fn demo() -> (String, oneshot::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (stop, stopped) = oneshot::channel::<()>();
    tokio::spawn(bridge::demo::serve(listener, async move {
        stopped.await.ok();
    }));
    (format!("http://{address}"), stop)
}

async fn hub_before(demo: &str) -> TestHub {
    let providers: Vec<String> = DIALECTS
        .iter()
        .map(|dialect| {
            format!("  - {{name: demo-{dialect}, api_format: {dialect}, base_url: \"{demo}\", api_key: k, allow_private_network: true}}\n")
        })
        .collect();
    TestHub::before(&providers).await
}

/// Three requests: to one vendor, to another, and back. The last answer says how many states have come back.
async fn returned(hub: &TestHub, client: &mut Client, route: [&str; 3]) -> String {
    let mut said = String::new();
    for vendor in route {
        let (path, body) = client.request(&format!("demo-{vendor}/m"));
        let answer = hub
            .ask(
                "POST",
                &path,
                &[
                    ("content-type", "application/json"),
                    ("anthropic-version", "2023-06-01"),
                ],
                &body.to_string(),
            )
            .await;
        assert_eq!(
            answer.status, 200,
            "{} {:?} {route:?}: {}",
            client.dialect, client.habit, answer.text
        );
        said = client.take(&answer.json());
    }
    said
}

#[tokio::test]
async fn what_a_vendor_issued_comes_back_to_it() {
    let (address, _stop) = demo().await;
    let hub = hub_before(&address).await;
    let mut wrong = Vec::new();
    let mut runs = 0;
    for dialect in DIALECTS {
        // Chat has no state of its own that could come back.
        for first in &DIALECTS[1..] {
            for second in DIALECTS {
                for habit in [Habit::Keeps, Habit::Bare] {
                    // A client that drops what its own vendor demands is refused by that vendor with or without a hub.
                    if habit == Habit::Bare && [*first, second].contains(&dialect) {
                        continue;
                    }
                    let question = "weather demo:reasoning demo:steps-2";
                    let mut client = Client::new(dialect, habit, question);
                    let said = returned(&hub, &mut client, [first, second, first]).await;
                    let states = if *first == second { 2 } else { 1 };
                    let want = format!("(reasoning states that came back intact: {states})");
                    if !said.contains(&want) {
                        wrong.push(format!("{dialect} {habit:?} {first} {second}: {said}"));
                    }
                    runs += 1;
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{runs} runs: {}", wrong.join("\n"));
}

/// Two conversations of one client key whose upstream numbers its calls alike: each gets its own state back.
#[tokio::test]
async fn conversations_that_share_a_call_id_do_not_swap_their_state() {
    let called = |state: &str| {
        Reply::json(
            200,
            &format!(
                r#"{{"candidates":[{{"content":{{"role":"model","parts":[{{"functionCall":{{"id":"call_0","name":"weather","args":{{}}}},"thoughtSignature":"{state}"}}]}},"finishReason":"STOP"}}]}}"#
            ),
        )
    };
    let upstream = Upstream::start([called("b25l"), called("dHdv")]).await;
    let hub = TestHub::before(&[provider("up", "gemini", &upstream, "")]).await;
    let mut clients = ["one", "two"].map(|question| Client::new("openai", Habit::Bare, question));
    for _ in 0..2 {
        for client in &mut clients {
            let (path, body) = client.request("up/gemini-3-flash-preview");
            let answer = hub.post(&path, &body.to_string()).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            client.take(&answer.json());
        }
    }
    let asked = upstream.asked();
    for (request, state) in asked[2..].iter().zip(["b25l", "dHdv"]) {
        let body: Value = serde_json::from_str(&request.body).expect("JSON");
        let part = &body["contents"][1]["parts"][0];
        assert_eq!(part["thoughtSignature"], state, "{body}");
    }
}
