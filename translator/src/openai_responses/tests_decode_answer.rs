//! Answers, read: a stream says what the complete answer says, and sloppy servers are understood.

use serde_json::{Value, json};

use super::{StreamDecoder, decode_response};
use crate::error::{Failure, FailureKind};
use crate::fold::Fold;
use crate::ir::{Event, Finish, OpaqueKind, Opening, Response};
use crate::sse;
use crate::translate::Origin;

const ORIGIN: Origin<'static> = Origin {
    provider: "upstream",
    model: "gpt",
};

fn streamed(frames: &[String]) -> (Response, Vec<String>) {
    let mut decoder = StreamDecoder::new(&ORIGIN);
    let (mut fold, mut log) = (Fold::default(), Vec::new());
    let mut sink = |event: Event<'_>| {
        log.push(match &event {
            Event::Fail(failure) => format!(
                "fail {:?} {} {:?}",
                failure.kind, failure.message, failure.code
            ),
            Event::Finish { reason, .. } => format!("finish {reason:?}"),
            Event::Open { .. } => "open".to_owned(),
            Event::Close { .. } => "close".to_owned(),
            other => format!("{other:?}")
                .split([' ', '('])
                .next()
                .unwrap_or_default()
                .to_lowercase(),
        });
        fold.event(&event);
    };
    for data in frames {
        decoder.frame(sse::Frame { event: "", data }, &mut sink);
    }
    decoder.end(&mut sink);
    (fold.finish(), log)
}

fn whole(body: &Value) -> (Response, Vec<Failure>) {
    let (mut fold, mut failures) = (Fold::default(), Vec::new());
    decode_response(body.to_string().as_bytes(), ORIGIN, &mut |event| {
        if let Event::Fail(failure) = &event {
            failures.push(failure.clone());
        }
        fold.event(&event);
    });
    (fold.finish(), failures)
}

fn sample() -> Value {
    json!({"id":"resp_up","object":"response","created_at":1,"status":"completed","model":"gpt","error":null,"incomplete_details":null,
    "output":[
        {"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"one"},{"type":"summary_text","text":"two"}],"encrypted_content":"gAAA"},
        {"id":"msg_1","type":"message","role":"assistant","status":"completed","content":[
            {"type":"output_text","text":"héllo","annotations":[{"type":"url_citation","url":"https://a","title":"A","start_index":0,"end_index":5}],"logprobs":[]},
            {"type":"refusal","refusal":"no"}]},
        {"id":"fc_1","type":"function_call","call_id":"c1","name":"f","arguments":"{\"a\":1}","status":"completed","namespace":"n"},
        {"id":"ctc_1","type":"custom_tool_call","call_id":"c2","name":"exec","input":"js"},
        {"id":"ws_1","type":"web_search_call","status":"completed","action":{"type":"search","query":"q"}},
        {"id":"ig_1","type":"image_generation_call","status":"completed","result":"AAAA","output_format":"webp"},
        {"id":"tsc_1","type":"tool_search_call","call_id":"c3","execution":"client","status":"completed","arguments":{"query": "q"}}],
    "usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":3,"cache_write_tokens":2},"output_tokens":10,"output_tokens_details":{"reasoning_tokens":6},"total_tokens":20}})
}

fn texts(response: &Response) -> Vec<(String, String)> {
    response
        .parts
        .iter()
        .map(|part| {
            (
                format!("{:?}", part.kind)
                    .split([' ', '{'])
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
                part.text.clone(),
            )
        })
        .collect()
}

#[test]
fn a_complete_answer_is_read() {
    let (response, failures) = whole(&sample());
    assert!(failures.is_empty(), "{failures:?}");
    let want = [
        ("Reasoning", "one\n\ntwo"),
        ("Text", "héllo"),
        ("Refusal", "no"),
        ("ToolCall", "{\"a\":1}"),
        ("ToolCall", "js"),
        ("ServerTool", ""),
        ("Media", "AAAA"),
        ("ToolCall", "{\"query\":\"q\"}"),
    ];
    assert_eq!(
        texts(&response),
        want.map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
    let state = &response.parts[0].opaque[0];
    assert_eq!(
        (state.provider.as_deref(), state.kind),
        (Some("upstream"), OpaqueKind::Reasoning)
    );
    assert!(state.state.contains("gAAA"));
    assert_eq!(response.parts[1].citations[0].span, Some((0, 5)));
    assert!(
        matches!(&response.parts[3].kind, Opening::ToolCall { namespace: Some(n), freeform: false, .. } if n == "n")
    );
    assert_eq!(response.finish, [Some(Finish::ToolUse)]);
    let usage = response.usage.expect("usage");
    assert_eq!(
        (
            usage.fresh,
            usage.cache_read,
            usage.cache_write,
            usage.output,
            usage.reasoning
        ),
        (5, 3, 2, 4, 6)
    );
}

#[test]
fn statuses_and_bodies_that_are_no_answers() {
    let with = |status: &str, details: Value| {
        let mut body = sample();
        body["output"] = json!([]);
        body["status"] = json!(status);
        body["incomplete_details"] = details;
        whole(&body).0.finish
    };
    assert_eq!(with("completed", Value::Null), [Some(Finish::Stop)]);
    assert_eq!(
        with("incomplete", json!({"reason":"max_output_tokens"})),
        [Some(Finish::Length)]
    );
    assert_eq!(
        with("incomplete", json!({"reason":"steered"})),
        [Some(Finish::Other("steered".into()))]
    );
    assert_eq!(with("cancelled", Value::Null), [Some(Finish::Cancelled)]);
    for (body, want) in [
        (
            json!({"status":"failed","output":[],"error":{"code":"rate_limit_exceeded","message":"slow"}}),
            FailureKind::RateLimit,
        ),
        (
            json!({"status":"queued","output":[]}),
            FailureKind::Upstream,
        ),
        (
            json!({"error":{"message":"m","code":"context_length_exceeded"}}),
            FailureKind::ContextTooLong,
        ),
        (json!({"choices":[]}), FailureKind::Upstream),
        (json!([1]), FailureKind::Upstream),
    ] {
        let (_, failures) = whole(&body);
        assert_eq!(
            failures
                .iter()
                .map(|failure| failure.kind)
                .collect::<Vec<_>>(),
            [want],
            "{body}"
        );
    }
}

/// The stream that the service writes for a complete answer.
fn frames_of(body: &Value, deltas: bool) -> Vec<String> {
    let mut empty = body.clone();
    empty["output"] = json!([]);
    empty["status"] = json!("in_progress");
    empty["usage"] = Value::Null;
    let mut frames = vec![
        json!({"type":"response.created","response":empty}),
        json!({"type":"response.in_progress","response":empty}),
    ];
    for (index, item) in body["output"].as_array().into_iter().flatten().enumerate() {
        let mut bare = item.clone();
        for (member, value) in [
            ("content", json!([])),
            ("summary", json!([])),
            ("arguments", json!("")),
            ("input", json!("")),
        ] {
            if bare.get(member).is_some() {
                bare[member] = value;
            }
        }
        frames.push(json!({"type":"response.output_item.added","output_index":index,"item":bare}));
        let delta = |name: &str, member: &str, number: usize, delta: &str| json!({"type":format!("response.{name}.delta"),"output_index":index,"item_id":item["id"],member:number,"delta":delta});
        if deltas {
            for (number, part) in item["summary"].as_array().into_iter().flatten().enumerate() {
                frames.push(delta(
                    "reasoning_summary_text",
                    "summary_index",
                    number,
                    part["text"].as_str().expect("text"),
                ));
            }
            for (number, part) in item["content"].as_array().into_iter().flatten().enumerate() {
                match part["text"].as_str() {
                    Some(text) => frames
                        .extend(text.chars().map(|c| {
                            delta("output_text", "content_index", number, &c.to_string())
                        })),
                    None => frames.push(delta(
                        "refusal",
                        "content_index",
                        number,
                        part["refusal"].as_str().expect("refusal"),
                    )),
                }
                frames.push(json!({"type":"response.content_part.done","output_index":index,"item_id":item["id"],"content_index":number,"part":part}));
            }
            match item["type"].as_str() {
                Some("function_call") => frames.push(delta(
                    "function_call_arguments",
                    "n",
                    0,
                    item["arguments"].as_str().expect("text"),
                )),
                Some("custom_tool_call") => frames.push(delta(
                    "custom_tool_call_input",
                    "n",
                    0,
                    &item["input"].as_str().expect("text")[..1],
                )),
                _ => {}
            }
        }
        frames.push(json!({"type":"response.output_item.done","output_index":index,"item":item}));
    }
    frames.push(json!({"type":"response.completed","response":body}));
    frames.iter().map(Value::to_string).collect()
}

#[test]
fn a_stream_says_what_the_complete_answer_says() {
    let body = sample();
    let (want, _) = whole(&body);
    let terminal_alone = vec![json!({"type":"response.completed","response":body}).to_string()];
    let done_alone: Vec<String> = frames_of(&body, false)
        .into_iter()
        .filter(|frame| !frame.contains("output_item.added"))
        .collect();
    for (name, frames) in [
        ("with deltas", frames_of(&body, true)),
        ("without deltas", frames_of(&body, false)),
        ("items done alone", done_alone),
        ("terminal event alone", terminal_alone),
    ] {
        let (got, log) = streamed(&frames);
        assert_eq!(texts(&got), texts(&want), "{name}: {log:?}");
        assert_eq!(
            (got.usage, &got.finish),
            (want.usage, &want.finish),
            "{name}"
        );
        assert_eq!(got.parts[0].opaque, want.parts[0].opaque, "{name}");
        assert_eq!(got.parts[1].citations, want.parts[1].citations, "{name}");
        let count = |word: &str| log.iter().filter(|entry| *entry == word).count();
        assert_eq!(
            (count("open"), count("close"), count("start")),
            (8, 8, 1),
            "{name}: {log:?}"
        );
    }
}

#[test]
fn raw_reasoning_is_read() {
    let frames = [
        json!({"type":"response.created","response":{"id":"r"}}),
        json!({"type":"response.output_item.added","output_index":0,"item":{"id":"rs","type":"reasoning","summary":[]}}),
        json!({"type":"response.reasoning_text.delta","output_index":0,"item_id":"rs","content_index":0,"delta":"raw"}),
        json!({"type":"response.output_item.done","output_index":0,"item":{"id":"rs","type":"reasoning","summary":[],"content":[{"type":"reasoning_text","text":"raw thoughts"}]}}),
        json!({"type":"response.completed","response":{"id":"r","status":"completed","output":[]}}),
    ]
    .map(|frame| frame.to_string());
    let (response, _) = streamed(&frames);
    assert_eq!(
        texts(&response),
        [("Reasoning".to_owned(), "raw thoughts".to_owned())]
    );
    assert!(response.parts[0].opaque.is_empty());
}

#[test]
fn failures_in_streams() {
    let created = r#"{"type":"response.created","response":{"id":"r"}}"#;
    let cases = [
        (
            "flat",
            r#"{"type":"error","code":"rate_limit_exceeded","message":"slow","param":null,"sequence_number":3}"#,
            "fail RateLimit slow",
        ),
        (
            "nested",
            r#"{"type":"error","error":{"type":"server_error","code":"server_is_overloaded","message":"busy"}}"#,
            "fail Overloaded busy",
        ),
        (
            "bare",
            r#"{"error":{"message":"odd"}}"#,
            "fail Upstream odd",
        ),
        (
            "failed",
            r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"server_error","message":"sorry"}}}"#,
            "fail Upstream sorry",
        ),
        ("garbage", r#"{"type":"#, "fail Upstream an event"),
        (
            "cut",
            r#"{"type":"response.in_progress"}"#,
            "fail Upstream the upstream's stream ended",
        ),
        (
            "done marker",
            "[DONE]",
            "fail Upstream the upstream's stream ended",
        ),
    ];
    for (name, frame, want) in cases {
        let after = r#"{"type":"response.completed","response":{"status":"completed"}}"#;
        let mut frames = vec![created.to_owned(), frame.to_owned()];
        if !want.contains("ended") {
            frames.push(after.to_owned());
        }
        let (_, log) = streamed(&frames);
        let ends: Vec<&String> = log
            .iter()
            .filter(|entry| entry.starts_with("fail") || entry.starts_with("finish"))
            .collect();
        assert!(
            ends.len() == 1 && ends[0].starts_with(want),
            "{name}: {log:?}"
        );
    }
}

#[test]
fn sloppy_servers_are_understood() {
    let frames = [
        json!({"type":"response.created","response":{"id":"r","model":"local"}}),
        json!({"type":"response.output_text.delta","delta":"no item "}),
        json!({"type":"response.output_text.delta","delta":"was added"}),
        json!({"type":"response.something.new","x":1}),
        json!({"type":"response.completed","response":{"id":"r","usage":{"prompt_tokens":3,"completion_tokens":4}}}),
    ]
    .map(|frame| frame.to_string());
    let (response, _) = streamed(&frames);
    assert_eq!(
        texts(&response),
        [("Text".to_owned(), "no item was added".to_owned())]
    );
    assert_eq!(response.finish, [Some(Finish::Stop)]);
    assert_eq!(
        response.usage.map(|usage| (usage.fresh, usage.output)),
        Some((3, 4))
    );
}

#[test]
fn items_that_share_a_place_stay_apart() {
    let frames = [
        json!({"type":"response.created","response":{"id":"r","model":"m"}}),
        json!({"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","id":"fc_1","call_id":"c","name":"f","arguments":""}}),
        json!({"type":"response.output_item.done","output_index":0,"item":{"type":"function_call","id":"fc_1","call_id":"c","name":"f","arguments":"{}"}}),
        json!({"type":"response.reasoning_summary_text.delta","output_index":0,"item_id":"rs_1","summary_index":0,"delta":"why"}),
        json!({"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"why"}]}}),
        json!({"type":"response.completed","response":{"id":"r","status":"completed"}}),
    ]
    .map(|frame| frame.to_string());
    let (response, _) = streamed(&frames);
    let parts: Vec<(bool, &str)> = response
        .choice(0)
        .map(|part| (part.kind == Opening::Reasoning, part.text.as_str()))
        .collect();
    assert_eq!(parts, [(false, "{}"), (true, "why")]);
}
