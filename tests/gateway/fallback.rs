//! Which failure is followed by what.

use crate::hub::{TestHub, provider};
use crate::samples::{ALL, CHAT, GEMINI, MESSAGES, RESPONSES};
use crate::upstream::{Reply, Step, Upstream};

const LIMITED: &str =
    r#"{"error":{"message":"slow down","type":"requests","code":"rate_limit_exceeded"}}"#;
const BROKEN: &str = r#"{"error":{"message":"oh no","type":"server_error"}}"#;
const WRONG: &str = r#"{"error":{"message":"no such parameter","type":"invalid_request_error"}}"#;

struct Case {
    name: &'static str,
    first: Vec<Reply>,
    stream: bool,
    /// Calls that the first provider sees, then the second.
    calls: (usize, usize),
    status: u16,
}

#[tokio::test]
async fn each_failure_has_its_consequence() {
    let whole = || Reply::json(200, CHAT.answer);
    let good = || Reply::stream(CHAT.steps());
    let early = || {
        Reply::stream(vec![Step::Send(
            "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n".to_owned(),
        )])
    };
    let cases = [
        Case {
            name: "429 goes to the next key",
            first: vec![Reply::json(429, LIMITED), whole()],
            stream: false,
            calls: (2, 0),
            status: 200,
        },
        Case {
            name: "429 on all keys goes to the next target",
            first: vec![Reply::json(429, LIMITED)],
            stream: false,
            calls: (2, 1),
            status: 200,
        },
        Case {
            name: "401 sets the key aside",
            first: vec![Reply::json(401, BROKEN), whole()],
            stream: false,
            calls: (2, 0),
            status: 200,
        },
        Case {
            name: "500 goes to the next target",
            first: vec![Reply::json(500, BROKEN)],
            stream: false,
            calls: (1, 1),
            status: 200,
        },
        Case {
            name: "529 goes to the next target",
            first: vec![Reply::json(529, BROKEN)],
            stream: true,
            calls: (1, 1),
            status: 200,
        },
        Case {
            name: "404 goes to the next target",
            first: vec![Reply::json(404, WRONG)],
            stream: false,
            calls: (1, 1),
            status: 200,
        },
        Case {
            name: "400 is the client's own",
            first: vec![Reply::json(400, WRONG)],
            stream: false,
            calls: (1, 0),
            status: 400,
        },
        Case {
            name: "413 is the client's own",
            first: vec![Reply::json(413, WRONG)],
            stream: true,
            calls: (1, 0),
            status: 413,
        },
        Case {
            name: "an error inside a 200",
            first: vec![Reply::json(200, BROKEN)],
            stream: false,
            calls: (1, 1),
            status: 200,
        },
        Case {
            name: "a page instead of an answer",
            first: vec![Reply::json(200, "<html>")],
            stream: false,
            calls: (1, 1),
            status: 200,
        },
        Case {
            name: "a page instead of a stream",
            first: vec![Reply::json(200, "<html>\n</html>\n")],
            stream: true,
            calls: (1, 1),
            status: 200,
        },
        Case {
            name: "half an answer",
            first: vec![Reply {
                steps: vec![Step::Send("{".to_owned()), Step::Cut],
                ..whole()
            }],
            stream: false,
            calls: (1, 1),
            status: 200,
        },
        Case {
            name: "a stream that fails before content",
            first: vec![early()],
            stream: true,
            calls: (1, 1),
            status: 200,
        },
        Case {
            name: "a stream that ends before content",
            first: vec![Reply::stream(CHAT.steps()[..1].to_vec())],
            stream: true,
            calls: (1, 1),
            status: 200,
        },
        Case {
            name: "a stream that breaks after content",
            first: vec![Reply::stream(CHAT.broken([Step::Wait(20), Step::Cut]))],
            stream: true,
            calls: (1, 0),
            status: 200,
        },
    ];
    for case in cases {
        let first = Upstream::start(case.first).await;
        let second = Upstream::start([if case.stream { good() } else { whole() }]).await;
        let hub = TestHub::before(&[
            provider("one", "openai", &first, "priority: 1, max_retries: 0"),
            provider("two", "openai", &second, "priority: 2, max_retries: 0"),
        ])
        .await;
        let answer = hub
            .post(
                CHAT.path,
                if case.stream {
                    CHAT.stream_request
                } else {
                    CHAT.request
                },
            )
            .await;
        assert_eq!(answer.status, case.status, "{}: {}", case.name, answer.text);
        assert_eq!(
            (first.asked().len(), second.asked().len()),
            case.calls,
            "{}",
            case.name
        );
        let record = &hub.records(1).await[0];
        let attempts = record["attempts"].as_array().map_or(0, Vec::len);
        assert_eq!(
            attempts,
            case.calls.0 + case.calls.1,
            "{}: {record:#}",
            case.name
        );
        assert!(
            answer.header("x-bridge-attempts").is_some(),
            "{}",
            case.name
        );
    }
}

#[tokio::test]
async fn the_same_target_is_tried_again_when_it_may_help() {
    let upstream = Upstream::start([
        Reply::json(503, BROKEN),
        Reply::json(502, BROKEN),
        Reply::json(200, CHAT.answer),
    ])
    .await;
    let hub = TestHub::before(&[provider("one", "openai", &upstream, "max_retries: 2")]).await;
    assert_eq!(hub.post(CHAT.path, CHAT.request).await.status, 200);
    assert_eq!(upstream.asked().len(), 3);
}

#[tokio::test]
async fn a_provider_key_that_is_refused_is_never_the_clients_fault() {
    for sample in ALL {
        let upstream = Upstream::start([Reply::json(
            401,
            r#"{"error":{"message":"Incorrect API key provided: key-one-one"}}"#,
        )])
        .await;
        let hub =
            TestHub::before(&[provider("one", sample.format, &upstream, "max_retries: 0")]).await;
        let answer = hub.post(sample.path, sample.request).await;
        assert!(
            answer.status >= 500,
            "{}: {} {}",
            sample.format,
            answer.status,
            answer.text
        );
        assert!(
            !answer.text.contains("key-one-one") && !answer.text.contains("key-two-one"),
            "{}",
            answer.text
        );
    }
}

#[tokio::test]
async fn a_key_that_google_refuses_with_400_is_set_aside() {
    const BAD: &str = r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}"#;
    for client in ALL {
        let upstream =
            Upstream::start([Reply::json(400, BAD), Reply::json(200, GEMINI.answer)]).await;
        let hub = TestHub::before(&[provider("one", "gemini", &upstream, "")]).await;
        for _ in 0..4 {
            let answer = hub.post(client.path, client.request).await;
            assert_eq!(answer.status, 200, "{}: {}", client.format, answer.text);
        }
        let asked = upstream.asked();
        assert_eq!(asked.len(), 5, "{}", client.format);
        let key = |at: usize| asked[at].headers.get("x-goog-api-key");
        assert_ne!(key(0), key(1));
        assert!((1..5).all(|at| key(at) == key(1)), "{}", client.format);
    }
    let upstream = Upstream::start([Reply::json(400, BAD)]).await;
    let hub = TestHub::before(&[provider("one", "gemini", &upstream, "")]).await;
    for _ in 0..2 {
        let answer = hub.post(GEMINI.path, GEMINI.request).await;
        assert_eq!(answer.status, 500, "{}", answer.text);
        assert_eq!(answer.json()["error"]["status"], "INTERNAL");
        assert!(!answer.text.contains("API_KEY_INVALID"), "{}", answer.text);
    }
}

#[tokio::test]
async fn a_forbidden_model_does_not_cost_the_key() {
    let cases = [
        (
            &MESSAGES,
            r#"{"type":"error","error":{"type":"permission_error","message":"Your account may not use model m"}}"#,
        ),
        (
            &GEMINI,
            r#"{"error":{"code":403,"message":"You may not use this","status":"PERMISSION_DENIED"}}"#,
        ),
        (
            &CHAT,
            r#"{"error":{"message":"no","type":"invalid_request_error","code":"model_access"}}"#,
        ),
        (
            &RESPONSES,
            r#"{"error":{"message":"You are not allowed to sample from this model","code":null}}"#,
        ),
    ];
    for (vendor, words) in cases {
        for client in ALL {
            let what = format!("{} to {}", client.format, vendor.format);
            let no = || Reply::json(403, words);
            let script = [no(), no(), Reply::json(200, vendor.answer)];
            let upstream = Upstream::start(script).await;
            let hub = TestHub::before(&[provider("one", vendor.format, &upstream, "")]).await;
            let answer = hub.post(client.path, client.request).await;
            assert_eq!(answer.status, 403, "{what}: {}", answer.text);
            assert_eq!(upstream.asked().len(), 2, "{what}: each key may be allowed");
            let answer = hub.post(client.path, client.request).await;
            assert_eq!(answer.status, 200, "{what}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn a_dead_upstream_is_told_in_every_dialect() {
    for client in ALL {
        for format in ["openai", "anthropic", "gemini", "openai-responses"] {
            let provider = format!(
                "  - {{name: one, api_format: {format}, base_url: \"http://127.0.0.1:1\", api_key: key-one-one, allow_private_network: true, max_retries: 0, models: {{big: [m]}}}}\n"
            );
            let hub = TestHub::before(&[provider]).await;
            let answer = hub.post(client.path, client.request).await;
            assert!(
                (500..=504).contains(&answer.status),
                "{} to {format}: {}",
                client.format,
                answer.text
            );
            assert!(
                answer.json()["error"]["message"]
                    .as_str()
                    .is_some_and(|text| text.contains("[one]")),
                "{}",
                answer.text
            );
            assert_eq!(hub.records(1).await[0]["outcome"], "error");
        }
    }
}

#[tokio::test]
async fn exhausted_keys_answer_at_once_with_retry_after() {
    for sample in [&CHAT, &MESSAGES, &GEMINI, &RESPONSES] {
        let upstream = Upstream::start([Reply::json(429, LIMITED).with("retry-after", "7")]).await;
        let hub = TestHub::before(&[provider("one", "openai", &upstream, "max_retries: 0")]).await;
        for _ in 0..2 {
            let answer = hub.post(sample.path, sample.request).await;
            assert_eq!(answer.status, 429, "{}: {}", sample.format, answer.text);
            let wait: u64 = answer
                .header("retry-after")
                .and_then(|text| text.parse().ok())
                .expect("whole seconds");
            assert!((1..=7).contains(&wait), "{wait}");
        }
        assert_eq!(
            upstream.asked().len(),
            2,
            "the second request must not spin"
        );
    }
}

#[tokio::test]
async fn errors_of_the_same_dialect_pass_word_for_word() {
    let words = r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 tokens > 8 maximum"},"extra":1}"#;
    let upstream = Upstream::start([Reply::json(400, words)]).await;
    let hub = TestHub::before(&[provider("one", "anthropic", &upstream, "")]).await;
    let answer = hub.post(MESSAGES.path, MESSAGES.request).await;
    assert_eq!((answer.status, answer.text.as_str()), (400, words));
    assert!(answer.header("request-id").is_some() && answer.header("x-request-id").is_some());
}
