//! What the feed tells the screen, and what the screen asks of the feed.

use serde_json::Value;

use crate::events::Heard;
use crate::failure::Failure;

/// What the hub was asked for.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) enum Topic {
    /// How the hub stands.
    System,
    /// The last hour at a glance.
    Summary,
    /// Models in force.
    Current,
    /// Presets.
    Presets,
    /// All models.
    Models,
    /// How providers fare.
    Health,
    /// The newest requests.
    Logs,
    /// One request.
    Entry,
    /// Conversations that are kept.
    Kept,
    /// The messages of one.
    Talk,
    /// Checks of providers.
    Checks,
    /// Where each role leads.
    Roles,
}

/// News.
#[derive(Debug)]
pub(super) enum News {
    /// An answer.
    Answer(Topic, Value),
    /// No answer.
    Silence(Topic, Failure),
    /// From the stream of requests.
    Request(Heard),
    /// From the stream of keys.
    Keys(Heard),
    /// Something was done.
    Done(String),
    /// Something could not be done.
    Undone(Failure),
    /// A stream has ended for good.
    Ended(Failure),
}

/// What is to be done.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Act {
    /// Ask again.
    Ask(Topic),
    /// Open one request.
    Open(String),
    /// Read the conversation of this id and title.
    Read(String, String),
    /// Apply a preset.
    Apply(String),
    /// Give a role another model: the member of the call, and the model.
    Switch(&'static str, String),
    /// End the rest of all keys of a pool.
    Reset(String),
    /// Test the keys of a pool.
    Test(String),
    /// Test the whole configuration.
    Check,
}
