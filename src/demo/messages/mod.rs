//! Anthropic Messages: reads and checks a request, renders an answer. It reads both API versions; which members a version
//! forbids is checked with the version header.

mod answer;
mod ask;
mod turns;

pub(super) use answer::{events, failure, whole};
pub(super) use ask::{count, read};

/// The kind under which this dialect's reasoning state is sealed.
const STATE: &str = "signature";
