//! Everything that is served beside the main call, and what is refused.

use serde_json::json;

use crate::hub::{TestHub, provider};
use crate::samples::{ALL, CHAT, GEMINI, MESSAGES, RESPONSES};
use crate::upstream::{Reply, Upstream};

async fn with(format: &str, reply: Reply) -> (TestHub, Upstream) {
    let upstream = Upstream::start([reply]).await;
    (
        TestHub::before(&[provider("one", format, &upstream, "")]).await,
        upstream,
    )
}

#[tokio::test]
async fn every_pair_answers() {
    for client in ALL {
        for up in ALL {
            let (hub, _upstream) = with(up.format, Reply::json(200, up.answer)).await;
            let answer = hub.post(client.path, client.request).await;
            let what = format!("{} to {}: {}", client.format, up.format, answer.text);
            assert_eq!(answer.status, 200, "{what}");
            assert!(answer.text.contains("hello"), "{what}");
            assert_eq!(answer.header("x-bridge-provider"), Some("one"), "{what}");
            assert_eq!(answer.header("x-bridge-model"), Some("m"), "{what}");
            let record = &hub.records(1).await[0];
            assert_eq!(
                (&record["outcome"], &record["usage"]["output"]),
                (&"ok".into(), &2.into()),
                "{what}"
            );
        }
    }
}

#[tokio::test]
async fn the_websocket_is_declined_and_threads_too() {
    let (hub, upstream) = with("anthropic", Reply::json(200, MESSAGES.answer)).await;
    let headers = [("connection", "upgrade"), ("upgrade", "websocket")];
    assert_eq!(
        hub.ask("GET", "/v1/responses", &headers, "").await.status,
        426
    );
    let body = MESSAGES
        .request
        .replacen('{', r#"{"thread":{"type":"create"},"#, 1);
    let answer = hub.post(MESSAGES.path, &body).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json()["error"]["details"]["error_code"],
        "thread_unsupported_request"
    );
    assert!(upstream.asked().is_empty());
}

#[tokio::test]
async fn what_does_not_exist_is_told() {
    let (hub, _upstream) = with("openai", Reply::json(200, CHAT.answer)).await;
    for path in [
        "/v1/nothing",
        "/%2e%2e/v1/chat/completions",
        "/v1/Chat/completions",
    ] {
        assert_eq!(hub.post(path, CHAT.request).await.status, 404, "{path}");
    }
    let answer = hub.ask("GET", CHAT.path, &[], "").await;
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
    assert_eq!(hub.post(CHAT.path, "").await.status, 400);
    assert_eq!(hub.post(CHAT.path, "{\"messages\":[]}").await.status, 400);
    let answer = hub
        .post(CHAT.path, &CHAT.request.replace("\"m\"", "\"unheard-of\""))
        .await;
    assert_eq!(
        (answer.status, &answer.json()["error"]["code"]),
        (404, &json!("model_not_found"))
    );
}

#[tokio::test]
async fn models_come_in_three_shapes() {
    let (hub, _upstream) = with("openai", Reply::json(200, CHAT.answer)).await;
    let openai = hub.ask("GET", "/v1/models", &[], "").await.json();
    assert!(
        openai["data"].as_array().is_some_and(|list| list
            .iter()
            .any(|model| model["id"] == "m" && model["object"] == "model")),
        "{openai}"
    );
    let anthropic = hub
        .ask(
            "GET",
            "/v1/models?limit=1000",
            &[("anthropic-version", "2023-06-01")],
            "",
        )
        .await
        .json();
    assert!(
        anthropic["data"].as_array().is_some_and(|list| list
            .iter()
            .any(|model| model["id"] == "m" && model["type"] == "model")),
        "{anthropic}"
    );
    assert_eq!(anthropic["has_more"], false);
    for path in ["/v1beta/models", "/v1/models?key=any"] {
        let gemini = hub.ask("GET", path, &[], "").await.json();
        assert!(
            gemini["models"]
                .as_array()
                .is_some_and(|list| list.iter().any(|model| model["name"] == "models/m")),
            "{gemini}"
        );
    }
    assert_eq!(
        hub.ask("GET", "/v1/models/m", &[], "").await.json()["id"],
        "m"
    );
    assert_eq!(
        hub.ask("GET", "/v1beta/models/nope", &[], "").await.json()["error"]["status"],
        "NOT_FOUND"
    );
}

#[tokio::test]
async fn a_conversation_goes_on_over_any_upstream() {
    for up in ALL {
        for stream in [false, true] {
            let reply = if stream {
                Reply::stream(up.steps())
            } else {
                Reply::json(200, up.answer)
            };
            let (hub, upstream) = with(up.format, reply).await;
            let first = hub
                .post(
                    RESPONSES.path,
                    if stream {
                        RESPONSES.stream_request
                    } else {
                        RESPONSES.request
                    },
                )
                .await;
            let what = format!("{} stream {stream}: {}", up.format, first.text);
            let id = first
                .text
                .split("\"id\":\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .expect("an id")
                .to_owned();
            assert!(id.starts_with("resp_"), "{what}");
            let stored = hub
                .ask("GET", &format!("/v1/responses/{id}"), &[], "")
                .await;
            assert_eq!(
                (stored.status, &stored.json()["id"]),
                (200, &json!(id)),
                "{what}"
            );
            let next = format!(
                r#"{{"model":"m","stream":{stream},"input":"and now?","previous_response_id":"{id}"}}"#
            );
            let second = hub.post(RESPONSES.path, &next).await;
            assert_eq!(second.status, 200, "{what}: {}", second.text);
            let asked = upstream.asked().pop().expect("asked");
            if up.format == "openai-responses" {
                assert_eq!(asked.body, next, "the provider keeps its own history");
            } else {
                for text in ["hi", "hello", "and now?"] {
                    assert!(asked.body.contains(text), "{what}: {}", asked.body);
                }
            }
            let input = hub
                .ask("GET", &format!("/v1/responses/{id}/input_items"), &[], "")
                .await
                .json();
            // The scripted provider gives both answers one id, so the second, with its history, replaced the first.
            let items = if up.format == "openai-responses" {
                3
            } else {
                1
            };
            assert_eq!(
                input["data"].as_array().map(Vec::len),
                Some(items),
                "{what}"
            );
            assert_eq!(
                hub.ask("DELETE", &format!("/v1/responses/{id}"), &[], "")
                    .await
                    .json()["deleted"],
                true
            );
            assert_eq!(
                hub.ask("GET", &format!("/v1/responses/{id}"), &[], "")
                    .await
                    .status,
                404
            );
            if up.format != "openai-responses" {
                let gone = hub.post(RESPONSES.path, &next).await;
                assert_eq!(
                    (gone.status, &gone.json()["error"]["code"]),
                    (400, &json!("previous_response_not_found"))
                );
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_to_be_stored_is_not() {
    let (hub, _upstream) = with("openai", Reply::json(200, CHAT.answer)).await;
    let answer = hub
        .post(
            RESPONSES.path,
            &RESPONSES.request.replacen('{', r#"{"store":false,"#, 1),
        )
        .await
        .json();
    let id = answer["id"].as_str().expect("an id");
    assert_eq!(
        hub.ask("GET", &format!("/v1/responses/{id}"), &[], "")
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn counts_say_whether_they_are_exact() {
    for (format, reply, how) in [
        (
            "anthropic",
            Reply::json(200, r#"{"input_tokens":77}"#),
            "exact",
        ),
        ("gemini", Reply::json(200, r#"{"totalTokens":77}"#), "exact"),
        (
            "openai-responses",
            Reply::json(
                200,
                r#"{"object":"response.input_tokens","input_tokens":77}"#,
            ),
            "exact",
        ),
        ("anthropic", Reply::json(500, "{}"), "estimated"),
        (
            "anthropic",
            Reply::json(200, r#"{"input_tokens":77}"#).after(2_000),
            "estimated",
        ),
        ("openai", Reply::json(200, "{}"), "estimated"),
    ] {
        let (hub, _upstream) = with(format, reply).await;
        for (path, body, member) in [
            (
                "/v1/messages/count_tokens?beta=true",
                r#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#,
                "input_tokens",
            ),
            (
                "/v1beta/models/m:countTokens",
                GEMINI.request,
                "totalTokens",
            ),
            (
                "/v1/responses/input_tokens",
                RESPONSES.request,
                "input_tokens",
            ),
        ] {
            let answer = hub.post(path, body).await;
            assert_eq!(
                answer.header("x-bridge-count"),
                Some(how),
                "{format} {path}: {}",
                answer.text
            );
            let count = answer.json()[member].as_u64().expect("a count");
            assert_eq!(count == 77, how == "exact", "{format} {path}");
            assert!(count > 0);
        }
    }
}

#[tokio::test]
async fn embeddings_any_to_any() {
    let openai = r#"{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.6,0.8]}],"model":"m","usage":{"prompt_tokens":2,"total_tokens":2}}"#;
    for (format, reply) in [
        ("openai", openai),
        (
            "gemini",
            r#"{"embeddings":[{"values":[3,4]}],"embedding":{"values":[3,4]}}"#,
        ),
    ] {
        let (hub, _upstream) = with(format, Reply::json(200, reply)).await;
        let answer = hub
            .post("/v1/embeddings", r#"{"model":"m","input":"hi"}"#)
            .await
            .json();
        assert_eq!(
            answer["data"][0]["embedding"],
            json!([0.6, 0.8]),
            "{format}: {answer}"
        );
        let packed = hub
            .post(
                "/v1/embeddings",
                r#"{"model":"m","input":["hi"],"encoding_format":"base64"}"#,
            )
            .await;
        if format == "gemini" {
            assert_eq!(
                packed.json()["data"][0]["embedding"],
                "mpkZP83MTD8=",
                "{}",
                packed.text
            );
        }
        let content = r#"{"content":{"parts":[{"text":"hi"}]}}"#;
        let one = hub
            .post("/v1beta/models/m:embedContent", content)
            .await
            .json();
        assert_eq!(
            one["embedding"]["values"].as_array().map(Vec::len),
            Some(2),
            "{format}: {one}"
        );
        let many = hub
            .post(
                "/v1beta/models/m:batchEmbedContents",
                &format!(r#"{{"requests":[{content}]}}"#),
            )
            .await
            .json();
        assert_eq!(
            many["embeddings"].as_array().map(Vec::len),
            Some(1),
            "{format}: {many}"
        );
    }
    let (hub, _upstream) = with("anthropic", Reply::json(200, "{}")).await;
    assert_eq!(
        hub.post("/v1/embeddings", r#"{"model":"m","input":"hi"}"#)
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn the_aliases_and_other_paths_answer() {
    let (hub, _upstream) = with("openai", Reply::json(200, CHAT.answer)).await;
    for (path, body) in [
        ("/v1/anthropic/completions", MESSAGES.request),
        (
            "/v1/gemini/completions",
            r#"{"model":"m","contents":[{"role":"user","parts":[{"text":"hi"}]}]}"#,
        ),
        ("/v1/gemini/completions", CHAT.request),
        ("/v1/models/m:generateContent", GEMINI.request),
        ("/v1alpha/models/m:generateContent", GEMINI.request),
        (
            "/v1beta1/publishers/google/models/m:generateContent",
            GEMINI.request,
        ),
        (
            "/v1beta1/projects/p/locations/l/publishers/google/models/m:generateContent",
            GEMINI.request,
        ),
    ] {
        let answer = hub.post(path, body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        let shape = if path.contains("anthropic") {
            "content"
        } else {
            "candidates"
        };
        assert!(answer.json()[shape].is_array(), "{path}: {}", answer.text);
    }
}

#[tokio::test]
async fn a_gemini_stream_without_sse_is_a_list() {
    for up in ALL {
        let (hub, _upstream) = with(up.format, Reply::stream(up.steps())).await;
        let answer = hub
            .post("/v1beta/models/m:streamGenerateContent", GEMINI.request)
            .await;
        let list = answer.json();
        assert!(
            list.as_array().is_some_and(|list| list.len() >= 2),
            "{}: {}",
            up.format,
            answer.text
        );
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[tokio::test]
async fn direct_mode_passes_or_refuses() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let yaml = format!(
        "AUTH: open\nMODE: direct\nMAX_TOKENS_LIMIT: 5\nPROVIDERS:\n{}",
        provider("one", "openai", &upstream, "")
    );
    let hub = TestHub::start(&yaml).await;
    let body = CHAT
        .request
        .replacen('{', r#"{"max_tokens": 100,  "odd":[1],"#, 1);
    assert_eq!(hub.post(CHAT.path, &body).await.status, 200);
    assert_eq!(upstream.asked()[0].body, body);
    assert_eq!(hub.post(MESSAGES.path, MESSAGES.request).await.status, 400);
}

#[tokio::test]
async fn keys_and_metrics_are_counted() {
    let (hub, _upstream) = with("openai", Reply::json(200, CHAT.answer)).await;
    hub.post(CHAT.path, CHAT.request).await;
    hub.records(1).await;
    let stats = hub.ask("GET", "/v1/api-keys/stats", &[], "").await;
    assert!(!stats.text.contains("key-one-one"), "{}", stats.text);
    let used = stats.json()["data"]
        .as_array()
        .map(|list| list.iter().filter(|key| key["total"] == 1).count());
    assert_eq!(used, Some(1), "{}", stats.text);
    let metrics = hub.ask("GET", "/metrics", &[], "").await.text;
    for line in [
        "bridge_requests_total{",
        "bridge_attempts_total{",
        "bridge_tokens_total{",
        "bridge_ledger_written_total 1",
        "# EOF",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
}
