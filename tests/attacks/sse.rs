//! Streams as a broken or hostile upstream writes them: the client gets an ending of its dialect, memory stays bounded.

use std::time::{Duration, Instant};

use crate::hub::{TestHub, quick};
use crate::samples::{ALL, CHAT};
use crate::wire::RawUpstream;

const HEAD: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";

fn delta(text: &str) -> String {
    format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}}}}]}}\n\n")
}

const STOP: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

async fn run(parts: Vec<(u64, Vec<u8>)>, tell: impl Fn(&crate::samples::Sample, &str)) {
    let upstream = RawUpstream::start(parts).await;
    let tuning = bridge::gateway::Tuning {
        max_answer: 4 << 20,
        ..quick()
    };
    let yaml = format!(
        "AUTH: open\nPROVIDERS:\n{}",
        upstream.provider("openai", "timeout: 1")
    );
    let hub = TestHub::tuned(&yaml, tuning).await;
    for client in ALL {
        let began = Instant::now();
        let answer = hub.post(client.stream_path, client.stream_request).await;
        assert!(
            began.elapsed() < Duration::from_secs(9),
            "{}: {:?}",
            client.format,
            began.elapsed()
        );
        let shown: String = answer.text.chars().take(600).collect();
        assert!(
            answer.status == 200 || answer.status >= 500,
            "{}: {} {shown}",
            client.format,
            answer.status
        );
        if answer.status == 200 {
            tell(client, &answer.text);
        } else {
            answer.json();
        }
    }
}

/// Ended with an error, and with nothing that looks like success.
fn broken(client: &crate::samples::Sample, text: &str) {
    let tail: String = text
        .chars()
        .rev()
        .take(900)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    assert!(
        text.contains(client.error_mark),
        "{}: {tail}",
        client.format
    );
    assert!(!text.contains(client.end_mark), "{}: {tail}", client.format);
}

fn complete(client: &crate::samples::Sample, text: &str) {
    assert!(
        text.contains(client.end_mark),
        "{}: {text:.900}",
        client.format
    );
    assert!(
        !text.contains(client.error_mark),
        "{}: {text:.900}",
        client.format
    );
    assert_eq!(
        text.matches(client.end_mark).count(),
        1,
        "{}: {text:.900}",
        client.format
    );
}

fn stream(parts: &[&str]) -> Vec<(u64, Vec<u8>)> {
    let mut all = vec![(0, HEAD.as_bytes().to_vec())];
    all.extend(parts.iter().map(|part| (0, part.as_bytes().to_vec())));
    all
}

#[tokio::test]
async fn attack_34_lines_without_an_end() {
    let mut endless = stream(&[&delta("hello")]);
    endless.push((0, b"data: {\"x\":\"".to_vec()));
    endless.extend((0..40).map(|_| (0, vec![b'x'; 1 << 20])));
    run(endless, broken).await;
}

#[tokio::test]
async fn attack_34_frames_that_are_no_json_or_come_twice() {
    let hello = delta("hello");
    run(
        stream(&[
            &hello,
            STOP,
            "data: [DONE]\n\n",
            &delta("late"),
            STOP,
            "data: [DONE]\n\n",
        ]),
        |client, text| {
            complete(client, text);
            assert!(!text.contains("late"), "{}: {text}", client.format);
        },
    )
    .await;
    run(
        stream(&[&hello, STOP, STOP, "data: [DONE]\n\n"]),
        |client, text| {
            if client.format != "openai" {
                complete(client, text);
            }
        },
    )
    .await;
    run(stream(&[&hello]), broken).await;
    run(stream(&[&hello, "data: {\"choices\":[{\"ind"]), broken).await;
    run(
        stream(&[&hello, "data: nonsense\n\n", STOP, "data: [DONE]\n\n"]),
        |client, text| {
            assert!(
                text.contains(client.end_mark) != text.contains(client.error_mark),
                "{}: {text}",
                client.format
            );
        },
    )
    .await;
}

#[tokio::test]
async fn attack_34_framing_tricks() {
    let whole = format!("{}{STOP}data: [DONE]\n\n", delta("hé你🎈"));
    let carriage = whole.replace('\n', "\r");
    let bytes: Vec<(u64, Vec<u8>)> = std::iter::once((0, HEAD.as_bytes().to_vec()))
        .chain(whole.bytes().map(|byte| (0, vec![byte])))
        .collect();
    for parts in [bytes, stream(&[&carriage])] {
        run(parts, |client, text| {
            if client.format != "openai" {
                complete(client, text);
            }
            assert!(text.contains("hé你🎈"), "{}: {text}", client.format);
        })
        .await;
    }
}

#[tokio::test]
async fn attack_34_silence_is_ended_by_the_clock() {
    let mut silent = stream(&[&delta("hello")]);
    silent.push((30_000, Vec::new()));
    run(silent, broken).await;
    // Bytes that are no progress: comments keep the connection alive, and a client that waits is told that it lives.
    let never = vec![(0, HEAD.as_bytes().to_vec()), (30_000, Vec::new())];
    run(never, |client, text| {
        assert!(
            text.contains(client.error_mark),
            "{}: {text}",
            client.format
        );
    })
    .await;
    assert!(!CHAT.frames.is_empty());
}
