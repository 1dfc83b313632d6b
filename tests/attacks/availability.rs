//! The hub goes on when everything around it does not.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::hub::{TestHub, provider};
use crate::program::Program;
use crate::samples::{ALL, CHAT, GEMINI, MESSAGES};
use crate::upstream::{Reply, Step, Upstream};
use crate::wire::{Wire, post};

#[tokio::test]
async fn attack_53_when_all_keys_rest_the_answer_is_immediate() {
    let upstream = Upstream::start([Reply::json(429, "{}").with("retry-after", "9")]).await;
    let hub = TestHub::before(&[provider("one", "openai", &upstream, "max_retries: 3")]).await;
    hub.post(CHAT.path, CHAT.request).await;
    let asked = upstream.asked().len();
    for client in ALL {
        for (path, body) in [
            (client.path, client.request),
            (client.stream_path, client.stream_request),
        ] {
            let began = Instant::now();
            let answer = hub.post(path, body).await;
            assert_eq!(answer.status, 429, "{}", answer.text);
            assert!(began.elapsed() < Duration::from_millis(500));
            let wait: u64 = answer
                .header("retry-after")
                .and_then(|value| value.parse().ok())
                .expect("seconds");
            assert!((7..=9).contains(&wait), "{wait}");
            let json = answer.json();
            assert!(json["error"]["message"].is_string(), "{json}");
            if client.format == MESSAGES.format {
                assert_eq!(json["error"]["type"], "rate_limit_error");
            } else if client.format == GEMINI.format {
                assert_eq!(json["error"]["status"], "RESOURCE_EXHAUSTED");
            }
        }
    }
    assert_eq!(upstream.asked().len(), asked, "nobody was asked");
}

#[tokio::test]
async fn attack_54_answers_that_are_none() {
    let year = "31536000";
    for (what, reply, statuses) in [
        (
            "an error inside",
            Reply::json(200, r#"{"error":{"message":"no quota"}}"#),
            400..=599,
        ),
        ("an empty body", Reply::json(200, ""), 500..=599),
        ("null", Reply::json(200, "null"), 500..=599),
        (
            "a cut document",
            Reply::json(200, &CHAT.answer[..80]),
            500..=599,
        ),
        ("HTML", Reply::json(200, "<html>login</html>"), 500..=599),
        (
            "HTML with 502",
            Reply {
                headers: vec![("content-type", "text/html".to_owned())],
                ..Reply::json(502, "<html>bad gateway</html>")
            },
            500..=599,
        ),
        ("429 without a time", Reply::json(429, "{}"), 429..=429),
        (
            "429 for a year",
            Reply::json(429, "{}").with("retry-after", year),
            429..=429,
        ),
        (
            "429 in words",
            Reply::json(429, "{}").with("retry-after", "soon"),
            429..=429,
        ),
        (
            "204",
            Reply {
                status: 204,
                steps: vec![],
                ..Reply::json(204, "")
            },
            500..=599,
        ),
    ] {
        for client in ALL {
            let upstream = Upstream::start([reply.clone()]).await;
            let hub = TestHub::before(&[provider(
                "one",
                "openai",
                &upstream,
                "max_retries: 0, timeout: 2",
            )])
            .await;
            for (path, body) in [
                (client.path, client.request),
                (client.stream_path, client.stream_request),
            ] {
                let answer = hub.post(path, body).await;
                assert!(
                    statuses.contains(&answer.status),
                    "{what}, {}: {} {}",
                    client.format,
                    answer.status,
                    answer.text
                );
                assert!(!answer.text.contains("<html>"), "{what}: {}", answer.text);
                answer.json();
                if let Some(wait) = answer.header("retry-after") {
                    assert!(
                        wait.parse::<u64>()
                            .is_ok_and(|wait| (1..=86_400).contains(&wait)),
                        "{what}: {wait}"
                    );
                }
            }
            let records = hub.records(2).await;
            assert!(
                records
                    .iter()
                    .all(|record| record["outcome"] == "error" && record["usage"].is_null()),
                "{what}: {records:#?}"
            );
        }
    }
}

#[tokio::test]
async fn attack_55_a_thousand_reloads_cost_no_request() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let line = provider("one", "openai", &upstream, "");
    let hub = Arc::new(TestHub::before(std::slice::from_ref(&line)).await);
    let busy = Arc::clone(&hub);
    let load = tokio::spawn(async move {
        let mut served = 0_u32;
        while !busy.hub.is_stopping() && served < 300 {
            let answer = busy.post(CHAT.path, CHAT.request).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            served += 1;
        }
        served
    });
    let folder = std::env::temp_dir().join(format!("bridge-reload-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let load_settings = |text: String| {
        let file = folder.join("app.yml");
        std::fs::write(&file, text).expect("a temporary file");
        bridge::config::load(&bridge::config::LoadOptions {
            config: Some(file),
            directory: folder.clone(),
            environment: bridge::config::Environment::default(),
            host: None,
            port: None,
            log_level: None,
        })
    };
    for round in 0..1_000 {
        let text = format!(
            "AUTH: open\nMAX_TOKENS_LIMIT: {}\nPROVIDERS:\n{line}",
            1_000 + round
        );
        let settings = load_settings(text).unwrap_or_else(|errors| unreachable!("{errors}"));
        hub.hub
            .snapshots
            .apply(&settings)
            .unwrap_or_else(|errors| unreachable!("{errors}"));
        hub.hub.adopt();
        if round % 50 == 0 {
            assert!(load_settings(format!("PROVIDERS: {round}")).is_err());
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(load.await.expect("no request failed"), 300);
    std::fs::remove_dir_all(folder).expect("ours");
    assert_eq!(
        hub.hub.pools.stats(Instant::now()).len(),
        2,
        "states of old pools are gone"
    );
}

#[tokio::test]
async fn attack_56_a_power_cut_leaves_a_hub_that_starts() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let line = provider("one", "openai", &upstream, "");
    let mut program = Program::start(|port| {
        format!("HOST: 127.0.0.1\nPORT: {port}\nAUTH: open\nPROVIDERS:\n{line}")
    })
    .await;
    for round in 0..3_u64 {
        for _ in 0..20 {
            assert_eq!(
                program.status(CHAT.path, CHAT.request).await,
                200,
                "{}",
                program.output()
            );
        }
        tokio::time::sleep(Duration::from_millis(round * 40)).await;
        program.kill();
        program.again().await;
    }
    assert_eq!(program.status(CHAT.path, CHAT.request).await, 200);
    tokio::time::sleep(Duration::from_millis(200)).await;
    let text = program.ledger();
    let broken = text
        .lines()
        .filter(|line| serde_json::from_str::<serde_json::Value>(line).is_err())
        .count();
    assert_eq!(broken, 0, "{text}");
    assert!(text.lines().count() >= 1);
}

#[tokio::test]
async fn attack_57_idle_streams_and_spent_descriptors_are_survived() {
    let steps = vec![Step::Send(CHAT.frames[1].to_owned()), Step::Hang];
    let upstream = Upstream::start([Reply::stream(steps)]).await;
    let quick = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let lines = [
        provider("one", "openai", &upstream, ""),
        provider("two", "openai", &quick, ""),
    ]
    .concat();
    let program = Program::limited(
        |port| format!("HOST: 127.0.0.1\nPORT: {port}\nAUTH: open\nPROVIDERS:\n{lines}"),
        Some(96),
    )
    .await;
    let mut wires = Vec::new();
    for _ in 0..120 {
        let mut wire = Wire::open(program.address).await;
        wire.write(&post(
            CHAT.path,
            "",
            &CHAT.stream_request.replace("\"m\"", "\"one/m\""),
        ))
        .await;
        wires.push(wire);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(wires);
    let whole = CHAT.request.replace("\"m\"", "\"two/m\"");
    let mut last = String::new();
    for _ in 0..40 {
        last = program.post(CHAT.path, "", &whole).await;
        if last.starts_with("HTTP/1.1 200") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(
        last.starts_with("HTTP/1.1 200"),
        "{last}\n{}",
        program.output()
    );
    assert!(
        !program.output().contains("panicked"),
        "{}",
        program.output()
    );
    program.write_config("PROVIDERS: nonsense");
    assert_eq!(program.status(CHAT.path, &whole).await, 200);
}

#[tokio::test]
async fn told_to_stop_it_finishes_its_streams_and_loses_no_record() {
    let mut steps = CHAT.steps();
    steps.insert(2, Step::Wait(1_500));
    let upstream = Upstream::start([Reply::stream(steps)]).await;
    let line = provider("one", "openai", &upstream, "");
    let mut program = Program::start(|port| {
        format!("HOST: 127.0.0.1\nPORT: {port}\nAUTH: open\nPROVIDERS:\n{line}")
    })
    .await;
    let mut wires = Vec::new();
    for _ in 0..50 {
        let mut wire = Wire::open(program.address).await;
        wire.write(&post(CHAT.path, "", CHAT.stream_request)).await;
        wires.push(wire);
    }
    for _ in 0..400 {
        if upstream.asked().len() == 50 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(upstream.asked().len(), 50);
    let reading = async {
        for wire in &mut wires {
            let (answer, closed) = wire.rest(Duration::from_secs(10)).await;
            let answer = String::from_utf8_lossy(&answer);
            assert!(closed && answer.contains("[DONE]"), "{answer}");
        }
    };
    let begun = std::time::Instant::now();
    let (code, ()) = tokio::join!(program.stop(), reading);
    assert_eq!(code, Some(0), "{}", program.output());
    assert!(
        begun.elapsed() < Duration::from_secs(15),
        "{:?}",
        begun.elapsed()
    );
    let whole = program
        .ledger()
        .lines()
        .filter(|line| line.contains(r#""outcome":"ok""#))
        .count();
    assert_eq!(whole, 50, "{}", program.output());
    let refused = tokio::net::TcpStream::connect(program.address).await;
    assert!(refused.is_err());
}

#[tokio::test]
async fn without_its_database_it_starts_and_says_so_once() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let line = provider("one", "openai", &upstream, "");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let away = nobody.local_addr().expect("bound");
    drop(nobody);
    let program = Program::start(|port| {
        format!("HOST: 127.0.0.1\nPORT: {port}\nAUTH: open\nDATABASE_URL: postgres://hub:canary-word@{away}/hub\nDB_POOL_TIMEOUT: 1\nPROVIDERS:\n{line}")
    })
    .await;
    assert_eq!(program.status(CHAT.path, CHAT.request).await, 200);
    assert!(
        program
            .get("/health/ready", "")
            .await
            .starts_with("HTTP/1.1 200")
    );
    let refused = program.get("/api/auth/me", "").await;
    assert!(refused.starts_with("HTTP/1.1 503"), "{refused}");
    let output = program.output();
    assert_eq!(
        output.matches("the database is away").count(),
        1,
        "{output}"
    );
    assert!(!output.contains("canary-word"), "{output}");
}
