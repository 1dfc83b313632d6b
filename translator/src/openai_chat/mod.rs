//! OpenAI Chat Completions, OpenAI's own and what compatible servers made of it.
//!
//! Way up: [`decode_request`] reads a client's body, [`encode_request`] writes an upstream's, with the help of
//! `encode_turns`, `encode_parts`, `encode_tools`, `encode_config` and `reasoning`. Way down: [`StreamDecoder`] and
//! [`decode_response`] read an upstream, [`StreamEncoder`] and [`encode_response`] write for a client.

mod decode_calls;
mod decode_endings;
mod decode_parts;
mod decode_reasoning;
mod decode_request;
mod decode_response;
mod decode_stream;
mod decode_tools;
mod decode_turns;
mod encode_config;
mod encode_members;
mod encode_parts;
mod encode_request;
mod encode_response;
mod encode_stream;
mod encode_tools;
mod encode_turns;
mod error;
mod fit;
mod output_format;
mod reasoning;
mod server_members;
mod thinking;
mod usage;
mod wire;
mod wire_request;
mod wire_response;

pub(crate) use decode_request::decode_request;
pub(crate) use decode_response::decode_response;
pub use decode_stream::StreamDecoder;
pub(crate) use encode_request::encode_request;
pub(crate) use encode_response::encode_response;
pub use encode_stream::StreamEncoder;
pub(crate) use error::{decode_error, encode_error};
pub use fit::{Fit, fit};
pub(crate) use usage::read_usage;

#[cfg(test)]
mod tests;
