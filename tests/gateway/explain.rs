//! What the hub says about a request that it does not send, and what it keeps about one that it does.

use serde_json::{Value, json};

use crate::hub::{TestHub, provider};
use crate::samples::{CHAT, MESSAGES};
use crate::upstream::{Reply, Upstream};

const PATH: &str = "/api/translate/explain";

fn question(extra: &Value) -> String {
    let mut question = json!({"dialect": "anthropic", "request":
        {"model": "m", "max_tokens": 9, "top_k": 5, "messages": [{"role": "user", "content": "hi"}]}});
    for (name, value) in extra.as_object().expect("an object") {
        question[name] = value.clone();
    }
    question.to_string()
}

fn codes(answer: &Value) -> Vec<&str> {
    let list = answer["fidelity"].as_array().expect("a list");
    list.iter()
        .filter_map(|entry| entry["code"].as_str())
        .collect()
}

#[tokio::test]
async fn a_routed_request_is_shown_and_not_sent() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let secret = "headers: {x-team: hush-hush}";
    let hub = TestHub::start(&format!(
        "AUTH: open\nPROVIDERS:\n{}{}ROUTES:\n  - {{name: gone, match: {{model: 'other-*'}}, targets: [{{provider: two}}]}}\n  - {{name: here, match: {{model: m}}, targets: [{{provider: one, model: gpt-4o}}]}}\n",
        provider("one", "openai", &upstream, secret),
        provider("two", "anthropic", &upstream, "")
    ))
    .await;
    let answer = hub.post(PATH, &question(&json!({}))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let json = answer.json();
    assert_eq!(json["route"], "here");
    assert_eq!(
        (
            &json["provider"],
            &json["model"],
            &json["dialect"],
            &json["lane"]
        ),
        (
            &json!("one"),
            &json!("gpt-4o"),
            &json!("openai-chat"),
            &json!("translated")
        )
    );
    let trace = json["trace"].to_string();
    assert!(
        trace.contains("`gone` did not match") && trace.contains("`here` matched"),
        "{trace}"
    );
    assert_eq!(json["request"]["model"], "gpt-4o");
    assert_eq!(json["request"]["messages"][0]["content"], "hi");
    assert!(codes(&json).contains(&"dropped:top_k"), "{json}");
    let entry = json["fidelity"]
        .as_array()
        .and_then(|list| list.iter().find(|entry| entry["member"] == "top_k"));
    let entry = entry.expect("an entry");
    assert_eq!(
        (&entry["action"], &entry["doc"]),
        (
            &json!("dropped"),
            &json!("docs/fidelity/sampling.md#dropped-top_k")
        )
    );
    assert!(
        entry["detail"]
            .as_str()
            .is_some_and(|detail| !detail.is_empty())
    );
    assert!(json["undo"]["tools"].is_array());
    assert!(
        !answer.text.contains("hush-hush") && !answer.text.contains("key-one"),
        "{}",
        answer.text
    );
    let strict = hub.post(PATH, &question(&json!({"strict": true}))).await;
    assert_eq!(
        (strict.status, &strict.json()["type"]),
        (400, &json!("error")),
        "{}",
        strict.text
    );
    assert!(strict.text.contains("top_k"), "{}", strict.text);
    assert!(upstream.asked().is_empty(), "something was sent");
}

#[tokio::test]
async fn the_same_dialect_takes_the_bytes_lane() {
    let upstream = Upstream::start([Reply::json(200, MESSAGES.answer)]).await;
    let hub = TestHub::before(&[provider("one", "anthropic", &upstream, "")]).await;
    let json = hub.post(PATH, &question(&json!({}))).await.json();
    assert_eq!(
        (&json["lane"], &json["request"]["top_k"]),
        (&json!("bytes"), &json!(5)),
        "{json}"
    );
    assert!(codes(&json).is_empty());
    assert!(upstream.asked().is_empty());
}

#[tokio::test]
async fn a_dialect_can_be_asked_for_without_a_route() {
    let upstream = Upstream::start([Reply::json(200, MESSAGES.answer)]).await;
    let hub = TestHub::before(&[provider("one", "anthropic", &upstream, "")]).await;
    let json = hub
        .post(
            PATH,
            &question(&json!({"to": "gemini", "model": "gemini-3-flash-preview"})),
        )
        .await
        .json();
    assert_eq!(
        (&json["route"], &json["provider"], &json["dialect"]),
        (&Value::Null, &Value::Null, &json!("gemini"))
    );
    assert_eq!(
        json["request"]["contents"][0]["parts"][0]["text"], "hi",
        "{json}"
    );
    assert_eq!(json["model"], "gemini-3-flash-preview");
    let unknown = hub.post(PATH, &question(&json!({"to": "klingon"}))).await;
    assert_eq!(
        (unknown.status, unknown.text.contains("klingon")),
        (400, true),
        "{}",
        unknown.text
    );
    let odd = hub.post(PATH, &question(&json!({"tow": "gemini"}))).await;
    assert_eq!(odd.status, 400, "an unknown member is a mistake");
    assert_eq!(hub.ask("GET", PATH, &[], "").await.status, 405);
}

#[tokio::test]
async fn explaining_needs_a_client_key() {
    let upstream = Upstream::start([Reply::json(200, MESSAGES.answer)]).await;
    let hub = TestHub::start(&format!(
        "CLIENT_KEYS:\n  - {{name: me, key: a-long-enough-client-key}}\nPROVIDERS:\n{}",
        provider("one", "anthropic", &upstream, "")
    ))
    .await;
    assert_eq!(hub.post(PATH, &question(&json!({}))).await.status, 401);
    let key = [("x-api-key", "a-long-enough-client-key")];
    let answer = hub.ask("POST", PATH, &key, &question(&json!({}))).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn the_record_holds_the_report_as_entries() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let hub = TestHub::before(&[provider("one", "openai", &upstream, "")]).await;
    let body = MESSAGES.request.replacen('{', r#"{"top_k":5,"#, 1);
    let headers = [
        ("content-type", "application/json"),
        ("x-bridge-explain", "true"),
    ];
    let answer = hub.ask("POST", MESSAGES.path, &headers, &body).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let header = answer
        .header("x-bridge-fidelity")
        .expect("codes")
        .to_owned();
    let record = &hub.records(1).await[0];
    let entries = record["fidelity"].as_array().expect("entries");
    let listed: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry["code"].as_str())
        .collect();
    assert_eq!(listed.join(","), header);
    let entry = entries
        .iter()
        .find(|entry| entry["code"] == "dropped:top_k")
        .expect("an entry");
    assert_eq!(
        (&entry["action"], &entry["member"]),
        (&json!("dropped"), &json!("top_k"))
    );
    assert!(
        entry["detail"]
            .as_str()
            .is_some_and(|detail| !detail.is_empty())
    );
}
