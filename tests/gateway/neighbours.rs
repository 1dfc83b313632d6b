//! What some callers do must not be felt by others, and must leave nothing behind.

use std::time::{Duration, Instant};

use http_body_util::BodyExt as _;

use crate::hub::{TestHub, provider, read};
use crate::samples::{CHAT, MESSAGES};
use crate::upstream::{Reply, Step, Upstream};

/// What one answer may take where nobody is in its way; the machine may be busy with other tests.
const PATIENT: Duration = Duration::from_millis(1_500);

/// A stream that begins and then says nothing.
fn silent() -> Reply {
    Reply::stream(vec![Step::Send(CHAT.frames[1].to_owned()), Step::Hang])
}

/// A line of the metrics.
async fn metric(hub: &TestHub, name: &str) -> i64 {
    let text = hub.ask("GET", "/metrics", &[], "").await.text;
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let value = line.unwrap_or_else(|| unreachable!("no {name} in\n{text}"));
    value.trim().parse().expect("a number")
}

#[tokio::test]
async fn a_stream_of_one_key_holds_up_no_other_key() {
    let slow = Upstream::start([silent()]).await;
    let quick = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let limits = "rpm: 1000, tpm: 1000000, max_concurrency: 50, budget_day: \"5\"";
    let hub = TestHub::start(&format!(
        "CLIENT_KEYS:\n  - {{name: a, key: client-secret-a, {limits}}}\n  - {{name: b, key: client-secret-b, {limits}}}\nPROVIDERS:\n{}{}",
        provider("slow", "openai", &slow, ""),
        provider("quick", "openai", &quick, ""),
    ))
    .await;
    let ask = |key: &'static str, body: String| {
        let hub = &hub;
        async move {
            let headers = [("content-type", "application/json"), ("x-api-key", key)];
            hub.send("POST", CHAT.path, &headers, &body).await
        }
    };
    let stream = CHAT.stream_request.replace("\"m\"", "\"slow/m\"");
    let mut open = ask("client-secret-a", stream).await;
    assert!(open.body_mut().frame().await.is_some());
    for round in 0..50 {
        let begun = Instant::now();
        let whole = CHAT.request.replace("\"m\"", "\"quick/m\"");
        let answer = read(ask("client-secret-b", whole).await).await;
        assert_eq!(answer.status, 200, "{round}: {}", answer.text);
        assert!(begun.elapsed() < PATIENT, "{round}: {:?}", begun.elapsed());
    }
    drop(open);
    assert!(slow.abandoned(1).await);
}

#[tokio::test]
async fn clients_that_leave_give_connections_and_places_back() {
    let upstream =
        Upstream::start(std::iter::repeat_n(silent(), 60).chain([Reply::json(200, CHAT.answer)]))
            .await;
    let extra = "max_concurrency: 10, max_retries: 0";
    let hub = TestHub::before(&[provider("one", "openai", &upstream, extra)]).await;
    for _ in 0..6 {
        let mut open = Vec::new();
        for _ in 0..10 {
            let mut answer = hub.send("POST", CHAT.path, &[], CHAT.stream_request).await;
            assert!(answer.body_mut().frame().await.is_some());
            open.push(answer);
        }
        let busy = hub.post(CHAT.path, CHAT.request).await;
        assert_ne!(busy.status, 200, "all places are taken");
        drop(open);
        let begun = Instant::now();
        while hub.hub.gates.busy("one") > 0 || upstream.open() > 0 {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "{} places, {} connections",
                hub.hub.gates.busy("one"),
                upstream.open()
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    let answer = hub.post(CHAT.path, CHAT.request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(upstream.open() <= 10);
}

#[tokio::test]
async fn streams_that_are_left_at_any_moment_leave_no_task_behind() {
    const ROUNDS: u64 = 8;
    const STREAMS: u64 = 40;
    let mut steps = CHAT.steps();
    for place in [1, 3, 5] {
        steps.insert(place, Step::Wait(15));
    }
    let upstream = Upstream::start([Reply::stream(steps)]).await;
    // Translated, since there is more to hold on to.
    let hub = TestHub::before(&[provider("one", "openai", &upstream, "")]).await;
    let tasks = || {
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    };
    let mut before = 0;
    for round in 0..ROUNDS {
        let all = (0..STREAMS).map(|number| {
            let hub = &hub;
            async move {
                let send = hub.send("POST", MESSAGES.path, &[], MESSAGES.stream_request);
                let leave_after = Duration::from_millis((number * 37 + round * 11) % 90);
                let _ = tokio::time::timeout(leave_after, async { read(send.await).await }).await;
            }
        });
        futures_util::future::join_all(all).await;
        let begun = Instant::now();
        while metric(&hub, "bridge_requests_in_flight").await > 0 {
            assert!(begun.elapsed() < Duration::from_secs(10), "requests go on");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        // The first round makes what is there for good: connections that are kept.
        if round == 1 {
            before = tasks();
        }
    }
    let begun = Instant::now();
    while tasks() > before + 2 * STREAMS as usize / 10 {
        assert!(
            begun.elapsed() < Duration::from_secs(20),
            "{} tasks, {before} before",
            tasks()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_requests_that_are_left_do_not_hold_up_health() {
    let upstream = Upstream::start([silent()]).await;
    let hub = TestHub::before(&[provider("one", "openai", &upstream, "")]).await;
    let words = "some words of a long conversation ".repeat(60_000);
    let body = MESSAGES
        .stream_request
        .replace("\"hi\"", &format!("\"{words}\""));
    assert!(body.len() > 2_000_000, "the request has its words");
    let large = async {
        for _ in 0..6 {
            let mut open = Vec::new();
            for _ in 0..2 {
                let mut answer = hub.send("POST", MESSAGES.path, &[], &body).await;
                assert!(answer.body_mut().frame().await.is_some());
                open.push(answer);
            }
        }
    };
    let looked = async {
        let mut slowest = Duration::ZERO;
        loop {
            let begun = Instant::now();
            let answer = hub.ask("GET", "/health", &[], "").await;
            assert_eq!(answer.status, 200);
            slowest = slowest.max(begun.elapsed());
            assert!(slowest < PATIENT, "{slowest:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::select! {
        () = large => {}
        () = looked => {}
    }
    // Nobody counted for the hub: the estimates are there all the same.
    for record in hub.records(12).await {
        assert_eq!(record["outcome"], "cancelled");
        assert!(
            record["usage"]["input"]
                .as_u64()
                .is_some_and(|input| input > 100_000)
        );
    }
}

#[tokio::test]
async fn names_that_callers_invent_are_not_remembered_without_end() {
    const INVENTED: usize = 1_400;
    let upstream = Upstream::start(
        (0..INVENTED)
            .map(|number| match number % 3 {
                0 => Reply::json(200, CHAT.answer),
                1 => Reply::json(429, &format!(r#"{{"error":{{"message":"slow down, {number}","type":"t{number}","code":"c{number}"}}}}"#)),
                _ => Reply::json(500, &format!(r#"{{"error":{{"message":"broken {number}","type":"t{number}","code":"c{number}"}}}}"#)),
            }),
    )
    .await;
    let hub = TestHub::before(&[provider("one", "openai", &upstream, "max_retries: 0")]).await;
    let series = async || {
        hub.ask("GET", "/metrics", &[], "")
            .await
            .text
            .lines()
            .count()
    };
    let ask = async |number: usize| {
        let body = CHAT
            .request
            .replace("\"m\"", &format!("\"one/invented-{number}\""));
        let session = format!("session-{number}");
        let headers = [("x-session-id", &*session), ("user-agent", &*session)];
        hub.ask("POST", CHAT.path, &headers, &body).await
    };
    for number in 0..30 {
        ask(number).await;
    }
    let few = series().await;
    for number in 30..INVENTED {
        ask(number).await;
    }
    // A status that came later has lines of its own, as each status has.
    let many = series().await;
    assert!(many <= few + 10, "{few} lines became {many}");
    assert!(hub.hub.latencies.of_provider("one").len() <= 512);
}
