//! The vendors' schemas, and error messages that point at the member at fault.
//!
//! A root or an item is often a union of many shapes. A message about the whole union says nothing, so the
//! explanation follows the branch whose discriminator (`type`, `role`, `stream`) agrees with the document.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, OnceLock};

use jsonschema::Validator;
use jsonschema::error::{ValidationError, ValidationErrorKind};
use serde_json::Value;
use translator::Dialect;

/// Members that the hub adds to answers and accepts in histories; no vendor's schema knows them.
const EXTENSIONS: [&str; 4] = [
    "reasoning_content",
    "reasoning_details",
    "extra_content",
    "native_finish_reason",
];

/// The schema of a request body.
pub(crate) fn request(dialect: Dialect, beta: bool, version: &str) -> &'static str {
    match (dialect, beta, version) {
        (Dialect::OpenAiChat, ..) => "openai/chat.request",
        (Dialect::OpenAiResponses, ..) => "openai/responses.request",
        (Dialect::Anthropic, true, _) => "anthropic/messages.request.beta",
        (Dialect::Anthropic, false, "2026-10-21") => "anthropic/messages.request",
        (Dialect::Anthropic, false, _) => "anthropic/messages.request.2023-06-01",
        (Dialect::Gemini, ..) => "gemini/generate_content.request",
    }
}

/// The schema of a complete answer.
pub(crate) const fn body(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAiChat => "openai/chat.completion",
        Dialect::OpenAiResponses => "openai/response",
        Dialect::Anthropic => "anthropic/message",
        Dialect::Gemini => "gemini/generate_content.response",
    }
}

/// The schema of one event of a stream.
pub(crate) const fn event(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAiChat => "openai/chat.chunk",
        Dialect::OpenAiResponses => "openai/responses.stream_event",
        Dialect::Anthropic => "anthropic/stream_event",
        Dialect::Gemini => "gemini/generate_content.response",
    }
}

/// The schema of an error body.
pub(crate) const fn error(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::OpenAiChat | Dialect::OpenAiResponses => "openai/error",
        Dialect::Anthropic => "anthropic/error",
        Dialect::Gemini => "gemini/error",
    }
}

/// A compiled schema; each is compiled once.
pub(crate) fn validator(name: &str) -> &'static Validator {
    static COMPILED: OnceLock<Mutex<BTreeMap<String, &'static Validator>>> = OnceLock::new();
    let mut compiled = COMPILED
        .get_or_init(Mutex::default)
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(validator) = compiled.get(name) {
        return validator;
    }
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/specs/{name}.schema.json"));
    let text = fs::read_to_string(&file).expect("the schema is part of the repository");
    let schema: Value = serde_json::from_str(&text).expect("a schema is JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a schema compiles");
    let validator: &'static Validator = Box::leak(Box::new(validator));
    compiled.insert(name.to_owned(), validator);
    validator
}

/// What a schema has against a document; nothing when it is valid.
pub(crate) fn problems(name: &str, document: &Value) -> Vec<String> {
    let validator = validator(name);
    if validator.is_valid(document) {
        return Vec::new();
    }
    validator
        .iter_errors(document)
        .map(|error| format!("schema {name}: {}", explain(&error)))
        .collect()
}

/// The document without the members that only the hub knows.
pub(crate) fn without_extensions(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(key, _)| !EXTENSIONS.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), without_extensions(value)))
            .collect(),
        Value::Array(items) => items.iter().map(without_extensions).collect(),
        other => other.clone(),
    }
}

fn explain(error: &ValidationError<'_>) -> String {
    if let ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } =
        error.kind()
    {
        let likely = context.iter().min_by_key(|branch| {
            let wrong = branch.iter().any(is_discriminator);
            let depth = branch
                .iter()
                .map(|error| error.instance_path().as_str().len())
                .max()
                .unwrap_or(0);
            (wrong, std::cmp::Reverse(depth), branch.len())
        });
        if let Some(first) =
            likely.and_then(|branch| branch.iter().min_by_key(|error| !is_discriminator(error)))
        {
            return explain(first);
        }
    }
    let mut message = error.to_string();
    if message.len() > 220 {
        let cut = (0..=220)
            .rev()
            .find(|&at| message.is_char_boundary(at))
            .unwrap_or(0);
        message.truncate(cut);
        message.push_str(" ...");
    }
    format!("{message} at {}", error.instance_path())
}

/// True when the branch is another shape altogether: its constant `type`, `role` or `stream` differs.
fn is_discriminator(error: &ValidationError<'_>) -> bool {
    let path = error.instance_path().as_str();
    let last = path.rsplit('/').next().unwrap_or("");
    matches!(last, "type" | "role" | "stream" | "object")
        && matches!(
            error.kind(),
            ValidationErrorKind::Constant { .. } | ValidationErrorKind::Enum { .. }
        )
}

#[test]
fn an_explanation_points_at_the_member() {
    let document = serde_json::json!({
        "model": "m",
        "max_tokens": 5,
        "messages": [{"role": "user", "content": [{"type": "text", "text": 7}]}],
    });
    let problems = problems("anthropic/messages.request.2023-06-01", &document);
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0].ends_with("at /messages/0/content/0/text"),
        "{problems:?}"
    );
}
