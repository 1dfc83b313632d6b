//! Reports and reversals as JSON, for those who want to look at a translation.

use serde::Serialize;
use serde_json::Value;
use translator::fidelity::{Entry, Report};
use translator::undo::Undo;

use super::rehearsal::Rehearsed;
use crate::ledger::Change;

/// An entry of a report, with the place that explains it.
#[derive(Debug, Serialize)]
pub(super) struct Explained {
    #[serde(flatten)]
    change: Change,
    doc: String,
}

/// What is reversed in an answer.
#[derive(Debug, Serialize)]
pub(super) struct Reversal<'u> {
    tools: Vec<Alias<'u>>,
    unwrap_value: bool,
    strip_fence: bool,
    stop: &'u [String],
}

/// A tool that the upstream knows under another name or in another form.
#[derive(Debug, Serialize)]
struct Alias<'u> {
    wire: &'u str,
    name: &'u str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<&'u str>,
    freeform: bool,
}

/// The whole of a rehearsal.
#[derive(Debug, Serialize)]
struct Portrayal<'r> {
    lane: &'static str,
    model: &'r str,
    headers: serde_json::Map<String, Value>,
    request: Value,
    fidelity: Vec<Explained>,
    undo: Reversal<'r>,
}

/// The entries of a report.
pub(super) fn fidelity(report: &Report) -> Vec<Explained> {
    let explained = |entry: &Entry| Explained {
        change: entry.into(),
        doc: format!("docs/{}", entry.doc()),
    };
    report.entries().iter().map(explained).collect()
}

/// What is reversed.
pub(super) fn undo(undo: &Undo) -> Reversal<'_> {
    Reversal {
        tools: undo
            .tools
            .iter()
            .map(|tool| Alias {
                wire: &tool.wire,
                name: &tool.name,
                namespace: tool.namespace.as_deref(),
                freeform: tool.freeform,
            })
            .collect(),
        unwrap_value: undo.unwrap_value,
        strip_fence: undo.strip_fence,
        stop: &undo.stop,
    }
}

/// The name of the way that a request takes.
pub(super) const fn lane(same: bool) -> &'static str {
    if same { "bytes" } else { "translated" }
}

/// Headers as an object.
pub(super) fn headers<'h>(
    pairs: impl Iterator<Item = (&'h str, &'h str)>,
) -> serde_json::Map<String, Value> {
    pairs
        .map(|(name, value)| (name.to_owned(), Value::from(value)))
        .collect()
}

impl Rehearsed {
    /// The rehearsal as an indented JSON document: request, headers, report and what is reversed in the answer.
    ///
    /// # Errors
    /// When the body is no JSON, which no encoder writes.
    pub fn to_json(&self) -> serde_json::Result<String> {
        let portrayal = Portrayal {
            lane: lane(self.same),
            model: &self.model,
            headers: headers(
                self.headers
                    .iter()
                    .map(|(name, value)| (*name, value.as_str())),
            ),
            request: serde_json::from_slice(&self.body)?,
            fidelity: fidelity(&self.report),
            undo: undo(&self.undo),
        };
        serde_json::to_string_pretty(&portrayal)
    }
}
