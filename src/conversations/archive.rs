//! The form that conversations leave in and come back in. Versioned: what this hub does not understand it refuses.

use poem_openapi::Object;
use serde::Serialize;

use super::bounds::{KeptBounds, name_complaint};
use super::{Allowed, Complaint, Heading, MessageUsage, Speaker, SpokenPart};
use translator::Dialect;

/// What an archive calls itself.
pub const ARCHIVE_FORMAT: &str = "llm-bridge/conversations";
/// The version that is written.
pub const ARCHIVE_VERSION: u32 = 1;

/// Conversations to take along.
#[derive(Clone, Debug, PartialEq, Eq, Object, Serialize)]
#[oai(rename = "ConversationArchive")]
pub struct Archive {
    /// `llm-bridge/conversations`.
    pub format: String,
    /// The version of this form.
    pub version: u32,
    /// When it was written, in milliseconds since 1970.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exported_at: Option<i64>,
    /// The conversations.
    pub conversations: Vec<ArchivedConversation>,
}

/// A conversation with its messages.
#[derive(Clone, Debug, PartialEq, Eq, Object, Serialize)]
pub struct ArchivedConversation {
    /// What to call it.
    pub title: String,
    /// The model that it goes on with.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The dialect that it is held in.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// Instructions for the model.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Labels.
    #[oai(default, skip_serializing_if_is_empty)]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Milliseconds since 1970.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<i64>,
    /// Milliseconds since 1970.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<i64>,
    /// What was said, in this order.
    pub messages: Vec<ArchivedMessage>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Object, Serialize)]
pub struct ArchivedMessage {
    /// Who says it.
    pub role: Speaker,
    /// What it is made of.
    #[oai(validator(min_items = 1, max_items = 1000))]
    pub content: Vec<SpokenPart>,
    /// The model that said it.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The provider that served it.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The dialect that it was said in.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<String>,
    /// The request that it came with, as in the request log.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Its tokens; absent when nobody counted.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<MessageUsage>,
    /// Milliseconds since 1970.
    #[oai(skip_serializing_if_is_none)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created_at: Option<i64>,
}

impl ArchivedConversation {
    /// What people wrote over it.
    #[must_use]
    pub fn heading(&self) -> Heading {
        Heading {
            title: self.title.clone(),
            system: self.system.clone(),
            tags: self.tags.clone(),
        }
    }
}

impl Allowed for ArchivedConversation {
    fn complaints(&self, bounds: &KeptBounds) -> Vec<Complaint> {
        let mut found = self.heading().complaints(bounds);
        found.extend(names(&[("model", &self.model)], self.dialect.as_deref()));
        let most = usize::try_from(bounds.messages).unwrap_or(usize::MAX);
        if most > 0 && self.messages.len() > most {
            found.push(Complaint::new(
                "messages",
                format!(
                    "there are {} messages, of at most {most}",
                    self.messages.len()
                ),
                "split it, or let an administrator raise CONVERSATION_MAX_MESSAGES",
            ));
        }
        for (place, message) in self.messages.iter().enumerate() {
            let within = format!("messages[{place}]");
            let complaints = message.complaints(bounds).into_iter();
            found.extend(complaints.map(|complaint| complaint.within(&within)));
        }
        found
    }
}

impl Allowed for ArchivedMessage {
    fn complaints(&self, bounds: &KeptBounds) -> Vec<Complaint> {
        let mut found = self.content.complaints(bounds);
        let given = [
            ("model", &self.model),
            ("provider", &self.provider),
            ("request_id", &self.request_id),
        ];
        found.extend(names(&given, self.dialect.as_deref()));
        if let Some(usage) = &self.usage {
            found.extend(usage.complaints(bounds));
        }
        found
    }
}

/// Complaints about names and the dialect.
fn names(given: &[(&str, &Option<String>)], dialect: Option<&str>) -> Vec<Complaint> {
    let mut found: Vec<Complaint> = given
        .iter()
        .filter_map(|(field, name)| name_complaint(field, name.as_deref()?))
        .collect();
    if dialect.is_some_and(|dialect| Dialect::parse(dialect).is_none()) {
        found.push(Complaint::new(
            "dialect",
            "there is no such dialect",
            "use openai-chat, openai-responses, anthropic or gemini",
        ));
    }
    found
}
