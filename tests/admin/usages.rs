//! Of a request both is kept: what the upstream said it counted, and what the client was told.

use std::sync::Arc;

use bridge::admin::Role;
use poem::http::Method;
use serde_json::{Value, json};

use crate::house::House;
use crate::plane::Plane;
use crate::upstream::{Reply, Step, Upstream};

/// Open hubs ask for none, and take any.
const KEY: &str = "sk-0123456789";

/// What is kept of one request, and the bytes that its client read.
struct Kept {
    record: Value,
    client: String,
}

impl Kept {
    /// What came of one call at an upstream of this dialect that answers so.
    async fn of(format: &str, reply: Reply, path: &str, body: Value) -> Self {
        let upstream = Upstream::start([reply]).await;
        let house = House::recording(&format!(
            "AUTH: open\nPREFERRED_PROVIDER: up\nPROVIDERS:\n  - {{name: up, api_format: {format}, base_url: 'http://{}', api_key: sk-0123456789, allow_private_network: true}}\n",
            upstream.address
        ))
        .await;
        let hub = Arc::clone(house.control.hub());
        let plane = Plane::of(&hub).await;
        let (status, client) = plane.call(Method::POST, path, KEY, Some(&body)).await;
        assert_eq!(status, 200, "{client}");
        let written = tokio::task::spawn_blocking(move || hub.ledger.flush());
        written.await.expect("written");
        let viewer = house.person(Role::Viewer).await;
        let get = async |path: &str| house.call(Method::GET, path, &viewer, None).await.body;
        let list = get("/api/logs").await;
        let items = list["items"].as_array().expect("a list");
        assert_eq!(items.len(), 1, "{list}");
        let id = items[0]["id"].as_str().expect("an id");
        let record = get(&format!("/api/logs/{id}")).await;
        house.end().await;
        Self { record, client }
    }

    fn usages(&self) -> &Value {
        &self.record["usages"]
    }

    /// The usage object in the client's bytes: of a complete answer, or the last one of a stream.
    fn told(&self) -> Value {
        let documents = self.client.lines().filter_map(|line| {
            let document = line.strip_prefix("data: ").unwrap_or(line);
            serde_json::from_str::<Value>(document).ok()
        });
        let mut usages = documents.filter_map(|mut document| {
            ["/usage", "/usageMetadata", "/response/usage"]
                .iter()
                .find_map(|place| document.pointer_mut(place).map(Value::take))
                .filter(Value::is_object)
        });
        usages.next_back().unwrap_or_default()
    }
}

fn sse(events: &[Value]) -> Reply {
    let frames = events.iter().map(|event| {
        let name = event["type"].as_str();
        let name = name.map(|name| format!("event: {name}\n"));
        Step::Send(format!("{}data: {event}\n\n", name.unwrap_or_default()))
    });
    Reply::stream(frames.collect())
}

fn chat(model: &str, stream: Value) -> Value {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
    if let (Some(body), Value::Object(stream)) = (body.as_object_mut(), stream) {
        body.extend(stream);
    }
    body
}

fn anthropic_stream() -> Reply {
    sse(&[
        json!({"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant", "model": "claude", "content": [],
            "usage": {"input_tokens": 10, "cache_read_input_tokens": 90, "cache_creation_input_tokens": 0, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "ok"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5, "house_tokens": 7}}),
        json!({"type": "message_stop"}),
    ])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_kept_in_the_words_of_both_sides() {
    let said = json!({"input_tokens": 10, "cache_read_input_tokens": 90, "cache_creation_input_tokens": 0, "output_tokens": 5, "house_tokens": 7});
    let answer = json!({"id": "m", "type": "message", "role": "assistant", "model": "claude",
        "content": [{"type": "text", "text": "\"usage\":{}"}], "stop_reason": "end_turn", "usage": said});
    let reply = Reply::json(200, &answer.to_string());
    let kept = Kept::of(
        "anthropic",
        reply,
        "/v1/chat/completions",
        chat("claude", json!({})),
    )
    .await;
    assert_eq!(kept.usages()["upstream"], json!([said]));
    let told = kept.told();
    assert_eq!(kept.usages()["client"], told);
    assert_eq!(told["prompt_tokens"], 100);
    assert_eq!(told["prompt_tokens_details"]["cached_tokens"], 90);
    let tokens = &kept.record["request"]["tokens"];
    assert_eq!(
        (&tokens["uncached"], &tokens["cache_read"]),
        (&json!(10), &json!(90))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_kept_in_the_words_of_both_sides() {
    let wants = json!({"stream": true, "stream_options": {"include_usage": true}});
    let kept = Kept::of(
        "anthropic",
        anthropic_stream(),
        "/v1/chat/completions",
        chat("claude", wants),
    )
    .await;
    let said = kept.usages()["upstream"].as_array().expect("a list");
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(said[0]["cache_read_input_tokens"], 90);
    assert_eq!(said[1], json!({"output_tokens": 5, "house_tokens": 7}));
    assert_eq!(kept.usages()["client"], kept.told());
    assert_eq!(kept.told()["prompt_tokens_details"]["cached_tokens"], 90);

    // Who does not ask is not told, and that is kept too.
    let kept = Kept::of(
        "anthropic",
        anthropic_stream(),
        "/v1/chat/completions",
        chat("claude", json!({"stream": true})),
    )
    .await;
    assert_eq!(kept.usages()["upstream"].as_array().map(Vec::len), Some(2));
    assert!(kept.usages().get("client").is_none(), "{}", kept.usages());
    assert_eq!(kept.record["request"]["tokens"]["cache_read"], 90);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_client_s_stream_is_kept_as_it_was_told() {
    let counts = json!({"promptTokenCount": 100, "cachedContentTokenCount": 60, "candidatesTokenCount": 4, "thoughtsTokenCount": 3, "totalTokenCount": 107});
    let early = json!({"promptTokenCount": 100, "totalTokenCount": 100});
    let part =
        |text: &str| json!({"content": {"role": "model", "parts": [{"text": text}]}, "index": 0});
    let stream = || {
        let mut last = part("k");
        last["finishReason"] = json!("STOP");
        sse(&[
            json!({"candidates": [part("o")], "usageMetadata": early}),
            json!({"candidates": [last], "usageMetadata": counts}),
        ])
    };
    for (path, body) in [
        (
            "/v1/messages",
            json!({"model": "gemini-2.5-pro", "max_tokens": 64, "stream": true, "messages": [{"role": "user", "content": "hi"}]}),
        ),
        (
            "/v1/responses",
            json!({"model": "gemini-2.5-pro", "stream": true, "input": "hi"}),
        ),
    ] {
        let kept = Kept::of("gemini", stream(), path, body).await;
        assert_eq!(kept.usages()["upstream"], json!([counts]), "{path}");
        assert_eq!(kept.usages()["client"], kept.told(), "{path}");
        assert_eq!(kept.told()["output_tokens"], 7, "{path}: {}", kept.told());
    }
    let chunks = [
        json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, "delta": {"role": "assistant", "content": "ok"}}]}),
        json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}),
        json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [],
            "usage": {"prompt_tokens": 50, "completion_tokens": 6, "total_tokens": 56, "prompt_tokens_details": {"cached_tokens": 20}}}),
    ];
    let contents = json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]});
    let path = "/v1beta/models/gpt-4o:streamGenerateContent?alt=sse";
    let kept = Kept::of("openai", sse(&chunks), path, contents).await;
    assert_eq!(kept.usages()["upstream"], json!([chunks[2]["usage"]]));
    assert_eq!(kept.usages()["client"], kept.told());
    assert_eq!(kept.told()["cachedContentTokenCount"], 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_upstream_that_counts_nothing_said_nothing() {
    let answer = json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "four words of answer"}, "finish_reason": "stop"}]});
    let reply = || Reply::json(200, &answer.to_string());
    let messages = json!({"model": "gpt-4o", "max_tokens": 64, "messages": [{"role": "user", "content": "hi"}]});
    let kept = Kept::of("openai", reply(), "/v1/messages", messages).await;
    assert_eq!(kept.usages()["upstream"], json!([]));
    // The client was told what the hub has estimated, and so it stands there.
    assert_eq!(kept.usages()["client"], kept.told());
    assert!(
        kept.told()["output_tokens"].as_u64() > Some(0),
        "{}",
        kept.told()
    );
    assert_eq!(kept.record["request"]["tokens"]["source"], "estimated");

    // Bytes that pass tell the client nothing either.
    let kept = Kept::of(
        "openai",
        reply(),
        "/v1/chat/completions",
        chat("gpt-4o", json!({})),
    )
    .await;
    assert_eq!(kept.usages(), &json!({"upstream": []}));
    assert_eq!(kept.record["request"]["tokens"]["source"], "estimated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_that_pass_are_kept_only_where_the_counts_say_something_else() {
    let answer = |usage: &Value| {
        json!({"id": "c", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}], "usage": usage})
    };
    let plain = json!({"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5});
    let odd = json!({"prompt_tokens": 3, "completion_tokens": -2, "total_tokens": 1});
    for (usage, wanted) in [
        (&plain, Value::Null),
        (&odd, json!({"upstream": [odd], "client": odd})),
    ] {
        let reply = Reply::json(200, &answer(usage).to_string());
        let kept = Kept::of(
            "openai",
            reply,
            "/v1/chat/completions",
            chat("gpt-4o", json!({})),
        )
        .await;
        assert_eq!(kept.usages(), &wanted);
        assert_eq!(kept.told(), *usage);
    }
    let chunks = [
        json!({"id": "c", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "ok"}, "finish_reason": "stop"}]}),
        json!({"id": "c", "object": "chat.completion.chunk", "choices": [], "usage": odd}),
    ];
    let kept = Kept::of(
        "openai",
        sse(&chunks),
        "/v1/chat/completions",
        chat("gpt-4o", json!({"stream": true})),
    )
    .await;
    // The hub had asked for the counts; the client had not, and does not get them.
    assert_eq!(kept.usages(), &json!({"upstream": [odd]}));
    assert_eq!(kept.told(), Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_that_nobody_can_read_spoil_nothing_beside_them() {
    let answer = |oddity: &str| {
        format!(
            r#"{{"id":"m","type":"message","role":"assistant","model":"claude","content":[{{"type":"text","text":"ok"}}],"stop_reason":"end_turn","usage":{{"input_tokens":3,"output_tokens":2,"odd":{oddity}}}}}"#
        )
    };
    // JSON allows numbers of any size.
    for oddity in ["1e999", "[-9e9999, {}]"] {
        let kept = Kept::of(
            "anthropic",
            Reply::json(200, &answer(oddity)),
            "/v1/chat/completions",
            chat("claude", json!({})),
        )
        .await;
        assert_eq!(kept.usages()["upstream"], json!([]), "{oddity}");
        assert_eq!(kept.usages()["client"], kept.told());
        assert_eq!(kept.told()["prompt_tokens"], 3);
    }
}
