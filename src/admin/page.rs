//! Lists: pages of a capped size, and a cursor that says where the next one begins.

use poem_openapi::Object;
use poem_openapi::types::{ParseFromJSON, ToJSON, Type};
use sea_orm::sea_query::LikeExpr;

use super::problem::Problem;

/// Most entries on a page.
const LARGEST: u64 = 100;
/// Entries on a page when nobody says.
const USUAL: u64 = 50;

/// One page of a list.
#[derive(Clone, Debug, Object)]
#[oai(skip_serializing_if_is_none)]
pub(super) struct Page<T: Type + ParseFromJSON + ToJSON + Send + Sync> {
    /// The entries.
    pub items: Vec<T>,
    /// Give this as `cursor` to read on; absent on the last page.
    pub next: Option<String>,
}

/// Where a page begins and how long it is.
#[derive(Clone, Debug)]
pub(super) struct Range {
    /// The key of the last entry of the page before.
    pub after: Option<String>,
    /// Entries on the page.
    pub limit: u64,
}

impl Range {
    /// From what a caller says.
    ///
    /// # Errors
    /// When the cursor cannot be one.
    pub(super) fn of(cursor: Option<String>, limit: Option<u64>) -> Result<Self, Problem> {
        if cursor
            .as_ref()
            .is_some_and(|cursor| cursor.len() > 256 || cursor.chars().any(char::is_control))
        {
            return Err(no_cursor());
        }
        Ok(Self {
            after: cursor,
            limit: limit.unwrap_or(USUAL).clamp(1, LARGEST),
        })
    }

    /// The cursor as what it is made of.
    ///
    /// # Errors
    /// When it cannot be one.
    pub(super) fn read<C>(
        &self,
        read: impl FnOnce(&str) -> Option<C>,
    ) -> Result<Option<C>, Problem> {
        let after = self.after.as_deref();
        after
            .map(|cursor| read(cursor).ok_or_else(no_cursor))
            .transpose()
    }

    /// A page of what is all at hand, in the order of its keys. A cursor is a key; the entry it names may be
    /// gone by now.
    pub(super) fn cut<T>(&self, items: Vec<T>, key: impl Fn(&T) -> String) -> Page<T>
    where
        T: Type + ParseFromJSON + ToJSON + Send + Sync,
    {
        self.cut_keyed(items.into_iter().map(|item| (key(&item), item)).collect())
    }

    /// The same, with the keys made already.
    pub(super) fn cut_keyed<T>(&self, mut keyed: Vec<(String, T)>) -> Page<T>
    where
        T: Type + ParseFromJSON + ToJSON + Send + Sync,
    {
        keyed.sort_by(|a, b| a.0.cmp(&b.0));
        if let Some(after) = &self.after {
            keyed.retain(|(key, _)| key > after);
        }
        let most = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = keyed.len() > most;
        keyed.truncate(most);
        let next = keyed.last().filter(|_| more).map(|(key, _)| key.clone());
        Page {
            items: keyed.into_iter().map(|(_, item)| item).collect(),
            next,
        }
    }

    /// A page of rows of which one more than the page holds was asked for.
    pub(super) fn page<R, T>(
        &self,
        mut rows: Vec<R>,
        key: impl Fn(&R) -> String,
        show: impl Fn(R) -> T,
    ) -> Page<T>
    where
        T: Type + ParseFromJSON + ToJSON + Send + Sync,
    {
        let most = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let more = rows.len() > most;
        rows.truncate(most);
        let next = if more { rows.last().map(key) } else { None };
        Page {
            items: rows.into_iter().map(show).collect(),
            next,
        }
    }
}

fn no_cursor() -> Problem {
    Problem::invalid(
        "cursor",
        "this is not a cursor",
        "use `next` of the page before",
    )
}

/// A pattern for whatever holds this text; signs that mean something in patterns mean themselves.
#[must_use]
pub(super) fn holding(text: &str) -> LikeExpr {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.chars() {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    // Not a backslash: MySQL has one more meaning for it.
    LikeExpr::new(pattern).escape('!')
}
