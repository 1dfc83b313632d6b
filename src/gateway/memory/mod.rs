//! What the hub remembers between requests: answers that Responses clients refer to, and vendor state for
//! clients that drop it.
//!
//! Everything is kept under the client key that it was made for and found by that key alone. Everything is
//! bounded in number, size and age, and a second hub can do without it.

mod archive;
mod bounded;
mod responses;
mod state;

pub use archive::{Archived, Later, ResponseArchive};
pub(super) use archive::{fetch, fetch_newest};
pub use responses::{ResponseMemory, ResponseStore, StoredResponse};
pub use state::{Place, StateMemory, StateStore};
