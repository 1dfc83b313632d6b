//! The messages of a conversation.

use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};

use super::Admin;
use super::auth::Done;
use super::conversation_view::{ConversationMessage, ConversationRow, keeper, lost, sound};
use super::page::{Page, Range};
use super::person::Session;
use super::problem::{Answer, Problem};
use crate::conversations::{Allowed as _, ArchivedMessage};
use crate::store::{Order, StoreError};

/// In which order messages are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "lowercase")]
enum MessageOrder {
    /// As they were said.
    Asc,
    /// The last first.
    Desc,
}

/// Messages to append, in this order.
#[derive(Clone, Debug, Object)]
struct NewMessages {
    /// The messages.
    #[oai(validator(min_items = 1, max_items = 100))]
    messages: Vec<ArchivedMessage>,
}

/// What became of messages that were appended.
#[derive(Clone, Debug, Object)]
struct AppendedMessages {
    /// The messages as they are kept.
    messages: Vec<ConversationMessage>,
    /// The conversation now.
    conversation: ConversationRow,
    /// How many old messages went, since there would have been too many.
    let_go: u64,
}

#[derive(ApiResponse)]
enum MadeMessages {
    /// They are kept.
    #[oai(status = 201)]
    Created(Json<AppendedMessages>),
}

/// The resource.
pub(super) struct ConversationMessages(pub(super) Admin);

#[OpenApi(prefix_path = "/api/conversations")]
impl ConversationMessages {
    /// List the messages of a conversation
    #[oai(
        path = "/:id/messages",
        method = "get",
        operation_id = "conversation_messages_list"
    )]
    async fn list(
        &self,
        session: Session,
        id: Path<String>,
        cursor: Query<Option<String>>,
        limit: Query<Option<u64>>,
        /// `asc`, as they were said, or `desc`, the last first.
        order: Query<Option<MessageOrder>>,
    ) -> Answer<Json<Page<ConversationMessage>>> {
        let range = Range::of(cursor.0, limit.0)?;
        let after = range.read(|cursor| cursor.parse().ok())?;
        let order = match order.0 {
            Some(MessageOrder::Desc) => Order::Newest,
            _ => Order::Oldest,
        };
        let keeper = keeper(session.anybody());
        let store = self.0.control.store();
        store.conversation(&keeper, &id).await.map_err(lost)?;
        let rows = store.messages(&id, order, after, range.limit + 1).await?;
        Ok(Json(range.page(
            rows,
            |row| row.place.to_string(),
            Into::into,
        )))
    }

    /// Append messages to a conversation
    ///
    /// Where there are too many, the oldest go. A conversation without a title gets one out of the first words.
    #[oai(
        path = "/:id/messages",
        method = "post",
        operation_id = "conversation_messages_append"
    )]
    async fn append(
        &self,
        session: Session,
        id: Path<String>,
        body: Json<NewMessages>,
    ) -> Answer<MadeMessages> {
        let bounds = self.0.control.in_force().settings.conversations;
        let messages = body.0.messages;
        let mut complaints = Vec::new();
        for (place, message) in messages.iter().enumerate() {
            let within = format!("messages[{place}]");
            let found = message.complaints(&bounds).into_iter();
            complaints.extend(found.map(|complaint| complaint.within(&within)));
        }
        sound(complaints)?;
        let keeper = keeper(session.anybody());
        let store = self.0.control.store();
        let appended = store
            .append_messages(&keeper, &id, &messages, &bounds)
            .await
            .map_err(lost)?;
        Ok(MadeMessages::Created(Json(AppendedMessages {
            messages: appended.messages.into_iter().map(Into::into).collect(),
            conversation: appended.conversation.into(),
            let_go: appended.let_go,
        })))
    }

    /// Remove a message
    ///
    /// Its tokens were taken all the same and stay in the totals.
    #[oai(
        path = "/:id/messages/:message_id",
        method = "delete",
        operation_id = "conversation_messages_delete"
    )]
    async fn delete(
        &self,
        session: Session,
        id: Path<String>,
        message_id: Path<String>,
    ) -> Answer<Done> {
        let keeper = keeper(session.anybody());
        let store = self.0.control.store();
        let done = store.remove_message(&keeper, &id, &message_id).await;
        done.map_err(|error| match error {
            StoreError::Missing => Problem::not_found("message"),
            other => lost(other),
        })?;
        Ok(Done::Done)
    }
}
