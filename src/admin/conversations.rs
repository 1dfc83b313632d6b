//! Conversations that people keep. Everybody sees their own and nobody else's, administrators included.

use poem_openapi::param::{Header, Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};

use super::Admin;
use super::auth::Done;
use super::conversation_view::{Conversation, ConversationRow, keeper, lost, sound};
use super::known::Known;
use super::page::{Page, Range};
use super::person::Session;
use super::problem::Answer;
use super::trial_subject::dialect;
use super::version::{expect, tag};
use crate::conversations::{Allowed as _, Heading, KeptBounds};
use crate::store::request_list::Cursor;
use crate::store::{ConversationChange, ConversationFilter, KeptConversation, Origin};

/// What of a conversation can be written.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
struct ConversationEntry {
    /// What to call it; where it is left empty, the first words that are said give it one.
    #[oai(default)]
    title: String,
    /// The model that it goes on with.
    #[oai(validator(min_length = 1, max_length = 255))]
    model: Option<String>,
    /// The dialect that it is held in: `openai-chat`, `openai-responses`, `anthropic` or `gemini`.
    dialect: Option<String>,
    /// Instructions for the model.
    system: Option<String>,
    /// Labels.
    #[oai(default)]
    tags: Vec<String>,
}

/// A conversation and its version.
#[derive(ApiResponse)]
enum OneConversation {
    /// As it is.
    #[oai(status = 200)]
    Ok(Json<Conversation>, #[oai(header = "ETag")] String),
    /// Newly made.
    #[oai(status = 201)]
    Created(Json<Conversation>, #[oai(header = "ETag")] String),
}

/// The resource.
pub(super) struct Conversations(pub(super) Admin);

impl ConversationEntry {
    fn read(self, bounds: &KeptBounds) -> Answer<ConversationChange> {
        let heading = Heading {
            title: self.title,
            system: self.system.filter(|system| !system.is_empty()),
            tags: self.tags,
        };
        sound(heading.complaints(bounds))?;
        let dialect = self.dialect.as_deref().map(dialect).transpose()?;
        Ok(ConversationChange {
            heading,
            model: self.model,
            dialect: dialect.map(|dialect| dialect.as_str().to_owned()),
        })
    }
}

fn one(kept: KeptConversation) -> OneConversation {
    let version = tag(kept.row.version);
    OneConversation::Ok(Json(kept.into()), version)
}

#[OpenApi(prefix_path = "/api/conversations")]
impl Conversations {
    /// List one's own conversations, those first in which something was said last
    ///
    /// Everything that is given must hold. `query` looks for words in titles, tags and what was said. A page of a
    /// search may hold fewer than asked for while there is a `next`: it has looked through enough.
    #[oai(path = "/", method = "get", operation_id = "conversations_list")]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter of the call")]
    async fn list(
        &self,
        session: Session,
        cursor: Query<Option<String>>,
        limit: Query<Option<u64>>,
        query: Query<Option<String>>,
        model: Query<Option<String>>,
        tag: Query<Option<String>>,
        origin: Query<Option<String>>,
        client_key_id: Query<Option<String>>,
    ) -> Answer<Json<Page<ConversationRow>>> {
        let filter = ConversationFilter {
            query: query.0,
            model: model.0,
            tag: tag.0,
            origin: origin.0,
            client_key_id: client_key_id.0,
        };
        let range = Range::of(cursor.0, limit.0)?;
        let after = range.read(Cursor::parse)?;
        let keeper = keeper(session.anybody());
        let store = self.0.control.store();
        let page = store
            .conversations(&keeper, &filter, after, range.limit)
            .await?;
        Ok(Json(Page {
            items: page.items.into_iter().map(Into::into).collect(),
            next: page.next.map(|next| next.to_string()),
        }))
    }

    /// Begin a conversation
    #[oai(path = "/", method = "post", operation_id = "conversations_create")]
    async fn create(
        &self,
        session: Session,
        body: Json<Known<ConversationEntry, Conversation>>,
    ) -> Answer<OneConversation> {
        let bounds = self.0.control.in_force().settings.conversations;
        let change = body.0.into_inner().read(&bounds)?;
        let owner = &session.anybody().user_id;
        let store = self.0.control.store();
        let kept = store
            .begin_conversation(owner, Origin::Interface, change, &bounds)
            .await
            .map_err(lost)?;
        let version = tag(kept.row.version);
        Ok(OneConversation::Created(Json(kept.into()), version))
    }

    /// Read a conversation without its messages
    #[oai(path = "/:id", method = "get", operation_id = "conversations_get")]
    async fn get(&self, session: Session, id: Path<String>) -> Answer<OneConversation> {
        let keeper = keeper(session.anybody());
        let kept = self.0.control.store().conversation(&keeper, &id).await;
        Ok(one(kept.map_err(lost)?))
    }

    /// Replace what is written over a conversation
    #[oai(path = "/:id", method = "put", operation_id = "conversations_update")]
    async fn update(
        &self,
        session: Session,
        id: Path<String>,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
        body: Json<Known<ConversationEntry, Conversation>>,
    ) -> Answer<OneConversation> {
        let bounds = self.0.control.in_force().settings.conversations;
        let change = body.0.into_inner().read(&bounds)?;
        let keeper = keeper(session.anybody());
        let store = self.0.control.store();
        let before = store.conversation(&keeper, &id).await.map_err(lost)?;
        let version = before.row.version;
        expect(if_match.0.as_deref(), version)?;
        let kept = store
            .replace_conversation(&keeper, &id, version, &change)
            .await;
        Ok(one(kept.map_err(lost)?))
    }

    /// Remove a conversation with its messages
    #[oai(
        path = "/:id",
        method = "delete",
        operation_id = "conversations_delete"
    )]
    async fn delete(
        &self,
        session: Session,
        id: Path<String>,
        #[oai(name = "If-Match")] if_match: Header<Option<String>>,
    ) -> Answer<Done> {
        let keeper = keeper(session.anybody());
        let store = self.0.control.store();
        let version = match if_match.0.as_deref() {
            None => None,
            given => {
                let before = store.conversation(&keeper, &id).await.map_err(lost)?;
                expect(given, before.row.version)?;
                Some(before.row.version)
            }
        };
        let done = store.remove_conversation(&keeper, &id, version).await;
        done.map_err(lost)?;
        Ok(Done::Done)
    }
}
