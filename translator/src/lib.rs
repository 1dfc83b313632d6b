//! Translate LLM API dialects into one another.
//!
//! Four dialects (OpenAI Chat Completions, OpenAI Responses, Anthropic Messages, Gemini
//! `generateContent`) meet in one representation, [`ir`]. Each dialect is a folder with the same
//! files and the same verbs: decode and encode a request, a response, a stream, an error. N dialects
//! cost 2N conversions.
//!
//! This crate is pure: no runtime, no network, no clock, no randomness. Identifiers are derived from a
//! seed and times are passed in, so that the same input always gives the same bytes.

mod alternatives;
pub mod answer;
pub mod anthropic;
pub mod capability;
pub mod continuation;
mod course;
pub mod dialect;
pub mod envelope;
pub mod error;
pub mod estimate;
pub mod fidelity;
pub mod fold;
pub mod foreign;
pub mod gemini;
mod group;
pub mod ident;
mod integers;
pub mod ir;
pub mod json;
pub mod losses;
pub mod member;
mod note;
pub mod openai_chat;
pub mod openai_responses;
pub mod prepare;
pub mod profile;
pub mod recall;
pub mod replay;
pub mod schema;
mod search_settings;
pub mod sequence;
mod speakers;
pub mod sse;
mod stage;
pub mod switches;
pub mod text;
mod think;
pub mod translate;
pub mod undo;
pub mod usage;
pub mod wire;
pub mod wording;

pub use dialect::Dialect;
pub use text::Text;
