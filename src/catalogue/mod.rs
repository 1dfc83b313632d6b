//! What is known of models: windows, abilities, prices; as data that comes with the program, from the operator, or
//! from a newer file.
//!
//! Nothing here knows requests, the database or the network. A price that is not known is absent, never 0.

mod book;
mod document;
mod name;
mod rates;
mod vendor;

pub use book::{Override, Price, PriceBook};
pub use document::{Catalogue, CatalogueError, IMPORTED_CATALOGUE, Model, Vendor};
pub use rates::{Rates, WireCost, WireTier};
pub use vendor::Identity;
