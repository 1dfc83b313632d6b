//! Turning rows into sums, behind a mark that moves with the time.
//!
//! Everything before the mark is in the sums, nothing behind it is. Rows that come late, from before the mark, are added
//! by whoever writes them, in the same transaction; all others are added when the mark passes them. Writers hold the mark
//! while they write, and who moves it holds it alone, so each row counts once whatever happens to anybody.

use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DatabaseBackend, EntityTrait as _, ExprTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Set,
};

use super::entities::{fact, request};
use super::fresh::{SPAN, begin};
use super::requests::Knowledge;
use super::rollups::{self, Sums};
use super::{Store, StoreError};

/// The fact that holds the mark.
pub(super) const MARK: &str = "rolled_until";
/// Requests are rows once they are over; most are over so soon after they began.
const GRACE: i64 = 120_000;
/// The mark moves so far at once.
const STRIDE: i64 = 600_000;
/// Rows that are read at once.
const PAGE: u64 = 2_000;
/// Rows after which a stride ends early.
const ENOUGH: u64 = 50_000;

/// How the mark is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// It is only read.
    No,
    /// Nobody moves it meanwhile.
    Shared,
    /// Nobody else even holds it.
    Alone,
}

/// Where the mark is; absent before the first time.
pub(super) async fn mark(
    database: &impl ConnectionTrait,
    hold: Hold,
) -> Result<Option<i64>, StoreError> {
    let query = fact::Entity::find_by_id(MARK);
    let query = match hold {
        Hold::No => query,
        // MariaDB has other words for a shared lock.
        Hold::Shared if database.get_database_backend() != DatabaseBackend::MySql => {
            query.lock_shared()
        }
        Hold::Shared | Hold::Alone => query.lock_exclusive(),
    };
    let row = query.one(database).await?;
    Ok(row.and_then(|row| row.value.parse().ok()))
}

impl Store {
    /// Moves the mark towards `now` by a stride. Says whether there is more to do.
    ///
    /// # Errors
    /// When the database does not take it; then the mark has not moved.
    pub async fn roll(&self, now: i64, known: &mut Knowledge) -> Result<bool, StoreError> {
        // By whole spans, since those are summed already.
        let limit = begin(now.saturating_sub(GRACE));
        let work = self.begin().await?;
        let Some(from) = mark(&work, Hold::Alone).await? else {
            let first = std::cmp::min(oldest(&work).await?.unwrap_or(limit), limit);
            let row = fact::ActiveModel {
                name: Set(MARK.to_owned()),
                value: Set(first.to_string()),
            };
            // Another hub may be first: then its mark is as good.
            fact::Entity::insert(row)
                .exec_without_returning(&work)
                .await?;
            work.commit().await?;
            return Ok(true);
        };
        if from >= limit {
            return Ok(false);
        }
        let (sums, to) = sums(&work, from, limit, known).await?;
        let news = if sums.is_empty() {
            Vec::new()
        } else {
            rollups::add(&work, &sums, known).await?
        };
        fact::Entity::update_many()
            .col_expr(fact::Column::Value, to.to_string().into())
            .filter(fact::Column::Name.eq(MARK))
            .exec(&work)
            .await?;
        work.commit().await?;
        known.learn(news);
        known.fresh.forget(to);
        Ok(to < limit)
    }
}

async fn oldest(database: &impl ConnectionTrait) -> Result<Option<i64>, StoreError> {
    Ok(request::Entity::find()
        .select_only()
        .column(request::Column::At)
        .order_by_asc(request::Column::At)
        .limit(1)
        .into_tuple()
        .one(database)
        .await?)
}

/// The sums over rows from a time on, and how far they go: as they were made when the rows were written, where these
/// are all, and else from the rows.
async fn sums(
    database: &impl ConnectionTrait,
    from: i64,
    limit: i64,
    known: &Knowledge,
) -> Result<(Sums, i64), StoreError> {
    if from != begin(from) {
        return read(database, from, std::cmp::min(limit, begin(from) + SPAN)).await;
    }
    let to = std::cmp::min(limit, from.saturating_add(STRIDE));
    let (count, spans) = known.fresh.between(from, to);
    if count == 0 || count != there(database, from, to).await? {
        return read(database, from, to).await;
    }
    let mut sums = Sums::default();
    spans.into_iter().for_each(|span| sums.join(span));
    Ok((sums, to))
}

/// How many rows there are; an index knows.
async fn there(database: &impl ConnectionTrait, from: i64, to: i64) -> Result<u64, StoreError> {
    let count: Option<i64> = request::Entity::find()
        .select_only()
        .column_as(request::Column::Id.count(), "rows")
        .filter(request::Column::At.gte(from))
        .filter(request::Column::At.lt(to))
        .into_tuple()
        .one(database)
        .await?;
    Ok(count
        .and_then(|count| u64::try_from(count).ok())
        .unwrap_or(0))
}

/// The sums over rows from a time on, and how far they go: to the end, or as far as it was enough.
async fn read(
    database: &impl ConnectionTrait,
    from: i64,
    to: i64,
) -> Result<(Sums, i64), StoreError> {
    let mut sums = Sums::default();
    let mut count = 0;
    let mut after: Option<(i64, String)> = None;
    loop {
        let mut query = request::Entity::find()
            .filter(request::Column::At.gte(from))
            .filter(request::Column::At.lt(to))
            .order_by_asc(request::Column::At)
            .order_by_asc(request::Column::Id)
            .limit(PAGE);
        if let Some((at, id)) = &after {
            let behind = request::Column::At.gt(*at).or(request::Column::At
                .eq(*at)
                .and(request::Column::Id.gt(id.as_str())));
            query = query.filter(request::Column::At.gte(*at)).filter(behind);
        }
        let page = query.all(database).await?;
        let is_last = (page.len() as u64) < PAGE;
        for row in &page {
            // Rows of one millisecond are never torn apart: the end is a time.
            if count >= ENOUGH && after.as_ref().is_some_and(|(at, _)| row.at > *at) {
                return Ok((sums, row.at));
            }
            sums.add(row);
            count += 1;
            after = Some((row.at, row.id.clone()));
        }
        if is_last {
            return Ok((sums, to));
        }
    }
}
