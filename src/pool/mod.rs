//! What traffic does to keys, providers and models: rotation, cool-down, breakers, concurrency, latency.
//!
//! All of it is in memory and survives a change of configuration, since it is keyed by names and key
//! ids. The clock is passed in, nothing waits, and no lock outlives a function. It must never know what
//! a request says or how it travels.

mod breaker;
mod gate;
mod key_state;
mod latency;
mod lease;
pub mod limits;
pub mod news;
mod pools;
mod resets;
mod rotation;
mod selection;

#[cfg(test)]
mod tests;

pub use breaker::{BreakerPass, BreakerPhase, BreakerState, Breakers};
pub use gate::{Busy, GatePass, Gates};
pub use key_state::{KeyOutcome, KeyStats};
pub use latency::Latencies;
pub use lease::{KeyIndex, KeyLease};
pub use pools::{ExhaustedReason, PoolExhausted, Pools};
pub use resets::Resets;
pub use selection::Selection;
