//! An upstream's stream, with everything that compatible servers do.

use super::{ORIGIN, short};
use crate::openai_chat::StreamDecoder;
use crate::sse::Frame;

fn read(frames: &[&str]) -> Vec<String> {
    let mut decoder = StreamDecoder::new(&ORIGIN);
    let mut out = Vec::new();
    for data in frames {
        decoder.frame(Frame { event: "", data }, &mut |event| {
            out.push(short(&event));
        });
    }
    decoder.end(&mut |event| out.push(short(&event)));
    out
}

fn delta(delta: &str) -> String {
    format!(
        r#"{{"id":"i","model":"m","object":"chat.completion.chunk","created":1,"choices":[{{"index":0,"delta":{delta},"finish_reason":null}}]}}"#
    )
}

fn end(reason: &str) -> String {
    format!(
        r#"{{"id":"i","model":"m","choices":[{{"index":0,"delta":{{}},"finish_reason":"{reason}"}}]}}"#
    )
}

const DONE: &str = "[DONE]";
const USAGE: &str =
    r#"{"id":"i","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#;

#[track_caller]
fn check(case: &str, frames: &[&str], want: &[&str]) {
    assert_eq!(read(frames), want, "{case}");
}

#[test]
fn a_plain_stream() {
    check(
        "usage after the finish, as OpenAI does",
        &[
            &delta(r#"{"role":"assistant","content":"","refusal":null}"#),
            &delta(r#"{"content":"a\n"}"#),
            &delta(r#"{"content":"b"}"#),
            &end("stop"),
            USAGE,
            DONE,
            DONE,
        ],
        &[
            "start i m",
            "open 0/0 text",
            "delta 0 a\n",
            "delta 0 b",
            "usage 3 2",
            "close 0",
            "finish 0 Stop",
        ],
    );
    check(
        "reasoning, text, refusal",
        &[
            &delta(r#"{"reasoning_content":"r","content":null}"#),
            &delta(r#"{"reasoning_content":"","reasoning":"s"}"#),
            &delta(r#"{"content":"t"}"#),
            &delta(r#"{"refusal":"no"}"#),
            &end("stop"),
            DONE,
        ],
        &[
            "start i m",
            "open 0/0 reasoning",
            "delta 0 r",
            "delta 0 s",
            "close 0",
            "open 1/0 text",
            "delta 1 t",
            "close 1",
            "open 2/0 refusal",
            "delta 2 no",
            "close 2",
            "finish 0 Refusal",
        ],
    );
}

#[test]
fn calls_in_every_form() {
    let first = r#"{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}"#;
    let opened = ["start i m", "open 0/0 call a f"];
    let closed = ["close 0", "finish 0 ToolUse"];
    let cases: [(&str, Vec<String>, Vec<&str>); 8] = [
        (
            "fragments",
            vec![
                delta(first),
                delta(r#"{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":"}}]}"#),
                delta(r#"{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}"#),
            ],
            vec!["delta 0 {\"x\":", "delta 0 1}"],
        ),
        (
            "id and name repeated or emptied",
            vec![
                delta(first),
                delta(
                    r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}"#,
                ),
                delta(
                    r#"{"tool_calls":[{"index":0,"id":"","function":{"name":"","arguments":"}"}}]}"#,
                ),
                delta(
                    r#"{"tool_calls":[{"index":0,"id":null,"function":{"name":null,"arguments":null}}]}"#,
                ),
            ],
            vec!["delta 0 {", "delta 0 }"],
        ),
        (
            "no index",
            vec![
                delta(r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{"}}]}"#),
                delta(r#"{"tool_calls":[{"function":{"arguments":"}"}}]}"#),
            ],
            vec!["delta 0 {", "delta 0 }"],
        ),
        (
            "arguments as an object",
            vec![delta(
                r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":{"x": 1}}}]}"#,
            )],
            vec!["delta 0 {\"x\":1}"],
        ),
        (
            "name after arguments",
            vec![
                delta(r#"{"tool_calls":[{"index":0,"id":"a","function":{"arguments":"{"}}]}"#),
                delta(r#"{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"}"}}]}"#),
            ],
            vec!["delta 0 {", "delta 0 }"],
        ),
        (
            "null members",
            vec![
                delta(
                    r#"{"role":null,"content":null,"tool_calls":null,"refusal":null,"function_call":null}"#,
                ),
                delta(first),
            ],
            vec![],
        ),
        (
            "empty text",
            vec![delta(r#"{"content":""}"#), delta(first)],
            vec![],
        ),
        (
            "deprecated form",
            vec![
                delta(r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f"}}]}"#),
                delta(r#"{"function_call":{"arguments":"{}"}}"#),
            ],
            vec!["delta 0 {}"],
        ),
    ];
    for (case, chunks, middle) in cases {
        let tail = [end("tool_calls"), DONE.to_owned()];
        let frames: Vec<&str> = chunks.iter().chain(&tail).map(String::as_str).collect();
        let want: Vec<&str> = opened.iter().copied().chain(middle).chain(closed).collect();
        check(case, &frames, &want);
    }
}

#[test]
fn several_calls() {
    let want = [
        "start i m",
        "open 0/0 call a f",
        "delta 0 1",
        "open 1/0 call b g",
        "delta 1 2",
        "close 0",
        "close 1",
        "finish 0 ToolUse",
    ];
    let whole = |index: &str, id: &str, name: &str, args: &str| {
        delta(&format!(
            r#"{{"tool_calls":[{{{index}"id":"{id}","function":{{"name":"{name}","arguments":"{args}"}}}}]}}"#
        ))
    };
    for (case, first, second) in [
        ("indices", r#""index":0,"#, r#""index":1,"#),
        ("all numbered 0", r#""index":0,"#, r#""index":0,"#),
        ("no index", "", ""),
    ] {
        let frames = [
            whole(first, "a", "f", "1"),
            whole(second, "b", "g", "2"),
            end("tool_calls"),
            DONE.to_owned(),
        ];
        check(case, &frames.each_ref().map(String::as_str), &want);
    }
    let nameless = delta(
        r#"{"tool_calls":[{"function":{"name":"f","arguments":"1"}},{"function":{"name":"g","arguments":"2"}}]}"#,
    );
    check(
        "no index, no id",
        &[&nameless, &end("tool_calls"), DONE],
        &[
            "start i m",
            "open 0/0 call  f",
            "delta 0 1",
            "open 1/0 call  g",
            "delta 1 2",
            "close 0",
            "close 1",
            "finish 0 ToolUse",
        ],
    );
    let mixed = [
        delta(
            r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}},{"index":1,"id":"b","type":"custom","custom":{"name":"g","input":""}}]}"#,
        ),
        delta(
            r#"{"tool_calls":[{"index":1,"custom":{"input":"x"}},{"index":0,"function":{"arguments":"y"}}]}"#,
        ),
        end("tool_calls"),
    ];
    check(
        "interleaved, one of them custom",
        &mixed.each_ref().map(String::as_str),
        &[
            "start i m",
            "open 0/0 call a f",
            "open 1/0 custom b g",
            "delta 1 x",
            "delta 0 y",
            "close 0",
            "close 1",
            "finish 0 ToolUse",
        ],
    );
}

#[test]
fn usage_wherever_it_stands() {
    let text = r#""choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"}]"#;
    let counts = r#"{"prompt_tokens":3,"completion_tokens":2}"#;
    let cases = [
        (
            "on the finish chunk",
            format!(r#"{{"id":"i","model":"m",{text},"usage":{counts}}}"#),
        ),
        (
            "under x_groq",
            format!(r#"{{"id":"i","model":"m",{text},"x_groq":{{"id":"q","usage":{counts}}}}}"#),
        ),
        (
            "in the choice",
            format!(
                r#"{{"id":"i","model":"m",{}}}"#,
                text.replace(r#""stop"}"#, &format!(r#""stop","usage":{counts}}}"#))
            ),
        ),
    ];
    for (case, chunk) in cases {
        check(
            case,
            &[&chunk, DONE],
            &[
                "start i m",
                "open 0/0 text",
                "delta 0 a",
                "usage 3 2",
                "close 0",
                "finish 0 Stop",
            ],
        );
    }
    let again = |tokens: u32| {
        format!(
            r#"{{"id":"i","model":"m","choices":[],"usage":{{"prompt_tokens":3,"completion_tokens":{tokens}}}}}"#
        )
    };
    let got = read(&[
        &delta(r#"{"content":"a"}"#),
        &again(1),
        &again(1),
        &again(2),
        &end("stop"),
        DONE,
    ]);
    let counts: Vec<&String> = got
        .iter()
        .filter(|line| line.starts_with("usage"))
        .collect();
    assert_eq!(counts, ["usage 3 1", "usage 3 2"]);
}

#[test]
fn endings() {
    let text = delta(r#"{"content":"a"}"#);
    let head = ["start i m", "open 0/0 text", "delta 0 a"];
    let with = |tail: &[&'static str]| {
        head.iter()
            .copied()
            .chain(tail.iter().copied())
            .collect::<Vec<&str>>()
    };
    check(
        "no [DONE]",
        &[&text, &end("length")],
        &with(&["close 0", "finish 0 Length"]),
    );
    check(
        "[DONE] without finish",
        &[&text, DONE],
        &with(&["close 0", "finish 0 Stop"]),
    );
    check(
        "finish twice",
        &[&text, &end("length"), &end("stop"), DONE],
        &with(&["close 0", "finish 0 Length"]),
    );
    check(
        "empty finish",
        &[&text, &end(""), &end("stop"), DONE],
        &with(&["close 0", "finish 0 Stop"]),
    );
    check(
        "unknown finish",
        &[&text, &end("tired"), DONE],
        &with(&["close 0", "finish 0 Other(\"tired\")"]),
    );
    check(
        "cut",
        &[&text],
        &with(&["fail Upstream the upstream's stream ended before the answer was complete"]),
    );
    check(
        "nothing",
        &[],
        &["fail Upstream the upstream's stream ended before the answer was complete"],
    );
    check(
        "only [DONE]",
        &[DONE],
        &["fail Upstream the upstream's stream held no answer"],
    );
    let got = read(&[&text, "{\"id\":", DONE]);
    assert!(
        got.last()
            .is_some_and(|line| line.starts_with("fail Upstream a chunk")),
        "{got:?}"
    );
    let matched = r#"{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop","stop_reason":"END"}]}"#;
    assert!(
        read(&[matched, DONE])
            .last()
            .is_some_and(|line| line.contains("StopSequence") && line.contains("END"))
    );
}

#[test]
fn errors_in_the_stream() {
    let text = delta(r#"{"content":"a"}"#);
    let cases = [
        (
            "openai",
            r#"{"error":{"message":"boom","type":"server_error","code":null,"param":null}}"#,
            "fail Upstream boom",
        ),
        ("a text", r#"{"error":"boom"}"#, "fail Upstream boom"),
        (
            "openrouter",
            r#"{"id":"i","error":{"code":429,"message":"slow down"},"choices":[]}"#,
            "fail RateLimit slow down",
        ),
        (
            "vllm",
            r#"{"object":"error","message":"boom","type":"BadRequestError","code":400}"#,
            "fail InvalidRequest boom",
        ),
        (
            "in the choice",
            r#"{"id":"i","choices":[{"index":0,"error":{"message":"boom","code":502},"delta":{}}]}"#,
            "fail Upstream boom",
        ),
        (
            "overloaded",
            r#"{"error":{"message":"busy","type":"server_error","code":"server_overloaded"}}"#,
            "fail Overloaded busy",
        ),
    ];
    for (case, frame, want) in cases {
        let got = read(&[&text, frame, &text, DONE]);
        assert_eq!(got.last().map(String::as_str), Some(want), "{case}");
        assert_eq!(got.len(), 4, "{case}: nothing follows a failure: {got:?}");
    }
}

#[test]
fn other_shapes() {
    check(
        "content as parts",
        &[
            &delta(
                r#"{"content":[{"type":"thinking","thinking":[{"type":"text","text":"r"}]},{"type":"text","text":"t"}]}"#,
            ),
            &end("stop"),
            DONE,
        ],
        &[
            "start i m",
            "open 0/0 reasoning",
            "delta 0 r",
            "close 0",
            "open 1/0 text",
            "delta 1 t",
            "close 1",
            "finish 0 Stop",
        ],
    );
    check(
        "filter results before the answer",
        &[
            r#"{"id":"","model":"","choices":[],"prompt_filter_results":[{"prompt_index":0}]}"#,
            &delta(r#"{"content":"a"}"#),
            &end("content_filter"),
            DONE,
        ],
        &[
            "start  ",
            "open 0/0 text",
            "delta 0 a",
            "close 0",
            "finish 0 ContentFilter { category: None, explanation: None }",
        ],
    );
    check(
        "alternatives",
        &[
            r#"{"id":"i","model":"m","choices":[{"index":1,"delta":{"content":"b"}}]}"#,
            r#"{"id":"i","choices":[{"index":0,"delta":{"content":"a"},"finish_reason":"stop"},{"index":1,"delta":{},"finish_reason":"length"}]}"#,
            DONE,
        ],
        &[
            "start i m",
            "open 0/1 text",
            "delta 0 b",
            "open 1/0 text",
            "delta 1 a",
            "close 1",
            "close 0",
            "finish 0 Stop",
            "finish 1 Length",
        ],
    );
    check(
        "citations",
        &[
            &delta(
                r#"{"content":"abc","annotations":[{"type":"url_citation","url_citation":{"url":"https://x","title":"X","start_index":0,"end_index":2}}]}"#,
            ),
            &end("stop"),
            DONE,
        ],
        &[
            "start i m",
            "open 0/0 text",
            "delta 0 abc",
            "cite 0 Some(\"https://x\") Some((0, 2))",
            "close 0",
            "finish 0 Stop",
        ],
    );
    check(
        "pictures",
        &[
            &delta(
                r#"{"content":"","images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}}]}"#,
            ),
            &end("stop"),
            DONE,
        ],
        &[
            "start i m",
            "open 0/0 media image/png",
            "delta 0 QUJD",
            "close 0",
            "finish 0 Stop",
        ],
    );
    check(
        "signs of life",
        &["", ": x", &delta(r#"{"content":"a"}"#), &end("stop"), DONE],
        &[
            "ping",
            "ping",
            "start i m",
            "open 0/0 text",
            "delta 0 a",
            "close 0",
            "finish 0 Stop",
        ],
    );
}

#[test]
fn state_of_the_server_is_kept() {
    check(
        "google's signature",
        &[
            &delta(
                r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"c2ln"}}}]}"#,
            ),
            &end("tool_calls"),
            DONE,
        ],
        &[
            "start i m",
            "open 0/0 call a f [c2ln]",
            "delta 0 {}",
            "close 0",
            "finish 0 ToolUse",
        ],
    );
    check(
        "openrouter's details, put together",
        &[
            &delta(
                r#"{"reasoning":"r1","reasoning_details":[{"type":"reasoning.text","text":"r1","index":0}]}"#,
            ),
            &delta(
                r#"{"reasoning":"r2","reasoning_details":[{"type":"reasoning.text","text":"r2","signature":"s","index":0},{"type":"reasoning.encrypted","data":"z","index":1}]}"#,
            ),
            &delta(r#"{"content":"a"}"#),
            &end("stop"),
            DONE,
        ],
        &[
            "start i m",
            "open 0/0 reasoning",
            "delta 0 r1",
            "delta 0 r2",
            r#"close 0 [[{"type":"reasoning.text","text":"r1r2","index":0,"signature":"s"},{"type":"reasoning.encrypted","data":"z","index":1}]]"#,
            "open 1/0 text",
            "delta 1 a",
            "close 1",
            "finish 0 Stop",
        ],
    );
}

#[test]
fn the_end_tag_of_reasoning_is_no_text() {
    let reasoning = delta(r#"{"reasoning_content":"r"}"#);
    let said = |pieces: &[&str]| {
        let pieces: Vec<String> = pieces
            .iter()
            .map(|text| delta(&format!("{{\"content\":{text:?}}}")))
            .collect();
        let mut frames = vec![reasoning.as_str()];
        frames.extend(pieces.iter().map(String::as_str));
        let end = end("stop");
        frames.extend([end.as_str(), DONE]);
        read(&frames)
            .into_iter()
            .filter_map(|event| Some(event.strip_prefix("delta 1 ")?.to_owned()))
            .collect::<String>()
    };
    for (pieces, want) in [
        (&["</think>"][..], ""),
        (&["\n</th", "ink>\n\n", "ok"], "\n\nok"),
        (&["</think>ok", "</think>"], "ok</think>"),
        (&["<", "b>"], "<b>"),
        (&["ok"], "ok"),
        (&["</thi"], "</thi"),
    ] {
        // White space between the tag and the answer does not matter.
        assert_eq!(said(pieces).trim_start(), want.trim_start(), "{pieces:?}");
    }
}

#[test]
fn arguments_before_id_and_name() {
    for index in [r#""index":0,"#, ""] {
        let early = delta(&format!(
            r#"{{"tool_calls":[{{{index}"function":{{"arguments":"{{\"a\""}}}}]}}"#
        ));
        let named = delta(&format!(
            r#"{{"tool_calls":[{{{index}"id":"c1","function":{{"name":"f","arguments":":1}}"}}}}]}}"#
        ));
        let got = read(&[&early, &named, &end("tool_calls"), DONE]);
        assert!(
            got.iter()
                .any(|event| event.contains("c1") && event.starts_with("open 0/0")),
            "{got:?}"
        );
        let args: String = got
            .iter()
            .filter_map(|event| event.strip_prefix("delta 0 "))
            .collect();
        assert_eq!(args, r#"{"a":1}"#);
    }
}
