//! The Gemini `generateContent` dialect: reads and writes its requests, answers, streams and errors.
//!
//! Model, verb and framing stand in the path of this dialect, so they are the gateway's business.

mod base64;
mod call_ids;
mod chunk;
mod count;
mod decode_parts;
mod decode_request;
mod decode_response;
mod decode_stream;
mod decode_tools;
mod encode_config;
mod encode_media;
mod encode_request;
mod encode_response;
mod encode_stream;
mod encode_tools;
mod encode_turns;
mod error;
mod finish;
mod grounding;
mod logprobs;
mod reasoning;
mod signatures;
#[cfg(test)]
mod tests;
mod turns;
mod usage;
mod wire_request;
mod wire_response;

pub use call_ids::without_call_ids;
pub use count::encode_count_request;
pub(crate) use decode_request::decode_request;
pub(crate) use decode_response::decode_response;
pub use decode_stream::StreamDecoder;
pub(crate) use encode_request::encode_request;
pub(crate) use encode_response::encode_response;
pub use encode_stream::StreamEncoder;
pub(crate) use error::{decode_error, encode_error};
pub(crate) use usage::read_usage;
