//! Who may call, and what becomes of credentials.

use crate::hub::{TestHub, provider};
use crate::samples::{ALL, CHAT};
use crate::upstream::{Reply, Upstream};

async fn closed() -> (TestHub, Upstream) {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let yaml = format!(
        "CLIENT_KEYS:\n  - {{name: ci, key: client-secret-0001}}\n  - {{name: other, key: client-secret-0002}}\nPROVIDERS:\n{}",
        provider("one", "openai", &upstream, "")
    );
    (TestHub::start(&yaml).await, upstream)
}

#[tokio::test]
async fn every_place_for_a_key_is_known_and_none_travels() {
    let (hub, upstream) = closed().await;
    let (good, bad) = ("client-secret-0001", "client-secret-9999");
    for (what, headers, query, status) in [
        (
            "bearer",
            vec![("authorization", "Bearer client-secret-0001")],
            "",
            200,
        ),
        ("x-api-key", vec![("x-api-key", good)], "", 200),
        ("x-goog-api-key", vec![("x-goog-api-key", good)], "", 200),
        ("key", vec![], "?key=client-secret-0001", 200),
        ("api_key", vec![], "?api_key=client-secret-0001", 200),
        ("none", vec![], "", 401),
        ("unknown", vec![("x-api-key", bad)], "", 401),
        (
            "precedence",
            vec![
                ("x-api-key", bad),
                ("authorization", "Bearer client-secret-0001"),
            ],
            "",
            401,
        ),
        (
            "precedence, good first",
            vec![("x-api-key", good), ("authorization", "Bearer nonsense")],
            "?key=nonsense",
            200,
        ),
        (
            "twice",
            vec![("x-api-key", good), ("x-api-key", bad)],
            "",
            401,
        ),
        (
            "a provider's key",
            vec![("x-api-key", "key-one-one")],
            "",
            401,
        ),
        ("a quote", vec![("x-api-key", "' OR 1=1 --")], "", 401),
    ] {
        let answer = hub
            .ask(
                "POST",
                &format!("{}{query}", CHAT.path),
                &headers,
                CHAT.request,
            )
            .await;
        assert_eq!(answer.status, status, "{what}: {}", answer.text);
        assert!(
            !answer.text.contains("client-secret"),
            "{what}: {}",
            answer.text
        );
    }
    for asked in upstream.asked() {
        let seen = format!("{asked:?}");
        assert!(
            !seen.contains("client-secret") && !seen.contains("nonsense"),
            "{seen}"
        );
        assert!(
            asked.headers["authorization"]
                .to_str()
                .is_ok_and(|value| value.starts_with("Bearer key-")),
            "{seen}"
        );
        assert!(
            !asked.headers.contains_key("x-api-key")
                && !asked.headers.contains_key("x-goog-api-key"),
            "{seen}"
        );
    }
}

#[tokio::test]
async fn refusals_speak_the_callers_dialect() {
    let (hub, _) = closed().await;
    for sample in ALL {
        let answer = hub.post(sample.path, sample.request).await;
        assert_eq!(answer.status, 401, "{}", sample.format);
        let error = &answer.json()["error"];
        match sample.format {
            "anthropic" => assert_eq!(error["type"], "authentication_error"),
            "gemini" => assert_eq!(error["status"], "UNAUTHENTICATED"),
            _ => assert_eq!(error["code"], "invalid_api_key"),
        }
        assert!(answer.header("x-request-id").is_some());
    }
}

#[tokio::test]
async fn nothing_but_health_is_open() {
    let (hub, _) = closed().await;
    for (method, path) in [
        ("GET", "/v1/models"),
        ("GET", "/v1beta/models"),
        ("GET", "/v1/models/m"),
        ("GET", "/v1/api-keys/stats"),
        ("GET", "/v1/responses/resp_1"),
        ("DELETE", "/v1/responses/resp_1"),
        ("GET", "/v1/responses/resp_1/input_items"),
        ("POST", "/v1/embeddings"),
        ("POST", "/v1/messages/count_tokens"),
        ("POST", "/v1/responses/input_tokens"),
        ("POST", "/v1beta/models/m:countTokens"),
        ("POST", "/v1/models/m:embedContent"),
        ("POST", "/v1/gemini/completions"),
        ("POST", "/v1/anthropic/completions"),
    ] {
        assert_eq!(
            hub.ask(method, path, &[], "{}").await.status,
            401,
            "{method} {path}"
        );
    }
    for (method, path) in [
        ("HEAD", "/"),
        ("GET", "/health"),
        ("GET", "/health/live"),
        ("GET", "/health/ready"),
        ("HEAD", "/api/hello"),
        ("GET", "/metrics"),
    ] {
        assert_eq!(
            hub.ask(method, path, &[], "").await.status,
            200,
            "{method} {path}"
        );
    }
    assert_eq!(
        hub.ask("GET", "/health", &[], "").await.text,
        r#"{"status":"healthy"}"#
    );
}

#[tokio::test]
async fn refused_callers_are_counted_by_reason() {
    let (hub, upstream) = closed().await;
    let bad: Vec<_> = (0..3).map(|n| format!("client-secret-bad-{n}")).collect();
    let mut tries: Vec<Vec<(&str, &str)>> = vec![
        vec![],
        vec![("authorization", "Basic dTpw")],
        vec![("x-api-key", "one"), ("x-api-key", "two")],
    ];
    tries.extend(bad.iter().map(|key| vec![("x-api-key", key.as_str())]));
    for headers in &tries {
        let answer = hub.ask("POST", CHAT.path, headers, CHAT.request).await;
        assert_eq!(answer.status, 401, "{headers:?}");
    }
    let metrics = hub.ask("GET", "/metrics", &[], "").await.text;
    for (reason, count) in [("missing", 1), ("malformed", 2), ("unknown", 3)] {
        let line = format!("bridge_refused_callers_total{{reason=\"{reason}\"}} {count}\n");
        assert!(metrics.contains(&line), "{line}{metrics}");
    }
    assert!(!metrics.contains("client-secret"), "{metrics}");
    assert!(upstream.asked().is_empty());
}
