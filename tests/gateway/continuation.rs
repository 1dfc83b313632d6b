//! Answers that the upstream interrupts, for clients that know nothing of that.

use serde_json::{Value, json};

use crate::hub::{TestHub, provider};
use crate::samples::{CHAT, MESSAGES, RESPONSES};
use crate::upstream::{Reply, Step, Upstream};

const SEARCH: &str =
    r#"{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"rust"}}"#;
const FOUND: &str = r#"{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[{"type":"web_search_result","url":"https://x.example","title":"X","encrypted_content":"abc"}]}"#;

fn paused() -> String {
    format!(
        r#"{{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{{"type":"thinking","thinking":"hm","signature":"c2ln"}},{{"type":"text","text":"One \u00e9 "}},{SEARCH},{FOUND}],"stop_reason":"pause_turn","stop_sequence":null,"usage":{{"input_tokens":10,"output_tokens":4}}}}"#
    )
}

fn frame(event: &str, data: &Value) -> Step {
    Step::Send(format!("event: {event}\ndata: {data}\n\n"))
}

/// The same as a stream.
fn paused_stream() -> Vec<Step> {
    let start = |index: u32, block: Value| {
        frame(
            "content_block_start",
            &json!({"type":"content_block_start","index":index,"content_block":block}),
        )
    };
    let delta = |index: u32, delta: Value| {
        frame(
            "content_block_delta",
            &json!({"type":"content_block_delta","index":index,"delta":delta}),
        )
    };
    let stop = |index: u32| {
        frame(
            "content_block_stop",
            &json!({"type":"content_block_stop","index":index}),
        )
    };
    vec![
        frame(
            "message_start",
            &json!({"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":10,"output_tokens":1}}}),
        ),
        start(0, json!({"type":"thinking","thinking":"","signature":""})),
        delta(0, json!({"type":"thinking_delta","thinking":"hm"})),
        delta(0, json!({"type":"signature_delta","signature":"c2ln"})),
        stop(0),
        start(1, json!({"type":"text","text":""})),
        delta(1, json!({"type":"text_delta","text":"One "})),
        Step::Wait(10),
        delta(1, json!({"type":"text_delta","text":"é "})),
        stop(1),
        start(
            2,
            json!({"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}}),
        ),
        delta(
            2,
            json!({"type":"input_json_delta","partial_json":"{\"query\":"}),
        ),
        delta(
            2,
            json!({"type":"input_json_delta","partial_json":"\"rust\"}"}),
        ),
        stop(2),
        start(3, serde_json::from_str(FOUND).expect("JSON")),
        stop(3),
        frame(
            "message_delta",
            &json!({"type":"message_delta","delta":{"stop_reason":"pause_turn","stop_sequence":null},"usage":{"output_tokens":4}}),
        ),
        frame("message_stop", &json!({"type":"message_stop"})),
    ]
}

/// Checks the request that goes on with the paused turn.
fn assert_goes_on(first: &str, second: &str) {
    let (first, second): (Value, Value) = (
        serde_json::from_str(first).expect("JSON"),
        serde_json::from_str(second).expect("JSON"),
    );
    let (before, after) = (
        first["messages"].as_array().expect("messages"),
        second["messages"].as_array().expect("messages"),
    );
    assert_eq!(&after[..before.len()], &before[..], "the prefix stays");
    let turn = &after[before.len()];
    assert_eq!(turn["role"], "assistant");
    let content: Value = serde_json::from_str(&format!(
        r#"[{{"type":"thinking","thinking":"hm","signature":"c2ln"}},{{"type":"text","text":"One é "}},{SEARCH},{FOUND}]"#
    ))
    .expect("JSON");
    assert_eq!(turn["content"], content);
    assert_eq!(after.len(), before.len() + 1);
}

const CHAT_SEARCH: &str = r#"{"model":"m","web_search_options":{},"stream":STREAM,"stream_options":OPTIONS,"messages":[{"role":"user","content":"hi"}]}"#;
const RESPONSES_SEARCH: &str =
    r#"{"model":"m","tools":[{"type":"web_search"}],"stream":STREAM,"input":"hi"}"#;

fn request(template: &str, stream: bool) -> String {
    let options = if stream {
        r#"{"include_usage":true}"#
    } else {
        "null"
    };
    template
        .replace("STREAM", if stream { "true" } else { "false" })
        .replace("OPTIONS", options)
}

#[tokio::test]
async fn a_paused_turn_is_gone_on_with() {
    let upstream = Upstream::start([
        Reply::json(200, &paused()),
        Reply::json(200, MESSAGES.answer),
    ])
    .await;
    let hub = TestHub::before(&[provider("one", "anthropic", &upstream, "")]).await;
    let answer = hub.post(CHAT.path, &request(CHAT_SEARCH, false)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = answer.json();
    assert_eq!(body["choices"][0]["message"]["content"], "One é hello");
    assert_eq!(body["choices"][0]["finish_reason"], "stop");
    assert_eq!(body["usage"]["prompt_tokens"], 13, "{body:#}");
    assert_eq!(body["usage"]["completion_tokens"], 6, "{body:#}");
    let asked = upstream.asked();
    assert_eq!(asked.len(), 2);
    assert_goes_on(&asked[0].body, &asked[1].body);
    assert_eq!(
        asked[0].headers.get("x-api-key"),
        asked[1].headers.get("x-api-key")
    );
    let record = &hub.records(1).await[0];
    assert_eq!(record["attempts"].as_array().map(Vec::len), Some(2));
    assert_eq!(record["usage"]["input"], 13);
}

#[tokio::test]
async fn a_paused_stream_is_gone_on_with_in_the_same_stream() {
    for (path, template, end) in [
        (CHAT.path, CHAT_SEARCH, CHAT.end_mark),
        (RESPONSES.path, RESPONSES_SEARCH, RESPONSES.end_mark),
    ] {
        let upstream = Upstream::start([
            Reply::stream(paused_stream()),
            Reply::stream(MESSAGES.steps()).after(50),
        ])
        .await;
        let hub = TestHub::before(&[provider("one", "anthropic", &upstream, "")]).await;
        let answer = hub.post(path, &request(template, true)).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert!(
            answer.text.contains("One ") && answer.text.contains("hello"),
            "{path}"
        );
        assert_eq!(
            answer.text.matches(end).count(),
            1,
            "{path}: {}",
            answer.text
        );
        let asked = upstream.asked();
        assert_eq!(asked.len(), 2, "{path}");
        assert_goes_on(&asked[0].body, &asked[1].body);
        let record = &hub.records(1).await[0];
        assert_eq!(record["outcome"], "ok", "{path}");
        assert_eq!(record["usage"]["input"], 13, "{path}");
        assert_eq!(record["usage"]["output"], 6, "{path}");
        assert_eq!(
            record["attempts"].as_array().map(Vec::len),
            Some(2),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_turn_that_is_paused_again_and_again_ends_by_length() {
    for stream in [false, true] {
        let reply = if stream {
            Reply::stream(paused_stream())
        } else {
            Reply::json(200, &paused())
        };
        let upstream = Upstream::start([reply]).await;
        let hub = TestHub::before(&[provider("one", "anthropic", &upstream, "")]).await;
        let answer = hub.post(CHAT.path, &request(CHAT_SEARCH, stream)).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert!(
            answer.text.contains(r#""finish_reason":"length""#),
            "{}",
            answer.text
        );
        assert_eq!(upstream.asked().len(), 6, "stream: {stream}");
        let last: Value = serde_json::from_str(&upstream.asked()[5].body).expect("JSON");
        assert_eq!(last["messages"].as_array().map(Vec::len), Some(6));
        assert_eq!(
            hub.records(1).await[0]["usage"]["input"],
            60,
            "stream: {stream}"
        );
    }
}

#[tokio::test]
async fn clients_that_know_pauses_get_them() {
    let upstream = Upstream::start([Reply::json(200, &paused())]).await;
    let hub = TestHub::before(&[provider("one", "anthropic", &upstream, "")]).await;
    let answer = hub.post(MESSAGES.path, MESSAGES.request).await;
    assert_eq!(answer.json()["stop_reason"], "pause_turn");
    assert_eq!(upstream.asked().len(), 1);
}

#[tokio::test]
async fn a_further_call_that_fails_is_an_error_and_not_an_end() {
    let overloaded = r#"{"type":"error","error":{"type":"overloaded_error","message":"busy"}}"#;
    let upstream =
        Upstream::start([Reply::stream(paused_stream()), Reply::json(529, overloaded)]).await;
    let hub = TestHub::before(&[provider("one", "anthropic", &upstream, "")]).await;
    let answer = hub.post(CHAT.path, &request(CHAT_SEARCH, true)).await;
    assert!(answer.text.contains("One "), "{}", answer.text);
    assert!(answer.text.contains(CHAT.error_mark), "{}", answer.text);
    assert!(!answer.text.contains("[DONE]"), "{}", answer.text);
    assert_eq!(hub.records(1).await[0]["outcome"], "cut");
    assert_eq!(
        upstream.asked().len(),
        2,
        "nothing is tried again after content"
    );
}

fn gemini_part(text: &str, finish: &str, token: Option<&str>, usage: u64) -> Value {
    let mut candidate =
        json!({"content":{"parts":[{"text":text}],"role":"model"},"finishReason":finish,"index":0});
    if let Some(token) = token {
        candidate["continuationToken"] = token.into();
    }
    json!({"candidates":[candidate],"usageMetadata":{"promptTokenCount":usage,"candidatesTokenCount":2,"totalTokenCount":usage + 2},"modelVersion":"m"})
}

#[tokio::test]
async fn a_gemini_answer_is_gone_on_with_by_its_token() {
    for stream in [false, true] {
        let parts = [
            gemini_part("Hel", "CONTINUATION", Some("t1"), 3),
            gemini_part("lo, ", "CONTINUATION", Some("t2"), 3),
            gemini_part("world", "STOP", None, 3),
        ];
        let upstream = Upstream::start(parts.map(|part| {
            if stream {
                Reply::stream(vec![Step::Send(format!("data: {part}\r\n\r\n"))])
            } else {
                Reply::json(200, &part.to_string())
            }
        }))
        .await;
        let hub = TestHub::before(&[provider("one", "gemini", &upstream, "")]).await;
        let body = if stream {
            RESPONSES.stream_request
        } else {
            RESPONSES.request
        };
        let answer = hub.post(RESPONSES.path, body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let whole = if stream {
            let last = answer.text.lines().rfind(|line| line.starts_with("data: "));
            let last: Value = serde_json::from_str(&last.expect("an event")[6..]).expect("JSON");
            last["response"].clone()
        } else {
            answer.json()
        };
        // One text that goes on, not three.
        assert_eq!(
            whole["output"].as_array().map(Vec::len),
            Some(1),
            "{whole:#}"
        );
        assert_eq!(
            whole["output"][0]["content"][0]["text"], "Hello, world",
            "{whole:#}"
        );
        assert_eq!(whole["status"], "completed");
        assert_eq!(whole["usage"]["input_tokens"], 9);
        let asked = upstream.asked();
        let bodies: Vec<Value> = asked
            .iter()
            .map(|call| serde_json::from_str(&call.body).expect("JSON"))
            .collect();
        let tokens: Vec<_> = bodies
            .iter()
            .map(|body| &body["continuationToken"])
            .collect();
        assert_eq!(tokens, [&Value::Null, &json!("t1"), &json!("t2")]);
        assert_eq!(bodies[0]["contents"], bodies[2]["contents"]);
        assert_eq!(asked[0].path, asked[2].path);
    }
}
