//! The table `conversations`.

use sea_orm::entity::prelude::*;

/// A conversation without its messages.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "conversations")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Whose it is; empty where nobody owns the client key that it was recorded under.
    pub owner_id: String,
    /// The client key that it was recorded under.
    pub client_key_id: Option<String>,
    /// Tells the recorded conversations of one client key apart.
    pub thread: Option<String>,
    /// `interface`, `gateway` or `import`.
    pub origin: String,
    /// The model that it goes on with.
    pub model: Option<String>,
    /// The dialect that it is held in.
    pub dialect: Option<String>,
    /// Title, instructions and tags, as one sealed JSON document.
    #[sea_orm(column_type = "Text")]
    pub sealed: String,
    /// How many messages there are.
    pub messages: i64,
    /// How much room they take.
    pub bytes: i64,
    /// Tokens that went in.
    pub input_tokens: i64,
    /// Those of them that came out of a cache.
    pub cached_tokens: i64,
    /// Tokens that came out.
    pub output_tokens: i64,
    /// Those of them that were reasoning.
    pub reasoning_tokens: i64,
    /// The place of the next message.
    pub next_place: i64,
    /// Grows when it is replaced; messages do not count.
    pub version: i64,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// When it or its messages last changed, in milliseconds since 1970.
    pub updated_at: i64,
}

/// No relations: rows are joined by hand where it is needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
