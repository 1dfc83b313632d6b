//! What vendors enforce beyond their schemas: order, pairing, names, limits. One module per dialect.
//!
//! A rule answers with its id and the place of the fault. Ids: C Chat, P Responses, A Anthropic, M Gemini.

use std::collections::BTreeSet;

use serde_json::Value;
use translator::Dialect;

use crate::{rules_anthropic, rules_chat, rules_gemini, rules_responses};

/// Judges a request for an upstream model.
pub(crate) fn check(dialect: Dialect, model: &str, body: &Value) -> Vec<String> {
    let mut faults = Faults::default();
    for (key, value) in body.as_object().into_iter().flatten() {
        faults.unless(!value.is_null(), "X1", || format!("{key} is null"));
    }
    match dialect {
        Dialect::OpenAiChat => rules_chat::check(model, body, &mut faults),
        Dialect::OpenAiResponses => rules_responses::check(model, body, &mut faults),
        Dialect::Anthropic => rules_anthropic::check(model, body, &mut faults),
        Dialect::Gemini => rules_gemini::check(model, body, &mut faults),
    }
    faults.0
}

/// The faults found so far.
#[derive(Default)]
pub(crate) struct Faults(Vec<String>);

impl Faults {
    /// Notes a fault against a rule.
    pub(crate) fn add(&mut self, rule: &str, text: impl AsRef<str>) {
        self.0.push(format!("{rule}: {}", text.as_ref()));
    }

    /// Notes a fault unless the condition holds.
    pub(crate) fn unless(&mut self, holds: bool, rule: &str, text: impl FnOnce() -> String) {
        if !holds {
            self.add(rule, text());
        }
    }
}

/// The elements of a member; none when it is no list.
pub(crate) fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map_or(&[], Vec::as_slice)
}

/// A member's text, empty when it has none.
pub(crate) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or("")
}

/// True for 1 to `max` characters of letters, digits, `_`, `-` and `extra`.
pub(crate) fn is_word(name: &str, extra: &str, max: usize) -> bool {
    !name.is_empty()
        && name.len() <= max
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-' || extra.contains(c))
}

/// The first text that occurs twice.
pub(crate) fn repeated<'v>(texts: impl IntoIterator<Item = &'v str>) -> Option<&'v str> {
    let mut seen = BTreeSet::new();
    texts.into_iter().find(|text| !seen.insert(*text))
}

/// Judges a table of broken bodies: each must break exactly the rule that it is named for.
#[cfg(test)]
pub(crate) fn expect_faults(dialect: Dialect, model: &str, table: &[(&str, Value)]) {
    for (rule, body) in table {
        let faults = check(dialect, model, body);
        assert!(
            faults
                .iter()
                .any(|fault| fault.starts_with(&format!("{rule}:"))),
            "{rule} was not noticed, only {faults:?}"
        );
    }
}
