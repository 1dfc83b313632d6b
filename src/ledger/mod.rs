//! What happened: one record per request, written by one writer behind a bounded queue.
//!
//! Nothing that answers a client ever waits here. When the writer cannot keep up, records are refused
//! and counted; when the database cannot, they wait in a file. The ledger knows nothing of how requests are
//! served, and no SQL.

mod book;
mod capture;
mod change;
mod entry;
mod file;
mod price;
mod queue;
mod record;
mod recorder;
mod span;
mod spill;
mod tail;

pub use book::{Book, BookCounts, BookSettings};
pub use capture::{Capture, CaptureMode, Side, masked};
pub use change::Change;
pub use entry::{capture_context, entry};
pub use file::{FileSettings, RotatingFile};
pub use price::cost_nano_usd;
pub use queue::{BODY, Counts, Keep, Ledger, Outlets};
pub use record::{Attempt, Flag, Label, Outcome, Record, Source, Tokens};
pub use recorder::{Recorder, book, to_database};
pub use span::{SpanContext, TRACEPARENT, fresh as fresh_span};
pub use tail::Tail;
