//! One entry of a fidelity report, as records and answers show it.

use serde::Serialize;
use translator::fidelity::Entry;

/// What a translation changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// `action:member`.
    pub code: String,
    /// `emulated`, `assumed`, `degraded`, `clamped` or `dropped`.
    pub action: &'static str,
    /// The member, as the client spells it.
    pub member: String,
    /// In words.
    pub detail: String,
}

impl From<&Entry> for Change {
    fn from(entry: &Entry) -> Self {
        Self {
            code: entry.code(),
            action: entry.action.as_str(),
            member: entry.field.clone().into_owned(),
            detail: entry.detail.clone().into_owned(),
        }
    }
}
