//! What client keys may do and how much of it, on the way through the hub.

use std::sync::Arc;
use std::time::Duration;

use bridge::catalogue::{Override, Rates, WireCost};
use bridge::pool::limits::{Meter, Period};
use http_body_util::BodyExt as _;

use crate::hub::{Answer, TestHub, provider, quick, read};
use crate::samples::{ALL, CHAT, MESSAGES, Sample};
use crate::upstream::{Reply, Step, Upstream};

const KEY: &str = "client-secret-0001";
/// Billionths of a US dollar for a token.
const PRICE: i64 = 1_000;

/// Every token of `m` costs the same; nothing is known of other models.
fn price() -> Override {
    let cost = WireCost {
        input: Some(1.0),
        output: Some(1.0),
        ..WireCost::default()
    };
    Override {
        provider: None,
        model: "m".to_owned(),
        version: "test".into(),
        rates: Rates::of(&cost, None).expect("a price"),
    }
}

async fn hub(limits: &str, providers: &[String]) -> TestHub {
    let yaml = format!(
        "CLIENT_KEYS:\n  - {{name: ci, key: {KEY}, {limits}}}\nPROVIDERS:\n{}",
        providers.concat()
    );
    TestHub::made(&yaml, quick(), |settings| settings.models = vec![price()]).await
}

fn meter(hub: &TestHub) -> Arc<Meter> {
    hub.hub.meters.of(&"ci".into())
}

fn wall_ms() -> i64 {
    let since = std::time::SystemTime::UNIX_EPOCH.elapsed();
    i64::try_from(since.expect("after 1970").as_millis()).expect("soon")
}

/// Spent and reserved this month. A test that runs over midnight is a test of that, too.
fn spent(hub: &TestHub) -> (i64, i64) {
    meter(hub).spent(Period::month(wall_ms()))
}

async fn ask(hub: &TestHub, path: &str, body: &str) -> Answer {
    let headers = [("content-type", "application/json"), ("x-api-key", KEY)];
    hub.ask("POST", path, &headers, body).await
}

async fn call(hub: &TestHub, sample: &Sample) -> Answer {
    ask(hub, sample.path, sample.request).await
}

fn told(sample: &Sample, answer: &Answer) -> (u16, String) {
    let error = &answer.json()["error"];
    let word = match sample.format {
        "gemini" => &error["status"],
        _ => &error["type"],
    };
    (answer.status, word.as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn the_limit_of_requests_speaks_every_dialect() {
    for sample in ALL {
        let upstream = Upstream::start([Reply::json(200, sample.answer)]).await;
        let hub = hub("rpm: 2", &[provider("one", sample.format, &upstream, "")]).await;
        for left in ["1", "0"] {
            let answer = call(&hub, sample).await;
            assert_eq!(answer.status, 200, "{}: {}", sample.format, answer.text);
            let name = match sample.format {
                "anthropic" => "anthropic-ratelimit-requests-remaining",
                _ => "x-ratelimit-remaining-requests",
            };
            let want = (sample.format != "gemini").then_some(left);
            assert_eq!(answer.header(name), want, "{}", sample.format);
        }
        let answer = call(&hub, sample).await;
        let want = match sample.format {
            "anthropic" => "rate_limit_error",
            "gemini" => "RESOURCE_EXHAUSTED",
            _ => "requests",
        };
        assert_eq!(
            told(sample, &answer),
            (429, want.to_owned()),
            "{}",
            answer.text
        );
        let wait: u64 = answer
            .header("retry-after")
            .and_then(|wait| wait.parse().ok())
            .expect("whole seconds");
        assert!((1..=61).contains(&wait), "{wait}");
        assert!(answer.header("x-should-retry").is_none());
        let (left, reset) = match sample.format {
            "anthropic" => (
                "anthropic-ratelimit-requests-remaining",
                "anthropic-ratelimit-requests-reset",
            ),
            _ => (
                "x-ratelimit-remaining-requests",
                "x-ratelimit-reset-requests",
            ),
        };
        let want = (sample.format != "gemini").then_some("0");
        assert_eq!(answer.header(left), want, "{}", sample.format);
        assert_eq!(answer.header(reset).is_some(), want.is_some());
        assert_eq!(upstream.asked().len(), 2, "the refused one went nowhere");
        assert_eq!(meter(&hub).in_flight(), 0);
    }
}

#[tokio::test]
async fn tokens_are_counted_as_the_upstream_counts_them() {
    let upstream = Upstream::start([Reply::json(200, MESSAGES.answer)]).await;
    let one = provider("one", "anthropic", &upstream, "");
    let hub = hub("tpm: 60", &[one]).await;
    let answer = call(&hub, &MESSAGES).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    // Reserved was the body and 9 tokens of output; used were 5.
    let left: u64 = answer
        .header("anthropic-ratelimit-tokens-remaining")
        .and_then(|left| left.parse().ok())
        .expect("a number");
    assert!((20..45).contains(&left), "{left}");
    let reset = answer.header("anthropic-ratelimit-tokens-reset");
    let reset = time::OffsetDateTime::parse(
        reset.expect("a time"),
        &time::format_description::well_known::Rfc3339,
    );
    let in_seconds = reset.expect("RFC 3339").unix_timestamp() - wall_ms() / 1_000;
    assert!((55..=61).contains(&in_seconds), "{in_seconds}");
    assert_eq!(meter(&hub).tokens_reserved(), 0);
    let mut answers = 1;
    let refused = loop {
        let answer = call(&hub, &MESSAGES).await;
        match answer.status {
            200 => answers += 1,
            _ => break answer,
        }
    };
    // 60 tokens in fives, and the last ones must find room for what they might use.
    assert!((4..=11).contains(&answers), "{answers}");
    assert_eq!(told(&MESSAGES, &refused).0, 429, "{}", refused.text);
    assert!(
        refused.text.contains("60 tokens per minute"),
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn a_spent_budget_closes_everything_that_spends() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let hub = hub(
        "budget_month: 0.000004",
        &[provider("one", "openai", &upstream, "")],
    )
    .await;
    // One is let in, since something is left; it costs 5 tokens.
    assert_eq!(call(&hub, &CHAT).await.status, 200);
    assert_eq!(spent(&hub), (5 * PRICE, 0));
    for sample in ALL {
        for (path, body) in [
            (sample.path, sample.request),
            (sample.stream_path, sample.stream_request),
        ] {
            let answer = ask(&hub, path, body).await;
            let want = match sample.format {
                "anthropic" => (402, "billing_error"),
                "gemini" => (429, "RESOURCE_EXHAUSTED"),
                _ => (429, "insufficient_quota"),
            };
            let told = told(sample, &answer);
            assert_eq!((told.0, told.1.as_str()), want, "{path}: {}", answer.text);
            assert_eq!(answer.header("x-should-retry"), Some("false"), "{path}");
            assert!(
                answer.text.contains("budget for the month"),
                "{}",
                answer.text
            );
            if sample.format.starts_with("openai") {
                assert_eq!(answer.json()["error"]["code"], "budget_exceeded");
            }
            if sample.format == "gemini" {
                let wait = answer.header("retry-after").expect("a wait");
                let seconds: u64 = wait.parse().expect("whole seconds");
                assert!((1..=86_400).contains(&seconds), "{wait}");
                let told = &answer.json()["error"]["details"][0]["retryDelay"];
                assert_eq!(*told, format!("{wait}s"), "{}", answer.text);
            }
        }
    }
    for (path, body) in [
        ("/v1/embeddings", r#"{"model":"m","input":"hi"}"#),
        (
            "/v1beta/models/m:embedContent",
            r#"{"content":{"parts":[{"text":"hi"}]}}"#,
        ),
        (
            "/v1beta/models/m:batchEmbedContents",
            r#"{"requests":[{"content":{"parts":[{"text":"hi"}]}}]}"#,
        ),
        ("/v1/messages/count_tokens", MESSAGES.request),
        (
            "/v1/responses/input_tokens",
            r#"{"model":"m","input":"hi"}"#,
        ),
        ("/v1beta/models/m:countTokens", r#"{"contents":[]}"#),
        ("/v1/gemini/completions", CHAT.request),
        ("/v1/anthropic/completions", MESSAGES.request),
    ] {
        let answer = ask(&hub, path, body).await;
        assert!(
            matches!(answer.status, 402 | 429),
            "{path}: {}",
            answer.text
        );
    }
    assert_eq!(upstream.asked().len(), 1);
    assert_eq!(spent(&hub), (5 * PRICE, 0));
}

#[tokio::test]
async fn many_at_once_do_not_pass_a_budget_for_three() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer).after(30)]).await;
    let hub = Arc::new(
        hub(
            "budget_day: 0.000015",
            &[provider("one", "openai", &upstream, "")],
        )
        .await,
    );
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let hub = Arc::clone(&hub);
            tokio::spawn(async move { call(&hub, &CHAT).await.status })
        })
        .collect();
    let mut well = 0;
    for call in calls {
        match call.await.expect("no panic") {
            200 => well += 1,
            429 => {}
            other => unreachable!("{other}"),
        }
    }
    while call(&hub, &CHAT).await.status == 200 {
        well += 1;
    }
    assert_eq!(well, 3);
    assert_eq!(upstream.asked().len(), 3);
    assert_eq!(spent(&hub), (15 * PRICE, 0));
}

/// What the records say was spent.
fn recorded(records: &[serde_json::Value]) -> i64 {
    let costs = records
        .iter()
        .map(|record| record["cost_nano_usd"].as_i64());
    costs.map(Option::unwrap_or_default).sum()
}

#[tokio::test]
async fn nothing_stays_reserved_wherever_a_request_fails() {
    for sample in ALL {
        let scripts = [
            ("answered", Reply::json(200, sample.answer)),
            ("refused", Reply::json(500, "{}")),
            ("the client's mistake", Reply::json(400, "{}")),
            ("limited", Reply::json(429, "{}")),
            ("garbage", Reply::json(200, "<html>")),
            ("cut before content", Reply::stream(vec![Step::Cut])),
            (
                "cut in the middle",
                Reply::stream(sample.broken([Step::Wait(5), Step::Cut])),
            ),
            ("a stream", Reply::stream(sample.steps())),
        ];
        for (what, script) in scripts {
            let upstream = Upstream::start([script]).await;
            let one = provider("one", sample.format, &upstream, "max_retries: 0");
            let hub = hub("budget_day: 1, tpm: 100000, max_concurrency: 2", &[one]).await;
            for _ in 0..3 {
                call(&hub, sample).await;
                ask(&hub, sample.stream_path, sample.stream_request).await;
            }
            let records = hub.records(6).await;
            settled(&hub, &records, &format!("{}, {what}", sample.format));
        }
    }
}

fn settled(hub: &TestHub, records: &[serde_json::Value], what: &str) {
    let meter = meter(hub);
    assert_eq!(meter.in_flight(), 0, "{what}");
    assert_eq!(meter.tokens_reserved(), 0, "{what}");
    assert_eq!(spent(hub), (recorded(records), 0), "{what}: {records:#?}");
}

#[tokio::test]
async fn nothing_stays_reserved_when_nobody_answers_or_the_client_leaves() {
    // A port that nobody listens on.
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("bound")
    };
    let unreachable = format!(
        "  - {{name: one, api_format: openai, base_url: \"http://{gone}\", keys: [k], allow_private_network: true, models: {{big: [m]}}, max_retries: 0}}\n"
    );
    let limits = "budget_day: 1, tpm: 100000, max_concurrency: 2";
    let closed = hub(limits, &[unreachable]).await;
    assert!(call(&closed, &CHAT).await.status >= 500);
    settled(&closed, &closed.records(1).await, "connect");

    for (what, steps) in [
        ("before the first byte", vec![Step::Hang]),
        ("in the middle", CHAT.broken([Step::Hang])),
    ] {
        let upstream = Upstream::start([Reply::stream(steps)]).await;
        let hub = hub(limits, &[provider("one", "openai", &upstream, "")]).await;
        let headers = [("content-type", "application/json"), ("x-api-key", KEY)];
        let response = hub
            .send("POST", CHAT.stream_path, &headers, CHAT.stream_request)
            .await;
        assert_eq!(meter(&hub).in_flight(), 1, "{what}");
        assert!(spent(&hub).1 > 0, "{what}");
        let mut body = response.into_body();
        body.frame().await.expect("a sign of life").expect("sound");
        drop(body);
        let records = hub.records(1).await;
        settled(&hub, &records, what);
    }
}

#[tokio::test]
async fn a_place_is_taken_until_the_stream_is_over() {
    let upstream = Upstream::start([
        Reply::stream(CHAT.broken([Step::Hang])),
        Reply::json(200, CHAT.answer),
    ])
    .await;
    let one = provider("one", "openai", &upstream, "");
    let hub = hub("max_concurrency: 1", &[one]).await;
    let headers = [("content-type", "application/json"), ("x-api-key", KEY)];
    let response = hub
        .send("POST", CHAT.stream_path, &headers, CHAT.stream_request)
        .await;
    let refused = call(&hub, &CHAT).await;
    assert_eq!(refused.status, 429, "{}", refused.text);
    assert!(
        refused.text.contains("1 requests in flight"),
        "{}",
        refused.text
    );
    assert_eq!(refused.header("retry-after"), Some("1"));
    drop(response);
    for _ in 0..200 {
        if meter(&hub).in_flight() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(call(&hub, &CHAT).await.status, 200);
}

#[tokio::test]
async fn a_key_speaks_only_its_dialects() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let one = provider("one", "openai", &upstream, "");
    let hub = hub("allowed_dialects: [openai]", &[one]).await;
    for sample in ALL {
        let answer = call(&hub, sample).await;
        if sample.format == "openai" {
            assert_eq!(answer.status, 200, "{}", answer.text);
            continue;
        }
        let want = match sample.format {
            "anthropic" => "permission_error",
            "gemini" => "PERMISSION_DENIED",
            _ => "invalid_request_error",
        };
        assert_eq!(
            told(sample, &answer),
            (403, want.to_owned()),
            "{}",
            answer.text
        );
        assert_eq!(answer.header("cache-control"), Some("no-cache, no-store"));
    }
    assert_eq!(upstream.asked().len(), 1);
    let question = format!(
        r#"{{"dialect":"anthropic","request":{}}}"#,
        MESSAGES.request
    );
    let explained = ask(&hub, "/api/translate/explain", &question).await;
    assert_eq!(explained.status, 200, "{}", explained.text);
}

#[tokio::test]
async fn keys_that_ended_are_told_what_unknown_keys_are_told() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let yaml = format!(
        "CLIENT_KEYS:\n  - {{name: a, key: client-secret-gone, expires_at: 2020-01-01T00:00:00Z}}\n  \
         - {{name: b, key: client-secret-off, enabled: false}}\n  \
         - {{name: c, key: client-secret-later, expires_at: 2100-01-01T00:00:00Z}}\nPROVIDERS:\n{}",
        provider("one", "openai", &upstream, "")
    );
    let hub = TestHub::start(&yaml).await;
    let mut texts = Vec::new();
    for key in [
        "client-secret-none",
        "client-secret-gone",
        "client-secret-off",
    ] {
        let headers = [("x-api-key", key)];
        let answer = hub.ask("POST", CHAT.path, &headers, CHAT.request).await;
        assert_eq!(answer.status, 401, "{key}");
        texts.push(answer.text);
    }
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    let headers = [("x-api-key", "client-secret-later")];
    let answer = hub.ask("POST", CHAT.path, &headers, CHAT.request).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

#[tokio::test]
async fn keys_without_limits_are_counted_and_unknown_prices_cost_nothing() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let hub = hub("tags: []", &[provider("one", "openai", &upstream, "")]).await;
    let answer = call(&hub, &CHAT).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert!(answer.header("x-ratelimit-limit-requests").is_none());
    let free = CHAT.request.replace("\"m\"", "\"one/free\"");
    assert_eq!(ask(&hub, CHAT.path, &free).await.status, 200);
    assert_eq!(spent(&hub), (5 * PRICE, 0));
    let due = hub.hub.meters.collect();
    assert_eq!(due.len(), 2, "{due:?}");
    assert!(
        due.iter()
            .all(|due| due.delta.requests == 2 && due.delta.tokens == 10)
    );
    let uses = hub.hub.meters.uses();
    assert_eq!(uses.len(), 1);
    assert!((wall_ms() - uses[0].1).abs() < 60_000);
}

#[tokio::test]
async fn a_fallback_is_charged_once_for_the_one_that_answered() {
    let ill = Upstream::start([Reply::json(500, "{}")]).await;
    let well = Upstream::start([Reply::stream(CHAT.steps())]).await;
    let hub = hub(
        "budget_day: 1",
        &[
            provider("one", "openai", &ill, "priority: 1, max_retries: 1"),
            provider("two", "openai", &well, "priority: 2"),
        ],
    )
    .await;
    let headers = [("content-type", "application/json"), ("x-api-key", KEY)];
    let response = hub
        .send("POST", CHAT.stream_path, &headers, CHAT.stream_request)
        .await;
    let answer = read(response).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let records = hub.records(1).await;
    assert_eq!(records[0]["provider"], "two");
    settled(&hub, &records, "fallback");
    assert_eq!(spent(&hub).0, 5 * PRICE);
}

#[tokio::test]
async fn a_new_budget_counts_what_was_spent_before() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let one = provider("one", "openai", &upstream, "");
    let hub = hub("tags: []", &[one]).await;
    assert_eq!(call(&hub, &CHAT).await.status, 200);
    let mut settings = hub.settings.clone();
    for (budget, status) in [(5 * PRICE, 429), (5 * PRICE + 1, 200), (5 * PRICE + 1, 429)] {
        settings.client_keys[0].limits.budget_month_nano_usd = Some(budget);
        hub.hub.snapshots.apply(&settings).expect("sound");
        hub.hub.adopt();
        let answer = call(&hub, &CHAT).await;
        assert_eq!(answer.status, status, "{budget}: {}", answer.text);
    }
}

#[tokio::test]
async fn the_same_request_again_is_checked_again() {
    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let one = provider("one", "openai", &upstream, "");
    let hub = hub("tags: []", &[one]).await;
    let mut answers = Vec::new();
    for _ in 0..2 {
        let answer = call(&hub, &CHAT).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answers.push(answer.text);
    }
    // An answer that was given once is nobody's to have: each is asked for, and each is paid.
    assert_eq!(upstream.asked().len(), 2);
    assert_eq!(spent(&hub).0, 2 * 5 * PRICE);
    let mut settings = hub.settings.clone();
    settings.client_keys[0].limits.budget_month_nano_usd = Some(2 * 5 * PRICE);
    hub.hub.snapshots.apply(&settings).expect("sound");
    hub.hub.adopt();
    let answer = call(&hub, &CHAT).await;
    assert_eq!(answer.status, 429, "{}", answer.text);
    settings.client_keys.clear();
    hub.hub.snapshots.apply(&settings).expect("sound");
    let answer = call(&hub, &CHAT).await;
    assert_eq!(answer.status, 401, "{}", answer.text);
    assert!(answers.iter().all(|given| *given != answer.text));
    assert_eq!(upstream.asked().len(), 2);
    // Who brings no key leaves nothing behind.
    let records = hub.records(3).await;
    let mut statuses: Vec<_> = records.iter().map(|record| &record["status"]).collect();
    statuses.sort_by_key(|status| status.as_u64());
    assert_eq!(statuses, [200, 200, 429]);
}
