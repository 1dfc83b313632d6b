//! Which client keys' conversations are kept as they go through the hub.

use std::collections::HashMap;
use std::sync::Arc;

use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, EntityTrait as _, Set};

use super::entities::conversation_switch::{ActiveModel, Column, Entity};
use super::{StoreError, now_ms};
use crate::gateway::HistoryStore;

/// All of them.
///
/// # Errors
/// When the database is away.
pub async fn all(
    database: &impl ConnectionTrait,
) -> Result<HashMap<Arc<str>, HistoryStore>, StoreError> {
    let rows = Entity::find().all(database).await?;
    let read = |row: super::entities::conversation_switch::Model| {
        // A newer hub may know more stores; here nothing is kept then.
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
        let Some(store) = store else {
            Entity::delete_by_id(scope).exec(work).await?;
            continue;
        };
        let row = ActiveModel {
            scope: Set(scope.clone()),
            store: Set(store.as_str().to_owned()),
            updated_at: Set(now_ms()),
        };
        let replace = OnConflict::column(Column::Scope)
            .update_columns([Column::Store, Column::UpdatedAt])
            .to_owned();
        Entity::insert(row)
            .on_conflict(replace)
            .exec_without_returning(work)
            .await?;
    }
    Ok(())
}
