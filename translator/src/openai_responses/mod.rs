//! OpenAI Responses: typed items instead of messages, typed events instead of chunks.
//!
//! A request and an answer are lists of items: messages, reasoning, calls and their outputs. A stream repeats
//! each item whole when it is done. Every file here knows this dialect and the representation, no other dialect.

mod decode_answer;
mod decode_items;
mod decode_parts;
mod decode_request;
mod decode_response;
mod decode_stream;
mod decode_tools;
mod encode_config;
mod encode_items;
mod encode_parts;
mod encode_request;
mod encode_response;
mod encode_stream;
mod encode_tools;
mod encode_turns;
mod error;
mod reasoning;
#[cfg(test)]
mod schema_check;
mod server_items;
#[cfg(test)]
mod tests_decode_answer;
#[cfg(test)]
mod tests_decode_request;
#[cfg(test)]
mod tests_encode_answer;
#[cfg(test)]
mod tests_encode_request;
mod vendor;
mod wire_request;
mod wire_response;

pub(crate) use decode_answer::read_usage;
pub(crate) use decode_request::decode_request;
pub(crate) use decode_response::decode_response;
pub use decode_stream::StreamDecoder;
pub use encode_request::encode_count_request;
pub(crate) use encode_request::encode_request;
pub(crate) use encode_response::encode_response;
pub use encode_stream::StreamEncoder;
pub(crate) use error::{decode_error, encode_error};
