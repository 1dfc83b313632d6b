//! Letting old rows go: by age, and captured bodies also by how much room they take.
//!
//! Rows go in small portions, each in a transaction of its own with a pause behind it, so that nobody waits long for
//! a lock whatever the size of the tables. Sums per day stay: they are small and what long statistics are made of.

use std::time::Duration;

use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, EntityTrait, ExprTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};

use super::entities::{
    audit, capture, dimension, health_check, latency, request, request_detail, rollup, spend,
    stored_response,
};
use super::rolling::{self, Hold};
use super::rollups::{DAY, HOUR};
use super::stored_responses::REMOVED;
use super::{Store, StoreError};
use crate::pool::limits::Period;

/// Rows that go at once.
const PORTION: u64 = 500;
/// Between two portions others have their turn.
const PAUSE: Duration = Duration::from_millis(20);
/// Sums per hour are of use for short ranges only.
const HOURS_KEPT: i64 = 35 * DAY;
/// Budgets look at the present day and month alone; clocks of hubs may differ.
const SPEND_KEPT: i64 = 62 * DAY;

/// How long rows stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// `RETENTION_DAYS`: requests and their details; 0 keeps them for good.
    pub days: u64,
    /// `CAPTURE_RETENTION_DAYS`: bodies; 0 keeps them for good.
    pub capture_days: u64,
    /// `CAPTURE_MAX_BYTES`: bodies together; 0 sets no bound.
    pub capture_bytes: u64,
    /// `RESPONSES_RETENTION_DAYS`: answers that Responses clients refer to; 0 keeps them for good.
    pub response_days: u64,
    /// `RESPONSES_MAX_BYTES`: those answers together; 0 sets no bound.
    pub response_bytes: u64,
    /// `AUDIT_RETENTION_DAYS`: who changed what; 0 keeps it for good.
    pub audit_days: u64,
    /// `HEALTH_RETENTION_DAYS`: what checks of providers found; 0 keeps the last ones for good.
    pub health_days: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            days: 90,
            capture_days: 7,
            capture_bytes: 1 << 30,
            response_days: 30,
            response_bytes: 1 << 30,
            audit_days: 0,
            health_days: 90,
        }
    }
}

/// What has gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Requests.
    pub requests: u64,
    /// Details.
    pub details: u64,
    /// Captured bodies.
    pub captures: u64,
    /// Sums per hour.
    pub sums: u64,
    /// How times were spread in those hours.
    pub latencies: u64,
    /// Answers of Responses, and what is left of those that clients have removed.
    pub responses: u64,
    /// Rows of the audit.
    pub audit: u64,
    /// Checks of providers.
    pub checks: u64,
    /// What client keys spent in days and months that are long over.
    pub spend: u64,
    /// Conversations in the database.
    pub conversations: u64,
    /// Conversations in files.
    pub conversation_files: u64,
}

impl Store {
    /// Lets go what is older than it may be at `now`, or too much. Conversations have bounds of their own.
    ///
    /// # Errors
    /// When the database is away; what has gone until then is gone.
    pub async fn sweep(&self, retention: &Retention, now: i64) -> Result<Swept, StoreError> {
        let before = |days: u64| {
            let age = i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(DAY);
            (days > 0).then(|| now.saturating_sub(age))
        };
        let mut swept = Swept::default();
        if let Some(before) = before(retention.capture_days) {
            swept.captures += self
                .forget::<capture::Entity>(capture::Column::At, before)
                .await?;
        }
        if retention.capture_bytes > 0 {
            swept.captures += self
                .shrink::<capture::Entity>(
                    capture::Column::At,
                    capture::Column::Bytes,
                    retention.capture_bytes,
                )
                .await?;
        }
        if let Some(before) = before(retention.days) {
            // What the sums have not come to yet must not go.
            let mark = rolling::mark(self.read(), Hold::No).await?;
            let before = std::cmp::min(before, mark.unwrap_or(i64::MIN));
            swept.captures += self
                .forget::<capture::Entity>(capture::Column::At, before)
                .await?;
            self.forget_requests(before, &mut swept).await?;
        }
        if let Some(before) = before(retention.response_days) {
            swept.responses = self
                .forget::<stored_response::Entity>(stored_response::Column::At, before)
                .await?;
        }
        swept.responses += self.forget_marks(now.saturating_sub(DAY)).await?;
        if retention.response_bytes > 0 {
            use stored_response::{Column, Entity};
            swept.responses += self
                .shrink::<Entity>(Column::At, Column::Bytes, retention.response_bytes)
                .await?;
        }
        if let Some(before) = before(retention.audit_days) {
            swept.audit = self
                .forget::<audit::Entity>(audit::Column::At, before)
                .await?;
        }
        if let Some(before) = before(retention.health_days) {
            swept.checks = self
                .forget::<health_check::Entity>(health_check::Column::At, before)
                .await?;
        }
        let since = Period::month(now.saturating_sub(SPEND_KEPT));
        swept.spend = self.forget_spend(&since.to_string()).await?;
        self.forget_hours(now.saturating_sub(HOURS_KEPT), &mut swept)
            .await?;
        Ok(swept)
    }

    /// Deletes rows from before a time, the oldest first.
    async fn forget<E>(&self, at: E::Column, before: i64) -> Result<u64, StoreError>
    where
        E: EntityTrait,
    {
        let mut gone = 0;
        loop {
            let edge: Option<i64> = E::find()
                .select_only()
                .column(at)
                .filter(at.lt(before))
                .order_by_asc(at)
                .offset(PORTION - 1)
                .limit(1)
                .into_tuple()
                .one(self.read())
                .await?;
            // Rows of the same millisecond go together, which is why the edge is a time and not a count.
            let condition = match edge {
                Some(edge) => at.lte(edge),
                None => at.lt(before),
            };
            let done = E::delete_many()
                .filter(condition)
                .exec(self.write())
                .await?;
            gone += done.rows_affected;
            if edge.is_none() {
                return Ok(gone);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Deletes requests from before a time with their details, the oldest first.
    async fn forget_requests(&self, before: i64, swept: &mut Swept) -> Result<(), StoreError> {
        loop {
            // By name: some servers read a whole table to delete what a question selects.
            let old: Vec<String> = request::Entity::find()
                .select_only()
                .column(request::Column::Id)
                .filter(request::Column::At.lt(before))
                .order_by_asc(request::Column::At)
                .limit(PORTION)
                .into_tuple()
                .all(self.read())
                .await?;
            if old.is_empty() {
                return Ok(());
            }
            // Details first: a row without them says less, they without it are not found again.
            let details = request_detail::Entity::delete_many()
                .filter(request_detail::Column::Id.is_in(old.iter().map(String::as_str)))
                .exec(self.write())
                .await?;
            let requests = request::Entity::delete_many()
                .filter(request::Column::Id.is_in(old))
                .exec(self.write())
                .await?;
            swept.details += details.rows_affected;
            swept.requests += requests.rows_affected;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Deletes the oldest rows until the rest takes no more room than this.
    async fn shrink<E>(&self, at: E::Column, bytes: E::Column, most: u64) -> Result<u64, StoreError>
    where
        E: EntityTrait,
    {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let mut total = self.room::<E>(bytes).await?;
        let mut gone = 0;
        while total > most {
            let oldest: Vec<(i64, i64)> = E::find()
                .select_only()
                .column(at)
                .column(bytes)
                .order_by_asc(at)
                .limit(PORTION)
                .into_tuple()
                .all(self.read())
                .await?;
            let mut edge = None;
            for (time, size) in oldest {
                // Those of the same millisecond go with it; their room is counted anew below.
                if total <= most {
                    break;
                }
                total -= size;
                edge = Some(time);
            }
            let Some(edge) = edge else { break };
            let done = E::delete_many()
                .filter(at.lte(edge))
                .exec(self.write())
                .await?;
            gone += done.rows_affected;
            if done.rows_affected == 0 {
                break;
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(gone)
    }

    /// How much room captured bodies take.
    ///
    /// # Errors
    /// When the database is away.
    pub async fn captured_bytes(&self) -> Result<i64, StoreError> {
        self.room::<capture::Entity>(capture::Column::Bytes).await
    }

    async fn room<E>(&self, bytes: E::Column) -> Result<i64, StoreError>
    where
        E: EntityTrait,
    {
        let whole = Expr::col(bytes).sum();
        // Servers sum into wider types than they store.
        let whole = whole.cast_as(if self.backend() == sea_orm::DatabaseBackend::MySql {
            "SIGNED"
        } else {
            "BIGINT"
        });
        let sum: Option<Option<i64>> = E::find()
            .select_only()
            .expr_as(whole, "total")
            .into_tuple()
            .one(self.read())
            .await?;
        Ok(sum.flatten().unwrap_or(0))
    }

    /// Deletes what was spent before a month, in days and months alike: their names are in the order of time.
    async fn forget_spend(&self, month: &str) -> Result<u64, StoreError> {
        let mut gone = 0;
        loop {
            let old: Vec<String> = spend::Entity::find()
                .select_only()
                .column(spend::Column::Id)
                .filter(spend::Column::Period.lt(month))
                .limit(PORTION)
                .into_tuple()
                .all(self.read())
                .await?;
            if old.is_empty() {
                return Ok(gone);
            }
            let done = spend::Entity::delete_many()
                .filter(spend::Column::Id.is_in(old))
                .exec(self.write())
                .await?;
            gone += done.rows_affected;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Deletes the marks of answers that clients have removed; all hubs have seen them.
    async fn forget_marks(&self, before: i64) -> Result<u64, StoreError> {
        use stored_response::{Column, Entity};
        let done = Entity::delete_many()
            .filter(Column::Scope.eq(REMOVED))
            .filter(Column::At.lt(before))
            .exec(self.write())
            .await?;
        Ok(done.rows_affected)
    }

    /// Deletes sums per hour from before a time, one dimension after the other, as they stand in the table.
    async fn forget_hours(&self, before: i64, swept: &mut Swept) -> Result<(), StoreError> {
        let mut after = -1;
        loop {
            let ids: Vec<i64> = dimension::Entity::find()
                .select_only()
                .column(dimension::Column::Id)
                .filter(dimension::Column::Id.gt(after))
                .order_by_asc(dimension::Column::Id)
                .limit(PORTION)
                .into_tuple()
                .all(self.read())
                .await?;
            let Some(last) = ids.last() else {
                return Ok(());
            };
            after = *last;
            for part in ids.chunks(20) {
                let old = |step: Expr, id: Expr, bucket: Expr| {
                    step.eq(HOUR)
                        .and(id.is_in(part.iter().copied()))
                        .and(bucket.lt(before))
                };
                use latency::Column as L;
                use rollup::Column as R;
                let condition = old(
                    Expr::col(R::Step),
                    Expr::col(R::DimensionId),
                    Expr::col(R::Bucket),
                );
                let done = rollup::Entity::delete_many()
                    .filter(condition)
                    .exec(self.write())
                    .await?;
                if done.rows_affected > 0 {
                    let condition = old(
                        Expr::col(L::Step),
                        Expr::col(L::DimensionId),
                        Expr::col(L::Bucket),
                    );
                    let spread = latency::Entity::delete_many()
                        .filter(condition)
                        .exec(self.write())
                        .await?;
                    swept.sums += done.rows_affected;
                    swept.latencies += spread.rows_affected;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}
