//! The fidelity report: what a translation emulated, clamped or dropped.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;

/// What was done to a member of the request or answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Brought about by other means, without loss.
    Emulated,
    /// Brought about by other means, and something may differ.
    Degraded,
    /// Moved to the nearest value that the target takes.
    Clamped,
    /// Left out.
    Dropped,
    /// The model is unknown, so its abilities were assumed.
    Assumed,
}

impl Action {
    /// The stable word of the action in codes.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Emulated => "emulated",
            Self::Degraded => "degraded",
            Self::Clamped => "clamped",
            Self::Dropped => "dropped",
            Self::Assumed => "assumed",
        }
    }

    /// True when the answer may differ from what the client asked for.
    #[must_use]
    pub const fn is_loss(self) -> bool {
        matches!(self, Self::Degraded | Self::Clamped | Self::Dropped)
    }
}

/// One entry of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What was done.
    pub action: Action,
    /// To which member, in the client's spelling without indices (`tools.strict`).
    pub field: Cow<'static, str>,
    /// In words.
    pub detail: Cow<'static, str>,
}

impl Entry {
    /// The stable code: `dropped:top_k`.
    #[must_use]
    pub fn code(&self) -> String {
        format!("{}:{}", self.action.as_str(), self.field)
    }
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}: {}",
            self.action.as_str(),
            self.field,
            self.detail
        )
    }
}

/// Everything that was changed, each thing once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    entries: Vec<Entry>,
}

impl Report {
    /// Adds an entry unless the same action on the same member is there already.
    pub fn add(
        &mut self,
        action: Action,
        field: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) {
        let field = field.into();
        #[cfg(test)]
        assert!(
            crate::losses::find(action, &field).is_some(),
            "{}:{field} is not in data/losses.json",
            action.as_str()
        );
        if !self
            .entries
            .iter()
            .any(|entry| entry.action == action && entry.field == field)
        {
            self.entries.push(Entry {
                action,
                field,
                detail: detail.into(),
            });
        }
    }

    /// Something was brought about by other means, without loss.
    pub fn emulated(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) {
        self.add(Action::Emulated, field, detail);
    }

    /// Something was brought about by other means and may differ.
    pub fn degraded(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) {
        self.add(Action::Degraded, field, detail);
    }

    /// A value was moved to the nearest one that the target takes.
    pub fn clamped(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) {
        self.add(Action::Clamped, field, detail);
    }

    /// Something was left out.
    pub fn dropped(
        &mut self,
        field: impl Into<Cow<'static, str>>,
        detail: impl Into<Cow<'static, str>>,
    ) {
        self.add(Action::Dropped, field, detail);
    }

    /// The entries, in order of appearance.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// True when nothing was changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The first entry that is a loss.
    #[must_use]
    pub fn first_loss(&self) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.action.is_loss())
    }

    /// The codes, joined by commas, for a header.
    #[must_use]
    pub fn header(&self) -> String {
        let codes: Vec<String> = self.entries.iter().map(Entry::code).collect();
        codes.join(",")
    }

    /// Calls a member by the name that the client has used for it.
    pub fn respell(&mut self, field: &str, written: &'static str) {
        for entry in self.entries.iter_mut().filter(|entry| entry.field == field) {
            entry.field = Cow::Borrowed(written);
        }
    }

    /// Takes the entries of another report in.
    pub fn merge(&mut self, other: Self) {
        for entry in other.entries {
            self.add(entry.action, entry.field, entry.detail);
        }
    }
}
