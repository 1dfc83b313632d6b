//! What a client says and an upstream has no place for is said in words, or its loss is told.

use serde_json::{Value, json};
use translator::Dialect;

use crate::requests::translate;

/// The models that the requests are written for.
const UPSTREAMS: [(Dialect, &str); 4] = [
    (Dialect::OpenAiChat, "gpt-4.1"),
    (Dialect::OpenAiResponses, "gpt-4.1"),
    (Dialect::Anthropic, "claude-sonnet-4-5"),
    (Dialect::Gemini, "gemini-3-flash-preview"),
];

/// What is sent to the upstreams of other dialects, with the codes of the report.
fn sent(from: Dialect, body: &Value) -> Vec<(Dialect, String, String)> {
    let others = UPSTREAMS.iter().filter(|(to, _)| *to != from);
    others
        .map(|(to, model)| {
            let body = body.to_string();
            let outbound = translate(from, body.as_bytes(), *to, model).expect("legal");
            let sent = String::from_utf8(outbound.body).expect("utf-8");
            (*to, sent, outbound.report.header())
        })
        .collect()
}

/// An Anthropic request whose only tool result holds these blocks.
fn result(content: &Value) -> Value {
    json!({"model": "m", "max_tokens": 50, "messages": [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": content}]},
    ], "tools": [{"name": "f", "input_schema": {"type": "object"}}]})
}

#[test]
fn the_state_of_a_browser_is_said_in_words() {
    let body = result(&json!([{"type": "browser_state", "tabs": [{"title": "TAB"}]}]));
    for (to, sent, _) in sent(Dialect::Anthropic, &body) {
        assert!(
            sent.contains("[browser state:") && sent.contains("TAB"),
            "{to:?}: {sent}"
        );
    }
}

#[test]
fn an_unknown_part_of_a_result_is_told() {
    let body = result(&json!([{"type": "hologram", "data": "x"}]));
    for (to, _, codes) in sent(Dialect::Anthropic, &body) {
        assert!(
            codes.contains("dropped:messages.content"),
            "{to:?}: {codes}"
        );
    }
}

#[test]
fn titles_of_documents_are_kept() {
    let sources = [
        json!({"type": "content", "content": "BODY"}),
        json!({"type": "text", "media_type": "text/plain", "data": "BODY"}),
    ];
    for source in sources {
        let document = json!([{"type": "document", "title": "MYTITLE", "source": source}]);
        let direct = json!({"model": "m", "max_tokens": 50,
            "messages": [{"role": "user", "content": document}]});
        for body in [direct, result(&document)] {
            for (to, sent, _) in sent(Dialect::Anthropic, &body) {
                assert!(
                    sent.contains("MYTITLE") && sent.contains("BODY"),
                    "{to:?}: {sent}"
                );
            }
        }
    }
}

#[test]
fn speakers_are_told_apart() {
    let body = json!({"model": "m", "messages": [
        {"role": "user", "name": "al", "content": "one"},
        {"role": "assistant", "content": "two"},
        {"role": "user", "name": "bo", "content": "three"},
    ]});
    for (to, sent, codes) in sent(Dialect::OpenAiChat, &body) {
        assert!(
            sent.contains("\"one\"") && sent.contains("\"bo: three\""),
            "{to:?}: {sent}"
        );
        for code in ["dropped:messages.name", "emulated:messages.name"] {
            assert!(codes.contains(code), "{to:?}: {codes}");
        }
    }
}

#[test]
fn the_newer_limit_counts_and_the_other_is_told() {
    let body = |old: u64| {
        json!({"model": "m", "max_tokens": old, "max_completion_tokens": 50,
            "messages": [{"role": "user", "content": "hi"}]})
    };
    for (to, sent, codes) in sent(Dialect::OpenAiChat, &body(5)) {
        assert!(sent.contains(":50"), "{to:?}: {sent}");
        assert!(codes.contains("dropped:max_tokens"), "{to:?}: {codes}");
    }
    for (to, _, codes) in sent(Dialect::OpenAiChat, &body(50)) {
        assert!(!codes.contains("dropped:max_tokens"), "{to:?}: {codes}");
    }
}
