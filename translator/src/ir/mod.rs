//! The canonical representation: what all four dialects have in common, with room for what they have not.
//!
//! Requests are a tree ([`Request`]); answers are a sequence of [`Event`]s, streamed or not, which
//! [`crate::fold`] gathers into a [`Response`]. Everything borrows from the body it was read from.

mod config;
mod event;
mod part;
mod request;
mod response;
mod usage;

pub use config::*;
pub use event::*;
pub use part::*;
pub use request::*;
pub use response::*;
pub use usage::*;
