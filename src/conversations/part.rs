//! The parts that a message is made of, the same whatever dialect it was spoken in.

use poem_openapi::{Object, Union};
use serde::{Deserialize, Serialize};

/// One piece of a message.
#[derive(Clone, Debug, PartialEq, Eq, Union, Serialize, Deserialize)]
#[oai(discriminator_name = "type", one_of)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SpokenPart {
    /// Words.
    #[oai(mapping = "text")]
    Text(TextPart),
    /// What the model thought.
    #[oai(mapping = "reasoning")]
    Reasoning(ReasoningPart),
    /// The model calls a tool.
    #[oai(mapping = "tool_call")]
    ToolCall(ToolCallPart),
    /// What a tool gave.
    #[oai(mapping = "tool_result")]
    ToolResult(ToolResultPart),
    /// A picture.
    #[oai(mapping = "image")]
    Image(ImagePart),
}

/// Words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Object, Serialize, Deserialize)]
pub struct TextPart {
    /// The words.
    pub text: String,
    /// What its vendor wants back unchanged.
    #[oai(default, skip_serializing_if_is_empty)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<PartState>,
}

/// What the model thought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Object, Serialize, Deserialize)]
pub struct ReasoningPart {
    /// What of it can be read; empty where the vendor shows nothing.
    pub text: String,
    /// What its vendor wants back unchanged.
    #[oai(default, skip_serializing_if_is_empty)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<PartState>,
}

/// The model calls a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Object, Serialize, Deserialize)]
pub struct ToolCallPart {
    /// Pairs the call with its result.
    #[oai(validator(max_length = 256))]
    pub id: String,
    /// The tool.
    #[oai(validator(max_length = 256))]
    pub name: String,
    /// What it is called with, as the model wrote it: JSON text.
    pub arguments: String,
    /// What its vendor wants back unchanged.
    #[oai(default, skip_serializing_if_is_empty)]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub state: Vec<PartState>,
}

/// What a tool gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Object, Serialize, Deserialize)]
pub struct ToolResultPart {
    /// The call that it answers.
    #[oai(validator(max_length = 256))]
    pub call_id: String,
    /// The tool, where it is known.
    #[oai(validator(max_length = 256), skip_serializing_if_is_none)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Words and pictures.
    pub content: Vec<ResultPart>,
    /// The tool failed.
    #[oai(default)]
    #[serde(default)]
    pub is_error: bool,
}

/// One piece of what a tool gave.
#[derive(Clone, Debug, PartialEq, Eq, Union, Serialize, Deserialize)]
#[oai(discriminator_name = "type", one_of)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ResultPart {
    /// Words.
    #[oai(mapping = "text")]
    Text(TextPart),
    /// A picture.
    #[oai(mapping = "image")]
    Image(ImagePart),
}

/// A picture: its bytes or its address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Object, Serialize, Deserialize)]
pub struct ImagePart {
    /// Such as `image/png`.
    #[oai(validator(max_length = 128), skip_serializing_if_is_none)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Its bytes in base64.
    #[oai(skip_serializing_if_is_none)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// Its address; the hub never fetches it.
    #[oai(skip_serializing_if_is_none)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// State that a vendor attached to a part, such as a signature. Of no use to another vendor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Object, Serialize, Deserialize)]
pub struct PartState {
    /// The dialect that it was born in.
    pub dialect: String,
    /// The provider that made it.
    #[oai(skip_serializing_if_is_none)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The model that made it.
    #[oai(skip_serializing_if_is_none)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// `thinking`, `reasoning`, `signature`, `words` or `phase`.
    pub kind: String,
    /// The state itself.
    pub value: String,
}

impl SpokenPart {
    /// Words alone.
    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(TextPart {
            text: text.into(),
            state: Vec::new(),
        })
    }

    /// The words in it that a search looks at.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        let (own, within): (Option<&str>, &[ResultPart]) = match self {
            Self::Text(part) => (Some(&part.text), &[]),
            Self::Reasoning(part) => (Some(&part.text), &[]),
            Self::ToolCall(part) => (Some(&part.arguments), &[]),
            Self::ToolResult(part) => (None, &part.content),
            Self::Image(_) => (None, &[]),
        };
        let within = within.iter().filter_map(|part| match part {
            ResultPart::Text(part) => Some(part.text.as_str()),
            ResultPart::Image(_) => None,
        });
        own.into_iter().chain(within)
    }
}
