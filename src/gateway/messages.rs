//! What is particular to clients of Anthropic Messages.

use translator::error::{Failure, FailureKind};

use super::chat::required;
use super::peek::Peek;

/// The model. A server-side thread is refused with the code on which the SDK sends the whole conversation.
pub(super) fn model(peek: &Peek) -> Result<String, Failure> {
    if peek.thread {
        let words =
            "this hub keeps no threads; send the whole conversation without the member thread";
        return Err(Failure::new(FailureKind::InvalidRequest, words)
            .with_code("thread_unsupported_request")
            .with_param("thread"));
    }
    required(peek)
}
