//! What there is to say of a conversation and of a message beside its parts.

use poem_openapi::{Enum, Object};
use serde::{Deserialize, Serialize};

/// Who says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[oai(rename = "Speaker", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
pub enum Speaker {
    /// Instructions in mid-conversation.
    System,
    /// The person, or their program.
    User,
    /// The model.
    Assistant,
    /// A tool.
    Tool,
}

impl Speaker {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::System, Self::User, Self::Assistant, Self::Tool];

    /// The name in rows and archives.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
            Self::Tool => "tool",
        }
    }

    /// The speaker of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }
}

/// The tokens of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Object, Serialize, Deserialize)]
pub struct MessageUsage {
    /// What went in, all of it.
    #[oai(default, validator(minimum(value = "0")))]
    #[serde(default)]
    pub input_tokens: i64,
    /// What of it came out of a cache.
    #[oai(default, validator(minimum(value = "0")))]
    #[serde(default)]
    pub cached_tokens: i64,
    /// What came out, all of it.
    #[oai(default, validator(minimum(value = "0")))]
    #[serde(default)]
    pub output_tokens: i64,
    /// What of it was reasoning.
    #[oai(default, validator(minimum(value = "0")))]
    #[serde(default)]
    pub reasoning_tokens: i64,
}

/// What people write over a conversation, kept sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heading {
    /// What to call it.
    pub title: String,
    /// Instructions for the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Labels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}
