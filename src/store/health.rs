//! What checks of providers found: the newest ones of each, older ones go.

use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Set,
};

use super::entities::health_check::{ActiveModel, Column, Entity, Model};
use super::{Store, StoreError, new_id, now_ms};

/// How many checks of a provider are kept.
const KEPT: u64 = 200;

/// What a check found.
#[derive(Clone, Debug)]
pub struct HealthFinding {
    /// The provider.
    pub provider: String,
    /// It gave an answer.
    pub ok: bool,
    /// The status, if an answer came.
    pub status: Option<u16>,
    /// How long it took.
    pub latency_ms: i64,
    /// The model that was asked.
    pub model: String,
    /// What went wrong.
    pub error: Option<String>,
}

impl Store {
    /// Keeps what a check found.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn keep_health(&self, finding: HealthFinding) -> Result<(), StoreError> {
        let provider = finding.provider.clone();
        let short = |text: String, most: usize| text.chars().take(most).collect::<String>();
        let row = ActiveModel {
            id: Set(new_id()),
            provider: Set(finding.provider),
            at: Set(now_ms()),
            ok: Set(finding.ok),
            status: Set(finding.status.map(i64::from)),
            latency_ms: Set(finding.latency_ms),
            model: Set(short(finding.model, 256)),
            error: Set(finding.error.map(|error| short(error, 2000))),
        };
        row.insert(self.write()).await?;
        let oldest = Entity::find()
            .filter(Column::Provider.eq(provider.as_str()))
            .order_by_desc(Column::Id)
            .offset(KEPT)
            .limit(1)
            .one(self.write())
            .await?;
        if let Some(oldest) = oldest {
            Entity::delete_many()
                .filter(Column::Provider.eq(provider))
                .filter(Column::Id.lte(oldest.id))
                .exec(self.write())
                .await?;
        }
        Ok(())
    }

    /// The checks of a provider, the newest first; from before the one of id `before`.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn health_of(
        &self,
        provider: &str,
        before: Option<&str>,
        limit: u64,
    ) -> Result<Vec<Model>, StoreError> {
        let mut query = Entity::find()
            .filter(Column::Provider.eq(provider))
            .order_by_desc(Column::Id)
            .limit(limit);
        if let Some(before) = before {
            query = query.filter(Column::Id.lt(before));
        }
        Ok(query.all(self.read()).await?)
    }
}
