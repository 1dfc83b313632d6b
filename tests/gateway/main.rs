//! The data plane against upstreams that misbehave.

mod availability;
mod endpoints;
mod explain;
mod fallback;
mod hub;
mod identity;
mod limits;
mod loops;
mod outbound;
mod samples;
mod streams;
mod upstream;
