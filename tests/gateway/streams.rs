//! Streams: complete, broken, silent, abandoned.

use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;

use crate::hub::{TestHub, provider, quick, read};
use crate::samples::{ALL, CHAT, MESSAGES};
use crate::upstream::{Reply, Step, Upstream};

#[tokio::test]
async fn complete_streams_are_complete_for_every_pair() {
    for client in ALL {
        for up in ALL {
            let what = format!("{} to {}", client.format, up.format);
            let upstream = Upstream::start([Reply::stream(up.steps())]).await;
            let hub = TestHub::before(&[provider("one", up.format, &upstream, "")]).await;
            let answer = hub.post(client.stream_path, client.stream_request).await;
            assert_eq!(answer.status, 200, "{what}: {}", answer.text);
            assert!(
                answer.text.contains("hello") && answer.text.contains(client.end_mark),
                "{what}: {}",
                answer.text
            );
            assert!(
                !answer.text.contains("\"error\":{"),
                "{what}: {}",
                answer.text
            );
            let record = &hub.records(1).await[0];
            assert_eq!(record["outcome"], "ok", "{what}: {record:#}");
            assert_eq!(
                (&record["usage"]["input"], &record["usage"]["output"]),
                (&3.into(), &2.into()),
                "{what}"
            );
        }
    }
}

#[tokio::test]
async fn broken_streams_end_with_an_error_in_every_client_dialect() {
    for client in ALL {
        for up in ALL {
            for (how, steps) in [
                ("cut", up.broken([Step::Wait(20), Step::Cut])),
                ("ended", up.broken([])),
                (
                    "half a frame",
                    up.broken([
                        Step::Send("data: {\"cho".to_owned()),
                        Step::Wait(20),
                        Step::Cut,
                    ]),
                ),
            ] {
                let what = format!("{} to {}, {how}", client.format, up.format);
                let upstream = Upstream::start([Reply::stream(steps)]).await;
                let hub =
                    TestHub::before(&[provider("one", up.format, &upstream, "max_retries: 0")])
                        .await;
                let answer = hub.post(client.stream_path, client.stream_request).await;
                assert_eq!(answer.status, 200, "{what}");
                assert!(answer.text.contains("hello"), "{what}: {}", answer.text);
                assert!(
                    answer.text.contains(client.error_mark),
                    "{what}: {}",
                    answer.text
                );
                assert!(
                    !answer.text.contains(client.end_mark),
                    "{what}: {}",
                    answer.text
                );
                assert!(!answer.text.contains("{\"cho\n"), "{what}: {}", answer.text);
                for line in answer
                    .text
                    .lines()
                    .filter_map(|line| line.strip_prefix("data: "))
                {
                    assert!(
                        serde_json::from_str::<serde_json::Value>(line).is_ok(),
                        "{what}: {line}"
                    );
                }
                let records = hub.records(1).await;
                assert_eq!(records[0]["outcome"], "cut", "{what}");
            }
        }
    }
}

#[tokio::test]
async fn a_passing_stream_is_byte_for_byte_the_upstreams() {
    let upstream = Upstream::start([Reply::stream(MESSAGES.steps())]).await;
    let hub = TestHub::before(&[provider("one", "anthropic", &upstream, "")]).await;
    let answer = hub
        .post(MESSAGES.stream_path, MESSAGES.stream_request)
        .await;
    assert_eq!(answer.text, MESSAGES.frames.concat());
    let asked = &upstream.asked()[0];
    assert_eq!(asked.path, "/v1/messages?beta=true");
    assert_eq!(asked.body, MESSAGES.stream_request);
}

#[tokio::test]
async fn usage_is_known_although_the_client_did_not_ask() {
    let upstream = Upstream::start([Reply::stream(CHAT.steps())]).await;
    let hub = TestHub::before(&[provider("one", "openai", &upstream, "")]).await;
    let answer = hub.post(CHAT.path, CHAT.stream_request).await;
    assert!(
        upstream.asked()[0]
            .body
            .contains(r#""stream_options":{"include_usage":true}"#)
    );
    assert!(
        !answer.text.contains("\"usage\":{") && answer.text.contains("[DONE]"),
        "{}",
        answer.text
    );
    let asked = CHAT.stream_request.replace(
        "\"stream\":true",
        "\"stream\":true,\"stream_options\":{\"include_usage\":true}",
    );
    let answer = hub.post(CHAT.path, &asked).await;
    assert!(answer.text.contains("\"usage\":{"), "{}", answer.text);
    for record in hub.records(2).await {
        assert_eq!(record["usage"]["output"], 2);
    }
}

#[tokio::test]
async fn a_client_that_leaves_cancels_the_upstream_and_is_settled_once() {
    for (client, up) in ALL
        .into_iter()
        .zip(ALL)
        .chain(ALL.into_iter().zip(ALL.into_iter().rev()))
    {
        let what = format!("{} to {}", client.format, up.format);
        let upstream = Upstream::start([Reply::stream(up.broken([Step::Hang]))]).await;
        let hub = TestHub::before(&[provider("one", up.format, &upstream, "")]).await;
        let mut response = hub
            .send("POST", client.stream_path, &[], client.stream_request)
            .await;
        assert!(response.body_mut().frame().await.is_some(), "{what}");
        drop(response);
        assert!(upstream.abandoned(1).await, "{what}: the upstream goes on");
        let records = hub.records(1).await;
        assert_eq!(records[0]["outcome"], "cancelled", "{what}");
        assert_eq!(hub.hub.metrics.gauges.in_flight.get(), 0, "{what}");
        assert_eq!(hub.hub.gates.busy("one"), 0, "{what}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_before_the_answer_is_settled_too() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer).after(5_000)]).await;
    let hub = TestHub::before(&[provider("one", "openai", &upstream, "")]).await;
    let asked = tokio::time::timeout(
        Duration::from_millis(100),
        hub.post(CHAT.path, CHAT.request),
    )
    .await;
    assert!(asked.is_err());
    let records = hub.records(1).await;
    assert_eq!(
        (&records[0]["outcome"], &records[0]["status"]),
        (&"cancelled".into(), &499.into())
    );
    assert_eq!(hub.hub.gates.busy("one"), 0);
}

#[tokio::test]
async fn silence_is_filled_with_heartbeats_before_and_after_the_first_content() {
    for client in ALL {
        let mut steps = vec![Step::Wait(700)];
        steps.extend(client.steps());
        steps.insert(1 + client.before_end, Step::Wait(400));
        let upstream = Upstream::start([Reply::stream(steps)]).await;
        let hub = TestHub::before(&[provider("one", client.format, &upstream, "")]).await;
        let started = Instant::now();
        let response = hub
            .send("POST", client.stream_path, &[], client.stream_request)
            .await;
        assert!(
            started.elapsed() < Duration::from_millis(600),
            "{}: the head comes after the grace",
            client.format
        );
        let answer = read(response).await;
        let plain: String = client.frames.concat();
        assert!(answer.text.len() > plain.len() - 200, "{}", answer.text);
        let beat = match client.format {
            "anthropic" => "event: ping\n",
            "gemini" => "\n",
            _ => ": ping\n\n",
        };
        assert!(
            answer.text.starts_with(beat),
            "{}: {}",
            client.format,
            answer.text
        );
        assert!(
            answer.text.contains(client.end_mark),
            "{}: {}",
            client.format,
            answer.text
        );
        if client.format == "gemini" {
            assert!(
                !answer.text.contains("ping"),
                "Google's clients choke on comments"
            );
        }
    }
}

#[tokio::test]
async fn a_failure_after_the_head_is_told_inside_the_stream() {
    for client in ALL {
        let upstream =
            Upstream::start([Reply::json(500, r#"{"error":{"message":"oh no"}}"#).after(600)])
                .await;
        let hub =
            TestHub::before(&[provider("one", client.format, &upstream, "max_retries: 0")]).await;
        let answer = hub.post(client.stream_path, client.stream_request).await;
        assert_eq!(answer.status, 200, "{}", client.format);
        assert!(
            answer.text.contains(client.error_mark),
            "{}: {}",
            client.format,
            answer.text
        );
        assert_eq!(hub.records(1).await[0]["outcome"], "error");
    }
}

#[tokio::test]
async fn a_silent_upstream_is_given_up() {
    for client in ALL {
        let upstream = Upstream::start([Reply::stream(client.broken([Step::Hang]))]).await;
        let hub = TestHub::before(&[provider(
            "one",
            client.format,
            &upstream,
            "max_retries: 0, timeout: 1",
        )])
        .await;
        let answer = hub.post(client.stream_path, client.stream_request).await;
        assert!(
            answer.text.contains("hello") && answer.text.contains(client.error_mark),
            "{}",
            answer.text
        );
        assert_eq!(hub.records(1).await[0]["outcome"], "cut");
        assert!(upstream.abandoned(1).await);
    }
}

#[tokio::test]
async fn an_upstream_that_never_closes_does_not_keep_the_client() {
    let mut steps = CHAT.steps();
    steps.push(Step::Hang);
    let upstream = Upstream::start([Reply::stream(steps)]).await;
    let hub = TestHub::tuned(
        &format!(
            "AUTH: open\nPROVIDERS:\n{}",
            provider("one", "openai", &upstream, "")
        ),
        quick(),
    )
    .await;
    let started = Instant::now();
    let answer = hub.post(CHAT.path, CHAT.stream_request).await;
    assert!(answer.text.ends_with("[DONE]\n\n"), "{}", answer.text);
    assert!(
        started.elapsed() < Duration::from_secs(1),
        "{:?}",
        started.elapsed()
    );
    assert_eq!(hub.records(1).await[0]["outcome"], "ok");
}
