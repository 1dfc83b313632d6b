//! Answers, written whole and streamed: what a client is told must be the same either way.

use serde_json::{Value, json};

use super::schema_check::{assert_stream, assert_valid};
use super::{StreamEncoder, decode_request, encode_response};
use crate::answer::Answer;
use crate::error::{Failure, FailureKind};
use crate::fold::Fold;
use crate::ir::{Citation, Event, Finish, Opaque, OpaqueKind, Opening, Usage};
use crate::{Dialect, Text, envelope};

fn answer(body: &str) -> Answer {
    let request = decode_request(body.as_bytes()).expect("a request");
    Answer::new(&request, 7, 1_700_000_000)
}

fn plain() -> Answer {
    answer(r#"{"model":"m","input":"x"}"#)
}

fn start() -> Event<'static> {
    Event::Start {
        id: "up".into(),
        model: "um".into(),
    }
}

fn part(
    number: u32,
    kind: Opening<'static>,
    deltas: &[&'static str],
    opaque: Vec<Opaque<'static>>,
) -> Vec<Event<'static>> {
    let at_open = matches!(kind, Opening::ToolCall { .. });
    let (first, last) = if at_open {
        (opaque, Vec::new())
    } else {
        (Vec::new(), opaque)
    };
    let mut events = vec![Event::Open {
        part: number,
        choice: 0,
        kind,
        opaque: first,
    }];
    events.extend(deltas.iter().map(|text| Event::Delta {
        part: number,
        text: (*text).into(),
    }));
    events.push(Event::Close {
        part: number,
        opaque: last,
    });
    events
}

fn call(
    id: &'static str,
    name: &'static str,
    namespace: Option<&'static str>,
    freeform: bool,
) -> Opening<'static> {
    Opening::ToolCall {
        id: id.into(),
        name: name.into(),
        namespace: namespace.map(Into::into),
        freeform,
    }
}

fn foreign(kind: OpaqueKind) -> Opaque<'static> {
    Opaque {
        origin: Dialect::Gemini,
        provider: Some("g".into()),
        model: None,
        kind,
        state: "c2ln".into(),
    }
}

fn finish(reason: Finish<'static>) -> Vec<Event<'static>> {
    let usage = Usage {
        fresh: 5,
        cache_read: 3,
        cache_write: 2,
        output: 4,
        reasoning: 6,
        ..Usage::default()
    };
    vec![Event::Usage(usage), Event::Finish { choice: 0, reason }]
}

/// Every frame is valid, item ids stay the same from beginning to end, and the terminal response says what
/// the complete answer says.
fn both(answer: &Answer, events: &[Event<'_>]) -> (Vec<Value>, Value) {
    let mut out = Vec::new();
    let mut encoder = StreamEncoder::new(answer.clone());
    let mut fold = Fold::default();
    for event in events {
        encoder.event(event, &mut out);
        fold.event(event);
    }
    encoder.end(&mut out);
    let frames = assert_stream(&out);
    let mut whole = Vec::new();
    encode_response(&fold.finish(), &mut answer.clone(), &mut whole);
    let whole = assert_valid("response", &whole);
    let terminal = &frames.last().expect("frames")["response"];
    assert_eq!(
        without_ids(terminal),
        without_ids(&whole),
        "a stream says what a complete answer says"
    );
    grammar(&frames);
    (frames, whole)
}

fn without_ids(response: &Value) -> Value {
    let mut response = response.clone();
    for item in response["output"].as_array_mut().into_iter().flatten() {
        item["id"] = Value::Null;
    }
    response
}

fn grammar(frames: &[Value]) {
    assert_eq!(frames[0]["type"], "response.created");
    assert_eq!(frames[1]["type"], "response.in_progress");
    let terminal = &frames.last().expect("frames")["response"];
    assert_eq!(frames[0]["response"]["id"], terminal["id"]);
    let mut open: Option<(Value, Value)> = None;
    let mut done = Vec::new();
    for frame in &frames[2..frames.len() - 1] {
        match frame["type"].as_str().expect("type") {
            "response.output_item.added" => {
                assert!(open.is_none(), "one item at a time");
                assert_eq!(frame["output_index"], done.len());
                open = Some((frame["item"]["id"].clone(), frame["output_index"].clone()));
            }
            "response.output_item.done" => {
                let (id, index) = open.take().expect("an open item");
                assert_eq!(
                    (&frame["item"]["id"], &frame["output_index"]),
                    (&id, &index)
                );
                done.push(frame["item"].clone());
            }
            _ => {
                let (id, index) = open.as_ref().expect("an open item");
                assert_eq!(
                    (&frame["item_id"], &frame["output_index"]),
                    (id, index),
                    "{frame}"
                );
            }
        }
    }
    assert_eq!(
        terminal["output"],
        Value::Array(done),
        "the terminal response holds the finished items"
    );
}

fn types(frames: &[Value]) -> Vec<&str> {
    frames
        .iter()
        .map(|frame| {
            frame["type"]
                .as_str()
                .expect("type")
                .trim_start_matches("response.")
        })
        .collect()
}

#[test]
fn an_answer_of_every_part_is_written() {
    let mut events = vec![start()];
    events.extend(part(
        0,
        Opening::Reasoning,
        &["think", "ing \"x\"\n"],
        vec![foreign(OpaqueKind::Thinking)],
    ));
    events.extend(part(1, Opening::Text, &["Hel", "lo é"], vec![]));
    events.extend(part(2, Opening::Text, &["again"], vec![]));
    events.extend(part(
        3,
        call("c1", "f", None, false),
        &["{\"a\"", ":1}"],
        vec![foreign(OpaqueKind::Signature)],
    ));
    events.extend(part(
        4,
        call("c2", "exec", Some("functions"), true),
        &["free"],
        vec![],
    ));
    events.extend(part(5, call("c3", "none", None, false), &[], vec![]));
    events.extend(part(
        6,
        Opening::Media {
            mime: "image/png".into(),
        },
        &["AAAA"],
        vec![],
    ));
    let raw =
        r#"{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"q"}}"#;
    events.extend(part(
        7,
        Opening::ServerTool {
            summary: "s".into(),
            raw: raw.into(),
        },
        &[],
        vec![],
    ));
    events.extend(part(8, Opening::Refusal, &["no"], vec![]));
    events.extend(finish(Finish::ToolUse));
    let (frames, whole) = both(&plain(), &events);
    let output = whole["output"].as_array().expect("items");
    let kinds: Vec<&str> = output
        .iter()
        .map(|item| item["type"].as_str().expect("type"))
        .collect();
    assert_eq!(
        kinds,
        [
            "reasoning",
            "message",
            "reasoning",
            "function_call",
            "custom_tool_call",
            "function_call",
            "image_generation_call",
            "web_search_call",
            "message"
        ]
    );
    assert_eq!(output[0]["summary"][0]["text"], "thinking \"x\"\n");
    let sealed = output[0]["encrypted_content"]
        .as_str()
        .expect("an envelope");
    assert_eq!(
        envelope::open(sealed),
        Some(vec![foreign(OpaqueKind::Thinking)])
    );
    assert_eq!(
        output[1]["content"][1]["text"], "again",
        "words that follow one another are one message"
    );
    assert_eq!(
        (
            &output[2]["summary"],
            output[2]["encrypted_content"].is_string()
        ),
        (&json!([]), true)
    );
    assert_eq!(
        (&output[3]["arguments"], &output[3]["call_id"]),
        (&json!("{\"a\":1}"), &json!("c1"))
    );
    assert_eq!(
        (&output[4]["input"], &output[4]["namespace"]),
        (&json!("free"), &json!("functions"))
    );
    assert_eq!(output[5]["arguments"], "{}");
    assert_eq!(output[7]["action"]["query"], "q");
    assert_eq!(output[8]["content"][0]["refusal"], "no");
    let usage = &whole["usage"];
    assert_eq!(
        (
            &usage["input_tokens"],
            &usage["output_tokens"],
            &usage["total_tokens"]
        ),
        (&json!(10), &json!(10), &json!(20))
    );
    assert_eq!(
        usage["input_tokens_details"],
        json!({"cached_tokens":3,"cache_write_tokens":2})
    );
    assert_eq!(
        (&whole["status"], &whole["model"]),
        (&json!("completed"), &json!("m"))
    );
    let deltas: String = frames
        .iter()
        .filter(|frame| {
            frame["type"] == "response.function_call_arguments.delta" && frame["output_index"] == 5
        })
        .map(|frame| frame["delta"].as_str().expect("delta"))
        .collect();
    assert_eq!(deltas, "{}", "deltas add up to the arguments");
}

#[test]
fn the_grammar_of_a_text_answer() {
    let mut events = vec![start()];
    events.extend(part(0, Opening::Reasoning, &["t"], vec![]));
    events.extend(part(1, Opening::Text, &["a", "b"], vec![]));
    events.extend(finish(Finish::Stop));
    let (frames, _) = both(&plain(), &events);
    assert_eq!(
        types(&frames),
        [
            "created",
            "in_progress",
            "output_item.added",
            "reasoning_summary_part.added",
            "reasoning_summary_text.delta",
            "reasoning_summary_text.done",
            "reasoning_summary_part.done",
            "output_item.done",
            "output_item.added",
            "content_part.added",
            "output_text.delta",
            "output_text.delta",
            "output_text.done",
            "content_part.done",
            "output_item.done",
            "completed"
        ]
    );
}

#[test]
fn the_first_frames_come_with_the_start() {
    let mut out = Vec::new();
    StreamEncoder::new(plain()).event(&start(), &mut out);
    assert_eq!(assert_stream(&out).len(), 2);
}

#[test]
fn finish_reasons() {
    let cases = [
        (Finish::Stop, "completed", Value::Null),
        (Finish::StopSequence(None), "completed", Value::Null),
        (Finish::ToolUse, "completed", Value::Null),
        (Finish::Refusal, "completed", Value::Null),
        (
            Finish::Length,
            "incomplete",
            json!({"reason":"max_output_tokens"}),
        ),
        (
            Finish::ContextWindow,
            "incomplete",
            json!({"reason":"max_output_tokens"}),
        ),
        (
            Finish::Pause,
            "incomplete",
            json!({"reason":"max_output_tokens"}),
        ),
        (
            Finish::ContentFilter {
                category: None,
                explanation: None,
            },
            "incomplete",
            json!({"reason":"content_filter"}),
        ),
        (
            Finish::Recitation,
            "incomplete",
            json!({"reason":"content_filter"}),
        ),
        (
            Finish::ImageFail("NO_IMAGE".into()),
            "completed",
            Value::Null,
        ),
        (Finish::Other("new".into()), "completed", Value::Null),
    ];
    for (reason, status, details) in cases {
        let mut events = vec![start()];
        events.extend(finish(reason.clone()));
        let (frames, whole) = both(&plain(), &events);
        assert_eq!(
            (&whole["status"], &whole["incomplete_details"]),
            (&json!(status), &details),
            "{reason:?}"
        );
        assert_eq!(types(&frames).last(), Some(&status), "{reason:?}");
        assert_eq!(whole["output"], json!([]), "an empty answer is legal");
    }
}

#[test]
fn an_unusable_call_is_a_failure() {
    let mut out = Vec::new();
    let mut encoder = StreamEncoder::new(plain());
    encoder.event(&start(), &mut out);
    encoder.event(
        &Event::Finish {
            choice: 0,
            reason: Finish::BadToolCall("MALFORMED_FUNCTION_CALL".into()),
        },
        &mut out,
    );
    encoder.end(&mut out);
    assert_eq!(types(&assert_stream(&out)).last(), Some(&"failed"));
}

#[test]
fn failures_are_said_in_every_form() {
    for begun in [false, true] {
        let mut out = Vec::new();
        let mut encoder = StreamEncoder::new(plain());
        if begun {
            for event in [start()]
                .iter()
                .chain(&part(0, Opening::Text, &["partial"], vec![])[..2])
            {
                encoder.event(event, &mut out);
            }
        }
        encoder.event(
            &Event::Fail(
                Failure::new(FailureKind::Overloaded, "busy").with_code("server_is_overloaded"),
            ),
            &mut out,
        );
        encoder.end(&mut out);
        let frames = assert_stream(&out);
        let [.., error, failed] = frames.as_slice() else {
            unreachable!("two frames at least")
        };
        assert_eq!(
            (
                &error["type"],
                &error["message"],
                &error["error"]["message"]
            ),
            (&json!("error"), &json!("busy"), &json!("busy"))
        );
        assert_eq!(
            (&failed["type"], &failed["response"]["error"]["code"]),
            (&json!("response.failed"), &json!("server_error"))
        );
        let output = &failed["response"]["output"];
        if begun {
            assert_eq!(output[0]["content"][0]["text"], "partial");
            assert_eq!(output[0]["status"], "incomplete");
        } else {
            assert_eq!(output, &json!([]));
        }
        let odd = frames
            .iter()
            .filter(|frame| frame["type"] != "error" && !frame["error"].is_null());
        assert_eq!(odd.count(), 0, "no other event has an error member");
    }
    let mut out = Vec::new();
    StreamEncoder::new(plain()).end(&mut out);
    assert_eq!(
        types(&assert_stream(&out)),
        ["created", "in_progress", "error", "failed"]
    );
}

#[test]
fn a_failed_response_holds_what_was_said() {
    let said = |open: Vec<Event<'static>>| {
        let mut out = Vec::new();
        let mut encoder = StreamEncoder::new(plain());
        let mut events = vec![start()];
        events.extend(part(0, Opening::Text, &["closed"], vec![]));
        events.extend(open);
        events.push(Event::Fail(Failure::new(FailureKind::Overloaded, "busy")));
        for event in &events {
            encoder.event(event, &mut out);
        }
        encoder.end(&mut out);
        assert_stream(&out).pop().expect("frames")["response"]["output"].clone()
    };
    let output = said(vec![]);
    assert_eq!(output.as_array().map(Vec::len), Some(1));
    assert_eq!(output[0]["content"][0]["text"], "closed");
    let output = said(part(1, Opening::Text, &["op\"en"], vec![])[..2].to_vec());
    assert_eq!(output[0]["content"][1]["text"], "op\"en");
    let output = said(part(1, Opening::Reasoning, &["hm"], vec![])[..2].to_vec());
    assert_eq!(output[1]["summary"][0]["text"], "hm");
    let output = said(part(1, call("c", "f", None, false), &["{\"a\":"], vec![])[..2].to_vec());
    assert_eq!(output.as_array().map(Vec::len), Some(1), "{output}");
}

/// Anthropic names the source before the words that rest on it.
#[test]
fn a_citation_without_a_place_covers_its_whole_part() {
    let mut events = vec![start()];
    events.extend(part(0, Opening::Text, &["Hello. "], vec![]));
    let mut cited = part(1, Opening::Text, &["Cited ", "text"], vec![]);
    for (at, url) in [(1, "https://a"), (3, "https://b")] {
        let citation = Citation {
            url: Some(url.into()),
            ..Citation::default()
        };
        cited.insert(at, Event::Citation { part: 1, citation });
    }
    events.extend(cited);
    events.extend(finish(Finish::Stop));
    let (frames, whole) = both(&plain(), &events);
    for annotation in whole["output"][0]["content"][1]["annotations"]
        .as_array()
        .expect("a list")
    {
        assert_eq!(
            (&annotation["start_index"], &annotation["end_index"]),
            (&json!(0), &json!(10))
        );
    }
    let at = |kind: &str| frames.iter().rposition(|frame| frame["type"] == kind);
    assert!(at("response.output_text.annotation.added") < at("response.output_text.done"));
}

#[test]
fn the_format_is_told_where_the_client_left_it_to_the_service() {
    let format = json!({"type": "text"});
    for (text, told) in [
        (
            r#"{"verbosity":"low"}"#,
            json!({"format": format, "verbosity": "low"}),
        ),
        ("{}", json!({"format": format})),
    ] {
        let mut events = vec![start()];
        events.extend(finish(Finish::Stop));
        let body = format!(r#"{{"model":"m","input":"x","text":{text}}}"#);
        assert_eq!(both(&answer(&body), &events).1["text"], told);
    }
}

#[test]
fn the_request_is_echoed() {
    let body = r#"{"model":"m","input":"x","instructions":"be
 kind","temperature":0.5,"max_output_tokens":99,"metadata":{"a":"b"},"parallel_tool_calls":false,
        "reasoning":{"effort":"low"},"text":{"format":{"type":"json_object"},"verbosity":"low"},"store":false,"truncation":"auto",
        "tools":[{"type":"function","name":"f","description":"d"},{"type":"custom","name":"c"},
          {"type":"namespace","name":"n","description":"d","tools":[{"type":"function","name":"g"}]}],
        "tool_choice":{"type":"function","name":"f"}}"#
        .replace("be\n kind", "be kind");
    let mut events = vec![start()];
    events.extend(finish(Finish::Stop));
    let (_, whole) = both(&answer(&body), &events);
    assert_eq!(
        (
            &whole["instructions"],
            &whole["temperature"],
            &whole["max_output_tokens"]
        ),
        (&json!("be kind"), &json!(0.5), &json!(99))
    );
    assert_eq!(whole["tools"][0]["strict"], false);
    assert!(whole["tools"][0]["parameters"].is_object());
    assert_eq!(
        (&whole["top_p"], &whole["previous_response_id"]),
        (&json!(1), &Value::Null)
    );
}

#[test]
fn tools_with_items_of_their_own_come_back_as_such() {
    let body = r#"{"model":"m","input":"x","tools":[{"type":"tool_search","execution":"client"},{"type":"apply_patch"},{"type":"local_shell"},{"type":"shell"}]}"#;
    let mut events = vec![start()];
    events.extend(part(
        0,
        call("c1", "tool_search", None, false),
        &["{\"query\":", "\"q\"}"],
        vec![],
    ));
    events.extend(part(
        1,
        call("c2", "apply_patch", None, false),
        &[r#"{"type":"delete_file","path":"p"}"#],
        vec![],
    ));
    events.extend(part(
        2,
        call("c3", "local_shell", None, false),
        &[r#"{"type":"exec","command":["ls"],"env":{}}"#],
        vec![],
    ));
    events.extend(part(
        3,
        call("c4", "shell", None, false),
        &[r#"{"commands":["ls"]}"#],
        vec![],
    ));
    events.extend(finish(Finish::ToolUse));
    let (_, whole) = both(&answer(body), &events);
    let kinds: Vec<&str> = whole["output"]
        .as_array()
        .expect("items")
        .iter()
        .map(|i| i["type"].as_str().expect("type"))
        .collect();
    assert_eq!(
        kinds,
        [
            "tool_search_call",
            "apply_patch_call",
            "local_shell_call",
            "shell_call"
        ]
    );
    assert_eq!(whole["output"][0]["arguments"], json!({"query":"q"}));
    // A custom tool of the same name is no such tool.
    let body = r#"{"model":"m","input":"x","tools":[{"type":"custom","name":"apply_patch"}]}"#;
    let mut events = vec![start()];
    events.extend(part(
        0,
        call("c2", "apply_patch", None, true),
        &["*** Begin"],
        vec![],
    ));
    events.extend(finish(Finish::ToolUse));
    let (_, whole) = both(&answer(body), &events);
    assert_eq!(whole["output"][0]["type"], "custom_tool_call");
}

#[test]
fn citations_become_annotations() {
    let citation = |url: Option<&'static str>, span, raw: &'static str| Event::Citation {
        part: 0,
        citation: Citation {
            url: url.map(Into::into),
            title: None,
            quote: None,
            span,
            raw: raw.into(),
        },
    };
    let mut events = vec![
        start(),
        Event::Open {
            part: 0,
            choice: 0,
            kind: Opening::Text,
            opaque: vec![],
        },
    ];
    events.push(Event::Delta {
        part: 0,
        text: Text::Json(r#""h\u00e9llo""#),
    });
    events.push(citation(Some("https://a"), Some((1, 3)), "{}"));
    events.push(citation(Some("https://b"), None, "{}"));
    events.push(citation(
        None,
        None,
        r#"{"type": "file_citation","file_id":"f","filename":"n","index":1}"#,
    ));
    events.push(citation(None, None, r#"{"type":"char_location"}"#));
    events.push(Event::Close {
        part: 0,
        opaque: vec![],
    });
    events.extend(finish(Finish::Stop));
    let (frames, whole) = both(&plain(), &events);
    let annotations = whole["output"][0]["content"][0]["annotations"]
        .as_array()
        .expect("annotations");
    assert_eq!(annotations.len(), 3);
    assert_eq!(
        (&annotations[0]["start_index"], &annotations[1]["end_index"]),
        (&json!(1), &json!(5))
    );
    assert_eq!(annotations[2]["file_id"], "f");
    assert_eq!(
        types(&frames)
            .iter()
            .filter(|name| **name == "output_text.annotation.added")
            .count(),
        3
    );
}

#[test]
fn own_state_goes_out_natively() {
    let own = Opaque {
        origin: Dialect::OpenAiResponses,
        provider: Some("p".into()),
        model: None,
        kind: OpaqueKind::Reasoning,
        state: r#"{"id":"rs_1","type":"reasoning","summary":[],"encrypted_content":"gAAA"}"#.into(),
    };
    let mut events = vec![start()];
    events.extend(part(0, Opening::Reasoning, &[], vec![own]));
    events.extend(finish(Finish::Stop));
    let (_, whole) = both(&plain(), &events);
    assert_eq!(whole["output"][0]["encrypted_content"], "gAAA");
}
