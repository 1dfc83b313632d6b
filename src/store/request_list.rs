//! Finding requests: pages by time, the newest first, with filters; and one request with everything that is kept of it.

use std::time::Duration;

use sea_orm::sea_query::{Cond, Expr, Func, IntoCondition as _, LikeExpr};
use sea_orm::{
    ColumnTrait as _, DatabaseBackend, DatabaseTransaction, EntityTrait as _, ExprTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, TransactionTrait as _,
};

use super::entities::request::{Column, Entity, Model};
use super::entities::{capture, request_detail};
use super::{Store, StoreError};

/// Most rows of a page.
pub const LARGEST_PAGE: u64 = 500;
/// Longer texts are not looked for.
const LONGEST_SEARCH: usize = 200;
/// How most requests end; the others have an index of their own.
const OK: &str = "ok";
/// A search that takes longer is given up.
const DEADLINE: Duration = Duration::from_secs(8);

/// What to look for. Everything that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct RequestFilter {
    /// From this time on, milliseconds since 1970.
    pub from: Option<i64>,
    /// Before this time.
    pub to: Option<i64>,
    /// `x-request-id`.
    pub id: Option<String>,
    /// `generate`, `count`, `embed`.
    pub call: Option<String>,
    /// `ok`, `error`, `cancelled`, `cut`.
    pub outcome: Option<String>,
    /// The status, or its class when below 10.
    pub status: Option<i64>,
    /// Which kind of error.
    pub error_code: Option<String>,
    /// Who answered.
    pub provider: Option<String>,
    /// The model, asked for or served.
    pub model: Option<String>,
    /// The client key's id.
    pub client_key_id: Option<String>,
    /// Whose key it is. Callers who may see their own alone are bound by this.
    pub owner_id: Option<String>,
    /// The client's dialect.
    pub ingress: Option<String>,
    /// The provider's dialect.
    pub upstream: Option<String>,
    /// Why it went there.
    pub route: Option<String>,
    /// A label of the key.
    pub tag: Option<String>,
    /// At least so many microseconds.
    pub min_total_us: Option<i64>,
    /// Words in id, models, provider, key's name or error.
    pub text: Option<String>,
}

impl RequestFilter {
    /// As a condition on `requests`.
    #[must_use]
    pub fn condition(&self) -> Cond {
        let mut all = Cond::all()
            .add_option(self.from.map(|from| Column::At.gte(from)))
            .add_option(self.to.map(|to| Column::At.lt(to)))
            .add_option(self.min_total_us.map(|least| Column::TotalUs.gte(least)));
        for (column, value) in [
            (Column::Id, &self.id),
            (Column::CallKind, &self.call),
            (Column::Outcome, &self.outcome),
            (Column::ErrorCode, &self.error_code),
            (Column::Provider, &self.provider),
            (Column::ClientKeyId, &self.client_key_id),
            (Column::OwnerId, &self.owner_id),
            (Column::Ingress, &self.ingress),
            (Column::Upstream, &self.upstream),
            (Column::Route, &self.route),
        ] {
            all = all.add_option(value.as_ref().map(|value| column.eq(value.as_str())));
        }
        if let Some(model) = &self.model {
            let asked = Column::ModelAsked.eq(model.as_str());
            all = all.add(asked.or(Column::ModelServed.eq(model.as_str())));
        }
        if self.outcome.as_deref().is_some_and(|outcome| outcome != OK) {
            // Says what the index of those rows wants to hear.
            let ok = Expr::cust(format!("'{OK}'"));
            all = all.add(Expr::col(Column::Outcome).ne(ok));
        }
        if let Some(status) = self.status {
            all = all.add(match status {
                0..=9 => Column::Status
                    .gte(status * 100)
                    .and(Column::Status.lt((status + 1) * 100)),
                exact => Column::Status.eq(exact),
            });
        }
        if let Some(tag) = &self.tag {
            let tag = tag.replace('|', "/");
            all = all.add(like(Column::Tags, &format!("|{tag}|")));
        }
        match self.text.as_deref().map(str::trim) {
            None | Some("") => all,
            Some(words) => all.add(search(words)),
        }
    }
}

fn search(words: &str) -> Cond {
    let words: String = words.chars().take(LONGEST_SEARCH).collect();
    [
        Column::Id,
        Column::ModelAsked,
        Column::ModelServed,
        Column::Provider,
        Column::ClientKey,
        Column::Error,
    ]
    .into_iter()
    .fold(Cond::any(), |any, column| any.add(like(column, &words)))
}

/// Whether a column holds these words somewhere, in whatever case. What is special to LIKE is looked for literally.
fn like(column: Column, words: &str) -> Expr {
    let mut pattern = String::with_capacity(words.len() + 2);
    pattern.push('%');
    for letter in words.to_lowercase().chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        if letter != '\0' {
            pattern.push(letter);
        }
    }
    pattern.push('%');
    Expr::expr(Func::lower(Expr::col(column))).like(LikeExpr::new(pattern).escape('!'))
}

/// Where a page begins: behind this row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    at: i64,
    id: String,
}

impl Cursor {
    /// Behind what stands at this time under this identifier.
    #[must_use]
    pub const fn of(at: i64, id: String) -> Self {
        Self { at, id }
    }

    /// Its time and identifier.
    #[must_use]
    pub fn parts(&self) -> (i64, &str) {
        (self.at, &self.id)
    }

    /// Behind a row.
    #[must_use]
    pub fn behind(row: &Model) -> Self {
        Self {
            at: row.at,
            id: row.id.clone(),
        }
    }

    /// From its text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('.')?;
        Some(Self {
            at: at.parse().ok()?,
            id: id.to_owned(),
        })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.at, self.id)
    }
}

impl Store {
    /// A page of requests, the newest first.
    ///
    /// # Errors
    /// When the database is away, or the search takes too long.
    pub async fn requests(
        &self,
        filter: &RequestFilter,
        after: Option<&Cursor>,
        limit: u64,
    ) -> Result<Vec<Model>, StoreError> {
        let mut query = Entity::find()
            .filter(filter.condition())
            .order_by_desc(Column::At)
            .order_by_desc(Column::Id)
            .limit(limit.clamp(1, LARGEST_PAGE + 1));
        if let Some(after) = after {
            let behind = Column::At.lt(after.at).or(Column::At
                .eq(after.at)
                .and(Column::Id.lt(after.id.as_str())));
            // The first part alone lets the index be used.
            query = query
                .filter(Column::At.lte(after.at))
                .filter(behind.into_condition());
        }
        self.in_time(async |work| Ok(query.all(work).await?)).await
    }

    /// One request by its id; of one owner alone where one is given.
    ///
    /// # Errors
    /// When the database is away or there is none.
    pub async fn request(&self, id: &str, owner: Option<&str>) -> Result<Model, StoreError> {
        let mut query = Entity::find_by_id(id);
        if let Some(owner) = owner {
            query = query.filter(Column::OwnerId.eq(owner));
        }
        query.one(self.read()).await?.ok_or(StoreError::Missing)
    }

    /// What belongs to a request. Who may see it is decided with [`Store::request`].
    ///
    /// # Errors
    /// When the database is away.
    pub async fn request_details(
        &self,
        id: &str,
    ) -> Result<(Option<request_detail::Model>, Option<capture::Model>), StoreError> {
        let details = request_detail::Entity::find_by_id(id)
            .one(self.read())
            .await?;
        let capture = capture::Entity::find_by_id(id).one(self.read()).await?;
        Ok((details, capture))
    }

    /// Removes one request with what belongs to it. Sums stay: they say what happened.
    ///
    /// # Errors
    /// When the database is away or there is none.
    pub async fn remove_request(&self, id: &str) -> Result<(), StoreError> {
        let work = self.begin().await?;
        capture::Entity::delete_by_id(id).exec(&work).await?;
        request_detail::Entity::delete_by_id(id).exec(&work).await?;
        let gone = Entity::delete_by_id(id).exec(&work).await?;
        work.commit().await?;
        if gone.rows_affected == 0 {
            return Err(StoreError::Missing);
        }
        Ok(())
    }

    /// Reads with a deadline, which the server keeps too where it can.
    pub(super) async fn in_time<T>(
        &self,
        read: impl AsyncFnOnce(&DatabaseTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let bounded = async {
            let work = self.read().begin().await?;
            if self.backend() == DatabaseBackend::Postgres {
                use sea_orm::ConnectionTrait as _;
                // What is asked for is a small part of large tables. The usual price of a random page, from the time
                // of turning disks, makes the server read all of a table, which takes longer with every day.
                let terms = format!(
                    "SET LOCAL statement_timeout = {}; SET LOCAL random_page_cost = 1.1",
                    DEADLINE.as_millis()
                );
                work.execute_unprepared(&terms).await?;
            }
            let found = read(&work).await?;
            work.commit().await?;
            Ok(found)
        };
        tokio::time::timeout(DEADLINE, bounded)
            .await
            .unwrap_or(Err(StoreError::Slow))
    }
}
