//! What goes over the data plane as conversations, for client keys whose owners want it kept.
//!
//! A request and its answer are held beside the account, up to a bound, and handed over when the account is closed. A
//! request is never slower for it than a copy of its answer takes, and never fails: what finds no room is counted and
//! not kept.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use arc_swap::ArcSwap;
use bytes::Bytes;
use tokio::sync::mpsc::Sender;
use translator::Dialect;

use crate::conversations::{Exchange, MessageUsage};
use crate::ledger::Record;

/// Longer requests and answers are not kept.
const LARGEST: usize = 8 << 20;

/// Where a client key's conversations are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HistoryStore {
    /// In the database.
    Database,
    /// In files beside it.
    File,
}

impl HistoryStore {
    /// The name in rows and requests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::File => "file",
        }
    }

    /// The store of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Database, Self::File]
            .into_iter()
            .find(|one| one.as_str() == name)
    }
}

/// An exchange, and where it is to be kept.
pub type Kept = (HistoryStore, Exchange);

/// Which client keys' conversations are kept, and the way to who keeps them.
#[derive(Debug, Default)]
pub struct History {
    switches: ArcSwap<HashMap<Arc<str>, HistoryStore>>,
    outlet: OnceLock<Sender<Kept>>,
    refused: AtomicU64,
}

impl History {
    /// Takes the switches in force.
    pub fn adopt(&self, switches: HashMap<Arc<str>, HistoryStore>) {
        self.switches.store(Arc::new(switches));
    }

    /// Says where exchanges go; the first one stays.
    pub fn attach(&self, outlet: Sender<Kept>) {
        let _ = self.outlet.set(outlet);
    }

    /// Exchanges that found no room.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    pub(super) fn of(&self, scope: &str) -> Option<HistoryStore> {
        self.outlet.get()?;
        self.switches.load().get(scope).copied()
    }

    fn put(&self, kept: Kept) {
        let taken = self
            .outlet
            .get()
            .is_some_and(|outlet| outlet.try_send(kept).is_ok());
        if !taken && self.refused.fetch_add(1, Ordering::Relaxed) == 0 {
            tracing::warn!("conversations come faster than they can be kept; some are not");
        }
    }
}

/// A request whose answer is under way.
pub(super) struct Talk {
    pub(super) store: HistoryStore,
    pub(super) scope: Arc<str>,
    pub(super) asked_in: Dialect,
    pub(super) answered_in: Dialect,
    pub(super) request: Bytes,
    answer: Vec<u8>,
    is_over: bool,
}

impl Talk {
    pub(super) fn new(
        store: HistoryStore,
        scope: &Arc<str>,
        (asked_in, answered_in): (Dialect, Dialect),
        request: &Bytes,
    ) -> Self {
        Self {
            store,
            scope: Arc::clone(scope),
            asked_in,
            answered_in,
            request: request.clone(),
            answer: Vec::new(),
            is_over: request.len() > LARGEST,
        }
    }

    /// Notes a part of the answer.
    pub(super) fn add(&mut self, part: &[u8]) {
        if self.is_over || self.answer.len() + part.len() > LARGEST {
            // Half an answer is none.
            self.is_over = true;
            self.answer = Vec::new();
            self.request = Bytes::new();
        } else {
            self.answer.extend_from_slice(part);
        }
    }

    /// Hands it over: the answer is whole.
    pub(super) fn finish(self, record: &Record, history: &History) {
        if self.is_over {
            return history.put_nothing();
        }
        let usage = record.usage.as_ref().map(|tokens| {
            let count = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
            MessageUsage {
                input_tokens: count(tokens.input),
                cached_tokens: count(tokens.cache_read),
                output_tokens: count(tokens.output),
                reasoning_tokens: count(tokens.reasoning),
            }
        });
        let text = |label: Option<&str>| label.unwrap_or_default().to_owned();
        let owner = record.caller.as_ref().and_then(|key| key.owner.as_deref());
        let exchange = Exchange {
            request_id: record.id.clone(),
            scope: self.scope.to_string(),
            owner: owner.map(str::to_owned),
            asked_in: self.asked_in,
            answered_in: self.answered_in,
            request: self.request,
            answer: self.answer,
            model_asked: record.model_asked.clone(),
            provider: text(record.provider.as_ref().map(crate::ledger::Label::as_str)),
            model: text(
                record
                    .model_served
                    .as_ref()
                    .map(crate::ledger::Label::as_str),
            ),
            usage,
        };
        history.put((self.store, exchange));
    }
}

impl History {
    /// Counts what was too long.
    fn put_nothing(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }
}
