//! The way out: dialling providers, sending requests, reading their answers.
//!
//! Connections are shared and kept alive, every dialled address passes the guard, and redirects are
//! never followed. Nothing here knows of dialects, routes or clients.

mod client;
mod connector;
mod guard;
mod inflate;
mod pieces;
mod resolver;
mod retry_after;
mod tunnel;

pub use client::{Client, SendError};
pub use connector::{ConnectError, Connector};
pub use guard::is_global_unicast;
pub use inflate::{Inflate, InflateError};
pub use pieces::Pieces;
pub use retry_after::retry_after;
