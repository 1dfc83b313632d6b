//! OpenAI Responses: reads and checks a request, renders an answer. It is stateless: nothing is stored, so a request
//! that refers to something stored is refused.

mod answer;
mod ask;
mod stream;
mod turns;

pub(super) use answer::whole;
pub(super) use ask::{count, read};
pub(super) use stream::{events, failure};

/// The kind under which this dialect's reasoning state is sealed.
const STATE: &str = "encrypted_content";
