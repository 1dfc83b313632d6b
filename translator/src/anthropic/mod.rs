//! The Anthropic Messages dialect: requests, answers, streams and errors, in both directions.
//!
//! Requests: `decode_request` and `encode_request`, the latter from plans (`encode_config`, `reasoning`,
//! `encode_tools`, `cache`) and the turns (arranged by `encode_turns`, written by `encode_parts`). Answers:
//! one pair of files for complete ones, one for streams. The folder knows nothing of other dialects but the
//! representation.

mod cache;
mod decode_parts;
mod decode_request;
mod decode_response;
mod decode_stream;
mod decode_tools;
mod encode_config;
mod encode_parts;
mod encode_request;
mod encode_response;
mod encode_stream;
mod encode_tools;
mod encode_turns;
mod error;
mod finish;
mod mend;
mod names;
#[cfg(test)]
mod proof;
mod reasoning;
mod turn;
mod usage;
mod wire;

pub(crate) use decode_request::decode_request;
pub(crate) use decode_response::decode_response;
pub use decode_stream::StreamDecoder;
pub use encode_request::encode_count_request;
pub(crate) use encode_request::encode_request;
pub(crate) use encode_response::{client_call_id, encode_response, unusable};
pub use encode_stream::StreamEncoder;
pub(crate) use error::{decode_error, encode_error};
pub use mend::{Mended, mend};
pub(crate) use usage::Counts;
