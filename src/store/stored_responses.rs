//! Answers that Responses clients refer to: sealed, found by client key and id together, bounded by age and room.

use std::collections::HashSet;

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Set,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::entities::stored_response::{ActiveModel, Column, Entity, Model};
use super::{Purpose, Store, StoreError, now_ms};

/// Newest answers of a client key that are read at once, and their room.
const NEWEST: u64 = 200;
const NEWEST_BYTES: i64 = 16 << 20;

/// In the place of a client key's digest: a client has removed the answer, and other hubs are to know.
pub(super) const REMOVED: &str = "";

/// An answer as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResponseRecord {
    /// Its id, as the client knows it.
    pub id: String,
    /// The input items of the request and of everything before it, as a JSON list.
    pub input: String,
    /// The answer object, JSON.
    pub response: String,
    /// The provider that knows the id itself.
    pub origin: Option<String>,
    /// When it was written down, in milliseconds since 1970.
    #[serde(skip)]
    pub at: i64,
}

/// Answers that clients have removed.
#[derive(Debug)]
pub struct RemovedResponses(HashSet<String>);

impl RemovedResponses {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this one of a client key is among them.
    #[must_use]
    pub fn has(&self, scope: &str, id: &str) -> bool {
        self.0.contains(&row_id(scope, id))
    }
}

/// The key of a row: no two client keys share one.
fn row_id(scope: &str, id: &str) -> String {
    // The length tells where the first part ends.
    digest(&format!("{}:{scope}{id}", scope.len()))
}

fn digest(text: &str) -> String {
    format!("{:x}", Sha256::digest(text))
}

fn context(row_id: &str) -> String {
    format!("stored_responses/{row_id}")
}

impl Store {
    /// Keeps an answer of a client key.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn keep_response(
        &self,
        scope: &str,
        record: &ResponseRecord,
    ) -> Result<(), StoreError> {
        let id = row_id(scope, &record.id);
        let text = serde_json::to_string(record).expect("texts are always JSON");
        let row = ActiveModel {
            sealed: Set(self
                .vault()
                .seal(Purpose::Conversation, &context(&id), &text)),
            id: Set(id),
            scope: Set(digest(scope)),
            at: Set(now_ms()),
            bytes: Set(i64::try_from(text.len()).unwrap_or(i64::MAX)),
        };
        let replace = OnConflict::column(Column::Id)
            .update_columns([Column::Scope, Column::At, Column::Bytes, Column::Sealed])
            .to_owned();
        Entity::insert(row)
            .on_conflict(replace)
            .exec_without_returning(self.write())
            .await?;
        Ok(())
    }

    /// Finds an answer of a client key that is not older than a time.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn response(
        &self,
        scope: &str,
        id: &str,
        since: i64,
    ) -> Result<Option<ResponseRecord>, StoreError> {
        let row = Entity::find_by_id(row_id(scope, id))
            .filter(Column::At.gte(since))
            .filter(Column::Scope.ne(REMOVED))
            .one(self.read())
            .await?;
        row.map(|row| self.opened(&row)).transpose()
    }

    /// The newest answers of a client key, the newest first, as many as fit.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn newest_responses(
        &self,
        scope: &str,
        since: i64,
    ) -> Result<Vec<ResponseRecord>, StoreError> {
        let sizes: Vec<(i64, i64)> = Entity::find()
            .select_only()
            .column(Column::At)
            .column(Column::Bytes)
            .filter(Column::Scope.eq(digest(scope)))
            .filter(Column::At.gte(since))
            .order_by_desc(Column::At)
            .limit(NEWEST)
            .into_tuple()
            .all(self.read())
            .await?;
        let mut room = NEWEST_BYTES;
        let fit = sizes.iter().take_while(|(_, bytes)| {
            room -= bytes;
            room >= 0
        });
        let Some((oldest, _)) = fit.last() else {
            return Ok(Vec::new());
        };
        let rows = Entity::find()
            .filter(Column::Scope.eq(digest(scope)))
            .filter(Column::At.gte(*oldest))
            .order_by_desc(Column::At)
            .limit(NEWEST)
            .all(self.read())
            .await?;
        rows.iter().map(|row| self.opened(row)).collect()
    }

    /// Forgets an answer of a client key. For a while a mark without any content says to other hubs that it is gone.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn remove_response(&self, scope: &str, id: &str) -> Result<(), StoreError> {
        Entity::update_many()
            .col_expr(Column::Scope, Expr::value(REMOVED))
            .col_expr(Column::At, Expr::value(now_ms()))
            .col_expr(Column::Bytes, Expr::value(0_i64))
            .col_expr(Column::Sealed, Expr::value(""))
            .filter(Column::Id.eq(row_id(scope, id)))
            .exec(self.write())
            .await?;
        Ok(())
    }

    /// What was removed since a time.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn removed_responses(&self, since: i64) -> Result<RemovedResponses, StoreError> {
        let ids: Vec<String> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::Scope.eq(REMOVED))
            .filter(Column::At.gte(since))
            .into_tuple()
            .all(self.read())
            .await?;
        Ok(RemovedResponses(ids.into_iter().collect()))
    }

    fn opened(&self, row: &Model) -> Result<ResponseRecord, StoreError> {
        let opened = self
            .vault()
            .open(Purpose::Conversation, &context(&row.id), &row.sealed)?;
        let record: ResponseRecord =
            serde_json::from_str(opened.expose()).map_err(|_| StoreError::Missing)?;
        Ok(ResponseRecord {
            at: row.at,
            ..record
        })
    }
}
