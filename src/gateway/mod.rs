//! The data plane: one thin ingress per dialect, one pipeline.
//!
//! A request is accepted, its caller identified, its body looked at, a plan made, targets tried, the answer
//! passed on or translated, and the account settled exactly once. Everything it needs is in the snapshot and
//! in memory: no database, no file and no lock is held across an await. It must never know where the
//! configuration came from.

mod admit;
mod again;
mod allowance;
mod array;
mod attempt;
mod background;
mod body;
mod bytepath;
mod chat;
mod check;
mod compact;
mod count;
mod embeddings;
mod embeddings_shape;
mod ending;
mod events;
mod explain;
mod finish;
mod gemini;
mod generate;
mod headers;
mod history;
mod hub;
mod identity;
mod intake;
mod live;
mod mask;
mod memory;
mod messages;
mod models;
mod oddities;
mod order;
mod params;
mod peek;
mod portrayal;
mod prepare;
mod query;
mod reach;
mod rehearsal;
mod remember;
mod reply;
mod request_id;
mod responses;
mod retry;
mod route;
mod send;
mod service;
mod settle;
mod source;
mod splice;
mod spoken;
mod status;
mod stream;
mod talk;
mod together;
mod trial;
mod tuning;
mod unary;
mod verdict;
mod watch;

pub use body::AnswerBody;
pub use check::{Checked, Offered, check, discover};
pub use explain::explain_request;
pub use hub::Hub;
pub use memory::{
    Archived, Later, Place, ResponseArchive, ResponseMemory, ResponseStore, StateMemory,
    StateStore, StoredResponse,
};
pub use rehearsal::{Rehearsal, Rehearsed, Unrehearsed, rehearse};
pub use service::handle;
pub use talk::{History, HistoryStore, Kept};
pub use trial::{FinalRequest, RuleFinding, Trial, TrialReport, TrialTarget, try_route};
pub use tuning::Tuning;
