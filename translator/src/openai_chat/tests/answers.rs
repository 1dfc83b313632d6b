//! Answers for clients, whole and streamed, answers of upstreams, and errors.

use serde_json::{Value, json};

use super::{CHUNK, COMPLETION, ERROR, ORIGIN, answer, short, valid};
use crate::error::{Failure, FailureKind, Overflow};
use crate::fold::Fold;
use crate::ir::{Citation, Event, Finish, Opaque, OpaqueKind, Opening, Usage};
use crate::{Dialect, Text, envelope, openai_chat};

fn open(part: u32, kind: Opening<'static>) -> Event<'static> {
    Event::Open {
        part,
        choice: 0,
        kind,
        opaque: Vec::new(),
    }
}

fn delta(part: u32, text: &'static str) -> Event<'static> {
    Event::Delta {
        part,
        text: text.into(),
    }
}

fn close(part: u32) -> Event<'static> {
    Event::Close {
        part,
        opaque: Vec::new(),
    }
}

fn call(id: &'static str, freeform: bool) -> Opening<'static> {
    Opening::ToolCall {
        id: id.into(),
        name: "f".into(),
        namespace: None,
        freeform,
    }
}

fn state(origin: Dialect, kind: OpaqueKind) -> Opaque<'static> {
    Opaque {
        origin,
        provider: None,
        model: None,
        kind,
        state: "c2ln".into(),
    }
}

const USAGE: Usage = Usage {
    fresh: 5,
    cache_read: 3,
    cache_write_5m: 1,
    cache_write_1h: 1,
    cache_write: 0,
    tool_input: 2,
    output: 4,
    reasoning: 6,
    audio_input: 0,
    audio_output: 0,
    image_output: 0,
    early: false,
    estimated: false,
    clamped: false,
};

/// An answer with everything in it.
fn everything() -> Vec<Event<'static>> {
    let citation = Citation {
        url: Some("https://x".into()),
        title: Some("X".into()),
        ..Citation::default()
    };
    vec![
        Event::Start {
            id: "up".into(),
            model: "m".into(),
        },
        open(0, Opening::Reasoning),
        delta(0, "think"),
        Event::Close {
            part: 0,
            opaque: vec![state(Dialect::Anthropic, OpaqueKind::Thinking)],
        },
        open(1, Opening::Text),
        Event::Delta {
            part: 1,
            text: Text::Json(r#""h\u00e9\ud83d\ude00""#),
        },
        Event::Citation { part: 1, citation },
        close(1),
        Event::Open {
            part: 2,
            choice: 0,
            kind: call("a", false),
            opaque: vec![state(Dialect::Gemini, OpaqueKind::Signature)],
        },
        delta(2, "{\"x\""),
        open(3, call("b", true)),
        delta(3, "raw"),
        delta(2, ":1}"),
        close(2),
        close(3),
        open(
            4,
            Opening::Media {
                mime: "image/png".into(),
            },
        ),
        delta(4, "QUJD"),
        close(4),
        Event::Usage(USAGE),
        Event::Finish {
            choice: 0,
            reason: Finish::ToolUse,
        },
    ]
}

fn whole(events: &[Event<'_>]) -> Value {
    let mut fold = Fold::default();
    events.iter().for_each(|event| fold.event(event));
    let mut out = Vec::new();
    openai_chat::encode_response(&fold.finish(), &mut answer(), &mut out);
    let body = serde_json::from_slice(&out).expect("the body is JSON");
    valid(&COMPLETION, &body);
    body
}

/// Anthropic names the source before the words that rest on it.
#[test]
fn a_citation_without_a_place_covers_its_whole_part() {
    let citation = Citation {
        url: Some("https://a".into()),
        ..Citation::default()
    };
    let (chunks, _) = stream(&[
        open(0, Opening::Text),
        delta(0, "Hello. "),
        close(0),
        open(1, Opening::Text),
        Event::Citation { part: 1, citation },
        delta(1, "Cited "),
        delta(1, "text"),
        close(1),
        Event::Finish {
            choice: 0,
            reason: Finish::Stop,
        },
    ]);
    let spans: Vec<_> = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"].get("annotations"))
        .map(|list| {
            let cited = &list[0]["url_citation"];
            (cited["start_index"].as_u64(), cited["end_index"].as_u64())
        })
        .collect();
    assert_eq!(spans, [(Some(7), Some(17))]);
}

fn stream(events: &[Event<'_>]) -> (Vec<Value>, String) {
    let mut encoder = openai_chat::StreamEncoder::new(answer());
    let mut out = Vec::new();
    events
        .iter()
        .for_each(|event| encoder.event(event, &mut out));
    encoder.end(&mut out);
    let text = String::from_utf8(out).expect("UTF-8");
    let chunks: Vec<Value> = text
        .split("\n\n")
        .filter_map(|frame| frame.strip_prefix("data: "))
        .filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).expect("each frame is JSON"))
        .collect();
    for chunk in chunks.iter().filter(|chunk| chunk.get("error").is_none()) {
        let mut bare = chunk.clone();
        // The service streams annotations although its types do not say so.
        for choice in bare["choices"].as_array_mut().into_iter().flatten() {
            choice["delta"]
                .as_object_mut()
                .expect("a delta")
                .remove("annotations");
        }
        valid(&CHUNK, &bare);
    }
    (chunks, text)
}

#[test]
fn a_whole_answer() {
    let body = whole(&everything());
    let message = &body["choices"][0]["message"];
    assert_eq!(body["model"], "client-model");
    assert_eq!(message["content"], "hé😀");
    assert_eq!(message["reasoning_content"], "think");
    assert_eq!(message["reasoning_details"][0]["type"], "hub.state");
    let sealed = message["reasoning_details"][0]["data"]
        .as_str()
        .expect("an envelope");
    assert_eq!(
        envelope::open(sealed).map(|states| states[0].origin),
        Some(Dialect::Anthropic)
    );
    assert_eq!(
        message["annotations"][0]["url_citation"],
        json!({"start_index":0,"end_index":3,"title":"X","url":"https://x"})
    );
    assert_eq!(
        message["tool_calls"][0]["function"],
        json!({"name":"f","arguments":"{\"x\":1}"})
    );
    assert_eq!(
        message["tool_calls"][1]["custom"],
        json!({"name":"f","input":"raw"})
    );
    let signature =
        message["tool_calls"][0]["extra_content"]["google"]["thought_signature"].as_str();
    assert_eq!(
        signature
            .and_then(envelope::open)
            .map(|states| states[0].state.clone().into_owned())
            .as_deref(),
        Some("c2ln")
    );
    assert_eq!(
        message["images"][0]["image_url"]["url"],
        "data:image/png;base64,QUJD"
    );
    assert_eq!(body["choices"][0]["finish_reason"], "tool_calls");
    assert_eq!(
        body["usage"],
        json!({"prompt_tokens":12,"completion_tokens":10,"total_tokens":22,
            "prompt_tokens_details":{"cached_tokens":3,"cache_write_tokens":2,"audio_tokens":0},
            "completion_tokens_details":{"reasoning_tokens":6,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}})
    );
}

#[test]
fn a_stream_says_the_same() {
    let (chunks, text) = stream(&everything());
    assert!(text.ends_with("data: [DONE]\n\n"));
    let deltas: Vec<&Value> = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"].get(0))
        .collect();
    assert_eq!(
        deltas[0]["delta"],
        json!({"role":"assistant","content":"","refusal":null})
    );
    let join = |name: &str| -> String {
        deltas
            .iter()
            .filter_map(|choice| choice["delta"][name].as_str())
            .collect()
    };
    let body = whole(&everything());
    let message = &body["choices"][0]["message"];
    assert_eq!(join("content"), message["content"]);
    assert_eq!(join("reasoning_content"), message["reasoning_content"]);
    let find = |name: &str| {
        deltas
            .iter()
            .find_map(|choice| choice["delta"].get(name))
            .cloned()
    };
    assert_eq!(
        find("reasoning_details"),
        message.get("reasoning_details").cloned()
    );
    assert_eq!(find("annotations"), message.get("annotations").cloned());
    assert_eq!(find("images"), message.get("images").cloned());
    let fragments: Vec<&Value> = deltas
        .iter()
        .filter_map(|choice| choice["delta"]["tool_calls"].get(0))
        .collect();
    let arguments = |index: u64, kind: &str, name: &str| -> String {
        fragments
            .iter()
            .filter(|call| call["index"] == index)
            .filter_map(|call| call[kind][name].as_str())
            .collect()
    };
    assert_eq!(arguments(0, "function", "arguments"), "{\"x\":1}");
    assert_eq!(arguments(1, "custom", "input"), "raw");
    assert_eq!(fragments[0]["type"], "function");
    let (last, before) = chunks.split_last().expect("chunks");
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"], body["usage"]);
    assert!(
        before
            .iter()
            .all(|chunk| chunk["usage"].is_null() && chunk["id"] == last["id"])
    );
    assert_eq!(
        before.last().expect("a finish")["choices"][0]["finish_reason"],
        "tool_calls"
    );
}

#[test]
fn a_call_without_arguments_has_empty_ones() {
    let events = [
        Event::Start {
            id: "".into(),
            model: "".into(),
        },
        open(0, call("a", false)),
        close(0),
        Event::Finish {
            choice: 0,
            reason: Finish::ToolUse,
        },
    ];
    let (_, text) = stream(&events);
    assert!(text.contains(r#""function":{"arguments":"{}"}"#), "{text}");
    assert_eq!(
        whole(&events)["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"],
        "{}"
    );
}

#[test]
fn without_asking_there_is_no_usage() {
    let mut quiet = answer();
    quiet.include_usage = false;
    quiet.show_reasoning = false;
    let mut encoder = openai_chat::StreamEncoder::new(quiet);
    let mut out = Vec::new();
    everything()
        .iter()
        .for_each(|event| encoder.event(event, &mut out));
    encoder.end(&mut out);
    let text = String::from_utf8(out).expect("UTF-8");
    assert!(
        !text.contains("usage") && !text.contains("reasoning_content"),
        "{text}"
    );
}

#[test]
fn finishes() {
    let reason = |reason: Finish<'static>| {
        vec![
            Event::Start {
                id: "".into(),
                model: "".into(),
            },
            Event::Finish { choice: 0, reason },
        ]
    };
    let filter = Finish::ContentFilter {
        category: Some("bio".into()),
        explanation: Some("because".into()),
    };
    let cases = [
        (Finish::Stop, "stop", None),
        (Finish::StopSequence(Some("x".into())), "stop", None),
        (Finish::Length, "length", None),
        (Finish::ContextWindow, "length", None),
        (Finish::Pause, "length", None),
        (Finish::Recitation, "content_filter", None),
        (filter, "content_filter", Some("because")),
        (Finish::Other("x".into()), "stop", None),
    ];
    for (finish, want, refusal) in cases {
        let events = reason(finish.clone());
        let body = whole(&events);
        assert_eq!(body["choices"][0]["finish_reason"], want, "{finish:?}");
        assert_eq!(
            body["choices"][0]["message"]["refusal"].as_str(),
            refusal,
            "{finish:?}"
        );
        let (chunks, _) = stream(&events);
        assert_eq!(
            chunks[chunks.len() - 2]["choices"][0]["finish_reason"],
            want,
            "{finish:?}"
        );
    }
    let (chunks, text) = stream(&reason(Finish::BadToolCall(
        "MALFORMED_FUNCTION_CALL".into(),
    )));
    valid(&ERROR, chunks.last().expect("a frame"));
    assert!(!text.contains("[DONE]"));
}

#[test]
fn failures_and_nothing_at_all() {
    let failure = Failure::new(FailureKind::Overloaded, "busy");
    for events in [
        vec![],
        vec![Event::Start {
            id: "".into(),
            model: "".into(),
        }],
        vec![Event::Fail(failure)],
    ] {
        let (chunks, text) = stream(&events);
        valid(&ERROR, chunks.last().expect("a frame"));
        assert!(!text.contains("[DONE]"), "{text}");
    }
    let mut encoder = openai_chat::StreamEncoder::new(answer());
    let mut out = Vec::new();
    encoder.heartbeat(&mut out);
    assert_eq!(out, b": ping\n\n");
}

#[test]
fn alternatives_begin_with_their_role() {
    let event = |choice: u32, part: u32| Event::Open {
        part,
        choice,
        kind: Opening::Text,
        opaque: Vec::new(),
    };
    let events = vec![
        Event::Start {
            id: "".into(),
            model: "".into(),
        },
        event(0, 0),
        delta(0, "a"),
        event(1, 1),
        delta(1, "b"),
        close(0),
        close(1),
        Event::Finish {
            choice: 0,
            reason: Finish::Stop,
        },
        Event::Finish {
            choice: 1,
            reason: Finish::Length,
        },
    ];
    let (chunks, _) = stream(&events);
    let second: Vec<&Value> = chunks
        .iter()
        .filter(|chunk| chunk["choices"][0]["index"] == 1)
        .collect();
    assert_eq!(second[0]["choices"][0]["delta"]["role"], "assistant");
    assert_eq!(second[2]["choices"][0]["finish_reason"], "length");
    let body = whole(&events);
    assert_eq!(body["choices"][1]["message"]["content"], "b");
}

fn read(body: &str) -> Vec<String> {
    let mut out = Vec::new();
    openai_chat::decode_response(body.as_bytes(), ORIGIN, &mut |event| {
        out.push(short(&event));
    });
    out
}

#[test]
fn whole_answers_of_upstreams() {
    let body = r#"{"id":"i","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"t","refusal":null,"reasoning_content":"r",
        "tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"custom","custom":{"name":"g","input":"x"}}]},"finish_reason":"tool_calls","logprobs":null}],
        "usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#;
    assert_eq!(
        read(body),
        [
            "start i m",
            "open 0/0 reasoning",
            "delta 0 r",
            "close 0",
            "open 1/0 text",
            "delta 1 t",
            "close 1",
            "open 2/0 call a f",
            "delta 2 {}",
            "open 3/0 custom b g",
            "delta 3 x",
            "usage 3 2",
            "close 2",
            "close 3",
            "finish 0 ToolUse"
        ]
    );
    let legacy = r#"{"choices":[{"message":{"content":null,"function_call":{"name":"f","arguments":"{}"}},"finish_reason":"function_call"}]}"#;
    assert_eq!(
        read(legacy),
        [
            "start  ",
            "open 0/0 call  f",
            "delta 0 {}",
            "close 0",
            "finish 0 ToolUse"
        ]
    );
    let failures = [
        (
            "no choices",
            r#"{"id":"i","choices":[]}"#,
            "fail Upstream the upstream's answer holds no choices",
        ),
        (
            "an error with 200",
            r#"{"error":{"message":"boom","code":"rate_limit_exceeded"}}"#,
            "fail RateLimit boom",
        ),
        (
            "vllm",
            r#"{"object":"error","message":"boom","code":400}"#,
            "fail InvalidRequest boom",
        ),
    ];
    for (case, body, want) in failures {
        assert_eq!(read(body), [want], "{case}");
    }
    for body in ["", "<html>", "{\"choices\":", "[]"] {
        assert!(read(body)[0].starts_with("fail Upstream"), "{body}");
    }
}

#[test]
fn errors_are_read_in_every_shape() {
    let cases = [
        (
            400,
            r#"{"error":{"message":"bad","type":"invalid_request_error","param":"x","code":"y"}}"#,
            FailureKind::InvalidRequest,
            "bad",
        ),
        (
            401,
            r#"{"error":{"message":"Incorrect API key provided: sk-abc123. Look","code":"invalid_api_key"}}"#,
            FailureKind::UpstreamAuth,
            "Incorrect API key provided: *** Look",
        ),
        (
            403,
            r#"{"error":{"message":"no","code":"unsupported_country_region_territory"}}"#,
            FailureKind::Permission,
            "no",
        ),
        (
            403,
            r#"{"error":{"message":"no","code":"model_access"}}"#,
            FailureKind::Permission,
            "no",
        ),
        (
            403,
            r#"{"error":{"message":"You are not allowed to sample from this model","code":null}}"#,
            FailureKind::Permission,
            "You are not allowed to sample from this model",
        ),
        (
            403,
            r#"{"error":{"message":"no","code":"account_deactivated"}}"#,
            FailureKind::UpstreamAuth,
            "no",
        ),
        (
            403,
            r#"{"error":{"message":"no"}}"#,
            FailureKind::UpstreamAuth,
            "no",
        ),
        (
            400,
            r#"{"error":{"message":"Unknown role: 'invalid api key'","type":"invalid_request_error"}}"#,
            FailureKind::InvalidRequest,
            "Unknown role: 'invalid api key'",
        ),
        (
            400,
            r#"{"code":"Bad argument","error":"Incorrect API key provided: xx"}"#,
            FailureKind::UpstreamAuth,
            "Incorrect API key provided: xx",
        ),
        (
            404,
            r#"{"error":{"message":"no model","code":"model_not_found"}}"#,
            FailureKind::NotFound,
            "no model",
        ),
        (
            429,
            r#"{"error":{"message":"pay","type":"insufficient_quota","code":"insufficient_quota"}}"#,
            FailureKind::Billing,
            "pay",
        ),
        (
            429,
            r#"{"error":{"message":"slow","code":"rate_limit_exceeded"}}"#,
            FailureKind::RateLimit,
            "slow",
        ),
        (
            400,
            r#"{"object":"error","message":"bad","type":"BadRequestError","code":400}"#,
            FailureKind::InvalidRequest,
            "bad",
        ),
        (
            422,
            r#"{"detail":[{"loc":["body"],"msg":"field required"}]}"#,
            FailureKind::InvalidRequest,
            "field required",
        ),
        (
            404,
            r#"{"detail":"Not Found"}"#,
            FailureKind::NotFound,
            "Not Found",
        ),
        (500, r#"{"error":"boom"}"#, FailureKind::Upstream, "boom"),
        (
            400,
            r#"[{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT"}}]"#,
            FailureKind::InvalidRequest,
            "bad",
        ),
        (
            502,
            "<html>oops</html>",
            FailureKind::Upstream,
            "bad gateway (status 502)",
        ),
        (
            503,
            "",
            FailureKind::Overloaded,
            "service unavailable (status 503)",
        ),
        (500, "plain words", FailureKind::Upstream, "plain words"),
    ];
    for (status, body, kind, message) in cases {
        let failure = openai_chat::decode_error(status, body.as_bytes());
        assert_eq!(
            (failure.kind, failure.message.as_str()),
            (kind, message),
            "{body}"
        );
        assert_eq!(failure.upstream_status, status);
    }
    let long = r#"{"error":{"message":"This model's maximum context length is 128000 tokens. However, your messages resulted in 130000 tokens.","code":"context_length_exceeded"}}"#;
    let failure = openai_chat::decode_error(400, long.as_bytes());
    assert_eq!(failure.kind, FailureKind::ContextTooLong);
    assert_eq!(
        failure.overflow,
        Some(Overflow {
            input: Some(130_000),
            max_output: None,
            limit: Some(128_000)
        })
    );
}

#[test]
fn errors_are_written_by_the_table() {
    let cases = [
        (
            FailureKind::InvalidRequest,
            400,
            "invalid_request_error",
            None,
        ),
        (
            FailureKind::ContextTooLong,
            400,
            "invalid_request_error",
            Some("context_length_exceeded"),
        ),
        (
            FailureKind::TooLarge,
            413,
            "invalid_request_error",
            Some("request_too_large"),
        ),
        (
            FailureKind::ClientAuth,
            401,
            "invalid_request_error",
            Some("invalid_api_key"),
        ),
        (
            FailureKind::UpstreamAuth,
            502,
            "server_error",
            Some("upstream_auth_error"),
        ),
        (
            FailureKind::Billing,
            429,
            "insufficient_quota",
            Some("insufficient_quota"),
        ),
        (FailureKind::Permission, 403, "invalid_request_error", None),
        (
            FailureKind::NotFound,
            404,
            "invalid_request_error",
            Some("model_not_found"),
        ),
        (FailureKind::Conflict, 409, "invalid_request_error", None),
        (
            FailureKind::RateLimit,
            429,
            "requests",
            Some("rate_limit_exceeded"),
        ),
        (
            FailureKind::Policy,
            400,
            "invalid_request_error",
            Some("content_policy_violation"),
        ),
        (
            FailureKind::Overloaded,
            503,
            "server_error",
            Some("overloaded"),
        ),
        (FailureKind::Upstream, 502, "server_error", None),
        (FailureKind::Timeout, 504, "server_error", Some("timeout")),
        (
            FailureKind::Unsupported,
            400,
            "invalid_request_error",
            Some("unsupported_parameter"),
        ),
        (
            FailureKind::NoProvider,
            503,
            "server_error",
            Some("no_provider"),
        ),
        (FailureKind::Internal, 500, "server_error", None),
    ];
    for (kind, status, name, code) in cases {
        let mut out = Vec::new();
        let mut failure = Failure::new(kind, "words");
        failure.param = Some("p".to_owned());
        assert_eq!(
            openai_chat::encode_error(&failure, "req", &mut out),
            status,
            "{kind:?}"
        );
        let body: Value = serde_json::from_slice(&out).expect("JSON");
        valid(&ERROR, &body);
        assert_eq!(
            (
                body["error"]["type"].as_str(),
                body["error"]["code"].as_str()
            ),
            (Some(name), code),
            "{kind:?}"
        );
    }
    let mut failure = Failure::new(
        FailureKind::ContextTooLong,
        "prompt is too long: 10 tokens > 5 maximum",
    );
    failure.overflow = Some(Overflow {
        input: Some(210_000),
        max_output: None,
        limit: Some(200_000),
    });
    let mut out = Vec::new();
    openai_chat::encode_error(&failure, "req", &mut out);
    assert!(String::from_utf8_lossy(&out).contains("maximum context length is 200000"));
}
