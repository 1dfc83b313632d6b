//! The table `users`.

use sea_orm::entity::prelude::*;

/// A person.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// In lower case, unique.
    pub email: String,
    /// What to call them.
    pub name: String,
    /// `admin`, `operator`, `viewer` or `member`.
    pub role: String,
    /// Argon2id, in PHC form.
    pub password: String,
    /// Whether they may log in.
    pub enabled: bool,
    /// Whether the password must be changed first.
    pub must_change_password: bool,
    /// Bounds of the client keys they make, as JSON.
    #[sea_orm(column_type = "Text", nullable)]
    pub key_bounds: Option<String>,
    /// Milliseconds since 1970.
    pub last_login_at: Option<i64>,
    /// Grows with every change.
    pub version: i64,
    /// Milliseconds since 1970.
    pub created_at: i64,
    /// Milliseconds since 1970.
    pub updated_at: i64,
}

/// No relations: rows are joined by hand where it is needed.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
