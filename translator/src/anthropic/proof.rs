//! Checks of emitted documents against the published shapes, for tests alone.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use jsonschema::Validator;
use serde_json::Value;

use crate::translate::{Origin, Target};
use crate::{Dialect, capability};

/// The schema files.
pub(super) const REQUEST: &str =
    include_str!("../../tests/specs/anthropic/messages.request.2023-06-01.schema.json");
pub(super) const COUNT: &str =
    include_str!("../../tests/specs/anthropic/count_tokens.request.schema.json");
pub(super) const MESSAGE: &str = include_str!("../../tests/specs/anthropic/message.schema.json");
pub(super) const EVENT: &str = include_str!("../../tests/specs/anthropic/stream_event.schema.json");
pub(super) const ERROR: &str = include_str!("../../tests/specs/anthropic/error.schema.json");

pub(super) const ORIGIN: Origin<'static> = Origin {
    provider: "claude",
    model: "claude-opus-4-8",
};

/// Compiled schemas by the address of their text: compiling is what costs.
static COMPILED: Mutex<Option<HashMap<usize, Arc<Validator>>>> = Mutex::new(None);

fn validator(schema: &'static str) -> Arc<Validator> {
    let mut compiled = COMPILED
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let entry = compiled
        .get_or_insert_default()
        .entry(schema.as_ptr() as usize);
    let compile = || {
        let schema: Value = serde_json::from_str(schema).expect("schema files are JSON");
        Arc::new(jsonschema::draft202012::new(&schema).expect("schema files are schemas"))
    };
    Arc::clone(entry.or_insert_with(compile))
}

/// Asserts that a document is of the shape.
pub(super) fn check(schema: &'static str, document: &Value, case: &str) {
    let validator = validator(schema);
    let errors: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{} at {}", error, error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{case}: {errors:#?}\n{document:#}");
}

/// A target without a stream and without automatic marks.
pub(super) fn target(model: &'static str) -> Target<'static> {
    Target {
        dialect: Dialect::Anthropic,
        provider: "claude",
        model,
        capability: capability::of(Dialect::Anthropic, model),
        stream: false,
        cache_key: None,
        auto_cache: false,
        drop_state: false,
    }
}

/// The frames of a stream, each checked: its name equals its type, its data is of the shape.
pub(super) fn frames(bytes: &[u8], case: &str) -> Vec<Value> {
    let text = std::str::from_utf8(bytes).expect("streams are UTF-8");
    text.split_terminator("\n\n")
        .map(|frame| {
            let (name, data) = frame.split_once('\n').expect("a frame has two lines");
            let value: Value =
                serde_json::from_str(data.strip_prefix("data: ").expect("data line"))
                    .expect("data is JSON");
            assert_eq!(
                name.strip_prefix("event: "),
                value["type"].as_str(),
                "{case}"
            );
            check(EVENT, &value, case);
            value
        })
        .collect()
}
