//! LLM Bridge, the server: accepts LLM requests in four dialects, routes them to providers, translates
//! where the dialects differ, and keeps account of what happened.

pub mod admin;
pub mod bookkeeping;
pub mod catalogue;
pub mod config;
pub mod control;
pub mod conversation_files;
pub mod conversation_keeper;
pub mod conversations;
pub mod demo;
pub mod gateway;
pub mod ledger;
pub mod pool;
pub mod routing;
pub mod sharing;
pub mod snapshot;
pub mod store;
pub mod stored_responses;
pub mod telemetry;
pub mod upstream;
pub mod web;
