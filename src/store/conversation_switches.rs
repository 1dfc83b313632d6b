//! Which client keys' conversations are kept as they go through the hub.

use std::collections::HashMap;
use std::sync::Arc;

use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QuerySelect as _, Set,
};

use super::entities::conversation_switch::{ActiveModel, Column, Entity};
use super::{StoreError, now_ms};
use crate::gateway::HistoryStore;

/// In the place of a store: the client key is gone, and so are its conversations in files, at whatever hub.
const GONE: &str = "gone";

/// All of them.
///
/// # Errors
/// When the database is away.
pub async fn all(
    database: &impl ConnectionTrait,
) -> Result<HashMap<Arc<str>, HistoryStore>, StoreError> {
    let rows = Entity::find().all(database).await?;
    let read = |row: super::entities::conversation_switch::Model| {
        // A key that is gone has none, and a newer hub may know more: here nothing is kept then.
        Some((Arc::from(row.scope), HistoryStore::parse(&row.store)?))
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// Switches the keeping for client keys on, or off where there is no store.
///
/// # Errors
/// When the database is away.
pub async fn set(
    work: &impl ConnectionTrait,
    scopes: &[String],
    store: Option<HistoryStore>,
) -> Result<(), StoreError> {
    for scope in scopes {
        match store {
            Some(store) => put(work, scope, store.as_str()).await?,
            None => {
                Entity::delete_by_id(scope).exec(work).await?;
            }
        }
    }
    Ok(())
}

/// Notes that client keys are gone.
///
/// # Errors
/// When the database is away.
pub async fn retire(work: &impl ConnectionTrait, scopes: &[String]) -> Result<(), StoreError> {
    for scope in scopes {
        put(work, scope, GONE).await?;
    }
    Ok(())
}

/// The client keys that are gone.
///
/// # Errors
/// When the database is away.
pub async fn retired(database: &impl ConnectionTrait) -> Result<Vec<String>, StoreError> {
    let scopes = Entity::find()
        .select_only()
        .column(Column::Scope)
        .filter(Column::Store.eq(GONE));
    Ok(scopes.into_tuple().all(database).await?)
}

/// Forgets client keys that went before a time, in milliseconds since 1970.
///
/// # Errors
/// When the database is away.
pub async fn forget_retired(work: &impl ConnectionTrait, before: i64) -> Result<(), StoreError> {
    Entity::delete_many()
        .filter(Column::Store.eq(GONE))
        .filter(Column::UpdatedAt.lt(before))
        .exec(work)
        .await?;
    Ok(())
}

async fn put(work: &impl ConnectionTrait, scope: &str, store: &str) -> Result<(), StoreError> {
    let row = ActiveModel {
        scope: Set(scope.to_owned()),
        store: Set(store.to_owned()),
        updated_at: Set(now_ms()),
    };
    let replace = OnConflict::column(Column::Scope)
        .update_columns([Column::Store, Column::UpdatedAt])
        .to_owned();
    Entity::insert(row)
        .on_conflict(replace)
        .exec_without_returning(work)
        .await?;
    Ok(())
}
