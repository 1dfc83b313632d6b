//! Conversations that people keep: found by their owner alone, sealed but for what lists are ordered by.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait as _,
    PaginatorTrait as _, QueryFilter as _, Set,
};

use super::entities::conversation::{ActiveModel, Column, Entity, Model};
use super::entities::conversation_message as message;
use super::{Purpose, Store, StoreError, Vault, new_id, now_ms};
use crate::conversations::{ArchivedConversation, Heading, KeptBounds};

/// Conversations that go at once with their messages.
const PORTION: usize = 100;

/// Where a conversation comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Somebody made it.
    Interface,
    /// It was recorded as it went through the hub.
    Gateway,
    /// It came out of an archive.
    Import,
}

impl Origin {
    /// The name in rows.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Interface => "interface",
            Self::Gateway => "gateway",
            Self::Import => "import",
        }
    }
}

/// Whose conversations are meant.
#[derive(Clone, Debug)]
pub struct Keeper {
    /// The person; empty for the keys of files, which nobody owns.
    pub owner: String,
    /// Those that nobody owns are meant too.
    pub and_nobodys: bool,
}

impl Keeper {
    pub(super) fn condition(&self) -> Condition {
        let own = Condition::any().add(Column::OwnerId.eq(self.owner.as_str()));
        own.add_option(self.and_nobodys.then(|| Column::OwnerId.eq("")))
    }
}

/// A conversation, opened.
#[derive(Clone, Debug)]
pub struct KeptConversation {
    /// The row.
    pub row: Model,
    /// What people wrote over it.
    pub heading: Heading,
}

/// What of a conversation can be written.
#[derive(Clone, Debug, Default)]
pub struct ConversationChange {
    /// What to write over it.
    pub heading: Heading,
    /// The model that it goes on with.
    pub model: Option<String>,
    /// The dialect that it is held in.
    pub dialect: Option<String>,
}

fn context(id: &str) -> String {
    format!("conversations/{id}")
}

pub(super) fn seal(vault: &Vault, id: &str, heading: &Heading) -> String {
    let text = serde_json::to_string(heading).expect("texts are always JSON");
    vault.seal(Purpose::Conversation, &context(id), &text)
}

pub(super) fn open(vault: &Vault, row: Model) -> Result<KeptConversation, StoreError> {
    let text = vault.open(Purpose::Conversation, &context(&row.id), &row.sealed)?;
    let heading = serde_json::from_str(text.expose()).unwrap_or_default();
    Ok(KeptConversation { row, heading })
}

/// A new row.
pub(super) fn fresh(
    vault: &Vault,
    owner: &str,
    origin: Origin,
    change: &ConversationChange,
) -> Model {
    let (id, now) = (new_id(), now_ms());
    Model {
        owner_id: owner.to_owned(),
        client_key_id: None,
        thread: None,
        origin: origin.as_str().to_owned(),
        model: change.model.clone(),
        dialect: change.dialect.clone(),
        sealed: seal(vault, &id, &change.heading),
        messages: 0,
        bytes: 0,
        input_tokens: 0,
        cached_tokens: 0,
        output_tokens: 0,
        reasoning_tokens: 0,
        next_place: 0,
        version: 1,
        created_at: now,
        updated_at: now,
        id,
    }
}

pub(super) async fn insert(work: &impl ConnectionTrait, row: &Model) -> Result<(), StoreError> {
    let row = ActiveModel {
        id: Set(row.id.clone()),
        owner_id: Set(row.owner_id.clone()),
        client_key_id: Set(row.client_key_id.clone()),
        thread: Set(row.thread.clone()),
        origin: Set(row.origin.clone()),
        model: Set(row.model.clone()),
        dialect: Set(row.dialect.clone()),
        sealed: Set(row.sealed.clone()),
        messages: Set(row.messages),
        bytes: Set(row.bytes),
        input_tokens: Set(row.input_tokens),
        cached_tokens: Set(row.cached_tokens),
        output_tokens: Set(row.output_tokens),
        reasoning_tokens: Set(row.reasoning_tokens),
        next_place: Set(row.next_place),
        version: Set(row.version),
        created_at: Set(row.created_at),
        updated_at: Set(row.updated_at),
    };
    Entity::insert(row).exec_without_returning(work).await?;
    Ok(())
}

/// Refuses what would be too many.
async fn leave_room(
    work: &impl ConnectionTrait,
    owner: &str,
    bounds: &KeptBounds,
    more: u64,
) -> Result<(), StoreError> {
    if bounds.count == 0 {
        return Ok(());
    }
    let there = Entity::find().filter(Column::OwnerId.eq(owner));
    let there = there.count(work).await?;
    if there.saturating_add(more) > bounds.count {
        return Err(StoreError::Full(there));
    }
    Ok(())
}

/// One of the keeper's conversations. One of somebody else is as good as none.
pub(super) async fn find(
    database: &impl ConnectionTrait,
    keeper: &Keeper,
    id: &str,
) -> Result<Model, StoreError> {
    let query = Entity::find_by_id(id).filter(keeper.condition());
    query.one(database).await?.ok_or(StoreError::Missing)
}

impl Store {
    /// Begins a conversation.
    ///
    /// # Errors
    /// When there are too many, or the database is away.
    pub async fn begin_conversation(
        &self,
        owner: &str,
        origin: Origin,
        change: ConversationChange,
        bounds: &KeptBounds,
    ) -> Result<KeptConversation, StoreError> {
        let work = self.begin().await?;
        leave_room(&work, owner, bounds, 1).await?;
        let row = fresh(self.vault(), owner, origin, &change);
        insert(&work, &row).await?;
        work.commit().await?;
        Ok(KeptConversation {
            row,
            heading: change.heading,
        })
    }

    /// Reads a conversation.
    ///
    /// # Errors
    /// When the keeper has none of this id, or the database is away.
    pub async fn conversation(
        &self,
        keeper: &Keeper,
        id: &str,
    ) -> Result<KeptConversation, StoreError> {
        open(self.vault(), find(self.read(), keeper, id).await?)
    }

    /// Replaces what is written over a conversation, if it is still at this version.
    ///
    /// # Errors
    /// When the keeper has none of this id, it was changed meanwhile, or the database is away.
    pub async fn replace_conversation(
        &self,
        keeper: &Keeper,
        id: &str,
        version: i64,
        change: &ConversationChange,
    ) -> Result<KeptConversation, StoreError> {
        let done = Entity::update_many()
            .col_expr(
                Column::Sealed,
                seal(self.vault(), id, &change.heading).into(),
            )
            .col_expr(Column::Model, change.model.clone().into())
            .col_expr(Column::Dialect, change.dialect.clone().into())
            .col_expr(Column::Version, Expr::value(version + 1))
            .col_expr(Column::UpdatedAt, Expr::value(now_ms()))
            .filter(keeper.condition())
            .filter(Column::Id.eq(id))
            .filter(Column::Version.eq(version))
            .exec(self.write())
            .await?;
        let row = find(self.write(), keeper, id).await?;
        if done.rows_affected == 0 {
            return Err(StoreError::Changed(row.version));
        }
        open(self.vault(), row)
    }

    /// Removes a conversation with its messages, if it is still at this version.
    ///
    /// # Errors
    /// When the keeper has none of this id, it was changed meanwhile, or the database is away.
    pub async fn remove_conversation(
        &self,
        keeper: &Keeper,
        id: &str,
        version: Option<i64>,
    ) -> Result<(), StoreError> {
        let work = self.begin().await?;
        let row = find(&work, keeper, id).await?;
        if let Some(version) = version.filter(|version| *version != row.version) {
            tracing::debug!(version, "a conversation was changed before it was removed");
            return Err(StoreError::Changed(row.version));
        }
        remove_all(&work, &[row.id]).await?;
        work.commit().await?;
        Ok(())
    }

    /// Takes in conversations: all of them or none. Returns their new identifiers in the same order.
    ///
    /// # Errors
    /// When there are too many, or the database is away.
    pub async fn import_conversations(
        &self,
        owner: &str,
        archived: &[ArchivedConversation],
        bounds: &KeptBounds,
    ) -> Result<Vec<String>, StoreError> {
        let work = self.begin().await?;
        leave_room(&work, owner, bounds, archived.len() as u64).await?;
        let mut ids = Vec::with_capacity(archived.len());
        for conversation in archived {
            let change = ConversationChange {
                heading: conversation.heading(),
                model: conversation.model.clone(),
                dialect: conversation.dialect.clone(),
            };
            let mut row = fresh(self.vault(), owner, Origin::Import, &change);
            row.created_at = conversation.created_at.unwrap_or(row.created_at);
            row.updated_at = conversation.updated_at.unwrap_or(row.created_at);
            insert(&work, &row).await?;
            let messages = &conversation.messages;
            super::conversation_messages::add(&work, self.vault(), &mut row, messages).await?;
            ids.push(row.id);
        }
        work.commit().await?;
        Ok(ids)
    }

    /// Lets go of conversations that nothing was said in since a time. Returns how many went.
    ///
    /// # Errors
    /// When the database is away; what has gone until then is gone.
    pub async fn forget_conversations(&self, before: i64) -> Result<u64, StoreError> {
        self.remove_where(Condition::all().add(Column::UpdatedAt.lt(before)))
            .await
    }

    /// Removes conversations that a condition holds for, with their messages, in portions.
    pub(super) async fn remove_where(&self, condition: Condition) -> Result<u64, StoreError> {
        use sea_orm::QuerySelect as _;
        let mut gone = 0;
        loop {
            let ids: Vec<String> = Entity::find()
                .select_only()
                .column(Column::Id)
                .filter(condition.clone())
                .limit(PORTION as u64)
                .into_tuple()
                .all(self.read())
                .await?;
            let work = self.begin().await?;
            gone += remove_all(&work, &ids).await?;
            work.commit().await?;
            if ids.len() < PORTION {
                return Ok(gone);
            }
        }
    }
}

/// Removes all that somebody keeps.
///
/// # Errors
/// When the database is away.
pub async fn remove_of(work: &DatabaseTransaction, owner: &str) -> Result<(), StoreError> {
    use sea_orm::QuerySelect as _;
    let ids: Vec<String> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::OwnerId.eq(owner))
        .into_tuple()
        .all(work)
        .await?;
    for portion in ids.chunks(PORTION) {
        remove_all(work, portion).await?;
    }
    Ok(())
}

pub(super) async fn remove_all(
    work: &DatabaseTransaction,
    ids: &[String],
) -> Result<u64, StoreError> {
    if ids.is_empty() {
        return Ok(0);
    }
    message::Entity::delete_many()
        .filter(message::Column::ConversationId.is_in(ids))
        .exec(work)
        .await?;
    let done = Entity::delete_many()
        .filter(Column::Id.is_in(ids))
        .exec(work)
        .await?;
    Ok(done.rows_affected)
}
