//! The built-in upstream behind `--demo`: a small, deterministic provider that speaks the four dialects, so that a first
//! request shows a translation and so that client suites have something honest to talk to. It refuses what the vendors refuse.
//! It must never use the `translator` crate: it is the independent witness of what the hub sends.
//!
//! Words in the last user text choose what comes back; they can be combined (`demo:reasoning demo:tool`). Notes that agents
//! put around their user's words (`<system-reminder>` and the like) are not looked at:
//!
//! | word | answer |
//! |---|---|
//! | (none) | one sentence that names the dialect and the model that the upstream was asked for |
//! | `demo:reasoning` | reasoning with the dialect's opaque state before the answer |
//! | `demo:tool` | one call of the first tool, or of a tool that the text names |
//! | `demo:parallel` | two calls at once |
//! | `demo:steps-N` | calls in N rounds before the final text |
//! | `demo:json` | a JSON object as text |
//! | `demo:long` | about two hundred sentences |
//! | `demo:refusal`, `demo:length`, `demo:empty` | refused; cut by the output limit; nothing at all |
//! | `demo:error-NNN` | the vendor's error with that status; 429 says when to come back |
//! | `demo:slow` | 100 ms between stream events |
//! | `demo:cut`, `demo:hang`, `demo:stream-error` | half an answer, then a dead connection; silence; an error event |
//! | `demo:cached`, `demo:usage` | half the prompt read from a cache; fixed counts (fresh 1000, read 200, written 100, visible 50, reasoning 30) |
//!
//! A model name that begins with `missing` is unknown to it, a credential that begins with `bad` is refused, every other name
//! is welcome, and no credential is needed. Tool results are answered with a text that quotes them.

mod ask;
mod catalogue;
mod chat;
mod check;
mod embedding;
mod fault;
mod frames;
mod gemini;
mod messages;
mod own_words;
mod responses;
mod route;
mod schema_sample;
mod script;
mod seal;
mod server;
mod wish;

#[cfg(test)]
mod tests;

pub use server::serve;
