//! Validates what tests have written against the vendor's schemas.

use std::sync::OnceLock;

use jsonschema::Validator;
use serde_json::Value;

const SCHEMAS: [(&str, &str); 6] = [
    (
        "request",
        include_str!("../../tests/specs/openai/responses.request.schema.json"),
    ),
    (
        "response",
        include_str!("../../tests/specs/openai/response.schema.json"),
    ),
    (
        "event",
        include_str!("../../tests/specs/openai/responses.stream_event.schema.json"),
    ),
    (
        "count",
        include_str!("../../tests/specs/openai/responses.input_tokens.request.schema.json"),
    ),
    (
        "error",
        include_str!("../../tests/specs/openai/error.schema.json"),
    ),
    (
        "count_answer",
        include_str!("../../tests/specs/openai/responses.input_tokens.response.schema.json"),
    ),
];

fn validator(name: &str) -> &'static Validator {
    static VALIDATORS: OnceLock<Vec<(&str, Validator)>> = OnceLock::new();
    let all = VALIDATORS.get_or_init(|| {
        let compile = |text| {
            let schema: Value = serde_json::from_str(text).expect("a schema is JSON");
            jsonschema::draft202012::new(&schema).expect("a schema compiles")
        };
        SCHEMAS
            .into_iter()
            .map(|(name, text)| (name, compile(text)))
            .collect()
    });
    all.iter()
        .find(|(known, _)| *known == name)
        .map(|(_, validator)| validator)
        .expect("a known schema")
}

/// Fails the test when `body` does not satisfy the schema; gives the document.
pub(super) fn assert_valid(name: &str, body: &[u8]) -> Value {
    let text = String::from_utf8_lossy(body);
    let value: Value =
        serde_json::from_str(&text).unwrap_or_else(|error| unreachable!("{error}: {text}"));
    if let Err(error) = validator(name).validate(&value) {
        unreachable!(
            "{name}: at '{}' {text}: {:?}",
            error.instance_path(),
            error.kind()
        );
    }
    value
}

/// Validates every frame of a stream, and that they are numbered without a gap; gives their data.
pub(super) fn assert_stream(bytes: &[u8]) -> Vec<Value> {
    let mut events = Vec::new();
    let mut decoder = crate::sse::Decoder::default();
    let mut keep = |frame: crate::sse::Frame<'_>| {
        let value = assert_valid("event", frame.data.as_bytes());
        assert_eq!(value["type"], frame.event, "the frame's name is its type");
        assert_eq!(value["sequence_number"], events.len(), "{value}");
        events.push(value);
    };
    decoder.feed(bytes, &mut keep).expect("frames");
    decoder.end(&mut keep).expect("frames");
    events
}
