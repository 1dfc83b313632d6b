//! Finished requests as they come, for those who watch.

use std::sync::Arc;

use tokio::sync::broadcast;

use super::{Record, entry};
use crate::store::entities::request;

/// Rows that a slow watcher may be behind.
const BEHIND: usize = 256;
/// Watchers at once.
const WATCHERS: usize = 32;

/// Tells watchers of finished requests.
#[derive(Clone, Debug)]
pub struct Tail(broadcast::Sender<Arc<request::Model>>);

impl Default for Tail {
    fn default() -> Self {
        Self(broadcast::channel(BEHIND).0)
    }
}

impl Tail {
    /// Watches from now on; none when there are too many watchers already. Who is slow misses rows and is told so.
    #[must_use]
    pub fn watch(&self) -> Option<broadcast::Receiver<Arc<request::Model>>> {
        (self.0.receiver_count() < WATCHERS).then(|| self.0.subscribe())
    }

    /// Tells watchers, if there are any.
    pub(super) fn tell(&self, record: &Record) {
        if self.0.receiver_count() > 0 {
            // Nobody is left: so be it.
            let _ = self.0.send(Arc::new(entry::row(record)));
        }
    }
}
