//! OpenAI Chat Completions: reads and checks a request, renders an answer. What to answer is the script's business.

mod answer;
mod ask;
mod turns;

pub(super) use answer::{events, failure, whole};
pub(super) use ask::read;
