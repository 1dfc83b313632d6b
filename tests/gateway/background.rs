//! Answers in the background, and the short form of conversations.

use std::time::Duration;

use serde_json::{Value, json};

use crate::hub::{TestHub, provider};
use crate::samples::{ALL, CHAT, MESSAGES, RESPONSES};
use crate::upstream::{Reply, Upstream};

const LATER: &str = r#"{"model":"m","input":"hi","background":true,"metadata":{"a":"b"}}"#;

async fn until(hub: &TestHub, id: &str, done: impl Fn(&str) -> bool) -> Value {
    for _ in 0..600 {
        let body = hub
            .ask("GET", &format!("/v1/responses/{id}"), &[], "")
            .await
            .json();
        if done(body["status"].as_str().unwrap_or_default()) {
            return body;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    unreachable!("{id} never came to its end")
}

#[tokio::test]
async fn an_answer_can_be_asked_for_later() {
    for up in ALL {
        let what = up.format;
        let upstream = Upstream::start([Reply::json(200, up.answer).after(700)]).await;
        let hub = TestHub::before(&[provider("one", up.format, &upstream, "")]).await;
        let receipt = hub.post(RESPONSES.path, LATER).await;
        assert_eq!(receipt.status, 200, "{what}: {}", receipt.text);
        let receipt = receipt.json();
        assert_eq!(receipt["status"], "queued", "{what}");
        assert_eq!(receipt["background"], true, "{what}");
        assert_eq!(receipt["metadata"]["a"], "b", "{what}");
        assert_eq!(receipt["output"], json!([]), "{what}");
        let id = receipt["id"].as_str().expect("an id").to_owned();
        let under_way = until(&hub, &id, |status| status == "in_progress").await;
        assert_eq!(under_way["id"], *id, "{what}");
        let answer = until(&hub, &id, |status| status == "completed").await;
        assert_eq!(answer["id"], *id, "{what}");
        assert_eq!(answer["background"], true, "{what}");
        assert_eq!(
            answer["output"][0]["content"][0]["text"], "hello",
            "{what}: {answer:#}"
        );
        assert!(!upstream.asked()[0].body.contains("background"), "{what}");
        let record = &hub.records(1).await[0];
        assert_eq!(record["outcome"], "ok", "{what}");
        assert_eq!(record["usage"]["input"], 3, "{what}");
        // It can be gone on from like any other.
        let next = format!(r#"{{"model":"m","input":"and?","previous_response_id":"{id}"}}"#);
        assert_eq!(hub.post(RESPONSES.path, &next).await.status, 200, "{what}");
        assert!(upstream.asked()[1].body.contains("hello"), "{what}");
        let again = hub
            .ask("POST", &format!("/v1/responses/{id}/cancel"), &[], "")
            .await;
        assert_eq!(again.json()["status"], "completed", "{what}");
    }
}

#[tokio::test]
async fn a_failure_is_told_in_the_answer() {
    let upstream = Upstream::start([Reply::json(500, "{}")]).await;
    let hub = TestHub::before(&[provider("one", "openai", &upstream, "max_retries: 0")]).await;
    let receipt = hub.post(RESPONSES.path, LATER).await.json();
    let id = receipt["id"].as_str().expect("an id");
    let answer = until(&hub, id, |status| status == "failed").await;
    assert_eq!(answer["error"]["code"], "server_error", "{answer:#}");
    assert!(answer["error"]["message"].is_string());
    assert_eq!(hub.records(1).await[0]["outcome"], "error");
}

#[tokio::test]
async fn work_that_is_cancelled_stops() {
    for verb in ["cancel", "delete"] {
        let upstream = Upstream::start([Reply::json(200, CHAT.answer).after(3_000)]).await;
        let hub = TestHub::before(&[provider("one", "openai", &upstream, "")]).await;
        let receipt = hub.post(RESPONSES.path, LATER).await.json();
        let id = receipt["id"].as_str().expect("an id");
        until(&hub, id, |status| status == "in_progress").await;
        let path = format!("/v1/responses/{id}");
        if verb == "cancel" {
            let ended = hub
                .ask("POST", &format!("{path}/cancel"), &[], "")
                .await
                .json();
            assert_eq!(ended["status"], "cancelled");
            let kept = hub.ask("GET", &path, &[], "").await.json();
            assert_eq!(kept["status"], "cancelled");
        } else {
            assert_eq!(
                hub.ask("DELETE", &path, &[], "").await.json()["deleted"],
                true
            );
            assert_eq!(hub.ask("GET", &path, &[], "").await.status, 404);
        }
        assert_eq!(hub.records(1).await[0]["outcome"], "cancelled", "{verb}");
    }
}

#[tokio::test]
async fn what_cannot_be_done_later_is_refused() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let hub = TestHub::before(&[provider("one", "openai", &upstream, "")]).await;
    for more in [r#","stream":true"#, r#","store":false"#] {
        let body = LATER.replace(
            r#","background":true"#,
            &format!(r#","background":true{more}"#),
        );
        let answer = hub.post(RESPONSES.path, &body).await;
        assert_eq!(answer.status, 400, "{more}: {}", answer.text);
        assert_eq!(answer.json()["error"]["param"], "background", "{more}");
    }
    assert!(upstream.asked().is_empty());
    let now = hub.post(RESPONSES.path, RESPONSES.request).await.json();
    let id = now["id"].as_str().expect("an id");
    let cancel = hub
        .ask("POST", &format!("/v1/responses/{id}/cancel"), &[], "")
        .await;
    assert_eq!(cancel.status, 400, "{}", cancel.text);
    let cancel = hub
        .ask("POST", "/v1/responses/resp_no/cancel", &[], "")
        .await;
    assert_eq!(cancel.status, 404, "{}", cancel.text);
}

const LONG: &str = r#"{"model":"m","instructions":"be kind","input":[{"role":"user","content":"first"},{"type":"message","role":"assistant","content":[{"type":"output_text","text":"answered"}]},{"type":"function_call","call_id":"call_1","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"call_1","output":"42"}]}"#;

#[tokio::test]
async fn a_conversation_is_compacted_by_a_summary() {
    for up in [&CHAT, &MESSAGES] {
        let what = up.format;
        let upstream = Upstream::start([Reply::json(200, up.answer)]).await;
        let hub = TestHub::before(&[provider("one", up.format, &upstream, "")]).await;
        let answer = hub.post("/v1/responses/compact", LONG).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text);
        let short = answer.json();
        assert_eq!(short["object"], "response.compaction", "{what}");
        assert_eq!(short["usage"]["input_tokens"], 3, "{what}");
        let items = short["output"].as_array().expect("items");
        assert_eq!(
            (items.len(), &items[0]["type"]),
            (1, &json!("compaction")),
            "{what}"
        );
        let asked = &upstream.asked()[0].body;
        for words in ["first", "answered", "42", "be kind", "Summarise"] {
            assert!(asked.contains(words), "{what}: {words}: {asked}");
        }
        assert_eq!(hub.records(1).await[0]["call"], "compact", "{what}");

        // The client sends the item back in front of what comes next.
        let mut input = items.clone();
        input.push(json!({"role":"user","content":"go on"}));
        let next = json!({"model":"m","input":input}).to_string();
        let answer = hub.post(RESPONSES.path, &next).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text);
        let asked = &upstream.asked()[1].body;
        assert!(
            asked.contains("[conversation summary] hello"),
            "{what}: {asked}"
        );
        assert!(
            asked.contains("go on") && !asked.contains("hub1."),
            "{what}: {asked}"
        );
    }
}

#[tokio::test]
async fn a_provider_of_the_dialect_compacts_by_itself() {
    let short = r#"{"id":"resp_c","object":"response.compaction","created_at":1,"output":[{"id":"cmp_1","type":"compaction","encrypted_content":"abc"}],"usage":{"input_tokens":7,"output_tokens":2,"total_tokens":9}}"#;
    let upstream = Upstream::start([Reply::json(200, short)]).await;
    let hub = TestHub::before(&[provider("one", "openai-responses", &upstream, "")]).await;
    let answer = hub.post("/v1/responses/compact", LONG).await;
    assert_eq!(answer.text, short);
    let asked = &upstream.asked()[0];
    assert_eq!(
        (asked.path.as_str(), asked.body.as_str()),
        ("/v1/responses/compact", LONG)
    );
    assert_eq!(hub.records(1).await[0]["usage"]["input"], 7);
}

#[tokio::test]
async fn nothing_to_compact_and_no_summary_are_failures() {
    let silent = r#"{"id":"m","type":"message","role":"assistant","model":"m","content":[],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":0}}"#;
    let upstream = Upstream::start([Reply::json(200, silent)]).await;
    let hub = TestHub::before(&[provider("one", "anthropic", &upstream, "")]).await;
    assert_eq!(
        hub.post("/v1/responses/compact", r#"{"model":"m","input":[]}"#)
            .await
            .status,
        400
    );
    assert_eq!(hub.post("/v1/responses/compact", LONG).await.status, 502);
}
