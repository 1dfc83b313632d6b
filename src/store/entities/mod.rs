//! The tables as types.

pub mod audit;
pub mod capture;
pub mod client_key;
pub mod conversation;
pub mod conversation_message;
pub mod conversation_switch;
pub mod definition;
pub mod dimension;
pub mod fact;
pub mod health_check;
pub mod latency;
pub mod preference;
pub mod request;
pub mod request_detail;
pub mod revision;
pub mod rollup;
pub mod secret;
pub mod session;
pub mod spend;
pub mod stored_response;
pub mod user;
