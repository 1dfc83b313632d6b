//! Lists: page after page until there are as many rows as were asked for.

use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::Resource;
use crate::arguments::span;
use crate::client::Call;
use crate::failure::Ended;
use crate::output::Layout;
use crate::session::Session;

/// The most rows that the hub gives at a time.
pub(crate) const PAGE: usize = 100;

/// How much of a list.
#[derive(Args, Clone, Debug)]
pub(crate) struct Paging {
    /// How many rows at most.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// All of them.
    #[arg(long, conflicts_with = "limit")]
    pub(crate) all: bool,
    /// Go on where another list ended.
    #[arg(long, value_name = "CURSOR")]
    pub(crate) cursor: Option<String>,
    #[command(flatten)]
    watch: Watch,
}

/// Again and again.
#[derive(Args, Clone, Debug)]
pub(crate) struct Watch {
    /// Show it again and again [every 2 s].
    #[arg(long, short, value_name = "TIME", num_args = 0..=1, default_missing_value = "2s", value_parser = span, require_equals = true)]
    watch: Option<Duration>,
}

impl Watch {
    /// How often, where it is to be shown again.
    pub(crate) fn every(&self) -> Option<Duration> {
        self.watch
    }
}

/// What `list` takes.
#[derive(Args, Clone, Debug)]
pub(crate) struct List {
    /// Only those with these words in them.
    #[arg(long, short, value_name = "WORDS")]
    pub(crate) search: Option<String>,
    /// How much.
    #[command(flatten)]
    pub(crate) paging: Paging,
}

impl Resource {
    /// Lists them.
    pub(crate) async fn list(&self, session: &Session, list: &List) -> Ended {
        let call = Call::new("GET", self.path).with_some("search", list.search.as_deref());
        list.paging.show(session, &self.layout, &call).await
    }
}

impl Paging {
    /// Shows the rows of a call that answers in pages.
    pub(crate) async fn show(&self, session: &Session, layout: &Layout, call: &Call) -> Ended {
        session
            .watch(self.watch.every(), async || {
                let (rows, next) = self.rows(session, call).await?;
                session.console.list(layout, &rows)?;
                if let Some(next) = next {
                    session.console.note(&format!(
                        "there is more: --all, --limit, or --cursor '{next}'"
                    ));
                }
                Ok(())
            })
            .await
    }

    /// The rows, and where the next ones begin.
    pub(crate) async fn rows(
        &self,
        session: &Session,
        call: &Call,
    ) -> Ended<(Vec<Value>, Option<String>)> {
        let most = match self.all {
            true => usize::MAX,
            false => usize::try_from(self.limit).unwrap_or(usize::MAX),
        };
        pages(session, call, self.cursor.clone(), most).await
    }
}

/// All rows of a call that answers in pages.
pub(crate) async fn all_pages(session: &Session, call: &Call) -> Ended<Vec<Value>> {
    let (rows, _) = pages(session, call, None, usize::MAX).await?;
    Ok(rows)
}

/// So many rows of a call that answers in pages, and where the next ones begin.
async fn pages(
    session: &Session,
    call: &Call,
    mut cursor: Option<String>,
    most: usize,
) -> Ended<(Vec<Value>, Option<String>)> {
    let mut rows = Vec::new();
    loop {
        let limit = PAGE.min(most - rows.len());
        let call = call
            .clone()
            .with("limit", limit)
            .with_some("cursor", cursor.as_deref());
        let mut page = session.read(&call).await?.body;
        if let Value::Array(items) = page["items"].take() {
            rows.extend(items);
        }
        let next = page["next"].as_str().map(str::to_owned);
        // A cursor that does not move would never end.
        if next.is_none() || rows.len() >= most || next == cursor {
            return Ok((rows, next));
        }
        cursor = next;
    }
}
