//! The tables as types.

pub mod audit;
pub mod client_key;
pub mod definition;
pub mod fact;
pub mod preference;
pub mod revision;
pub mod secret;
pub mod session;
pub mod user;
