//! The data plane against upstreams that misbehave.

mod alternatives;
mod availability;
mod background;
mod continuation;
mod endpoints;
mod explain;
mod fallback;
mod functions;
mod hub;
mod identity;
mod limits;
mod loops;
mod neighbours;
mod outbound;
mod prices;
mod proxy;
mod samples;
mod sharing;
mod streams;
mod traces;
mod upstream;
