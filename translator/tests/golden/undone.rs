//! What a request was rewritten for is reversed in its answer: names, free-form tools, wrapped schemas, fences.

use serde_json::{Value, json};
use translator::Dialect;

use crate::answers::{Exchange, fold, visible};
use crate::cases;
use crate::events;

/// What one client sees of an answer, complete and streamed.
fn seen(case: &str, upstream: Dialect, client: Dialect) -> [Value; 2] {
    let case = cases::answers()
        .into_iter()
        .find(|other| other.name == case)
        .expect("the case exists");
    let exchange = Exchange::new(&case, upstream, client).expect("a legal question");
    let (complete, stream) = &case.upstreams[&upstream];
    let (body, _) = exchange.complete(complete).expect("a legal answer");
    let (out, _) = exchange.streamed(stream, stream.len()).expect("no panic");
    [
        body,
        fold(client, &events::read(client, &out).expect("legal frames")),
    ]
}

#[test]
fn names_are_restored() {
    for upstream in Dialect::ALL {
        for body in seen("renamed_call", upstream, Dialect::Gemini) {
            let (_, calls) = visible(Dialect::Gemini, &body);
            let want = json!({"q": "is:open label:\"bug\""});
            assert_eq!(
                calls,
                [("github.search:issues".to_owned(), want)],
                "{}",
                cases::word(upstream)
            );
        }
    }
}

#[test]
fn freeform_tools_stay_free() {
    let patch = "*** Begin Patch\n+say \"ä\" \\n\n*** End Patch";
    for upstream in Dialect::ALL {
        for body in seen("freeform_call", upstream, Dialect::OpenAiChat) {
            let call = &body["choices"][0]["message"]["tool_calls"][0];
            assert_eq!(
                (&call["type"], &call["custom"]["input"]),
                (&json!("custom"), &json!(patch)),
                "{}",
                cases::word(upstream)
            );
        }
        for body in seen("freeform_call", upstream, Dialect::OpenAiResponses) {
            let item = body["output"]
                .as_array()
                .and_then(|output| output.last())
                .expect("an item");
            assert_eq!(
                (&item["type"], &item["input"]),
                (&json!("custom_tool_call"), &json!(patch)),
                "{}",
                cases::word(upstream)
            );
        }
    }
}

#[test]
fn a_wrapped_schema_is_unwrapped() {
    for upstream in Dialect::ALL {
        for client in [Dialect::Anthropic, Dialect::Gemini] {
            for body in seen("json_list", upstream, client) {
                let (text, _) = visible(client, &body);
                let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
                let place = format!(
                    "{} to {}: {text:?}",
                    cases::word(upstream),
                    cases::word(client)
                );
                assert_eq!(value, json!(["red", "green é", "blue"]), "{place}");
            }
        }
    }
}

#[test]
fn a_code_fence_is_taken_away() {
    for upstream in Dialect::ALL {
        for client in [
            Dialect::OpenAiChat,
            Dialect::OpenAiResponses,
            Dialect::Gemini,
        ] {
            for body in seen("json_fence", upstream, client) {
                let (text, _) = visible(client, &body);
                let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
                let place = format!(
                    "{} to {}: {text:?}",
                    cases::word(upstream),
                    cases::word(client)
                );
                assert_eq!(value, json!({"name": "Ada Lovelace", "age": 36}), "{place}");
            }
        }
    }
}

/// Each client named its own sequences: the text ends before the first of them, and the reason says so.
#[test]
fn stop_sequences_stop() {
    let wants = [
        (Dialect::OpenAiChat, "one two three four five six "),
        (Dialect::Anthropic, "one two three four five "),
        (Dialect::Gemini, "one two three four "),
    ];
    for (client, want) in wants {
        for body in seen("stop_sequence", Dialect::OpenAiResponses, client) {
            assert_eq!(visible(client, &body).0, want, "{}", cases::word(client));
            match client {
                Dialect::OpenAiChat => assert_eq!(body["choices"][0]["finish_reason"], "stop"),
                Dialect::Anthropic => {
                    assert_eq!(
                        (&body["stop_reason"], &body["stop_sequence"]),
                        (&json!("stop_sequence"), &json!("six "))
                    );
                }
                _ => assert_eq!(body["candidates"][0]["finishReason"], "STOP"),
            }
        }
    }
}
