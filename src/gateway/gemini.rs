//! What is particular to clients of Gemini: the model is in the path, and one alias takes either of two bodies.

use translator::Dialect;
use translator::error::Failure;

use super::chat::required;
use super::peek::Peek;
use super::route::Ingress;

/// The model: from the path, on the alias from the body.
pub(super) fn model(ingress: &Ingress, peek: &Peek) -> Result<String, Failure> {
    match &ingress.model {
        Some(model) => Ok(model.clone()),
        None => required(peek).map(|model| {
            model
                .strip_prefix("models/")
                .map_or(model.clone(), str::to_owned)
        }),
    }
}

/// The dialect of the body. The first users of the alias send OpenAI messages to it.
pub(super) const fn body_dialect(ingress: &Ingress, peek: &Peek) -> Dialect {
    if ingress.either && peek.messages {
        Dialect::OpenAiChat
    } else {
        Dialect::Gemini
    }
}
