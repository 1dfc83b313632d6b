//! A conversation with a model through the hub, as a client has it: in any dialect, with a client key. Knows the four
//! dialects through the translator alone.

mod answer;
mod conversation;
mod image;
mod prompt;
pub(crate) mod repl;
mod wire;

pub(crate) use self::conversation::Conversation;
pub(crate) use self::wire::Line;
