//! What is kept of an answer for later requests of the same client.

use std::sync::Arc;

use translator::json;
use translator::recall::{Kept, Key, Mark};

use super::hub::Hub;
use super::live::Live;
use super::memory::{Place, StateStore, StoredResponse};

/// What is kept under a key. The mark of an answer is only worked out where answers are kept at all.
pub(super) fn recall(
    states: &dyn StateStore,
    scope: &Arc<str>,
    key: Key<'_>,
) -> Vec<(Mark, String)> {
    match key {
        Key::Call(id) => states.get(scope, Place::Call(id)),
        Key::Answer(mark) if states.has_answers(scope) => states.get(scope, Place::Answer(mark())),
        Key::Answer(_) => Vec::new(),
    }
}

/// What to keep, decided before the answer is there.
pub(super) struct Remember {
    pub(super) hub: Arc<Hub>,
    pub(super) scope: Arc<str>,
    /// The input items of a Responses request; absent when the answer is not to be kept.
    pub(super) input: Option<Box<str>>,
}

impl Remember {
    /// Keeps what belongs to a stream that has ended well.
    pub(super) fn stream(self, live: &mut Live, provider: &Arc<str>) {
        self.states(live.take_keep());
        if let Some(response) = live.take_response() {
            self.response(response, live.is_same().then(|| Arc::clone(provider)));
        }
    }

    /// Keeps vendor state under its call, or under the mark of the answer that called nothing.
    pub(super) fn states(&self, keep: Vec<Kept>) {
        for kept in keep {
            let place = match &kept.call {
                Some(id) => Place::Call(id),
                None => Place::Answer(kept.mark),
            };
            let states = &self.hub.states;
            if kept.envelope.is_empty() && states.get(&self.scope, place).is_empty() {
                continue;
            }
            states.put(&self.scope, place, kept.mark, kept.envelope);
        }
    }

    /// Keeps a Responses answer. `origin` is the provider that knows its id.
    pub(super) fn response(self, response: String, origin: Option<Arc<str>>) {
        let Some(input) = self.input else { return };
        let id = json::member(&response, "id").map(|id| id.trim_matches('"').to_owned());
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            let stored = StoredResponse {
                input,
                response: response.into(),
                origin,
            };
            self.hub.responses.put(&self.scope, &id, stored);
        }
    }
}
