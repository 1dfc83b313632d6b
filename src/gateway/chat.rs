//! What is particular to clients of OpenAI Chat Completions.

use translator::error::{Failure, FailureKind};

use super::peek::Peek;

/// The model, which must be there.
pub(super) fn model(peek: &Peek) -> Result<String, Failure> {
    required(peek)
}

/// The model of a body that must name one.
pub(super) fn required(peek: &Peek) -> Result<String, Failure> {
    match &peek.model {
        Some((_, name)) if !name.is_empty() => Ok(name.clone()),
        _ => Err(
            Failure::new(FailureKind::InvalidRequest, "the member model is missing")
                .with_param("model")
                .with_code("missing_required_parameter"),
        ),
    }
}
