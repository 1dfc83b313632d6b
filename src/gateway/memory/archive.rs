//! What stands behind the memory of answers: something that outlives the process.
//!
//! The memory is asked first and always goes on without it. Only a request that refers to an answer which the memory
//! does not have waits for it, and not for long.

use std::pin::Pin;
use std::sync::Arc;

use super::{ResponseStore, StoredResponse};

/// What is asked of an archive, later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An answer out of an archive.
#[derive(Debug)]
pub struct Archived {
    /// The answer.
    pub response: StoredResponse,
    /// When it was given, in milliseconds since 1970.
    pub at_ms: i64,
}

/// Keeps answers by client key and id beyond the life of the process.
pub trait ResponseArchive: Send + Sync {
    /// Keeps an answer, soon; never waits.
    fn put(&self, scope: &Arc<str>, id: &str, response: &Arc<StoredResponse>);
    /// Forgets an answer, soon; never waits.
    fn delete(&self, scope: &Arc<str>, id: &str);
    /// Since when answers are found, in milliseconds since 1970: older ones may go at any moment.
    fn since(&self) -> i64;
    /// Finds an answer; gives up soon where it cannot.
    fn get<'a>(&'a self, scope: &'a Arc<str>, id: &'a str) -> Later<'a, Option<Archived>>;
    /// The newest answers of a client key with their ids; gives up soon where it cannot.
    fn newest<'a>(&'a self, scope: &'a Arc<str>) -> Later<'a, Vec<(String, Archived)>>;
}

/// Brings an answer back into memory, where the archive has it and the memory does not.
pub(in crate::gateway) async fn fetch(store: &dyn ResponseStore, scope: &Arc<str>, id: &str) {
    if store.get(scope, id).is_some() {
        return;
    }
    let Some(archive) = store.archive() else {
        return;
    };
    if let Some(found) = archive.get(scope, id).await {
        store.take_in(scope, id, found);
    }
}

/// Brings the newest answers of a client key back into memory: one of them has an item that is referred to.
pub(in crate::gateway) async fn fetch_newest(store: &dyn ResponseStore, scope: &Arc<str>) {
    let Some(archive) = store.archive() else {
        return;
    };
    // The newest last, as if they had just been given.
    for (id, found) in archive.newest(scope).await.into_iter().rev() {
        if store.get(scope, &id).is_none() {
            store.take_in(scope, &id, found);
        }
    }
}
