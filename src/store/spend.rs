//! What client keys have spent, and when they were last used.
//!
//! Amounts are only ever added, so that several hubs can write about the same key, and each learns from the
//! rows what the others have added.

use std::collections::BTreeSet;

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, Condition, EntityTrait as _, ExprTrait as _, QueryFilter as _, Set,
};
use serde::{Deserialize, Serialize};

use super::entities::{client_key, spend};
use super::{Store, StoreError, new_id};

/// Keys in one question; databases bound the number of parameters.
const BATCH: usize = 500;

/// What is added to a key's row of a period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Increment {
    /// Id of the client key.
    pub client_key_id: String,
    /// `2026-11-21` or `2026-11`.
    pub period: String,
    /// Billionths of a US dollar.
    pub nano_usd: i64,
    /// Tokens.
    pub tokens: i64,
    /// Requests.
    pub requests: i64,
}

/// What is spent in all in these periods, by everybody.
///
/// # Errors
/// When the database is away.
pub async fn of_periods(
    store: &Store,
    periods: &[String],
) -> Result<Vec<spend::Model>, StoreError> {
    let rows = spend::Entity::find()
        .filter(spend::Column::Period.is_in(periods))
        .all(store.read())
        .await?;
    Ok(rows)
}

/// What is spent in these periods by these keys.
///
/// # Errors
/// When the database is away.
pub async fn of_keys(
    store: &Store,
    keys: &BTreeSet<String>,
    periods: &BTreeSet<String>,
) -> Result<Vec<spend::Model>, StoreError> {
    let keys: Vec<&String> = keys.iter().collect();
    let mut rows = Vec::new();
    for some in keys.chunks(BATCH) {
        let of_these = Condition::all()
            .add(spend::Column::ClientKeyId.is_in(some.iter().copied()))
            .add(spend::Column::Period.is_in(periods));
        // The connection that writes: elsewhere the newest amounts might not be there yet.
        let found = spend::Entity::find().filter(of_these);
        rows.extend(found.all(store.write()).await?);
    }
    Ok(rows)
}

/// How often amounts are added when other hubs stand in the way.
const TRIES: usize = 5;

/// Adds all of these amounts, or none.
///
/// # Errors
/// When the database is away. A connection that breaks in the very end leaves open whether it was done.
pub async fn add(store: &Store, increments: &[Increment]) -> Result<(), StoreError> {
    // Another hub adds to the same rows. MariaDB locks the gaps between them, too, and ends one of two that meet.
    for _ in 1..TRIES {
        match add_once(store, increments).await {
            Err(error) if error.is_deadlock() => {}
            ended => return ended,
        }
    }
    add_once(store, increments).await
}

async fn add_once(store: &Store, increments: &[Increment]) -> Result<(), StoreError> {
    let transaction = store.begin().await?;
    for increment in increments {
        let row = spend::ActiveModel {
            id: Set(new_id()),
            client_key_id: Set(increment.client_key_id.clone()),
            period: Set(increment.period.clone()),
            nano_usd: Set(increment.nano_usd),
            tokens: Set(increment.tokens),
            requests: Set(increment.requests),
        };
        let mut there = OnConflict::columns([spend::Column::ClientKeyId, spend::Column::Period]);
        for (column, amount) in [
            (spend::Column::NanoUsd, increment.nano_usd),
            (spend::Column::Tokens, increment.tokens),
            (spend::Column::Requests, increment.requests),
        ] {
            let sum = Expr::col((spend::Entity, column)).add(amount);
            there.value(column, sum);
        }
        spend::Entity::insert(row)
            .on_conflict(there)
            .exec_without_returning(&transaction)
            .await?;
    }
    Ok(transaction.commit().await?)
}

/// Notes when keys of the database were last used. Never goes back, and is no change of the key.
///
/// # Errors
/// When the database is away.
pub async fn note_uses(store: &Store, uses: &[(String, i64)]) -> Result<(), StoreError> {
    let transaction = store.begin().await?;
    for (id, at) in uses {
        let older = Condition::any()
            .add(client_key::Column::LastUsedAt.is_null())
            .add(client_key::Column::LastUsedAt.lt(*at));
        client_key::Entity::update_many()
            .col_expr(client_key::Column::LastUsedAt, Expr::value(*at))
            .filter(client_key::Column::Id.eq(id))
            .filter(older)
            .exec(&transaction)
            .await?;
    }
    Ok(transaction.commit().await?)
}
