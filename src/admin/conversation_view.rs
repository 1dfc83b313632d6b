//! Conversations and messages as the admin API shows them, and whose they are.

use poem_openapi::Object;

use super::person::{Identity, Role};
use super::problem::{Answer, Flaw, Problem};
use crate::conversations::{Complaint, MessageUsage, Speaker, SpokenPart};
use crate::store::{Keeper, KeptConversation, KeptMessage, StoreError};

/// How much is in a conversation.
#[derive(Clone, Debug, Object)]
pub(super) struct ConversationTotals {
    /// Messages that are kept.
    messages: i64,
    /// Room that they take.
    bytes: i64,
    /// Tokens that went in, those of messages that are gone included.
    input_tokens: i64,
    /// Those of them that came out of a cache.
    cached_tokens: i64,
    /// Tokens that came out, those of messages that are gone included.
    output_tokens: i64,
    /// Those of them that were reasoning.
    reasoning_tokens: i64,
}

/// A conversation as lists show it.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct ConversationRow {
    /// Its identifier.
    pub(super) id: String,
    /// What to call it.
    title: String,
    /// The model that it goes on with.
    model: Option<String>,
    /// The dialect that it is held in.
    dialect: Option<String>,
    /// Labels.
    tags: Vec<String>,
    /// `interface` where somebody made it, `gateway` where it was recorded, `import`.
    origin: String,
    /// The client key that it was recorded under.
    client_key_id: Option<String>,
    /// How much is in it.
    totals: ConversationTotals,
    /// Grows when it is replaced; messages do not count.
    version: i64,
    /// Milliseconds since 1970.
    created_at: i64,
    /// When it or its messages last changed; milliseconds since 1970.
    updated_at: i64,
}

/// A conversation without its messages.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Conversation {
    #[oai(flatten)]
    row: ConversationRow,
    /// Instructions for the model.
    system: Option<String>,
}

/// A message.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct ConversationMessage {
    /// Its identifier.
    id: String,
    /// Grows from message to message.
    place: i64,
    /// Who says it.
    role: Speaker,
    /// What it is made of.
    content: Vec<SpokenPart>,
    /// The model that said it.
    model: Option<String>,
    /// The provider that served it.
    provider: Option<String>,
    /// The dialect that it was said in.
    dialect: Option<String>,
    /// The request that it came with, as in the request log.
    request_id: Option<String>,
    /// Its tokens; absent when nobody counted.
    usage: Option<MessageUsage>,
    /// Milliseconds since 1970.
    created_at: i64,
}

impl From<KeptConversation> for ConversationRow {
    fn from(KeptConversation { row, heading }: KeptConversation) -> Self {
        Self {
            id: row.id,
            title: heading.title,
            model: row.model,
            dialect: row.dialect,
            tags: heading.tags,
            origin: row.origin,
            client_key_id: row.client_key_id,
            totals: ConversationTotals {
                messages: row.messages,
                bytes: row.bytes,
                input_tokens: row.input_tokens,
                cached_tokens: row.cached_tokens,
                output_tokens: row.output_tokens,
                reasoning_tokens: row.reasoning_tokens,
            },
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

impl From<KeptConversation> for Conversation {
    fn from(kept: KeptConversation) -> Self {
        Self {
            system: kept.heading.system.clone(),
            row: kept.into(),
        }
    }
}

impl From<KeptMessage> for ConversationMessage {
    fn from(kept: KeptMessage) -> Self {
        let said = kept.said;
        Self {
            id: kept.id,
            place: kept.place,
            role: said.role,
            content: said.content,
            model: said.model,
            provider: said.provider,
            dialect: said.dialect,
            request_id: said.request_id,
            usage: said.usage,
            created_at: said.created_at.unwrap_or_default(),
        }
    }
}

/// Everybody has their own conversations, and nobody those of others: what people say to a model is theirs, whatever
/// the role. What nobody owns, recorded under a key of a file, is for administrators.
pub(super) fn keeper(who: &Identity) -> Keeper {
    Keeper {
        owner: who.user_id.clone(),
        and_nobodys: who.role >= Role::Admin,
    }
}

/// Refuses what has been complained about.
pub(super) fn sound(complaints: Vec<Complaint>) -> Answer<()> {
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(refusal(complaints))
    }
}

/// What is wrong, as a problem.
pub(super) fn refusal(complaints: Vec<Complaint>) -> Problem {
    let flaws = complaints.into_iter().map(|complaint| Flaw {
        field: complaint.field,
        message: complaint.message,
        fix: complaint.fix,
    });
    Problem::flawed(flaws.collect())
}

/// What an error of the store means for a conversation.
pub(super) fn lost(error: StoreError) -> Problem {
    match error {
        StoreError::Missing => Problem::not_found("conversation"),
        StoreError::Full(_) => Problem::conflict("too_many_conversations", error.to_string()),
        other => other.into(),
    }
}
