//! What happened: one record per request, written by one writer behind a bounded queue.
//!
//! Nothing that answers a client ever waits here. When the writer cannot keep up, records are refused
//! and counted. The ledger knows nothing of how requests are served.

mod change;
mod file;
mod queue;
mod record;

pub use change::Change;
pub use file::{FileSettings, RotatingFile};
pub use queue::{Counts, Ledger};
pub use record::{Attempt, Flag, Label, Outcome, Record, Source, Tokens};
