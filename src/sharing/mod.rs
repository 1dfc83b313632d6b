//! What several hubs know together: limits of client keys, rests of provider keys, open breakers.
//!
//! Every hub writes what it sees into Redis or Valkey a few times a second and reads what the others see; requests
//! never wait for it. So a limit that is shared is exact within one round of all hubs, and while the server is away
//! each hub counts for itself. Budgets are not here: the database shares them (`bookkeeping`).

mod link;
mod peers;

pub use link::{Sharing, SharingError};
