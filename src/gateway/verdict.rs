//! What came of the tries at the targets of an order.

use bytes::Bytes;
use http::HeaderMap;
use std::sync::Arc;
use translator::error::Failure;
use translator::fidelity::Report;
use translator::ir::Usage;

use super::admit::Held;
use super::live::Live;
use super::settle::Account;
use crate::routing::PlannedTarget;

/// What came of it.
pub(super) enum Verdict {
    /// A complete answer.
    Whole(Box<Whole>),
    /// A stream that has begun.
    Begun(Box<Begun>),
    /// Nothing: the last failure.
    Lost(Box<Lost>),
}

/// A complete answer, in the client's dialect.
pub(super) struct Whole {
    pub(super) body: Bytes,
    pub(super) usage: Option<Usage>,
    pub(super) report: Report,
    /// Headers of the upstream that the client gets.
    pub(super) headers: HeaderMap,
    pub(super) target: Arc<PlannedTarget>,
    pub(super) account: Account,
}

/// A stream that has begun.
pub(super) struct Begun {
    pub(super) live: Live,
    /// What the client gets first.
    pub(super) first: Bytes,
    /// The upstream has ended already.
    pub(super) ended: bool,
    pub(super) report: Report,
    pub(super) headers: HeaderMap,
    pub(super) target: Arc<PlannedTarget>,
    pub(super) held: Held,
    pub(super) account: Account,
}

/// Nothing.
pub(super) struct Lost {
    pub(super) failure: Failure,
    /// The upstream's own words, for a client of the same dialect.
    pub(super) verbatim: Option<Verbatim>,
    /// Who was asked last.
    pub(super) target: Option<Arc<PlannedTarget>>,
    pub(super) account: Account,
}

/// An upstream's error as it was.
pub(super) struct Verbatim {
    pub(super) status: u16,
    pub(super) body: Bytes,
}
