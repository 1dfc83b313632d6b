//! The messages of conversations: appended in order, the oldest let go where there are too many.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _, ExprTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

use super::conversations::{Keeper, KeptConversation, find, open as open_heading, seal};
use super::entities::conversation;
use super::entities::conversation_message::{Column, Entity, Model};
use super::insertion::insert;
use super::{Purpose, Store, StoreError, Vault, new_id, now_ms};
use crate::conversations::{ArchivedMessage, KeptBounds, MessageUsage, Speaker, SpokenPart, title};

/// Room of the messages that a statement takes, where it takes more than one; servers refuse statements of some 16 MiB.
const STATEMENT: usize = 4 << 20;

/// In which order messages are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As they were said.
    Oldest,
    /// The last first.
    Newest,
}

/// A message, opened.
#[derive(Clone, Debug)]
pub struct KeptMessage {
    /// Its identifier.
    pub id: String,
    /// Where it stands.
    pub place: i64,
    /// What was said, and by whom.
    pub said: ArchivedMessage,
}

/// What became of messages that were appended.
#[derive(Clone, Debug)]
pub struct Appended {
    /// The messages as they are kept.
    pub messages: Vec<KeptMessage>,
    /// The conversation now.
    pub conversation: KeptConversation,
    /// How many old messages went for them.
    pub let_go: u64,
}

fn context(id: &str) -> String {
    format!("conversation_messages/{id}")
}

/// What is in a row.
pub(super) fn open(vault: &Vault, row: Model) -> Result<KeptMessage, StoreError> {
    let content = content(vault, &row.id, &row.sealed)?;
    let usage = row.usage_json.as_deref();
    let usage: Option<MessageUsage> = usage.and_then(|json| serde_json::from_str(json).ok());
    Ok(KeptMessage {
        place: row.place,
        said: ArchivedMessage {
            role: Speaker::parse(&row.role).unwrap_or(Speaker::User),
            content,
            model: row.model,
            provider: row.provider,
            dialect: row.dialect,
            request_id: row.request_id,
            usage,
            created_at: Some(row.created_at),
        },
        id: row.id,
    })
}

pub(super) fn content(
    vault: &Vault,
    id: &str,
    sealed: &str,
) -> Result<Vec<SpokenPart>, StoreError> {
    let text = vault.open(Purpose::Conversation, &context(id), sealed)?;
    Ok(serde_json::from_str(text.expose()).unwrap_or_default())
}

/// Appends messages to a conversation whose row this transaction alone can change, and writes the new sums.
pub(super) async fn add(
    work: &DatabaseTransaction,
    vault: &Vault,
    conversation: &mut conversation::Model,
    messages: &[ArchivedMessage],
) -> Result<Vec<KeptMessage>, StoreError> {
    let mut kept = Vec::with_capacity(messages.len());
    let mut rows = Vec::with_capacity(messages.len());
    for said in messages {
        let (id, place) = (new_id(), conversation.next_place);
        let text = serde_json::to_string(&said.content).expect("parts are always JSON");
        let bytes = i64::try_from(text.len()).unwrap_or(i64::MAX);
        let created_at = said.created_at.unwrap_or_else(now_ms);
        let usage = said.usage.unwrap_or_default();
        rows.push(Model {
            sealed: vault.seal(Purpose::Conversation, &context(&id), &text),
            id: id.clone(),
            conversation_id: conversation.id.clone(),
            place,
            role: said.role.as_str().to_owned(),
            bytes,
            model: said.model.clone(),
            provider: said.provider.clone(),
            dialect: said.dialect.clone(),
            request_id: said.request_id.clone(),
            usage_json: said
                .usage
                .map(|usage| serde_json::to_string(&usage).expect("counts are always JSON")),
            created_at,
        });
        conversation.next_place += 1;
        conversation.messages += 1;
        conversation.bytes += bytes;
        conversation.input_tokens += usage.input_tokens;
        conversation.cached_tokens += usage.cached_tokens;
        conversation.output_tokens += usage.output_tokens;
        conversation.reasoning_tokens += usage.reasoning_tokens;
        kept.push(KeptMessage {
            id,
            place,
            said: ArchivedMessage {
                created_at: Some(created_at),
                ..said.clone()
            },
        });
    }
    for part in portions(&rows, |row| row.sealed.len(), STATEMENT) {
        insert(work, &part.iter().collect::<Vec<_>>()).await?;
    }
    write_sums(work, conversation).await?;
    Ok(kept)
}

/// Parts in order, each no larger than this unless it is a single one.
fn portions<T>(rows: &[T], size: impl Fn(&T) -> usize, most: usize) -> Vec<&[T]> {
    let mut parts = Vec::new();
    let (mut start, mut room) = (0, 0);
    for (at, row) in rows.iter().enumerate() {
        let size = size(row);
        if at > start && room + size > most {
            parts.push(&rows[start..at]);
            (start, room) = (at, 0);
        }
        room += size;
    }
    parts.push(&rows[start..]);
    parts
}

async fn write_sums(
    work: &impl ConnectionTrait,
    row: &conversation::Model,
) -> Result<(), StoreError> {
    use conversation::Column as C;
    conversation::Entity::update_many()
        .col_expr(C::NextPlace, row.next_place.into())
        .col_expr(C::Messages, row.messages.into())
        .col_expr(C::Bytes, row.bytes.into())
        .col_expr(C::InputTokens, row.input_tokens.into())
        .col_expr(C::CachedTokens, row.cached_tokens.into())
        .col_expr(C::OutputTokens, row.output_tokens.into())
        .col_expr(C::ReasoningTokens, row.reasoning_tokens.into())
        .col_expr(C::UpdatedAt, row.updated_at.into())
        .col_expr(C::Sealed, row.sealed.as_str().into())
        .filter(C::Id.eq(row.id.as_str()))
        .exec(work)
        .await?;
    Ok(())
}

/// Lets go of the oldest messages until the rest is within bounds; the last one stays.
pub(super) async fn trim(
    work: &DatabaseTransaction,
    row: &mut conversation::Model,
    bounds: &KeptBounds,
) -> Result<u64, StoreError> {
    let bound = |most: u64| match most {
        0 => i64::MAX,
        most => i64::try_from(most).unwrap_or(i64::MAX),
    };
    let (messages, bytes) = (bound(bounds.messages), bound(bounds.bytes));
    let mut gone = 0;
    while row.messages > 1 && (row.messages > messages || row.bytes > bytes) {
        let oldest: Vec<(i64, i64)> = Entity::find()
            .select_only()
            .column(Column::Place)
            .column(Column::Bytes)
            .filter(Column::ConversationId.eq(row.id.as_str()))
            .order_by_asc(Column::Place)
            .limit(200)
            .into_tuple()
            .all(work)
            .await?;
        let mut edge = None;
        for (place, size) in oldest {
            if row.messages <= 1 || row.messages <= messages && row.bytes <= bytes {
                break;
            }
            row.messages -= 1;
            row.bytes -= size;
            edge = Some(place);
        }
        let Some(edge) = edge else { break };
        let done = Entity::delete_many()
            .filter(Column::ConversationId.eq(row.id.as_str()))
            .filter(Column::Place.lte(edge))
            .exec(work)
            .await?;
        gone += done.rows_affected;
    }
    if gone > 0 {
        write_sums(work, row).await?;
    }
    Ok(gone)
}

/// Takes the row for this transaction alone: who writes it first makes the others wait, on every database.
pub(super) async fn claim(
    work: &DatabaseTransaction,
    keeper: &Keeper,
    id: &str,
) -> Result<conversation::Model, StoreError> {
    use conversation::Column as C;
    let done = conversation::Entity::update_many()
        .col_expr(C::NextPlace, Expr::col(C::NextPlace).add(1))
        .filter(keeper.condition())
        .filter(C::Id.eq(id))
        .exec(work)
        .await?;
    if done.rows_affected == 0 {
        return Err(StoreError::Missing);
    }
    find(work, keeper, id).await
}

impl Store {
    /// Appends messages. Where there are too many, the oldest go.
    ///
    /// # Errors
    /// When the keeper has no such conversation, or the database is away.
    pub async fn append_messages(
        &self,
        keeper: &Keeper,
        id: &str,
        messages: &[ArchivedMessage],
        bounds: &KeptBounds,
    ) -> Result<Appended, StoreError> {
        let work = self.begin().await?;
        let mut row = claim(&work, keeper, id).await?;
        row.updated_at = now_ms();
        let mut heading = open_heading(self.vault(), row.clone())?.heading;
        if let Some(title) = title(messages).filter(|_| heading.title.is_empty()) {
            heading.title = title;
            row.sealed = seal(self.vault(), id, &heading);
        }
        let messages = add(&work, self.vault(), &mut row, messages).await?;
        let let_go = trim(&work, &mut row, bounds).await?;
        work.commit().await?;
        Ok(Appended {
            messages,
            conversation: KeptConversation { row, heading },
            let_go,
        })
    }

    /// A page of the messages of a conversation that the caller has found before.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn messages(
        &self,
        conversation_id: &str,
        order: Order,
        after: Option<i64>,
        limit: u64,
    ) -> Result<Vec<KeptMessage>, StoreError> {
        let query = Entity::find().filter(Column::ConversationId.eq(conversation_id));
        let query = match (order, after) {
            (Order::Oldest, Some(after)) => query.filter(Column::Place.gt(after)),
            (Order::Newest, Some(after)) => query.filter(Column::Place.lt(after)),
            (_, None) => query,
        };
        let query = match order {
            Order::Oldest => query.order_by_asc(Column::Place),
            Order::Newest => query.order_by_desc(Column::Place),
        };
        let rows = query.limit(limit).all(self.read()).await?;
        rows.into_iter()
            .map(|row| open(self.vault(), row))
            .collect()
    }

    /// Removes a message. Its tokens were taken all the same and stay in the sums.
    ///
    /// # Errors
    /// When the keeper has no such message, or the database is away.
    pub async fn remove_message(
        &self,
        keeper: &Keeper,
        conversation_id: &str,
        id: &str,
    ) -> Result<(), StoreError> {
        let work = self.begin().await?;
        let mut row = claim(&work, keeper, conversation_id).await?;
        let message = Entity::find_by_id(id)
            .filter(Column::ConversationId.eq(conversation_id))
            .one(&work)
            .await?
            .ok_or(StoreError::Missing)?;
        Entity::delete_by_id(id).exec(&work).await?;
        row.messages -= 1;
        row.bytes -= message.bytes;
        row.updated_at = now_ms();
        write_sums(&work, &row).await?;
        work.commit().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_bounded_and_leave_nothing_out() {
        let parts = |sizes: &[usize]| {
            let parts = portions(sizes, |size| *size, 10);
            parts.iter().map(|part| part.to_vec()).collect::<Vec<_>>()
        };
        assert_eq!(parts(&[]), [[0; 0]]);
        assert_eq!(parts(&[1; 10]), [[1; 10]], "one statement takes them all");
        assert_eq!(
            parts(&[5, 5, 1, 50, 2, 9]),
            [vec![5, 5], vec![1], vec![50], vec![2], vec![9]]
        );
    }
}
