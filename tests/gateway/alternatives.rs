//! Several answers from models that give one at a time: a call for each, and one answer of them all.

use serde_json::Value;

use crate::hub::{TestHub, provider};
use crate::samples::{CHAT, GEMINI, MESSAGES, RESPONSES, Sample};
use crate::upstream::{Reply, Step, Upstream};

/// The upstreams that give one answer at a time.
const SINGLE: [&Sample; 2] = [&MESSAGES, &RESPONSES];

const THREE: &str = r#"{"model":"m","n":3,"messages":[{"role":"user","content":"hi"}]}"#;
const THREE_STREAMED: &str = r#"{"model":"m","n":3,"stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}"#;
const THREE_CANDIDATES: &str = r#"{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{"candidateCount":3}}"#;

fn frames(text: &str) -> Vec<Value> {
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).expect("JSON"))
        .collect()
}

#[tokio::test]
async fn chat_clients_get_their_choices() {
    for up in SINGLE {
        let what = up.format;
        let upstream = Upstream::start([Reply::json(200, up.answer)]).await;
        let hub = TestHub::before(&[provider("one", up.format, &upstream, "")]).await;
        let answer = hub.post(CHAT.path, THREE).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text);
        let body = answer.json();
        let choices = body["choices"].as_array().expect("choices");
        let indices: Vec<_> = choices.iter().map(|choice| &choice["index"]).collect();
        assert_eq!(indices, [0, 1, 2], "{what}: {body:#}");
        for choice in choices {
            assert_eq!(choice["message"]["content"], "hello", "{what}");
            assert_eq!(choice["finish_reason"], "stop", "{what}");
        }
        // The prompt was read, and is billed, three times.
        assert_eq!(body["usage"]["prompt_tokens"], 9, "{what}");
        assert_eq!(body["usage"]["completion_tokens"], 6, "{what}");
        assert_eq!(answer.header("x-bridge-attempts"), Some("3"), "{what}");
        let report = answer.header("x-bridge-fidelity").unwrap_or_default();
        assert!(report.contains("emulated:n"), "{what}: {report}");
        let asked = upstream.asked();
        assert_eq!(asked.len(), 3, "{what}");
        assert!(asked.iter().all(|call| !call.body.contains("\"n\":")));
        let record = &hub.records(1).await[0];
        assert_eq!(record["outcome"], "ok", "{what}");
        assert_eq!(record["usage"]["input"], 9, "{what}");
        assert_eq!(record["attempts"].as_array().map(Vec::len), Some(3));
    }
}

#[tokio::test]
async fn chat_streams_carry_the_index_of_each_choice() {
    for up in SINGLE {
        let what = up.format;
        let slow: Vec<Step> = up
            .frames
            .iter()
            .flat_map(|frame| [Step::Send((*frame).to_owned()), Step::Wait(15)])
            .collect();
        let upstream = Upstream::start([Reply::stream(slow)]).await;
        let hub = TestHub::before(&[provider("one", up.format, &upstream, "")]).await;
        let answer = hub.post(CHAT.path, THREE_STREAMED).await;
        assert_eq!(answer.status, 200, "{what}: {}", answer.text);
        assert_eq!(answer.text.matches("[DONE]").count(), 1, "{what}");
        let (mut texts, mut ends, mut usages) = ([""; 3].map(str::to_owned), [0; 3], Vec::new());
        let mut order = Vec::new();
        for frame in frames(&answer.text) {
            for choice in frame["choices"].as_array().expect("choices") {
                let index = choice["index"].as_u64().expect("index") as usize;
                if let Some(text) = choice["delta"]["content"].as_str() {
                    texts[index].push_str(text);
                    order.push(index);
                }
                ends[index] += usize::from(choice["finish_reason"].is_string());
            }
            if frame["usage"].is_object() {
                usages.push(frame["usage"]["prompt_tokens"].clone());
            }
        }
        assert_eq!(texts, ["hello"; 3], "{what}: {}", answer.text);
        assert_eq!(ends, [1; 3], "{what}: {}", answer.text);
        assert_eq!(usages, [9], "{what}: {}", answer.text);
        let record = &hub.records(1).await[0];
        assert_eq!(record["usage"]["input"], 9, "{what}: {record:#}");
        assert_eq!(record["attempts"].as_array().map(Vec::len), Some(3));
    }
}

#[tokio::test]
async fn gemini_clients_get_their_candidates() {
    for up in SINGLE {
        let what = up.format;
        let upstream = Upstream::start([Reply::json(200, up.answer)]).await;
        let hub = TestHub::before(&[provider("one", up.format, &upstream, "")]).await;
        let body = hub.post(GEMINI.path, THREE_CANDIDATES).await.json();
        let candidates = body["candidates"].as_array().expect("candidates");
        for (index, candidate) in candidates.iter().enumerate() {
            assert_eq!(candidate["content"]["parts"][0]["text"], "hello");
            assert_eq!(candidate["index"].as_u64().unwrap_or(0), index as u64);
        }
        assert_eq!(candidates.len(), 3, "{what}: {body:#}");
        assert_eq!(body["usageMetadata"]["promptTokenCount"], 9, "{what}");

        let upstream = Upstream::start([Reply::stream(up.steps())]).await;
        let hub = TestHub::before(&[provider("one", up.format, &upstream, "")]).await;
        let answer = hub.post(GEMINI.stream_path, THREE_CANDIDATES).await;
        let mut texts = [""; 3].map(str::to_owned);
        let mut ends = [0; 3];
        for frame in frames(&answer.text) {
            let candidate = &frame["candidates"][0];
            let index = candidate["index"].as_u64().expect("index") as usize;
            for part in candidate["content"]["parts"].as_array().expect("parts") {
                texts[index].push_str(part["text"].as_str().unwrap_or_default());
            }
            ends[index] += usize::from(candidate["finishReason"] == "STOP");
        }
        assert_eq!(
            (texts, ends),
            (["hello"; 3].map(str::to_owned), [1; 3]),
            "{what}: {}",
            answer.text
        );
    }
}

#[tokio::test]
async fn one_text_does_not_wait_for_the_other() {
    let first = MESSAGES.broken([Step::Hang]);
    let upstream = Upstream::start([Reply::stream(first), Reply::stream(MESSAGES.steps())]).await;
    let extra = "timeout: 1, max_retries: 0";
    let hub = TestHub::before(&[provider("one", "anthropic", &upstream, extra)]).await;
    let two = THREE_CANDIDATES.replace("\"candidateCount\":3", "\"candidateCount\":2");
    let answer = hub.post(GEMINI.stream_path, &two).await;
    // Both texts have come, although the first call never ends; then the stream fails as a whole.
    assert_eq!(answer.text.matches("hello").count(), 2, "{}", answer.text);
    assert!(answer.text.contains(GEMINI.error_mark), "{}", answer.text);
    assert_eq!(hub.records(1).await[0]["outcome"], "cut");
}

#[tokio::test]
async fn the_failure_of_one_call_is_the_failure_of_the_try() {
    let broken = Upstream::start([
        Reply::json(200, MESSAGES.answer),
        Reply::json(
            500,
            r#"{"type":"error","error":{"type":"api_error","message":"no"}}"#,
        ),
        Reply::json(200, MESSAGES.answer),
    ])
    .await;
    let second = Upstream::start([Reply::json(200, RESPONSES.answer)]).await;
    let hub = TestHub::before(&[
        provider("one", "anthropic", &broken, "priority: 1, max_retries: 0"),
        provider("two", "openai-responses", &second, "priority: 2"),
    ])
    .await;
    let answer = hub.post(CHAT.path, THREE).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("x-bridge-provider"), Some("two"));
    assert_eq!(answer.json()["choices"].as_array().map(Vec::len), Some(3));
    let record = &hub.records(1).await[0];
    assert_eq!(record["attempts"].as_array().map(Vec::len), Some(4));
    assert_eq!(record["usage"]["input"], 9, "only what was answered counts");
}

#[tokio::test]
async fn a_refused_request_is_not_asked_again() {
    let refusal = r#"{"type":"error","error":{"type":"invalid_request_error","message":"bad"}}"#;
    let upstream = Upstream::start([Reply::json(400, refusal)]).await;
    let hub = TestHub::before(&[provider("one", "anthropic", &upstream, "")]).await;
    let answer = hub.post(CHAT.path, THREE_STREAMED).await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    assert!(upstream.asked().len() <= 3);
}

#[tokio::test]
async fn a_call_that_breaks_off_ends_the_stream_with_an_error() {
    let cut = MESSAGES.broken([Step::Wait(30), Step::Cut]);
    let upstream = Upstream::start([
        Reply::stream(MESSAGES.steps()),
        Reply::stream(cut),
        Reply::stream(MESSAGES.steps()),
    ])
    .await;
    let hub = TestHub::before(&[provider("one", "anthropic", &upstream, "")]).await;
    let answer = hub.post(CHAT.path, THREE_STREAMED).await;
    assert!(answer.text.contains(CHAT.error_mark), "{}", answer.text);
    assert!(!answer.text.contains("[DONE]"), "{}", answer.text);
    assert_eq!(hub.records(1).await[0]["outcome"], "cut");
}

#[tokio::test]
async fn too_many_are_refused_and_native_ones_pass() {
    let upstream = Upstream::start([Reply::json(200, MESSAGES.answer)]).await;
    let hub = TestHub::before(&[provider("one", "anthropic", &upstream, "")]).await;
    let answer = hub
        .post(CHAT.path, &THREE.replace("\"n\":3", "\"n\":9"))
        .await;
    assert_eq!(answer.status, 400, "{}", answer.text);
    let error = &answer.json()["error"];
    assert_eq!(error["param"], "n");
    let words = error["message"].as_str().expect("a message");
    assert!(words.contains("at most 8"), "{words}");
    assert!(upstream.asked().is_empty());

    let upstream = Upstream::start([Reply::json(200, CHAT.answer)]).await;
    let hub = TestHub::before(&[provider("one", "openai", &upstream, "")]).await;
    let answer = hub.post(GEMINI.path, THREE_CANDIDATES).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let asked = upstream.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].body.contains("\"n\":3"), "{}", asked[0].body);
}
