//! Answers and errors: reading what upstreams send, writing what clients take.

use serde_json::{Value, json};

use super::{ORIGIN, check_answer, check_error, thinking};
use crate::Dialect;
use crate::answer::Answer;
use crate::envelope;
use crate::error::{Failure, FailureKind};
use crate::fold::Fold;
use crate::gemini::{
    StreamDecoder, StreamEncoder, decode_request, decode_response, encode_response,
};
use crate::ir::{Event, Finish, Kind, Opening, Request, Response, Show, Summary, Usage};
use crate::sse::Frame;

fn decode(frames: &[&str]) -> (Response, Option<Failure>) {
    let mut decoder = StreamDecoder::new(&ORIGIN);
    let mut fold = Fold::default();
    let mut failure = None;
    let mut sink = |event: Event<'_>| {
        if let Event::Fail(error) = &event {
            failure = Some(error.clone());
        }
        fold.event(&event);
    };
    for data in frames {
        decoder.frame(Frame { event: "", data }, &mut sink);
    }
    decoder.end(&mut sink);
    (fold.finish(), failure)
}

#[test]
fn streams_are_read() {
    let frames = [
        r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"think","thought":true}]}}],"responseId":"r","modelVersion":"m"}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"ing","thought":true},{"text":"Hel"}]}}],"usageMetadata":{"promptTokenCount":10}}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":"lo"},{"text":"","thoughtSignature":"YQ"}]}}]}"#,
        r#"{"candidates":[{"content":{"parts":[{"functionCall":{"id":"1","name":"f","args":{"a": 1}},"thoughtSignature":"YWI="},{"functionCall":{"name":"g"}}]}}]}"#,
        r#"{"candidates":[{"finishReason":"STOP","index":0}]}"#,
        r#"{"usageMetadata":{"promptTokenCount":10,"cachedContentTokenCount":4,"candidatesTokenCount":5,"thoughtsTokenCount":7,"toolUsePromptTokenCount":2,"totalTokenCount":24}}"#,
    ];
    let (response, failure) = decode(&frames);
    assert_eq!(failure, None);
    assert_eq!(response.id, "r");
    let parts: Vec<(&Opening<'_>, &str, Option<&str>)> = response
        .parts
        .iter()
        .map(|part| {
            (
                &part.kind,
                part.text.as_str(),
                part.opaque.first().map(|state| &*state.state),
            )
        })
        .collect();
    let tool = |id: &'static str, name: &'static str| Opening::ToolCall {
        id: id.into(),
        name: name.into(),
        namespace: None,
        freeform: false,
    };
    assert_eq!(
        parts,
        [
            (&Opening::Reasoning, "thinking", None),
            (&Opening::Text, "Hello", Some("YQ==")),
            (&tool("1", "f"), r#"{"a":1}"#, Some("YWI=")),
            (&tool("", "g"), "{}", None),
        ]
    );
    assert_eq!(response.finish, [Some(Finish::ToolUse)]);
    let usage = Usage {
        fresh: 6,
        cache_read: 4,
        tool_input: 2,
        output: 5,
        reasoning: 7,
        ..Usage::default()
    };
    assert_eq!(response.usage, Some(usage));
    assert_eq!(
        response.parts[1].opaque[0].provider.as_deref(),
        Some("google")
    );
}

#[test]
fn endings_are_told_apart() {
    let text = r#"{"candidates":[{"content":{"parts":[{"text":"x"}]}}]}"#;
    let finish = |word: &str| format!(r#"{{"candidates":[{{"finishReason":"{word}"}}]}}"#);
    for (word, want) in [
        ("STOP", Finish::Stop),
        ("MAX_TOKENS", Finish::Length),
        ("RECITATION", Finish::Recitation),
        (
            "MALFORMED_FUNCTION_CALL",
            Finish::BadToolCall("MALFORMED_FUNCTION_CALL".into()),
        ),
        ("CONTINUATION", Finish::Continuation),
        ("NEW_ONE", Finish::Other("NEW_ONE".into())),
        (
            "SAFETY",
            Finish::ContentFilter {
                category: Some("SAFETY".into()),
                explanation: None,
            },
        ),
    ] {
        assert_eq!(
            decode(&[text, &finish(word)]).0.finish,
            [Some(want)],
            "{word}"
        );
    }
    let (blocked, failure) = decode(&[
        r#"{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":3}}"#,
    ]);
    assert_eq!(failure, None);
    assert!(blocked.parts.is_empty());
    assert!(matches!(
        &blocked.finish[..],
        [Some(Finish::ContentFilter { .. })]
    ));
    for frames in [&[text][..], &[], &["{\"candidates\":["], &[text, "<html>"]] {
        assert!(decode(frames).1.is_some(), "{frames:?}");
    }
    for frame in [
        r#"{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}"#,
        r#"[{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}]"#,
        r#",{"error":{"code":503,"message":"busy","status":"UNAVAILABLE"}}]"#,
    ] {
        let failure = decode(&[text, frame]).1.expect("failed");
        assert_eq!(failure.kind, FailureKind::Overloaded);
        assert_eq!(failure.message, "busy");
    }
    let whole = format!("[{text},{}]", finish("STOP"));
    assert_eq!(decode(&[&whole]).0.finish, [Some(Finish::Stop)]);
    let list = [format!("[{text}"), format!(",{}]", finish("STOP"))];
    assert_eq!(
        decode(&list.each_ref().map(String::as_str)).0.finish,
        [Some(Finish::Stop)]
    );
}

#[test]
fn sources_become_citations() {
    let (response, _) = decode(&[
        r#"{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"STOP","groundingMetadata":{"webSearchQueries":["q"],
            "groundingChunks":[{"web":{"uri":"https://a","title":"A"}}],"groundingSupports":[{"segment":{"text":"x"},"groundingChunkIndices":[0]}]}}]}"#,
    ]);
    let texts = response.parts.iter();
    let mut texts = texts.filter(|part| part.kind == Opening::Text);
    let citation = &texts.next().expect("words").citations[0];
    assert_eq!(citation.url.as_deref(), Some("https://a"));
    assert_eq!(citation.title.as_deref(), Some("A"));
    assert_eq!(citation.quote.as_deref(), Some("x"));
}

/// The words, and what is named for them, of all text parts.
fn cited(response: &crate::ir::Response) -> Vec<(&str, Vec<CitedAs<'_>>)> {
    let texts = response.parts.iter();
    let texts = texts.filter(|part| part.kind == Opening::Text);
    texts
        .map(|part| {
            let citations = part.citations.iter();
            let citations = citations.map(|it| (it.url.as_deref().unwrap_or_default(), it.span));
            (part.text.as_str(), citations.collect())
        })
        .collect()
}

type CitedAs<'c> = (&'c str, Option<(u64, u64)>);

const CHUNKS: &str = r#""webSearchQueries":["q1","q2"],"groundingChunks":[
    {"web":{"uri":"https://a","title":"A"}},{"web":{"uri":"https://b"}},{"web":{"uri":"https://c"}}]"#;

#[test]
fn bytes_of_segments_become_characters() {
    let supports = |part: u32| {
        format!(
            r#""groundingSupports":[
            {{"segment":{{"partIndex":{part},"startIndex":3,"endIndex":10,"text":"Because"}},"groundingChunkIndices":[0,1]}},
            {{"segment":{{"partIndex":{part},"startIndex":11,"endIndex":20}},"groundingChunkIndices":[1]}}]"#
        )
    };
    let want = [
        ("https://a", Some((2, 9))),
        ("https://b", Some((2, 9))),
        ("https://b", Some((10, 16))),
        ("https://c", None),
    ];
    let whole = format!(
        r#"{{"candidates":[{{"content":{{"parts":[{{"executableCode":{{"code":"1"}}}},{{"text":"é Because 😀 tail"}}]}},
            "finishReason":"STOP","groundingMetadata":{{{CHUNKS},{}}}}}]}}"#,
        supports(1)
    );
    let (response, _) = decode(&[&whole]);
    assert_eq!(cited(&response), [("é Because 😀 tail", want.to_vec())]);
    // The search is told before the words when it is known by then.
    let kinds: Vec<bool> = response.parts.iter().map(is_search).collect();
    assert_eq!(kinds, [true, false, false]);

    let end = format!(
        r#"{{"candidates":[{{"content":{{"parts":[{{"text":""}}]}},"finishReason":"STOP","groundingMetadata":{{{CHUNKS},{}}}}}]}}"#,
        supports(0)
    );
    let words = |text: &str| {
        format!(r#"{{"candidates":[{{"content":{{"parts":[{{"text":"{text}"}}]}}}}]}}"#)
    };
    // Some servers repeat the sources.
    let (response, _) = decode(&[&words("é Bec"), &words("ause 😀 tail"), &end, &end]);
    assert_eq!(cited(&response), [("é Because 😀 tail", want.to_vec())]);
    let kinds: Vec<bool> = response.parts.iter().map(is_search).collect();
    assert_eq!(kinds, [false, true]);
}

fn is_search(part: &crate::ir::OutPart) -> bool {
    matches!(&part.kind, Opening::ServerTool { raw, .. } if raw.contains(r#"["q1","q2"]"#))
}

#[test]
fn segments_belong_to_their_part() {
    let (response, _) = decode(&[&format!(
        r#"{{"candidates":[{{"content":{{"parts":[{{"text":"one"}},{{"executableCode":{{"code":"1"}}}},{{"text":"two"}},{{"text":" more"}}]}},
            "finishReason":"STOP","groundingMetadata":{{{CHUNKS},"groundingSupports":[
            {{"segment":{{"endIndex":3,"text":"one"}},"groundingChunkIndices":[0]}},
            {{"segment":{{"partIndex":3,"startIndex":1,"endIndex":5,"text":"more"}},"groundingChunkIndices":[1]}},
            {{"segment":{{"partIndex":9,"startIndex":70,"endIndex":90,"text":"wo m"}},"groundingChunkIndices":[2]}}]}}}}]}}"#
    )]);
    let want = [
        ("one", vec![("https://a", Some((0, 3)))]),
        (
            "two more",
            vec![("https://b", Some((4, 8))), ("https://c", Some((1, 5)))],
        ),
    ];
    assert_eq!(cited(&response), want);
}

fn answer(show: bool, array: bool) -> Answer {
    let mut request = Request::new(Dialect::Gemini, "my-model".into());
    if show {
        request.reasoning.show = Show::Summary(Summary::Auto);
    }
    Answer {
        function_calls: false,
        json_array: array,
        ..Answer::new(&request, 7, 0)
    }
}

fn stream(events: &[Event<'_>], answer: Answer) -> String {
    let mut out = Vec::new();
    let mut encoder = StreamEncoder::new(answer);
    for event in events {
        encoder.event(event, &mut out);
    }
    encoder.heartbeat(&mut out);
    encoder.end(&mut out);
    String::from_utf8(out).expect("utf-8")
}

fn chunks(text: &str) -> Vec<Value> {
    text.split("\r\n\r\n")
        .map(str::trim)
        .filter(|frame| !frame.is_empty())
        .map(|frame| {
            let chunk =
                serde_json::from_str(frame.strip_prefix("data: ").expect("data")).expect("JSON");
            check_answer(&chunk);
            chunk
        })
        .collect()
}

fn answered() -> Vec<Event<'static>> {
    let open = |part, kind| Event::Open {
        part,
        choice: 0,
        kind,
        opaque: Vec::new(),
    };
    let delta = |part, text: &'static str| Event::Delta {
        part,
        text: text.into(),
    };
    let close = |part, opaque| Event::Close { part, opaque };
    let tool = Opening::ToolCall {
        id: "c1".into(),
        name: "f".into(),
        namespace: None,
        freeform: false,
    };
    vec![
        Event::Start {
            id: "x".into(),
            model: "y".into(),
        },
        open(0, Opening::Reasoning),
        delta(0, "hm"),
        close(0, vec![thinking()]),
        open(1, Opening::Text),
        delta(1, "Hi \"you\""),
        close(1, vec![]),
        open(2, tool),
        delta(2, "{\"a\":"),
        delta(2, "1}"),
        close(2, vec![]),
        Event::Usage(Usage {
            fresh: 3,
            output: 2,
            reasoning: 1,
            ..Usage::default()
        }),
        Event::Finish {
            choice: 0,
            reason: Finish::ToolUse,
        },
    ]
}

#[test]
fn streams_are_written() {
    let text = stream(&answered(), answer(true, false));
    assert!(!text.contains("[DONE]") && !text.contains("\n:"));
    let chunks = chunks(&text);
    let parts: Vec<&Value> = chunks
        .iter()
        .map(|chunk| &chunk["candidates"][0]["content"]["parts"][0])
        .collect();
    assert_eq!(parts[0], &json!({"text":""}));
    assert_eq!(parts[1], &json!({"text":"hm","thought":true}));
    assert_eq!(parts[2]["text"], "Hi \"you\"");
    let state = parts[2]["thoughtSignature"].as_str().expect("state");
    assert_eq!(envelope::open(state), Some(vec![thinking()]));
    assert_eq!(
        parts[3],
        &json!({"functionCall":{"id":"c1","name":"f","args":{"a":1}}, "thoughtSignature": envelope::seal_base64(&[])})
    );
    let last = chunks.last().expect("last");
    assert_eq!(last["candidates"][0]["finishReason"], "STOP");
    assert_eq!(
        last["usageMetadata"],
        json!({"promptTokenCount":3,"candidatesTokenCount":2,"thoughtsTokenCount":1,"totalTokenCount":6})
    );
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk["modelVersion"] == "my-model"
                && chunk["responseId"] == last["responseId"])
    );
    assert!(!stream(&answered(), answer(false, false)).contains("thought\":true"));
}

#[test]
fn state_that_nothing_follows_stands_on_an_empty_text() {
    let open = Event::Open {
        part: 0,
        choice: 0,
        kind: Opening::Reasoning,
        opaque: vec![],
    };
    let close = Event::Close {
        part: 0,
        opaque: vec![thinking()],
    };
    let finish = Event::Finish {
        choice: 0,
        reason: Finish::Length,
    };
    let chunks = chunks(&stream(&[open, close, finish], answer(false, false)));
    let part = &chunks[0]["candidates"][0]["content"]["parts"][0];
    assert_eq!(part["text"], "");
    assert!(
        part["thoughtSignature"]
            .as_str()
            .is_some_and(|state| envelope::open(state).is_some())
    );
    assert_eq!(chunks[0]["candidates"][0]["finishReason"], "MAX_TOKENS");
}

#[test]
fn json_arrays_are_closed() {
    for events in [
        answered(),
        Vec::new(),
        vec![Event::Fail(Failure::new(FailureKind::Upstream, "e"))],
    ] {
        let text = stream(&events, answer(true, true));
        let list: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| unreachable!("{error}: {text}"));
        assert!(list.as_array().is_some_and(|list| !list.is_empty()));
    }
    let failed = stream(
        &[Event::Fail(Failure::new(FailureKind::Overloaded, "e"))],
        answer(true, false),
    );
    let frame: Value =
        serde_json::from_str(failed.trim().strip_prefix("data: ").expect("data")).expect("JSON");
    check_error(&frame);
    assert_eq!(frame["error"]["code"], 503);
}

#[test]
fn answers_are_written_and_their_state_comes_back() {
    let mut fold = Fold::default();
    answered().iter().for_each(|event| fold.event(event));
    let mut out = Vec::new();
    encode_response(&fold.finish(), &mut answer(true, false), &mut out);
    let body: Value = serde_json::from_slice(&out).expect("JSON");
    check_answer(&body);
    let content = &body["candidates"][0]["content"];
    assert_eq!(content["parts"].as_array().map(Vec::len), Some(3));
    // The client sends it back: the state of the other vendor stands before the part that it belongs to.
    let next = json!({"contents":[{"role":"user","parts":[{"text":"q"}]}, content]}).to_string();
    let request = decode_request(next.as_bytes()).expect("is a request");
    let parts = &request.turns[1].parts;
    assert!(matches!(parts[1].kind, Kind::Reasoning { .. }));
    assert_eq!(parts[1].opaque, [thinking()]);
    assert!(matches!(parts[2].kind, Kind::Text { .. }) && parts[2].opaque.is_empty());
    // A complete answer reads like a stream.
    let mut again = Fold::default();
    decode_response(&out, ORIGIN, &mut |event| again.event(&event));
    let again = again.finish();
    assert_eq!(again.finish, [Some(Finish::ToolUse)]);
    assert_eq!(
        again.usage,
        Some(Usage {
            fresh: 3,
            output: 2,
            reasoning: 1,
            ..Usage::default()
        })
    );
}

#[test]
fn errors_both_ways() {
    let cases = [
        (
            400,
            r#"{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT"}}"#,
            FailureKind::InvalidRequest,
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#,
            FailureKind::UpstreamAuth,
        ),
        (
            400,
            r#"{"error":{"code":400,"message":"The input token count (2000000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}"#,
            FailureKind::ContextTooLong,
        ),
        (
            429,
            r#"[{"error":{"code":429,"message":"quota","status":"RESOURCE_EXHAUSTED","details":[{"@type":"x","retryDelay":"1.5s"}]}}]"#,
            FailureKind::RateLimit,
        ),
        (502, "<html>", FailureKind::Upstream),
        (500, "", FailureKind::Upstream),
    ];
    for (status, body, kind) in cases {
        let failure = crate::gemini::decode_error(status, body.as_bytes());
        assert_eq!(failure.kind, kind, "{body}");
        assert!(!failure.message.is_empty());
        let mut out = Vec::new();
        let status = crate::gemini::encode_error(&failure, "req", &mut out);
        let error: Value = serde_json::from_slice(&out).expect("JSON");
        check_error(&error);
        assert_eq!(error["error"]["code"], status);
        let again = crate::gemini::decode_error(status, &out);
        assert_eq!(
            again.retry_after.map(|after| after.as_secs()),
            failure.retry_after.map(|_| 2)
        );
    }
}
