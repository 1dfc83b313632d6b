//! The golden test matrix: every client dialect against every upstream dialect.
//!
//! `requests/` and `answers/` hold the cases as data, `snapshots/` what the translator makes of them.
//! Every product is judged twice: against the vendor's own schema and by rules that a schema cannot say;
//! only then it is compared with its snapshot. `UPDATE_GOLDEN=1` rewrites snapshots and the loss table, but
//! never excuses a violation. Nothing here knows how a dialect is translated.

mod answers;
mod cases;
mod client_anthropic;
mod client_chat;
mod client_gemini;
mod client_responses;
mod codes;
mod cuts;
mod events;
mod failures;
mod finishes;
mod fixtures;
mod growing;
mod liveness;
mod loss_table;
mod mutations;
mod properties;
mod requests;
mod round_trip;
mod rules;
mod rules_anthropic;
mod rules_chat;
mod rules_gemini;
mod rules_responses;
mod schemas;
mod snapshots;
mod sources;
mod told;
mod transcripts;
mod undone;
mod usage;
