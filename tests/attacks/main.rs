//! Attacks that must fail, one test each, numbered after the list in `list.json`.
//!
//! `waived.json` says which numbers have no test, and why; every other number must have one.

mod availability;
mod completeness;
#[expect(
    dead_code,
    reason = "shared with the gateway tests, which use more of it"
)]
#[path = "../gateway/hub.rs"]
mod hub;
mod identity;
mod isolation;
mod limits;
mod outbound;
mod program;
mod protocol;
mod release;
mod rendering;
#[expect(
    dead_code,
    reason = "shared with the gateway tests, which use more of it"
)]
#[path = "../gateway/samples.rs"]
mod samples;
mod secrets;
mod sse;
#[expect(
    dead_code,
    reason = "shared with the gateway tests, which use more of it"
)]
#[path = "../gateway/upstream.rs"]
mod upstream;
mod wire;
