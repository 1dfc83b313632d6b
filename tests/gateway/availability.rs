//! Stopping in order, slow clients, size limits, speed.

use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::hub::{TestHub, provider, quick};
use crate::samples::{ALL, CHAT, MESSAGES};
use crate::upstream::{Reply, Step, Upstream};
use bridge::gateway::Tuning;

#[tokio::test]
async fn a_stop_lets_streams_finish_and_loses_no_record() {
    let mut steps = CHAT.steps();
    steps.insert(2, Step::Wait(400));
    let upstream = Upstream::start([Reply::stream(steps)]).await;
    let mut hub = TestHub::before(&[provider("one", "openai", &upstream, "")]).await;
    let mut response = hub.send("POST", CHAT.path, &[], CHAT.stream_request).await;
    assert!(response.body_mut().frame().await.is_some());
    let stopped = hub.stop();
    let answer = crate::hub::read(response).await;
    assert!(answer.text.ends_with("[DONE]\n\n"), "{}", answer.text);
    tokio::time::timeout(Duration::from_secs(3), stopped)
        .await
        .expect("in time")
        .expect("no panic");
    assert!(hub.hub.is_stopping() && TcpStream::connect(hub.address).await.is_err());
    assert_eq!(hub.records(1).await[0]["outcome"], "ok");
}

#[tokio::test]
async fn a_stream_that_outlasts_the_grace_is_told_so_in_its_dialect() {
    for sample in ALL {
        let mut steps: Vec<Step> = sample.steps();
        steps.truncate(sample.before_end);
        steps.push(Step::Hang);
        let upstream = Upstream::start([Reply::stream(steps)]).await;
        let line = provider("one", sample.format, &upstream, "");
        let mut hub = TestHub::before(&[line]).await;
        let mut response = hub
            .send("POST", sample.stream_path, &[], sample.stream_request)
            .await;
        assert!(response.body_mut().frame().await.is_some());
        let stopped = hub.stop();
        let answer = crate::hub::read(response).await;
        assert!(
            answer.text.contains(sample.error_mark) && answer.text.contains("the hub is stopping"),
            "{}: {}",
            sample.format,
            answer.text
        );
        assert!(!answer.text.contains(sample.end_mark), "{}", answer.text);
        tokio::time::timeout(Duration::from_secs(5), stopped)
            .await
            .expect("in time")
            .expect("no panic");
        assert_eq!(hub.records(1).await[0]["outcome"], "cut");
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_in_the_callers_dialect() {
    for sample in ALL {
        let upstream = Upstream::start([Reply::json(200, sample.answer)]).await;
        let hub = TestHub::start(&format!(
            "AUTH: open\nMAX_BODY_SIZE: 2000\nPROVIDERS:\n{}",
            provider("one", sample.format, &upstream, "")
        ))
        .await;
        let answer = hub
            .post(
                sample.path,
                &sample.request.replace("hi", &"x".repeat(3_000)),
            )
            .await;
        // Google has no status of its own for this.
        let want = if sample.format == "gemini" { 400 } else { 413 };
        assert_eq!(answer.status, want, "{}: {}", sample.format, answer.text);
        assert!(upstream.asked().is_empty());
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let yaml = format!(
        "AUTH: open\nPROVIDERS:\n{}",
        provider("one", "openai", &upstream, "")
    );
    let hub = TestHub::tuned(
        &yaml,
        Tuning {
            body_idle: Duration::from_millis(100),
            ..quick()
        },
    )
    .await;
    let mut stream = TcpStream::connect(hub.address).await.expect("open");
    stream
        .write_all(
            b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{\"mo",
        )
        .await
        .expect("open");
    let mut text = vec![0; 4_096];
    let read = tokio::time::timeout(Duration::from_secs(3), stream.read(&mut text))
        .await
        .expect("in time")
        .expect("open");
    assert!(
        String::from_utf8_lossy(&text[..read]).starts_with("HTTP/1.1 504"),
        "{}",
        String::from_utf8_lossy(&text[..read])
    );
    assert!(upstream.asked().is_empty());
}

#[tokio::test]
async fn smuggled_requests_are_refused() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let hub = TestHub::before(&[provider("one", "openai", &upstream, "")]).await;
    for head in [
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ncontent-length: 5\r\n\r\nabcd",
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: +4\r\n\r\nabcd",
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx: a\r\n b\r\n\r\n",
        "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx: a\0b\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(hub.address).await.expect("open");
        stream.write_all(head.as_bytes()).await.expect("open");
        let mut text = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(3), stream.read_to_end(&mut text))
            .await
            .expect("closed");
        assert!(
            text.is_empty() || text.starts_with(b"HTTP/1.1 400"),
            "{head}: {}",
            String::from_utf8_lossy(&text)
        );
    }
    assert!(upstream.asked().is_empty());
}

#[tokio::test]
async fn no_answer_waits_for_a_delayed_acknowledgement() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let hub = TestHub::before(&[provider("one", "openai", &upstream, "")]).await;
    let mut times = Vec::new();
    for _ in 0..60 {
        let started = Instant::now();
        assert_eq!(hub.post(CHAT.path, CHAT.request).await.status, 200);
        times.push(started.elapsed());
    }
    times.sort();
    // A delayed acknowledgement costs 40 ms every time; what a busy machine adds comes now and then.
    let quarter = times[15];
    assert!(
        quarter < Duration::from_millis(5),
        "a quarter of the answers took up to {quarter:?}"
    );
}

#[tokio::test]
async fn a_full_provider_is_busy_and_the_next_one_serves() {
    let slow = Upstream::start([Reply::json(200, CHAT.answer).after(500)]).await;
    let quick = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let hub = TestHub::before(&[
        provider("one", "openai", &slow, "priority: 1, max_concurrency: 1"),
        provider("two", "openai", &quick, "priority: 2"),
    ])
    .await;
    let (first, second) = tokio::join!(hub.post(CHAT.path, CHAT.request), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        hub.post(CHAT.path, CHAT.request).await
    });
    assert_eq!(
        (
            first.header("x-bridge-provider"),
            second.header("x-bridge-provider")
        ),
        (Some("one"), Some("two"))
    );
}

#[tokio::test]
async fn streams_that_are_cut_open_the_breaker() {
    let cut = MESSAGES.broken([Step::Wait(10), Step::Cut]);
    // Usage comes first in this dialect: it makes neither content nor a success.
    let usage_first = vec![Step::Send(MESSAGES.frames[0].to_owned()), Step::Cut];
    for (how, steps, outcome) in [
        ("after content", cut, "cut"),
        ("after usage", usage_first, "error"),
    ] {
        for client in [&MESSAGES, &CHAT] {
            let what = format!("{how}, to {}", client.format);
            let upstream = Upstream::start([Reply::stream(steps.clone())]).await;
            let line = provider("one", "anthropic", &upstream, "max_retries: 0");
            let hub = TestHub::start(&format!(
                "AUTH: open\nCIRCUIT_BREAKER: {{failure_threshold: 2, recovery_timeout: 60}}\nPROVIDERS:\n{line}"
            ))
            .await;
            for call in 1..=2 {
                hub.post(client.stream_path, client.stream_request).await;
                let state = &hub.hub.breakers.states(Instant::now())[0];
                assert_eq!(state.failures, call, "{what}");
            }
            let refused = hub.post(client.stream_path, client.stream_request).await;
            assert!(refused.text.contains("breaker"), "{what}: {}", refused.text);
            assert_eq!(upstream.asked().len(), 2, "{what}");
            let records = hub.records(3).await;
            assert_eq!(records[0]["outcome"], outcome, "{what}");
        }
    }
}

#[tokio::test]
async fn a_probe_that_streams_does_not_keep_others_out() {
    let slow = vec![
        Step::Send(CHAT.frames.concat().replace("data: [DONE]\n\n", "")),
        Step::Wait(400),
        Step::Send("data: [DONE]\n\n".to_owned()),
    ];
    let upstream = Upstream::start([Reply::json(500, "{}"), Reply::stream(slow)]).await;
    let line = provider("one", "openai", &upstream, "max_retries: 0");
    let hub = TestHub::start(&format!(
        "AUTH: open\nCIRCUIT_BREAKER: {{failure_threshold: 1, recovery_timeout: 1}}\nPROVIDERS:\n{line}"
    ))
    .await;
    assert_eq!(hub.post(CHAT.path, CHAT.stream_request).await.status, 500);
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    let probe = hub.send("POST", CHAT.path, &[], CHAT.stream_request).await;
    assert_eq!(probe.status(), 200);
    let beside = hub.post(CHAT.path, CHAT.stream_request).await;
    assert_eq!(beside.status, 200, "{}", beside.text);
    assert!(crate::hub::read(probe).await.text.contains("[DONE]"));
    assert_eq!(hub.hub.breakers.states(Instant::now())[0].failures, 0);
}
