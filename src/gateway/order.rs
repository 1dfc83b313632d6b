//! What a client wants, established once and unchanged while targets are tried.

use std::sync::Arc;

use bytes::Bytes;
use http::HeaderMap;
use translator::Dialect;

use super::allowance::Notice;
use super::hub::Hub;
use super::peek::Peek;
use crate::routing::PlannedTarget;
use crate::snapshot::{Endpoint, Snapshot};

/// A request for an answer of a model.
pub(super) struct Order {
    pub(super) hub: Arc<Hub>,
    pub(super) snapshot: Arc<Snapshot>,
    pub(super) request_id: String,
    /// The client's dialect: that of the answer.
    pub(super) ingress: Dialect,
    /// The dialect of the body; another one only on the alias that takes either form.
    pub(super) body_dialect: Dialect,
    pub(super) headers: HeaderMap,
    /// Query parameters that may travel to an upstream of the same dialect.
    pub(super) query: String,
    pub(super) body: Bytes,
    pub(super) peek: Peek,
    /// The body before history was put in front; for the provider that keeps the history itself.
    pub(super) original: Option<Original>,
    /// Whose memory is used.
    pub(super) scope: Arc<str>,
    /// The model as the client wrote it.
    pub(super) model: String,
    pub(super) stream: bool,
    pub(super) json_array: bool,
    pub(super) strict: bool,
    /// What is done with the answer.
    pub(super) purpose: Purpose,
    /// Input items to be kept with the answer (Responses).
    pub(super) keep_input: Option<Box<str>>,
    /// The complete answer of a stream is kept.
    pub(super) keeps_response: bool,
    /// How the client key stands with its limits.
    pub(super) limits: Notice,
    /// The route's name.
    pub(super) route: Arc<str>,
    pub(super) targets: Vec<Arc<PlannedTarget>>,
}

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// An answer, now.
    Answer,
    /// An answer that the client asks for later (Responses).
    Background,
    /// The provider's own short form of a conversation (Responses).
    Compact,
}

impl Order {
    /// Where the client's own bytes go.
    pub(super) const fn endpoint(&self) -> Endpoint {
        match (self.purpose, self.stream) {
            (Purpose::Compact, _) => Endpoint::Compact,
            (_, true) => Endpoint::Stream,
            (_, false) => Endpoint::Generate,
        }
    }
}

/// A Responses request as it came, and who can follow its `previous_response_id`.
pub(super) struct Original {
    pub(super) body: Bytes,
    pub(super) peek: Peek,
    pub(super) provider: Arc<str>,
}
