//! What stands behind the memory of answers: something that outlives the process.
//!
//! The memory is asked first and always goes on without it. Only a request that refers to an answer which the memory
//! does not have waits for it, and not for long.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::{ResponseStore, StoredResponse};

/// How long a request waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is asked of an archive, later.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Keeps answers by client key and id beyond the life of the process.
pub trait ResponseArchive: Send + Sync {
    /// Keeps an answer, soon; never waits.
    fn put(&self, scope: &Arc<str>, id: &str, response: &Arc<StoredResponse>);
    /// Forgets an answer, soon; never waits.
    fn delete(&self, scope: &Arc<str>, id: &str);
    /// Finds an answer.
    fn get<'a>(&'a self, scope: &'a Arc<str>, id: &'a str) -> Later<'a, Option<StoredResponse>>;
    /// The newest answers of a client key with their ids.
    fn newest<'a>(&'a self, scope: &'a Arc<str>) -> Later<'a, Vec<(String, StoredResponse)>>;
}

/// Brings an answer back into memory, where the archive has it and the memory does not.
pub(in crate::gateway) async fn fetch(store: &dyn ResponseStore, scope: &Arc<str>, id: &str) {
    if store.get(scope, id).is_some() {
        return;
    }
    let Some(archive) = store.archive() else {
        return;
    };
    match timeout(PATIENCE, archive.get(scope, id)).await {
        Ok(Some(response)) => store.take_in(scope, id, Arc::new(response)),
        Ok(None) => {}
        Err(_) => tracing::warn!("the database took too long to find an answer"),
    }
}

/// Brings the newest answers of a client key back into memory: one of them has an item that is referred to.
pub(in crate::gateway) async fn fetch_newest(store: &dyn ResponseStore, scope: &Arc<str>) {
    let Some(archive) = store.archive() else {
        return;
    };
    let Ok(newest) = timeout(PATIENCE, archive.newest(scope)).await else {
        return tracing::warn!("the database took too long to find answers");
    };
    // The newest last, as if they had just been given.
    for (id, response) in newest.into_iter().rev() {
        if store.get(scope, &id).is_none() {
            store.take_in(scope, &id, Arc::new(response));
        }
    }
}
