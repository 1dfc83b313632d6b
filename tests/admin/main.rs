//! The admin API, resource by resource, over a database of its own for each test.
//!
//! SQLite by default; with `TEST_DATABASE_SERVER` naming a PostgreSQL or MariaDB server
//! (`postgres://user:password@host:port`), each test makes a database there and drops it.

mod access;
mod aliases;
mod audit;
mod auth;
mod canary;
mod client_keys;
mod commands;
mod config;
mod conversation_history;
mod conversations;
mod first_start;
mod health;
mod house;
mod key_pools;
mod limits;
mod live;
mod models;
mod openapi;
mod plane;
mod preferences;
mod presets;
mod providers;
mod questions;
mod routes;
mod spend;
mod stats;
mod stored_responses;
mod upkeep;
#[expect(
    dead_code,
    reason = "shared with the tests of the data plane, which need all of it"
)]
#[path = "../gateway/upstream.rs"]
mod upstream;
mod usages;
mod users;
