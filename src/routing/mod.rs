//! Rules, aliases, roles, fallback plan: from a snapshot and the facts of a request to an ordered
//! list of targets. Pure functions: no clock, no network, no state; chance comes from the caller.

mod closest;
mod condition;
mod conversation;
mod glob;
mod no_route;
mod order;
mod outline;
mod owner;
mod plan;
mod request;
mod resolution;
mod target;
mod trace;

#[cfg(test)]
mod tests;

pub use closest::closest;
pub use glob::Glob;
pub use no_route::NoRoute;
pub use plan::{Plan, PlannedTarget, explain, plan};
pub use request::Facts;
pub use trace::{Mismatch, SkipReason, TraceStep};

/// What routing needs from the outside when it has a choice.
pub trait Chooser {
    /// A random number below a bound; 0 when the bound is 0.
    fn random(&self, below: u64) -> u64;
    /// The next number of a group, counting from 0.
    fn next(&self, group: &str) -> u64;
    /// Recent latency in milliseconds.
    fn latency_ms(&self, provider: &str, model: &str) -> Option<f64>;
    /// Requests in flight at a provider.
    fn busy(&self, provider: &str) -> u64;
}
