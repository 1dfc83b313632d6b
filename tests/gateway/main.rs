//! The data plane against upstreams that misbehave.

mod alternatives;
mod availability;
mod continuation;
mod endpoints;
mod explain;
mod fallback;
mod hub;
mod identity;
mod outbound;
mod samples;
mod streams;
mod upstream;
