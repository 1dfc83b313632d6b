//! Chat clients of the deprecated form: `functions` up, `function_call` down.

use serde_json::{Value, json};

use crate::hub::{TestHub, provider};
use crate::samples::CHAT;
use crate::upstream::{Reply, Step, Upstream};

const REQUEST: &str = r#"{"model":"m","messages":[{"role":"user","content":"hi"}],"functions":[{"name":"f","parameters":{"type":"object","properties":{"x":{"type":"integer"}}}}],"function_call":"auto"}"#;

const CALLS: &str = r#"{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[{"type":"tool_use","id":"toolu_1","name":"f","input":{"x":1}},{"type":"tool_use","id":"toolu_2","name":"f","input":{"x":2}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":3,"output_tokens":2}}"#;

fn frames() -> Vec<Step> {
    let mut steps = vec![
        json!({"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"usage":{"input_tokens":3,"output_tokens":1}}}),
    ];
    for index in 0..2 {
        steps.push(json!({"type":"content_block_start","index":index,"content_block":{"type":"tool_use","id":format!("toolu_{index}"),"name":"f","input":{}}}));
        for piece in ["{\"x\":", "1}"] {
            steps.push(json!({"type":"content_block_delta","index":index,"delta":{"type":"input_json_delta","partial_json":piece}}));
        }
        steps.push(json!({"type":"content_block_stop","index":index}));
    }
    steps.push(json!({"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":2}}));
    steps.push(json!({"type":"message_stop"}));
    steps
        .iter()
        .map(|data| {
            Step::Send(format!(
                "event: {}\ndata: {data}\n\n",
                data["type"].as_str().unwrap_or_default()
            ))
        })
        .collect()
}

#[tokio::test]
async fn a_call_comes_back_in_the_form_it_was_offered_in() {
    let upstream = Upstream::start([Reply::json(200, CALLS)]).await;
    let hub = TestHub::before(&[provider("one", "anthropic", &upstream, "")]).await;
    let answer = hub.post(CHAT.path, REQUEST).await;
    let choice = &answer.json()["choices"][0];
    assert_eq!(choice["finish_reason"], "function_call", "{}", answer.text);
    let call = &choice["message"]["function_call"];
    assert_eq!(call["name"], "f");
    let arguments: Value =
        serde_json::from_str(call["arguments"].as_str().expect("text")).expect("JSON");
    assert_eq!(arguments, json!({"x": 1}));
    assert!(choice["message"]["tool_calls"].is_null());

    // The result goes up as the vendor wants it.
    let next = json!({"model":"m","functions":[{"name":"f","parameters":{"type":"object","properties":{}}}],"messages":[
        {"role":"user","content":"hi"}, choice["message"], {"role":"function","name":"f","content":"42"}]});
    assert_eq!(hub.post(CHAT.path, &next.to_string()).await.status, 200);
    let asked: Value = serde_json::from_str(&upstream.asked()[1].body).expect("JSON");
    let messages = asked["messages"].as_array().expect("messages");
    assert_eq!(messages[1]["content"][0]["type"], "tool_use", "{asked:#}");
    assert_eq!(
        messages[2]["content"][0]["type"], "tool_result",
        "{asked:#}"
    );
}

#[tokio::test]
async fn and_on_a_stream() {
    let upstream = Upstream::start([Reply::stream(frames())]).await;
    let hub = TestHub::before(&[provider("one", "anthropic", &upstream, "")]).await;
    let body = REQUEST.replacen('{', "{\"stream\":true,", 1);
    let answer = hub.post(CHAT.path, &body).await;
    let (mut name, mut arguments, mut end) = (String::new(), String::new(), Value::Null);
    for line in answer
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("data: {"))
    {
        let chunk: Value = serde_json::from_str(&format!("{{{line}")).expect("JSON");
        let choice = &chunk["choices"][0];
        let call = &choice["delta"]["function_call"];
        name.push_str(call["name"].as_str().unwrap_or_default());
        arguments.push_str(call["arguments"].as_str().unwrap_or_default());
        if choice["finish_reason"].is_string() {
            end = choice["finish_reason"].clone();
        }
    }
    assert_eq!(
        (name.as_str(), arguments.as_str()),
        ("f", r#"{"x":1}"#),
        "{}",
        answer.text
    );
    assert_eq!(end, "function_call");
    assert!(!answer.text.contains("tool_calls"), "{}", answer.text);
}
