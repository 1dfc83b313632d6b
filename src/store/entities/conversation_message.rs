//! The table `conversation_messages`.

use sea_orm::entity::prelude::*;

/// A message of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "conversation_messages")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Which conversation it belongs to.
    pub conversation_id: String,
    /// Grows from message to message of a conversation.
    pub place: i64,
    /// `system`, `user`, `assistant` or `tool`.
    pub role: String,
    /// The content as one sealed JSON document.
    #[sea_orm(column_type = "Text")]
    pub sealed: String,
    /// How much room the content takes.
    pub bytes: i64,
    /// The model that said it.
    pub model: Option<String>,
    /// The provider that served it.
    pub provider: Option<String>,
    /// The dialect that it was said in.
    pub dialect: Option<String>,
    /// The request that it came with, as in the request log.
    pub request_id: Option<String>,
    /// Tokens as JSON; absent when nobody counted.
    #[sea_orm(column_type = "Text", nullable)]
    pub usage_json: Option<String>,
    /// Milliseconds since 1970.
    pub created_at: i64,
}

/// No relations: rows are joined by hand where it is needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
