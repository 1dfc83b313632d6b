//! Counting what cannot be believed, and money.

use crate::hub::{TestHub, provider};
use crate::samples::{ALL, CHAT, MESSAGES};
use crate::upstream::{Reply, Step, Upstream};

#[tokio::test]
async fn attack_39_usage_that_cannot_be_is_counted_once_bounded_and_flagged() {
    for (what, usage, flagged) in [
        (
            "negative",
            r#"{"prompt_tokens":-5,"completion_tokens":-1}"#,
            true,
        ),
        (
            "absurd",
            r#"{"prompt_tokens":9223372036854775808,"completion_tokens":2}"#,
            true,
        ),
        (
            "a float",
            r#"{"prompt_tokens":1e300,"completion_tokens":2}"#,
            true,
        ),
        (
            "words",
            r#"{"prompt_tokens":"many","completion_tokens":2}"#,
            true,
        ),
        (
            "a part larger than the whole",
            r#"{"prompt_tokens":3,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":1000}}"#,
            true,
        ),
        ("nothing", "null", false),
        (
            "zero",
            r#"{"prompt_tokens":0,"completion_tokens":0}"#,
            false,
        ),
    ] {
        for client in ALL {
            let answer = CHAT.answer.replace(
                r#"{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}"#,
                usage,
            );
            let frame = format!("data: {{\"choices\":[],\"usage\":{usage}}}\n\n");
            let stream = Reply::stream(vec![
                Step::Send(CHAT.frames[1].to_owned()),
                Step::Send(frame.clone()),
                Step::Send(CHAT.frames[2].to_owned()),
                Step::Send(frame.clone()),
                Step::Send(frame),
                Step::Send("data: [DONE]\n\n".to_owned()),
            ]);
            let upstream = Upstream::start([Reply::json(200, &answer), stream]).await;
            let hub = TestHub::before(&[provider("one", "openai", &upstream, "")]).await;
            assert_eq!(
                hub.post(client.path, client.request).await.status,
                200,
                "{what}"
            );
            assert_eq!(
                hub.post(client.stream_path, client.stream_request)
                    .await
                    .status,
                200,
                "{what}"
            );
            for record in hub.records(2).await {
                let counts = &record["usage"];
                for name in ["input", "output", "uncached", "cache_read"] {
                    assert!(
                        counts[name].as_u64().is_some_and(|count| count < 1 << 40),
                        "{what}: {record:#}"
                    );
                }
                let flags = counts["flags"].to_string();
                assert_eq!(
                    flags.contains("clamped"),
                    flagged,
                    "{what}, {}: {record:#}",
                    client.format
                );
                assert_eq!(
                    counts["source"] == "estimated",
                    what == "nothing",
                    "{what}: {record:#}"
                );
            }
            let metrics = hub.ask("GET", "/metrics", &[], "").await.text;
            assert!(
                !metrics.contains("e+") && !metrics.contains("18446744"),
                "{what}: {metrics}"
            );
        }
    }
}

#[tokio::test]
async fn attack_41_each_try_is_accounted() {
    let down = Upstream::start([Reply::json(500, "{}")]).await;
    let limited = Upstream::start([Reply::json(429, "{}").with("retry-after", "60")]).await;
    let well = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let hub = TestHub::start(&format!(
        "AUTH: open\nPROVIDERS:\n{}{}{}ROUTES:\n  - {{name: r, match: {{model: m}}, targets: [{{provider: a, model: m}}, {{provider: b, model: m}}, {{provider: c, model: m}}]}}\n",
        provider("a", "openai", &down, "max_retries: 2"),
        provider("b", "openai", &limited, "max_retries: 2"),
        provider("c", "openai", &well, "")
    ))
    .await;
    let answer = hub.post(CHAT.path, CHAT.request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let record = &hub.records(1).await[0];
    let attempts = record["attempts"].as_array().expect("a list");
    let calls = down.asked().len() + limited.asked().len() + well.asked().len();
    assert_eq!(attempts.len(), calls, "{record:#}");
    // 1 and 2 retries, both keys of the limited one, and the one that answered: no more.
    assert!(
        down.asked().len() <= 3 && limited.asked().len() <= 2 && well.asked().len() == 1,
        "{record:#}"
    );
    assert_eq!(record["usage"]["input"], 3);
    assert_eq!(
        answer.header("x-bridge-attempts"),
        Some(calls.to_string().as_str())
    );
    // A fault of the client's is nobody else's call.
    let refusing = Upstream::start([Reply::json(
        400,
        r#"{"type":"error","error":{"type":"invalid_request_error","message":"no"}}"#,
    )])
    .await;
    let hub = TestHub::before(&[provider("one", "anthropic", &refusing, "max_retries: 5")]).await;
    assert_eq!(hub.post(MESSAGES.path, MESSAGES.request).await.status, 400);
    assert_eq!(refusing.asked().len(), 1);
}
