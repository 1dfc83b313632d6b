//! Fuzz targets of the translator: bytes of any kind into every decoder.
//!
//! A target is a plain function of bytes that panics when a promise is broken, so that any fuzzer can drive it;
//! the driver here needs nothing but stable Rust. A target knows what every output must be (valid JSON, bounded,
//! the same however the input is split), never what it means.

pub mod corpus;
pub mod mutation;
pub mod reduction;
pub mod targets;
