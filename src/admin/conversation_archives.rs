//! Conversations that leave as archives and come back.

use std::borrow::Cow;
use std::time::Duration;

use futures_util::stream;
use poem::{Body, IntoResponse, Response};
use poem_openapi::param::Path;
use poem_openapi::payload::{Json, Payload};
use poem_openapi::registry::{MetaSchemaRef, Registry};
use poem_openapi::types::{ParseFromJSON, ParseResult, Type};
use poem_openapi::{ApiResponse, Object, OpenApi};
use serde_json::Value;
use tokio::time::timeout;

use super::Admin;
use super::conversation_view::{keeper, lost, refusal};
use super::person::Session;
use super::problem::Answer;
use crate::conversations::{
    ARCHIVE_FORMAT, ARCHIVE_VERSION, Archive, ArchivedConversation, read_archive,
};
use crate::store::request_list::Cursor;
use crate::store::{
    ConversationFilter, Keeper, KeptConversation, Order, Store, StoreError, now_ms,
};

/// Conversations and messages that are read at once.
const PAGE: u64 = 50;
/// How long a page may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// An archive.
#[derive(ApiResponse)]
enum ConversationExport {
    /// The archive; its schema is that of the body of an import.
    #[oai(status = 200)]
    Ok(Written, #[oai(header = "Content-Disposition")] String),
}

/// An archive that is described as one and written piece by piece.
struct Written(Body);

impl Payload for Written {
    const CONTENT_TYPE: &'static str = "application/json";

    fn schema_ref() -> MetaSchemaRef {
        Archive::schema_ref()
    }

    fn register(registry: &mut Registry) {
        Archive::register(registry);
    }
}

impl IntoResponse for Written {
    fn into_response(self) -> Response {
        Response::builder()
            .content_type(Self::CONTENT_TYPE)
            .body(self.0)
    }
}

/// What was taken in.
#[derive(Clone, Debug, Object)]
struct ImportedConversations {
    /// The new identifiers, in the order of the archive.
    ids: Vec<String>,
    /// How many messages they have.
    messages: u64,
}

#[derive(ApiResponse)]
enum ImportAnswer {
    /// All of it was taken in.
    #[oai(status = 201)]
    Created(Json<ImportedConversations>),
}

/// An archive that is described as one and read as it comes, so that every flaw can be told with its place.
#[derive(Clone, Debug)]
struct Unread(Value);

impl Type for Unread {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        Archive::name()
    }

    fn schema_ref() -> MetaSchemaRef {
        Archive::schema_ref()
    }

    fn register(registry: &mut Registry) {
        Archive::register(registry);
    }

    fn as_raw_value(&self) -> Option<&Self::RawValueType> {
        Some(self)
    }

    fn raw_element_iter<'a>(
        &'a self,
    ) -> Box<dyn Iterator<Item = &'a Self::RawElementValueType> + 'a> {
        Box::new(self.as_raw_value().into_iter())
    }
}

impl ParseFromJSON for Unread {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        Ok(Self(value.unwrap_or_default()))
    }
}

/// The resource.
pub(super) struct ConversationArchives(pub(super) Admin);

#[OpenApi(prefix_path = "/api/conversations")]
impl ConversationArchives {
    /// Take all of one's own conversations along
    ///
    /// One JSON document that an import takes. It is written while it is read: an answer that breaks off is not whole.
    #[oai(
        path = "/export",
        method = "get",
        operation_id = "conversations_export_all"
    )]
    async fn export_all(&self, session: Session) -> Answer<ConversationExport> {
        let writing = Writing::of(self.0.control.store(), keeper(session.anybody()), None);
        Ok(writing.answer("conversations"))
    }

    /// Take in conversations
    ///
    /// All of them or none: what this hub does not understand is refused, with its place and what to do. They get new
    /// identifiers and belong to who takes them in.
    #[oai(
        path = "/import",
        method = "post",
        operation_id = "conversations_import"
    )]
    async fn import(&self, session: Session, body: Json<Unread>) -> Answer<ImportAnswer> {
        let bounds = self.0.control.in_force().settings.conversations;
        let archive = read_archive(&body.0.0, &bounds).map_err(refusal)?;
        let owner = &session.anybody().user_id;
        let store = self.0.control.store();
        let ids = store
            .import_conversations(owner, &archive.conversations, &bounds)
            .await
            .map_err(lost)?;
        let messages = archive.conversations.iter();
        let messages = messages.map(|one| one.messages.len() as u64).sum();
        Ok(ImportAnswer::Created(Json(ImportedConversations {
            ids,
            messages,
        })))
    }

    /// Take one conversation along
    #[oai(
        path = "/:id/export",
        method = "get",
        operation_id = "conversations_export"
    )]
    async fn export(&self, session: Session, id: Path<String>) -> Answer<ConversationExport> {
        let keeper = keeper(session.anybody());
        let store = self.0.control.store();
        let one = store.conversation(&keeper, &id).await.map_err(lost)?;
        Ok(Writing::of(store, keeper, Some(one)).answer("conversation"))
    }
}

/// An archive that is being written, page by page: nothing is gathered in memory.
struct Writing {
    store: Store,
    keeper: Keeper,
    /// Conversations that were read, the next one last.
    waiting: Vec<KeptConversation>,
    /// Where the next page of conversations begins; none when there is none.
    next: Option<Option<Cursor>>,
    /// The conversation whose messages are being written, and the place of the last one.
    open: Option<(String, Option<i64>)>,
    stage: Stage,
    /// Something stands in front in the list that is being written.
    is_further: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Head,
    Conversations,
    Over,
}

impl Writing {
    fn of(store: &Store, keeper: Keeper, one: Option<KeptConversation>) -> Self {
        Self {
            store: store.clone(),
            keeper,
            next: one.is_none().then_some(None),
            waiting: one.into_iter().collect(),
            open: None,
            stage: Stage::Head,
            is_further: false,
        }
    }

    fn answer(self, name: &str) -> ConversationExport {
        let pieces = stream::unfold(self, |mut writing| async move {
            if writing.stage == Stage::Over {
                return None;
            }
            let piece = timeout(PATIENCE, writing.piece()).await;
            let piece = match piece {
                Ok(Ok(piece)) => Ok(bytes::Bytes::from(piece)),
                Ok(Err(error)) => Err(std::io::Error::other(error)),
                Err(late) => Err(std::io::Error::other(late)),
            };
            if piece.is_err() {
                writing.stage = Stage::Over;
            }
            Some((piece, writing))
        });
        let body = Written(Body::from_bytes_stream(pieces));
        let named = format!("attachment; filename=\"{name}.json\"");
        ConversationExport::Ok(body, named)
    }

    /// The next piece of the document.
    async fn piece(&mut self) -> Result<String, StoreError> {
        if self.stage == Stage::Head {
            self.stage = Stage::Conversations;
            let now = now_ms();
            return Ok(format!(
                r#"{{"format":"{ARCHIVE_FORMAT}","version":{ARCHIVE_VERSION},"exported_at":{now},"conversations":["#
            ));
        }
        if let Some((id, after)) = self.open.take() {
            return self.messages(id, after).await;
        }
        if self.waiting.is_empty()
            && let Some(after) = self.next.take()
        {
            let filter = ConversationFilter::default();
            let page = self.store.conversations(&self.keeper, &filter, after, PAGE);
            let page = page.await?;
            self.waiting = page.items;
            self.waiting.reverse();
            self.next = page.next.map(Some);
        }
        let Some(conversation) = self.waiting.pop() else {
            if self.next.is_some() {
                return Ok(String::new());
            }
            self.stage = Stage::Over;
            return Ok("]}".to_owned());
        };
        let comma = if self.is_further { "," } else { "" };
        self.open = Some((conversation.row.id.clone(), None));
        Ok(format!("{comma}{}", head(conversation)))
    }

    async fn messages(&mut self, id: String, after: Option<i64>) -> Result<String, StoreError> {
        let page = self.store.messages(&id, Order::Oldest, after, PAGE).await?;
        let mut text = String::new();
        let mut is_first = after.is_none();
        for message in &page {
            if !std::mem::replace(&mut is_first, false) {
                text.push(',');
            }
            text.push_str(&serde_json::to_string(&message.said).expect("messages are always JSON"));
        }
        match page.last() {
            Some(last) if page.len() as u64 == PAGE => self.open = Some((id, Some(last.place))),
            _ => {
                text.push_str("]}");
                self.is_further = true;
            }
        }
        Ok(text)
    }
}

/// A conversation up to the first of its messages.
fn head(kept: KeptConversation) -> String {
    let whole = ArchivedConversation {
        title: kept.heading.title,
        model: kept.row.model,
        dialect: kept.row.dialect,
        system: kept.heading.system,
        tags: kept.heading.tags,
        created_at: Some(kept.row.created_at),
        updated_at: Some(kept.row.updated_at),
        messages: Vec::new(),
    };
    let mut text = serde_json::to_string(&whole).expect("conversations are always JSON");
    // The messages are the last member.
    text.truncate(text.len() - "]}".len());
    text
}
