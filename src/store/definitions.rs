//! What operators define, and its secrets: reading all of it, and changing one thing at a time.
//!
//! Every kind of definition is kept, versioned and audited by the same code. What a document means is the
//! business of the configuration's readers.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _,
    IntoActiveModel as _, QueryFilter as _, QueryOrder as _, Set,
};

use super::entities::{definition, revision, secret};
use super::{Purpose, Store, StoreError, Vault, new_id, now_ms};
use crate::config::{Kind, Secret};

/// A secret value and what is shown of it.
#[derive(Clone, Debug)]
pub struct StoredSecret {
    /// Its row.
    pub row: secret::Model,
    /// The value itself.
    pub value: Secret,
}

/// A definition with its secrets.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Its row.
    pub row: definition::Model,
    /// Its secrets, in order.
    pub secrets: Vec<StoredSecret>,
}

/// How many changes there were so far.
///
/// # Errors
/// When the database is away.
pub async fn revision(database: &impl ConnectionTrait) -> Result<i64, StoreError> {
    let row = revision::Entity::find_by_id(1).one(database).await?;
    Ok(row.ok_or(StoreError::Missing)?.value)
}

/// Says that the configuration has changed. Belongs into the transaction that changes it.
///
/// # Errors
/// When the database is away.
pub async fn advance(database: &impl ConnectionTrait) -> Result<(), StoreError> {
    revision::Entity::update_many()
        .col_expr(
            revision::Column::Value,
            Expr::col(revision::Column::Value).add(1),
        )
        .exec(database)
        .await?;
    Ok(())
}

/// Everything that is defined, with secrets opened, in the order of kind, position and name.
///
/// # Errors
/// When the database is away or a secret does not open.
pub async fn all(
    database: &impl ConnectionTrait,
    vault: &Vault,
) -> Result<Vec<Stored>, StoreError> {
    let rows = definition::Entity::find()
        .order_by_asc(definition::Column::Kind)
        .order_by_asc(definition::Column::Position)
        .order_by_asc(definition::Column::Name)
        .all(database)
        .await?;
    let mut secrets = std::collections::HashMap::<String, Vec<StoredSecret>>::new();
    let sealed = secret::Entity::find()
        .order_by_asc(secret::Column::Position)
        .order_by_asc(secret::Column::Id)
        .all(database)
        .await?;
    for row in sealed {
        secrets
            .entry(row.definition_id.clone())
            .or_default()
            .push(opened(vault, row)?);
    }
    Ok(rows
        .into_iter()
        .map(|row| Stored {
            secrets: secrets.remove(&row.id).unwrap_or_default(),
            row,
        })
        .collect())
}

/// One definition by kind and name.
///
/// # Errors
/// When the database is away or it does not exist.
pub async fn named(
    database: &impl ConnectionTrait,
    kind: Kind,
    name: &str,
) -> Result<definition::Model, StoreError> {
    definition::Entity::find()
        .filter(definition::Column::Kind.eq(kind.as_str()))
        .filter(definition::Column::Name.eq(name))
        .one(database)
        .await?
        .ok_or(StoreError::Missing)
}

/// Puts a new definition in.
///
/// # Errors
/// When the name is taken or the database is away.
pub async fn insert(
    database: &impl ConnectionTrait,
    kind: Kind,
    name: &str,
    position: i64,
    enabled: bool,
    document: &serde_json::Value,
) -> Result<definition::Model, StoreError> {
    let now = now_ms();
    let row = definition::ActiveModel {
        id: Set(new_id()),
        kind: Set(kind.as_str().to_owned()),
        name: Set(name.to_owned()),
        position: Set(position),
        enabled: Set(enabled),
        document: Set(document.to_string()),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    };
    Ok(row.insert(database).await?)
}

/// Replaces a definition if it is still at the version of `row`, and returns it at the next one.
///
/// # Errors
/// When somebody else changed it first, the name is taken, or the database is away.
pub async fn replace(
    database: &impl ConnectionTrait,
    row: &definition::Model,
) -> Result<definition::Model, StoreError> {
    let next = definition::Model {
        version: row.version + 1,
        updated_at: now_ms(),
        ..row.clone()
    };
    let changed = definition::Entity::update_many()
        .col_expr(definition::Column::Name, next.name.as_str().into())
        .col_expr(definition::Column::Position, next.position.into())
        .col_expr(definition::Column::Enabled, next.enabled.into())
        .col_expr(definition::Column::Document, next.document.as_str().into())
        .col_expr(definition::Column::Version, next.version.into())
        .col_expr(definition::Column::UpdatedAt, next.updated_at.into())
        .filter(definition::Column::Id.eq(&row.id))
        .filter(definition::Column::Version.eq(row.version))
        .exec(database)
        .await?;
    if changed.rows_affected == 1 {
        return Ok(next);
    }
    match definition::Entity::find_by_id(&row.id)
        .one(database)
        .await?
    {
        Some(now) => Err(StoreError::Changed(now.version)),
        None => Err(StoreError::Missing),
    }
}

/// Removes a definition and its secrets, if it is still at the version of `row`.
///
/// # Errors
/// When somebody else changed it first or the database is away.
pub async fn remove(
    database: &impl ConnectionTrait,
    row: &definition::Model,
) -> Result<(), StoreError> {
    let gone = definition::Entity::delete_many()
        .filter(definition::Column::Id.eq(&row.id))
        .filter(definition::Column::Version.eq(row.version))
        .exec(database)
        .await?;
    if gone.rows_affected == 0 {
        return Err(
            match definition::Entity::find_by_id(&row.id)
                .one(database)
                .await?
            {
                Some(now) => StoreError::Changed(now.version),
                None => StoreError::Missing,
            },
        );
    }
    secret::Entity::delete_many()
        .filter(secret::Column::DefinitionId.eq(&row.id))
        .exec(database)
        .await?;
    Ok(())
}

/// The secrets of a definition, in order.
///
/// # Errors
/// When the database is away or a secret does not open.
pub async fn secrets_of(
    database: &impl ConnectionTrait,
    vault: &Vault,
    definition_id: &str,
) -> Result<Vec<StoredSecret>, StoreError> {
    let rows = secret::Entity::find()
        .filter(secret::Column::DefinitionId.eq(definition_id))
        .order_by_asc(secret::Column::Position)
        .order_by_asc(secret::Column::Id)
        .all(database)
        .await?;
    rows.into_iter().map(|row| opened(vault, row)).collect()
}

/// Seals a value and puts it in.
///
/// # Errors
/// When the database is away.
pub async fn add_secret(
    database: &impl ConnectionTrait,
    vault: &Vault,
    definition_id: &str,
    field: &str,
    position: i64,
    label: &str,
    value: &Secret,
) -> Result<secret::Model, StoreError> {
    let id = new_id();
    let row = secret::ActiveModel {
        sealed: Set(vault.seal(Purpose::Upstream, &context(&id), value.expose())),
        id: Set(id),
        definition_id: Set(definition_id.to_owned()),
        field: Set(field.to_owned()),
        position: Set(position),
        label: Set(label.to_owned()),
        masked: Set(value.masked()),
        enabled: Set(true),
        weight: Set(1),
        created_at: Set(now_ms()),
    };
    Ok(row.insert(database).await?)
}

/// Removes the secrets of one field.
///
/// # Errors
/// When the database is away.
pub async fn remove_secrets(
    database: &impl ConnectionTrait,
    definition_id: &str,
    field: &str,
) -> Result<(), StoreError> {
    secret::Entity::delete_many()
        .filter(secret::Column::DefinitionId.eq(definition_id))
        .filter(secret::Column::Field.eq(field))
        .exec(database)
        .await?;
    Ok(())
}

/// Puts one secret in use, or out of it.
///
/// # Errors
/// When it is gone or the database is away.
pub async fn switch_secret(
    database: &impl ConnectionTrait,
    id: &str,
    enabled: bool,
) -> Result<(), StoreError> {
    let changed = secret::Entity::update_many()
        .col_expr(secret::Column::Enabled, enabled.into())
        .filter(secret::Column::Id.eq(id))
        .exec(database)
        .await?;
    // MySQL counts only rows that are not as they were.
    if changed.rows_affected == 0
        && secret::Entity::find_by_id(id)
            .one(database)
            .await?
            .is_none()
    {
        return Err(StoreError::Missing);
    }
    Ok(())
}

/// Says what a secret is called, and what it weighs among the others of its definition.
///
/// # Errors
/// When it is gone or the database is away.
pub async fn describe_secret(
    database: &impl ConnectionTrait,
    id: &str,
    label: &str,
    weight: u32,
) -> Result<(), StoreError> {
    let row = secret::Entity::find_by_id(id).one(database).await?;
    let mut row = row.ok_or(StoreError::Missing)?.into_active_model();
    row.label = Set(label.to_owned());
    row.weight = Set(i64::from(weight));
    row.update(database).await?;
    Ok(())
}

/// Removes one secret.
///
/// # Errors
/// When it is gone or the database is away.
pub async fn remove_secret(database: &impl ConnectionTrait, id: &str) -> Result<(), StoreError> {
    let gone = secret::Entity::delete_by_id(id).exec(database).await?;
    match gone.rows_affected {
        0 => Err(StoreError::Missing),
        _ => Ok(()),
    }
}

/// A sealed value belongs to its row.
fn context(id: &str) -> String {
    format!("secrets/{id}")
}

fn opened(vault: &Vault, row: secret::Model) -> Result<StoredSecret, StoreError> {
    let value = vault.open(Purpose::Upstream, &context(&row.id), &row.sealed)?;
    Ok(StoredSecret { row, value })
}

impl Store {
    /// Everything that is defined, and the revision it is at.
    ///
    /// # Errors
    /// When the database is away or a secret does not open.
    pub async fn definitions(&self) -> Result<(i64, Vec<Stored>), StoreError> {
        // Read before the rows: a change in between shows as a newer revision and is read next time.
        let revision = revision(&self.read).await?;
        Ok((revision, all(&self.read, &self.vault).await?))
    }
}
