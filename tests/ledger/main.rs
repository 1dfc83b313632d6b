//! The ledger in the database: what is written, asked, let go, and what survives bad days.
//!
//! SQLite by default; with `TEST_DATABASE_SERVER` naming a PostgreSQL or MariaDB server
//! (`postgres://user:password@host:port`), each test makes a database there and drops it.

mod away;
mod crash;
mod desk;
mod questions;
mod retention;
mod starts;
mod writing;
