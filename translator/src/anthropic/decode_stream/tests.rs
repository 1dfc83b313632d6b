use serde_json::{Value, json};

use super::super::proof::ORIGIN;
use super::*;
use crate::Dialect;
use crate::ir::{OpaqueKind, Usage};

/// The events of a stream, in short.
fn decode(frames: &[Value]) -> Vec<String> {
    let mut decoder = StreamDecoder::new(&ORIGIN);
    let mut out = Vec::new();
    for data in frames {
        let data = data
            .as_str()
            .map_or_else(|| data.to_string(), str::to_owned);
        decoder.frame(
            Frame {
                event: "",
                data: &data,
            },
            &mut |event| out.push(short(&event)),
        );
    }
    decoder.end(&mut |event| out.push(short(&event)));
    out
}

fn short(event: &Event<'_>) -> String {
    match event {
        Event::Start { id, model } => format!("start {id} {model}"),
        Event::Open {
            part,
            kind: Opening::ToolCall { id, name, .. },
            ..
        } => format!("open {part} call {id} {name}"),
        Event::Open {
            part,
            kind: Opening::ServerTool { summary, raw },
            ..
        } => format!("open {part} server {summary} {raw}"),
        Event::Open { part, kind, .. } => format!("open {part} {kind:?}"),
        Event::Delta { part, text } => format!("delta {part} {}", text.as_str()),
        Event::Citation { part, citation } => format!("cite {part} {:?}", citation.url),
        Event::Close { part, opaque } => {
            let states: Vec<_> = opaque.iter().map(|state| &*state.state).collect();
            assert!(
                opaque.iter().all(|state| state.origin == Dialect::Anthropic
                    && state.kind == OpaqueKind::Thinking)
            );
            format!("close {part} {}", states.join(" "))
        }
        Event::Usage(usage) => format!("usage {} {}", usage.input_total(), usage.output_total()),
        Event::Finish { reason, .. } => format!("finish {reason:?}"),
        Event::Fail(failure) => format!("fail {:?} {}", failure.kind, failure.message),
        Event::Logprobs { choice, tokens } => format!("logprobs {choice} {tokens}"),
        Event::Ping => "ping".to_owned(),
    }
}

fn message_start() -> Value {
    json!({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "c", "content": [],
        "usage": {"input_tokens": 3, "cache_read_input_tokens": 2, "cache_creation_input_tokens": 1, "output_tokens": 1}}})
}

fn delta(index: u32, delta: &Value) -> Value {
    json!({"type": "content_block_delta", "index": index, "delta": delta})
}

fn start(index: u32, block: &Value) -> Value {
    json!({"type": "content_block_start", "index": index, "content_block": block})
}

fn stop(index: u32) -> Value {
    json!({"type": "content_block_stop", "index": index})
}

fn ending(reason: &str) -> [Value; 2] {
    [
        json!({"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": null}, "usage": {"output_tokens": 9}}),
        json!({"type": "message_stop"}),
    ]
}

#[test]
fn a_whole_answer() {
    let mut frames = vec![
        message_start(),
        json!({"type": "ping"}),
        start(
            0,
            &json!({"type": "thinking", "thinking": "", "signature": ""}),
        ),
        delta(
            0,
            &json!({"type": "thinking_delta", "thinking": "so\n\"x\""}),
        ),
        json!(
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":" \ud83d"}}"#
        ),
        json!(
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"\ude00"}}"#
        ),
        delta(0, &json!({"type": "signature_delta", "signature": "S1"})),
        stop(0),
        start(1, &json!({"type": "redacted_thinking", "data": "D"})),
        stop(1),
        start(2, &json!({"type": "text", "text": ""})),
        delta(2, &json!({"type": "text_delta", "text": "hello"})),
        delta(
            2,
            &json!({"type": "citations_delta", "citation": {"type": "web_search_result_location", "url": "https://u", "title": null, "cited_text": "q", "encrypted_index": "e"}}),
        ),
        stop(2),
        start(
            3,
            &json!({"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}),
        ),
        delta(3, &json!({"type": "input_json_delta", "partial_json": ""})),
        delta(
            3,
            &json!({"type": "input_json_delta", "partial_json": "{\"a\":1}"}),
        ),
        stop(3),
    ];
    frames.extend(ending("tool_use"));
    let events = decode(&frames);
    assert_eq!(
        events[..4],
        ["start msg_1 c", "usage 6 1", "ping", "open 0 Reasoning"]
    );
    let block: Value =
        serde_json::from_str(events[7].strip_prefix("close 0 ").expect("thinking closes"))
            .expect("a block");
    assert_eq!(
        block,
        json!({"type": "thinking", "thinking": "so\n\"x\" 😀", "signature": "S1"})
    );
    let want = [
        "open 1 Reasoning",
        "close 1 {\"type\":\"redacted_thinking\",\"data\":\"D\"}",
        "open 2 Text",
        "delta 2 hello",
        "cite 2 Some(\"https://u\")",
        "close 2 ",
        "open 3 call toolu_1 f",
        "delta 3 {\"a\":1}",
        "close 3 ",
        "usage 6 9",
        "usage 6 9",
        "finish ToolUse",
    ];
    assert_eq!(events[8..], want);
}

#[test]
fn steps_of_the_vendor_are_given_whole() {
    let mut frames = vec![
        message_start(),
        start(
            0,
            &json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}}),
        ),
        delta(
            0,
            &json!({"type": "input_json_delta", "partial_json": "{\"query\":"}),
        ),
        delta(
            0,
            &json!({"type": "input_json_delta", "partial_json": "\"rust\"}"}),
        ),
        stop(0),
        start(
            1,
            &json!({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}),
        ),
        stop(1),
        start(2, &json!({"type": "future_block", "x": 1})),
        delta(2, &json!({"type": "future_delta"})),
        json!({"type": "future_event", "delta": "x", "index": "y"}),
        stop(2),
    ];
    frames.extend(ending("end_turn"));
    let events = decode(&frames);
    assert!(
        events[2].starts_with("open 0 server [web_search: rust] {"),
        "{events:?}"
    );
    assert!(
        events[2].contains(r#""input":{"query":"rust"}"#),
        "{events:?}"
    );
    assert!(
        events[4].starts_with("open 1 server [web search result]"),
        "{events:?}"
    );
    assert_eq!(events[6], "usage 6 9");
}

#[test]
fn endings() {
    let text = [
        message_start(),
        start(0, &json!({"type": "text", "text": "a"})),
    ];
    let done = |more: &[Value]| {
        decode(&[&text[..], more].concat())
            .last()
            .cloned()
            .expect("an end")
    };
    let cases: [(&str, Vec<Value>, &str); 8] = [
        ("cut", vec![], "fail Upstream upstream closed"),
        (
            "no message_stop",
            ending("end_turn")[..1].to_vec(),
            "finish Stop",
        ),
        (
            "no reason",
            vec![json!({"type": "message_stop"})],
            "finish Stop",
        ),
        ("new reason", ending("later").to_vec(), "finish Other"),
        (
            "overloaded",
            vec![
                json!({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}),
            ],
            "fail Overloaded busy",
        ),
        (
            "error without type",
            vec![json!({"error": {"message": "bad"}})],
            "fail Upstream bad",
        ),
        (
            "garbage",
            vec![json!("{\"type\":")],
            "fail Upstream upstream sent",
        ),
        (
            "done",
            [
                &ending("max_tokens")[..],
                &[json!("[DONE]"), json!({"type": "message_stop"})],
            ]
            .concat(),
            "finish Length",
        ),
    ];
    for (case, frames, want) in cases {
        let last = done(&frames);
        assert!(last.starts_with(want), "{case}: {last}");
    }
}

#[test]
fn refusals_and_sequences_tell_more() {
    let last = |delta: Value| {
        decode(&[
            message_start(),
            json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 1}}),
            json!({"type": "message_stop"}),
        ])
        .pop()
        .expect("an end")
    };
    let refusal = last(
        json!({"stop_reason": "refusal", "stop_details": {"type": "refusal", "category": "bio", "explanation": "no"}}),
    );
    assert!(
        refusal.contains("\"bio\"") && refusal.contains("no"),
        "{refusal}"
    );
    assert!(last(json!({"stop_reason": "stop_sequence", "stop_sequence": "END"})).contains("END"));
}

#[test]
fn counts_are_split_and_overwritten() {
    let mut counts = Counts::default();
    for usage in [
        json!({"input_tokens": 10, "cache_creation_input_tokens": 7, "cache_creation": {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 2}, "output_tokens": 1}),
        json!({"input_tokens": null, "cache_read_input_tokens": 5, "output_tokens": 20, "output_tokens_details": {"thinking_tokens": 12}}),
    ] {
        counts.update(&crate::wire::parse_text(&usage.to_string()).expect("usage"));
    }
    let want = Usage {
        fresh: 10,
        cache_read: 5,
        cache_write_5m: 4,
        cache_write_1h: 2,
        cache_write: 1,
        output: 8,
        reasoning: 12,
        ..Usage::default()
    };
    assert_eq!(counts.usage(), want);
}
