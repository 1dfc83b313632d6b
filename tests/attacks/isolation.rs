//! Nothing of one key is another's.

use crate::hub::{TestHub, provider};
use crate::samples::{CHAT, MESSAGES};
use crate::upstream::{Reply, Upstream};

async fn two_keys(format: &str, reply: Reply) -> (TestHub, Upstream) {
    let upstream = Upstream::start([reply]).await;
    let yaml = format!(
        "CLIENT_KEYS:\n  - {{name: a, key: client-secret-0001}}\n  - {{name: b, key: client-secret-0002, may_pin: false}}\nPROVIDERS:\n{}",
        provider("one", format, &upstream, "")
    );
    (TestHub::start(&yaml).await, upstream)
}

#[tokio::test]
async fn attack_43_no_answer_comes_from_a_cache() {
    let (hub, upstream) = two_keys("openai", Reply::json(200, CHAT.answer)).await;
    for key in [
        "client-secret-0001",
        "client-secret-0002",
        "client-secret-0001",
    ] {
        for headers in [
            vec![("x-api-key", key)],
            vec![
                ("x-api-key", key),
                ("idempotency-key", "same"),
                ("x-request-id", "same"),
                ("if-none-match", "*"),
            ],
        ] {
            let answer = hub.ask("POST", CHAT.path, &headers, CHAT.request).await;
            assert_eq!(answer.status, 200);
            assert!(
                answer
                    .header("cache-control")
                    .is_some_and(|value| value.contains("no-store"))
            );
            assert!(answer.header("etag").is_none() && answer.header("age").is_none());
        }
    }
    assert_eq!(upstream.asked().len(), 6);
}

#[tokio::test]
async fn attack_44_state_of_reasoning_is_its_key_s_own() {
    // An upstream that gives a call with state; the client drops the state and returns the call.
    let answer = r#"{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"f","args":{}},"thoughtSignature":"Y2FuYXJ5LXNpZ25hdHVyZQ=="}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,"totalTokenCount":5}}"#;
    let (hub, upstream) = two_keys("gemini", Reply::json(200, answer)).await;
    let first = hub
        .ask(
            "POST",
            MESSAGES.path,
            &[("x-api-key", "client-secret-0001")],
            MESSAGES.request,
        )
        .await;
    assert_eq!(first.status, 200, "{}", first.text);
    let content = first.json()["content"].clone();
    let call = content
        .as_array()
        .and_then(|parts| parts.iter().find(|part| part["type"] == "tool_use"))
        .expect("a call")
        .clone();
    let again = serde_json::json!({"model": "m", "max_tokens": 9, "messages": [
        {"role": "user", "content": "hi"}, {"role": "assistant", "content": [call]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call["id"], "content": "r"}]}],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}]});
    let state = "Y2FuYXJ5LXNpZ25hdHVyZQ==";
    for (key, known) in [("client-secret-0002", false), ("client-secret-0001", true)] {
        let answer = hub
            .ask(
                "POST",
                MESSAGES.path,
                &[("x-api-key", key)],
                &again.to_string(),
            )
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let sent = &upstream.asked().last().expect("asked").body.clone();
        assert_eq!(sent.contains(state), known, "{key}: {sent}");
    }
}

#[tokio::test]
async fn attack_45_no_header_of_a_caller_chooses_a_provider_s_key() {
    let (hub, upstream) = two_keys("openai", Reply::json(200, CHAT.answer)).await;
    let hostile = [
        ("x-session-id", "pin"),
        ("session_id", "pin"),
        ("x-session-affinity", "pin"),
        ("x-claude-code-session-id", "pin"),
        ("x-bridge-provider", "one"),
    ];
    let mut used = std::collections::BTreeSet::new();
    for _ in 0..4 {
        let mut headers = vec![("x-api-key", "client-secret-0002")];
        headers.extend(&hostile[..4]);
        assert_eq!(
            hub.ask("POST", CHAT.path, &headers, CHAT.request)
                .await
                .status,
            200
        );
        used.insert(
            upstream.asked().last().expect("asked").headers["authorization"]
                .to_str()
                .expect("ascii")
                .to_owned(),
        );
    }
    assert_eq!(
        used.len(),
        2,
        "keys go by turns, whatever a caller says: {used:?}"
    );
    // Choosing the provider is a right of its own.
    let pinned = hub
        .ask(
            "POST",
            CHAT.path,
            &[("x-api-key", "client-secret-0002"), hostile[4]],
            CHAT.request,
        )
        .await;
    assert_eq!(pinned.status, 403, "{}", pinned.text);
}
