//! The way in: accepts connections, hands requests to the gateway, and stops in order.

mod accept;
mod entrance;
mod interface;
mod listen;
mod version;

pub use accept::{Limits, serve};
pub use entrance::Entrance;
pub use listen::listen;
