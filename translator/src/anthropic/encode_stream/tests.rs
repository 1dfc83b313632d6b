use serde_json::{Value, json};

use super::super::proof::{MESSAGE, check, frames};
use super::*;
use crate::Dialect;
use crate::fold::Fold;
use crate::ident::Ids;
use crate::ir::{Citation, OpaqueKind};

fn answer() -> Answer {
    Answer {
        dialect: Dialect::Anthropic,
        model: "alias".into(),
        ids: Ids::new(1),
        created: 0,
        include_usage: true,
        show_reasoning: true,
        function_calls: false,
        json_array: false,
        input_estimate: 7,
        echo: String::new(),
        before: None,
    }
}

fn encode(events: &[Event<'_>], case: &str) -> Vec<Value> {
    let mut encoder = StreamEncoder::new(answer());
    let mut out = Vec::new();
    for event in events {
        encoder.event(event, &mut out);
    }
    encoder.end(&mut out);
    let frames = frames(&out, case);
    let mut next = 0;
    for frame in &frames {
        match frame["type"].as_str() {
            Some("content_block_start") => assert_eq!(
                frame["index"], next,
                "{case}: blocks are numbered without gaps"
            ),
            Some("content_block_stop") => {
                assert_eq!(frame["index"], next, "{case}: one block at a time");
                next += 1;
            }
            Some("content_block_delta") => assert_eq!(frame["index"], next, "{case}"),
            _ => {}
        }
    }
    frames
}

fn fold(events: &[Event<'_>]) -> Value {
    let mut fold = Fold::default();
    events.iter().for_each(|event| fold.event(event));
    let mut out = Vec::new();
    super::super::encode_response(&fold.finish(), &mut answer(), &mut out);
    let message: Value = serde_json::from_slice(&out).expect("JSON");
    check(MESSAGE, &message, "message");
    message
}

fn open(part: u32, kind: Opening<'_>) -> Event<'_> {
    Event::Open {
        part,
        choice: 0,
        kind,
        opaque: Vec::new(),
    }
}

fn call<'a>(id: &'a str) -> Opening<'a> {
    Opening::ToolCall {
        id: id.into(),
        name: "f".into(),
        namespace: None,
        freeform: false,
    }
}

fn delta(part: u32, text: &str) -> Event<'_> {
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

fn state(origin: Dialect, state: &'static str) -> Opaque<'static> {
    Opaque {
        origin,
        provider: Some("p".into()),
        model: None,
        kind: OpaqueKind::Thinking,
        state: state.into(),
    }
}

fn begin() -> Event<'static> {
    Event::Start {
        id: "up".into(),
        model: "real".into(),
    }
}

fn finish(reason: Finish<'static>) -> Event<'static> {
    Event::Finish { choice: 0, reason }
}

/// Rebuilds the content from a stream as the vendor's SDK does.
fn accumulate(frames: &[Value]) -> Vec<Value> {
    let mut blocks: Vec<Value> = Vec::new();
    let mut inputs: Vec<String> = Vec::new();
    let append = |value: &mut Value, more: &Value| {
        *value = json!(format!(
            "{}{}",
            value.as_str().unwrap_or_default(),
            more.as_str().unwrap_or_default()
        ));
    };
    for frame in frames {
        let delta = &frame["delta"];
        match (frame["type"].as_str(), delta["type"].as_str()) {
            (Some("content_block_start"), _) => {
                blocks.push(frame["content_block"].clone());
                inputs.push(String::new());
            }
            (_, Some("text_delta")) => append(
                &mut blocks.last_mut().expect("open")["text"],
                &delta["text"],
            ),
            (_, Some("thinking_delta")) => append(
                &mut blocks.last_mut().expect("open")["thinking"],
                &delta["thinking"],
            ),
            (_, Some("signature_delta")) => {
                blocks.last_mut().expect("open")["signature"] = delta["signature"].clone();
            }
            (_, Some("citations_delta")) => {
                blocks.last_mut().expect("open")["citations"] = json!([delta["citation"]]);
            }
            (_, Some("input_json_delta")) => {
                let input = inputs.last_mut().expect("open");
                input.push_str(delta["partial_json"].as_str().expect("text"));
                if let Ok(value) = serde_json::from_str(input) {
                    blocks.last_mut().expect("open")["input"] = value;
                }
            }
            _ => {}
        }
    }
    blocks
}

fn everything() -> Vec<Event<'static>> {
    let cited = Citation {
        url: Some("https://u".into()),
        title: Some("T".into()),
        raw: "{}".into(),
        ..Citation::default()
    };
    let vendor = r#"{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"q"},"caller":{"type":"direct"}}"#;
    let signed = Event::Open {
        part: 5,
        choice: 0,
        kind: call("functions.f:0"),
        opaque: vec![state(Dialect::Gemini, "sig")],
    };
    vec![
        begin(),
        open(0, Opening::Reasoning),
        delta(0, "hm"),
        delta(0, " so"),
        Event::Close {
            part: 0,
            opaque: vec![state(Dialect::OpenAiResponses, "{}")],
        },
        open(1, Opening::Reasoning),
        delta(1, "no state"),
        close(1),
        open(2, Opening::Reasoning),
        Event::Close {
            part: 2,
            opaque: vec![state(Dialect::OpenAiResponses, "{}")],
        },
        open(3, Opening::Reasoning),
        close(3),
        open(4, Opening::Text),
        delta(4, "hello \"you\"\n"),
        Event::Citation {
            part: 4,
            citation: cited,
        },
        close(4),
        signed,
        delta(5, "{\"a\":"),
        delta(5, "[1]}"),
        close(5),
        open(6, call("toolu_2")),
        close(6),
        open(
            7,
            Opening::ServerTool {
                summary: "s".into(),
                raw: vendor.into(),
            },
        ),
        close(7),
        open(
            8,
            Opening::ServerTool {
                summary: "s".into(),
                raw: r#"{"type":"web_search_call"}"#.into(),
            },
        ),
        close(8),
        open(
            9,
            Opening::Media {
                mime: "image/png".into(),
            },
        ),
        delta(9, "aGk="),
        close(9),
        Event::Usage(Usage {
            fresh: 10,
            cache_read: 3,
            output: 5,
            reasoning: 2,
            ..Usage::default()
        }),
        finish(Finish::ToolUse),
    ]
}

#[test]
fn stream_and_message_hold_the_same() {
    let events = everything();
    let frames = encode(&events, "everything");
    let message = fold(&events);
    assert_eq!(Value::Array(accumulate(&frames)), message["content"]);
    let types: Vec<&str> = message["content"]
        .as_array()
        .expect("blocks")
        .iter()
        .filter_map(|block| block["type"].as_str())
        .collect();
    let want = [
        "thinking",
        "thinking",
        "redacted_thinking",
        "text",
        "redacted_thinking",
        "tool_use",
        "tool_use",
        "server_tool_use",
        "text",
    ];
    assert_eq!(types, want);
    let last = &frames[frames.len() - 2];
    for member in ["stop_reason", "stop_sequence", "stop_details"] {
        assert_eq!(last["delta"][member], message[member], "{member}");
    }
    for member in [
        "input_tokens",
        "cache_read_input_tokens",
        "output_tokens",
        "output_tokens_details",
    ] {
        assert_eq!(last["usage"][member], message["usage"][member], "{member}");
    }
    assert_eq!(frames[0]["message"]["model"], "alias");
    assert_eq!(frames[0]["message"]["usage"]["input_tokens"], 7);
    assert_eq!(frames.last().expect("an end")["type"], "message_stop");
}

#[test]
fn every_thinking_block_is_signed_once() {
    let frames = encode(&everything(), "everything");
    let signatures: Vec<&str> = frames
        .iter()
        .filter_map(|frame| frame["delta"]["signature"].as_str())
        .collect();
    assert_eq!(signatures.len(), 2);
    assert_eq!(
        envelope::open(signatures[0]).map(|states| states.len()),
        Some(1)
    );
    assert_eq!(envelope::open(signatures[1]), Some(Vec::new()));
}

#[test]
fn own_state_goes_out_as_it_is() {
    let thinking = r#"{"type":"thinking","thinking":"hm","signature":"S"}"#;
    let hidden = r#"{"type":"thinking","thinking":"","signature":"H"}"#;
    let redacted = r#"{"type":"redacted_thinking","data":"D"}"#;
    let own = |part, block| Event::Close {
        part,
        opaque: vec![state(Dialect::Anthropic, block)],
    };
    let events = vec![
        begin(),
        open(0, Opening::Reasoning),
        delta(0, "hm"),
        own(0, thinking),
        open(1, Opening::Reasoning),
        own(1, hidden),
        open(2, Opening::Reasoning),
        own(2, redacted),
        finish(Finish::Stop),
    ];
    let want: Value = [thinking, hidden, redacted]
        .iter()
        .map(|block| serde_json::from_str::<Value>(block).expect("a block"))
        .collect();
    assert_eq!(Value::Array(accumulate(&encode(&events, "own"))), want);
    assert_eq!(fold(&events)["content"], want);
}

#[test]
fn a_call_that_is_no_json_is_an_error_unless_it_was_cut() {
    let broken = |reason| {
        vec![
            begin(),
            open(0, call("a")),
            delta(0, "{\"x\": tru"),
            close(0),
            finish(reason),
        ]
    };
    let frames = encode(&broken(Finish::ToolUse), "broken");
    assert_eq!(frames.last().expect("an end")["type"], "error");
    let frames = encode(&broken(Finish::Length), "cut");
    assert_eq!(
        frames[frames.len() - 2]["delta"]["stop_reason"],
        "max_tokens"
    );
    assert_eq!(frames[frames.len() - 3]["type"], "content_block_stop");
    let mut events = broken(Finish::ToolUse);
    events.splice(4..4, [open(1, Opening::Text), delta(1, "x"), close(1)]);
    let frames = encode(&events, "broken, then text");
    assert_eq!(
        frames
            .iter()
            .filter(|frame| frame["type"] == "error")
            .count(),
        1
    );
}

/// An agent would run a call with arguments that nobody wrote.
#[test]
fn a_whole_answer_with_such_a_call_is_refused_like_the_stream() {
    let told = |arguments: &str, reason: &str| {
        let body = json!({"id": "x", "object": "chat.completion", "choices": [{"index": 0, "finish_reason": reason,
            "message": {"role": "assistant", "content": null, "tool_calls": [
                {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": arguments}}]}}]});
        let mut out = Vec::new();
        crate::translate::response(
            Dialect::OpenAiChat,
            body.to_string().as_bytes(),
            crate::translate::Origin {
                provider: "p",
                model: "m",
            },
            &crate::undo::Undo::default(),
            &mut answer(),
            &mut out,
        )
        .map(|_| serde_json::from_slice::<Value>(&out).expect("JSON"))
        .map_err(|failure| failure.kind)
    };
    for arguments in ["{\"a\":", "[1]", "words"] {
        assert_eq!(
            told(arguments, "tool_calls"),
            Err(FailureKind::Upstream),
            "{arguments}"
        );
    }
    let cut = told("{\"a\":", "length").expect("the limit explains it");
    assert_eq!(cut["stop_reason"], "max_tokens");
    assert_eq!(cut["content"][0]["input"], json!({"_raw": "{\"a\":"}));
    let empty = told(" ", "tool_calls").expect("a call without arguments");
    assert_eq!(empty["content"][0]["input"], json!({}));
}

#[test]
fn endings() {
    let end = |events: &[Event<'_>], case: &str| encode(events, case).pop().expect("an end");
    assert_eq!(end(&[], "nothing at all")["type"], "error");
    assert_eq!(
        end(&[begin(), finish(Finish::Stop)], "empty answer")["type"],
        "message_stop"
    );
    let failure = Failure::new(FailureKind::Overloaded, "busy");
    let failed = end(
        &[
            begin(),
            open(0, Opening::Text),
            delta(0, "a"),
            Event::Fail(failure),
            finish(Finish::Stop),
        ],
        "failed",
    );
    assert_eq!(
        failed["error"],
        json!({"type": "overloaded_error", "message": "busy"})
    );
}

#[test]
fn stop_reasons() {
    let cases = [
        (Finish::Stop, "end_turn", Value::Null),
        (
            Finish::StopSequence(Some("END".into())),
            "stop_sequence",
            Value::Null,
        ),
        (Finish::StopSequence(None), "end_turn", Value::Null),
        (Finish::Length, "max_tokens", Value::Null),
        (
            Finish::ContextWindow,
            "model_context_window_exceeded",
            Value::Null,
        ),
        (
            Finish::Refusal,
            "refusal",
            json!({"type": "refusal", "category": null, "explanation": null}),
        ),
        (
            Finish::ContentFilter {
                category: Some("SAFETY".into()),
                explanation: Some("e".into()),
            },
            "refusal",
            json!({"type": "refusal", "category": null, "explanation": "e"}),
        ),
        (
            Finish::ContentFilter {
                category: Some("cyber".into()),
                explanation: None,
            },
            "refusal",
            json!({"type": "refusal", "category": "cyber", "explanation": null}),
        ),
        (
            Finish::Recitation,
            "refusal",
            json!({"type": "refusal", "category": null, "explanation": null}),
        ),
        (Finish::Continuation, "max_tokens", Value::Null),
        (Finish::Other("new".into()), "end_turn", Value::Null),
    ];
    for (reason, word, details) in cases {
        let case = format!("{reason:?}");
        let events = [
            begin(),
            open(0, Opening::Text),
            delta(0, "x"),
            close(0),
            finish(reason),
        ];
        let frames = encode(&events, &case);
        let last = &frames[frames.len() - 2]["delta"];
        assert_eq!(
            (&last["stop_reason"], &last["stop_details"]),
            (&json!(word), &details),
            "{case}"
        );
        assert_eq!(fold(&events)["stop_reason"], word, "{case}");
    }
}
